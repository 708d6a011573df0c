"""A robot that is driven by `Twist`, as one that is replayed by numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from recorder.replayable import Action
from transport.messages import Twist

PLANAR: Final = ("forward_mps", "turn_radps")
_OPTIONAL: Final = ("observe", "describe", "state_parts", "rollout", "moved")


class TwistDriven(Protocol):
    """What a robot under live control offers a replay."""

    def apply(self, action: Twist) -> Twist: ...
    def snapshot(self) -> bytes: ...
    def restore(self, state: bytes) -> None: ...
    def solved(self) -> bool: ...
    def close(self) -> None: ...


class Driven:
    """A `Replayable` around `robot`; whatever else it can do for a replay, this one can."""

    def __init__(self, robot: TwistDriven, action_names: Sequence[str] = PLANAR) -> None:
        """`action_names` are fields of `Twist`, in the order of the actions."""
        self._robot = robot
        self._names = tuple(action_names)
        self.snapshot = robot.snapshot
        self.restore = robot.restore
        self.solved = robot.solved
        self.close = robot.close
        for name in _OPTIONAL:  # `isinstance` of the optional protocols looks for these
            if hasattr(robot, name):
                setattr(self, name, getattr(robot, name))

    def apply(self, action: Sequence[float]) -> Action:
        """One step at these velocities; returns what the motors were told."""
        named = dict(zip(self._names, map(float, action), strict=True))
        return values_of(
            self._robot.apply(Twist(**{"forward_mps": 0.0, "turn_radps": 0.0} | named)), self._names
        )


def values_of(twist: Twist, action_names: Sequence[str]) -> Action:
    """The velocities of `twist` in this order."""
    return tuple(getattr(twist, name) for name in action_names)
