"""Which action really led from one recorded state to the next: the simulator turned round.

One step hardly bends: Gauss-Newton on differences of single steps finds the action in two or three
rounds. It needs no knowledge of the robot, and no tick before or after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.label_check import usual_change
from recorder.replayable import Numbers, Replayable
from recorder.series import Integers
from recorder.stepping import run

ROUNDS: Final = 10
_NUDGE: Final = 1e-4  # of an axis' largest action: far above rounding, far below what bends
_FOUND: Final = 1e-6  # what may be left of the difference, by how much that number changes


def scales(actions: Numbers) -> Numbers:
    """(k,): largest magnitude of each axis; 1 for one that is never used."""
    most = np.abs(actions).max(axis=0, initial=0.0)
    return np.where(most > 0.0, most, 1.0)


def recovered(robot: Replayable, demonstration: Demonstration, steps: Integers) -> Numbers:
    """(len(steps), k): the action that leads to the next recorded state; NaN where none was found.

    An axis that moves nothing in a step keeps what is recorded.
    """
    scale = scales(demonstration.actions)
    weight = 1.0 / (usual_change(demonstration) + 1e-9)
    found = np.full((len(steps), demonstration.actions.shape[1]), np.nan)
    for row, step in enumerate(steps):
        action = _recover(robot, demonstration, int(step), scale, weight)
        if action is not None:
            found[row] = action
    return found


def _recover(
    robot: Replayable, demonstration: Demonstration, step: int, scale: Numbers, weight: Numbers
) -> Numbers | None:
    states = demonstration.states
    assert states is not None
    start, wanted = demonstration.state(step), states[step + 1]

    def led_to(action: Numbers) -> tuple[Numbers, Numbers]:
        done = run(robot, start, action[None], steps_per_action=demonstration.steps_per_action)
        return done.states[-1], done.told[-1]

    action = demonstration.actions[step].copy()
    reached, action = led_to(action)
    for _ in range(ROUNDS):
        columns = [
            _slope(led_to, action, reached, axis, _NUDGE * scale[axis])
            for axis in range(len(action))
        ]
        jacobian = np.stack(columns, axis=1) * scale
        change, *_ = np.linalg.lstsq(
            jacobian * weight[:, None], (wanted - reached) * weight, rcond=1e-9
        )
        reached, action = led_to(action + change * scale)
        if (np.abs(wanted - reached) * weight).max() < _FOUND:
            return action
    return None


def _slope(
    led_to: Callable[[Numbers], tuple[Numbers, Numbers]],
    action: Numbers,
    reached: Numbers,
    axis: int,
    nudge: float,
) -> Numbers:
    """(s,): what a little more of one axis changes in the state that is reached."""
    for sign in (1.0, -1.0):
        nudged = action.copy()
        nudged[axis] += sign * nudge
        state, told = led_to(nudged)
        if abs(told[axis] - nudged[axis]) < 0.5 * nudge:  # not cut off at a limit
            slope: Numbers = (state - reached) / (sign * nudge)
            return slope
    return np.zeros_like(reached)
