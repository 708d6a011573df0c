"""Which packets of a stream are missing, how long, and which of them to ask for now. Pure.

aiortc asks for all missing packets whenever a new one is found missing, so how often each is asked
for depends on the loss of others. Here each is asked for at once, and then twice or so in each
round trip: request and answer may be lost as well, and a picture that waits for a second round trip
is old. That costs two or three copies of each lost packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from transport.clock import NS_PER_MS

SEQUENCES: Final = 1 << 16  # RTP's sequence numbers wrap
FAR: Final = 3000  # packets ahead or behind: another stream under the same number
FIRST_GUESS_MS: Final = 60.0  # what a retransmission takes, before one was seen
LEAST_MS: Final = 10.0  # between two requests for the same packet
AGAIN: Final = 0.4  # of what a retransmission takes
MOST_TIMES: Final = 12  # a packet that the sender has no more is not asked for for ever
LEAST_PATIENCE_MS, MOST_PATIENCE_MS = 50.0, 400.0  # two frames; less than a STALE picture


@dataclass
class _Missing:
    since_ns: int
    first_asked_ns: int = 0
    asked_ns: int = 0
    times: int = 0


class Arrivals:
    """The packets of one stream, by their numbers without wrapping."""

    def __init__(self) -> None:
        self.restarts = 0  # times the numbers jumped: another stream
        self._newest = -1
        self._missing: dict[int, _Missing] = {}
        self._repair_ms = FIRST_GUESS_MS

    @property
    def patience_ms(self) -> float:
        """How long a packet is waited for, so that it could be asked for twice."""
        return min(MOST_PATIENCE_MS, max(LEAST_PATIENCE_MS, 2.4 * self._repair_ms + 20.0))

    def arrived(self, sequence: int, now_ns: int) -> int:
        """Take note of a packet; its number without wrapping. Noting one twice changes nothing."""
        number = self._unwrapped(sequence)
        if self._newest >= 0 and abs(number - self._newest) > FAR:
            self.restarts += 1
            self._newest = -1
            self._missing.clear()
            number = self._unwrapped(sequence)
        if self._newest < 0:
            self._newest = number
        found = self._missing.pop(number, None)
        if found is not None and found.times:  # else it was only late
            self._repair_ms += ((now_ns - found.first_asked_ns) / NS_PER_MS - self._repair_ms) / 8
        for lost in range(self._newest + 1, number):
            self._missing[lost] = _Missing(now_ns)
        self._newest = max(self._newest, number)
        return number

    def given_up(self, before: int) -> None:
        """No packet before this number is wanted any more."""
        if self._missing and next(iter(self._missing)) < before:
            self._missing = {n: m for n, m in self._missing.items() if n >= before}

    def oldest_ns(self) -> int | None:
        """Since when the packet that is missed longest is missed; None: none is."""
        return next(iter(self._missing.values())).since_ns if self._missing else None

    def due(self, now_ns: int) -> list[int]:
        """Sequence numbers, as on the wire, to ask for now."""
        again_ns = round(max(LEAST_MS, AGAIN * self._repair_ms) * NS_PER_MS)
        wanted = []
        for number, missing in self._missing.items():
            early = now_ns - missing.asked_ns < again_ns
            if missing.times == 0 or (missing.times < MOST_TIMES and not early):
                missing.first_asked_ns = missing.first_asked_ns or now_ns
                missing.asked_ns = now_ns
                missing.times += 1
                wanted.append(number % SEQUENCES)
        return wanted

    def _unwrapped(self, sequence: int) -> int:
        """The number nearest to the newest whose low 16 bits are `sequence`."""
        if self._newest < 0:
            return sequence + SEQUENCES  # what came before it may still follow
        ahead = (sequence - self._newest + SEQUENCES // 2) % SEQUENCES - SEQUENCES // 2
        return self._newest + ahead
