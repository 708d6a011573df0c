"""Which input drives when there is more than one: keyboard, gamepad, and the window's focus.

Pure. A held driving key wins over a gamepad. Without the window's focus no key drives, and no pad
either unless its profile says so; a pad that was held meanwhile has to be let go once before it
counts again. A pad whose thread says nothing any more is gone, whatever it said last.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from teleop.operator_input import OperatorInput
from transport.clock import NS_PER_MS

PAD_ALIVE_MS: Final = 50  # how often the pad's thread says that it is still reading
# Three of those lost and a margin: the time after which the robot would hold for want of commands.
PAD_SILENT_MS: Final = 200


@dataclass(frozen=True)
class Hands:
    """The newest reading of each input."""

    keyboard: OperatorInput = field(default_factory=OperatorInput)
    pad: OperatorInput | None = None  # None: there is none
    pad_heard_ns: int = 0  # when the pad's thread last said so
    focused: bool = False  # the window has the focus
    pad_must_release: bool = True
    lost: str = ""  # the pad that went away while it drove, until something else drives

    def with_keyboard(self, keyboard: OperatorInput) -> Hands:
        """After a key was pressed or released."""
        return replace(self, keyboard=keyboard, lost="" if keyboard.deadman else self.lost)

    def with_pad(self, pad: OperatorInput | None, heard_ns: int) -> Hands:
        """After a pad moved, was heard again unchanged, came or went (None)."""
        if pad is None:  # a pad that drops out and comes back held must not drive on
            drove = self.pad is not None and self.pad.deadman
            lost = self.pad.device if self.pad is not None and drove else self.lost
            return replace(self, pad=None, pad_must_release=True, lost=lost)
        must_release = self.pad_must_release and pad.deadman
        lost = "" if pad.deadman and not must_release else self.lost
        return replace(
            self, pad=pad, pad_heard_ns=heard_ns, pad_must_release=must_release, lost=lost
        )

    def with_focus(self, focused: bool, stamp_ns: int) -> Hands:
        """After the window got or lost the focus; losing it lets everything go."""
        # Held while the focus comes, a pad was pressed for another window; held while it goes, it
        # is let go. Only a pad that may drive in the background does not care.
        held = self.pad is not None and self.pad.deadman and not self.pad.background
        changed = focused != self.focused
        return replace(
            self,
            focused=focused,
            keyboard=self.keyboard if focused else OperatorInput(input_ns=stamp_ns),
            pad_must_release=self.pad_must_release or (held and changed),
        )

    def let_go(self, stamp_ns: int) -> Hands:
        """Motion to zero: nothing drives until it was released and pressed again."""
        held = self.pad is not None and self.pad.deadman
        return replace(
            self,
            keyboard=OperatorInput(input_ns=stamp_ns),
            pad_must_release=self.pad_must_release or held,
        )

    def at(self, now_ns: int) -> Hands:
        """The same hands at a later time: a pad whose thread has gone silent is gone."""
        if self.pad is None or now_ns - self.pad_heard_ns <= PAD_SILENT_MS * NS_PER_MS:
            return self
        return self.with_pad(None, now_ns)

    @property
    def heeded(self) -> bool:
        """Whether what the hands do can reach the robot: by focus, or by a pad that needs none."""
        return self.focused or (self.pad is not None and self.pad.background)

    @property
    def input(self) -> OperatorInput:
        """What the hands ask of the robot."""
        if self.focused and self.keyboard.deadman:
            return self.keyboard
        pad = self.pad
        if pad is None:
            problem = f"{self.lost} is gone: plug it in again, or use the keys" if self.lost else ""
            keyboard = self.keyboard
            return OperatorInput(
                device=keyboard.device, input_ns=keyboard.input_ns, problem=problem
            )
        if pad.deadman and not self.pad_must_release and (self.focused or pad.background):
            return pad
        newest_ns = max(self.keyboard.input_ns, pad.input_ns)
        problem = pad.problem
        if pad.deadman and self.pad_must_release and self.heeded:
            problem = problem or f"{pad.device} is held since before: let go, then hold it again"
        return OperatorInput(device=pad.device, input_ns=newest_ns, problem=problem)


def moved(pad: OperatorInput, before: OperatorInput | None) -> bool:
    """Whether somebody has moved a stick since; a pad that only comes is nobody's hand."""
    return before is not None and pad.axes != before.axes
