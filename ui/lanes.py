"""How stretches of time and what happened in them are drawn, live and in the review.

A `LanePainter` knows colours and shapes; where lanes lie and what time they cover is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QPainter, QPolygonF

from ui.history import Mark, Segment
from ui.hud import hatch
from ui.theme import CAPTION, Theme, font, text_width

LEGIBLE = 70  # px; less of a text says nothing


class LanePainter:
    """Draws lanes from `start_ns` to `end_ns` with one painter."""

    def __init__(
        self, painter: QPainter, theme: Theme, ratio: float, start_ns: int, end_ns: int
    ) -> None:
        self._painter = painter
        self._theme = theme
        self._ratio = ratio
        self._start_ns = start_ns
        self._end_ns = end_ns

    def x(self, lane: QRectF, stamp_ns: int) -> float:
        """Where a moment lies; what is outside lies at the edge."""
        share = (stamp_ns - self._start_ns) / max(1, self._end_ns - self._start_ns)
        return lane.left() + lane.width() * min(1.0, max(0.0, share))

    def control(self, lane: QRectF, segments: Iterable[Segment]) -> None:
        """Who has the robot."""
        theme, painter = self._theme, self._painter
        for segment in segments:
            x0 = math.floor(self.x(lane, segment.start_ns))
            x1 = math.floor(self.x(lane, segment.end_ns))
            if x1 <= x0:
                continue
            box = QRectF(x0, lane.top(), x1 - x0, lane.height())
            fill, ink, edge = self._colors(segment.kind)
            if fill is not None:
                painter.fillRect(box, fill)
            if segment.kind in ("call", "hold"):
                painter.fillRect(box, QBrush(hatch(theme.tokens.amber, 150, 8, self._ratio)))
            if edge is not None:
                painter.setPen(edge)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            word_px = text_width(segment.word, CAPTION, 500)
            if segment.kind in ("call", "hold") and x1 - x0 > word_px + 12:
                plate = QRectF(x0 + 2, lane.top() + 2, word_px + 8, lane.height() - 4)
                painter.fillRect(plate, theme.color("panel"))
            self.word(segment.word, box, ink)

    def phases(self, lane: QRectF, segments: Iterable[Segment]) -> None:
        """What part of the work it was."""
        theme, painter = self._theme, self._painter
        for segment in segments:
            x0 = math.floor(self.x(lane, segment.start_ns))
            x1 = math.floor(self.x(lane, segment.end_ns))
            if x1 <= x0 or not segment.word:
                continue
            box = QRectF(x0, lane.top(), x1 - x0, lane.height())
            yours = segment.kind.startswith("yours")
            painter.fillRect(box, theme.color("phase_yours" if yours else "ctl"))
            painter.fillRect(QRectF(x0, lane.top(), 1, lane.height()), theme.color("edge"))
            self.word(segment.word, box, theme.color("text" if yours else "text2"))

    def marks(self, lane: QRectF, shown: Sequence[Mark]) -> None:
        """What happened, as shapes with as much of their text as there is room for."""
        free_from = lane.left()
        for number, mark in enumerate(shown):
            x = self.x(lane, mark.stamp_ns)
            room = lane.right() - x - 20
            if number + 1 < len(shown):
                room = min(room, self.x(lane, shown[number + 1].stamp_ns) - x - 26)
            if x < free_from:
                continue
            free_from = x + 12
            self._mark(mark, QPointF(x, lane.center().y()), int(room))

    def word(self, word: str, box: QRectF, ink: QColor) -> None:
        """A word at the left of a box, shortened, or left out where nothing of it could be read."""
        painter, room = self._painter, int(box.width()) - 12
        if room < min(text_width(word, CAPTION, 500), LEGIBLE):
            return
        painter.setFont(font(CAPTION, 500))
        painter.setPen(ink)
        fitted = QFontMetrics(painter.font()).elidedText(word, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(box.left() + 6, box.center().y() + 4), fitted)

    def _colors(self, kind: str) -> tuple[QColor | None, QColor, QColor | None]:
        theme = self._theme
        if kind == "yours":
            return theme.color("lane_yours"), theme.color("on_lane_yours"), None
        if kind == "policy":
            return theme.color("lane_policy"), theme.color("text"), None
        if kind == "stop":
            return theme.color("red_fill"), theme.color("on_red"), None
        if kind in ("call", "hold"):
            return None, theme.color("text"), theme.color("amber")
        if kind == "other":
            return None, theme.color("text"), theme.color("edge")
        return None, theme.color("text3"), theme.color("line")

    def _mark(self, mark: Mark, at: QPointF, room: int) -> None:
        theme, painter = self._theme, self._painter
        role = {"call": "amber", "stop": "red"}.get(mark.kind, "text2")
        ink = theme.color(role)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        shapes = {
            "call": [(-5, 4), (5, 4), (0, -5)],
            "takeover": [(-4, -4), (5, 0), (-4, 4)],
            "stop": [(-2, -5), (2, -5), (5, -2), (5, 2), (2, 5), (-2, 5), (-5, 2), (-5, -2)],
            "marker": [(-4, -5), (5, -5), (3, -2), (5, 1), (-3, 1), (-3, 5), (-4, 5)],
        }
        shape = shapes.get(mark.kind, [(0, -5), (5, 0), (0, 5), (-5, 0)])
        painter.drawPolygon(QPolygonF([QPointF(at.x() + x, at.y() + y) for x, y in shape]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if room < min(text_width(mark.text, CAPTION), LEGIBLE):
            return  # the log has it in full
        painter.setFont(font(CAPTION))
        painter.setPen(ink)
        fitted = QFontMetrics(painter.font()).elidedText(
            mark.text, Qt.TextElideMode.ElideRight, room
        )
        painter.drawText(QPointF(at.x() + 10, at.y() + 4), fitted)
