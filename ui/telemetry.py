"""Traces: a sparkline of the last minute, and the rows of numbers beside it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from ui import icons
from ui.history import TRACE_S, History
from ui.screen import Look, TelemetryRow
from ui.theme import BODY, CAPTION, Theme, font

# A trace is never drawn over less than this, so that noise does not look like an event.
SPANS = {
    "Latency": 220.0,
    "Speed": 0.6,
    "Motors": 3.0,
    "Tilt": 0.35,
    "Battery": 100.0,
    "Height": 0.3,
    "Yaw": 1.6,
    "Grip": 1.0,
    "Force": 10.0,
}
CENTRED = frozenset({"Speed", "Yaw"})


def polyline(
    samples: Sequence[tuple[int, float]],
    rect: QRectF,
    start_ns: int,
    end_ns: int,
    low: float,
    high: float,
) -> QPolygonF:
    """Samples as a line in `rect`, thinned to one point for each px column (its extreme)."""
    points: list[QPointF] = []
    span_ns = max(1, end_ns - start_ns)
    height = rect.height()
    column = -1
    for stamp_ns, value in samples:
        if stamp_ns < start_ns:
            continue
        x = rect.left() + rect.width() * (stamp_ns - start_ns) / span_ns
        share = (min(max(value, low), high) - low) / (high - low)
        y = rect.bottom() - height * share
        if int(x) == column and len(points) > 1:
            # Within one column keep what differs most from the point before it.
            before = points[-2].y()
            if abs(y - before) > abs(points[-1].y() - before):
                points[-1] = QPointF(x, y)
            continue
        column = int(x)
        points.append(QPointF(x, y))
    return QPolygonF(points)


def draw_trace(
    painter: QPainter,
    name: str,
    samples: Sequence[tuple[int, float]],
    rect: QRectF,
    now_ns: int,
    ink: QColor,
    limit_ink: QColor,
    limit: float | None = None,
) -> None:
    """The last minute of one number, newest at the right with a dot."""
    if not samples:
        return
    values = [value for _, value in samples]
    span = SPANS.get(name, 1.0)
    low, high = min(0.0, min(values)), max(values)
    if name in CENTRED:
        reach = max(span, abs(low), abs(high))
        low, high = -reach / 2 if min(values) >= 0 else -reach, reach
    high = max(high * 1.1, low + span)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if limit is not None and limit < high:
        y = rect.bottom() - rect.height() * (limit - low) / (high - low)
        painter.setPen(QPen(limit_ink, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right() - 6, y))
    inner = rect.adjusted(0, 0, -6, 0)
    line = polyline(samples, inner, now_ns - TRACE_S * 10**9, now_ns, low, high)
    painter.setPen(QPen(ink, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(line)
    if line.size():
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawEllipse(line.at(line.size() - 1), 2.4, 2.4)


class Sparkline(QWidget):
    """The latency trace of the top bar."""

    def __init__(self, theme: Theme, history: History) -> None:
        super().__init__()
        self._theme = theme
        self._history = history
        self.look = Look.QUIET
        self.limit_ms: float | None = None
        self.setFixedSize(64, 40)
        self.setAccessibleName("Latency, last minute")

    def follow(self, history: History) -> None:
        """The trace of another robot from here on."""
        self._history = history
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        samples = self._history.traces.get("Latency", ())
        ink = self._theme.color("amber" if self.look is Look.LIMITED else "text2")
        draw_trace(
            painter,
            "Latency",
            list(samples),
            QRectF(0, 9, self.width(), 22),
            self._history.now_ns,
            ink,
            self._theme.color("edge"),
            self.limit_ms,
        )


class Telemetry(QWidget):
    """Five or six rows: name, trace of a minute, number, unit."""

    def __init__(self, theme: Theme, history: History) -> None:
        super().__init__()
        self._theme = theme
        self._history = history
        self._rows: tuple[TelemetryRow, ...] = ()
        self.setAccessibleName("Telemetry")

    def show_rows(self, rows: tuple[TelemetryRow, ...]) -> None:
        """Take new values and redraw; called at the pace of the traces."""
        self._rows = rows
        self.setAccessibleDescription(", ".join(f"{r.name} {r.value} {r.unit}" for r in rows))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        theme = self._theme
        painter = QPainter(self)
        row_h = min(36.0, self.height() / len(self._rows))
        name_w = 108 if self.width() > 400 else 92
        for number, row in enumerate(self._rows):
            y = number * row_h
            mid = y + row_h / 2
            odd = row.look is Look.LIMITED
            x = 12.0
            if odd:
                icons.draw(painter, "triangle", x, mid - 7, 14, theme.color("amber"))
                x += 18
            painter.setFont(font(BODY))
            painter.setPen(theme.color("amber" if odd else "text2"))
            painter.drawText(QPointF(x, mid + 4.5), row.name)
            right = self.width() - 12.0
            painter.setFont(font(CAPTION))
            painter.setPen(theme.color("text2"))
            painter.drawText(QPointF(right - 26, mid + 4), row.unit)
            painter.setFont(font(BODY, 600))
            painter.setPen(theme.color("amber" if odd else "text"))
            box = QRectF(right - 90, y, 54, row_h)
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.value
            )
            trace = QRectF(name_w, y + 7, right - 92 - name_w, row_h - 14)
            ink = theme.color("amber" if odd else "text2")
            draw_trace(
                painter,
                row.name,
                list(self._history.traces.get(row.name, ())),
                trace,
                self._history.now_ns,
                ink,
                theme.color("edge"),
                row.limit,
            )
