"""Limits of one actuator that is told a position or a force, and what it does when nobody tells it.

Pure. One axis at a time: a joint, an axis of a hand, a gripper. The base of a rover is told
speeds and is limited in `teleop.safety`; a robot with joints limits each of its targets here, once
per control tick, on its way from the gate to the driver. An actuator is never told a target that
was neither sent for it nor measured on it, nor one in between that it could not have passed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from teleop.safety import ConfigError


class OnLoss(StrEnum):
    """What an actuator does while nobody drives."""

    HOLD_POSE = "hold_pose"  # stays where it was measured, not where it was last sent
    HOLD_FORCE = "hold_force"  # keeps what it was last told: a gripper does not drop its load


@dataclass(frozen=True)
class Actuator:
    """One axis and its limits, in its own unit: rad, m, N or a fraction."""

    name: str
    low: float  # the workspace of this axis
    high: float
    max_speed: float  # units per second
    max_accel: float  # units per second²; braking is as strong
    start_within: float  # the first target may be so far from where the axis is
    on_loss: OnLoss

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ConfigError(f"{self.name}: low {self.low} must be below high {self.high}")
        for field in ("max_speed", "max_accel", "start_within"):
            value = getattr(self, field)
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f"{self.name}: {field} = {value} must be above zero")


@dataclass(frozen=True)
class Told:
    """What an axis is told now, and how that moves."""

    target: float
    speed: float = 0.0  # of the target, units per second
    engaged: bool = False  # somebody drives it; before, targets have to start near it
    refused: bool = False  # the newest target was too far away to begin with, or no number


def at_rest(measured: float) -> Told:
    """An axis that was told nothing yet: it stays where it is."""
    return Told(target=measured)


def driven(actuator: Actuator, told: Told, wanted: float, measured: float, dt_s: float) -> Told:
    """One tick towards `wanted`, inside the workspace, the speed and the acceleration.

    Until it is engaged, a target further than `start_within` from the measured position is refused
    and the axis stays: nothing jumps when a hand is somewhere else than the robot's.
    """
    if not math.isfinite(wanted):
        return replace(lost(actuator, told, measured), refused=True)
    if not told.engaged:
        if abs(wanted - measured) > actuator.start_within:
            return replace(lost(actuator, told, measured), refused=True)
        start = told.target if actuator.on_loss is OnLoss.HOLD_FORCE else measured
        told = Told(target=start, engaged=True)
    goal = min(actuator.high, max(actuator.low, wanted))
    return _towards(actuator, told, goal, dt_s)


def lost(actuator: Actuator, told: Told, measured: float) -> Told:
    """Nobody drives: hold what was measured at that moment, or keep the force."""
    if not told.engaged:
        return replace(told, speed=0.0, refused=False)
    target = told.target if actuator.on_loss is OnLoss.HOLD_FORCE else measured
    return Told(target=target)


_STOPPED: Final = 1e-12


def _towards(actuator: Actuator, told: Told, goal: float, dt_s: float) -> Told:
    """The target moves to `goal` and comes to rest there: v * dt + v^2 / 2a <= distance."""
    distance = goal - told.target
    step = actuator.max_accel * dt_s
    braking = math.sqrt(step * step / 4.0 + 2.0 * actuator.max_accel * abs(distance)) - step / 2.0
    wished = math.copysign(min(actuator.max_speed, braking), distance)
    speed = told.speed + min(step, max(-step, wished - told.speed))
    moved = speed * dt_s
    if abs(distance) <= _STOPPED or (abs(speed) <= step and abs(moved) >= abs(distance)):
        return replace(told, target=goal, speed=0.0, refused=False)
    target = min(actuator.high, max(actuator.low, told.target + moved))
    return replace(told, target=target, speed=speed, refused=False)
