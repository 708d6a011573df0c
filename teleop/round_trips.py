"""Round trips of the last pings, and what they say about the robot's clock. Display only.

Pure. Nothing arrives before it was sent. So the robot's answer bounds the offset of its clock from
both sides, and all else that carries its stamp, states and pictures, bounds it from below. The
offset is the middle between the tightest bounds of the last pings: it errs by half of what the
fastest way there and the fastest way back differ, no matter how long a single ping waited where.
The same bounds keep a picture from being younger than nothing. Compare NTP's clock filter (RFC 5905
10), which takes both ways from one ping.
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
DRIFT_NS: Final = NS_PER_MS  # two clocks within 10 s, at 100 ppm, which is more than crystals do
_NEVER: Final = -(2**62)


@dataclass(frozen=True)
class RoundTrip:
    """One ping and its answer, and the bounds of the offset at that time."""

    took_ms: float
    lowest_ns: int  # robot's clock minus this console's is at least this
    highest_ns: int  # and at most this


class RoundTrips:
    """The newest of them; not for several threads at once."""

    def __init__(self) -> None:
        self._kept: deque[RoundTrip] = deque(maxlen=KEPT)
        self._lowest_ns = _NEVER  # by what came since the last answer

    def add(self, sent_ns: int, answered_ns: int, robot_ns: int) -> None:
        """A ping and its answer.

        Args:
            sent_ns: this console's clock, read before it was sent.
            answered_ns: this console's clock, read after the answer had come.
            robot_ns: the robot's clock in between.
        """
        took_ms = (answered_ns - sent_ns) / NS_PER_MS
        lowest_ns, highest_ns = robot_ns - answered_ns, robot_ns - sent_ns
        if lowest_ns < self._lowest_ns <= highest_ns + DRIFT_NS:
            lowest_ns = self._lowest_ns
        self._lowest_ns = _NEVER
        if self._kept and not (
            max(trip.lowest_ns for trip in self._kept) - DRIFT_NS <= highest_ns
            and lowest_ns <= min(trip.highest_ns for trip in self._kept) + DRIFT_NS
        ):
            self._kept.clear()  # one of the clocks stood still: a machine was suspended
        self._kept.append(RoundTrip(took_ms, lowest_ns, highest_ns))

    def heard(self, robot_ns: int, here_ns: int) -> None:
        """Something that the robot stamped with `robot_ns` was here at `here_ns`."""
        self._lowest_ns = max(self._lowest_ns, robot_ns - here_ns)

    def clear(self) -> None:
        """Forget all: the robot's clock is another one."""
        self._kept.clear()
        self._lowest_ns = _NEVER

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
        bounds = self._bounds
        return None if bounds is None else max(bounds[0], sum(bounds) // 2)

    @property
    def error_ns(self) -> int | None:
        """By how much the offset is wrong at most, either way; None as long as that is."""
        bounds = self._bounds
        return None if bounds is None else max(0, (bounds[1] - bounds[0] + 1) // 2)

    @property
    def _bounds(self) -> tuple[int, int] | None:
        if not self._kept:
            return None
        lowest_ns = max(self._lowest_ns, *(trip.lowest_ns for trip in self._kept))
        return lowest_ns, min(trip.highest_ns for trip in self._kept)
