"""From a gamepad's sticks and buttons to operator input.

Pure. Conventions of the field: hold LB to enable (deadman), left stick drives, right stick turns,
RB is turbo, LB + RB + B is STOP. Axes arrive in [-1, 1] with up and right positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from teleop.operator_input import NORMAL_SPEED, TURBO_SPEED, OperatorInput

DEAD_ZONE = 0.12  # worn sticks rest up to a tenth off centre
EXPO = 0.4  # 0: linear, 1: cubic; finer around the centre
STOP_CHORD = frozenset({"lb", "rb", "b"})


@dataclass(frozen=True)
class PadReading:
    """A gamepad at one moment, by the names of SDL's game-controller mapping."""

    name: str
    drive: float = 0.0  # left stick, + away from the operator
    turn: float = 0.0  # right stick, + to the right
    held: frozenset[str] = field(default_factory=frozenset)  # "lb", "rb", "a", "b", "x", "y" …


def shaped(axis: float) -> float:
    """An axis after dead zone and expo; continuous, odd, and 1 at full travel."""
    if not math.isfinite(axis):
        return 0.0
    size = min(1.0, max(0.0, (abs(axis) - DEAD_ZONE) / (1.0 - DEAD_ZONE)))
    return math.copysign((1.0 - EXPO) * size + EXPO * size**3, axis) if size else 0.0


def to_input(pad: PadReading, stamp_ns: int) -> OperatorInput:
    """The input that this reading is; without LB it is neutral."""
    if "lb" not in pad.held:
        return OperatorInput(device=pad.name, input_ns=stamp_ns)
    speed = TURBO_SPEED if "rb" in pad.held else NORMAL_SPEED
    return OperatorInput(
        device=pad.name,
        forward=shaped(pad.drive) * speed,
        turn=-shaped(pad.turn) * speed,
        deadman=True,
        input_ns=stamp_ns,
    )


def wants_stop(pad: PadReading) -> bool:
    """Whether the STOP chord is held."""
    return pad.held >= STOP_CHORD
