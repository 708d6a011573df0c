"""One view of the window: newest picture of its camera, numbers, veil, banner, in one paint.

A decoding thread puts pictures into the camera's mailbox; the paint takes the newest one, so that
what waits is never painted late and what was overwritten is counted by the mailbox. The stamp after
the last drawing call is what the picture's age is reckoned from.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from transport import clock
from transport.picture import Picture
from ui import hud as drawing
from ui.arc_paint import draw_arc
from ui.camera_feed import CameraFeed
from ui.figures_plate import FiguresPlate
from ui.link_figures import Figures
from ui.screen import Banner, Hud, PictureFace, Veil
from ui.theme import Theme

ASPECT = 4 / 3  # until a picture says otherwise
FRAME = 2
IDLE_MS = 100.0  # without a new picture for so long, numbers do not wait for the next

Painted = Callable[[Picture, int], None]


class Place(StrEnum):
    """Where a view is, and so what it has over its picture."""

    MAIN = "main"  # numbers and banner
    SECOND = "second"  # its tag
    STRIP = "strip"  # its number and a shape


class VideoView(QWidget):
    """Shows one camera. Only the view in the main place is what the operator drives by."""

    clicked = Signal()

    def __init__(
        self,
        theme: Theme,
        feed: CameraFeed,
        place: Place = Place.MAIN,
        *,
        on_painted: Painted | None = None,
    ) -> None:
        super().__init__()
        self._theme = theme
        self.place = place
        self._main = place is Place.MAIN
        self._on_painted = on_painted
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        if self._main:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        else:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.face: PictureFace | None = None
        self._hud: Hud | None = None
        self._banner: Banner | None = None
        self._plate = FiguresPlate()
        self.attach(feed)

    def attach(self, feed: CameraFeed) -> None:
        """Show another camera from now on, with the picture that it has; nothing of the former one
        stays on the screen, and what is reported as painted is this one's."""
        self.feed = feed
        self.face = None  # it was said of the former camera
        self._reported: Picture | None = None
        self.setAccessibleName(f"Picture of camera {feed.camera}")
        self.update()

    @property
    def camera(self) -> str:
        """The camera that is shown."""
        return self.feed.camera

    def wake(self) -> None:
        """Something may have come: repaint when it has."""
        if self.feed.has_news:
            self.update()

    def show_face(self, face: PictureFace, hud: Hud | None, banner: Banner | None) -> None:
        """What lies over the picture; repaints only for a change that no frame will carry along."""
        if face == self.face and hud == self._hud and banner == self._banner:
            return
        self.feed.stale_ms = face.stale_ms
        # While frames arrive, the next one (33 ms) takes numbers along; a state must not wait.
        urgent = (
            self.face is None
            or (face.veil, face.frame) != (self.face.veil, self.face.frame)
            or banner != self._banner
            or face.tag.word != self.face.tag.word
        )
        self.face, self._hud, self._banner = face, hud, banner
        if urgent or self._is_idle():
            self.update()
        self.setAccessibleDescription(f"{face.tag.word} {face.tag.detail}")

    def show_figures(self, figures: Figures | None) -> None:
        """The figures of the link over the picture; None: none."""
        appears = (figures is None) != (self._plate.figures is None)
        if self._plate.show(figures) and (appears or self._is_idle()):
            self.update()

    def _is_idle(self) -> bool:
        return self.feed.quiet_ms(clock.now_ns()) > IDLE_MS

    # --- Qt ---------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def hasHeightForWidth(self) -> bool:
        return not self._main

    def heightForWidth(self, width: int) -> int:
        return round(width / ASPECT)

    def picture_rect(self) -> QRectF:
        """Where the picture lies inside this widget, its proportions kept."""
        aspect, image = ASPECT, self.feed.image
        if image is not None and image.height() > 0:
            aspect = image.width() / image.height()
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

    def paintEvent(self, event: QPaintEvent) -> None:
        feed = self.feed
        new = feed.take()
        painter = QPainter(self)
        area = self.picture_rect()
        self._surround(painter, area)
        veil = None if feed.is_fresh(clock.now_ns()) else self._veil()
        if feed.image is None or (veil is not None and veil.black):
            painter.fillRect(area, Qt.GlobalColor.black)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, feed.image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        feed.painted += new
        self._over(painter, area, veil)
        painter.end()
        painted_ns = clock.now_ns()
        if new:
            feed.note_painted(painted_ns)
        if feed.picture is not None and feed.picture is not self._reported:
            self._reported = feed.picture
            if self._on_painted is not None:
                self._on_painted(feed.picture, painted_ns)

    def _veil(self) -> Veil | None:
        """Over a picture that is not fresh. Also when nothing has been said of it yet, or the words
        are older than what the clock says: no old picture is ever left bare."""
        if self.face is None:
            return Veil("NO PICTURE", "", True)
        if self.face.veil is None and self.feed.is_dated:
            return Veil("STALE", "No new picture.", False)
        return self.face.veil

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

    def _over(self, painter: QPainter, area: QRectF, veil: Veil | None) -> None:
        face = self.face
        if face is None:
            return
        if veil is not None and self.place is Place.STRIP:
            drawing.draw_small_veil(painter, veil, area, self.devicePixelRatioF())
        elif veil is not None:
            drawing.draw_veil(painter, veil, area, self.devicePixelRatioF())
        painted = self.feed.painted
        if self.place is Place.STRIP:
            drawing.draw_small_tag(painter, face, f"{self.feed.number}", painted, area)
        elif self._main:
            drawing.draw_tag(painter, face, f"{self.feed.number} {face.title}", painted, area)
        elif veil is None:  # its name stands above it, and a veil has a plate of its own
            drawing.draw_tag(painter, face, "", painted, area)
        if self._main:
            if self._hud is not None and self._hud.arc is not None and veil is None:
                draw_arc(painter, self._hud.arc, area, self.devicePixelRatioF())
            self._plate.draw(painter, area, self.devicePixelRatioF())
            if self._hud is not None:
                drawing.draw_hud(painter, self._hud, area)
            if self._banner is not None:
                drawing.draw_banner(painter, self._banner, area, self._theme)
        drawing.draw_frame(painter, area, face.frame, self._theme)
