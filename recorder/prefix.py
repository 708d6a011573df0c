"""The shortest beginning of a demonstration that still solves its task."""

from __future__ import annotations

import numpy as np

from recorder.demonstration import Demonstration
from recorder.replayable import CannotReplay, Numbers, Replayable
from recorder.stepping import RobotErrors, Run, run
from recorder.verdict import SOLVED_HOLD_STEPS


def shortest_prefix(
    robot: Replayable, demonstration: Demonstration, whole: Run, errors: RobotErrors = ()
) -> int:
    """How many of its actions solve the task for good, the robot standing still after them.

    `whole` is the replay of all of them. Found by bisection: this many solve it, and one less does
    not. -1: the whole does not.
    """
    if not whole.solved[-1] or not _stands(robot, demonstration, demonstration.actions, errors):
        return -1
    low, high = 0, len(demonstration)  # high always solves it; what lies below low does not
    while low < high:
        middle = (low + high) // 2
        if _stands(robot, demonstration, demonstration.actions[:middle], errors):
            high = middle
        else:
            low = middle + 1
    return high


def _stands(
    robot: Replayable, demonstration: Demonstration, actions: Numbers, errors: RobotErrors
) -> bool:
    """Whether the task is solved after these, and stays so for twice as long as it has to."""
    still = np.tile(demonstration.still, (2 * SOLVED_HOLD_STEPS, 1))
    done = run(
        robot,
        demonstration.start,
        np.concatenate([actions, still]),
        steps_per_action=demonstration.steps_per_action,
        errors=(CannotReplay, *errors),
    )
    return not done.fault and bool(done.solved[-SOLVED_HOLD_STEPS:].all())
