"""What a robot has to be able to do so that demonstrations can be replayed on it.

Pure: protocols and the values that cross them. An action is one number for each of the
demonstration's action names, in their units; a state is the complete state as little-endian
float64, opaque to everybody but the robot, which may say what each number of it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from transport.messages import Description

Action = tuple[float, ...]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB


class CannotReplay(Exception):
    """There is no robot for this demonstration here; the message says why and what to try."""


class Replayable(Protocol):
    """A robot whose complete state can be saved and restored. One thread uses it."""

    def apply(self, action: Sequence[float]) -> Action:
        """Carry out one step and return what the motors were really told."""

    def snapshot(self) -> bytes:
        """The complete state before the next `apply`."""

    def restore(self, state: bytes) -> None:
        """Return to `state`, so that `snapshot()` gives the same bytes again.

        Raises:
            CannotReplay: this robot cannot return to any state, and says why.
        """

    def solved(self) -> bool:
        """Whether the task's goal holds in the present state."""

    def close(self) -> None:
        """Let go of everything; idempotent."""


@dataclass(frozen=True)
class StatePart:
    """One number of a complete state."""

    name: str  # body or joint, and which coordinate: "rover x", "elbow"
    unit: str  # m, rad, m/s, rad/s, 1 (of a quaternion), or empty: not known
    counts: bool = True  # motion of a body or joint; false: bookkeeping of the simulator


@dataclass(frozen=True, eq=False)
class Rollout:
    """What n actions in a row lead to."""

    told: Numbers  # (n, k): what the motors were really told
    states: Numbers  # (n + 1, s): before each action, and after the last
    solved: Flags  # (n + 1,): whether the goal held there


@runtime_checkable
class Rolling(Protocol):
    """A robot that carries out many actions at once, exactly as one `apply` after the other."""

    def rollout(self, actions: Numbers) -> Rollout:
        """Carry out `actions`, (n, k), from the present state on."""


@runtime_checkable
class Named(Protocol):
    """A robot that says what the numbers of its state are."""

    def state_parts(self) -> tuple[StatePart, ...]:
        """What each number of a snapshot is, in order."""


@runtime_checkable
class Movable(Protocol):
    """A robot whose start can be moved a little: whatever the task is about, and stands free."""

    def moved(self, state: bytes, forward_m: float, left_m: float) -> bytes:
        """`state` with it moved so far along the world's x and y; all else as it was."""


class Measurements(Protocol):
    """What a robot's own sensors say."""

    def values(self) -> tuple[float, ...]:
        """All of it, in the order of `Description.observation_names`."""


@runtime_checkable
class Measuring(Protocol):
    """A robot that measures; what it sees in recorded states is compared with the record."""

    def observe(self) -> Measurements:
        """The measurements in the present state."""


@runtime_checkable
class Described(Protocol):
    """A robot that can say what it is; its scene and versions are then compared with the record."""

    def describe(self, boot_id: str) -> Description:
        """What this robot is."""


class Eye(Protocol):
    """Draws what a camera sees in a state, to find out of when a recorded picture is."""

    def render(self, camera: str, state: bytes) -> Image:
        """The picture of `camera`."""

    def close(self) -> None:
        """Let go of the graphics; idempotent."""
