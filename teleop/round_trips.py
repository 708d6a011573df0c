"""Round trips of the last pings, and what they say about the robot's clock. Display only.

Pure. The offset is that of the fastest ping: the less it waited on its way, the less it errs.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from transport.clock import NS_PER_MS

KEPT: Final = 20  # 10 s of pings: long enough for a percentile, short enough to forget a bad minute
# The robot answers when a control tick (16.7 ms) begins. Both periods are some ticks and the golden
# section of one more: of so many pings one then waits hardly at all, whatever the phase.
FIRST_MS: Final = 127
LATER_MS: Final = 527


@dataclass(frozen=True, order=True)
class RoundTrip:
    """One ping and its answer."""

    took_ms: float
    offset_ns: int  # robot's clock minus this console's


class RoundTrips:
    """The newest of them; not for several threads at once."""

    def __init__(self) -> None:
        self._kept: deque[RoundTrip] = deque(maxlen=KEPT)

    def add(self, sent_ns: int, answered_ns: int, robot_ns: int) -> None:
        """A ping that was sent and answered at these times; `robot_ns` is the robot's stamp."""
        took_ms = (answered_ns - sent_ns) / NS_PER_MS
        self._kept.append(RoundTrip(took_ms, robot_ns - (sent_ns + answered_ns) // 2))

    def clear(self) -> None:
        """Forget all: the robot's clock is another one."""
        self._kept.clear()

    @property
    def period_ms(self) -> int:
        """From one ping to the next: fast until there are enough of them."""
        return FIRST_MS if len(self._kept) < KEPT else LATER_MS

    @property
    def newest_ms(self) -> float | None:
        """The last round trip; None before the first."""
        return self._kept[-1].took_ms if self._kept else None

    @property
    def p95_ms(self) -> float | None:
        """What 95 % of the kept ones did not exceed; None before the first."""
        if not self._kept:
            return None
        return sorted(trip.took_ms for trip in self._kept)[math.ceil(0.95 * len(self._kept)) - 1]

    @property
    def offset_ns(self) -> int | None:
        """The robot's clock minus this console's; None before the first ping was answered."""
        return min(self._kept).offset_ns if self._kept else None
