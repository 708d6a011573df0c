"""Whether something that has to turn all the time still does, and when that cannot be told.

Pure. Stamps are monotonic ns of one machine. Who was late itself knows nothing: the machine may
have stood still for both. The other is then judged by what it does from there on, with all the time
it has otherwise; one look later is not enough, it may not have had the processor yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from transport.clock import NS_PER_MS

LATE_NS: Final = 100 * NS_PER_MS  # six control ticks
STALLED_NS: Final = 200 * NS_PER_MS  # ArduPilot's Rover disarms when its main loop is so late
OWN_GAP_NS: Final = 100 * NS_PER_MS  # between two looks; five are due in it


class Verdict(Enum):
    """What a look finds."""

    STARTING = auto()  # it has not turned yet
    ON_TIME = auto()
    LATE = auto()
    STALLED = auto()
    UNKNOWN = auto()  # the one who looks was late; look again


@dataclass(frozen=True)
class Looks:
    """When somebody looked, and since when without a gap of its own."""

    last_ns: int
    since_ns: int

    @classmethod
    def begun(cls, now_ns: int) -> Looks:
        """Nothing was looked at before."""
        return cls(now_ns, now_ns)

    def at(self, now_ns: int) -> Looks:
        """With one look more; after a gap all evidence starts anew."""
        return Looks(now_ns, now_ns if now_ns - self.last_ns > OWN_GAP_NS else self.since_ns)

    def silent_ns(self, stamp_ns: int) -> int:
        """How long, while somebody looked, nothing came after `stamp_ns`.

        A stamp from the future is no sign of life.
        """
        alive_ns = stamp_ns if stamp_ns <= self.last_ns else 0
        return self.last_ns - max(alive_ns, self.since_ns)


def judged(last_tick_ns: int, looks: Looks) -> Verdict:
    """What is known of a loop that stamped `last_tick_ns` (0: never) at the newest look."""
    if last_tick_ns == 0:
        return Verdict.STARTING
    silent_ns = looks.silent_ns(last_tick_ns)
    if silent_ns > STALLED_NS:
        return Verdict.STALLED
    if silent_ns > LATE_NS:
        return Verdict.LATE
    return Verdict.ON_TIME if looks.since_ns <= last_tick_ns <= looks.last_ns else Verdict.UNKNOWN
