"""Figures of a fleet: how often robots need people, how soon they get help, what that costs.

Pure. What each figure is of:

    robot-hour           an hour in which control ran, whatever the mode
    intervention         a takeover and all until the hand-back, or until the lease was free
    to accept            from the call to the takeover that answered it
    to first motion      from the takeover to the first motion that the operator asked for
    to free              from the takeover to the hand-back of an intervention that succeeded
    success rate         successes of the interventions that somebody labelled
    human minutes        time that somebody had a robot, also while it stood
    human action         one row (1/30 s) in which the robot moved as the operator wished
    ROHE                 successes for each 100 human actions
    verified rate        episodes that the replay proved (EXACT, SEMANTIC) of those it could judge

ROHE is the return on human effort of R. Hoque et al., Fleet-DAgger: Interactive Robot Fleet
Learning with Scalable Human Supervision, CoRL 2022. Its benchmark (BerkeleyAutomation/
ifl_benchmark, `plotting/process_logs.py`) sets successes against human actions and counts an action
for each time step at which a robot is assigned to a person, standing included. Here a person who
looks and thinks costs human minutes, and only steps that move the robot are actions; who wants the
benchmark's number divides the successes by 30 times the seconds that robots were held.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final

from recorder.verdict import PASSING
from recorder.verdict_report import UNJUDGED, Rate, wilson
from teleop.rescues import Call, History, Intervention, Place, Told, Worked
from transport.messages import Mode, Outcome

LONG_WAIT_S: Final = 60.0
WEEKS: Final = 8
NEAR_M: Final = 1.0  # two calls within that are from one place
ACTIONS: Final = 100  # ROHE is for each so many
_MANY: Final = 10**9


class By(StrEnum):
    """What figures are told apart by."""

    ROBOT = "robot"
    OPERATOR = "operator"
    TASK = "task"
    WEEK = "week"


@dataclass(frozen=True)
class Times:
    """Of some waits."""

    n: int
    median_s: float | None  # None: there were none
    p90_s: float | None


@dataclass(frozen=True)
class PerHour:
    """How often something came in a time, and the 95 % interval of that."""

    n: int
    hours: float
    rate: float | None  # None, as its limits: no time has passed
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Figures:
    """Of one robot, operator, task, week, or of the whole fleet."""

    robots: int
    calls: int
    interventions: PerHour
    autonomy: float | None  # share of the robot-hours in which the policy worked
    accepted: Times
    long_waits: Rate  # calls that waited for longer than a minute
    first_motion: Times
    free: Times
    success: Rate
    human_min: float
    human_min_each: float | None  # per intervention
    actions: int
    inputs: int
    rohe: float | None
    verified: Rate
    reasons: tuple[tuple[str, int], ...]  # of calls, most frequent first
    hours_of_day: tuple[int, ...]  # calls by hour, UTC, 24 of them


@dataclass(frozen=True)
class Freed:
    """How a robot came free before."""

    wall: datetime
    by: str
    distance_m: float
    free_s: float | None  # None: it was not handed back
    outcome: Outcome
    verdict: str  # empty: not replayed
    episode: str  # empty: none is known


def share(passed: int, judged: int, not_judged: int = 0) -> Rate:
    """A rate with its n and its Wilson interval."""
    low, high = wilson(passed, judged)
    return Rate(task="", passed=passed, judged=judged, not_judged=not_judged, low=low, high=high)


def per_hour(n: int, hours: float) -> PerHour:
    """`n` in so many hours, with the limit of Wilson's interval for many trials that hardly ever
    succeed: the score interval of a Poisson rate."""
    if hours <= 0.0:
        return PerHour(n, 0.0, None, None, None)
    low, high = wilson(n, _MANY)
    return PerHour(n, hours, n / hours, low * _MANY / hours, high * _MANY / hours)


def times(seconds: Iterable[float | None]) -> Times:
    """Those that are known."""
    known = sorted(s for s in seconds if s is not None)
    if not known:
        return Times(0, None, None)
    return Times(len(known), median(known), known[math.ceil(0.9 * len(known)) - 1])


def figures(history: History) -> Figures:
    """All figures of what is in `history`."""
    done = history.interventions
    modes: Counter[Mode] = Counter()
    for one in history.worked:
        modes.update(one.modes)
    run_s = sum(modes.values())
    successes = sum(one.outcome is Outcome.SUCCESS for one in done)
    labelled = sum(one.outcome is not Outcome.UNLABELLED for one in done)
    actions = sum(one.did.motion_rows for one in done)
    human_min = sum(one.did.held_s for one in done) / 60.0
    reasons = Counter(one.reason for one in history.calls)
    by_hour = Counter(one.wall.hour for one in history.calls)
    return Figures(
        robots=len(_robots(history)),
        calls=len(history.calls),
        interventions=per_hour(len(done), run_s / 3600.0),
        autonomy=modes[Mode.AUTONOMY] / run_s if run_s else None,
        accepted=times(one.waited_s for one in history.calls if one.ended == "accepted"),
        long_waits=_long_waits(history.calls),
        first_motion=times(one.first_motion_s for one in done),
        free=times(one.free_s for one in done if one.outcome is Outcome.SUCCESS),
        success=share(successes, labelled, len(done) - labelled),
        human_min=human_min,
        human_min_each=human_min / len(done) if done else None,
        actions=actions,
        inputs=sum(one.did.inputs for one in done),
        rohe=ACTIONS * successes / actions if actions else None,
        verified=_verified(history),
        reasons=ranked(reasons),
        hours_of_day=tuple(by_hour[hour] for hour in range(24)),
    )


def _all_of(history: History) -> Iterator[Told]:
    yield from history.calls
    yield from history.interventions
    yield from history.worked
    yield from history.judged


def _robots(history: History) -> set[str]:
    return {one.robot for one in _all_of(history)}


def _long_waits(calls: Sequence[Call]) -> Rate:
    """An open call counts once it has waited for so long; before that nobody knows."""
    waits = [one.waited_s for one in calls if one.waited_s is not None]
    long = sum(waited > LONG_WAIT_S for waited in waits)
    open_yet = sum(not one.ended and (one.waited_s or 0.0) <= LONG_WAIT_S for one in calls)
    return share(long, len(waits) - open_yet, open_yet)


def _verified(history: History) -> Rate:
    verdicts = [one.verdict for one in history.judged]
    unjudged = sum(verdict in UNJUDGED for verdict in verdicts)
    return share(sum(v in PASSING for v in verdicts), len(verdicts) - unjudged, unjudged)


def ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Most frequent first, then by name."""
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


# --- told apart -----------------------------------------------------------------------------------


def grouped(history: History, by: By) -> tuple[tuple[str, Figures], ...]:
    """The figures of each, by name. Nobody's hours are those of an operator."""
    names = _KEYS[by]
    found = sorted({names(one) for one in _all_of(history)})
    return tuple((name, figures(_only(history, names, name))) for name in found if name)


def _only(history: History, names: Callable[[Told], str], name: str) -> History:
    return replace(
        history,
        calls=tuple(one for one in history.calls if names(one) == name),
        drives=(),
        interventions=tuple(one for one in history.interventions if names(one) == name),
        worked=tuple(one for one in history.worked if names(one) == name),
        judged=tuple(one for one in history.judged if names(one) == name),
    )


def _operator_of(one: Told) -> str:
    return "" if isinstance(one, Worked) else one.by


def _week_of(one: Told) -> str:
    return week(one.wall)


_KEYS: Final[dict[By, Callable[[Told], str]]] = {
    By.ROBOT: lambda one: one.robot,
    By.OPERATOR: _operator_of,
    By.TASK: lambda one: one.task,
    By.WEEK: _week_of,
}


def week(wall: datetime) -> str:
    """The ISO week, by UTC: "2026-W19"."""
    year, number, _ = wall.isocalendar()
    return f"{year}-W{number:02d}"


def weekly(
    history: History, until: datetime, weeks: int = WEEKS
) -> tuple[tuple[str, Figures], ...]:
    """The figures of the last `weeks` weeks, the one of `until` last, also of those without any."""
    names = [week(until - timedelta(weeks=back)) for back in reversed(range(weeks))]
    return tuple((name, figures(_only(history, _week_of, name))) for name in names)


# --- for the page of a call -----------------------------------------------------------------------


def recent_calls(
    history: History, robot: str, until: datetime, days: int = 7
) -> tuple[tuple[str, int], ...]:
    """What this robot called for in the days before `until`, most frequent first."""
    since = until - timedelta(days=days)
    mine = (c for c in history.calls if c.robot == robot and since <= c.wall <= until)
    return ranked(Counter(call.reason for call in mine))


def freed_before(
    history: History, robot: str, reason: str, place: Place, within_m: float = NEAR_M
) -> tuple[Freed, ...]:
    """Earlier interventions of this robot for the same reason near `place`, newest first."""
    found = [
        Freed(
            wall=one.wall,
            by=one.by,
            distance_m=distance_m,
            free_s=one.free_s,
            outcome=one.outcome,
            verdict=one.verdict,
            episode=one.episode,
        )
        for one in history.interventions
        if one.robot == robot and one.reason == reason
        if (distance_m := _distance_m(one, place)) <= within_m
    ]
    return tuple(sorted(found, key=lambda freed: freed.wall, reverse=True))


def _distance_m(one: Intervention, place: Place) -> float:
    return math.inf if one.place is None else math.dist(one.place, place)
