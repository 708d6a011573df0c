"""Draws the lanes of the review once, into whatever painter it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from recorder.series import Numbers
from recorder.verdict import Verdict
from teleop.replay_film import Replayed
from transport.clock import NS_PER_S
from ui.hud import hatch
from ui.lanes import LanePainter
from ui.picture_state import LATE_MS
from ui.review_lane_layout import Lane
from ui.review_state import LIMIT, axis, deviation, failing_blocks
from ui.review_tape import Tape
from ui.theme import CAPTION, Theme, font, scaled, text_width
from ui.traces import draw_between, draw_trace, polygon

RIGHT: Final = 24
DIFFERS: Final = 1e-9  # of two actions, m/s or rad/s: what a robot may round
BLOCK_GAP_S: Final = 0.25  # wrong steps that are closer belong to one block
LATENCY_TOP_MS: Final = 320.0
STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
LABEL_PX: Final = 56  # room that the words of the axis need


@dataclass(frozen=True, eq=False)
class Shown:
    """What the lanes are drawn from."""

    tape: Tape
    curve: Numbers  # (c,): largest deviation over stretches of equal length; empty: none is known
    curve_steps: int  # how many steps the curve is about
    angles: bool = False  # the curve is of positions and angles, m or rad; else of positions
    told: Numbers | None = None  # (n, axes): the replay's actions from the takeover on
    failing: tuple[tuple[int, int], ...] = ()  # first and last step of wrong labels
    failed: str = ""  # what the label lane says where they are not known one by one

    def deviation_at(self, step: int) -> float | None:
        """Of the curve; None where the replay did not run."""
        if not len(self.curve) or not 0 <= step <= self.curve_steps:
            return None
        at = min(step * len(self.curve) // max(1, self.curve_steps), len(self.curve) - 1)
        return float(self.curve[at])

    @property
    def deviates(self) -> bool:
        """Beyond what can be seen."""
        return bool(len(self.curve) and self.curve.max() > LIMIT)


class LanesDrawing:
    """Draws all lanes once."""

    def __init__(
        self,
        painter: QPainter,
        theme: Theme,
        shown: Shown,
        lanes: Sequence[Lane],
        area: QRectF,
        span_s: tuple[float, float],
        ratio: float,
    ) -> None:
        """`area` is where time is, `span_s` what of it is seen, `ratio` px of the device in one."""
        from_s, to_s = span_s
        self._painter = painter
        self._theme = theme
        self._shown = shown
        self._tape = shown.tape
        self._from_s, self._to_s = from_s, to_s
        self._lanes = lanes
        self._area = area
        self._ratio = ratio
        span_ns = round(from_s * NS_PER_S), round(to_s * NS_PER_S)
        self._live = LanePainter(painter, theme, ratio, *span_ns)
        # Ticks in sight, and one on either side.
        first, last = np.searchsorted(self._tape.at_s, [from_s, to_s])
        self._seen = slice(max(0, int(first) - 1), int(last) + 1)

    def draw(self) -> None:
        """Names and lanes, top to bottom."""
        drawn: dict[str, Callable[[QRectF, int], None]] = {
            "control": lambda rect, _: self._live.control(rect, self._tape.control),
            "phase": lambda rect, _: self._live.phases(rect, self._tape.phases),
            "idle": lambda rect, _: self._idle(rect),
            "labels": lambda rect, _: self._labels(rect),
            "deviation": lambda rect, _: self._deviation(rect),
            "axis": self._axis,
            "latency": lambda rect, _: self._latency(rect),
            "events": lambda rect, _: self._events(rect),
            "time": lambda rect, _: self._time(rect),
        }
        for lane in self._lanes:
            rect = QRectF(self._area.left(), lane.top, self._area.width(), lane.height)
            self._name(lane)
            self._painter.save()
            self._painter.setClipRect(rect.adjusted(0, -3, RIGHT - 2, 3))
            drawn[lane.kind](rect, lane.number)
            self._painter.restore()

    def _name(self, lane: Lane) -> None:
        painter, theme = self._painter, self._theme
        if lane.kind == "time":
            return
        painter.setFont(font(CAPTION))
        painter.setPen(theme.color("text2"))
        name = axis(lane.name).title if lane.kind == "axis" else lane.name
        y = lane.top + lane.height / 2 + scaled(0 if lane.height >= scaled(34) else 4)
        painter.drawText(QPointF(12, y), name)

    def _x(self, at_s: Numbers) -> Numbers:
        span = self._to_s - self._from_s
        found: Numbers = self._area.left() + self._area.width() * (at_s - self._from_s) / span
        return found

    def _block(self, rect: QRectF, first_s: float, last_s: float) -> QRectF:
        x0, x1 = self._x(np.array([first_s, last_s]))
        x0, x1 = max(x0, rect.left()), min(x1, rect.right())
        return QRectF(round(x0), rect.top(), max(2, round(x1) - round(x0)), rect.height())

    def _idle(self, rect: QRectF) -> None:
        painter, theme = self._painter, self._theme
        tile = hatch(theme.tokens.text3, 170, 8, self._ratio)
        for first, last in self._tape.idle:
            if last < self._from_s or first > self._to_s:
                continue
            box = self._block(rect, first, last)
            painter.fillRect(box, QBrush(tile))
            painter.setPen(theme.color("edge"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))

    def _labels(self, rect: QRectF) -> None:
        painter, theme, tape = self._painter, self._theme, self._tape
        hz = len(tape.at_s) / max(tape.length_s, 1e-3)
        for first, last, wrong in failing_blocks(self._shown.failing, round(BLOCK_GAP_S * hz)):
            begin, end = tape.second_of(first), tape.second_of(last + 1)
            if end < self._from_s or begin > self._to_s:
                continue
            box = self._block(rect, begin, end)
            wash = QColor(theme.color("red"))
            wash.setAlpha(40)
            painter.fillRect(box, wash)
            painter.setPen(theme.color("red"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            text = f"{wrong:,} of {last - first + 1:,} off"
            self._live.word(text, box, theme.color("red"))
        if not self._shown.failing and self._shown.failed:
            role = "text3" if self._shown.failed.startswith("all") else "text2"
            self._live.word(self._shown.failed, rect.adjusted(-6, 0, 0, 0), theme.color(role))

    def _deviation(self, rect: QRectF) -> None:
        painter, theme, shown, tape = self._painter, self._theme, self._shown, self._tape
        if not len(shown.curve) or tape.first < 0:
            text = "no deviation is known"
            self._live.word(text, rect.adjusted(-6, 0, 0, 0), theme.color("text3"))
            return
        first = shown.curve_steps / len(shown.curve)
        middles = ((np.arange(len(shown.curve)) + 0.5) * first).astype(np.int64) + tape.first
        xs = self._x(tape.at_s[np.minimum(middles, len(tape.at_s) - 1)])
        high = max(float(shown.curve.max()) * 1.1, 1.5 * LIMIT)
        ys = rect.bottom() - 1 - (rect.height() - 4) * shown.curve / high
        limit_y = rect.bottom() - 1 - (rect.height() - 4) * LIMIT / high
        line = polygon(xs, ys)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if shown.deviates:
            wash = QColor(theme.color("red"))
            wash.setAlpha(60)
            filled = polygon(
                np.concatenate(([xs[0]], xs, [xs[-1]])), np.concatenate(([limit_y], ys, [limit_y]))
            )
            painter.save()
            above = QRectF(rect.left(), rect.top() - 2, rect.width(), limit_y - rect.top() + 2)
            painter.setClipRect(above, Qt.ClipOperation.IntersectClip)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(wash)
            painter.drawPolygon(filled)
            painter.restore()
        painter.setPen(QPen(theme.color("edge"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(rect.left(), limit_y), QPointF(rect.right(), limit_y))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("red" if shown.deviates else "text2"), 1.4))
        painter.drawPolyline(line)
        painter.setFont(font(CAPTION))
        painter.setPen(theme.color("text3"))
        above_it = limit_y - rect.top() >= scaled(14)
        words_y = limit_y - 4 if above_it else limit_y + scaled(11)
        painter.drawText(QPointF(rect.left() + 4, words_y), "1 mm")
        if shown.deviates and limit_y - rect.top() > scaled(34):
            painter.drawText(QPointF(rect.left() + 4, rect.top() + scaled(10)), deviation(high))

    def _axis(self, rect: QRectF, number: int) -> None:
        painter, theme, tape = self._painter, self._theme, self._tape
        recorded = tape.applied[:, number]
        told = self._shown.told
        reach = float(np.abs(recorded).max(initial=0.0))
        if told is not None and len(told):
            reach = max(reach, float(np.abs(told[:, number]).max()))
        reach = reach * 1.1 or 1.0
        middle, half = rect.center().y(), rect.height() / 2 - 3
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(theme.color("line"))
        painter.drawLine(QPointF(rect.left(), middle), QPointF(rect.right(), middle))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        seen = self._seen
        xs, ys = self._x(tape.at_s[seen]), middle - half * recorded[seen] / reach
        draw_trace(painter, xs, ys, theme.color("trace"), 4)
        if told is None or not len(told) or tape.first < 0:
            return
        begin = max(seen.start, tape.first)
        end = min(seen.stop, tape.first + len(told), len(tape.at_s))
        if end <= begin:
            return
        replayed = told[begin - tape.first : end - tape.first, number]
        xs, ys = self._x(tape.at_s[begin:end]), middle - half * replayed / reach
        apart = np.abs(replayed - recorded[begin:end]) > DIFFERS
        was = middle - half * recorded[begin:end] / reach
        draw_between(painter, xs, was, ys, apart, theme.color("red"))
        draw_trace(painter, xs, ys, theme.color("text"), 1.2)

    def _latency(self, rect: QRectF) -> None:
        painter, theme, tape = self._painter, self._theme, self._tape
        limit_y = rect.bottom() - rect.height() * LATE_MS / LATENCY_TOP_MS
        painter.setPen(QPen(theme.color("edge"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(rect.left(), limit_y), QPointF(rect.right(), limit_y))
        late = np.minimum(tape.latency_ms[self._seen], LATENCY_TOP_MS)
        xs, ys = self._x(tape.at_s[self._seen]), rect.bottom() - rect.height() * late / 320.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for run in _known(late):
            role = "amber" if bool((late[run] > LATE_MS).any()) else "text2"
            draw_trace(painter, xs[run], ys[run], theme.color(role), 1.4)

    def _events(self, rect: QRectF) -> None:
        begin, end = self._from_s * NS_PER_S, self._to_s * NS_PER_S
        self._live.marks(rect, [m for m in self._tape.marks if begin <= m.stamp_ns <= end])

    def _time(self, rect: QRectF) -> None:
        painter, theme = self._painter, self._theme
        painter.setFont(font(CAPTION))
        fits = max(1.0, rect.width() / scaled(LABEL_PX))
        step = next((s for s in STEPS_S if (self._to_s - self._from_s) / s <= fits), STEPS_S[-1])
        number = int(np.ceil(self._from_s / step - 1e-9))
        while number * step <= self._to_s + 1e-9:
            x = float(self._x(np.array([number * step]))[0])
            painter.setPen(theme.color("edge"))
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.top() + 3))
            words = f"{number * step:.1f} s" if step < 1 else f"{number * step:.0f} s"
            wide = text_width(words, CAPTION)
            left = min(max(rect.left(), x - wide / 2), rect.right() + RIGHT - 4 - wide)
            painter.setPen(theme.color("text3"))
            painter.drawText(QPointF(left, rect.top() + scaled(14)), words)
            number += 1


def _known(values: Numbers) -> list[slice]:
    """Runs without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], ~np.isnan(values), [0])).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def shown_of(tape: Tape, verdict: Verdict | None, replayed: Replayed | None) -> Shown:
    """What is known of an episode: its log, what was proved, and what a replay here has done.

    A replay here says how far positions are off, step by step; the verdict's curve does not tell
    positions from angles.
    """
    evidence = verdict.evidence if verdict is not None else None
    step = evidence.one_step if evidence is not None else None
    failed = ""
    if step is not None and step.checked:
        failed = f"all {step.checked:,} steps fit"
        if step.failed:
            failed = f"{step.failed:,} of {step.checked:,} steps off"
    curve = np.array(evidence.curve if evidence is not None else (), np.float64)
    steps = evidence.recorded_steps if evidence is not None else 0
    off_m = replayed.off_m() if replayed is not None else np.empty(0)
    if replayed is not None and len(off_m):
        curve, steps = off_m, replayed.steps
    return Shown(
        tape=tape,
        curve=curve,
        curve_steps=steps,
        angles=not len(off_m),
        told=replayed.actions() if replayed is not None and replayed.steps else None,
        failing=replayed.failing if replayed is not None else (),
        failed=failed,
    )
