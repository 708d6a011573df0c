"""Labels that do not lead to the recorded states, and what is known of the steps that fail.

What every explanation in `recorder.undoable_faults` and `recorder.lossy_faults` is tried on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.inverse import recovered, scales
from recorder.label_check import LabelCheck, check_labels, usual_change
from recorder.replayable import Flags, Numbers, Replayable
from recorder.series import Integers

EXPLAINS: Final = 0.95  # share of the tried steps that have to agree
TRIED: Final = 60  # failing steps that an explanation is tried on
SAME: Final = 1e-5  # of an axis' largest action: what counts as the same number
KNOWN: Final = 0.3  # share of the tried steps whose true action has to be found


@dataclass(frozen=True, eq=False)
class FailingLabels:
    """One demonstration whose labels fail, and what is known of the steps that were looked at."""

    robot: Replayable
    demonstration: Demonstration
    tolerance: Numbers
    check: LabelCheck
    tried: Integers  # (t,): some of the failing steps, evenly chosen
    fine: Integers  # some of the steps that agree; what explains a failing one must not spoil them
    true: Numbers  # (t, k): what really led on from there; NaN: no action does

    @classmethod
    def of(
        cls,
        robot: Replayable,
        demonstration: Demonstration,
        tolerance: Numbers,
        check: LabelCheck,
    ) -> FailingLabels:
        """Look at some of the steps of a demonstration that has states and fails `check`."""
        tried = _some(check.failing)
        fine = _some(check.checked[np.isin(check.checked, check.failing, invert=True)])
        true = recovered(robot, demonstration, tried)
        return cls(robot, demonstration, tolerance, check, tried, fine, true)

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

    def names(self, axes: Iterable[int]) -> tuple[str, ...]:
        """Of columns of the action, by their numbers."""
        return tuple(self.demonstration.action_names[axis] for axis in axes)


def _some(steps: Integers) -> Integers:
    """At most `TRIED` of them, evenly chosen."""
    places = np.linspace(0, len(steps) - 1, min(TRIED, len(steps)))
    return steps[np.unique(places.round().astype(np.int64))]
