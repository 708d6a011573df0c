"""Limits on motion: ranges of the settings, speed caps, ramps, the workspace's edge.

Pure. Each number has a range and none can be switched off: a value outside fails the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from teleop.axes import (
    NOWHERE,
    Vector,
    is_finite,
    linear,
    of_size,
    size,
    with_linear,
)
from transport.messages import STILL, CapCause, Profile, Timing, Twist


class ConfigError(Exception):
    """A setting is out of its range; the message names it and the range."""


RANGES: dict[str, tuple[float, float]] = {
    "max_mps": (0.05, 2.0),
    "max_radps": (0.1, 6.0),
    "accel_mps2": (0.1, 10.0),
    "decel_mps2": (0.1, 20.0),
    "accel_radps2": (0.5, 60.0),
    "decel_radps2": (0.5, 120.0),
    "max_grip_ps": (0.1, 4.0),
    "accel_grip_ps2": (0.5, 40.0),
    "decel_grip_ps2": (0.5, 80.0),
    "max_age_ms": (100.0, 1000.0),
    "hold_ms": (100.0, 500.0),
    "lost_ms": (500.0, 5000.0),
    "neutral_ms": (200.0, 2000.0),
    "picture_slow_ms": (200.0, 1000.0),
    "picture_hold_ms": (500.0, 5000.0),
    "picture_slow_factor": (0.05, 1.0),
    "full_speed_latency_s": (0.05, 0.2),
    "high_latency_max_age_ms": (300.0, 1000.0),
    "high_latency_factor": (0.05, 0.5),
    "stall_ms": (100.0, 500.0),
    "policy_silent_ms": (100.0, 1000.0),
    "stop_thread_ms": (200.0, 1000.0),
    "battery_stop_pct": (1.0, 30.0),
}
# x_min, y_min, x_max, y_max, or x_min, y_min, z_min, x_max, y_max, z_max: metres, world frame.
Box = tuple[float, ...]
BOX_LIMIT_M = 10_000.0
ROUNDING_MPS: Final = 1e-9  # far above the rounding of speeds, far below anything that moves


@dataclass(frozen=True)
class Limits:
    """What the gate enforces. Defaults and their sources:

    `hold_ms` 200: openpilot's joystick process zeroes its axes after 200 ms; `lost_ms` 1000: PX4
    calls an offboard link lost after 1 s. `full_speed_latency_s` 0.2: the German remote driving
    ordinance (StVFernLV) allows full speed up to 200 ms of total latency. `stall_ms` 200: ArduPilot
    Rover disarms when its main loop is that late. `max_grip_ps` 1: grippers of table-top arms take
    0.6 s (Robotiq 2F-85: 85 mm at 150 mm/s) to 0.8 s (Franka Hand: 80 mm, 50 mm/s each finger) for
    their stroke at most; they are at full speed within 0.1 s, which the ramp follows.
    """

    max_mps: float = 0.5
    max_radps: float = 1.5
    accel_mps2: float = 1.0
    decel_mps2: float = 2.0
    accel_radps2: float = 6.0
    decel_radps2: float = 12.0
    max_grip_ps: float = 1.0  # of a gripper's stroke per second
    accel_grip_ps2: float = 10.0
    decel_grip_ps2: float = 20.0
    max_age_ms: float = 300.0
    hold_ms: float = 200.0
    lost_ms: float = 1000.0
    neutral_ms: float = 500.0
    picture_slow_ms: float = 500.0
    picture_hold_ms: float = 2000.0
    picture_slow_factor: float = 0.3
    full_speed_latency_s: float = 0.2
    high_latency_max_age_ms: float = 800.0
    high_latency_factor: float = 0.3
    stall_ms: float = 200.0  # the gate's own tick may be so late
    policy_silent_ms: float = 200.0
    stop_thread_ms: float = 500.0  # the thread that listens for STOP may be so silent
    battery_stop_pct: float = 3.0
    require_picture: bool = True
    resume_on_loss: bool = False  # a lease that runs out gives the robot back to its policy
    workspace: Box | None = None  # base or hand stays inside; None: no edge but the walls

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name not in RANGES:
                continue
            value = getattr(self, field.name)
            low, high = RANGES[field.name]
            if not (math.isfinite(value) and low <= value <= high):
                raise ConfigError(
                    f"{field.name} = {value} is outside {low:g} to {high:g}; "
                    "it cannot be switched off"
                )
        if (
            self.decel_mps2 < self.accel_mps2
            or self.decel_radps2 < self.accel_radps2
            or self.decel_grip_ps2 < self.accel_grip_ps2
        ):
            raise ConfigError("deceleration must be at least as strong as acceleration")
        if self.picture_slow_ms >= self.picture_hold_ms:
            raise ConfigError(
                f"picture_slow_ms = {self.picture_slow_ms} must be below "
                f"picture_hold_ms = {self.picture_hold_ms}"
            )
        if self.hold_ms >= self.lost_ms:
            raise ConfigError(f"hold_ms = {self.hold_ms} must be below lost_ms = {self.lost_ms}")
        if self.high_latency_max_age_ms < self.max_age_ms:
            raise ConfigError(
                f"high_latency_max_age_ms = {self.high_latency_max_age_ms} must not be below "
                f"max_age_ms = {self.max_age_ms}"
            )
        if self.workspace is not None:
            _check_box(self.workspace)

    @property
    def full(self) -> Twist:
        """The most of each axis alone; the linear ones share theirs."""
        return Twist(
            forward_mps=self.max_mps,
            turn_radps=self.max_radps,
            left_mps=self.max_mps,
            up_mps=self.max_mps,
            grip_ps=self.max_grip_ps,
        )

    def age_limit_ms(self, profile: Profile) -> float:
        """How old the loop of a command may be."""
        if profile is Profile.HIGH_LATENCY:
            return self.high_latency_max_age_ms
        return self.max_age_ms

    def timing(self, profile: Profile) -> Timing:
        """What an operator is told of these limits."""
        return Timing(
            max_age_ms=self.age_limit_ms(profile),
            hold_ms=self.hold_ms,
            lost_ms=self.lost_ms,
            neutral_ms=self.neutral_ms,
            picture_slow_ms=self.picture_slow_ms,
            picture_hold_ms=self.picture_hold_ms,
            normal_max_age_ms=self.max_age_ms,
            high_latency_max_age_ms=self.high_latency_max_age_ms,
            full_speed_ms=self.full_speed_latency_s * 1e3,
        )


def _edges(box: Box) -> list[tuple[float, float]]:
    """(low, high) of x, y and, where the box has a floor and a lid, z."""
    half = len(box) // 2
    return list(zip(box[:half], box[half:], strict=True))


def _check_box(box: Box) -> None:
    inside = len(box) in (4, 6) and all(
        math.isfinite(edge) and abs(edge) <= BOX_LIMIT_M for edge in box
    )
    if not inside or any(low >= high for low, high in _edges(box)):
        raise ConfigError(
            f"workspace = {list(box)} is no box: x_min, y_min, x_max, y_max, or x_min, y_min, "
            "z_min, x_max, y_max, z_max in metres, "
            f"each within {BOX_LIMIT_M:g} of the origin, the minimum below the maximum"
        )


@dataclass(frozen=True)
class Cap:
    """The speed allowed now, and what decided it."""

    mps: float
    cause: CapCause


def cap(limits: Limits, picture_age_ms: float, profile: Profile = Profile.NORMAL) -> Cap:
    """The speed allowed while the operator's picture is `picture_age_ms` old at the robot.

    The age is a loop: captured, painted, and back inside a command. It is therefore the whole
    latency tau known here, from the capture stamp to the command's arrival (exposure, screen and
    motors come on top), and v <= v_max * min(1, 0.2 s / tau).
    """
    tau_s = max(picture_age_ms, 0.0) / 1e3
    allowed = Cap(limits.max_mps, CapCause.ROBOT)
    if tau_s > limits.full_speed_latency_s:
        allowed = Cap(limits.max_mps * limits.full_speed_latency_s / tau_s, CapCause.LATENCY)
    slow_mps = limits.max_mps * limits.picture_slow_factor
    if picture_age_ms > limits.picture_slow_ms and slow_mps < allowed.mps:
        allowed = Cap(slow_mps, CapCause.PICTURE)
    careful_mps = limits.max_mps * limits.high_latency_factor
    if profile is Profile.HIGH_LATENCY and careful_mps < allowed.mps:
        allowed = Cap(careful_mps, CapCause.PROFILE)
    return allowed


@dataclass(frozen=True)
class Pose:
    """Where the driven body is, and which way its + forward leads, world frame.

    The world of an arm is the frame of its base.
    """

    x_m: float = 0.0
    y_m: float = 0.0
    heading_rad: float = 0.0  # counter-clockwise from +x
    z_m: float = 0.0


def room_m(box: Box, pose: Pose, ahead: Vector) -> float:
    """How far the body may still go straight on until an edge of the box.

    `ahead` is a direction of length 1: forward, left, up. Zero on an edge, or outside, when the
    way leads further out.
    """
    forward, left, up = ahead
    cos, sin = math.cos(pose.heading_rad), math.sin(pose.heading_rad)
    ways = (forward * cos - left * sin, forward * sin + left * cos, up)
    room = math.inf
    # A box of four numbers has neither floor nor lid: the third way is free.
    for at, along, (low, high) in zip(
        (pose.x_m, pose.y_m, pose.z_m), ways, _edges(box), strict=False
    ):
        if along > 1e-9:
            room = min(room, max(0.0, high - at) / along)
        elif along < -1e-9:
            room = min(room, max(0.0, at - low) / -along)
    return room


def _safe_mps(velocity: Vector, box: Box, pose: Pose, limits: Limits, dt_s: float) -> float:
    """How fast the body may go that way so that braking at `decel_mps2` ends inside the box.

    One tick is driven before braking can begin: v * dt + v^2 / 2a <= room.
    """
    room = room_m(box, pose, of_size(velocity, 1.0))
    decel = limits.decel_mps2
    return decel * (math.sqrt(dt_s**2 + 2.0 * room / decel) - dt_s)


def inside_workspace(wanted: Twist, pose: Pose, limits: Limits, dt_s: float) -> Twist:
    """`wanted`, slowed so that braking ends inside the workspace; turning and gripping are free."""
    box, velocity = limits.workspace, linear(wanted)
    if box is None or velocity == NOWHERE:
        return wanted
    safe_mps = _safe_mps(velocity, box, pose, limits, dt_s)
    if size(velocity) <= safe_mps:
        return wanted
    return with_linear(wanted, of_size(velocity, safe_mps))


def capped(wanted: Twist, limits: Limits, cap_mps: float) -> Twist:
    """`wanted` inside the caps; one that is not finite counts as standing still.

    All axes are scaled together, so that a capped robot still drives the curve that was asked for.
    """
    if not is_finite(wanted):
        return STILL
    scale = min(1.0, cap_mps / limits.max_mps)
    forward, left, up = linear(wanted)
    velocity = _shortened((forward * scale, left * scale, up * scale), limits.max_mps * scale)
    turn = _clip(wanted.turn_radps * scale, limits.max_radps)
    grip = _clip(wanted.grip_ps * scale, limits.max_grip_ps)
    return with_linear(Twist(forward_mps=0.0, turn_radps=turn, grip_ps=grip), velocity)


def ramped(
    target: Twist, before: Twist, limits: Limits, dt_s: float, pose: Pose | None = None
) -> Twist:
    """One tick from `before` towards `target`.

    Given its pose, a body that would come to rest outside the workspace, because on its way from
    one direction to another it goes on in the first, brakes instead.
    """
    brake = limits.decel_mps2 * dt_s
    velocity = _ramped(linear(before), linear(target), limits.accel_mps2 * dt_s, brake)
    if pose is not None and limits.workspace is not None and velocity != NOWHERE:
        safe_mps = _safe_mps(velocity, limits.workspace, pose, limits, dt_s)
        if size(velocity) > safe_mps + ROUNDING_MPS:
            velocity = _ramped(linear(before), NOWHERE, brake, brake)
    told = Twist(
        forward_mps=0.0,
        turn_radps=_ramp(
            before.turn_radps,
            target.turn_radps,
            limits.accel_radps2 * dt_s,
            limits.decel_radps2 * dt_s,
        ),
        grip_ps=_ramp(
            before.grip_ps,
            target.grip_ps,
            limits.accel_grip_ps2 * dt_s,
            limits.decel_grip_ps2 * dt_s,
        ),
    )
    return with_linear(told, velocity)


def _clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


def _shortened(velocity: Vector, bound: float) -> Vector:
    return velocity if size(velocity) <= bound else of_size(velocity, bound)


def _ramp(before: float, target: float, up: float, down: float) -> float:
    """One step to `target` on one axis, as `_ramped`."""
    return _ramped((before, 0.0, 0.0), (target, 0.0, 0.0), up, down)[0]


def _ramped(before: Vector, target: Vector, up: float, down: float) -> Vector:
    """One step to `target`, straight: at most `up` away from standing, at most `down` towards it.

    A turn of more than a right angle, on one axis a reversal, passes through standing.
    """
    back = sum(was * wish for was, wish in zip(before, target, strict=True)) < 0.0
    slower = back or size(target) < size(before)
    goal = NOWHERE if back else target
    way = (goal[0] - before[0], goal[1] - before[1], goal[2] - before[2])
    most = down if slower else up
    if size(way) <= most:
        return goal
    step = of_size(way, most)
    return before[0] + step[0], before[1] + step[1], before[2] + step[2]
