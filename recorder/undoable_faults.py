"""Faults of labels that can be undone: a shift, a sign, two columns, a scale.

Each is undone and the steps are tried again; it explains as much as agrees then. Each function
answers None when that is not it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Final

import numpy as np

from recorder.failing_labels import EXPLAINS, SAME, FailingLabels
from recorder.replayable import Numbers
from recorder.verdict import Diagnosis, Fault

MAX_SHIFT: Final = 10  # rows; more is another recording


def shifted(failing: FailingLabels) -> Diagnosis | None:
    """All actions stand some rows too late, or too early."""
    actions, n = failing.demonstration.actions, len(failing.demonstration)
    best, rows = 0.0, 0
    for shift in sorted(range(-MAX_SHIFT, MAX_SHIFT + 1), key=abs)[1:]:
        there = (failing.tried + shift >= 0) & (failing.tried + shift < n)
        if there.mean() < 0.5:
            continue
        share = failing.agrees(
            actions[np.clip(np.arange(n) + shift, 0, n - 1)], failing.tried[there]
        )
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


def turned(failing: FailingLabels) -> Diagnosis | None:
    """The sign of some columns is turned round, and nothing else is."""
    axes = [axis for axis, factor in _factors(failing).items() if abs(factor + 1.0) < 1e-4]
    if not axes or len(axes) != len(_factors(failing)):
        return None

    def turn(actions: Numbers) -> None:
        actions[:, axes] *= -1

    share = _undone(failing, turn)
    if share < EXPLAINS:
        return None
    names = failing.names(axes)
    return Diagnosis(
        fault=Fault.SIGN,
        sentence=f"The sign of {' and '.join(names)} is turned round.",
        advice=f"Multiply {' and '.join(names)} by -1 and validate again.",
        explains=share,
        axes=names,
        factor=-1.0,
    )


def swapped(failing: FailingLabels) -> Diagnosis | None:
    """Two columns stand in each other's place."""
    stored, true = failing.stored[failing.known], failing.true[failing.known]
    width = stored.shape[1]
    for a, b in permutations(range(width), 2):
        if a > b or not len(stored):
            continue
        order = list(range(width))
        order[a], order[b] = b, a
        if failing.same(stored[:, order], true).all(axis=1).mean() < EXPLAINS:
            continue

        def swap(actions: Numbers, order: Sequence[int] = tuple(order)) -> None:
            actions[:] = actions[:, list(order)]

        share = _undone(failing, swap)
        if share < EXPLAINS:
            continue
        names = failing.names((a, b))
        return Diagnosis(
            fault=Fault.SWAPPED,
            sentence=f"{names[0]} and {names[1]} stand in each other's column.",
            advice="Swap the two columns and validate again.",
            explains=share,
            axes=names,
        )
    return None


def scaled(failing: FailingLabels) -> Diagnosis | None:
    """Columns are a constant times what was applied."""
    factors = _factors(failing)
    if not factors:
        return None

    def unscale(actions: Numbers) -> None:
        for axis, factor in factors.items():
            actions[:, axis] /= factor

    share = _undone(failing, unscale)
    if share < EXPLAINS:
        return None
    names, common = failing.names(factors), next(iter(factors.values()))
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


def _axes(failing: FailingLabels) -> Iterator[tuple[int, Numbers, Numbers]]:
    """(axis, stored, true) where the true action is known and the axis moves."""
    for axis in range(failing.stored.shape[1]):
        stored, true = failing.stored[failing.known, axis], failing.true[failing.known, axis]
        # What was found of an axis that is never used is rounding.
        most = max(0.02 * np.abs(true).max(initial=0.0), 10 * SAME * failing.scale[axis])
        moving = np.abs(true) > most
        if moving.sum() >= 1:
            yield axis, stored[moving], true[moving]


def _factors(failing: FailingLabels) -> dict[int, float]:
    """Stored by true, for each axis on which that is one number and not 1; empty: not so.

    A single step whose true action was found badly, as in a contact, does not count.
    """
    factors = {}
    for axis, stored, true in _axes(failing):
        usual = float(np.median(stored / true))
        off = np.abs(stored - usual * true) > 10 * SAME * failing.scale[axis]
        if off.mean() > 0.3 or usual == 0.0:
            return {}
        if abs(usual - 1.0) > 1e-4 and not _agrees_somewhere(failing, axis):
            factors[axis] = usual
    return factors


def _agrees_somewhere(failing: FailingLabels, axis: int) -> bool:
    """Whether steps in which this axis moves are right: then no factor goes through all of them."""
    check, actions = failing.check, failing.demonstration.actions
    moving = check.checked[np.abs(actions[check.checked, axis]) > 0.02 * failing.scale[axis]]
    right = np.isin(moving, check.failing, invert=True).sum()
    return bool(right > 1 + 0.005 * len(moving))


def _undone(failing: FailingLabels, change: Callable[[Numbers], None]) -> float:
    """The share of steps that agree after `change` of a copy of all actions, in place."""
    actions = failing.demonstration.actions.copy()
    change(actions)
    return failing.agrees(actions, failing.tried)
