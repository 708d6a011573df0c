"""The session's timeline: who had control, phase, latency with its limit, events.

The lanes are drawn into a pixmap a few times a second at most; in between only that is copied.
"""

from __future__ import annotations

from datetime import timedelta

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from transport import clock
from ui import icons
from ui.history import History
from ui.lanes import LanePainter
from ui.picture_state import LATE_MS
from ui.screen import Look
from ui.telemetry import polyline
from ui.theme import CAPTION, Theme, font, text_width

RIGHT = 24
TICKS_S = {60: 10, 120: 20, 240: 30, 480: 60}
REDRAWS = 240  # in one span: a step of a few px, at most four in a second
LATENCY_TOP_MS = 320.0


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
        lanes = LanePainter(painter, theme, self.devicePixelRatioF(), start_ns, end_ns)
        lanes.control(control, history.control)
        y += 24
        if not self._compact:
            phase = QRectF(left, y, right - left, 16)
            self._name(painter, "Phase", phase)
            lanes.phases(phase, history.phases)
            y += 20
        latency = QRectF(left, y, right - left, 20)
        self._latency_lane(painter, latency, start_ns, end_ns)
        y += 22
        events = QRectF(left, y, right - left, 18)
        self._name(painter, "Events", events)
        lanes.marks(events, [mark for mark in history.marks if mark.stamp_ns >= start_ns])
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
