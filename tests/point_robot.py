"""A robot that is a point on a line, for tests of what drives robots."""

from __future__ import annotations

from teleop.robot import RoverObservation
from transport.channels import TICK_HZ
from transport.messages import STILL, Description, Twist


class PointRobot:
    """A `Robot` that is where its speed has taken it, and does exactly what it is told."""

    def __init__(self) -> None:
        self.x_m = 0.0
        self.told = STILL

    def describe(self, boot_id: str) -> Description:
        """What this robot is."""
        return Description(
            robot="point",
            robot_type="point",
            site="bench",
            boot_id=boot_id,
            scenario="line",
            seed=0,
            scene_sha256="",
            task="Go on",
            tick_hz=TICK_HZ,
            observation_names=RoverObservation.NAMES,
            action_names=("forward_mps", "turn_radps"),
            controller={},
            policy="none",
            versions={},
            cameras=(),
        )

    def observe(self) -> RoverObservation:
        """Where it is, how fast."""
        speed = self.told.forward_mps
        return RoverObservation(self.x_m, 0.0, 0.0, speed, 0.0, speed, speed, 0.0, 0.1, 80.0, False)

    def apply(self, action: Twist) -> Twist:
        """Do exactly that for a tick."""
        self.told = action
        self.x_m += action.forward_mps / TICK_HZ
        return action

    def hold(self) -> None:
        """Stand."""
        self.told = STILL

    def snapshot(self) -> bytes:
        """Nothing to restore."""
        return b""

    def close(self) -> None:
        """Stand."""
        self.hold()
