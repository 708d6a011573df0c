"""Carries out many actions on a replayable robot, at once where it can do that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorder.replayable import Flags, Numbers, Replayable, Rolling

RobotErrors = tuple[type[Exception], ...]


@dataclass(frozen=True, eq=False)
class Run:
    """What n actions led to; fewer when the robot failed."""

    told: Numbers  # (n, k): what the motors were really told, in the step furthest from the action
    states: Numbers  # (n + 1, s)
    solved: Flags  # (n + 1,)
    fault: str = ""  # what the robot raised; empty: nothing

    def __len__(self) -> int:
        return len(self.told)


def run(
    robot: Replayable,
    start: bytes,
    actions: Numbers,
    *,
    steps_per_action: int = 1,
    errors: RobotErrors = (),
) -> Run:
    """Restore `start` and carry out `actions`, (n, k), each for `steps_per_action` steps.

    What the robot raises of `errors` while it steps ends the run and is told in `fault`.
    """
    robot.restore(start)
    if isinstance(robot, Rolling):
        try:
            rolled = robot.rollout(np.repeat(actions, steps_per_action, axis=0))
        except errors as error:
            return _nothing(start, robot.solved(), actions.shape[1], str(error) or repr(error))
        every = slice(None, None, steps_per_action)
        told = _furthest(rolled.told, actions)
        return Run(told, rolled.states[every], rolled.solved[every])
    each_told: list[tuple[float, ...]] = []
    states, solved = [start], [robot.solved()]
    fault = ""
    try:
        for action in actions:
            held = [robot.apply(action) for _ in range(steps_per_action)]
            states.append(robot.snapshot())
            solved.append(robot.solved())
            each_told += held
    except errors as error:
        fault = str(error) or repr(error)
    n = len(each_told) // steps_per_action
    told = np.array(each_told, np.float64).reshape(-1, actions.shape[1])
    return Run(
        told=_furthest(told, actions[:n]),
        states=numbers_of(states[: n + 1]),
        solved=np.array(solved[: n + 1], np.bool_),
        fault=fault,
    )


def _furthest(told: Numbers, actions: Numbers) -> Numbers:
    """(n, k): of the steps that hold one action, (n * m, k) in all, the one furthest from it."""
    n, width = actions.shape
    if len(told) == n:
        return told
    held = told.reshape(n, -1, width)
    worst = np.abs(held - actions[:, None]).max(axis=2).argmax(axis=1)
    furthest: Numbers = held[np.arange(n), worst]
    return furthest


def _nothing(start: bytes, solved: bool, width: int, fault: str) -> Run:
    """A run that failed somewhere: where is not known, so nothing of it counts."""
    return Run(np.empty((0, width)), numbers_of([start]), np.array([solved]), fault)


def numbers_of(states: list[bytes]) -> Numbers:
    """(n, s): states of one robot as numbers."""
    return np.frombuffer(b"".join(states), "<f8").astype(np.float64).reshape(len(states), -1)


def alike(a: Numbers, b: Numbers) -> Flags:
    """(n,): whether two runs of states, (n, s) each, are the same there, bit for bit."""
    if a.shape[1] != b.shape[1]:
        return np.zeros(len(a), np.bool_)
    same: Flags = (
        np.ascontiguousarray(a).view(np.uint64) == np.ascontiguousarray(b).view(np.uint64)
    ).all(axis=1)
    return same
