"""What a script's hands mean to a robot where there is no window between them. Pure.

The window turns real key events into the same; see `ui.scripted_operator`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from teleop.input_profile import Profile, default_profile
from teleop.operator_input import Drive, Keyboard, KeyChange, OperatorInput
from teleop.rescue_script import Hands
from transport.messages import (
    Arm,
    HandBack,
    MarkOutcome,
    Outcome,
    ReleaseLease,
    RequestBody,
    RequestLease,
    RobotKind,
    RobotState,
)

_DRIVES: Final = {str(drive): drive for drive in Drive}


@dataclass(frozen=True)
class Typist:
    """A keyboard, and which of its keys the script holds down."""

    profile: Profile = field(default_factory=lambda: default_profile(RobotKind.ROVER))
    keyboard: Keyboard = field(default_factory=Keyboard)
    held: frozenset[str] = frozenset()

    def typed(self, hands: Hands, now_ns: int) -> Typist:
        """After the hands have moved."""
        keyboard = self.keyboard
        for key in sorted(self.held ^ hands.held):
            drive = _DRIVES[str(self.profile.keys[key])]
            keyboard = keyboard.after(KeyChange(key, drive, key in hands.held, now_ns))
        return replace(self, keyboard=keyboard, held=hands.held)

    def input(self, now_ns: int) -> OperatorInput:
        """What the keys ask of the robot."""
        return self.keyboard.read(now_ns, self.profile.speeds)


def asked_by(tap: str, state: RobotState, *, yours: bool) -> RequestBody | None:
    """What a tapped key asks of the robot that says `state`; None: nothing."""
    epoch = state.lease.epoch
    match tap:
        case "Return" | "F2" if not yours:
            return RequestLease()
        case "Return":
            return HandBack(epoch=epoch)
        case "F2":
            return ReleaseLease(epoch=epoch)
        case "F5":
            return Arm(epoch=epoch)
        case "Y" | "Backspace":
            outcome = Outcome.SUCCESS if tap == "Y" else Outcome.FAILURE
            return MarkOutcome(epoch=epoch, outcome=outcome)
        case _:
            return None
