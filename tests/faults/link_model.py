"""One direction of a bad network, as a pure function of time: what goes in, what comes out, when.

No socket, no thread, no clock: the forwarder passes `now_ns` in and asks what is due. Everything
random comes from one seeded generator. Each kind of damage is either a rate or an explicit
pattern (`loss=(False, True)`: the second packet is lost, the ones after the pattern are not), so
that a failure can be written down and repeated.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from tests.faults.ip_packet import checksum_mended, payload_start

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
LOG_LENGTH = 100_000  # packets of one direction; a minute of commands and state is a tenth of it

Chance = float | tuple[bool, ...]


class Fate(StrEnum):
    """What became of a packet; `LATE` and `DUPLICATED` ones did arrive."""

    DELIVERED = "delivered"
    LOST = "lost"
    CUT = "cut"  # offered to, or under way on, a direction that was dead
    QUEUE_FULL = "queue_full"


@dataclass(frozen=True)
class Impairment:
    """The settings of one direction. Neutral is the default: everything passes at once."""

    delay_ms: float | tuple[float, ...] = 0.0  # a pattern's last value stays
    jitter_ms: float = 0.0  # evenly spread over delay ± jitter; packets may overtake each other
    loss: Chance = 0.0
    reorder: Chance = 0.0  # these skip the delay and overtake what is under way
    duplicate: Chance = 0.0
    corrupt: Chance = 0.0  # one bit of the payload is flipped; bare acknowledgements pass
    mend_checksum: bool = False  # hide the flipped bit from TCP and UDP, to try what lies above
    rate_bps: float = 0.0  # 0: no limit
    queue_bytes: int = 64 * 1024  # what may wait for the rate limit; more is dropped

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, list):  # as it comes out of JSON
                object.__setattr__(self, setting.name, tuple(value))


@dataclass(frozen=True)
class Passage:
    """What happened to one copy of a packet, for the log."""

    in_ns: int
    out_ns: int  # when it was given out; -1: never
    size: int
    fate: Fate
    packet: bytes = field(repr=False)


class Direction:
    """One direction: `offer` a packet, then take what is `due`."""

    def __init__(self, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.log: list[Passage] = []
        self.log_is_full = False
        self._random = random.Random(seed)
        self._under_way: list[tuple[int, int, int, bytes]] = []  # due, number, offered at, packet
        self._number = 0
        self._last_out = -1  # number of the newest packet given out
        self._line_free_ns = 0  # when the rate limit lets the next packet start
        self._dead_until_ns: int | None = None  # None: alive; -1: until it is mended
        self.set(Impairment())

    def set(self, impairment: Impairment) -> None:
        """New settings for packets to come; patterns begin again. What is under way stays."""
        self.impairment = impairment
        self._seen = 0  # packets since these settings: the place in the patterns

    def cut(self, now_ns: int, for_ns: int = -1) -> None:
        """Nothing passes for `for_ns` (-1: until `mend`), and what is under way is lost."""
        self._dead_until_ns = -1 if for_ns < 0 else now_ns + for_ns
        for _, _, offered_ns, packet in self._under_way:
            self._note(Passage(offered_ns, -1, len(packet), Fate.CUT, packet))
        self._under_way.clear()
        self._line_free_ns = 0

    def mend(self) -> None:
        """End a cut."""
        self._dead_until_ns = None

    def is_dead(self, now_ns: int) -> bool:
        """Whether packets offered now are cut off."""
        until_ns = self._dead_until_ns
        return until_ns is not None and (until_ns < 0 or now_ns < until_ns)

    def offer(self, packet: bytes, now_ns: int) -> None:
        """Put one packet on its way, or lose it."""
        self.counts["offered"] += 1
        place, self._seen = self._seen, self._seen + 1
        settings = self.impairment
        if self.is_dead(now_ns):
            self._note(Passage(now_ns, -1, len(packet), Fate.CUT, packet))
            return
        if self._hits(settings.loss, place):
            self._note(Passage(now_ns, -1, len(packet), Fate.LOST, packet))
            return
        start_ns = now_ns
        if settings.rate_bps > 0.0:
            waiting_ns = max(0, self._line_free_ns - now_ns)
            if waiting_ns * settings.rate_bps / 8 / NS_PER_S > settings.queue_bytes:
                self._note(Passage(now_ns, -1, len(packet), Fate.QUEUE_FULL, packet))
                return
            start_ns = now_ns + waiting_ns + int(len(packet) * 8 * NS_PER_S / settings.rate_bps)
            self._line_free_ns = start_ns
        if self._hits(settings.corrupt, place) and payload_start(packet) < len(packet):
            packet = self._damaged(packet)
            self.counts["corrupted"] += 1
        overtakes = self._hits(settings.reorder, place)
        self._send(packet, now_ns, start_ns + (0 if overtakes else self._delay_ns(place)))
        if self._hits(settings.duplicate, place):
            self.counts["duplicated"] += 1
            self._send(packet, now_ns, start_ns + self._delay_ns(place))

    def next_due_ns(self) -> int | None:
        """When the next packet is due; None when nothing is under way."""
        return self._under_way[0][0] if self._under_way else None

    def due(self, now_ns: int) -> list[bytes]:
        """What has to be given out by now, in this order."""
        out = []
        while self._under_way and self._under_way[0][0] <= now_ns:
            _, number, offered_ns, packet = heapq.heappop(self._under_way)
            if number < self._last_out:
                self.counts["overtaken"] += 1
            self._last_out = max(self._last_out, number)
            self._note(Passage(offered_ns, now_ns, len(packet), Fate.DELIVERED, packet))
            out.append(packet)
        return out

    def forget(self) -> None:
        """Begin counts and log again."""
        self.counts.clear()
        self.log.clear()
        self.log_is_full = False

    def _send(self, packet: bytes, now_ns: int, due_ns: int) -> None:
        heapq.heappush(self._under_way, (due_ns, self._number, now_ns, packet))
        self._number += 1

    def _hits(self, chance: Chance, place: int) -> bool:
        if isinstance(chance, tuple):
            return place < len(chance) and chance[place]
        return chance > 0.0 and self._random.random() < chance

    def _delay_ns(self, place: int) -> int:
        settings = self.impairment
        delay_ms = settings.delay_ms
        if isinstance(delay_ms, tuple):
            delay_ms = delay_ms[min(place, len(delay_ms) - 1)]
        if settings.jitter_ms > 0.0:
            delay_ms += self._random.uniform(-settings.jitter_ms, settings.jitter_ms)
        return int(max(0.0, delay_ms) * NS_PER_MS)

    def _damaged(self, packet: bytes) -> bytes:
        at = self._random.randrange(payload_start(packet), len(packet))
        damaged = bytearray(packet)
        damaged[at] ^= 1 << self._random.randrange(8)
        return checksum_mended(bytes(damaged)) if self.impairment.mend_checksum else bytes(damaged)

    def _note(self, passage: Passage) -> None:
        self.counts[passage.fate] += 1
        if len(self.log) < LOG_LENGTH:
            self.log.append(passage)
        else:
            self.log_is_full = True


def named(**settings: object) -> Impairment:
    """Settings from a table by name, as they come over the control pipe.

    Raises:
        TypeError: a name that is no setting.
    """
    return replace(Impairment(), **settings)  # type: ignore[arg-type]
