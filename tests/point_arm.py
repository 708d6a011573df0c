"""An arm whose hand is a point, for tests of what drives arms."""

from __future__ import annotations

import math

import numpy as np

from teleop.policy import NO_POLICY
from teleop.robot import ArmObservation, RobotError
from transport.channels import TICK_HZ
from transport.messages import STILL, Description, Success, Twist

JOINTS = 5
MAX_MPS, MAX_RADPS, MAX_GRIP_PS = 0.25, 1.5, 2.0
START_M = 0.4
AXES = ("forward_mps", "left_mps", "up_mps", "turn_radps", "grip_ps")


class PointArm:
    """A `Robot`, `Restorable` and `Resettable`: its hand is where its speeds have taken it."""

    def __init__(self) -> None:
        self._state = np.array([START_M, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0])  # pose, grip, speeds
        self.told = STILL
        self.resets: list[int] = []

    def describe(self, boot_id: str) -> Description:
        """What this arm is."""
        return Description(
            robot="arm",
            robot_type="point-arm",
            site="bench",
            boot_id=boot_id,
            scenario="reach",
            seed=0,
            scene_sha256="",
            task="Reach far and high",
            tick_hz=TICK_HZ,
            observation_names=ArmObservation.names(JOINTS),
            action_names=AXES,
            controller={
                "max_mps": MAX_MPS,
                "max_radps": MAX_RADPS,
                "max_grip_ps": MAX_GRIP_PS,
            },
            policy=NO_POLICY,
            versions={},
            cameras=(),
            units=ArmObservation.units(JOINTS),
            success=Success(
                name="far", version=1, held_ticks=1, sentence="Beyond 0.5 m", judge="simulator"
            ),
        )

    def observe(self) -> ArmObservation:
        """Where the hand is."""
        x, y, z, yaw, grip, speed, turn = map(float, self._state)
        return ArmObservation(
            x_m=x,
            y_m=y,
            z_m=z,
            yaw_rad=math.remainder(yaw, math.tau),
            grip=grip,
            grip_n=10.0 * max(0.0, grip - 0.5),
            speed_mps=speed,
            turn_radps=turn,
            joints_rad=(x, y, z, yaw, grip),
        )

    def apply(self, action: Twist) -> Twist:
        """Do that for a tick, each axis within its limit, the linear ones together."""
        speeds = (action.forward_mps, action.left_mps, action.up_mps)
        if not all(map(math.isfinite, (*speeds, action.turn_radps, action.grip_ps))):
            raise RobotError(f"{action} is not a motion: all speeds must be finite numbers.")
        size = math.hypot(*speeds)
        if size > MAX_MPS:
            speeds = tuple(speed / size * MAX_MPS for speed in speeds)  # type: ignore[assignment]
        told = Twist(
            forward_mps=speeds[0],
            left_mps=speeds[1],
            up_mps=speeds[2],
            turn_radps=min(MAX_RADPS, max(-MAX_RADPS, action.turn_radps)),
            grip_ps=min(MAX_GRIP_PS, max(-MAX_GRIP_PS, action.grip_ps)),
        )
        self.told = told
        moved = np.array([*speeds, told.turn_radps, told.grip_ps]) / TICK_HZ
        self._state[:5] += moved
        self._state[4] = min(1.0, max(0.0, self._state[4]))
        self._state[5:] = math.hypot(*speeds), told.turn_radps
        return told

    def hold(self) -> None:
        """Stand."""
        self.told = STILL

    def snapshot(self) -> bytes:
        """All there is."""
        return self._state.astype("<f8").tobytes()

    def restore(self, state: bytes) -> None:
        """Go back."""
        if len(state) != self._state.nbytes:
            raise RobotError("This is no state of this arm.")
        self._state = np.frombuffer(state, "<f8").copy()

    def solved(self) -> bool:
        """Whether the hand is far out."""
        return bool(self._state[0] > START_M + 0.1)

    def reset(self, count: int) -> None:
        """Back to the start, a little further to the left each time."""
        self.__dict__.update(_state=PointArm()._state, told=STILL)
        self._state[1] = 0.01 * count
        self.resets.append(count)

    def close(self) -> None:
        """Stand."""
        self.hold()
