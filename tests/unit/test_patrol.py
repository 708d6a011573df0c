"""The policy: straight on, back and turn after a bump, turn away after a rescue."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from teleop.patrol import (
    BACK_MPS,
    BACK_TICKS,
    CRUISE_MPS,
    RESUME_RAD,
    TURN_RAD,
    TURN_RADPS,
    TURN_TICKS,
    Doing,
    Patrol,
    PatrolState,
    step,
)
from teleop.robot import RoverObservation
from transport.channels import TICK_HZ
from transport.messages import Twist

FREE = RoverObservation(
    x_m=0.0,
    y_m=0.0,
    heading_rad=0.0,
    speed_mps=0.3,
    turn_radps=0.0,
    left_wheel_mps=0.3,
    right_wheel_mps=0.3,
    tilt_rad=0.0,
    motor_a=0.2,
    battery_pct=80.0,
    bumper=False,
)
BUMPED = replace(FREE, bumper=True)
CRUISE = Twist(forward_mps=CRUISE_MPS, turn_radps=0.0)


def test_in_a_scene_that_was_put_back_it_drives_straight_on_with_fresh_numbers() -> None:
    patrol = Patrol(0)
    patrol.act(BUMPED)
    drawn = patrol.state.draws
    patrol.resume(FREE)
    patrol.begin()
    assert patrol.state == PatrolState(draws=drawn + 2)
    assert patrol.act(FREE) == CRUISE


def turned_through(patrol: Patrol, seen: RoverObservation) -> float:
    """The angle a robot without inertia has turned when the policy drives straight on again."""
    heading = seen.heading_rad
    for _ in range(TURN_TICKS + 1):
        wish = patrol.act(
            replace(seen, bumper=False, heading_rad=math.remainder(heading, math.tau))
        )
        if wish.forward_mps > 0:
            return heading - seen.heading_rad
        heading += wish.turn_radps / TICK_HZ
    raise AssertionError("the turn never ended")


def test_drives_straight_while_nothing_is_in_the_way() -> None:
    patrol = Patrol(0)
    assert {patrol.act(FREE) for _ in range(600)} == {CRUISE}


def test_does_not_notice_being_wedged() -> None:
    wedged = replace(FREE, speed_mps=0.0, motor_a=6.0)
    patrol = Patrol(0)
    assert {patrol.act(wedged) for _ in range(600)} == {CRUISE}


def test_backs_up_after_a_bump_and_then_turns() -> None:
    patrol = Patrol(0)
    wishes = [patrol.act(BUMPED)] + [patrol.act(FREE) for _ in range(BACK_TICKS - 1)]
    assert set(wishes) == {Twist(forward_mps=BACK_MPS, turn_radps=0.0)}
    after = patrol.act(FREE)
    assert after.forward_mps == 0.0
    assert abs(after.turn_radps) == TURN_RADPS


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("heading_rad", [0.0, 3.0, -3.0])
def test_turns_by_an_angle_of_its_range_after_a_bump(seed: int, heading_rad: float) -> None:
    patrol = Patrol(seed)
    seen = replace(BUMPED, heading_rad=heading_rad)
    for _ in range(BACK_TICKS):
        patrol.act(seen)
    turned = abs(turned_through(patrol, seen))
    assert TURN_RAD[0] - 0.1 <= turned <= TURN_RAD[1] + 0.1


@pytest.mark.parametrize("seed", range(8))
def test_turns_away_before_it_goes_on_after_a_rescue(seed: int) -> None:
    patrol = Patrol(seed)
    seen = replace(FREE, heading_rad=1.3)
    patrol.resume(seen)
    turned = abs(turned_through(patrol, seen))
    assert RESUME_RAD[0] - 0.1 <= turned <= RESUME_RAD[1] + 0.1


def test_gives_a_turn_up_that_does_not_get_anywhere() -> None:
    patrol = Patrol(0)
    patrol.resume(FREE)
    wishes = [patrol.act(FREE) for _ in range(TURN_TICKS + 1)]
    assert all(wish.forward_mps == 0.0 for wish in wishes[:-1])
    assert wishes[-1] == CRUISE


def test_the_seed_decides_and_seeds_differ() -> None:
    def angles(seed: int) -> list[float]:
        state, turns = PatrolState(), []
        for _ in range(5):
            state, _wish = step(seed, replace(state, doing=Doing.CRUISE), BUMPED)
            turns.append(state.turn_rad)
        return turns

    assert angles(3) == angles(3)
    assert angles(3) != angles(4)
    assert len(set(angles(3))) == 5


def test_turns_to_both_sides() -> None:
    sides = {math.copysign(1, step(seed, PatrolState(), BUMPED)[0].turn_rad) for seed in range(20)}
    assert sides == {-1.0, 1.0}


def test_step_leaves_the_state_it_was_given_alone() -> None:
    state = PatrolState()
    step(0, state, BUMPED)
    assert state == PatrolState()
