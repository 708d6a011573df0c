"""The actions of an episode since its start, as a part of its state.

Where nothing else brings an environment back, going through the episode again does, if the same
seed leads to the same episode. A list of its own kind, so that a walk through an environment's
objects leaves it alone.
"""

from __future__ import annotations

import numpy as np

from recorder.replayable import Action, CannotReplay, Numbers


class History(list[Action]):
    """What was applied since the start, in order."""

    def numbers(self, steps: int, size: int) -> Numbers:
        """How many actions there are, and all of them: (1 + steps * size,), zero where none is.

        Raises:
            CannotReplay: there are more than `steps`.
        """
        if len(self) > steps:
            raise CannotReplay(f"The episode is longer than {steps} steps, which are remembered")
        found = np.zeros(1 + steps * size)
        found[0] = len(self)
        if self:
            found[1 : 1 + len(self) * size] = np.ravel(self)
        return found

    def missing(self, numbers: Numbers, size: int) -> list[Action] | None:
        """The actions of `numbers` that are still to be applied; None: others were."""
        there = actions_in(numbers, size)
        return there[len(self) :] if there[: len(self)] == list(self) else None


def actions_in(numbers: Numbers, size: int) -> list[Action]:
    """The actions that `History.numbers` wrote."""
    rows = numbers[1 : 1 + int(numbers[0]) * size].reshape(-1, size)
    return [tuple(row) for row in rows.tolist()]
