"""What the operator's hands are doing, frozen: the only form of input below the window.

Pure. Keys and pads are turned into `OperatorInput` at the edge; the mapping to a command fraction
is here, so that a keyboard and a gamepad drive alike. Which key does what is a profile's matter
(`teleop.input_profile`): a key arrives here together with what it is bound to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

# Speed steps: full, precise (Ctrl) for tight places, turbo (Shift) where the scene allows it.
NORMAL_SPEED: Final = 0.6
PRECISE_SPEED: Final = 0.3
TURBO_SPEED: Final = 1.0


class Drive(StrEnum):
    """What a key does for as long as it is held."""

    FORWARD = "forward"
    BACK = "back"
    LEFT = "left"  # turns, whatever is driven; sideways is a slide
    RIGHT = "right"
    SLIDE_LEFT = "slide_left"
    SLIDE_RIGHT = "slide_right"
    UP = "up"
    DOWN = "down"
    CLOSE = "close_gripper"
    OPEN = "open_gripper"
    TURBO = "turbo"
    PRECISE = "precise"


# These move the robot, so holding one is the deadman; a speed key alone is none.
MOVING: Final = frozenset(Drive) - {Drive.TURBO, Drive.PRECISE}
# What a rover has no use for.
OF_A_HAND: Final = frozenset(
    {Drive.SLIDE_LEFT, Drive.SLIDE_RIGHT, Drive.UP, Drive.DOWN, Drive.CLOSE, Drive.OPEN}
)


@dataclass(frozen=True)
class Speeds:
    """The three speed steps, fractions of the robot's own limit in (0, 1]."""

    precise: float = PRECISE_SPEED
    normal: float = NORMAL_SPEED
    turbo: float = TURBO_SPEED

    def chosen(self, *, turbo: bool, precise: bool) -> float:
        """The step in use; precise wins, because it is the slower one."""
        if precise:
            return self.precise
        return self.turbo if turbo else self.normal


@dataclass(frozen=True)
class OperatorInput:
    """One reading of the input in use. Neutral is the default: silence never means "go on"."""

    device: str = "Keyboard"
    forward: float = 0.0  # [-1, 1]
    turn: float = 0.0  # [-1, 1], + left
    left: float = 0.0  # [-1, 1]
    up: float = 0.0  # [-1, 1]
    grip: float = 0.0  # [-1, 1], + closes
    deadman: bool = False
    input_ns: int = 0  # this console's clock at the event that made it so
    problem: str = ""  # why this device may not drive now, in plain words; empty: it may
    background: bool = False  # may drive without the window's focus; never true for a keyboard

    @property
    def axes(self) -> tuple[float, ...]:
        """What it asks of each axis."""
        return self.forward, self.turn, self.left, self.up, self.grip


@dataclass(frozen=True)
class KeyChange:
    """One key pressed or released, auto-repeat already removed."""

    key: str  # the key by its position: "W", "Up", "Shift" …
    drive: Drive  # what it was bound to when it went down
    pressed: bool
    stamp_ns: int


@dataclass(frozen=True)
class Keyboard:
    """Which driving keys are down. A held driving key is the deadman of the keyboard."""

    down: frozenset[tuple[str, Drive]] = field(default_factory=frozenset)

    @property
    def keys(self) -> frozenset[str]:
        """The keys that are down, by name."""
        return frozenset(key for key, _ in self.down)

    @property
    def moving(self) -> bool:
        """Whether a key is down that moves the robot: the deadman."""
        return any(drive in MOVING for _, drive in self.down)

    def after(self, change: KeyChange) -> Keyboard:
        """The keyboard after one change; a release counts whatever the key is bound to by then."""
        if change.pressed:
            return replace(self, down=self.down | {(change.key, change.drive)})
        return replace(self, down=frozenset(held for held in self.down if held[0] != change.key))

    def released(self) -> Keyboard:
        """All keys up: what a lost focus means."""
        return Keyboard()

    def read(self, stamp_ns: int, speeds: Speeds | None = None) -> OperatorInput:
        """The input that these keys are; opposing keys cancel."""
        drives = {drive for _, drive in self.down}
        speed = (speeds or Speeds()).chosen(
            turbo=Drive.TURBO in drives, precise=Drive.PRECISE in drives
        )

        def asked(plus: Drive, minus: Drive) -> float:
            return (float(plus in drives) - float(minus in drives)) * speed

        return OperatorInput(
            forward=asked(Drive.FORWARD, Drive.BACK),
            turn=asked(Drive.LEFT, Drive.RIGHT),
            left=asked(Drive.SLIDE_LEFT, Drive.SLIDE_RIGHT),
            up=asked(Drive.UP, Drive.DOWN),
            grip=asked(Drive.CLOSE, Drive.OPEN),
            deadman=self.moving,
            input_ns=stamp_ns,
        )
