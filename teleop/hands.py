"""Which input drives when there is more than one: keyboard, gamepad, and the window's focus.

Pure. A held driving key wins over a gamepad; without the window's focus nothing drives, and a pad
that was held meanwhile has to be let go once before it counts again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from teleop.operator_input import OperatorInput


@dataclass(frozen=True)
class Hands:
    """The newest reading of each input."""

    keyboard: OperatorInput = field(default_factory=OperatorInput)
    pad: OperatorInput | None = None  # None: there is none
    focused: bool = False  # the window has the focus
    pad_must_release: bool = True

    def with_keyboard(self, keyboard: OperatorInput) -> Hands:
        """After a key was pressed or released."""
        return replace(self, keyboard=keyboard)

    def with_pad(self, pad: OperatorInput | None) -> Hands:
        """After a pad moved, came or went (None)."""
        if pad is None:  # a pad that drops out and comes back held must not drive on
            return replace(self, pad=None, pad_must_release=True)
        return replace(self, pad=pad, pad_must_release=self.pad_must_release and pad.deadman)

    def with_focus(self, focused: bool, stamp_ns: int) -> Hands:
        """After the window got or lost the focus; losing it lets everything go."""
        if focused:
            return replace(self, focused=True)
        held = self.pad is not None and self.pad.deadman
        return replace(
            self,
            focused=False,
            keyboard=OperatorInput(input_ns=stamp_ns),
            pad_must_release=self.pad_must_release or held,
        )

    @property
    def input(self) -> OperatorInput:
        """What the hands ask of the robot."""
        pad_counts = self.pad is not None and self.pad.deadman and not self.pad_must_release
        if self.focused and self.keyboard.deadman:
            return self.keyboard
        if self.pad is not None and self.focused and pad_counts:
            return self.pad
        shown = self.pad if self.pad is not None else self.keyboard
        newest_ns = max(self.keyboard.input_ns, self.pad.input_ns if self.pad else 0)
        return OperatorInput(device=shown.device, input_ns=newest_ns)
