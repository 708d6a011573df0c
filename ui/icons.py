"""Icons: one small SVG each in `resources/icons`, drawn in the colour of the text beside it."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

SMALL_PX = 16  # up to here a stroke of 1.8 gets thin
SMALL_STROKE = "2.1"


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    return files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def pixmap(name: str, size: int, color: str, ratio: float = 1.0) -> QPixmap:
    """The icon as a pixmap of `size` px in `color` (#RRGGBB), sharp at pixel ratio `ratio`."""
    text = _source(name).replace("currentColor", color)
    if size <= SMALL_PX:
        text = text.replace('stroke-width="1.8"', f'stroke-width="{SMALL_STROKE}"')
    renderer = QSvgRenderer(QByteArray(text.encode()))
    image = QPixmap(round(size * ratio), round(size * ratio))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def draw(painter: QPainter, name: str, x: float, y: float, size: int, color: QColor) -> None:
    """Draw an icon with its upper left corner at (x, y)."""
    ratio = painter.device().devicePixelRatioF()
    painter.drawPixmap(QPointF(x, y), pixmap(name, size, color.name(), ratio))


def icon(name: str, color: QColor) -> QIcon:
    """The icon for a menu entry."""
    return QIcon(pixmap(name, SMALL_PX, color.name(), 2.0))
