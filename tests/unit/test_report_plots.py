"""The drawings of the HTML report: lengths and places follow the figures."""

import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from recorder.markup import Markup
from recorder.report_plots import (
    count_bar,
    definitions,
    deviation_curve,
    hour_columns,
    interval_bar,
    margin_bar,
    sparkline,
)
from recorder.report_sarif import report_sarif
from recorder.verdict import Disturbance, Divergence, Evidence, Kind, Margin, OpenLoop
from recorder.verdict_report import Rate, wilson
from recorder.verdict_words import divergence_text, margin_brief, margin_text, proof_text, quantity
from tests.unit.report_support import STEPS, entry, report, verdict

NUMBER = r"-?\d+(?:\.\d+)?"
STATELESS = OpenLoop(
    solved=True, exact=False, max_deviation=0.0, first_divergent_step=-1, first_divergent_tick=-1
)
CUBE = Divergence(step=2, tick=12, part="cube x", off_by=0.02, tolerance=0.01, unit="m")


def attributes(drawing: Markup, kind: str) -> list[dict[str, str]]:
    """Of every element of that class."""
    found = re.findall(rf'<\w+ [^>]*class="{kind}"[^>]*>', drawing)
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', one)) for one in found]


def number(drawing: Markup, kind: str, key: str) -> float:
    (one,) = attributes(drawing, kind)
    return float(one[key])


def rate(passed: int, judged: int) -> Rate:
    low, high = wilson(passed, judged)
    return Rate(task="t", passed=passed, judged=judged, not_judged=0, low=low, high=high)


# --- interval ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passed", "judged"), [(0, 7), (7, 7), (3, 4), (38, 40), (1, 1)])
def test_the_interval_lies_on_the_line_and_what_was_found_lies_in_it(
    passed: int, judged: int
) -> None:
    drawing = interval_bar(rate(passed, judged))
    left = number(drawing, "span", "x")
    right = left + number(drawing, "span", "width")
    found = number(drawing, "found", "x1")
    assert 2 <= left <= found + 0.1
    assert found - 0.1 <= right <= 238.1
    assert (left - 2) / 236 == pytest.approx(wilson(passed, judged)[0], abs=0.001)


def test_nothing_judged_draws_no_interval() -> None:
    drawing = interval_bar(rate(0, 0))
    assert attributes(drawing, "span") == []
    assert "Nothing was judged." in drawing


# --- margins -------------------------------------------------------------------------------------


def margin(bears: float, fails_at: float, kind: Disturbance = Disturbance.START) -> Margin:
    unit = {Disturbance.START: "m", Disturbance.DELAY: "s", Disturbance.LINK: "x"}.get(kind, "1")
    return Margin(disturbance=kind, unit=unit, bears=bears, fails_at=fails_at, replays=8)


def test_solid_is_what_is_borne_and_the_knee_reaches_to_where_it_fails() -> None:
    drawing = margin_bar(margin(0.01, 0.015), most=0.02)
    borne, knee = number(drawing, "borne", "width"), number(drawing, "knee", "width")
    assert borne == pytest.approx(232 / 2)
    assert knee == pytest.approx(232 / 4)
    assert number(drawing, "knee", "x") == 2 + borne
    assert number(drawing, "fails", "x1") == 2 + borne + knee
    hatch = attributes(drawing, "knee")[0]["fill"]
    assert f'id="{hatch[5:-1]}"' in definitions()


def test_the_same_scale_makes_bars_comparable() -> None:
    long, short = (margin_bar(margin(m, 0.0), most=0.02) for m in (0.02, 0.005))
    assert number(long, "borne", "width") == 4 * number(short, "borne", "width")
    assert attributes(long, "fails") == [], "it was borne as far as it was tried"


def test_a_margin_of_nothing_can_be_drawn() -> None:
    assert number(margin_bar(margin(0.0, 0.0), most=0.0), "borne", "width") == 0


@pytest.mark.parametrize(
    ("one", "said", "brief"),
    [
        (margin(0.011, 0.013), "start moved by 11 mm: borne, fails at 13 mm", "start 11 mm"),
        (
            margin(0.3, 0.0, Disturbance.NOISE),
            "noise on actions 30 %: borne, more was not tried",
            "noise 30 % +",
        ),
        (
            margin(0.0, 0.017, Disturbance.DELAY),
            "actions late by 0 s: borne, fails at 17 ms",
            "delay 0 s",
        ),
        (
            margin(6.0, 6.25, Disturbance.LINK),
            "its own link, as late 6 x: borne, fails at 6.25 x",
            "link 6 x",
        ),
    ],
)
def test_a_margin_in_words(one: Margin, said: str, brief: str) -> None:
    assert (margin_text(one), margin_brief(one)) == (said, brief)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0013, "m", "1.3 mm"),
        (1.25, "m", "1.25 m"),
        (2e-5, "m", "2e-05 m"),
        (0.05, "1", "5 %"),
        (1e308, "m", "beyond comparison"),
        (0.3, "", "0.3"),
        (0.02, "furlong", "0.02 furlong"),
    ],
)
def test_a_quantity_in_words(value: float, unit: str, said: str) -> None:
    assert quantity(value, unit) == said


def test_cause_and_advice_are_said_once() -> None:
    found = verdict(Kind.LABEL_FAULT)
    assert proof_text(found) == (
        "379 of 412 recorded actions do not lead to the next recorded state (off by up to 0.021)."
    )
    said = report_sarif(report(entry(Kind.LABEL_FAULT)), "0").decode()
    assert said.count("one row late") == 2, "in the message and in its properties"
    assert proof_text(verdict(Kind.DIVERGED)) == verdict(Kind.DIVERGED).sentence


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (Kind.EXACT, {}, "none"),
        (Kind.NOT_APPLIED, {}, "not replayed"),
        (Kind.SEMANTIC, {}, "step 212, tick 3412: by up to 0.034"),
        (Kind.DIVERGED, {}, "step 212, tick 3412: cube x off by 1.3 mm, limit 1 mm"),
        (Kind.SEMANTIC, {"open_loop": STATELESS}, "no states to compare with"),
    ],
)
def test_where_it_diverges_in_words(kind: Kind, changes: dict[str, Any], said: str) -> None:
    assert divergence_text(verdict(kind, **changes).evidence) == said


# --- deviation -----------------------------------------------------------------------------------


def curve_of(*values: float, divergence: Divergence | None = CUBE) -> Markup:
    evidence: Evidence = msgspec.structs.replace(
        verdict(Kind.DIVERGED).evidence,
        curve=values,
        recorded_steps=len(values),
        divergence=divergence,
    )
    drawing = deviation_curve(evidence)
    assert drawing is not None
    return drawing


def heights(drawing: Markup) -> list[float]:
    (one,) = attributes(drawing, "curve")
    return [float(y) for y in re.findall(rf"[ML]{NUMBER} ({NUMBER})H", one["d"])]


def test_a_decade_is_as_high_as_the_next() -> None:
    high = heights(curve_of(1.0, 0.1, 0.01, 0.001))
    steps = [b - a for a, b in pairwise(high)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.15)
    assert steps[0] > 0


def test_the_area_above_the_limit_is_marked_and_nothing_else() -> None:
    drawing = curve_of(0.001, 0.005, 0.02, 0.5, 0.009)
    (above,) = attributes(drawing, "above")
    assert above["d"].count("M") == 2
    limit = number(drawing, "limit", "y1")
    assert [y < limit for y in heights(drawing)] == [False, False, True, True, False]
    assert "limit 10 mm" in drawing


def test_the_first_divergent_step_stands_at_its_place() -> None:
    drawing = curve_of(0.001, 0.005, 0.02, 0.5)
    x = number(drawing, "first", "x1")
    assert (x - 52) / (760 - 52 - 12) == pytest.approx(2 / 4, abs=0.001)
    assert "first divergent step 2<" in drawing


def test_its_name_stands_where_there_is_room() -> None:
    late = msgspec.structs.replace(CUBE, step=4)
    assert attributes(curve_of(0.1, 0.1, 0.1, 0.1, divergence=late), "first-text end")
    assert attributes(curve_of(0.1, 0.1, 0.1, 0.1), "first-text")


def test_no_deviation_stands_on_the_floor_which_is_named_0() -> None:
    drawing = curve_of(0.0, 0.0, 0.1)
    floor = number(drawing, "axis", "y1")
    assert heights(drawing)[:2] == [floor, floor]
    assert ">0</text>" in drawing.replace(">0</text>", "", 1), "besides step 0"


@pytest.mark.parametrize("value", [1e308, 5e-324, 1e-300, 0.0, 1.0, 1e6])
def test_every_value_is_drawn_within_the_frame(value: float) -> None:
    drawing = curve_of(value, 0.1, divergence=None)
    assert all(40 <= y <= 240 - 36 for y in heights(drawing))
    assert "nan" not in drawing
    assert "inf" not in drawing


def test_without_a_curve_nothing_is_drawn() -> None:
    assert deviation_curve(verdict(Kind.EXACT).evidence) is None


def test_it_says_in_words_what_it_shows() -> None:
    drawing = deviation_curve(verdict(Kind.DIVERGED).evidence)
    assert drawing is not None
    assert f"Deviation from the recording over {STEPS} steps, in m or rad; largest" in drawing
    assert "first divergence: step 212, tick 3412: cube x off by 1.3 mm, limit 1 mm." in drawing


# --- a figure over time, counts ------------------------------------------------------------------


def test_a_sparkline_rises_with_the_figure_and_marks_the_newest() -> None:
    drawing = sparkline([0.0, 1.0, 2.0], "rises")
    (path,) = re.findall(r'd="(M[^"]+)"', drawing)
    heights = [float(y) for y in re.findall(rf"[ML]{NUMBER} ({NUMBER})", path)]
    assert heights == sorted(heights, reverse=True)
    assert number(drawing, "mark", "cy") == heights[-1]


def test_a_week_without_a_figure_is_a_gap_and_not_a_zero() -> None:
    drawing = sparkline([1.0, 1.0, None, 1.0, 1.0], "with a gap")
    (path,) = re.findall(r'd="(M[^"]+)"', drawing)
    assert re.findall("[ML]", path) == ["M", "L", "M", "L"]
    assert len(attributes(sparkline([None, 1.0, None], "alone"), "mark")) == 1
    assert attributes(sparkline([None, None], "nothing"), "mark") == []


def test_a_count_is_as_long_as_its_share_of_the_most() -> None:
    half, whole = (number(count_bar(n, 4, "calls"), "borne", "width") for n in (2, 4))
    assert whole == 2 * half
    assert number(count_bar(0, 0, "none"), "borne", "width") == 0.0


def test_the_hours_of_a_day_are_24_columns_and_the_counts_stand_above() -> None:
    drawing = hour_columns([0] * 9 + [3] + [0] * 13 + [1], "calls")
    columns = attributes(drawing, "borne")
    assert len(columns) == 24
    assert float(columns[9]["height"]) == pytest.approx(3 * float(columns[23]["height"]), abs=0.2)
    assert re.findall(r">(\d+)</text>", drawing) == ["3", "1"]
