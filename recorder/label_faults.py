"""Damages a demonstration in the ways data sets are damaged, to try whether that is noticed.

Pure. Each fault gives a new demonstration; the recorded one stays as it is. `FAULTS` is what the
detection table of `unstick bench replay` goes through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.replayable import Numbers
from recorder.series import Integers
from recorder.verdict import Fault


@dataclass(frozen=True)
class LabelFault:
    """One way to damage a demonstration, and what a diagnosis has to call it."""

    name: str
    expected: Fault
    damage: Callable[[Demonstration, Demonstration], Demonstration]  # (it, another one)


def _actions(demonstration: Demonstration, actions: Numbers) -> Demonstration:
    return replace(demonstration, actions=np.ascontiguousarray(actions))


def shifted(demonstration: Demonstration, rows: int) -> Demonstration:
    """Actions `rows` late; the end that is left over keeps the nearest."""
    n = len(demonstration)
    return _actions(demonstration, demonstration.actions[np.clip(np.arange(n) - rows, 0, n - 1)])


def scaled(demonstration: Demonstration, factor: float) -> Demonstration:
    """All axes by one factor."""
    return _actions(demonstration, demonstration.actions * factor)


def busiest(demonstration: Demonstration, nth: int = 0) -> int:
    """The axis that is used most, or the `nth` after it."""
    used = np.abs(demonstration.actions).sum(axis=0) / np.maximum(
        np.abs(demonstration.actions).max(axis=0), 1e-12
    )
    return int(np.argsort(-used, kind="stable")[nth])


def turned(demonstration: Demonstration) -> Demonstration:
    """The busiest axis with the other sign."""
    actions = demonstration.actions.copy()
    actions[:, busiest(demonstration)] *= -1
    return _actions(demonstration, actions)


def swapped(demonstration: Demonstration) -> Demonstration:
    """The two busiest axes in each other's column."""
    a, b = busiest(demonstration), busiest(demonstration, 1)
    actions = demonstration.actions.copy()
    actions[:, [a, b]] = actions[:, [b, a]]
    return _actions(demonstration, actions)


def clipped(demonstration: Demonstration, share: float) -> Demonstration:
    """The busiest axis cut off at `share` of its largest magnitude."""
    actions, axis = demonstration.actions.copy(), busiest(demonstration)
    limit = share * np.abs(actions[:, axis]).max()
    actions[:, axis] = np.clip(actions[:, axis], -limit, limit)
    return _actions(demonstration, actions)


def half_precision(demonstration: Demonstration) -> Demonstration:
    """Stored as float16."""
    return _actions(demonstration, demonstration.actions.astype(np.float16).astype(np.float64))


def decimated(demonstration: Demonstration, keep_every: int) -> Demonstration:
    """Every so manieth row kept, played as if it were all."""
    keep = np.arange(0, len(demonstration) + 1, keep_every)
    return _rows(demonstration, keep)


def without_rows(demonstration: Demonstration, places: int) -> Demonstration:
    """Three rows dropped in each of `places` places, evenly spread, where something moves."""
    moving = np.flatnonzero(np.abs(demonstration.actions).any(axis=1))
    moving = moving[(moving > 1) & (moving < len(demonstration) - 4)]
    begins = moving[np.linspace(0, len(moving) - 1, places + 2).astype(np.int64)[1:-1]]
    gone = {int(b) + i for b in begins for i in range(3)}
    keep = np.array([i for i in range(len(demonstration) + 1) if i not in gone])
    return _rows(demonstration, keep)


def _rows(demonstration: Demonstration, keep: Integers) -> Demonstration:
    assert demonstration.states is not None
    seen = demonstration.observations
    return replace(
        demonstration,
        actions=np.ascontiguousarray(demonstration.actions[keep[:-1]]),
        states=demonstration.states[keep],
        end=int(np.searchsorted(keep, demonstration.end).clip(0, len(keep) - 1)),
        numbers=demonstration.numbers[: len(keep)],
        observations=None if seen is None else seen[keep],
        ages_s=demonstration.ages_s[keep[:-1]],
    )


def started_elsewhere(demonstration: Demonstration, other: Demonstration) -> Demonstration:
    """The first state is that of another demonstration."""
    assert demonstration.states is not None
    assert other.states is not None
    states = demonstration.states.copy()
    states[0] = other.states[0]
    return replace(demonstration, states=states, start=other.start)


def of_another(demonstration: Demonstration, other: Demonstration) -> Demonstration:
    """The actions of another demonstration, as long as both last."""
    n = min(len(demonstration), len(other))
    shorter = _rows(demonstration, np.arange(n + 1))
    return _actions(shorter, other.actions[:n])


FAULTS: Final = (
    LabelFault("one row late", Fault.SHIFTED, lambda d, _: shifted(d, 1)),
    LabelFault("one row early", Fault.SHIFTED, lambda d, _: shifted(d, -1)),
    LabelFault("three rows late", Fault.SHIFTED, lambda d, _: shifted(d, 3)),
    LabelFault("three rows early", Fault.SHIFTED, lambda d, _: shifted(d, -3)),
    LabelFault("all by 0.95", Fault.SCALED, lambda d, _: scaled(d, 0.95)),
    LabelFault("sign of one axis", Fault.SIGN, lambda d, _: turned(d)),
    LabelFault("two axes swapped", Fault.SWAPPED, lambda d, _: swapped(d)),
    LabelFault("clipped at 60 %", Fault.CLIPPED, lambda d, _: clipped(d, 0.6)),
    LabelFault("float16", Fault.ROUNDED, lambda d, _: half_precision(d)),
    LabelFault("every second row", Fault.DECIMATED, lambda d, _: decimated(d, 2)),
    LabelFault("rows dropped", Fault.MISSING_ROWS, lambda d, _: without_rows(d, 3)),
    LabelFault("another start", Fault.WRONG_START, started_elsewhere),
    LabelFault("another's actions", Fault.OTHER_EPISODE, of_another),
)
