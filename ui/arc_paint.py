"""Draws the path of the present command over the picture: white with a dark casing."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from ui.hud import hatch
from ui.path_arc import PathArc, Spot
from ui.theme import CAPTION, ON_PLATE, ON_PLATE_AMBER, PLATE, font, text_width

LINE, CASING = 3.0, 5.0
CROSS, CROSS_CASING = 1.2, 3.2
LABEL_H = 18


def draw_arc(painter: QPainter, arc: PathArc, area: QRectF, ratio: float) -> None:
    """Edges, lines across with their distance, and what is passed blindly as amber hatch."""
    scale = area.width() / arc.width_px

    def at(spot: Spot) -> QPointF:
        return QPointF(area.left() + spot[0] * scale, area.top() + spot[1] * scale)

    left, right = [at(spot) for spot in arc.left], [at(spot) for spot in arc.right]
    painter.save()
    painter.setClipRect(area)
    if arc.followed:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(255, 255, 255, 26))
        painter.drawPolygon(QPolygonF([*left, *reversed(right)]))
        if arc.blind > 1:
            painter.setBrush(QBrush(hatch(ON_PLATE_AMBER, 150, 10, ratio)))
            blind = [*left[: arc.blind], *reversed(right[: arc.blind])]
            painter.drawPolygon(QPolygonF(blind))
    edges = QPolygonF([*left, *reversed(right)])
    style = Qt.PenStyle.SolidLine if arc.followed else Qt.PenStyle.DashLine
    for mark in arc.marks:
        for ink, width in ((PLATE, CROSS_CASING), (ON_PLATE, CROSS)):
            painter.setPen(QPen(QColor(ink), width))
            painter.drawLine(at(mark.left), at(mark.right))
    for ink, width in ((PLATE, CASING), (ON_PLATE, LINE)):
        pen = QPen(QColor(ink), width, style)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPolyline(edges)
    painter.setFont(font(CAPTION))
    for mark in arc.marks:
        where = at(mark.left)
        width = text_width(mark.name, CAPTION) + 8
        box = QRectF(where.x() - width - 4, where.y() - LABEL_H / 2, width, LABEL_H)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(PLATE))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(ON_PLATE))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, mark.name)
    painter.restore()
