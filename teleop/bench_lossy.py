"""A bad line for the video bench: UDP through a relay on loopback that loses and delays packets.

Each end is made to believe that the relay is the other one, by the port in the description that it
is given; otherwise ICE would find the good way beside it. What is lost is drawn from a seeded
generator, each way on its own, so that two peers are measured on the same line.
"""

from __future__ import annotations

import heapq
import random
import re
import selectors
import socket
import threading
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LOOPBACK

LOOK_S: Final = 0.05  # how long leaving may take to be noticed
RECEIVE_BYTES: Final = 4 << 20  # of the kernel's buffers: what is lost here is lost on purpose
_CANDIDATE: Final = re.compile(
    r"^(a=candidate:\S+ \d+ udp \d+ \S+ )(\d+)( typ host.*)$", re.M | re.I
)


@dataclass(frozen=True)
class Line:
    """What is wrong with it."""

    loss: float  # of all packets, each way, 0 … 1
    round_trip_ms: float
    seed: int = 1


def redirected(sdp: str, port: int) -> tuple[str, int]:
    """(a description whose one UDP host candidate has another port, the port it had).

    Raises:
        ValueError: it has none.
    """
    found = _CANDIDATE.search(sdp)
    if found is None:
        raise ValueError("the description names no UDP host candidate")
    return _CANDIDATE.sub(rf"\g<1>{port}\g<3>", sdp), int(found[2])


@dataclass
class LossyRelay:
    """One connection's way through a bad line; a thread of its own carries the packets."""

    line: Line
    _target: tuple[str, int] | None = None
    _viewer: tuple[str, int] | None = None
    _under_way: list[tuple[int, int, bool, bytes]] = field(default_factory=list)
    carried: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self._near = _bound()  # the viewer talks to this one
        self._far = _bound()  # this one talks to the sender
        self._dice = {True: random.Random(self.line.seed), False: random.Random(-self.line.seed)}
        self._numbers = count()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lossy line", daemon=True)

    def offered(self, sdp: str) -> str:
        """The viewer's offer with this relay in the viewer's place."""
        changed, port = redirected(sdp, int(self._far.getsockname()[1]))
        self._viewer = (LOOPBACK, port)
        return changed

    def answered(self, sdp: str) -> str:
        """The sender's answer with this relay in the sender's place; packets flow from now on."""
        changed, port = redirected(sdp, int(self._near.getsockname()[1]))
        self._target = (LOOPBACK, port)
        self._thread.start()
        return changed

    def close(self) -> None:
        """End the thread and the sockets; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._near.close()
        self._far.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as readable:
            readable.register(self._near, selectors.EVENT_READ)
            readable.register(self._far, selectors.EVENT_READ)
            while not self._leaving.is_set():
                due_ns = self._under_way[0][0] if self._under_way else now_ns() + NS_PER_S
                for key, _ in readable.select(min(LOOK_S, max(0, due_ns - now_ns()) / NS_PER_S)):
                    self._take(key.fileobj is self._near)
                self._give(now_ns())

    def _take(self, from_viewer: bool) -> None:
        source = self._near if from_viewer else self._far
        while True:
            try:
                packet = source.recv(65_536)
            except (BlockingIOError, ConnectionError):
                return
            if self._dice[from_viewer].random() < self.line.loss:
                self.lost += 1
                continue
            due_ns = now_ns() + round(self.line.round_trip_ms / 2 * NS_PER_MS)
            heapq.heappush(self._under_way, (due_ns, next(self._numbers), from_viewer, packet))

    def _give(self, stamp_ns: int) -> None:
        while self._under_way and self._under_way[0][0] <= stamp_ns:
            _, _, from_viewer, packet = heapq.heappop(self._under_way)
            self.carried += 1
            way, peer = (self._far, self._target) if from_viewer else (self._near, self._viewer)
            if peer is not None:
                way.sendto(packet, peer)


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    made.bind((LOOPBACK, 0))
    made.setblocking(False)
    return made
