"""Level 1: does each recorded action lead from its recorded state to the next one?

With the recorded versions that has to be so bit for bit; every step is checked. As long as it is
so, the state reached is the recorded one, so a run goes on until a step misses and begins anew
behind it: that costs hardly more than one replay. With other versions steps are tried one by one,
at most `MAX_CHECKS` of them, and each number may miss by the tolerance of its unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.replayable import Flags, Named, Numbers, Replayable, StatePart
from recorder.series import Integers
from recorder.stepping import alike, run

MAX_CHECKS: Final = 600  # with other versions; longer demonstrations are sampled evenly
_CHUNK: Final = 3600  # steps in one run: a minute of control ticks, some megabytes of states

# What another version of an engine may do to one step: contacts are solved a little differently.
# Ten times the largest residual of right labels over six versions of MuJoCo, rounded up.
OTHER_VERSIONS: Final = {"m": 1e-4, "rad": 1e-3, "m/s": 1e-2, "rad/s": 5e-2, "1": 1e-3}
UNKNOWN_UNIT: Final = 1e-4

# Single precision misses an action by 6e-8 of itself; a contact makes a thousand times of it.
ROUNDED: Final = 1e-4

INCOMPARABLE: Final = 1e308  # JSON has no infinity
_SMALLEST: Final = 5e-324


def usual_change(demonstration: Demonstration) -> Numbers:
    """(s,): how much each number of the state changes in a step, on average.

    Those numbers differ by orders of magnitude; this is what their differences are judged by.
    """
    assert demonstration.states is not None
    change: Numbers = np.abs(np.diff(demonstration.states, axis=0)).mean(axis=0)
    return change


@dataclass(frozen=True, eq=False)
class LabelCheck:
    """The steps that were tried, and those whose action does not lead to the next state."""

    checked: Integers  # (c,)
    failing: Integers  # (f,), among the checked
    max_deviation: float  # of any number, in any step
    worst: int = -1  # which number of the state that is; -1: none

    @property
    def share(self) -> float:
        """Of the checked steps, how many fail."""
        return len(self.failing) / len(self.checked) if len(self.checked) else 0.0


def tolerances(robot: Replayable, demonstration: Demonstration, same_versions: bool) -> Numbers:
    """(s,): what each number of the state may miss in one step; bookkeeping may be anything."""
    assert demonstration.states is not None
    size = demonstration.states.shape[1]
    if same_versions and not demonstration.rounded:
        return np.zeros(size)
    if same_versions:
        rounding: Numbers = ROUNDED * usual_change(demonstration) + 1e-9
        return rounding
    parts: Sequence[StatePart] = robot.state_parts() if isinstance(robot, Named) else ()
    if len(parts) != size:
        return np.full(size, UNKNOWN_UNIT)
    return np.array(
        [OTHER_VERSIONS.get(part.unit, UNKNOWN_UNIT) if part.counts else np.inf for part in parts]
    )


def check_labels(
    robot: Replayable,
    demonstration: Demonstration,
    tolerance: Numbers,
    actions: Numbers | None = None,
    only: Integers | None = None,
) -> LabelCheck:
    """Try the steps of a demonstration that has states, `actions` (n, k) in the place of its own.

    `only` are the steps to try, rising; else all of them, or a sample when something may miss.
    """
    told = demonstration.actions if actions is None else actions
    if only is None and not tolerance.any():
        return _walk(robot, demonstration, told)
    steps = _sample(len(demonstration)) if only is None else only
    steps = np.array([i for i in steps if i not in demonstration.seams], np.int64)
    counts = np.isfinite(tolerance)
    residuals = [np.where(counts, _off(robot, demonstration, told, int(i)), 0.0) for i in steps]
    fails = np.array([bool((off > tolerance).any()) for off in residuals], np.bool_)
    return LabelCheck(steps, steps[fails], *_largest_of(residuals))


def _sample(n: int) -> Integers:
    return np.arange(0, n, max(1, -(-n // MAX_CHECKS)))


def _walk(robot: Replayable, demonstration: Demonstration, actions: Numbers) -> LabelCheck:
    states = demonstration.states
    assert states is not None
    n, at, length = len(demonstration), 0, _CHUNK
    failing: list[int] = []
    residuals: list[Numbers] = []
    while at < n:
        length = min(length, n - at)
        done = run(
            robot,
            demonstration.state(at),
            actions[at : at + length],
            steps_per_action=demonstration.steps_per_action,
        )
        same = alike(done.states[1:], states[at + 1 : at + length + 1])
        misses = np.flatnonzero(~same)
        if not len(misses):
            at, length = at + length, min(_CHUNK, 2 * length)
            continue
        first = int(misses[0])
        if at + first not in demonstration.seams:
            failing.append(at + first)
            residuals.append(distance(done.states[first + 1], states[at + first + 1]))
        # Where one step misses the next often does: then nothing is gained by running on.
        at, length = at + first + 1, 1 if first < 8 else min(_CHUNK, 2 * first)
    checked = np.array([i for i in range(n) if i not in demonstration.seams], np.int64)
    return LabelCheck(checked, np.array(failing, np.int64), *_largest_of(residuals))


def _off(robot: Replayable, demonstration: Demonstration, actions: Numbers, step: int) -> Numbers:
    done = run(
        robot,
        demonstration.state(step),
        actions[step : step + 1],
        steps_per_action=demonstration.steps_per_action,
    )
    assert demonstration.states is not None
    return distance(done.states[-1], demonstration.states[step + 1])


def distance(found: Numbers, wanted: Numbers) -> Numbers:
    """(s,): how far off each number is; `INCOMPARABLE` where that cannot be said."""
    if found.shape != wanted.shape:
        return np.full(wanted.shape, INCOMPARABLE)
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(found - wanted)
    comparable: Numbers = np.where(off < INCOMPARABLE, off, INCOMPARABLE)  # NaN compares as false
    return comparable


def _largest_of(residuals: Sequence[Numbers]) -> tuple[float, int]:
    """The largest number of steps that were tried, and which number of the state it is."""
    if not len(residuals):
        return 0.0, -1
    each = np.array(residuals).max(axis=0)
    worst = int(each.argmax())
    return max(float(each[worst]), _SMALLEST), worst  # -0.0 is another number, too


def deviations(found: Numbers, wanted: Numbers) -> Numbers:
    """(n,): largest difference of any number of two runs of states, (n, s) each; 0: bit for bit."""
    same: Flags = alike(found, wanted)
    if found.shape[1] != wanted.shape[1]:
        return np.full(len(found), INCOMPARABLE)
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(found - wanted)
    most: Numbers = np.where(off < INCOMPARABLE, off, INCOMPARABLE).max(axis=1)
    most[~same & (most == 0.0)] = _SMALLEST
    return most
