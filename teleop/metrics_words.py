"""What the figures of a fleet are called, with their units and with how many they are of. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from recorder.verdict_report import Rate, interval_text
from teleop.fleet_metrics import ACTIONS, By, Figures, PerHour, Times

UNKNOWN: Final = "–"  # nothing was measured
NONE_YET: Final = "none yet"

HEADING: Final = {
    By.ROBOT: "Robot",
    By.OPERATOR: "Operator",
    By.TASK: "Task",
    By.WEEK: "Week",
}


@dataclass(frozen=True)
class Line:
    """One figure in words, and the number that a line over the weeks shows."""

    name: str
    value: str
    of: str  # how many it is of, and its interval
    number: float | None
    rate: Rate | None = None  # to draw the interval of


def lines(found: Figures) -> tuple[Line, ...]:
    """Every figure, in the order in which people ask."""
    each, rohe = found.human_min_each, found.rohe
    return (
        _hours(found),
        _per_hour(found.interventions),
        _wait("Call to accept", found.accepted),
        _share("Waited over 1 min", found.long_waits, "open"),
        _wait("Time to first motion", found.first_motion),
        _wait("Time to free", found.free),
        _share("Success", found.success, "not labelled"),
        Line(
            "Human minutes",
            f"{each:.1f} min each" if each is not None else UNKNOWN,
            f"{found.human_min:.1f} min in {_n(found.interventions.n, 'intervention')}",
            each,
        ),
        Line(
            "ROHE",
            f"{rohe:.3g}" if rohe is not None else UNKNOWN,
            f"{_n(found.success.passed, 'success')} per {ACTIONS} of {found.actions:,} actions",
            rohe,
        ),
        _share("Verified", found.verified, "not judged"),
    )


def _hours(found: Figures) -> Line:
    hours = found.interventions.hours
    works = "" if found.autonomy is None else f", {100 * found.autonomy:.0f} % in autonomy"
    of = f"{_n(found.robots, 'robot')}{works}"
    told = f"{hours:.1f} h" if hours >= 1.0 else f"{60 * hours:.1f} min"
    return Line("Robot-hours", told if hours else UNKNOWN, of, hours or None)


def _per_hour(found: PerHour) -> Line:
    of = f"n = {found.n}"
    if found.rate is None or found.low is None or found.high is None:
        return Line("Interventions", UNKNOWN, of, None)
    of += f", 95 % {_two(found.low)} to {_two(found.high)}"
    return Line("Interventions", f"{_two(found.rate)} per h", of, found.rate)


def _two(value: float) -> str:
    """Two digits that count, all of them before the point."""
    return f"{value:.0f}" if value >= 10.0 else f"{value:.2g}"


def _wait(name: str, found: Times) -> Line:
    if found.median_s is None or found.p90_s is None:
        return Line(name, UNKNOWN, NONE_YET, None)
    of = f"median of {found.n}, 90 % within {seconds(found.p90_s)}"
    return Line(name, seconds(found.median_s), of, found.median_s)


def _share(name: str, rate: Rate, unknown: str) -> Line:
    more = f", {rate.not_judged} {unknown}" if rate.not_judged else ""
    if not rate.judged:
        return Line(name, UNKNOWN, f"{NONE_YET}{more}", None)
    found = rate.passed / rate.judged
    of = f"{rate.passed} of {rate.judged}, 95 % {interval_text(rate)}{more}"
    return Line(name, f"{100 * found:.0f} %", of, found, rate)


def seconds(value: float | None) -> str:
    """A wait as people say it: tenths below ten seconds, minutes above two."""
    if value is None:
        return UNKNOWN
    if value < 10.0:
        return f"{value:.1f} s"
    if value < 120.0:
        return f"{value:.0f} s"
    return f"{value / 60.0:.1f} min"


def _n(number: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


# What a spreadsheet gets: one column for each number, units in the names.
COLUMNS: Final[dict[str, Callable[[Figures], float | None]]] = {
    "robots": lambda f: f.robots,
    "robot_hours": lambda f: f.interventions.hours,
    "autonomy_share": lambda f: f.autonomy,
    "calls": lambda f: f.calls,
    "interventions": lambda f: f.interventions.n,
    "interventions_per_h": lambda f: f.interventions.rate,
    "interventions_per_h_low": lambda f: f.interventions.low,
    "interventions_per_h_high": lambda f: f.interventions.high,
    "accepted": lambda f: f.accepted.n,
    "accept_median_s": lambda f: f.accepted.median_s,
    "accept_p90_s": lambda f: f.accepted.p90_s,
    "waited_over_1_min": lambda f: f.long_waits.passed,
    "waited_of": lambda f: f.long_waits.judged,
    "waited_low": lambda f: f.long_waits.low,
    "waited_high": lambda f: f.long_waits.high,
    "moved": lambda f: f.first_motion.n,
    "first_motion_median_s": lambda f: f.first_motion.median_s,
    "freed": lambda f: f.free.n,
    "free_median_s": lambda f: f.free.median_s,
    "free_p90_s": lambda f: f.free.p90_s,
    "successes": lambda f: f.success.passed,
    "labelled": lambda f: f.success.judged,
    "success_low": lambda f: f.success.low,
    "success_high": lambda f: f.success.high,
    "human_min": lambda f: f.human_min,
    "human_min_each": lambda f: f.human_min_each,
    "human_actions": lambda f: f.actions,
    "human_inputs": lambda f: f.inputs,
    "rohe": lambda f: f.rohe,
    "verified": lambda f: f.verified.passed,
    "judged": lambda f: f.verified.judged,
    "verified_low": lambda f: f.verified.low,
    "verified_high": lambda f: f.verified.high,
}
