"""Axes: what a robot has of all that can be said, and what is reckoned with it."""

from __future__ import annotations

import pytest

from teleop.axes import ALL, PLANAR, exceeds, kind_of, only, speed_mps
from teleop.safety import Limits
from transport.messages import STILL, RobotKind, Twist

FULL = Limits().full
ASKED = Twist(forward_mps=0.1, turn_radps=-0.2, left_mps=-0.3, up_mps=0.4, grip_ps=-0.5)


def test_a_robot_has_what_it_names_and_nothing_else() -> None:
    assert only(ASKED, PLANAR) == Twist(forward_mps=0.1, turn_radps=-0.2)
    assert only(ASKED, ("up_mps",)) == Twist(forward_mps=0.0, turn_radps=0.0, up_mps=0.4)
    assert only(ASKED, ALL) is ASKED
    assert only(ASKED, ()) == STILL


def test_whatever_grips_is_driven_like_an_arm() -> None:
    assert kind_of(ALL) is RobotKind.ARM
    assert kind_of(PLANAR) is RobotKind.ROVER
    assert kind_of(("forward_mps", "left_mps", "turn_radps")) is RobotKind.ROVER


def test_a_speed_is_that_of_all_linear_axes_together() -> None:
    assert speed_mps(Twist(forward_mps=0.2, turn_radps=9.0, left_mps=-0.3, up_mps=0.6)) == 0.7


@pytest.mark.parametrize("axis", ALL)
def test_more_than_was_asked_is_noticed_on_every_axis(axis: str) -> None:
    asked, full = getattr(ASKED, axis), getattr(FULL, axis)
    a_little = asked + 0.009 * full * (1 if asked > 0 else -1)
    too_much = asked + 0.011 * full * (1 if asked > 0 else -1)
    told = {name: getattr(ASKED, name) for name in ALL}
    assert not exceeds(Twist(**{**told, axis: a_little}), ASKED, FULL, 0.01)
    assert exceeds(Twist(**{**told, axis: too_much}), ASKED, FULL, 0.01)
    assert not exceeds(Twist(**{**told, axis: 0.0}), ASKED, FULL, 0.01)
