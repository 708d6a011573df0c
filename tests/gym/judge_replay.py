"""Replays 200 random actions, each held ten steps, in each environment, and prints a table.

Run by `run.py`, in the environment it builds; names of environments choose some of them. Exit code
1 when a replay was not exact, or when labels that come one step late were not found.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from recorder.replayable import Action
from teleop.gym_robot import GymRobot
from tests.gym.judged import ALL, Judged

STEPS = 200
HELD = 10  # steps


def actions_of(robot: GymRobot, judged: Judged) -> list[Action]:
    rng = np.random.default_rng(1)
    size = len(robot.describe("boot").action_names)
    drawn = rng.uniform(judged.low, judged.high, (STEPS // HELD, size))
    return [tuple(float(v) for v in drawn[i // HELD]) for i in range(STEPS)]


def outcome(robot: GymRobot, state: bytes) -> bytes:
    return np.frombuffer(state, "<f8")[robot.proven.layout.outcome()].tobytes()


def exact(
    robot: GymRobot, states: list[bytes], actions: list[Action], moments: range, late: int
) -> int:
    """How many of these single steps lead to the recorded state, with labels so late."""
    found = 0
    for at in moments:
        robot.restore(states[at])
        robot.apply(actions[at - late])
        found += robot.snapshot() == states[at + 1]
    return found


def judge(name: str, judged: Judged) -> bool:
    """Print a line; whether all is as the adapter says."""
    begun = time.monotonic()
    robot = judged.make()
    tried_s = time.monotonic() - begun
    actions = actions_of(robot, judged)
    robot.start_from_seed(5)
    states = [robot.snapshot()]
    begun = time.monotonic()
    for action in actions:
        robot.apply(action)
        states.append(robot.snapshot())
    step_ms = (time.monotonic() - begun) / STEPS * 1e3

    other = judged.make()
    other.restore(states[0])
    again = [outcome(other, other.snapshot())]
    for action in actions:
        other.apply(action)
        again.append(outcome(other, other.snapshot()))
    same = sum(a == outcome(robot, b) for a, b in zip(again, states, strict=True))
    good = same == STEPS + 1

    right = wrong = 0
    changes = range(HELD, STEPS, HELD)  # where the action is another one than the step before
    if robot.restores:
        right = exact(other, states, actions, range(STEPS), 0)
        wrong = exact(other, states, actions, changes, 1)
        good = good and right == STEPS and wrong == 0
    print(
        f"{name:12} {'any' if robot.restores else 'none':11} {same - 1:>4}/{STEPS} "
        f"{right:>4}/{STEPS} {len(changes) - wrong:>3}/{len(changes)} {len(states[0]):>7} B "
        f"{step_ms:>6.1f} ms {tried_s:>6.1f} s  {robot.proven.sentence}; {robot.proven.start}"
    )
    robot.close()
    other.close()
    return good


def main() -> None:
    print("environment  returns to   replayed  one step  late    state     step+state  tried")
    chosen = sys.argv[1:] or list(ALL)
    results = [judge(name, ALL[name]) for name in chosen]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
