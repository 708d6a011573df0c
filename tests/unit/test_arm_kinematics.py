"""The arm's kinematics: there and back, continuous, and honest about what is out of reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from teleop.arm_kinematics import (
    BOX_M,
    DT_S,
    REACH_M,
    ROLL_RAD,
    STROKE_M,
    HandPose,
    Motion,
    Target,
    advanced,
    allowed,
    fingertips,
    hand_at,
    hand_velocity,
    joints_for,
)
from transport.channels import TICK_HZ

HOME = HandPose(0.3, 0.0, 0.1, 0.0)
inside = st.builds(
    HandPose,
    *(st.floats(*span) for span in BOX_M),
    st.floats(-1.2, 1.2),
).filter(lambda pose: allowed(pose) is not None)
speed = st.floats(-0.25, 0.25)
motions = st.builds(Motion, speed, speed, speed, st.floats(-1.5, 1.5), st.floats(-2, 2))


def target_at(pose: HandPose, finger_m: float = STROKE_M) -> Target:
    joints = allowed(pose)
    assert joints is not None
    return Target(joints, finger_m)


def test_a_tick_is_as_long_as_the_control_tick() -> None:
    assert DT_S == 1 / TICK_HZ


@given(inside)
def test_the_joints_for_a_pose_put_the_hand_there(pose: HandPose) -> None:
    joints = joints_for(pose)
    assert joints is not None
    assert hand_at(joints) == pytest.approx(pose, abs=1e-12)


@given(inside)
def test_the_hand_points_straight_down_and_the_elbow_up(pose: HandPose) -> None:
    base, shoulder, elbow, wrist, roll = target_at(pose).joints
    assert shoulder + elbow + wrist == pytest.approx(-math.pi / 2)
    assert -math.pi < elbow < -0.1
    assert base + roll == pytest.approx(pose.yaw_rad)


@given(inside, st.tuples(*[st.floats(-1e-4, 1e-4)] * 4))
def test_a_small_way_of_the_hand_is_a_small_way_of_each_joint(
    pose: HandPose, step: tuple[float, float, float, float]
) -> None:
    before = target_at(pose).joints
    after = allowed(HandPose(*(at + by for at, by in zip(pose, step, strict=True))))
    assume(after is not None)
    assert after is not None
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 0.005


@pytest.mark.parametrize(
    "pose",
    [
        HandPose(0.5, 0.3, 0.3, 0.0),  # a corner: further than the arm is long
        HandPose(0.0, 0.0, 0.1, 0.0),  # the base
        HandPose(9.0, 0.0, 0.1, 0.0),
    ],
)
def test_what_is_out_of_reach_has_no_joints(pose: HandPose) -> None:
    assert joints_for(pose) is None


def test_the_workspace_is_the_box_the_reach_and_the_wrists_cable() -> None:
    assert allowed(HOME) is not None
    for axis, (low, high) in enumerate(BOX_M):
        for value in (low - 1e-6, high + 1e-6):
            beyond = list(HOME)
            beyond[axis] = value
            assert allowed(HandPose(*beyond)) is None
    assert allowed(HandPose(0.5, 0.3, 0.1, 0.0)) is None
    assert allowed(HandPose(0.3, 0.0, 0.1, ROLL_RAD + 1e-6)) is None
    assert REACH_M[1] < 0.54 * 0.97  # never stretched out


@given(inside, st.tuples(*[st.floats(-3, 3)] * 5))
def test_the_hands_velocity_is_how_its_pose_changes(
    pose: HandPose, rates: tuple[float, float, float, float, float]
) -> None:
    joints, dt_s = target_at(pose).joints, 1e-6
    back, ahead = (
        hand_at(tuple(j + sign * dt_s * r for j, r in zip(joints, rates, strict=True)))  # type: ignore[arg-type]
        for sign in (-0.5, 0.5)
    )
    measured = [(b - a) / dt_s for a, b in zip(back, ahead, strict=True)]
    assert hand_velocity(joints, rates) == pytest.approx(measured, abs=1e-6)


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 5), min_size=1, max_size=5))
def test_many_postures_at_once_are_where_each_of_them_is(
    postures: list[tuple[float, float, float, float, float]],
) -> None:
    found = fingertips(np.array(postures))
    each = [hand_at(joints)[:3] for joints in postures]
    assert found == pytest.approx(np.array(each), abs=1e-12)


# --- one tick -----------------------------------------------------------------------------------


@given(inside, motions)
def test_a_motion_inside_the_workspace_is_made_as_it_is_asked(
    pose: HandPose, motion: Motion
) -> None:
    target = target_at(pose, STROKE_M / 2)
    there = [at + by * DT_S for at, by in zip(pose, motion[:4], strict=True)]
    assume(allowed(HandPose(*there)) is not None)
    after, told = advanced(target, motion)
    assert told == motion
    assert hand_at(after.joints) == pytest.approx(there, abs=1e-12)
    assert after.finger_m == pytest.approx(STROKE_M / 2 - motion.grip_ps * DT_S * STROKE_M)


@given(inside, st.lists(motions, min_size=1, max_size=10), st.floats(0, STROKE_M))
@example(HandPose(0.4999, 0.0, 0.1, 0.0), [Motion(0.25, 0.1, 0.0, 0.0, 2.0)] * 30, 0.0)
@example(HandPose(0.45, 0.2, 0.1, 0.0), [Motion(0.25, 0.25, 0.25, 1.5, -2.0)] * 30, STROKE_M)
def test_what_is_told_can_be_told_again_and_leads_to_the_very_same_target(
    pose: HandPose, asked: list[Motion], finger_m: float
) -> None:
    target = target_at(pose, finger_m)
    for motion in asked:
        after, told = advanced(target, motion)
        assert advanced(target, told) == (after, told)
        assert allowed(hand_at(after.joints)) is not None
        assert 0 <= after.finger_m <= STROKE_M
        for wish, done in zip(motion, told, strict=True):
            assert abs(done) <= abs(wish)
            assert done * wish >= 0
        target = after


@given(inside, st.floats(0, STROKE_M))
def test_zero_motion_changes_nothing_not_even_by_rounding(pose: HandPose, finger_m: float) -> None:
    target = target_at(pose, finger_m)
    assert advanced(target, Motion()) == (target, Motion())


def test_at_an_edge_the_hand_slides_along_it() -> None:
    target = target_at(HandPose(BOX_M[0][1], 0.0, 0.1, 0.0))
    for _ in range(20):
        target, told = advanced(target, Motion(forward_mps=0.2, left_mps=0.1))
        assert told.forward_mps == pytest.approx(0.0, abs=1e-6)
        assert told.left_mps == 0.1
    assert hand_at(target.joints).x_m == pytest.approx(BOX_M[0][1], abs=1e-6)


def test_a_way_out_of_the_workspace_ends_close_to_its_edge() -> None:
    target = target_at(HOME)
    for _ in range(200):
        target, _ = advanced(target, Motion(left_mps=0.25))
    # The box ends there; 4 mm is one tick's way, and what is left of it is cut to a micrometre.
    assert hand_at(target.joints).y_m == pytest.approx(BOX_M[1][1], abs=2e-6)


def test_a_gripper_stops_at_either_end() -> None:
    target = target_at(HOME)
    opened, told = advanced(target, Motion(grip_ps=-1.0))
    assert (opened, told.grip_ps) == (target, 0.0)
    for _ in range(90):
        before, (target, told) = target, advanced(target, Motion(grip_ps=0.7))
        really_ps = (before.finger_m - target.finger_m) / (STROKE_M * DT_S)
        assert told.grip_ps == pytest.approx(really_ps, abs=1e-9)
    assert target.finger_m == pytest.approx(0.0, abs=1e-12)
    assert told.grip_ps == pytest.approx(0.0, abs=1e-9)
