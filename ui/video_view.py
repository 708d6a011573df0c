"""One camera on the screen: newest picture, numbers over it, veil, banner, in one paint.

A decoding thread puts pictures into the mailbox; the paint takes the newest one, so that what waits
is never painted late and what was overwritten is counted by the mailbox. The stamp after the last
drawing call is what the picture's age is reckoned from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from teleop.operator_view import PictureView
from transport import clock
from transport.mailbox import Mailbox
from transport.picture import Picture
from ui import hud as drawing
from ui.picture_state import STALE_MS
from ui.screen import Banner, Hud, PictureFace
from ui.theme import Theme

ASPECT = 4 / 3  # until a picture says otherwise
FRAME = 2
KEPT = 60  # paints remembered, for rate and ages

Painted = Callable[[Picture, int], None]


class VideoView(QWidget):
    """Shows one camera; `main` has the numbers and the banner, a second one only its tag."""

    clicked = Signal()

    def __init__(
        self,
        theme: Theme,
        mailbox: Mailbox[Picture],
        camera: str,
        *,
        main: bool,
        on_painted: Painted | None = None,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._main = main
        self._on_painted = on_painted
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        if main:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        else:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.face: PictureFace | None = None
        self.number = ""  # the key that brings this camera to the main view
        self._hud: Hud | None = None
        self._banner: Banner | None = None
        self._offset_ns: int | None = None
        self._stale_ms = STALE_MS
        self.attach(mailbox, camera)

    def attach(self, mailbox: Mailbox[Picture], camera: str) -> None:
        """Show another camera from now on; nothing of the former one stays on the screen."""
        self.mailbox = mailbox
        self.camera = camera
        self.picture: Picture | None = None
        self._image: QImage | None = None
        self._seen = -1
        self.painted = 0
        self.last_painted_wall = ""
        self._stamps: deque[int] = deque(maxlen=KEPT)
        self._lags: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self.setAccessibleName(f"Picture of camera {camera}")
        self.update()

    def wake(self) -> None:
        """Something may have come: repaint when it has."""
        if self.mailbox.delivered != self._seen:
            self.update()

    def show_face(self, face: PictureFace, hud: Hud | None, banner: Banner | None) -> None:
        """What lies over the picture; repaints only for a change that no frame will carry along."""
        if face == self.face and hud == self._hud and banner == self._banner:
            return
        self._stale_ms = face.stale_ms
        # While frames arrive, the next one (33 ms) takes numbers along; a state must not wait.
        urgent = (
            self.face is None
            or (face.veil, face.frame) != (self.face.veil, self.face.frame)
            or banner != self._banner
            or face.tag.word != self.face.tag.word
        )
        self.face, self._hud, self._banner = face, hud, banner
        quiet = not self._stamps or clock.now_ns() - self._stamps[-1] > 100 * clock.NS_PER_MS
        if urgent or quiet:
            self.update()
        self.setAccessibleDescription(f"{face.tag.word} {face.tag.detail}")

    def view(self, offset_ns: int | None, now_ns: int) -> PictureView:
        """What this camera shows now; ages need the robot's clock against this console's."""
        self._offset_ns = offset_ns
        age_ms: float | None = None
        ages: tuple[float, ...] = ()
        if offset_ns is not None and self.picture is not None:
            age_ms = max(0.0, (now_ns + offset_ns - self.picture.captured_ns) / 1e6)
            ages = tuple(
                max(0.0, (painted + offset_ns - captured) / 1e6) for painted, captured in self._lags
            )
        elif self._stamps and now_ns - self._stamps[-1] > self._stale_ms * clock.NS_PER_MS:
            # Without the robot's clock the age is not known, but it is at least this much.
            age_ms = (now_ns - self._stamps[-1]) / 1e6
        return PictureView(
            self.camera, age_ms, self.painted, self._fps(now_ns), self.last_painted_wall, ages
        )

    def _fps(self, now_ns: int) -> float:
        if len(self._stamps) < 2 or now_ns - self._stamps[-1] > clock.NS_PER_S:
            return 0.0
        gaps = [b - a for a, b in pairwise(self._stamps)]
        return clock.NS_PER_S / max(1.0, fmean(gaps))

    # --- Qt ---------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def hasHeightForWidth(self) -> bool:
        return not self._main

    def heightForWidth(self, width: int) -> int:
        return round(width / ASPECT)

    def picture_rect(self) -> QRectF:
        """Where the picture lies inside this widget, its proportions kept."""
        aspect = ASPECT
        if self._image is not None and self._image.height() > 0:
            aspect = self._image.width() / self._image.height()
        room = QRectF(self.rect()).adjusted(FRAME, FRAME, -FRAME, -FRAME)
        width = min(room.width(), room.height() * aspect)
        height = width / aspect
        left = round(room.center().x() - width / 2)
        top = round(room.center().y() - height / 2) if not self._main else room.top()
        return QRectF(left, top, round(width), round(height))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.clicked.emit()

    def _take(self) -> Picture | None:
        """The newest picture when there is a new one."""
        self._seen = self.mailbox.delivered
        picture = self.mailbox.take()
        if picture is None:
            return None
        self.picture = picture
        height, width = picture.bgra.shape[:2]
        # No copy: the picture is kept as long as the image that looks at it.
        self._image = QImage(
            picture.bgra.data.cast("B"),
            width,
            height,
            picture.bgra.strides[0],
            QImage.Format.Format_RGB32,
        )
        return picture

    def paintEvent(self, event: QPaintEvent) -> None:
        new = self._take()
        painter = QPainter(self)
        area = self.picture_rect()
        self._surround(painter, area)
        veil = self.face.veil if self.face else None
        veiled = veil is not None and not self._is_fresh()
        if self._image is None or (veiled and veil is not None and veil.black):
            painter.fillRect(area, Qt.GlobalColor.black)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if new is not None:
            self.painted += 1
        self._over(painter, area, veiled)
        painter.end()
        if new is not None:
            self._note(new)

    def _is_fresh(self) -> bool:
        """Whether the picture lifts a veil at once, before the next view of the state."""
        if self.picture is None:
            return False
        if self._offset_ns is None:
            return True  # without the robot's clock only "no picture yet" is ever veiled here
        return (clock.now_ns() + self._offset_ns - self.picture.captured_ns) / 1e6 <= self._stale_ms

    def _surround(self, painter: QPainter, area: QRectF) -> None:
        win = self._theme.color("win" if self._main else "panel")
        inner = area.toRect()
        whole = self.rect()
        for strip in (
            QRect(0, 0, whole.width(), inner.top()),
            QRect(0, inner.bottom() + 1, whole.width(), whole.height() - inner.bottom() - 1),
            QRect(0, inner.top(), inner.left(), inner.height()),
            QRect(
                inner.right() + 1, inner.top(), whole.width() - inner.right() - 1, inner.height()
            ),
        ):
            painter.fillRect(strip, win)

    def _over(self, painter: QPainter, area: QRectF, veiled: bool) -> None:
        face = self.face
        if face is None:
            return
        if face.veil is not None and veiled:
            drawing.draw_veil(
                painter,
                face.veil,
                area,
                self.devicePixelRatioF(),
            )
        if self._main:
            title = f"{self.number} {face.title}".strip()
            drawing.draw_tag(painter, face, title, self.painted, area)
        elif not veiled:  # its name stands above it, and a veil has a plate of its own
            drawing.draw_tag(painter, face, "", self.painted, area)
        if self._main:
            if self._hud is not None:
                drawing.draw_hud(painter, self._hud, area)
            if self._banner is not None:
                drawing.draw_banner(painter, self._banner, area, self._theme)
        drawing.draw_frame(painter, area, face.frame, self._theme)

    def _note(self, picture: Picture) -> None:
        painted_ns = clock.now_ns()
        self._stamps.append(painted_ns)
        self._lags.append((painted_ns, picture.captured_ns))
        self.last_painted_wall = clock.wall_time().astimezone().strftime("%H:%M:%S")
        if self._on_painted is not None:
            self._on_painted(picture, painted_ns)
