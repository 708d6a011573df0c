"""Limits on motion: ranges of the settings, speed caps, ramps.

Pure. Each number has a range and none can be switched off: a value outside fails the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from transport.messages import STILL, CapCause, Twist


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
}


@dataclass(frozen=True)
class Limits:
    """What the gate enforces. Defaults and their sources:

    `hold_ms` 200: openpilot's joystick process zeroes its axes after 200 ms; `lost_ms` 1000: PX4
    calls an offboard link lost after 1 s. `full_speed_latency_s` 0.2: the German remote driving
    ordinance (StVFernLV) allows full speed up to 200 ms of total latency.
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
    require_picture: bool = True

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


@dataclass(frozen=True)
class Cap:
    """The speed allowed now, and what decided it."""

    mps: float
    cause: CapCause


def cap(limits: Limits, picture_age_ms: float) -> Cap:
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
    return allowed


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
