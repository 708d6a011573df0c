"""Whether a gamepad is fit to drive now, and if not, why, in the operator's words.

Pure; the pad's thread steps it at every look, also when nothing has changed. A pad drives only
after its deadman was *pressed* while its sticks were at rest: a stuck axis, a stick pushed at that
moment, a deadman held since the pad came, all keep it neutral and are named.

What no program can see: a pad whose link has frozen looks exactly like a stick held still. Real
sticks tremble, so a pad that drives and does not change in one bit for `frozen_s` is let go and
asks for a new press; within that time a frozen pad drives on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from teleop.pad_mapping import AXES, TRIGGERS, PadReading, PadSettings
from transport.clock import NS_PER_MS, NS_PER_S

SETTLE_MS: Final = 500  # an axis that is off for so long after the pad came is not a passing touch
STUCK: Final = 0.5  # farther off centre than any worn stick rests
_SPOKEN: Final = AXES | TRIGGERS


@dataclass(frozen=True)
class PadHealth:
    """What is known of one pad since it came, or since it was chosen."""

    since_ns: int = -1  # its first reading; -1: none yet
    last: PadReading = field(default_factory=PadReading)
    changed_ns: int = 0  # when a reading last differed from the one before
    was_released: bool = False  # the deadman has been up since it came
    armed: bool = False  # pressed with the sticks at rest
    frozen: bool = False
    high: frozenset[str] = frozenset()  # axes that have been beyond STUCK ever since it came
    problem: str = ""

    def step(self, pad: PadReading, settings: PadSettings, now_ns: int) -> PadHealth:
        """After one look at the pad."""
        driving = settings.driving
        first = self.since_ns < 0
        since_ns = now_ns if first else self.since_ns
        changed_ns = now_ns if first or pad != self.last else self.changed_ns
        off = tuple(name for name in driving if not abs(pad.axis(name)) <= settings.dead_zone)
        beyond = frozenset(name for name in off if not abs(pad.axis(name)) <= STUCK)
        settling = now_ns - since_ns < SETTLE_MS * NS_PER_MS
        # While it settles one reading below STUCK clears an axis; afterwards only rest does.
        high = (beyond if first else self.high & beyond) if settling else self.high & frozenset(off)
        pressed = pad.holds(settings.deadman)
        was_released = self.was_released or not pressed
        quiet_ns = now_ns - changed_ns
        frozen = pressed and (
            self.frozen or (self.armed and bool(off) and quiet_ns >= settings.frozen_s * NS_PER_S)
        )
        may_arm = pressed and was_released and not off and not settling and not high
        armed = pressed and not frozen and (self.armed or may_arm)
        return replace(
            self,
            since_ns=since_ns,
            last=pad,
            changed_ns=changed_ns,
            was_released=was_released,
            armed=armed,
            frozen=frozen,
            high=high,
            problem=""
            if armed
            else self._why(
                pad, settings, frozenset() if settling else high, off, was_released, frozen
            ),
        )

    def chosen(self, pad: PadReading, settings: PadSettings) -> PadHealth:
        """The same pad as it becomes the active one: a deadman that is held by then does not drive
        before it was let go."""
        return replace(self, was_released=not pad.holds(settings.deadman), armed=False)

    @staticmethod
    def _why(
        pad: PadReading,
        settings: PadSettings,
        high: frozenset[str],
        off: tuple[str, ...],
        was_released: bool,
        frozen: bool,
    ) -> str:
        held = " + ".join(ordered(settings.deadman[0]))
        if frozen:
            return (
                f"gamepad has reported no change for {settings.frozen_s:g} s: "
                f"let go of {held}, then hold it again"
            )
        if high:
            name = next(name for name in settings.driving if name in high)
            return (
                f"{_SPOKEN[name]} stuck at {_percent(pad, name)}: "
                "let go of it; if nobody touches it, use another gamepad"
            )
        if not pad.holds(settings.deadman):
            return ""
        if not was_released:
            return f"{held} is held since before: let go of it, then hold it again"
        if off:
            return (
                f"{_SPOKEN[off[0]]} is {_percent(pad, off[0])} off centre: let go of it first; "
                f"if nobody touches it, raise dead_zone ({settings.dead_zone:g}) in the profile"
            )
        return ""


def ordered(chord: frozenset[str]) -> tuple[str, ...]:
    """The buttons of a chord as people name them: shoulders first."""
    shoulders = ("LB", "RB")
    return tuple(sorted(chord, key=lambda name: (name not in shoulders, name)))


def _percent(pad: PadReading, name: str) -> str:
    value = pad.axis(name)
    return f"{abs(value) * 100:.0f} %" if abs(value) <= 1.0 else "no number"
