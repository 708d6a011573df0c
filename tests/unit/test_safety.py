"""Limits: no setting can be switched off, no speed jumps, no wish exceeds the cap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from teleop.safety import (
    RANGES,
    ConfigError,
    Limits,
    Pose,
    cap,
    capped,
    inside_workspace,
    ramped,
    room_m,
)
from transport.messages import STILL, CapCause, Profile, Timing, Twist

DT_S = 1 / 60


def limited(wanted: Twist, before: Twist, limits: Limits, cap_mps: float, dt_s: float) -> Twist:
    """One tick as the gate takes it where there is no workspace."""
    return ramped(capped(wanted, limits, cap_mps), before, limits, dt_s)


LIMITS = Limits()
any_speed = st.floats(allow_nan=True, allow_infinity=True)
speeds = st.floats(-0.5, 0.5)
turns = st.floats(-1.5, 1.5)


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_no_limit_can_be_switched_off(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})


def test_a_setting_out_of_its_range_is_named_with_the_range() -> None:
    with pytest.raises(ConfigError) as refused:
        Limits(hold_ms=99.0)
    told = "hold_ms = 99.0 is outside 100 to 500; it cannot be switched off"
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "settings",
    [
        {"accel_mps2": 2.0, "decel_mps2": 1.9},
        {"accel_radps2": 6.0, "decel_radps2": 5.9},
        {"accel_grip_ps2": 6.0, "decel_grip_ps2": 5.9},
    ],
)
def test_deceleration_is_at_least_as_strong_as_acceleration(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as refused:
        Limits(**settings)  # type: ignore[arg-type]
    assert str(refused.value) == "deceleration must be at least as strong as acceleration"


def test_deceleration_may_be_just_as_strong_as_acceleration() -> None:
    Limits(accel_mps2=2.0, decel_mps2=2.0, accel_radps2=6.0, decel_radps2=6.0)
    Limits(accel_grip_ps2=6.0, decel_grip_ps2=6.0)


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
        (500.0, 0.2, CapCause.LATENCY),
        (501.0, 0.15, CapCause.PICTURE),
        (1000.0, 0.1, CapCause.LATENCY),
    ],
)
def test_the_cap_follows_the_age_of_the_picture(age_ms: float, mps: float, cause: CapCause) -> None:
    allowed = cap(LIMITS, age_ms)
    assert allowed.mps == pytest.approx(mps)
    assert allowed.cause is cause


@pytest.mark.parametrize(
    ("limits", "age_ms", "profile"),
    [
        (Limits(picture_slow_factor=0.25), 800.0, Profile.NORMAL),
        (Limits(high_latency_factor=0.5), 400.0, Profile.HIGH_LATENCY),
    ],
)
def test_a_limit_that_would_allow_just_as_much_is_not_named_as_the_cause(
    limits: Limits, age_ms: float, profile: Profile
) -> None:
    assert cap(limits, age_ms, profile).cause is CapCause.LATENCY


@pytest.mark.parametrize("hold_ms", [799.0, 800.0])
def test_slow_comes_before_hold_for_a_picture_too(hold_ms: float) -> None:
    with pytest.raises(ConfigError, match="picture_hold_ms"):
        Limits(picture_slow_ms=800.0, picture_hold_ms=hold_ms)


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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_wish_that_is_no_number_stands(value: float) -> None:
    before = Twist(forward_mps=0.01, turn_radps=0.01)
    for wish in (
        Twist(forward_mps=value, turn_radps=0.5),
        Twist(forward_mps=0.5, turn_radps=value),
    ):
        assert limited(wish, before, LIMITS, 0.5, DT_S) == STILL


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


@pytest.mark.parametrize("wish_mps", [-0.1, -0.3, -0.5])
def test_a_reversal_brakes_as_strongly_as_a_stop(wish_mps: float) -> None:
    before = Twist(forward_mps=0.3, turn_radps=0.0)
    now = limited(Twist(forward_mps=wish_mps, turn_radps=0.0), before, LIMITS, 0.5, DT_S)
    assert now.forward_mps == pytest.approx(0.3 - LIMITS.decel_mps2 * DT_S)


@pytest.mark.parametrize("before_mps", [0.3, 1.0, -1.7])
def test_braking_has_its_own_ramp_at_every_speed(before_mps: float) -> None:
    fast = Limits(max_mps=2.0)
    now = limited(STILL, Twist(forward_mps=before_mps, turn_radps=0.0), fast, 2.0, DT_S)
    assert abs(before_mps) - abs(now.forward_mps) == pytest.approx(fast.decel_mps2 * DT_S)


def test_no_cap_allows_more_than_the_robots_own_limit() -> None:
    fastest = Twist(forward_mps=0.5, turn_radps=0.0)
    assert limited(fastest, fastest, LIMITS, 1.0, DT_S) == fastest


def test_a_cap_keeps_the_curve() -> None:
    wish = Twist(forward_mps=0.4, turn_radps=0.8)
    now = wish
    for _ in range(120):
        now = limited(wish, now, LIMITS, 0.25, DT_S)
    assert now.turn_radps / now.forward_mps == pytest.approx(2.0)
    assert now.forward_mps == pytest.approx(0.2)


# --- profile and workspace ---

BOX = (-1.0, -2.0, 3.0, 2.0)
BOXED = Limits(workspace=BOX)


def test_the_high_latency_profile_is_slower_and_takes_older_commands() -> None:
    allowed = cap(LIMITS, 100.0, Profile.HIGH_LATENCY)
    assert (allowed.mps, allowed.cause) == (pytest.approx(0.15), CapCause.PROFILE)
    assert cap(LIMITS, 1000.0, Profile.HIGH_LATENCY).cause is CapCause.LATENCY
    assert LIMITS.age_limit_ms(Profile.NORMAL) == 300.0
    assert LIMITS.age_limit_ms(Profile.HIGH_LATENCY) == 800.0
    assert LIMITS.timing(Profile.HIGH_LATENCY).max_age_ms == 800.0
    assert LIMITS.timing(Profile.NORMAL).max_age_ms == 300.0


def test_high_latency_is_never_the_stricter_profile() -> None:
    with pytest.raises(ConfigError, match="high_latency_max_age_ms"):
        Limits(max_age_ms=900.0)
    Limits(max_age_ms=800.0)


@pytest.mark.parametrize(
    "box",
    [
        (1.0, 0.0, 1.0, 2.0),
        (0.0, 2.0, 1.0, 2.0),
        (0.0, 0.0, math.nan, 1.0),
        (-2e4, 0.0, 1.0, 1.0),
        (0.0, 0.0, 0.5, 1.0, 1.0, 0.5),  # its lid is its floor
        (0.0, 0.0, 1.0),
        (0.0, 0.0, 0.0, 1.0, 1.0),
        (),
    ],
)
def test_a_workspace_that_is_no_box_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="workspace"):
        Limits(workspace=box)


def test_a_workspace_may_reach_as_far_as_the_limit_and_no_further() -> None:
    far = 10_000.0
    assert Limits(workspace=(-far, -far, far, far)).workspace == (-far, -far, far, far)
    with pytest.raises(ConfigError, match="each within 10000 of the origin"):
        Limits(workspace=(-far, -far, far, math.nextafter(far, math.inf)))


@pytest.mark.parametrize(
    ("pose", "forward", "room"),
    [
        (Pose(0.0, 0.0, 0.0), 1.0, 3.0),
        (Pose(0.0, 0.0, 0.0), -1.0, 1.0),
        (Pose(0.0, 0.0, math.pi / 2), 1.0, 2.0),
        (Pose(0.0, 1.5, math.pi / 2), 1.0, 0.5),
        (Pose(0.0, 0.0, math.pi), 1.0, 1.0),
        (Pose(3.5, 0.0, 0.0), 1.0, 0.0),
        (Pose(3.5, 0.0, 0.0), -1.0, 4.5),
        (Pose(2.0, 1.0, math.pi / 4), 1.0, math.sqrt(2.0)),
        (Pose(0.0, -1.0, -3 * math.pi / 4), 1.0, math.sqrt(2.0)),
    ],
)
def test_the_room_ahead_ends_at_the_edge(pose: Pose, forward: float, room: float) -> None:
    assert room_m(BOX, pose, (forward, 0.0, 0.0)) == pytest.approx(room)


def test_without_a_workspace_nothing_is_slowed() -> None:
    wish = Twist(forward_mps=0.5, turn_radps=0.3)
    assert inside_workspace(wish, Pose(1e6, 0.0, 0.0), LIMITS, DT_S) == wish


@pytest.mark.parametrize("mps", [0.3, 1.0, 2.0])
def test_at_the_edge_nothing_leads_out_however_fast(mps: float) -> None:
    wide = Limits(max_mps=2.0, workspace=BOX)
    wish = Twist(forward_mps=mps, turn_radps=0.0)
    assert inside_workspace(wish, Pose(3.0, 0.0, 0.0), wide, DT_S) == STILL


def test_turning_on_the_spot_is_free_everywhere() -> None:
    wish = Twist(forward_mps=0.0, turn_radps=1.0)
    assert inside_workspace(wish, Pose(3.0, 2.0, 0.0), BOXED, DT_S) == wish
    at_the_edge = inside_workspace(
        Twist(forward_mps=0.5, turn_radps=1.0), Pose(3.0, 0.0, 0.0), BOXED, DT_S
    )
    assert at_the_edge == Twist(forward_mps=0.0, turn_radps=1.0)


@given(
    st.lists(st.tuples(speeds, turns, st.integers(1, 90)), max_size=12),
    st.floats(-3.1, 3.1),
    st.floats(-1.0, 3.0),
)
def test_whatever_is_asked_for_the_robot_stays_inside(
    wishes: list[tuple[float, float, int]], heading: float, x_m: float
) -> None:
    y_m, now = 0.0, STILL
    for forward, turn, ticks in wishes:
        for _ in range(ticks):
            pose = Pose(x_m, y_m, heading)
            wish = Twist(forward_mps=forward, turn_radps=turn)
            inside = inside_workspace(wish, pose, BOXED, DT_S)
            now = limited(inside, now, BOXED, 0.5, DT_S)
            x_m += now.forward_mps * math.cos(heading) * DT_S
            y_m += now.forward_mps * math.sin(heading) * DT_S
            heading += now.turn_radps * DT_S
            # Turning towards an edge while braking may cost a little: braking is for straight on.
            assert BOX[0] - 0.02 <= x_m <= BOX[2] + 0.02
            assert BOX[1] - 0.02 <= y_m <= BOX[3] + 0.02


# --- a hand: five axes ---

ARM_BOX = (0.2, -0.3, 0.02, 0.6, 0.3, 0.4)
ARM = Limits(max_mps=0.25, workspace=ARM_BOX)
way = st.sampled_from([0.25, -0.25, 0.1, 0.0])


def hand(forward: float = 0.0, left: float = 0.0, up: float = 0.0, grip: float = 0.0) -> Twist:
    return Twist(forward_mps=forward, turn_radps=0.0, left_mps=left, up_mps=up, grip_ps=grip)


@pytest.mark.parametrize(
    ("ahead", "room"),
    [
        ((0.0, 0.0, -1.0), 0.18),
        ((0.0, 0.0, 1.0), 0.2),
        ((0.0, 1.0, 0.0), 0.3),
        ((0.0, -1.0, 0.0), 0.3),
        ((0.0, 0.6, -0.8), 0.225),
    ],
)
def test_the_workspace_of_a_hand_has_a_floor_and_a_lid(
    ahead: tuple[float, float, float], room: float
) -> None:
    assert room_m(ARM_BOX, Pose(0.4, 0.0, 0.0, 0.2), ahead) == pytest.approx(room)


def test_left_leads_to_the_left_of_where_forward_leads() -> None:
    assert room_m(BOX, Pose(0.0, 0.0, math.pi / 2), (0.0, 1.0, 0.0)) == pytest.approx(1.0)


def test_a_box_of_four_numbers_has_no_lid() -> None:
    assert room_m(BOX, Pose(0.0, 0.0, 0.0, 99.0), (0.0, 0.0, 1.0)) == math.inf
    up = hand(up=0.25)
    assert inside_workspace(up, Pose(0.0, 0.0, 0.0, 99.0), BOXED, DT_S) == up


def test_at_the_floor_a_hand_goes_on_along_the_table_and_still_grips() -> None:
    at_the_floor = Pose(0.4, 0.0, 0.0, 0.02)
    along = hand(forward=0.2, left=0.1, grip=1.0)
    assert inside_workspace(along, at_the_floor, ARM, DT_S) == along
    pressing = hand(up=-0.2, grip=1.0)
    assert inside_workspace(pressing, at_the_floor, ARM, DT_S) == hand(grip=1.0)


def test_the_linear_axes_share_one_limit_and_keep_their_direction() -> None:
    wish, now = hand(forward=0.25, left=0.25, up=-0.25), STILL
    for _ in range(120):
        now = limited(wish, now, Limits(max_mps=0.25), 0.25, DT_S)
    assert math.hypot(now.forward_mps, now.left_mps, now.up_mps) == pytest.approx(0.25)
    assert now.forward_mps == pytest.approx(now.left_mps) == pytest.approx(-now.up_mps)


def test_a_turn_to_another_direction_at_the_same_speed_is_no_braking() -> None:
    """Whatever does not slow down changes by no more than it may speed up by."""
    limits = Limits(max_mps=0.25, accel_mps2=0.5, decel_mps2=4.0)
    now = limited(hand(left=0.25), hand(forward=0.25), limits, 0.25, DT_S)
    step = math.hypot(now.forward_mps - 0.25, now.left_mps)
    assert step == pytest.approx(limits.accel_mps2 * DT_S)


def test_the_cap_scales_every_axis() -> None:
    wish = Twist(forward_mps=0.1, turn_radps=0.8, left_mps=0.1, up_mps=0.1, grip_ps=0.6)
    now = STILL
    for _ in range(120):
        now = limited(wish, now, LIMITS, 0.25, DT_S)
    for name in Twist.__struct_fields__:
        assert getattr(now, name) == pytest.approx(getattr(wish, name) / 2)


@given(st.tuples(any_speed, any_speed, any_speed, any_speed), st.tuples(way, way, way))
def test_every_axis_is_finite_bounded_and_ramped(
    wish: tuple[float, float, float, float], was: tuple[float, float, float]
) -> None:
    before = hand(*was)
    now = limited(hand(*wish), before, LIMITS, 0.5, DT_S)
    speeds_now = (now.forward_mps, now.left_mps, now.up_mps)
    step = math.dist(speeds_now, was)
    assert step <= LIMITS.decel_mps2 * DT_S + 1e-12
    if math.hypot(*speeds_now) > math.hypot(*was):
        assert step <= LIMITS.accel_mps2 * DT_S + 1e-12
    assert math.hypot(*speeds_now) <= LIMITS.max_mps + 1e-12
    assert abs(now.grip_ps) <= LIMITS.accel_grip_ps2 * DT_S + 1e-12


@pytest.mark.parametrize("axis", Twist.__struct_fields__)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_axis_that_is_no_number_stops_all(axis: str, value: float) -> None:
    wish = replace(Twist(forward_mps=0.1, turn_radps=0.1, left_mps=0.1), **{axis: value})
    assert limited(wish, STILL, LIMITS, 0.5, DT_S) == STILL


def test_one_axis_limits_nothing_of_the_others() -> None:
    assert LIMITS.full == Twist(
        forward_mps=0.5, turn_radps=1.5, left_mps=0.5, up_mps=0.5, grip_ps=1.0
    )


@given(
    st.lists(st.tuples(way, way, way, st.integers(1, 60)), max_size=12),
    st.tuples(st.floats(0.2, 0.6), st.floats(-0.3, 0.3), st.floats(0.02, 0.4)),
)
def test_a_hand_never_leaves_its_workspace_whatever_is_asked(
    wishes: list[tuple[float, float, float, int]], start: tuple[float, float, float]
) -> None:
    """Also around corners: on the way from one direction to another it still goes in the first."""
    (x, y, z), now = start, STILL
    for forward, left, up, ticks in wishes:
        for _ in range(ticks):
            pose = Pose(x, y, 0.0, z)
            inside = inside_workspace(hand(forward, left, up), pose, ARM, DT_S)
            now = ramped(capped(inside, ARM, 0.25), now, ARM, DT_S, pose)
            x += now.forward_mps * DT_S
            y += now.left_mps * DT_S
            z += now.up_mps * DT_S
            for at, low, high in zip((x, y, z), ARM_BOX[:3], ARM_BOX[3:], strict=True):
                assert low - 1e-6 <= at <= high + 1e-6


def test_an_operator_is_told_the_limits_that_are_in_force() -> None:
    assert Limits(hold_ms=150.0).timing(Profile.HIGH_LATENCY) == Timing(
        max_age_ms=800.0,
        normal_max_age_ms=300.0,
        hold_ms=150.0,
        lost_ms=1000.0,
        neutral_ms=500.0,
        picture_slow_ms=500.0,
        picture_hold_ms=2000.0,
        high_latency_max_age_ms=800.0,
        full_speed_ms=200.0,
    )
