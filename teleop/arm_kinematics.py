"""Where the bundled arm's hand is, and which joints put it there. Pure, analytic, both ways.

Frame of the base: x away from it, y to the left, z up, the origin on the table below the first
joint. The hand always points straight down; its pose is the point between the fingertips and its
yaw. Joints in order: base yaw, shoulder, elbow, wrist pitch, wrist roll, all in rad. At zero the
arm is stretched out along +x; positive angles of the middle three raise what lies beyond.

The arm bends at the elbow, upwards, and never stretches out fully (`REACH_M`), so of the two ways
to reach a point one is always taken, and it changes continuously with the point.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

DT_S: Final = 1.0 / 60.0  # one control tick; `transport.channels.TICK_HZ`

# Lengths of the scene's links; a test holds them together with arm.xml.
SHOULDER_M: Final = 0.20  # height of the shoulder
UPPER_M: Final = 0.28
FOREARM_M: Final = 0.26
HAND_M: Final = 0.15  # from the wrist down to the point between the fingertips
STROKE_M: Final = 0.04  # each finger, from open to where both meet

# Where the hand may be told to go. The height keeps the fingertips above the table, the front
# keeps the forearm off the base, the reach keeps the elbow bent (0.96 of the stretched arm).
BOX_M: Final = ((0.15, 0.50), (-0.30, 0.30), (0.014, 0.30))
REACH_M: Final = (0.14, 0.52)  # shoulder to wrist
ROLL_RAD: Final = 2.7  # the wrist's cable
SLACK: Final = 1e-9  # m and rad: what rounding adds to a pose on the edge must not lock it there
HALVINGS: Final = 12  # of one tick's way (4 mm) up to the edge: 1 um

Joints = tuple[float, float, float, float, float]


class HandPose(NamedTuple):
    """The point between the fingertips, and how the hand is turned around the vertical."""

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float  # counter-clockwise seen from above; at 0 the fingers move along y


class Motion(NamedTuple):
    """Velocity of the hand and of its fingers."""

    forward_mps: float = 0.0
    left_mps: float = 0.0
    up_mps: float = 0.0
    turn_radps: float = 0.0
    grip_ps: float = 0.0  # of the stroke, + closes


class Target(NamedTuple):
    """What the servos are told."""

    joints: Joints
    finger_m: float  # how far each finger is from the middle; 0: closed


def hand_at(joints: Joints) -> HandPose:
    """The hand's pose; exact for a hand that points down, for others where its fingertips are."""
    base, shoulder, elbow, wrist, roll = joints
    upper, fore = shoulder, shoulder + elbow
    hand = fore + wrist
    out = UPPER_M * math.cos(upper) + FOREARM_M * math.cos(fore) + HAND_M * math.cos(hand)
    height = UPPER_M * math.sin(upper) + FOREARM_M * math.sin(fore) + HAND_M * math.sin(hand)
    return HandPose(out * math.cos(base), out * math.sin(base), SHOULDER_M + height, base + roll)


def joints_for(pose: HandPose) -> Joints | None:
    """The joints that put the hand at `pose`, or None when it lies out of the arm's reach."""
    out = math.hypot(pose.x_m, pose.y_m)
    height = pose.z_m + HAND_M - SHOULDER_M
    reach = math.hypot(out, height)
    if not REACH_M[0] - SLACK <= reach <= REACH_M[1] + SLACK:
        return None
    base = math.atan2(pose.y_m, pose.x_m)
    at_shoulder = (UPPER_M**2 + reach**2 - FOREARM_M**2) / (2 * UPPER_M * reach)
    at_elbow = (UPPER_M**2 + FOREARM_M**2 - reach**2) / (2 * UPPER_M * FOREARM_M)
    shoulder = math.atan2(height, out) + math.acos(at_shoulder)
    elbow = math.acos(at_elbow) - math.pi
    return base, shoulder, elbow, -math.pi / 2 - shoulder - elbow, pose.yaw_rad - base


def allowed(pose: HandPose) -> Joints | None:
    """`joints_for` a pose inside the workspace; None outside it."""
    (x_low, x_high), (y_low, y_high), (z_low, z_high) = BOX_M
    inside = (
        x_low - SLACK <= pose.x_m <= x_high + SLACK
        and y_low - SLACK <= pose.y_m <= y_high + SLACK
        and z_low - SLACK <= pose.z_m <= z_high + SLACK
    )
    joints = joints_for(pose) if inside else None
    if joints is None or abs(joints[4]) > ROLL_RAD + SLACK:
        return None
    return joints


def advanced(target: Target, motion: Motion) -> tuple[Target, Motion]:
    """The target one tick later, and the motion that it really made.

    Where the way leads out of the workspace each axis goes on as far as it can, so that the hand
    slides along the edge. The motion that comes back, tried again from the same target, is
    accepted as it is and leads to the very same target: what is recorded can be replayed bit by
    bit, also at the edge. Zero motion changes nothing, not even by rounding.
    """
    finger_m, grip_ps = _gripped(target.finger_m, motion.grip_ps)
    wish = motion[:4]
    if wish == (0.0, 0.0, 0.0, 0.0):
        return Target(target.joints, finger_m), Motion(0.0, 0.0, 0.0, 0.0, grip_ps)
    here = hand_at(target.joints)
    joints = allowed(_moved(here, *wish))
    if joints is None:
        wish = _slowed(here, wish)
        joints = target.joints if wish == (0.0, 0.0, 0.0, 0.0) else allowed(_moved(here, *wish))
        assert joints is not None, "what _slowed accepted is allowed"
    return Target(joints, finger_m), Motion(*wish, grip_ps)


def _moved(
    here: HandPose, forward_mps: float, left_mps: float, up_mps: float, turn_radps: float
) -> HandPose:
    return HandPose(
        here.x_m + forward_mps * DT_S,
        here.y_m + left_mps * DT_S,
        here.z_m + up_mps * DT_S,
        here.yaw_rad + turn_radps * DT_S,
    )


def _slowed(
    here: HandPose, wish: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """`wish` with each axis in turn slowed until the hand stays inside."""
    kept = [0.0, 0.0, 0.0, 0.0]
    for axis, speed in enumerate(wish):
        if speed == 0.0:
            continue
        trial = kept.copy()
        trial[axis] = speed
        if allowed(_moved(here, *trial)) is not None:
            kept = trial
            continue
        inside, outside = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            trial[axis] = speed * middle
            if allowed(_moved(here, *trial)) is None:
                outside = middle
            else:
                inside = middle
        kept[axis] = speed * inside
    return kept[0], kept[1], kept[2], kept[3]


def _gripped(finger_m: float, grip_ps: float) -> tuple[float, float]:
    """Where the finger is told to be one tick later, and how fast that really was."""
    step_m = STROKE_M * DT_S
    if finger_m - grip_ps * step_m < 0.0:
        grip_ps = finger_m / step_m
    elif finger_m - grip_ps * step_m > STROKE_M:
        grip_ps = (finger_m - STROKE_M) / step_m
    return min(STROKE_M, max(0.0, finger_m - grip_ps * step_m)), grip_ps


def fingertips(joints: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """x, y, z of `hand_at` for many postures at once: (n, 5) to (n, 3)."""
    upper, fore = joints[:, 1], joints[:, 1] + joints[:, 2]
    hand = fore + joints[:, 3]
    out = UPPER_M * np.cos(upper) + FOREARM_M * np.cos(fore) + HAND_M * np.cos(hand)
    height = UPPER_M * np.sin(upper) + FOREARM_M * np.sin(fore) + HAND_M * np.sin(hand)
    return np.stack(
        [out * np.cos(joints[:, 0]), out * np.sin(joints[:, 0]), SHOULDER_M + height], axis=1
    )


def hand_velocity(joints: Joints, rates: Joints) -> tuple[float, float, float, float]:
    """Velocity of the point between the fingertips, m/s in x, y, z, and of the yaw in rad/s."""
    base, upper = joints[0], joints[1]
    fore = upper + joints[2]
    hand = fore + joints[3]
    upper_radps = rates[1]
    fore_radps = upper_radps + rates[2]
    hand_radps = fore_radps + rates[3]
    out = UPPER_M * math.cos(upper) + FOREARM_M * math.cos(fore) + HAND_M * math.cos(hand)
    out_mps = -(
        UPPER_M * math.sin(upper) * upper_radps
        + FOREARM_M * math.sin(fore) * fore_radps
        + HAND_M * math.sin(hand) * hand_radps
    )
    up_mps = (
        UPPER_M * math.cos(upper) * upper_radps
        + FOREARM_M * math.cos(fore) * fore_radps
        + HAND_M * math.cos(hand) * hand_radps
    )
    cos, sin = math.cos(base), math.sin(base)
    return (
        out_mps * cos - out * sin * rates[0],
        out_mps * sin + out * cos * rates[0],
        up_mps,
        rates[0] + rates[4],
    )
