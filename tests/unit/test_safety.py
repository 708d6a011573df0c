"""Limits: no setting can be switched off, no speed jumps, no wish exceeds the cap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.safety import RANGES, ConfigError, Limits, cap, limited
from transport.messages import STILL, CapCause, Twist

DT_S = 1 / 60
LIMITS = Limits()
any_speed = st.floats(allow_nan=True, allow_infinity=True)
speeds = st.floats(-0.5, 0.5)
turns = st.floats(-1.5, 1.5)


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_no_limit_can_be_switched_off(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})


def test_deceleration_is_at_least_as_strong_as_acceleration() -> None:
    with pytest.raises(ConfigError, match="deceleration"):
        Limits(accel_mps2=2.0, decel_mps2=1.0)


def test_hold_comes_before_lost() -> None:
    with pytest.raises(ConfigError, match="lost_ms"):
        Limits(hold_ms=500.0, lost_ms=500.0)


@pytest.mark.parametrize(
    ("age_ms", "mps", "cause"),
    [
        (-1.0, 0.5, CapCause.ROBOT),
        (60.0, 0.5, CapCause.ROBOT),
        (200.0, 0.5, CapCause.ROBOT),
        (400.0, 0.25, CapCause.LATENCY),
        (501.0, 0.15, CapCause.PICTURE),
        (1000.0, 0.1, CapCause.LATENCY),
    ],
)
def test_the_cap_follows_the_age_of_the_picture(age_ms: float, mps: float, cause: CapCause) -> None:
    allowed = cap(LIMITS, age_ms)
    assert allowed.mps == pytest.approx(mps)
    assert allowed.cause is cause


def test_slow_comes_before_hold_for_a_picture_too() -> None:
    with pytest.raises(ConfigError, match="picture_hold_ms"):
        Limits(picture_slow_ms=900.0, picture_hold_ms=800.0)


@given(st.floats(0, 3000), st.floats(0, 3000))
def test_an_older_picture_never_allows_more_speed(a: float, b: float) -> None:
    younger, older = sorted((a, b))
    assert cap(LIMITS, older).mps <= cap(LIMITS, younger).mps


@given(any_speed, any_speed, speeds, turns, st.floats(0.05, 0.5))
def test_speeds_are_finite_bounded_and_ramped(
    forward: float, turn: float, before_mps: float, before_radps: float, cap_mps: float
) -> None:
    before = Twist(forward_mps=before_mps, turn_radps=before_radps)
    now = limited(Twist(forward_mps=forward, turn_radps=turn), before, LIMITS, cap_mps, DT_S)
    assert math.isfinite(now.forward_mps)
    assert math.isfinite(now.turn_radps)
    assert abs(now.forward_mps) <= LIMITS.max_mps + 1e-12
    step = abs(now.forward_mps - before.forward_mps)
    assert step <= LIMITS.decel_mps2 * DT_S + 1e-12
    if abs(now.forward_mps) > abs(before.forward_mps):
        assert step <= LIMITS.accel_mps2 * DT_S + 1e-12
    assert abs(now.turn_radps - before.turn_radps) <= LIMITS.decel_radps2 * DT_S + 1e-12


@given(speeds, turns)
def test_a_standing_wish_reaches_standing_and_stays(before_mps: float, before_radps: float) -> None:
    now = Twist(forward_mps=before_mps, turn_radps=before_radps)
    for _ in range(60):
        now = limited(STILL, now, LIMITS, 0.5, DT_S)
    assert now == STILL


def test_a_reversal_passes_through_standing() -> None:
    now, seen = Twist(forward_mps=0.3, turn_radps=0.0), []
    for _ in range(120):
        now = limited(Twist(forward_mps=-0.3, turn_radps=0.0), now, LIMITS, 0.5, DT_S)
        seen.append(now.forward_mps)
    assert 0.0 in seen
    assert seen[-1] == pytest.approx(-0.3)


def test_a_cap_keeps_the_curve() -> None:
    wish = Twist(forward_mps=0.4, turn_radps=0.8)
    now = wish
    for _ in range(120):
        now = limited(wish, now, LIMITS, 0.25, DT_S)
    assert now.turn_radps / now.forward_mps == pytest.approx(2.0)
    assert now.forward_mps == pytest.approx(0.2)
