"""The drawings of the HTML report, as inline SVG.

Pure functions from figures to markup. Colours are classes that the page's style sheet fills in, so
that one drawing serves light and dark; each drawing says in words what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from recorder.markup import Markup, element, joined
from recorder.verdict import Evidence, Margin
from recorder.verdict_report import Rate, interval_text
from recorder.verdict_words import divergence_text, margin_text, quantity

HATCH: Final = "knee-hatch"  # id of the pattern that `definitions` makes

_BAR_WIDTH, _BAR_HEIGHT = 240.0, 20.0
_CURVE_WIDTH, _CURVE_HEIGHT = 760.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 12.0, 40.0, 36.0
_MOST_DECADES: Final = 12  # below the top one; less is drawn as nothing
_HIGHEST: Final = 6  # decade; states that cannot be compared are drawn there
_X_LABELS: Final = 5


def definitions() -> Markup:
    """What the drawings refer to; once on the page, before them."""
    line = element("path", d="M0 6L6 0", class_="knee-line")
    pattern = element(
        "pattern", line, id=HATCH, width=6.0, height=6.0, patternUnits="userSpaceOnUse"
    )
    return element(
        "svg", element("defs", pattern), width=0.0, height=0.0, aria_hidden="true", class_="defs"
    )


def interval_bar(rate: Rate) -> Markup:
    """The 95 % interval of a rate on a line from 0 to 100 %, a tick at what was found."""

    def x(share: float) -> float:
        return 2 + share * (_BAR_WIDTH - 4)

    middle = _BAR_HEIGHT / 2
    parts = [
        _line("axis", x(0), middle, x(1), middle),
        _line("axis", x(0), middle - 4, x(0), middle + 4),
        _line("axis", x(1), middle - 4, x(1), middle + 4),
    ]
    said = "Nothing was judged."
    if rate.judged:
        found = rate.passed / rate.judged
        width = max(1.0, x(rate.high) - x(rate.low))
        parts.append(
            element("rect", class_="span", x=x(rate.low), y=middle - 4, width=width, height=8.0)
        )
        parts.append(_line("found", x(found), middle - 8, x(found), middle + 8))
        said = f"{rate.passed} of {rate.judged}, 95 % interval {interval_text(rate)}."
    return _drawing(_BAR_WIDTH, _BAR_HEIGHT, said, *parts)


def margin_bar(margin: Margin, most: float) -> Markup:
    """What is borne, solid; hatched up to where it fails: the knee lies in between.

    `most` is the right end of the scale, in the margin's unit, the same for all of its kind.
    """
    scale = (_BAR_WIDTH - 8) / most if most > 0 else 0.0
    middle = _BAR_HEIGHT / 2
    borne, fails = margin.bears * scale, margin.fails_at * scale
    parts = [
        _line("axis", 2.0, middle - 8, 2.0, middle + 8),
        element("rect", class_="borne", x=2.0, y=middle - 5, width=borne, height=10.0),
    ]
    if margin.fails_at:
        gap = max(0.0, fails - borne)
        parts.append(
            element(
                "rect",
                x=2 + borne,
                y=middle - 5,
                width=gap,
                height=10.0,
                class_="knee",
                fill=f"url(#{HATCH})",
            )
        )
        parts.append(_line("fails", 2 + fails, middle - 8, 2 + fails, middle + 8))
    return _drawing(_BAR_WIDTH, _BAR_HEIGHT, margin_text(margin), *parts)


def sparkline(values: Sequence[float | None], said: str) -> Markup:
    """How a figure went, from zero upwards, with a mark at the newest; None: it was not measured.

    A line ends where nothing was measured; a value between two such gaps is a mark of its own.
    """
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    floor = _BAR_HEIGHT - 2

    def point(i: int, value: float) -> tuple[float, float]:
        x = 4 + i * (_BAR_WIDTH - 8) / max(len(values) - 1, 1)
        return x, floor - value / top * (_BAR_HEIGHT - 6)

    parts = [_line("axis", 2.0, floor, _BAR_WIDTH - 2, floor)]
    path: list[str] = []
    for i, value in enumerate(values):
        if value is None:
            continue
        x, y = point(i, value)
        begins = i == 0 or values[i - 1] is None
        path.append(f"{'M' if begins else 'L'}{x:.1f} {y:.1f}")
        alone = begins and (i + 1 == len(values) or values[i + 1] is None)
        if alone or i + 1 == len(values):
            parts.append(element("circle", class_="mark", cx=x, cy=y, r=2.5))
    if path:
        parts.append(element("path", class_="curve", d="".join(path)))
    return _drawing(_BAR_WIDTH, _BAR_HEIGHT, said, *parts)


def count_bar(count: int, most: int, said: str) -> Markup:
    """A count as a length, `most` being the whole."""
    length = (_BAR_WIDTH - 4) * count / most if most else 0.0
    middle = _BAR_HEIGHT / 2
    return _drawing(
        _BAR_WIDTH,
        _BAR_HEIGHT,
        said,
        _line("axis", 2.0, middle - 8, 2.0, middle + 8),
        element("rect", class_="borne", x=2.0, y=middle - 5, width=length, height=10.0),
    )


def hour_columns(counts: Sequence[int], said: str) -> Markup:
    """How often something came in each hour of the day, 24 columns from midnight on."""
    most = max(counts, default=0) or 1
    width, height = 24 * 20.0, 96.0
    floor = height - 18
    parts = [_line("axis", 0.0, floor, width, floor)]
    for hour, count in enumerate(counts):
        tall = count / most * (floor - 16)
        column = {"x": hour * 20 + 3.0, "y": floor - tall, "width": 14.0, "height": tall}
        parts.append(element("rect", class_="borne", **column))
        if count:
            parts.append(_text("axis-text middle", hour * 20 + 10.0, floor - tall - 3, str(count)))
        if hour % 6 == 0:
            parts.append(_text("axis-text", hour * 20.0, height - 4, f"{hour:02d}:00"))
    return _drawing(width, height, said, *parts)


class _Axes(NamedTuple):
    """Steps to the right, deviation upwards by decades."""

    steps: int
    lowest: int  # decade; the floor, on which stands what is below
    highest: int  # decade
    nothing: bool  # some values are below

    def x(self, step: float) -> float:
        return _LEFT + step / max(self.steps, 1) * (_CURVE_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Nothing, and what is below the lowest decade, stands on the floor."""
        floor = _CURVE_HEIGHT - _BOTTOM
        if value <= 10.0**self.lowest:
            return floor
        decades = min(math.log10(value), self.highest) - self.lowest
        return floor - decades / (self.highest - self.lowest) * (floor - _TOP)


def deviation_curve(evidence: Evidence) -> Markup | None:
    """How far the replay is from the recording at each step; None: there is no curve.

    Upwards in decades, since what matters is where it leaves the limit, which is a thousandth of
    where it ends. Drawn in stretches, as it was measured: each is the largest within.
    """
    curve = evidence.curve
    if not curve:
        return None
    limit = evidence.divergence.tolerance if evidence.divergence else 0.0
    axes = _axes(evidence.recorded_steps, [*curve, limit] if limit > 0 else curve)
    parts = [*_scale(axes)]
    if limit > 0:
        parts.append(element("path", class_="above", d=_above(axes, curve, limit)))
    parts.append(element("path", class_="curve", d=_steps(axes, curve)))
    if limit > 0 and evidence.divergence is not None:
        y = axes.y(limit)
        parts.append(_line("limit", _LEFT, y, _CURVE_WIDTH - _RIGHT, y))
        text = f"limit {quantity(limit, evidence.divergence.unit)}"
        parts.append(_text("limit-text end", _CURVE_WIDTH - _RIGHT - 4, y + 14, text))
    loop = evidence.open_loop
    step = evidence.divergence.step if evidence.divergence else -1
    if step < 0 and loop is not None:
        step = loop.first_divergent_step
    if step >= 0:
        parts += _first(axes, step)
    said = f"Deviation from the recording over {evidence.recorded_steps} steps, in m or rad; "
    said += f"largest {quantity(max(curve), '')}"
    return _drawing(
        _CURVE_WIDTH,
        _CURVE_HEIGHT,
        f"{said}; first divergence: {divergence_text(evidence)}.",
        *parts,
    )


def _axes(steps: int, values: Sequence[float]) -> _Axes:
    decades = [math.log10(value) for value in values if value > 0]
    top = min(_HIGHEST, math.ceil(max(decades, default=0.0)))
    bottom = math.floor(min(decades, default=-1.0))
    lowest = max(min(bottom, top - 1), top - _MOST_DECADES)
    return _Axes(steps, lowest, top, any(value < 10.0**lowest for value in values))


def _scale(axes: _Axes) -> list[Markup]:
    """Grid lines with their decades, steps below, what both are."""
    parts = []
    stride = max(1, math.ceil((axes.highest - axes.lowest) / 6))
    for decade in range(axes.highest, axes.lowest - 1, -stride):
        y = axes.y(10.0**decade)
        parts.append(_line("grid", _LEFT, y, _CURVE_WIDTH - _RIGHT, y))
        if decade > axes.lowest or not axes.nothing:
            parts.append(_text("axis-text end", _LEFT - 6, y + 4, _decade(decade)))
    floor = _CURVE_HEIGHT - _BOTTOM
    if axes.nothing:
        parts.append(_text("axis-text end", _LEFT - 6, floor + 4, "0"))
    parts.append(_line("axis", _LEFT, floor, _CURVE_WIDTH - _RIGHT, floor))
    for part in range(_X_LABELS):
        step = round(axes.steps * part / (_X_LABELS - 1))
        end = " end" if part == _X_LABELS - 1 else " middle" if part else ""
        parts.append(_text(f"axis-text{end}", axes.x(step), floor + 15, str(step)))
    parts.append(_text("axis-text", 2.0, 12.0, "deviation, m or rad"))
    parts.append(_text("axis-text end", _CURVE_WIDTH - _RIGHT, floor + 30, "step of the replay"))
    return parts


def _steps(axes: _Axes, curve: Sequence[float]) -> str:
    """Path along the tops of the stretches."""
    path: list[str] = []
    for i, value in enumerate(curve):
        left, right = _stretch(axes, curve, i)
        path.append(f"{'L' if path else 'M'}{left:.1f} {axes.y(value):.1f}H{right:.1f}")
    return "".join(path)


def _above(axes: _Axes, curve: Sequence[float], limit: float) -> str:
    """The part of the area under the curve that lies above the limit."""
    path: list[str] = []
    base = axes.y(limit)
    for i, value in enumerate(curve):
        if value > limit:
            left, right = _stretch(axes, curve, i)
            path.append(f"M{left:.1f} {base:.1f}V{axes.y(value):.1f}H{right:.1f}V{base:.1f}Z")
    return "".join(path)


def _stretch(axes: _Axes, curve: Sequence[float], i: int) -> tuple[float, float]:
    return axes.x(axes.steps * i / len(curve)), axes.x(axes.steps * (i + 1) / len(curve))


def _first(axes: _Axes, step: int) -> list[Markup]:
    """A diamond and a word where the replay first leaves the record, on the side that has room."""
    x, top = axes.x(step), _TOP - 6
    late = step > axes.steps * 0.7
    return [
        _line("first", x, top + 5, x, _CURVE_HEIGHT - _BOTTOM),
        element("path", class_="first-mark", d=f"M{x:.1f} {top - 5:.1f}l5 5-5 5-5-5z"),
        _text(
            "first-text end" if late else "first-text",
            x - 9 if late else x + 9,
            top + 4,
            f"first divergent step {step}",
        ),
    ]


def _decade(decade: int) -> str:
    if -3 <= decade <= 3:
        return f"{10.0**decade:g}"
    return "10" + str(decade).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2)


def _text(kind: str, x: float, y: float, text: str) -> Markup:
    return element("text", text, class_=kind, x=x, y=y)


def _drawing(width: float, height: float, said: str, *parts: Markup) -> Markup:
    return element(
        "svg",
        joined(element("title", said), *parts),
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=said,
    )
