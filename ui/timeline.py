"""The session's timeline: who had control, phase, latency with its limit, events.

The lanes are drawn into a pixmap a few times a second at most; in between only that is copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from transport import clock
from ui import icons
from ui.history import History, Mark, Segment
from ui.hud import hatch
from ui.picture_state import LATE_MS
from ui.screen import Look
from ui.telemetry import polyline
from ui.theme import CAPTION, Theme, font, text_width

RIGHT = 24
TICKS_S = {60: 10, 120: 20, 240: 30, 480: 60}
REDRAWS = 240  # in one span: a step of a few px, at most four in a second
LATENCY_TOP_MS = 320.0
LEGIBLE = 70  # px; less of a text says nothing


class Timeline(QWidget):
    """120 px high; 94 in small windows, where the phase lane is left out."""

    def __init__(self, theme: Theme, history: History) -> None:
        super().__init__()
        self._theme = theme
        self._history = history
        self._compact = False
        self._lanes: QPixmap | None = None
        self._drawn_for: tuple[object, ...] = ()
        self._latency = ""
        self._look = Look.QUIET
        self._limit_ms = LATE_MS
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Timeline of this session")
        self.arrange(False)

    def arrange(self, compact: bool) -> None:
        """Height and lanes for this size of window."""
        self._compact = compact
        self.setFixedHeight(94 if compact else 120)

    def sizeHint(self) -> QSize:
        return QSize(640, self.height())

    def show_latency(self, latency: str, look: Look, limit_ms: float) -> None:
        """The number beside the latency lane; also asks for a redraw when a second has gone by."""
        history = self._history
        key = (
            history.now_ns // (history.span_s * clock.NS_PER_S // REDRAWS),
            history.span_s,
            len(history.marks),
            history.control[-1].kind if history.control else "",
            history.phases[-1].kind if history.phases else "",
            look,
            limit_ms,
            self.size(),
            self._theme.tokens,
        )
        if key == self._drawn_for:
            return
        self._drawn_for = key
        self._latency, self._look, self._limit_ms = latency, look, limit_ms
        self._lanes = None
        self.update()

    def redraw(self) -> None:
        """Colours have changed."""
        self._lanes = None
        self.update()

    def _left(self) -> int:
        return 168 if not self._compact else 136

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._lanes is None or self._lanes.deviceIndependentSize().toSize() != self.size():
            self._lanes = QPixmap(self.size() * ratio)
            self._lanes.setDevicePixelRatio(ratio)
            lanes = QPainter(self._lanes)
            self._draw(lanes)
            lanes.end()
        QPainter(self).drawPixmap(0, 0, self._lanes)

    def _draw(self, painter: QPainter) -> None:
        theme, history = self._theme, self._history
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setPen(theme.color("line"))
        painter.drawLine(0, 0, self.width(), 0)
        left, right = self._left(), self.width() - RIGHT
        end_ns = history.now_ns
        start_ns = end_ns - history.span_s * clock.NS_PER_S
        y = 8.0
        control = QRectF(left, y, right - left, 20)
        self._name(painter, "Control", control)
        self._segments(painter, control, history.control, start_ns, end_ns)
        y += 24
        if not self._compact:
            phase = QRectF(left, y, right - left, 16)
            self._name(painter, "Phase", phase)
            self._phases(painter, phase, start_ns, end_ns)
            y += 20
        latency = QRectF(left, y, right - left, 20)
        self._latency_lane(painter, latency, start_ns, end_ns)
        y += 22
        events = QRectF(left, y, right - left, 18)
        self._name(painter, "Events", events)
        self._events(painter, events, start_ns, end_ns)
        y += 20
        self._axis(painter, QRectF(left, y, right - left, 18))
        painter.setPen(QPen(theme.color("text"), 2))
        painter.drawLine(QPointF(right, 6), QPointF(right, y + 4))
        painter.setBrush(theme.color("text"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPolygon(
            QPolygonF([QPointF(right - 5, 3), QPointF(right + 5, 3), QPointF(right, 10)])
        )

    def _name(self, painter: QPainter, name: str, lane: QRectF) -> None:
        painter.setFont(font(CAPTION))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(QPointF(12, lane.center().y() + 4), name)

    @staticmethod
    def _x(lane: QRectF, stamp_ns: int, start_ns: int, end_ns: int) -> float:
        share = (stamp_ns - start_ns) / max(1, end_ns - start_ns)
        return lane.left() + lane.width() * min(1.0, max(0.0, share))

    def _segments(
        self,
        painter: QPainter,
        lane: QRectF,
        segments: Sequence[Segment],
        start_ns: int,
        end_ns: int,
    ) -> None:
        theme = self._theme
        for segment in segments:
            x0 = math.floor(self._x(lane, segment.start_ns, start_ns, end_ns))
            x1 = math.floor(self._x(lane, segment.end_ns, start_ns, end_ns))
            if x1 <= x0:
                continue
            box = QRectF(x0, lane.top(), x1 - x0, lane.height())
            fill, ink, edge = self._lane_colors(segment.kind)
            if fill is not None:
                painter.fillRect(box, fill)
            if segment.kind in ("call", "hold"):
                tile = hatch(theme.tokens.amber, 150, 8, self.devicePixelRatioF())
                painter.fillRect(box, QBrush(tile))
            if edge is not None:
                painter.setPen(edge)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            if (
                segment.kind in ("call", "hold")
                and x1 - x0 > text_width(segment.word, CAPTION, 500) + 12
            ):
                plate = QRectF(
                    x0 + 2, lane.top() + 2, text_width(segment.word, CAPTION, 500) + 8, 16
                )
                painter.fillRect(plate, theme.color("panel"))
            self._word(painter, segment.word, box, ink)

    def _lane_colors(self, kind: str) -> tuple[QColor | None, QColor, QColor | None]:
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

    def _word(self, painter: QPainter, word: str, box: QRectF, ink: QColor) -> None:
        room = int(box.width()) - 12
        if room < min(text_width(word, CAPTION, 500), LEGIBLE):
            return
        painter.setFont(font(CAPTION, 500))
        painter.setPen(ink)
        fitted = QFontMetrics(painter.font()).elidedText(word, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(box.left() + 6, box.center().y() + 4), fitted)

    def _phases(self, painter: QPainter, lane: QRectF, start_ns: int, end_ns: int) -> None:
        theme = self._theme
        for segment in self._history.phases:
            x0 = math.floor(self._x(lane, segment.start_ns, start_ns, end_ns))
            x1 = math.floor(self._x(lane, segment.end_ns, start_ns, end_ns))
            if x1 <= x0 or not segment.word:
                continue
            box = QRectF(x0, lane.top(), x1 - x0, lane.height())
            yours = segment.kind.startswith("yours")
            painter.fillRect(box, theme.color("phase_yours" if yours else "ctl"))
            painter.fillRect(QRectF(x0, lane.top(), 1, lane.height()), theme.color("edge"))
            self._word(painter, segment.word, box, theme.color("text" if yours else "text2"))

    def _latency_lane(self, painter: QPainter, lane: QRectF, start_ns: int, end_ns: int) -> None:
        theme = self._theme
        self._name(painter, "Latency", lane)
        late = self._look is Look.LIMITED
        if self._latency:
            text = (
                f"{self._latency} ms"
                if self._compact
                else f"{self._latency} / {self._limit_ms:.0f} ms"
            )
            painter.setPen(theme.color("amber" if late else "text"))
            painter.setFont(font(CAPTION, 500))
            x = lane.left() - 8 - text_width(text, CAPTION, 500)
            painter.drawText(QPointF(x, lane.center().y() + 4), text)
            if late and not self._compact:
                icons.draw(
                    painter, "triangle", x - 18, lane.center().y() - 7, 14, theme.color("amber")
                )
        limit_y = lane.bottom() - lane.height() * self._limit_ms / LATENCY_TOP_MS
        painter.setPen(QPen(theme.color("edge"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(lane.left(), limit_y), QPointF(lane.right(), limit_y))
        line = polyline(list(self._history.latency), lane, start_ns, end_ns, 0.0, LATENCY_TOP_MS)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for clip, role in (
            (QRectF(lane.left(), limit_y, lane.width(), lane.bottom() - limit_y + 2), "text2"),
            (QRectF(lane.left(), lane.top() - 2, lane.width(), limit_y - lane.top() + 2), "amber"),
        ):
            painter.save()
            painter.setClipRect(clip)
            painter.setPen(QPen(theme.color(role), 1.4))
            painter.drawPolyline(line)
            painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(theme.color("line"))
        painter.drawLine(
            QPointF(lane.left(), lane.bottom() + 1), QPointF(lane.right(), lane.bottom() + 1)
        )

    def _events(self, painter: QPainter, lane: QRectF, start_ns: int, end_ns: int) -> None:
        free_from = lane.left()
        shown = [mark for mark in self._history.marks if mark.stamp_ns >= start_ns]
        for number, mark in enumerate(shown):
            x = self._x(lane, mark.stamp_ns, start_ns, end_ns)
            room = lane.right() - x - 20
            if number + 1 < len(shown):
                room = min(
                    room, self._x(lane, shown[number + 1].stamp_ns, start_ns, end_ns) - x - 26
                )
            if x < free_from:
                continue
            free_from = x + 12
            self._mark(painter, mark, QPointF(x, lane.center().y()), int(room))

    def _mark(self, painter: QPainter, mark: Mark, at: QPointF, room: int) -> None:
        theme = self._theme
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

    def _axis(self, painter: QPainter, lane: QRectF) -> None:
        theme = self._theme
        span_s = self._history.span_s
        tick_s = TICKS_S[span_s]
        wall = clock.wall_time().astimezone()
        style = "%H:%M" if self._compact and tick_s == 60 else "%H:%M:%S"
        painter.setFont(font(CAPTION))
        # Ticks at whole steps of the wall clock, so that they move with what happened.
        into_step = (wall.second + wall.microsecond / 1e6) % tick_s
        for back in range(span_s // tick_s):
            ago_s = into_step + back * tick_s
            x = lane.right() - lane.width() * ago_s / span_s
            if x < lane.left():
                break
            painter.setPen(theme.color("edge"))
            painter.drawLine(QPointF(x, lane.top()), QPointF(x, lane.top() + 3))
            words = (wall - timedelta(seconds=ago_s)).strftime(style)
            width = text_width(words, CAPTION)
            if x + width / 2 > lane.right() - 36:
                continue
            painter.setPen(theme.color("text3"))
            painter.drawText(QPointF(max(lane.left(), x - width / 2), lane.top() + 13), words)
        painter.setPen(theme.color("text2"))
        now = "now"
        painter.drawText(QPointF(lane.right() - text_width(now, CAPTION), lane.top() + 13), now)
