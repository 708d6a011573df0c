"""What the operator's hands are doing, frozen: the only form of input below the window.

Pure. Keys and pads are turned into `OperatorInput` at the edge; the mapping to a command fraction
is here, so that a keyboard and a gamepad drive alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

# Speed steps: full, precise (Ctrl) for tight places, turbo (Shift) where the scene allows it.
NORMAL_SPEED = 0.6
PRECISE_SPEED = 0.3
TURBO_SPEED = 1.0


@dataclass(frozen=True)
class OperatorInput:
    """One reading of the input in use. Neutral is the default: silence never means "go on"."""

    device: str = "Keyboard"
    forward: float = 0.0  # [-1, 1]
    turn: float = 0.0  # [-1, 1], + left
    deadman: bool = False
    input_ns: int = 0  # this console's clock at the event that made it so


@dataclass(frozen=True)
class KeyChange:
    """One key pressed or released, auto-repeat already removed."""

    key: str  # "W", "Up", "Shift" …
    pressed: bool
    stamp_ns: int


@dataclass(frozen=True)
class Keyboard:
    """Which driving keys are down. A held driving key is the deadman of the keyboard."""

    held: frozenset[str] = field(default_factory=frozenset)

    FORWARD = frozenset({"W", "Up"})
    BACK = frozenset({"S", "Down"})
    LEFT = frozenset({"A", "Left"})
    RIGHT = frozenset({"D", "Right"})
    DRIVING = FORWARD | BACK | LEFT | RIGHT
    KNOWN = DRIVING | {"Shift", "Ctrl"}

    def after(self, change: KeyChange) -> Keyboard:
        """The keyboard after one change; keys that mean nothing here are ignored."""
        if change.key not in self.KNOWN:
            return self
        held = self.held | {change.key} if change.pressed else self.held - {change.key}
        return replace(self, held=frozenset(held))

    def released(self) -> Keyboard:
        """All keys up: what a lost focus means."""
        return Keyboard()

    def read(self, stamp_ns: int) -> OperatorInput:
        """The input that these keys are; opposing keys cancel."""
        speed = NORMAL_SPEED
        if "Shift" in self.held:
            speed = TURBO_SPEED
        if "Ctrl" in self.held:
            speed = PRECISE_SPEED
        forward = float(bool(self.held & self.FORWARD)) - float(bool(self.held & self.BACK))
        turn = float(bool(self.held & self.LEFT)) - float(bool(self.held & self.RIGHT))
        return OperatorInput(
            forward=forward * speed,
            turn=turn * speed,
            deadman=bool(self.held & self.DRIVING),
            input_ns=stamp_ns,
        )
