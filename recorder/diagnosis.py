"""What is probably wrong with labels that do not lead to the recorded states, and what to try.

Each explanation is tried, simplest first. One that can be undone (a shift, a scale, a sign, two
columns) is undone and the steps are tried again: it explains as much as agrees then. One that has
lost something (clipped, rounded, decimated) is held against the actions that really led from state
to state, which `recorder.inverse` finds. Nothing here is asked when every step agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.inverse import recovered, scales
from recorder.label_check import LabelCheck, check_labels, usual_change
from recorder.replayable import Flags, Named, Numbers, Replayable
from recorder.series import Integers
from recorder.stepping import run
from recorder.verdict import Diagnosis, Fault

EXPLAINS: Final = 0.95  # share of the tried steps that have to agree
MAX_SHIFT: Final = 10  # rows; more is another recording
MAX_DECIMATION: Final = 8
TRIED: Final = 60  # failing steps that an explanation is tried on
SAME: Final = 1e-5  # of an axis' largest action: what counts as the same number
STEADY: Final = 0.1  # share of rows between which nothing changed: there holding is exact
KNOWN: Final = 0.3  # share of the tried steps whose true action has to be found
_DIGITS: Final = range(6)


@dataclass(frozen=True, eq=False)
class _Case:
    """One demonstration whose labels fail, and what is known of the steps that were looked at."""

    robot: Replayable
    demonstration: Demonstration
    tolerance: Numbers
    check: LabelCheck
    tried: Integers  # (t,): some of the failing steps, evenly chosen
    fine: Integers  # some of the steps that agree; what explains a failing one must not spoil them
    true: Numbers  # (t, k): what really led on from there; NaN: no action does

    @property
    def stored(self) -> Numbers:
        """(t, k): what is recorded for the steps that were looked at."""
        stored: Numbers = self.demonstration.actions[self.tried]
        return stored

    @property
    def known(self) -> Flags:
        """(t,): steps whose true action was found."""
        known: Flags = np.asarray(np.isfinite(self.true).all(axis=1))
        return known

    @property
    def scale(self) -> Numbers:
        """(k,): by which an axis' differences are judged."""
        known = self.true[self.known]
        most: Numbers = np.maximum(
            scales(self.demonstration.actions), np.abs(known).max(axis=0, initial=0.0)
        )
        return most

    def same(self, a: Numbers, b: Numbers) -> Flags:
        """(t, k): where two runs of actions are the same numbers."""
        same: Flags = np.asarray(np.abs(a - b) <= SAME * self.scale)
        return same

    def agrees(self, actions: Numbers, steps: Integers) -> float:
        """The share of `steps`, and of those that are fine, that agree with other `actions`."""
        steps = np.concatenate([steps, self.fine])
        check = check_labels(self.robot, self.demonstration, self.loose, actions, only=steps)
        return 1.0 - check.share

    @property
    def loose(self) -> Numbers:
        """What a repaired action may miss: undoing a factor rounds once."""
        loose: Numbers = np.maximum(self.tolerance, SAME * usual_change(self.demonstration) + 1e-9)
        return loose


def diagnosed(
    robot: Replayable,
    demonstration: Demonstration,
    tolerance: Numbers,
    check: LabelCheck,
    others: Iterable[Demonstration] = (),
) -> Diagnosis | None:
    """What is wrong with a demonstration that has states; None when no step fails.

    `others` are demonstrations that its actions might belong to.
    """
    if demonstration.states is None or not len(check.failing):
        return None
    if (start := _wrong_start(demonstration, check)) is not None:
        return start
    tried = _some(check.failing)
    fine = _some(check.checked[np.isin(check.checked, check.failing, invert=True)])
    true = recovered(robot, demonstration, tried)
    case = _Case(robot, demonstration, tolerance, check, tried, fine, true)
    for explanation in (
        _decimated,
        _shifted,
        _missing_rows,
        _turned,
        _swapped,
        _rounded,
        _clipped,
        _scaled,
    ):
        if (found := explanation(case)) is not None:
            return found
    return _of_another(case, others)


def _some(steps: Integers) -> Integers:
    """At most `TRIED` of them, evenly chosen."""
    places = np.linspace(0, len(steps) - 1, min(TRIED, len(steps)))
    return steps[np.unique(places.round().astype(np.int64))]


def _wrong_start(demonstration: Demonstration, check: LabelCheck) -> Diagnosis | None:
    if list(check.failing) != [0] or len(check.checked) < 3:
        return None
    return Diagnosis(
        fault=Fault.WRONG_START,
        sentence="Every step agrees but the first: it was begun from another start state.",
        advice="Look for the start state of this demonstration, or begin it one row later.",
        explains=1.0,
    )


def _decimated(case: _Case) -> Diagnosis | None:
    """Rows that are further apart than one action lasts."""
    demonstration, steps = case.demonstration, case.tried
    best, factor = 0.0, 0
    for times in range(2, MAX_DECIMATION + 1):
        slower = replace(demonstration, steps_per_action=demonstration.steps_per_action * times)
        check = check_labels(case.robot, slower, case.loose, only=steps)
        share = 1.0 - check.share
        if share > best:
            best, factor = share, times
    regular = _apart(case)
    if regular:
        factor, best = regular, max(best, 0.0)
    elif best < STEADY or case.check.share < 0.5:
        # A hand that moves steadily through a dropped row looks the same, but only there.
        return None
    return Diagnosis(
        fault=Fault.DECIMATED,
        sentence=(
            f"{factor} steps of the robot lie between two rows, but each action is played for "
            f"one: the set has 1/{factor} of the rate it claims."
        ),
        advice=f"Give its true rate, or hold each action for {factor} steps.",
        explains=best,
        rows=factor,
    )


def _time_steps(case: _Case) -> Numbers | None:
    """(n,): robot steps between rows by the state's own clock; None: it has none."""
    robot, demonstration = case.robot, case.demonstration
    if not isinstance(robot, Named) or demonstration.states is None:
        return None
    clocks = [i for i, part in enumerate(robot.state_parts()) if part.name == "time"]
    if not clocks:
        return None
    passed = np.diff(demonstration.states[:, clocks[0]])
    one = run(robot, demonstration.state(0), demonstration.actions[:1]).states[:, clocks[0]]
    steps: Numbers = passed / (one[1] - one[0]) / demonstration.steps_per_action
    return steps


def _apart(case: _Case) -> int:
    """How many robot steps lie between rows throughout, by the state's own clock; 0: not so."""
    steps = _time_steps(case)
    if steps is None:
        return 0
    usual = round(float(np.median(steps)))
    regular = np.abs(steps - usual) < 0.01
    return usual if 2 <= usual <= MAX_DECIMATION and regular.mean() > 0.9 else 0


def _missing_rows(case: _Case) -> Diagnosis | None:
    """Single places that no action leads over, while all else agrees."""
    if case.check.share > 0.3:
        return None
    steps = _time_steps(case)
    if steps is not None:
        gaps = np.array(
            [g for g in np.flatnonzero(steps > 1.5) if g not in case.demonstration.seams], np.int64
        )
        if not len(gaps) or not np.isin(case.check.failing, gaps).mean() >= EXPLAINS:
            return None
        missing = int((steps[gaps] - 1).round().sum())
    else:
        if case.known.mean() > 1 - EXPLAINS:
            return None
        gaps, missing = case.check.failing, len(case.check.failing)
    first = int(case.demonstration.numbers[int(gaps[0])])
    return Diagnosis(
        fault=Fault.MISSING_ROWS,
        sentence=f"{missing} rows are missing in {len(gaps)} places, the first after {first}.",
        advice="Record it again, or cut it there: no action leads over a gap.",
        explains=1.0,
        rows=missing,
    )


def _shifted(case: _Case) -> Diagnosis | None:
    actions, n = case.demonstration.actions, len(case.demonstration)
    best, rows = 0.0, 0
    for shift in sorted(range(-MAX_SHIFT, MAX_SHIFT + 1), key=abs)[1:]:
        there = (case.tried + shift >= 0) & (case.tried + shift < n)
        if there.mean() < 0.5:
            continue
        share = case.agrees(actions[np.clip(np.arange(n) + shift, 0, n - 1)], case.tried[there])
        if share > best + 1e-9:
            best, rows = share, shift
        if best == 1.0:
            break
    if best < EXPLAINS:
        return None
    late = "late" if rows > 0 else "early"
    count = f"{abs(rows)} step{'s' * (abs(rows) > 1)}"
    return Diagnosis(
        fault=Fault.SHIFTED,
        sentence=f"The actions are recorded {count} {late}.",
        advice=f"Shift the column action by {-rows:+d} and validate again.",
        explains=best,
        rows=rows,
    )


def _axes(case: _Case) -> Iterator[tuple[int, Numbers, Numbers]]:
    """(axis, stored, true) where the true action is known and the axis moves."""
    for axis in range(case.stored.shape[1]):
        stored, true = case.stored[case.known, axis], case.true[case.known, axis]
        # What was found of an axis that is never used is rounding.
        most = max(0.02 * np.abs(true).max(initial=0.0), 10 * SAME * case.scale[axis])
        moving = np.abs(true) > most
        if moving.sum() >= 1:
            yield axis, stored[moving], true[moving]


def _factors(case: _Case) -> dict[int, float]:
    """Stored by true, for each axis on which that is one number and not 1; empty: not so.

    A single step whose true action was found badly, as in a contact, does not count.
    """
    factors = {}
    for axis, stored, true in _axes(case):
        usual = float(np.median(stored / true))
        off = np.abs(stored - usual * true) > 10 * SAME * case.scale[axis]
        if off.mean() > 0.3 or usual == 0.0:
            return {}
        if abs(usual - 1.0) > 1e-4 and not _agrees_somewhere(case, axis):
            factors[axis] = usual
    return factors


def _agrees_somewhere(case: _Case, axis: int) -> bool:
    """Whether steps in which this axis moves are right: then no factor goes through all of them."""
    check, actions = case.check, case.demonstration.actions
    moving = check.checked[np.abs(actions[check.checked, axis]) > 0.02 * case.scale[axis]]
    right = np.isin(moving, check.failing, invert=True).sum()
    return bool(right > 1 + 0.005 * len(moving))


def _undone(case: _Case, change: Callable[[Numbers], None]) -> float:
    """The share of steps that agree after `change` of a copy of all actions, in place."""
    actions = case.demonstration.actions.copy()
    change(actions)
    return case.agrees(actions, case.tried)


def _turned(case: _Case) -> Diagnosis | None:
    turned = [axis for axis, factor in _factors(case).items() if abs(factor + 1.0) < 1e-4]
    if not turned or len(turned) != len(_factors(case)):
        return None

    def turn(actions: Numbers) -> None:
        actions[:, turned] *= -1

    share = _undone(case, turn)
    if share < EXPLAINS:
        return None
    names = _names(case, turned)
    return Diagnosis(
        fault=Fault.SIGN,
        sentence=f"The sign of {' and '.join(names)} is turned round.",
        advice=f"Multiply {' and '.join(names)} by -1 and validate again.",
        explains=share,
        axes=names,
        factor=-1.0,
    )


def _scaled(case: _Case) -> Diagnosis | None:
    factors = _factors(case)
    if not factors:
        return None

    def unscale(actions: Numbers) -> None:
        for axis, factor in factors.items():
            actions[:, axis] /= factor

    share = _undone(case, unscale)
    if share < EXPLAINS:
        return None
    names, common = _names(case, factors), next(iter(factors.values()))
    if len({round(factor, 4) for factor in factors.values()}) > 1:
        common = 0.0
    told = " and ".join(f"{n} by {f:.4g}" for n, f in zip(names, factors.values(), strict=True))
    return Diagnosis(
        fault=Fault.SCALED,
        sentence=f"Actions are scaled: {told}.",
        advice="Look for a wrong unit or limit where they were stored; divide by that factor.",
        explains=share,
        axes=names,
        factor=common,
    )


def _swapped(case: _Case) -> Diagnosis | None:
    stored, true = case.stored[case.known], case.true[case.known]
    width = stored.shape[1]
    for a, b in permutations(range(width), 2):
        if a > b or not len(stored):
            continue
        order = list(range(width))
        order[a], order[b] = b, a
        if case.same(stored[:, order], true).all(axis=1).mean() < EXPLAINS:
            continue

        def swap(actions: Numbers, order: Sequence[int] = tuple(order)) -> None:
            actions[:] = actions[:, list(order)]

        share = _undone(case, swap)
        if share < EXPLAINS:
            continue
        names = _names(case, (a, b))
        return Diagnosis(
            fault=Fault.SWAPPED,
            sentence=f"{names[0]} and {names[1]} stand in each other's column.",
            advice="Swap the two columns and validate again.",
            explains=share,
            axes=names,
        )
    return None


def _clipped(case: _Case) -> Diagnosis | None:
    """Failing only where an axis stands at its largest value, and more was really applied."""
    stored, true = case.stored[case.known], case.true[case.known]
    if case.known.mean() < KNOWN:
        return None
    actions = case.demonstration.actions
    high, low = actions.max(axis=0), actions.min(axis=0)
    near = SAME * case.scale
    cut = ((true > high + near) & (stored >= high - near)) | (
        (true < low - near) & (stored <= low + near)
    )
    explained = (cut | case.same(stored, true)).all(axis=1) & cut.any(axis=1)
    share = float(explained.mean())
    axes = np.flatnonzero(cut.any(axis=0))
    if share < EXPLAINS or not len(axes):
        return None
    names = _names(case, axes)
    limits = ", ".join(
        f"{n} at {max(abs(high[a]), abs(low[a])):.4g}" for n, a in zip(names, axes, strict=True)
    )
    return Diagnosis(
        fault=Fault.CLIPPED,
        sentence=f"Actions are cut off before they were stored: {limits}.",
        advice="Store what was applied, before any clipping; what was cut off cannot be had back.",
        explains=share,
        axes=names,
    )


def _rounded(case: _Case) -> Diagnosis | None:
    """Every stored number has few digits, and the true ones are as near as rounding allows."""
    stored, true = case.stored[case.known], case.true[case.known]
    if case.known.mean() < KNOWN:
        return None
    every = case.demonstration.actions
    if not every.any():
        return None
    grids: list[tuple[str, Callable[[Numbers], Numbers]]] = [
        *((f"{digits} decimals", partial(_to_decimals, digits)) for digits in _DIGITS),
        ("half precision (float16)", lambda a: a.astype(np.float16).astype(np.float64)),
        ("single precision (float32)", lambda a: a.astype(np.float32).astype(np.float64)),
    ]
    for name, grid in grids:
        if not np.array_equal(grid(every), every):
            continue
        # A true number next to the middle of two may have been found on its other side.
        off = np.abs(stored - true)
        reach = np.abs(grid(true) - true).max(axis=0) * 1.5 + 1e-7 * case.scale
        share = float((off <= reach).all(axis=1).mean())
        if share < EXPLAINS:
            continue
        return Diagnosis(
            fault=Fault.ROUNDED,
            sentence=f"Actions are stored with too few digits: {name}.",
            advice="Store them as they were applied (float64, or float32 if that is what moves).",
            explains=share,
            axes=_names(case, np.flatnonzero((off > 0).any(axis=0))),
        )
    return None


def _to_decimals(digits: int, numbers: Numbers) -> Numbers:
    rounded: Numbers = np.round(numbers, digits)
    return rounded


def _of_another(case: _Case, others: Iterable[Demonstration]) -> Diagnosis:
    actions = case.demonstration.actions
    for other in others:
        if other.name == case.demonstration.name or other.actions.shape[1] != actions.shape[1]:
            continue
        n = min(len(other), len(actions))
        if n >= 10 and np.array_equal(other.actions[:n], actions[:n]):
            return Diagnosis(
                fault=Fault.OTHER_EPISODE,
                sentence=f"The actions are those of {other.name}, not of this demonstration.",
                advice="Put the right actions beside these states, or leave it out.",
                explains=1.0,
            )
    share = float(case.known.mean())
    if share >= KNOWN and case.check.share >= 0.3:
        return Diagnosis(
            fault=Fault.OTHER_EPISODE,
            sentence=(
                "The states can be reached, but by other actions, which the recorded ones have no "
                "simple relation to: they are probably those of another demonstration."
            ),
            advice="Compare with the demonstration before and after it; leave it out.",
            explains=share,
        )
    return Diagnosis(
        fault=Fault.UNEXPLAINED,
        sentence="No simple fault of the labels explains it.",
        advice="Look at robot, scene and controller: something is another than at the recording.",
        explains=0.0,
    )


def _names(case: _Case, axes: Iterable[int]) -> tuple[str, ...]:
    return tuple(case.demonstration.action_names[axis] for axis in axes)
