"""What a console knows at one moment of a robot that it looks at among many. Pure, frozen.

`teleop.fleet_watch` makes them; `teleop.call_queue` and the window turn them into words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from teleop.operator_view import Refused
from transport.clock import NS_PER_MS
from transport.handshake import Trouble
from transport.messages import MediaState, RobotState

SILENT_MS: Final = 3_000  # fifteen states that did not come: it does not answer
DRIFT: Final = 1_000  # two clocks part by less than one in so many; what took least is forgotten
ELSEWHERE_MS: Final = 5_000  # what each place is given where a robot that is silent might be


@dataclass(frozen=True)
class RobotGlimpse:
    """One robot of the fleet."""

    paired: str  # host:port under which it was paired: which robot this is, here
    address: str  # host:port where it is heard, or looked for at present
    name: str  # by its own word; until it was heard as it was when they paired
    key: str  # the public key that it must have, wherever it is
    state: RobotState | None = None  # the newest, however old that is
    media: MediaState | None = None
    silent_ms: float = 0.0  # since its state was heard last, or since it is looked for
    media_silent_ms: float = 0.0
    late_ms: float = 0.0  # what the newest state took beyond the fastest: ages of calls add it
    trouble: Trouble | None = Trouble.UNREACHABLE  # why it is not heard; None: it is
    unreadable: bool = False  # it is heard, and speaks another version
    you: str = ""  # by which it knows this console; empty: it has not said so yet
    refused: Refused | None = None  # its last no to a look, a skip or a call passed on

    @property
    def answers(self) -> bool:
        """Whether what is known of it is of now."""
        return self.state is not None and self.silent_ms <= SILENT_MS


@dataclass(frozen=True)
class Heard:
    """The same with stamps of this console's clock in the place of ages."""

    glimpse: RobotGlimpse
    state_ns: int  # or since when it is looked for
    media_ns: int
    offset_ns: int = 0  # this clock minus the robot's, by the state that took least

    def with_state(self, state: RobotState, now_ns: int) -> Heard:
        """After one more state. How late it came is told, so that ages do not jump with it."""
        sample_ns = now_ns - state.stamp_ns
        before = self.glimpse.state
        if before is None or before.boot_id != state.boot_id:
            offset_ns = sample_ns
        else:
            drifted_ns = self.offset_ns + (now_ns - self.state_ns) // DRIFT
            offset_ns = min(sample_ns, drifted_ns)
        glimpse = replace(
            self.glimpse,
            state=state,
            name=state.robot,
            unreadable=False,
            trouble=None,
            late_ms=(sample_ns - offset_ns) / NS_PER_MS,
        )
        return replace(self, glimpse=glimpse, state_ns=now_ns, offset_ns=offset_ns)

    def at(self, now_ns: int) -> RobotGlimpse:
        """As it is at this moment."""
        return RobotGlimpse(
            **{
                **self.glimpse.__dict__,
                "silent_ms": (now_ns - self.state_ns) / NS_PER_MS,
                "media_silent_ms": (now_ns - self.media_ns) / NS_PER_MS,
            }
        )


def place_at(paired: str, elsewhere: tuple[str, ...], turn: int) -> str:
    """Where to look for a robot at this turn: where it was paired, then where it was seen."""
    places = (paired, *(place for place in elsewhere if place != paired))
    return places[turn % len(places)]
