"""Demonstrations on the small exact rover of the recorder's tests, without a disk between."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from recorder.demonstration import Demonstration
from recorder.driven import PLANAR, Driven
from recorder.replayable import Numbers, Replayable
from tests.unit.recorder_support import Rover, description
from transport.messages import Description, Outcome, Twist

STEPS = 180


def drive(step: int, style: float = 0.0) -> tuple[float, float]:
    """What somebody asks of the rover: ramps, corners, and moments of steady motion."""
    phase = step % 60
    forward = 0.3 + 0.2 * math.sin(step / 9 + style) if phase > 15 else 0.2
    turn = 0.5 * math.cos(step / 7 + 2 * style) if phase > 10 else 0.1
    return forward, turn


def demonstration(
    name: str = "one",
    *,
    style: float = 0.0,
    steps: int = STEPS,
    after: int = 12,
    label: Outcome = Outcome.SUCCESS,
    start: Numbers | None = None,
    rover: Rover | None = None,
) -> Demonstration:
    """`steps` of driving and `after` of standing still."""
    robot = rover or Rover()
    if start is not None:
        robot.state = start.copy()
    states, actions = [robot.snapshot()], []
    for step in range(steps + after):
        forward, turn = drive(step, style) if step < steps else (0.0, 0.0)
        robot.apply(Twist(forward_mps=forward, turn_radps=turn))
        actions.append((forward, turn))
        states.append(robot.snapshot())
    return Demonstration(
        name=name,
        description=description(),
        label=label,
        actions=np.array(actions),
        states=np.frombuffer(b"".join(states), "<f8").reshape(len(states), -1).copy(),
        start=states[0],
        end=steps,
        numbers=np.arange(len(states)),
        ages_s=np.full(len(actions), 0.03),
    )


def robots(**options: float) -> Callable[[Description], Replayable]:
    """Makes fresh rovers."""
    return lambda _: Driven(Rover(**options), PLANAR)
