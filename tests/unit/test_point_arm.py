"""The arm that tests drive keeps the contract of every robot, so that the contract fits arms."""

from __future__ import annotations

from teleop.robot import Robot
from tests.conformance import ResettableConformance
from tests.point_arm import PointArm
from transport.messages import Twist


class TestPointArm(ResettableConformance):
    def make_robot(self) -> PointArm:
        return PointArm()

    def set_point(self, robot: Robot) -> Twist:
        assert isinstance(robot, PointArm)
        return robot.told
