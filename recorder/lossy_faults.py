"""Faults of labels that have lost something: rows, digits, what lay beyond a limit.

Nothing that is stored brings it back. The actions are held against those that really led from
state to state, or the rows against the state's own clock. Each function answers None when that is
not it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from recorder.failing_labels import EXPLAINS, KNOWN, SAME, FailingLabels
from recorder.label_check import check_labels
from recorder.replayable import Named, Numbers
from recorder.stepping import run
from recorder.verdict import Diagnosis, Fault

MAX_DECIMATION: Final = 8
STEADY: Final = 0.1  # share of rows between which nothing changed: there holding is exact
_DIGITS: Final = range(6)


def decimated(failing: FailingLabels) -> Diagnosis | None:
    """Rows that are further apart than one action lasts."""
    demonstration, steps = failing.demonstration, failing.tried
    best, factor = 0.0, 0
    for times in range(2, MAX_DECIMATION + 1):
        slower = replace(demonstration, steps_per_action=demonstration.steps_per_action * times)
        check = check_labels(failing.robot, slower, failing.loose, only=steps)
        share = 1.0 - check.share
        if share > best:
            best, factor = share, times
    regular = _apart(failing)
    if regular:
        factor, best = regular, max(best, 0.0)
    elif best < STEADY or failing.check.share < 0.5:
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


def missing_rows(failing: FailingLabels) -> Diagnosis | None:
    """Single places that no action leads over, while all else agrees."""
    if failing.check.share > 0.3:
        return None
    steps = _time_steps(failing)
    if steps is not None:
        gaps = np.array(
            [g for g in np.flatnonzero(steps > 1.5) if g not in failing.demonstration.seams],
            np.int64,
        )
        if not len(gaps) or not np.isin(failing.check.failing, gaps).mean() >= EXPLAINS:
            return None
        missing = int((steps[gaps] - 1).round().sum())
    else:
        if failing.known.mean() > 1 - EXPLAINS:
            return None
        gaps, missing = failing.check.failing, len(failing.check.failing)
    first = int(failing.demonstration.numbers[int(gaps[0])])
    return Diagnosis(
        fault=Fault.MISSING_ROWS,
        sentence=f"{missing} rows are missing in {len(gaps)} places, the first after {first}.",
        advice="Record it again, or cut it there: no action leads over a gap.",
        explains=1.0,
        rows=missing,
    )


def rounded(failing: FailingLabels) -> Diagnosis | None:
    """Every stored number has few digits, and the true ones are as near as rounding allows."""
    stored, true = failing.stored[failing.known], failing.true[failing.known]
    if failing.known.mean() < KNOWN:
        return None
    every = failing.demonstration.actions
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
        reach = np.abs(grid(true) - true).max(axis=0) * 1.5 + 1e-7 * failing.scale
        share = float((off <= reach).all(axis=1).mean())
        if share < EXPLAINS:
            continue
        return Diagnosis(
            fault=Fault.ROUNDED,
            sentence=f"Actions are stored with too few digits: {name}.",
            advice="Store them as they were applied (float64, or float32 if that is what moves).",
            explains=share,
            axes=failing.names(np.flatnonzero((off > 0).any(axis=0))),
        )
    return None


def clipped(failing: FailingLabels) -> Diagnosis | None:
    """Failing only where an axis stands at its largest value, and more was really applied."""
    stored, true = failing.stored[failing.known], failing.true[failing.known]
    if failing.known.mean() < KNOWN:
        return None
    actions = failing.demonstration.actions
    high, low = actions.max(axis=0), actions.min(axis=0)
    near = SAME * failing.scale
    cut = ((true > high + near) & (stored >= high - near)) | (
        (true < low - near) & (stored <= low + near)
    )
    explained = (cut | failing.same(stored, true)).all(axis=1) & cut.any(axis=1)
    share = float(explained.mean())
    axes = np.flatnonzero(cut.any(axis=0))
    if share < EXPLAINS or not len(axes):
        return None
    names = failing.names(axes)
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


def _time_steps(failing: FailingLabels) -> Numbers | None:
    """(n,): robot steps between rows by the state's own clock; None: it has none."""
    robot, demonstration = failing.robot, failing.demonstration
    if not isinstance(robot, Named) or demonstration.states is None:
        return None
    clocks = [i for i, part in enumerate(robot.state_parts()) if part.name == "time"]
    if not clocks:
        return None
    passed = np.diff(demonstration.states[:, clocks[0]])
    one = run(robot, demonstration.state(0), demonstration.actions[:1]).states[:, clocks[0]]
    steps: Numbers = passed / (one[1] - one[0]) / demonstration.steps_per_action
    return steps


def _apart(failing: FailingLabels) -> int:
    """How many robot steps lie between rows throughout, by the state's own clock; 0: not so."""
    steps = _time_steps(failing)
    if steps is None:
        return 0
    usual = round(float(np.median(steps)))
    regular = np.abs(steps - usual) < 0.01
    return usual if 2 <= usual <= MAX_DECIMATION and regular.mean() > 0.9 else 0


def _to_decimals(digits: int, numbers: Numbers) -> Numbers:
    nearest: Numbers = np.round(numbers, digits)
    return nearest
