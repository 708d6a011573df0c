"""Level 4: how much of each disturbance a demonstration bears before it no longer solves its task.

The knee is found by bisection, a few replays for each disturbance. Every draw comes from a seed, so
the same demonstration always gives the same margin. Pure but for the robot.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.inverse import scales
from recorder.replayable import CannotReplay, Flags, Movable, Numbers, Replayable
from recorder.stepping import RobotErrors, run
from recorder.verdict import Disturbance, Margin, held

HALVINGS: Final = 4  # replays for each disturbance: the knee is known to 1/16 of the range
# What is tried at most, and its unit. The least that is tried is a 16th of it, which no set-up can
# promise to stay below (2 mm, 20 ms, 2 %): what does not bear that much is FRAGILE.
RANGES: Final = {
    Disturbance.START: (0.032, "m"),
    Disturbance.DELAY: (0.32, "s"),
    Disturbance.LOSS: (0.32, "1"),
    Disturbance.NOISE: (0.32, "1"),
    Disturbance.LINK: (4.0, "x"),  # as many times as late as in its own session
}


def margins(
    robot: Replayable,
    demonstration: Demonstration,
    *,
    halvings: int = HALVINGS,
    errors: RobotErrors = (),
) -> Iterator[Margin]:
    """Of every disturbance that this robot and this demonstration can be tried under."""
    for disturbance, (most, unit) in RANGES.items():
        disturbed = _disturbed(robot, demonstration, disturbance)
        if disturbed is None:
            continue
        bears, fails_at, replays = 0.0, 0.0, 0
        amount = most / 2
        for halving in range(halvings):
            start, actions = disturbed(amount, halving)
            replays += 1
            solved = solves(robot, demonstration, start, actions, errors)
            if solved:
                bears = amount
                # Nothing has failed yet: look upwards, up to the range's end.
                amount = (bears + (fails_at or most)) / 2
            elif solved is None:  # it cannot be tried that far
                most = amount
                amount = (bears + most) / 2
            else:
                fails_at = amount
                amount = (bears + fails_at) / 2
        if bears or fails_at:
            yield Margin(
                disturbance=disturbance,
                unit=unit,
                bears=round(bears, 6),
                fails_at=round(fails_at, 6),
                replays=replays,
            )


def solves(
    robot: Replayable,
    demonstration: Demonstration,
    start: bytes,
    actions: Numbers,
    errors: RobotErrors = (),
) -> bool | None:
    """Whether `actions` from `start` solve the task at the hand-back, and keep it solved.

    A task that is solved later than it was recorded is solved, too: the robot then stands still.
    None: it is not solved in the time that was recorded, and the robot refuses to go on for longer,
    as an environment with a limit of steps does. That says nothing about a delay.
    """
    done = run(
        robot,
        start,
        actions,
        steps_per_action=demonstration.steps_per_action,
        errors=(CannotReplay, *errors),
    )
    if done.fault and len(done) < len(demonstration):
        return False
    solved = dict(enumerate(map(bool, done.solved)))
    within_window = {i: solved[i] for i in demonstration.window}
    if held(within_window, demonstration.end) or held(solved, len(done)):
        return True
    return None if done.fault else False


Disturbed = Callable[[float, int], tuple[bytes, Numbers]]


def _disturbed(
    robot: Replayable, demonstration: Demonstration, disturbance: Disturbance
) -> Disturbed | None:
    """(amount, number of the try) -> (start, actions); None: it cannot be tried here."""
    start, actions = demonstration.start, demonstration.actions
    seed = zlib.crc32(demonstration.name.encode())

    def moved(amount: float, number: int) -> tuple[bytes, Numbers]:
        angle = math.tau * ((seed % 997) / 997 + number * 0.381966)  # spreads evenly over tries
        assert isinstance(robot, Movable)
        return robot.moved(start, amount * math.cos(angle), amount * math.sin(angle)), actions

    def delayed(amount: float, _: int) -> tuple[bytes, Numbers]:
        return start, late(
            actions, max(1, round(amount / demonstration.step_s)), demonstration.still
        )

    def lossy(amount: float, number: int) -> tuple[bytes, Numbers]:
        rng = np.random.default_rng([seed, number, 1])
        return start, held_over(actions, rng.random(len(actions)) < amount, demonstration.still)

    def noisy(amount: float, number: int) -> tuple[bytes, Numbers]:
        rng = np.random.default_rng([seed, number, 2])
        noise = rng.standard_normal(actions.shape) * amount * _used(actions)
        return start, within(actions + noise, actions)

    def linked(amount: float, number: int) -> tuple[bytes, Numbers]:
        return start, over_link(
            actions, demonstration.ages_s * amount, demonstration.step_s, demonstration.still
        )

    match disturbance:
        case Disturbance.START:
            return moved if isinstance(robot, Movable) else None
        case Disturbance.DELAY:
            return delayed
        case Disturbance.LOSS:
            return lossy
        case Disturbance.NOISE:
            return noisy
        case Disturbance.LINK:
            return linked if (demonstration.ages_s > 0).any() else None


def _used(actions: Numbers) -> Numbers:
    """(k,): largest magnitude of each axis; zero for one that is never used."""
    most: Numbers = np.abs(actions).max(axis=0, initial=0.0)
    return most


def late(actions: Numbers, steps: int, still: Numbers) -> Numbers:
    """Every action so many steps later; nothing is asked before, and the last ones come after."""
    waiting = np.tile(still, (steps, 1))
    return np.concatenate([waiting, actions])


def held_over(actions: Numbers, lost: Flags, still: Numbers) -> Numbers:
    """Where an action is `lost`, (n,), the one before goes on; at first nothing is asked."""
    last = np.maximum.accumulate(np.where(lost, -1, np.arange(len(actions))))
    kept: Numbers = actions[last]
    kept[last < 0] = still
    return kept


def within(wanted: Numbers, actions: Numbers) -> Numbers:
    """`wanted`, no larger than the largest action of each axis: what a robot would carry out."""
    most = scales(actions)
    clipped: Numbers = np.clip(wanted, -most, most)
    return clipped


def over_link(actions: Numbers, ages_s: Numbers, step_s: float, still: Numbers) -> Numbers:
    """Each step carries out the newest action that has arrived, when each is `ages_s` late, (n,).

    What is overtaken by a newer one never counts; where nothing was measured nothing is late.
    """
    steps = np.arange(len(actions)) + np.round(np.maximum(ages_s, 0.0) / step_s).astype(np.int64)
    newest = np.full(len(actions), -1)
    for sent, arrives in enumerate(steps):
        if arrives < len(newest):
            newest[arrives] = max(newest[arrives], sent)
    newest = np.maximum.accumulate(newest)
    arrived: Numbers = actions[newest]
    arrived[newest < 0] = still
    return arrived
