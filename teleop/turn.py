"""One operator's turn at a robot, from getting it to giving it up, counted tick by tick. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from transport.channels import TICKS_PER_ROW
from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, Source, Tick


class Turn(Struct, frozen=True, kw_only=True):
    """Whose it is and what they have done so far."""

    by: str = ""  # empty: nobody has the robot
    key: str = ""
    session: int = 0  # the lease's epoch
    intervention: int = -1
    since_ns: int | None = None  # of the takeover; None: it was not seen
    moved: bool = False
    held_s: float = 0.0
    driven_s: float = 0.0
    motion_rows: int = 0
    inputs: int = 0
    input_ns: int = 0

    @classmethod
    def begun(cls, tick: Tick, by: str) -> Turn:
        """Somebody took over at `tick`; their hands are off by then."""
        mine = tick.operator == by
        return cls(
            by=by,
            key=tick.operator_key if mine else "",
            session=tick.epoch if mine else 0,
            intervention=tick.intervention,
            since_ns=tick.stamp_ns,
        )

    @classmethod
    def of(cls, tick: Tick) -> Turn:
        """Whoever has the robot when the log begins; since when is not known."""
        if not tick.operator:
            return NOBODY
        seen = replace(cls.begun(tick, tick.operator), since_ns=None, moved=True)
        return replace(seen, input_ns=tick.input_ns)

    def went_on(self, tick: Tick, last: Tick, gap_s: float) -> Turn:
        """One more tick, `gap_s` after `last`."""
        if not self.by:
            return self
        mine = tick.operator == self.by and tick.epoch == self.session
        fresh = mine and tick.input_ns not in (0, self.input_ns)
        is_row = tick.tick % TICKS_PER_ROW == 0
        return replace(
            self,
            held_s=self.held_s + gap_s,
            driven_s=self.driven_s + (gap_s if last.mode is Mode.TELEOP else 0.0),
            motion_rows=self.motion_rows + (mine and is_row and moves_by_hand(tick)),
            inputs=self.inputs + fresh,
            input_ns=tick.input_ns if fresh else self.input_ns,
        )

    def first_motion_s(self, tick: Tick) -> float | None:
        """Seconds from the takeover to the motion at `tick`, if that is the first."""
        if self.moved or self.since_ns is None or not moves_by_hand(tick):
            return None
        return round((tick.stamp_ns - self.since_ns) / NS_PER_S, 3)

    def has_moved(self) -> Turn:
        """The first motion has been told."""
        return replace(self, moved=True)


NOBODY: Final = Turn()


def moves_by_hand(tick: Tick) -> bool:
    """Whether the motors are told to move, and an operator wishes it."""
    by_hand = tick.mode is Mode.TELEOP and tick.source is Source.HUMAN
    return by_hand and tick.human != STILL and tick.applied != STILL
