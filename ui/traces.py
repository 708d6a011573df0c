"""Lines over any number of points, at the cost of as many as there are px across.

Where several points share a column of px the line is drawn as the band between their lowest and
highest: no peak is lost, and half an hour is drawn as quickly as half a minute.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from recorder.series import Flags, Integers, Numbers


def polygon(xs: Numbers, ys: Numbers) -> QPolygonF:
    """The points as Qt has them."""
    return QPolygonF([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)])


def draw_trace(painter: QPainter, xs: Numbers, ys: Numbers, color: QColor, wide: float) -> None:
    """A line through (xs, ys), n of each, in px; xs do not decrease."""
    columns = np.floor(xs).astype(np.int64)
    if len(xs) < 3 or len(xs) <= 2 * (columns[-1] - columns[0] + 1):
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, wide))
        painter.drawPolyline(polygon(xs, ys))
        return
    low, high = band(columns, ys)
    # Upright lines, not their outline: filling that takes a hundred times as long.
    _draw_upright(painter, np.unique(columns), low - wide / 2, high + wide / 2, color)


def draw_between(
    painter: QPainter, xs: Numbers, one: Numbers, other: Numbers, where: Flags, color: QColor
) -> None:
    """Upright lines from `one` to `other` in each column of px in which `where` holds."""
    if not where.any():
        return
    columns = np.floor(xs[where]).astype(np.int64)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    top = np.minimum.reduceat(np.minimum(one[where], other[where]), starts)
    bottom = np.maximum.reduceat(np.maximum(one[where], other[where]), starts)
    _draw_upright(painter, columns[starts], top, bottom, color)


def _draw_upright(
    painter: QPainter, columns: Integers, top: Numbers, bottom: Numbers, color: QColor
) -> None:
    """One line 1 px wide in each column."""
    ends = zip((columns + 0.5).tolist(), top.tolist(), bottom.tolist(), strict=True)
    painter.setPen(QPen(color, 1))
    painter.drawLines([QLineF(x, a, x, b) for x, a, b in ends])


def band(columns: Integers, ys: Numbers) -> tuple[Numbers, Numbers]:
    """(c,) lowest and highest of each of the c columns, the first point of the next included, so
    that neighbours touch as the line does."""
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    low, high = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    first = np.append(ys[starts[1:]], ys[-1])
    return np.minimum(low, first), np.maximum(high, first)
