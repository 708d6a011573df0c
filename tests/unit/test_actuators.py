"""An axis is told nothing it could not have passed, and nothing by itself when nobody drives."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.actuators import Actuator, OnLoss, Told, at_rest, driven, lost
from teleop.safety import ConfigError

DT_S = 1 / 60
ELBOW = Actuator("elbow", -2.0, 2.0, 1.5, 6.0, 0.1, OnLoss.HOLD_POSE)
# From 0 to 0.5: 6 rad/s² for each 1/60 s, then braking as strong, to stand exactly there.
WAY = [
    (0.001666667, 0.1),
    (0.005, 0.2),
    (0.035, 0.6),
    (0.2, 1.5),
    (0.348333333, 1.4),
    (0.483333333, 0.5),
    (0.5, 0.0),
]
ARRIVED = 34  # ticks
GRIP = Actuator("grip", 0.0, 20.0, 40.0, 400.0, 2.0, OnLoss.HOLD_FORCE)


def follow(actuator: Actuator, told: Told, wanted: float, seconds: float) -> Told:
    """An axis that is where it is told to be."""
    for _ in range(round(seconds * 60)):
        told = driven(actuator, told, wanted, told.target, DT_S)
    return told


def test_a_target_far_from_the_axis_does_not_engage_it() -> None:
    told = driven(ELBOW, at_rest(0.5), 0.7, 0.5, DT_S)
    assert (told.target, told.engaged, told.refused) == (0.5, False, True)


def test_a_target_within_reach_engages_and_then_leads_anywhere_inside() -> None:
    told = driven(ELBOW, at_rest(0.5), 0.6, 0.5, DT_S)
    assert (told.engaged, told.refused) == (True, False)
    assert follow(ELBOW, told, 9.0, 5.0).target == pytest.approx(2.0)
    assert follow(ELBOW, told, -9.0, 5.0).target == pytest.approx(-2.0)


def test_on_loss_an_arm_holds_where_it_is_and_not_where_it_was_sent() -> None:
    told = follow(ELBOW, at_rest(0.0), 0.05, 0.1)
    held = lost(ELBOW, told, measured=0.01)
    assert held == Told(target=0.01)
    assert lost(ELBOW, held, measured=-0.3) == held, "it does not follow its own sagging"


def test_on_loss_a_gripper_keeps_its_force() -> None:
    told = follow(GRIP, driven(GRIP, at_rest(0.0), 1.0, 0.0, DT_S), 12.0, 2.0)
    assert lost(GRIP, told, measured=7.0).target == pytest.approx(12.0)


def test_a_gripper_taken_again_starts_from_the_force_it_keeps() -> None:
    held = lost(GRIP, follow(GRIP, driven(GRIP, at_rest(0.0), 1.0, 0.0, DT_S), 12.0, 2.0), 11.0)
    told = driven(GRIP, held, 11.5, 11.0, DT_S)
    assert told.engaged
    assert abs(told.target - 12.0) <= GRIP.max_speed * DT_S


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_lets_go(value: float) -> None:
    told = driven(ELBOW, at_rest(0.5), 0.55, 0.5, DT_S)
    assert driven(ELBOW, told, value, 0.51, DT_S) == Told(target=0.51, refused=True)


@given(
    st.lists(
        st.one_of(st.none(), st.floats(-3.0, 3.0), st.just(math.nan)), min_size=1, max_size=80
    ),
    st.floats(-2.0, 2.0),
)
def test_no_axis_gets_a_target_it_could_not_have_passed(
    wishes: list[float | None], begin: float
) -> None:
    told, was = at_rest(begin), at_rest(begin)
    for wish in wishes:
        was = told
        if wish is None:
            told = lost(ELBOW, told, told.target)
        else:
            told = driven(ELBOW, told, wish, told.target, DT_S)
        assert ELBOW.low <= told.target <= ELBOW.high
        assert abs(told.speed) <= ELBOW.max_speed + 1e-9
        assert abs(told.target - was.target) <= ELBOW.max_speed * DT_S + 1e-9
        if told.engaged and was.engaged:
            assert abs(told.speed - was.speed) <= ELBOW.max_accel * DT_S + 1e-9
        if not told.engaged:
            assert told.target == was.target


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_an_axis_arrives_without_passing_its_target(begin: float, goal: float) -> None:
    told = Told(target=begin, engaged=True)
    low, high = min(begin, goal), max(begin, goal)
    for _ in range(60 * 6):
        told = driven(ELBOW, told, goal, told.target, DT_S)
        assert low - 1e-9 <= told.target <= high + 1e-9
    assert told.target == pytest.approx(goal)
    assert told.speed == 0.0


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 2.0},
        {"low": math.nan},
        {"high": math.inf},
        {"max_speed": 0.0},
        {"max_accel": -1.0},
        {"start_within": math.nan},
    ],
)
def test_no_limit_of_an_axis_can_be_switched_off(changes: dict[str, float]) -> None:
    numbers = {
        "low": -2.0,
        "high": 2.0,
        "max_speed": 1.0,
        "max_accel": 1.0,
        "start_within": 0.1,
        **changes,
    }
    with pytest.raises(ConfigError, match="elbow"):
        Actuator("elbow", **numbers, on_loss=OnLoss.HOLD_POSE)


def test_an_axis_with_any_limits_above_zero_is_one() -> None:
    made = Actuator("wrist", -1.0, 1.0, 0.01, 0.02, 0.003, OnLoss.HOLD_POSE)
    assert (made.max_speed, made.max_accel, made.start_within) == (0.01, 0.02, 0.003)


def test_exactly_within_reach_is_within_reach() -> None:
    assert driven(ELBOW, at_rest(0.0), 0.1, 0.0, DT_S).engaged
    assert not driven(ELBOW, at_rest(0.0), 0.1000001, 0.0, DT_S).engaged


def test_an_arm_starts_from_where_it_is_measured() -> None:
    told = driven(ELBOW, at_rest(0.5), 0.55, 0.52, DT_S)
    assert 0.52 < told.target < 0.53


def test_a_refusal_is_over_with_the_next_target_or_loss() -> None:
    refused = driven(ELBOW, at_rest(0.5), 2.0, 0.5, DT_S)
    assert refused == Told(target=0.5, refused=True)
    assert lost(ELBOW, refused, 0.5) == Told(target=0.5)
    assert driven(ELBOW, refused, 0.55, 0.5, DT_S).refused is False
    assert driven(ELBOW, refused, 0.5, 0.5, DT_S) == Told(target=0.5, engaged=True)
    assert lost(ELBOW, Told(target=0.5, speed=1.0), 0.4) == Told(target=0.5)


def test_an_axis_that_can_just_be_there_in_one_tick_stands_there() -> None:
    slow = Actuator("wrist", -1.0, 1.0, 1.0, 2.0, 1.0, OnLoss.HOLD_POSE)
    told = driven(slow, Told(target=0.0, engaged=True), 0.5, 0.0, dt_s=0.5)
    assert told == Told(target=0.5, speed=0.0, engaged=True)


def test_the_way_to_a_target_is_the_same_in_every_run() -> None:
    told, way = Told(target=0.0, engaged=True), []
    for _ in range(90):
        told = driven(ELBOW, told, 0.5, told.target, DT_S)
        way.append((round(told.target, 9), round(told.speed, 9)))
    assert [way[i] for i in (0, 1, 5, 14, 20, 29, 40)] == WAY
    assert way[-1] == (0.5, 0.0)
    assert next(i for i, step in enumerate(way) if step == (0.5, 0.0)) == ARRIVED
