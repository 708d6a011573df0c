"""The figures of the link on a plate over the upper half of the main picture.

Drawn once for each new table, then only copied: the paint of a picture stays cheap. It never
reaches into the lower half, where the ground ahead is.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPixmap

from ui.hud import wrapped
from ui.link_figures import Figures
from ui.theme import (
    BODY,
    CAPTION,
    ON_PLATE,
    ON_PLATE_2,
    ON_PLATE_AMBER,
    PLATE,
    PLATE_OPACITY,
    font,
    text_width,
)

MARGIN = 8  # to the edge of the picture
BELOW_TAG = 40  # px from the picture's top: the tag stands above
TAG_ROOM = 300  # px at the left that the tag may take
PAD = 12
GAP = 12  # between the columns
WIDER = 20  # px, from one try to the next
TITLE_H = 24
HEAD_H = 18
ROW_HIGH, ROW_LOW = 16, 12  # px; lower rows where the picture is low
TITLE = "Link figures"


@dataclass(frozen=True)
class Shape:
    """Where the plate goes, and how many cameras have room on it."""

    box: QRectF
    row_h: int
    name_w: int
    columns: tuple[int, ...]  # widths
    trouble: tuple[str, ...] = ()  # in lines, below the table


def shape_of(figures: Figures, area: QRectF) -> Shape:
    """Beside the tag where there is room, below it otherwise; in the upper half always."""
    name_w = max(text_width(name, CAPTION) for name, _ in figures.rows)
    widths = [
        max(
            text_width(camera, CAPTION, 600),
            *(text_width(values[number], CAPTION) for _, values in figures.rows),
        )
        for number, camera in enumerate(figures.cameras)
    ]
    room = area.width() - 2 * MARGIN - 2 * PAD - name_w
    while len(widths) > 1 and sum(widths) + GAP * len(widths) > room:
        widths.pop()
    title_w = text_width(TITLE, BODY, 600) + GAP + text_width(_note(figures, len(widths)), CAPTION)
    table_w = max(title_w, name_w + sum(widths) + GAP * len(widths))
    trouble = _lines(figures.trouble, table_w, int(area.width() - 2 * MARGIN - 2 * PAD))
    width = 2 * PAD + max([table_w, *(text_width(line, CAPTION) for line in trouble)])
    beside = width <= area.width() - TAG_ROOM - MARGIN
    top = area.top() + (MARGIN if beside else BELOW_TAG)
    fixed = PAD + TITLE_H + HEAD_H
    rows = len(figures.rows) + len(trouble)
    high = area.center().y() - top - fixed
    row_h = max(ROW_LOW, min(ROW_HIGH, int(high / rows)))
    height = fixed + row_h * rows
    box = QRectF(area.right() - MARGIN - width, top, width, height)
    return Shape(box, row_h, name_w, tuple(widths), trouble)


def _lines(trouble: str, table_w: int, room: int) -> tuple[str, ...]:
    """Three at most: as wide as the table, wider where that is too little."""
    if not trouble:
        return ()
    for width in range(table_w, room, WIDER):
        lines = wrapped(trouble, CAPTION, 400, width)
        fits = max(text_width(line, CAPTION) for line in lines) <= width
        if fits and " ".join(lines) == trouble:
            return tuple(lines)
    metrics = QFontMetrics(font(CAPTION))
    lines = wrapped(trouble, CAPTION, 400, room)
    return tuple(metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, room) for line in lines)


def _note(figures: Figures, shown: int) -> str:
    left_out = len(figures.cameras) - shown
    more = f" · {left_out} more cameras have no room here" if left_out else ""
    return f"{figures.link}{more}"


class FiguresPlate:
    """Keeps the drawn table until it changes."""

    def __init__(self) -> None:
        self.figures: Figures | None = None
        self._drawn: QPixmap | None = None
        self._drawn_for: tuple[QRectF, float] | None = None

    def show(self, figures: Figures | None) -> bool:
        """Take new values; whether they differ."""
        if figures == self.figures:
            return False
        self.figures, self._drawn = figures, None
        return True

    def draw(self, painter: QPainter, area: QRectF, ratio: float) -> None:
        """Put it over the picture in `area`, when there is something to show."""
        if self.figures is None or not self.figures.rows:
            return
        if self._drawn is None or self._drawn_for != (area, ratio):
            shape = shape_of(self.figures, area)
            self._drawn = _drawn(self.figures, shape, ratio)
            self._drawn_for, self._at = (area, ratio), shape.box.topLeft()
        painter.drawPixmap(self._at, self._drawn)


def _drawn(figures: Figures, shape: Shape, ratio: float) -> QPixmap:
    width, height = shape.box.width(), shape.box.height()
    pixmap = QPixmap(round(width * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    plate = QColor(PLATE)
    plate.setAlphaF(PLATE_OPACITY)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(plate)
    painter.drawRoundedRect(QRectF(0, 0, width, height), 4, 4)
    _write(painter, PAD, 17, TITLE, ON_PLATE, BODY, 600)
    note_x = PAD + text_width(TITLE, BODY, 600) + GAP
    _write(painter, note_x, 17, _note(figures, len(shape.columns)), ON_PLATE_2)
    right = PAD + shape.name_w
    for number, column in enumerate(shape.columns):
        right += GAP + column
        camera = figures.cameras[number]
        x = right - text_width(camera, CAPTION, 600)
        _write(painter, x, TITLE_H + 12, camera, ON_PLATE, CAPTION, 600)
        for row, (_, values) in enumerate(figures.rows):
            x = right - text_width(values[number], CAPTION)
            _write(painter, x, _baseline(shape, row), values[number], ON_PLATE)
    for row, (name, _) in enumerate(figures.rows):
        _write(painter, PAD, _baseline(shape, row), name, ON_PLATE_2)
    for row, line in enumerate(shape.trouble, start=len(figures.rows)):
        _write(painter, PAD, _baseline(shape, row), line, ON_PLATE_AMBER)
    painter.end()
    return pixmap


def _baseline(shape: Shape, row: int) -> float:
    return TITLE_H + HEAD_H + row * shape.row_h + shape.row_h / 2 + 4


def _write(
    painter: QPainter,
    x: float,
    y: float,
    text: str,
    color: str,
    px: int = CAPTION,
    weight: int = 400,
) -> None:
    painter.setFont(font(px, weight))
    painter.setPen(QColor(color))
    painter.drawText(QPointF(x, y), text)
