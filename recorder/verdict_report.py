"""What a run of `unstick validate` has to tell, before it is written down in any form.

Pure. Rates are over what was judged: an episode that could not be judged is neither a success nor a
failure, and every sentence says how many there are of those.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from recorder.baseline import BREAKING, Changed, Comparison
from recorder.verdict import PASSING, Kind, Verdict
from transport.messages import Outcome, Wire

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_NOT_JUDGED: Final = 2

UNJUDGED: Final = frozenset({Kind.UNVERIFIABLE, Kind.NOT_APPLIED})
FAILING: Final = frozenset(Kind) - PASSING - UNJUDGED

NO_TASK: Final = "(no task)"

_Z_95: Final = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class StepPictures:
    """What one camera saw where the replay first left the recording."""

    camera: str
    step: int  # counted from the start of the replay
    recorded: bytes  # PNG
    replayed: bytes  # PNG; empty: this robot draws no pictures


@dataclass(frozen=True)
class ReportEntry:
    """One episode that was opened and replayed, and what stands beside its verdict."""

    verdict: Verdict
    path: str
    task: str  # empty: nobody named one
    robot_type: str
    site: str
    operator: str  # empty: nobody took over
    outcome: Outcome  # as labelled now
    findings: int = -1  # of lint; -1: not linted
    pictures: StepPictures | None = None


class Unreadable(Wire, frozen=True):
    """An episode that could not be opened or verified, so nothing is known of it."""

    path: str
    sentence: str  # what is wrong, where, and what to try


class Invocation(Wire, frozen=True):
    """The run itself."""

    versions: dict[str, str]  # of the programs that replayed: unstick, python …
    started_wall: str  # ISO 8601, UTC
    seconds: float  # it took


@dataclass(frozen=True)
class Report:
    """A whole run; what the writers write."""

    entries: tuple[ReportEntry, ...]
    unreadable: tuple[Unreadable, ...]
    invocation: Invocation
    comparison: Comparison | None = None  # with a baseline; None: there was none
    accepted: bool = False  # the baseline is written anew with these verdicts: changes are meant

    @property
    def breaking(self) -> tuple[Changed, ...]:
        """What got worse or is gone and is not meant to be."""
        if self.comparison is None or self.accepted:
            return ()
        return tuple(one for one in self.comparison.changed if one.change in BREAKING)


class Rate(Wire, frozen=True):
    """How many passed of those that were judged, and what that proves."""

    task: str  # empty: all of them
    passed: int
    judged: int
    not_judged: int
    low: float  # 95 % interval of the true rate, 0 to 1
    high: float


def wilson(passed: int, judged: int) -> tuple[float, float]:
    """The 95 % score interval of a rate, both within 0 to 1; nothing judged proves nothing: (0, 1).

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of
    the American Statistical Association 22 (1927), p. 209-212. Unlike the interval of the normal
    approximation it stays within 0 to 1 and has a width when all passed.

    Raises:
        ValueError: more passed than were judged, or a count is negative.
    """
    if not 0 <= passed <= judged:
        raise ValueError(f"{passed} of {judged} is no rate")
    if not judged:
        return 0.0, 1.0
    rate, z2 = passed / judged, _Z_95**2
    centre = (rate + z2 / (2 * judged)) / (1 + z2 / judged)
    spread = math.sqrt(rate * (1 - rate) / judged + z2 / (4 * judged**2))
    half = _Z_95 * spread / (1 + z2 / judged)
    # At 0 and at n the limit is the rate itself; rounding would miss it by the last digit.
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == judged else min(1.0, centre + half)
    return low, high


def rate_of(entries: Iterable[ReportEntry], task: str = "") -> Rate:
    """The rate over all of `entries`."""
    kinds = [entry.verdict.verdict for entry in entries]
    passed = sum(kind in PASSING for kind in kinds)
    not_judged = sum(kind in UNJUDGED for kind in kinds)
    judged = len(kinds) - not_judged
    low, high = wilson(passed, judged)
    return Rate(task=task, passed=passed, judged=judged, not_judged=not_judged, low=low, high=high)


def rates(entries: Sequence[ReportEntry]) -> tuple[Rate, ...]:
    """The rate of each task, by name."""
    tasks = sorted({entry.task for entry in entries})
    return tuple(
        rate_of((entry for entry in entries if entry.task == task), task or NO_TASK)
        for task in tasks
    )


def interval_text(rate: Rate) -> str:
    """The interval in whole per cent."""
    return f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %"


def proved_sentence(rate: Rate) -> str:
    """What was proved, and what that says about the rest."""
    if not rate.judged:
        return "None could be judged" if rate.not_judged else "None were replayed"
    return f"{rate.passed} of {rate.judged} proved, 95 % interval {interval_text(rate)}"


def unknown_sentence(rate: Rate, unreadable: int = 0) -> str:
    """What nobody knows; empty: there is nothing of the kind."""
    parts = []
    if rate.judged and rate.not_judged:
        parts.append(f"{rate.not_judged} more could not be judged")
    if unreadable:
        parts.append(f"{unreadable} could not be read")
    return "; ".join(parts)


def rate_sentence(rate: Rate, unreadable: int = 0) -> str:
    """Both, in one line without a full stop."""
    return "; ".join(filter(None, (proved_sentence(rate), unknown_sentence(rate, unreadable))))


def exit_code(report: Report) -> int:
    """0: all pass; 1: one fails, FRAGILE included; 2: one could not be judged, which wins over 1.

    With a baseline what counts is the change: 1 when a verdict got worse or an episode is gone, 2
    when one cannot be read, else 0, whatever failed before. Changes that are accepted are none.
    """
    if report.comparison is not None:
        if report.breaking:
            return EXIT_FAILED
        return EXIT_NOT_JUDGED if report.unreadable else EXIT_PASSED
    kinds = {entry.verdict.verdict for entry in report.entries}
    if report.unreadable or kinds & UNJUDGED:
        return EXIT_NOT_JUDGED
    return EXIT_FAILED if kinds - PASSING else EXIT_PASSED
