"""From a gamepad's sticks and buttons to operator input.

Pure. Conventions of the field: hold LB to enable (deadman), left stick drives, right stick turns,
RB is turbo, LB + RB + B is STOP; on an arm the left stick moves the hand over the table, the right
one lifts and turns it, the triggers grip. A profile may choose others. Sticks arrive in [-1, 1]
with up and right positive, triggers in [0, 1]. Whether a pad is fit to drive at all is decided in
`teleop.pad_health`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from teleop.operator_input import OperatorInput, Speeds

DEAD_ZONE: Final = 0.12  # worn sticks rest up to a tenth off centre
EXPO: Final = 0.4  # 0: linear, 1: cubic; finer around the centre
# Longer than a thumb rests without a tremor that the pad would report, half of what a Bluetooth
# link may take to be given up (20 s).
FROZEN_S: Final = 10.0

# Axes by name, and how an operator calls them.
AXES: Final = {
    "left_x": "left stick (left/right)",
    "left_y": "left stick (up/down)",
    "right_x": "right stick (left/right)",
    "right_y": "right stick (up/down)",
}
TRIGGERS: Final = {"left_trigger": "left trigger", "right_trigger": "right trigger"}
# Buttons by their place on an Xbox pad, which is how SDL's mapping names them.
BUTTONS: Final = (
    *("A", "B", "X", "Y", "LB", "RB", "Start", "Back", "Guide", "LeftStick", "RightStick"),
    *("DpadUp", "DpadDown", "DpadLeft", "DpadRight", "Paddle1", "Paddle2", "Paddle3", "Paddle4"),
)

Chords = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class PadSettings:
    """What a profile says about gamepads: sticks, triggers, and the buttons that are held."""

    drive: str = "left_y"
    turn: str = "right_x"
    slide: str = ""  # empty, as the next three: there is no such axis
    lift: str = ""
    close: str = ""  # a trigger
    open: str = ""
    invert_drive: bool = False
    invert_turn: bool = False
    invert_slide: bool = False
    invert_lift: bool = False
    dead_zone: float = DEAD_ZONE
    expo: float = EXPO
    frozen_s: float = FROZEN_S
    in_background: bool = False
    deadman: Chords = (frozenset({"LB"}),)
    turbo: Chords = (frozenset({"RB"}),)
    precise: Chords = ()
    stop: Chords = (frozenset({"LB", "RB", "B"}),)

    @property
    def driving(self) -> tuple[str, ...]:
        """The sticks and triggers that move the robot."""
        return tuple(
            name
            for name in (self.drive, self.turn, self.slide, self.lift, self.close, self.open)
            if name
        )


@dataclass(frozen=True)
class PadReading:
    """A gamepad at one moment, by the names of SDL's game-controller mapping."""

    left_x: float = 0.0
    left_y: float = 0.0
    right_x: float = 0.0
    right_y: float = 0.0
    held: frozenset[str] = field(default_factory=frozenset)  # names of `BUTTONS`
    left_trigger: float = 0.0
    right_trigger: float = 0.0

    def axis(self, name: str) -> float:
        """One axis by its name in `AXES` or `TRIGGERS`; 0 for none."""
        return {
            "left_x": self.left_x,
            "left_y": self.left_y,
            "right_x": self.right_x,
            "right_y": self.right_y,
            "left_trigger": self.left_trigger,
            "right_trigger": self.right_trigger,
            "": 0.0,
        }[name]

    def holds(self, chords: Chords) -> bool:
        """Whether one of the chords is held."""
        return any(chord <= self.held for chord in chords)


def shaped(axis: float, dead_zone: float = DEAD_ZONE, expo: float = EXPO) -> float:
    """An axis after dead zone and expo; continuous, odd, and 1 at full travel."""
    if not math.isfinite(axis):
        return 0.0
    size = min(1.0, max(0.0, (abs(axis) - dead_zone) / (1.0 - dead_zone)))
    return math.copysign((1.0 - expo) * size + expo * size**3, axis) if size else 0.0


def to_input(
    device: str,
    pad: PadReading,
    settings: PadSettings,
    speeds: Speeds,
    stamp_ns: int,
    *,
    may_drive: bool,
    problem: str = "",
) -> OperatorInput:
    """The input that this reading is; without the deadman, or when it may not drive, neutral."""
    if not may_drive or not pad.holds(settings.deadman):
        return OperatorInput(
            device=device,
            input_ns=stamp_ns,
            problem=problem,
            background=settings.in_background,
        )
    speed = speeds.chosen(turbo=pad.holds(settings.turbo), precise=pad.holds(settings.precise))

    def pushed(name: str, *, reverse: bool = False) -> float:
        fraction = shaped(pad.axis(name), settings.dead_zone, settings.expo) * speed
        return -fraction if reverse else fraction

    return OperatorInput(
        device=device,
        forward=pushed(settings.drive, reverse=settings.invert_drive),
        turn=pushed(settings.turn, reverse=not settings.invert_turn),
        left=pushed(settings.slide, reverse=not settings.invert_slide),
        up=pushed(settings.lift, reverse=settings.invert_lift),
        grip=pushed(settings.close) - pushed(settings.open),
        deadman=True,
        input_ns=stamp_ns,
        problem=problem,
        background=settings.in_background,
    )
