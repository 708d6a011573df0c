"""What a robot says of itself, against what can be driven and what the site allows."""

from __future__ import annotations

import pytest
from msgspec import structs

from teleop.drivable import introduced
from teleop.safety import ConfigError, Limits
from tests.point_arm import MAX_MPS, PointArm
from tests.point_robot import PointRobot

ROVER = PointRobot().describe("boot")
ARM = PointArm().describe("boot")


def test_a_robot_is_introduced_by_its_name_its_place_and_its_limits() -> None:
    limits = Limits(max_mps=0.3)
    found = introduced(ROVER, "toy-1", "bench", limits)
    assert (found.robot, found.site) == ("toy-1", "bench")
    assert found.limits["max_mps"] == 0.3
    assert all(isinstance(value, float) for value in found.limits.values())
    unchanged = structs.replace(found, robot=ROVER.robot, site=ROVER.site, limits=ROVER.limits)
    assert unchanged == ROVER


@pytest.mark.parametrize(
    ("names", "what"),
    [(("forward_mps", "j1_radps"), "j1_radps cannot be driven"), ((), "it names no axis")],
)
def test_axes_that_cannot_be_driven_are_named(names: tuple[str, ...], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        introduced(structs.replace(ROVER, action_names=names), "toy-1", "bench", Limits())


def test_a_limit_may_be_the_robots_own_and_not_above_it() -> None:
    introduced(ARM, "toy-1", "bench", Limits(max_mps=MAX_MPS))
    with pytest.raises(ConfigError, match=r"max_mps .* above the robot's own"):
        introduced(ARM, "toy-1", "bench", Limits(max_mps=0.3))
