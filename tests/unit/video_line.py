"""A camera's stream over a bad line, simulated: our rate control against aiortc's own estimator.

No socket and no clock; a step is a millisecond. The camera fills whatever rate it is given, in
frames that differ in size by a third, as an encoder's do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiortc.rate import RemoteBitrateEstimator

from tests.faults.link_model import Direction, Impairment
from transport.clock import NS_PER_MS
from transport.rate_control import RateLimits, ViewerLine, plan_for

QUEUE_BYTES = 32 * 1024
HEADERS = 62  # of IP, UDP, SRTP and RTP in each packet
PAYLOAD = 1200
REPORT_MS = 1000


class Packet(NamedTuple):
    """What is in a packet, for its receiver."""

    frame: int  # -1: other traffic
    sent_ms: int


@dataclass
class Seen:
    """What happened, by time in ms."""

    rates: list[tuple[int, int]] = field(default_factory=list)
    ages: list[tuple[int, int]] = field(default_factory=list)  # whole frames, when they came
    other_ages: list[tuple[int, int]] = field(default_factory=list)
    sent: list[tuple[int, int]] = field(default_factory=list)  # bits
    lost_at: list[int] = field(default_factory=list)

    def rate_bps(self, at_s: float) -> int:
        """What the line was given at a moment."""
        return [rate for ms, rate in self.rates if ms <= at_s * 1e3][-1]

    def age_ms(self, from_s: float, to_s: float, share: float) -> int:
        """A quantile of the ages of frames."""
        return _quantile(self.ages, from_s, to_s, share)

    def other_age_ms(self, from_s: float, to_s: float, share: float) -> int:
        """The same of the other traffic; 0 without."""
        return _quantile(self.other_ages, from_s, to_s, share) if self.other_ages else 0

    def mean_bps(self, from_s: float, to_s: float) -> float:
        """What was really sent."""
        bits = sum(bits for ms, bits in self.sent if from_s * 1e3 <= ms < to_s * 1e3)
        return bits / (to_s - from_s)

    def lost(self, from_s: float, to_s: float) -> int:
        """Packets that did not fit into the queue."""
        return sum(from_s * 1e3 <= ms < to_s * 1e3 for ms in self.lost_at)


class Line:
    """One viewer, one camera, one bottleneck; round trip 50 ms."""

    def __init__(self, limits: RateLimits, other_bps: int) -> None:
        self.seen = Seen()
        self._limits = limits
        self._other_bps = other_bps
        self._way = Direction(1)
        self._viewer = ViewerLine(limits, 0)
        self._estimator = RemoteBitrateEstimator()
        self._random = random.Random(3)
        self._packets: dict[bytes, Packet] = {}
        self._left: dict[int, int] = {}  # packets of each frame that have not come
        self._reports: list[tuple[int, Any]] = []
        self._ms = 0
        self._frames = self._numbered = 0
        self._sent = self._came = 0
        self._due_ns = 0
        self.set()

    def set(self, **impairment: Any) -> None:
        """New settings of the line."""
        self._way.set(Impairment(delay_ms=25.0, queue_bytes=QUEUE_BYTES, **impairment))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until_ms = self._ms + int(seconds * 1e3)
        while self._ms < until_ms:
            if self._ms * 30 // 1000 != (self._ms - 1) * 30 // 1000:
                self._film()
                if self._other_bps:
                    self._send(self._other_bps // 240 - HEADERS, -1)
            self._receive()
            if self._ms % REPORT_MS == REPORT_MS - 1:
                self._report()
            self._hear()
            self.seen.rates.append((self._ms, self._viewer.rate_bps(self._now_ns)))
            self._ms += 1

    @property
    def _now_ns(self) -> int:
        return self._ms * NS_PER_MS

    def _film(self) -> None:
        plan = plan_for((self._viewer,), self._limits, self._now_ns)
        if self._now_ns < max(self._due_ns - 8 * NS_PER_MS, plan.hold_until_ns):
            return
        self._due_ns = max(self._due_ns, self._now_ns) + int(1e9 / plan.fps)
        size = int(plan.bitrate_bps / 8 / plan.fps * self._random.uniform(0.7, 1.3))
        self._viewer.sent(size * 8, self._now_ns)
        self.seen.sent.append((self._ms, size * 8))
        count = -(-size // PAYLOAD)
        self._frames += 1
        self._left[self._frames] = count
        for _ in range(count):
            self._send(size // count, self._frames)

    def _send(self, size: int, frame: int) -> None:
        self._numbered += 1
        name = self._numbered.to_bytes(4, "big")
        self._packets[name] = Packet(frame, self._ms)
        full = self._way.counts["queue_full"]
        self._way.offer(name + bytes(size + HEADERS - len(name)), self._now_ns)
        if self._way.counts["queue_full"] > full:
            self.seen.lost_at.append(self._ms)
        self._sent += frame >= 0

    def _receive(self) -> None:
        for raw in self._way.due(self._now_ns):
            packet = self._packets.pop(raw[:4])
            age_ms = self._ms - packet.sent_ms
            if packet.frame < 0:
                self.seen.other_ages.append((self._ms, age_ms))
                continue
            self._came += 1
            self._left[packet.frame] -= 1
            if self._left[packet.frame] == 0:
                self.seen.ages.append((self._ms, age_ms))
            stamp = (packet.sent_ms << 18) // 1000 & 0xFFFFFF
            estimate = self._estimator.add(self._ms, stamp, len(raw) - HEADERS, 1)
            if estimate is not None:
                self._reports.append((self._ms + 25, estimate[0]))

    def _report(self) -> None:
        lost = max(0.0, 1.0 - self._came / self._sent) if self._sent else 0.0
        self._sent = self._came = 0
        waits_ms = max(0.0, self._way._line_free_ns / NS_PER_MS - self._ms)
        self._reports.append((self._ms + 25, (lost, 50.0 + waits_ms)))

    def _hear(self) -> None:
        due = [told for at_ms, told in self._reports if at_ms <= self._ms]
        self._reports = [report for report in self._reports if report[0] > self._ms]
        for told in due:
            if isinstance(told, tuple):
                self._viewer.reported(*told, self._now_ns)
            else:
                self._viewer.estimated(told, self._now_ns)


def _quantile(aged: list[tuple[int, int]], from_s: float, to_s: float, share: float) -> int:
    ages = sorted(age for ms, age in aged if from_s * 1e3 <= ms < to_s * 1e3)
    return ages[int(len(ages) * share)]
