"""The lanes of the review: all of an episode over one axis of time, the playhead across it.

Everything but the playhead is drawn into a pixmap once and copied after. A click or a drag sets the
playhead; the wheel zooms around the pointer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.chips import draw_ring
from ui.picture_state import LATE_MS
from ui.review_lane_layout import Lane, lay_out, least_height
from ui.review_lane_paint import RIGHT, LanesDrawing, Shown
from ui.review_state import LIMIT, axis, axis_value, deviation
from ui.theme import CAPTION, Theme, font, pixels, scaled, text_width

LEAST_S: Final = 1.0  # that a zoom leaves
ZOOM: Final = 1.25  # for each notch of a wheel
NOTCH: Final = 120.0


class LaneView(QWidget):
    """Signals where the playhead is wanted; shows it where it is told."""

    sought = Signal(float)  # s

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: Shown | None = None
        self._at_s = 0.0
        self._from_s, self._to_s = 0.0, 1.0
        self._lanes: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(180)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Lanes of the episode")

    def sizeHint(self) -> QSize:
        return QSize(800, 420)

    def show_episode(self, shown: Shown | None, *, same: bool = False) -> None:
        """Another episode; `same`: more is known of the one that is shown."""
        self._shown = shown
        if shown is not None and not same:
            self._from_s, self._to_s = 0.0, max(shown.tape.length_s, 1e-3)
        self.redraw()

    def deviation(self, step: int) -> str:
        """How far the replay is off at this step, where somebody would see it; else empty."""
        shown = self._shown
        off = shown.deviation_at(step) if shown is not None else None
        if shown is None or off is None or off <= LIMIT:
            return ""
        return deviation(off, angles=shown.angles)

    def show_at(self, at_s: float) -> None:
        """Move the playhead; a zoomed view follows it."""
        self._at_s = at_s
        span = self._to_s - self._from_s
        if self._shown is not None and not self._from_s <= at_s <= self._to_s:
            self._look_at(at_s - span * 0.1, span)
        self.setAccessibleDescription(f"playhead at {at_s:.2f} s")
        self.update()

    def redraw(self) -> None:
        """Size, colours or contents have changed."""
        self._lanes = None
        self.update()

    def lane_area(self) -> QRectF:
        """Where time is, between names and edge."""
        left = pixels(128 if self._narrow else 168)
        return QRectF(left, 0, max(1, self.width() - left - RIGHT), self.height())

    @property
    def _narrow(self) -> bool:
        return self.width() <= 1000

    def x_of(self, at_s: float) -> float:
        """Where a moment lies, in px; it may lie outside."""
        area = self.lane_area()
        return area.left() + area.width() * (at_s - self._from_s) / (self._to_s - self._from_s)

    def second_at(self, x: float) -> float:
        """The moment at this place, within the episode."""
        area = self.lane_area()
        at_s = self._from_s + (x - area.left()) / area.width() * (self._to_s - self._from_s)
        length = self._shown.tape.length_s if self._shown is not None else 0.0
        return min(max(at_s, 0.0), length)

    def _look_at(self, from_s: float, span_s: float) -> None:
        length = self._shown.tape.length_s if self._shown is not None else 1.0
        span_s = min(max(span_s, min(LEAST_S, length)), length)
        self._from_s = min(max(from_s, 0.0), length - span_s)
        self._to_s = self._from_s + max(span_s, 1e-3)
        self.redraw()

    # --- Qt ---------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._shown is not None:
            self.sought.emit(self.second_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._shown is not None:
            self.sought.emit(self.second_at(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        pointed = self.second_at(event.position().x())
        span = self._to_s - self._from_s
        smaller = span * ZOOM ** (-event.angleDelta().y() / NOTCH)
        self._look_at(pointed - (pointed - self._from_s) / span * smaller, smaller)
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._lanes is None or self._lanes.deviceIndependentSize().toSize() != self.size():
            self._lanes = QPixmap(self.size() * ratio)
            self._lanes.setDevicePixelRatio(ratio)
            canvas = QPainter(self._lanes)
            canvas.fillRect(self.rect(), self._theme.color("panel"))
            if self._shown is not None:
                LanesDrawing(
                    *(canvas, self._theme, self._shown, self.lanes(), self.lane_area()),
                    (self._from_s, self._to_s),
                    ratio,
                ).draw()
            canvas.end()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._lanes)
        if self._shown is not None:
            self._values(painter, self._shown)
            self._playhead(painter)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw_ring(painter, QRectF(self.rect()), self._theme.color("blue"))

    def lanes(self) -> tuple[Lane, ...]:
        """Where each lane lies now."""
        if self._shown is None:
            return ()
        names, deviates = self._shown.tape.names, self._shown.deviates
        return lay_out(names, self.height(), deviates=deviates, text=scaled(1))

    def least_height(self) -> int:
        """What all lanes need at least, px."""
        axes = len(self._shown.tape.names) if self._shown is not None else 2
        return round(least_height(axes, scaled(1)))

    def _playhead(self, painter: QPainter) -> None:
        x = round(self.x_of(self._at_s))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(self._theme.color("text"), 2))
        time = self.lanes()[-1]
        painter.drawLine(QPointF(x, 8), QPointF(x, time.top - 2))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(self._theme.color("text"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 2), QPointF(x + 5, 2), QPointF(x, 10)]))

    def _values(self, painter: QPainter, shown: Shown) -> None:
        """Under or beside each name what holds at the playhead."""
        tape = shown.tape
        index = tape.index_at(self._at_s)
        right = self.lane_area().left() - 12
        for lane in self.lanes():
            text, role = self._value(lane, shown, index)
            if not text:
                continue
            painter.setFont(font(CAPTION, 500))
            painter.setPen(self._theme.color(role))
            tall = lane.height >= scaled(34)
            y = lane.top + lane.height / 2 + scaled(16 if tall else 4)
            x = 12 if tall else right - text_width(text, CAPTION, 500)
            painter.drawText(QPointF(x, y), text)

    def _value(self, lane: Lane, shown: Shown, index: int) -> tuple[str, str]:
        tape = shown.tape
        if lane.kind == "axis" and len(tape.at_s):
            return axis_value(float(tape.applied[index, lane.number]), axis(lane.name)), "text"
        if lane.kind == "deviation":
            off = shown.deviation_at(tape.step_at(self._at_s))
            return deviation(
                off, angles=shown.angles
            ), "red" if off is not None and off > LIMIT else "text"
        if lane.kind == "latency" and len(tape.at_s):
            late = float(tape.latency_ms[index])
            if np.isnan(late):
                return "", "text"
            text = f"{late:.0f} ms" if self._narrow else f"{late:.0f} / {LATE_MS:.0f} ms"
            return text, "amber" if late > LATE_MS else "text"
        if lane.kind == "idle":
            idle = sum(last - first for first, last in tape.idle)
            return (f"{idle:.1f} s" if idle else "none"), "text2"
        return "", "text"
