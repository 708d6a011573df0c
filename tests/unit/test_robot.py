"""What robots say of themselves: rovers and arms to the same control process."""

from __future__ import annotations

import pytest

from teleop.policy import NeverStuck, NoPolicy
from teleop.robot import ArmObservation, Gripping, Observation, RoverObservation
from teleop.safety import Pose
from teleop.stuck import StuckDetector
from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, Twist

ARM = ArmObservation(
    x_m=0.4,
    y_m=-0.1,
    z_m=0.2,
    yaw_rad=0.5,
    grip=0.7,
    grip_n=3.0,
    speed_mps=0.1,
    turn_radps=-0.2,
    joints_rad=(0.1, 0.2, 0.3),
)
ROVER = RoverObservation(1.0, 2.0, 0.5, 0.3, 0.1, 0.3, 0.3, 0.0, 0.2, 80.0, False)


def test_an_arm_names_each_of_its_measurements_and_says_their_units() -> None:
    names = ArmObservation.names(3)
    assert dict(zip(names, ARM.values(), strict=True)) == {
        "x_m": 0.4,
        "y_m": -0.1,
        "z_m": 0.2,
        "yaw_rad": 0.5,
        "grip": 0.7,
        "grip_n": 3.0,
        "speed_mps": 0.1,
        "turn_radps": -0.2,
        "j1_rad": 0.1,
        "j2_rad": 0.2,
        "j3_rad": 0.3,
    }
    assert tuple(ArmObservation.units(3)) == names
    assert all(ArmObservation.units(3).values())


def test_a_hand_goes_forward_along_the_bases_x_however_it_is_turned() -> None:
    assert ARM.pose == Pose(0.4, -0.1, 0.0, 0.2)
    assert ARM.heading_rad == 0.5


def test_a_rover_goes_forward_the_way_it_looks() -> None:
    assert ROVER.pose == Pose(1.0, 2.0, 0.5)


def test_only_a_hand_grips() -> None:
    assert isinstance(ARM, Gripping)
    assert not isinstance(ROVER, Gripping)


@pytest.mark.parametrize("seen", [ARM, ROVER])
def test_without_a_policy_a_robot_stands_and_never_calls(seen: Observation) -> None:
    policy, watch = NoPolicy(), NeverStuck()
    policy.resume(seen)
    ahead = Twist(forward_mps=0.3, turn_radps=0.0)
    for second in range(60):
        assert policy.act(seen) == STILL
        watch.observe(second * NS_PER_S, Mode.AUTONOMY, ahead, seen)
        assert watch.diagnosis(second * NS_PER_S) is None
    assert policy.memory() == "{}"


def test_a_watch_over_wheels_says_so_when_there_are_none() -> None:
    with pytest.raises(TypeError, match="wheels"):
        StuckDetector().observe(0, Mode.AUTONOMY, STILL, ARM)
