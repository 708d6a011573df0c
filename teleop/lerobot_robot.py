"""Any robot with LeRobot's interface, for replay on hardware. No import of lerobot.

What LeRobot's `Robot` has is taken as it is: joints in the order of `action_features`, in the units
that it uses, cameras apart. A real robot cannot be put back into a state and does not say whether
its task is solved: it says so, and its episodes are UNVERIFIABLE but for a person who watches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from recorder.replayable import Action, CannotReplay
from teleop.installed import package_of, versions_of
from teleop.robot import RobotError
from transport.messages import NAME_LENGTH, Description

KIND: Final = "lerobot:"  # of `Description.robot_type`
TICK_HZ: Final = 30  # what LeRobot records at unless it is told otherwise


class LeRobotLike(Protocol):
    """What is used of `lerobot.robots.Robot`, 0.4 to 0.6."""

    name: str

    @property
    def observation_features(self) -> Mapping[str, Any]:
        """Name to `float`, or to the shape of a camera's picture."""

    @property
    def action_features(self) -> Mapping[str, Any]:
        """Name to `float`."""

    @property
    def is_connected(self) -> bool:
        """Whether it can be spoken to."""

    def connect(self, calibrate: bool = True) -> None:
        """Open the motors and cameras."""

    def get_observation(self) -> Mapping[str, Any]:
        """What it measures, by the names of `observation_features`."""

    def send_action(self, action: dict[str, Any]) -> Mapping[str, Any]:
        """Tell the motors; returns what they were really told."""

    def disconnect(self) -> None:
        """Let go."""


@dataclass(frozen=True)
class Measured:
    """What a robot measured."""

    numbers: tuple[float, ...]

    def values(self) -> tuple[float, ...]:
        """All of it, in the order of `Description.observation_names`."""
        return self.numbers


class LeRobotRobot:
    """A LeRobot robot as `recorder.replayable.Replayable`, in hardware mode. One thread uses it."""

    def __init__(
        self,
        robot: LeRobotLike,
        *,
        units: Mapping[str, str] | None = None,
        tick_hz: int = TICK_HZ,
        robot_type: str = "",
    ) -> None:
        """`units` by name of a joint, for the record only: nothing is converted.

        Raises:
            RobotError: an action of it is more than one number.
        """
        self._robot = robot
        self._tick_hz = tick_hz
        self._robot_type = robot_type or f"{KIND}{robot.name}"
        if len(self._robot_type) > NAME_LENGTH:
            raise RobotError(f"{self._robot_type} is too long a name: {NAME_LENGTH} is the limit.")
        more = [name for name, kind in robot.action_features.items() if not _is_number(kind)]
        if more:
            raise RobotError(
                f"{robot.name} takes {', '.join(more)} as more than one number each, which cannot "
                "be replayed. Use a robot whose action_features are floats."
            )
        self.action_names: tuple[str, ...] = tuple(robot.action_features)
        features = robot.observation_features
        self.observation_names = tuple(n for n, kind in features.items() if _is_number(kind))
        self.cameras = tuple(name for name in features if name not in self.observation_names)
        self._units = dict(units or {})
        unknown = sorted({*self._units} - {*self.action_names, *self.observation_names})
        if unknown:
            raise RobotError(
                f"{robot.name} has no {', '.join(unknown)}, for which a unit is given. "
                f"It has: {', '.join(self.action_names)}."
            )

    def connect(self) -> None:
        """Open motors and cameras; a calibration, which asks a person to move it, is not begun.

        Raises:
            RobotError: it has not been calibrated.
        """
        if not self._robot.is_connected:
            self._robot.connect(calibrate=False)
        if not getattr(self._robot, "is_calibrated", True):
            self.close()
            raise RobotError(f"{self._robot.name} is not calibrated: run lerobot-calibrate first.")

    def apply(self, action: Sequence[float]) -> Action:
        """Send one action, and return what the robot says that it did with it.

        Raises:
            RobotError: it is no action of this robot, or the robot does not say what it did.
        """
        if len(action) != len(self.action_names):
            raise RobotError(
                f"{self._robot.name} takes {len(self.action_names)} numbers, not {len(action)}: "
                f"{', '.join(self.action_names)}."
            )
        if not all(math.isfinite(value) for value in action):
            raise RobotError(f"{tuple(action)} is no action: each number must be finite.")
        asked = dict(zip(self.action_names, map(float, action), strict=True))
        told = self._robot.send_action(asked)
        if not isinstance(told, Mapping):
            raise RobotError(f"{self._robot.name} does not say what its motors were told.")
        return self._numbers(told, self.action_names, "what it did with")

    def observe(self) -> Measured:
        """What it measures now, without the pictures.

        Raises:
            RobotError: it leaves out what it says it measures.
        """
        seen = self._robot.get_observation()
        return Measured(self._numbers(seen, self.observation_names, "what it measures as"))

    def snapshot(self) -> bytes:
        """Nothing: the state of a real robot and of what stands around it is not known."""
        return b""

    def restore(self, state: bytes) -> None:
        """Raise `CannotReplay`: nobody can put the world back."""
        raise CannotReplay(
            f"{self._robot.name} is a real robot: it can be driven through the recorded actions, "
            "but neither it nor what stands around it can be put back into a recorded state. "
            "Replay in hardware mode, or on a simulated robot."
        )

    def solved(self) -> bool:
        """Raise `CannotReplay`: a person has to judge."""
        raise CannotReplay(
            f"{self._robot.name} does not say whether the task is solved: whoever watches does."
        )

    def describe(self, boot_id: str) -> Description:
        """What this robot is, as far as it says."""
        return Description(
            robot=self._robot.name,
            robot_type=self._robot_type,
            site="",
            boot_id=boot_id,
            scenario="hardware",
            seed=0,
            scene_sha256="",
            task="",
            tick_hz=self._tick_hz,
            observation_names=self.observation_names,
            action_names=self.action_names,
            controller={},
            policy="none",
            versions=versions_of([package_of(self._robot)]),
            cameras=self.cameras,
            units=self._units,
            hardware={
                "model": self._robot.name,
                "serial": str(getattr(self._robot, "id", "") or ""),
            },
        )

    def close(self) -> None:
        """Let go of motors and cameras; idempotent."""
        if self._robot.is_connected:
            self._robot.disconnect()

    def _numbers(self, found: Mapping[str, Any], names: Sequence[str], what: str) -> Action:
        try:
            return tuple(float(found[name]) for name in names)
        except (KeyError, TypeError, ValueError) as error:
            raise RobotError(f"{self._robot.name} does not say {what} {error}.") from error


def _is_number(kind: Any) -> bool:
    return kind in (float, int, bool)
