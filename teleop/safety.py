"""Limits on motion: ranges of the settings, speed caps, ramps, the workspace's edge.

Pure. Each number has a range and none can be switched off: a value outside fails the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

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
Box = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max: metres, world frame
BOX_LIMIT_M = 10_000.0


@dataclass(frozen=True)
class Limits:
    """What the gate enforces. Defaults and their sources:

    `hold_ms` 200: openpilot's joystick process zeroes its axes after 200 ms; `lost_ms` 1000: PX4
    calls an offboard link lost after 1 s. `full_speed_latency_s` 0.2: the German remote driving
    ordinance (StVFernLV) allows full speed up to 200 ms of total latency. `stall_ms` 200: ArduPilot
    Rover disarms when its main loop is that late.
    """

    max_mps: float = 0.5
    max_radps: float = 1.5
    accel_mps2: float = 1.0
    decel_mps2: float = 2.0
    accel_radps2: float = 6.0
    decel_radps2: float = 12.0
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
    workspace: Box | None = None  # the base stays inside; None: no edge but the walls

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
        if self.decel_mps2 < self.accel_mps2 or self.decel_radps2 < self.accel_radps2:
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


def _check_box(box: Box) -> None:
    x_min, y_min, x_max, y_max = box
    inside = all(math.isfinite(edge) and abs(edge) <= BOX_LIMIT_M for edge in box)
    if not inside or x_min >= x_max or y_min >= y_max:
        raise ConfigError(
            f"workspace = {list(box)} is no box: x_min, y_min, x_max, y_max in metres, "
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


def room_m(box: Box, pose: Pose, forwards: bool) -> float:
    """How far the body may still go, straight on or straight back, until an edge of the box.

    Zero on an edge, or outside, when the way leads further out.
    """
    x_min, y_min, x_max, y_max = box
    sign = 1.0 if forwards else -1.0
    room = math.inf
    for at, along, low, high in (
        (pose.x_m, sign * math.cos(pose.heading_rad), x_min, x_max),
        (pose.y_m, sign * math.sin(pose.heading_rad), y_min, y_max),
    ):
        if along > 1e-9:
            room = min(room, max(0.0, high - at) / along)
        elif along < -1e-9:
            room = min(room, max(0.0, at - low) / -along)
    return room


def inside_workspace(wanted: Twist, pose: Pose, limits: Limits, dt_s: float) -> Twist:
    """`wanted`, slowed so that braking at `decel_mps2` ends inside the workspace; turning is free.

    One tick is driven before braking can begin: v * dt + v^2 / 2a <= room.
    """
    if limits.workspace is None or wanted.forward_mps == 0.0:
        return wanted
    room = room_m(limits.workspace, pose, wanted.forward_mps > 0.0)
    decel = limits.decel_mps2
    safe_mps = decel * (math.sqrt(dt_s**2 + 2.0 * room / decel) - dt_s)
    if abs(wanted.forward_mps) <= safe_mps:
        return wanted
    forward = math.copysign(safe_mps, wanted.forward_mps)
    return Twist(forward_mps=forward, turn_radps=wanted.turn_radps)


def is_finite(twist: Twist) -> bool:
    """Whether both speeds are numbers."""
    return math.isfinite(twist.forward_mps) and math.isfinite(twist.turn_radps)


def limited(wanted: Twist, before: Twist, limits: Limits, cap_mps: float, dt_s: float) -> Twist:
    """`wanted` inside the caps and the ramps, one tick after `before`.

    A wish that is not finite counts as standing still. Both speeds are scaled together by the cap,
    so that a capped robot still drives the curve that was asked for.
    """
    if not is_finite(wanted):
        wanted = STILL
    scale = min(1.0, cap_mps / limits.max_mps)
    forward = _clip(wanted.forward_mps * scale, limits.max_mps * scale)
    turn = _clip(wanted.turn_radps * scale, limits.max_radps)
    return Twist(
        forward_mps=_ramp(
            before.forward_mps, forward, limits.accel_mps2 * dt_s, limits.decel_mps2 * dt_s
        ),
        turn_radps=_ramp(
            before.turn_radps, turn, limits.accel_radps2 * dt_s, limits.decel_radps2 * dt_s
        ),
    )


def _clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


def _ramp(before: float, target: float, up: float, down: float) -> float:
    """One step to `target`: at most `up` away from zero, at most `down` towards it."""
    if before != 0.0 and (target * before < 0.0 or abs(target) < abs(before)):
        goal = 0.0 if target * before < 0.0 else target
        step = min(down, abs(before - goal))
        return before + math.copysign(step, goal - before)
    return before + math.copysign(min(up, abs(target - before)), target - before)
