"""The two pictures of the review: what was recorded, and what the replay looks like.

A solid frame is the record, a dashed one the replay, so that nobody takes one for the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.hud import wrapped
from ui.review_faces import Face
from ui.theme import (
    BODY,
    CAPTION,
    ON_PLATE,
    ON_PLATE_2,
    PLATE,
    PLATE_OPACITY,
    TITLE,
    Theme,
    font,
    scaled,
    text_width,
)

FRAME = 2
GAP = 4  # between the outer edge of the frame and the picture
MARGIN = 8
ASPECT = 4 / 3
INSET_SHARE = 0.26  # of the width
INSET_WIDEST = 320
ON_PLATE_RED = "#FF8B82"


def as_image(rgb: npt.NDArray[np.uint8]) -> QImage:
    """(height, width, 3) RGB as an image that keeps its own bytes, four to a pixel: those are
    scaled and painted in a tenth of the time."""
    height, width = rgb.shape[:2]
    whole = np.ascontiguousarray(rgb)
    packed = QImage(whole.data, width, height, width * 3, QImage.Format.Format_RGB888)
    return packed.convertToFormat(QImage.Format.Format_RGB32)


class ReviewPicture(QWidget):
    """One picture with its tag; `dashed` is the replay."""

    def __init__(self, theme: Theme, name: str, *, dashed: bool) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._dashed = dashed
        self._image: QImage | None = None
        self._inset: QImage | None = None
        self._face = Face("", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 150)
        self.setAccessibleName(name)

    @property
    def face(self) -> Face:
        """What is said over the picture."""
        return self._face

    @property
    def image(self) -> QImage | None:
        """What is shown."""
        return None if self._face.missing else self._image

    def show_image(self, image: QImage | None) -> None:
        """Take a new picture; None: there is none."""
        self._image = image
        self.update()

    @property
    def inset(self) -> QImage | None:
        """What is shown small in its corner."""
        return None if self._face.missing else self._inset

    def show_inset(self, image: QImage | None) -> None:
        """Another camera, small; None: not now."""
        if image is not None or self._inset is not None:
            self._inset = image
            self.update()

    def show_face(self, face: Face) -> None:
        """Take new words."""
        if face != self._face:
            self._face = face
            spoken = face.missing or f"{face.tag} {face.detail}"
            self.setAccessibleDescription(f"{spoken} {face.differs}".strip())
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(556, 417)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, face = self._theme, self._face
        painter = QPainter(self)
        room = QRectF(self.rect())
        aspect = ASPECT
        if self._image is not None and self._image.height():
            aspect = self._image.width() / self._image.height()
        width = min(room.width(), room.height() * aspect)
        area = QRectF(0, 0, round(width), round(width / aspect))
        area.moveCenter(room.center())
        area.moveTopLeft(QPointF(round(area.left()), round(area.top())))
        frame = area
        area = area.adjusted(GAP, GAP, -GAP, -GAP)  # the frame is seen whatever the picture shows
        painter.fillRect(area, QColor("#000000"))
        image = self.image
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if face.missing:
            self._missing(painter, area)
        if face.tag:
            self._tag(painter, area)
        if self.inset is not None:
            self._small(painter, area, self.inset)
        if face.differs and not face.missing:
            self._difference(painter, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(theme.color("edge"), FRAME)
        if self._dashed:
            pen = QPen(theme.color("text2"), FRAME, Qt.PenStyle.CustomDashLine)
            pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawRect(frame.adjusted(1, 1, -1, -1))

    def _small(self, painter: QPainter, area: QRectF, image: QImage) -> None:
        """Another camera, bottom right; a quarter of the width at most, and out of the way of what
        is said at the left."""
        wide = round(min(area.width() * INSET_SHARE, INSET_WIDEST))
        high = round(wide * image.height() / max(1, image.width()))
        box = QRectF(area.right() - MARGIN - wide, area.bottom() - MARGIN - high, wide, high)
        painter.drawImage(box, image)
        painter.setPen(QPen(QColor(PLATE), FRAME))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)

    def _plate(self, painter: QPainter, box: QRectF) -> None:
        plate = QColor(PLATE)
        plate.setAlphaF(PLATE_OPACITY)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plate)
        painter.drawRoundedRect(box, 4, 4)

    def _tag(self, painter: QPainter, area: QRectF) -> None:
        face = self._face
        word_px = text_width(face.tag, CAPTION, 700)
        room = int(area.width()) - 2 * MARGIN - word_px - 24
        whole = face.detail
        for end in (",", " ·"):  # which step it is matters more than whose state, or when
            if text_width(whole, CAPTION) > room:
                whole = whole.partition(end)[0]
        painter.setFont(font(CAPTION))
        detail = QFontMetrics(painter.font()).elidedText(whole, Qt.TextElideMode.ElideRight, room)
        wide = word_px + 16 + (text_width(detail, CAPTION) + 8 if detail else 0)
        box = QRectF(area.left() + MARGIN, area.top() + MARGIN, wide, scaled(24))
        self._plate(painter, box)
        painter.setPen(QColor(ON_PLATE))
        painter.setFont(font(CAPTION, 700))
        painter.drawText(QPointF(box.left() + 8, box.top() + scaled(16)), face.tag)
        painter.setPen(QColor(ON_PLATE_2))
        painter.setFont(font(CAPTION))
        painter.drawText(QPointF(box.left() + 16 + word_px, box.top() + scaled(16)), detail)

    def _difference(self, painter: QPainter, area: QRectF) -> None:
        face, room = self._face, int(area.width() * (1 - INSET_SHARE)) - 3 * MARGIN - 20
        lines = wrapped(face.where, BODY, 400, room) if face.where else []
        wide = max([text_width(face.differs, BODY, 700), *(text_width(x, BODY) for x in lines)])
        high = scaled(26 + 18 * len(lines))
        box = QRectF(area.left() + MARGIN, area.bottom() - MARGIN - high, wide + 20, high)
        self._plate(painter, box)
        painter.setPen(QColor(ON_PLATE_RED))
        painter.setFont(font(BODY, 700))
        painter.drawText(QPointF(box.left() + 10, box.top() + scaled(18)), face.differs)
        painter.setFont(font(BODY))
        for number, line in enumerate(lines, 1):
            painter.drawText(QPointF(box.left() + 10, box.top() + scaled(18 + 18 * number)), line)

    def _missing(self, painter: QPainter, area: QRectF) -> None:
        face, room = self._face, int(min(area.width() - 48, scaled(420)))
        title = wrapped(face.missing, TITLE, 600, room)
        detail = wrapped(face.why, BODY, 400, room) if face.why else []
        y = area.center().y() + scaled(15 - (22 * len(title) + 20 * len(detail)) / 2)
        for line in title:
            painter.setPen(QColor(ON_PLATE))
            painter.setFont(font(TITLE, 600))
            x = area.center().x() - text_width(line, TITLE, 600) / 2
            painter.drawText(QPointF(x, y), line)
            y += scaled(22)
        for line in detail:
            painter.setPen(QColor(ON_PLATE_2))
            painter.setFont(font(BODY))
            painter.drawText(QPointF(area.center().x() - text_width(line, BODY) / 2, y), line)
            y += scaled(20)
