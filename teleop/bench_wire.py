"""What the bench sends over the bare wire: our commands and the peer's, in turns, 60 a second each.

Measured is the way from just before a command is made and encoded, in a process that receives two
cameras meanwhile, to its being decoded in another process by a thread that waits for it. The real
sockets at both ends, the real encoding; no gate, because that looks only once in each tick. The
moments are random within each turn: in step with the control tick, and so with the cameras, every
command of a run would meet the same processes at work, or none.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teleop.bench_figures import first_of_each
from teleop.bench_sockets import BenchSockets
from transport.channels import COMMAND_HZ
from transport.clock import NS_PER_S, now_ns, sleep_until
from transport.command_peer import PeerClient
from transport.messages import Command, encode

TURN_NS: Final = NS_PER_S // (2 * COMMAND_HZ)


@dataclass(frozen=True)
class Wire:
    """What became of the commands of a stretch of time."""

    took_ms: list[float]  # of those that arrived
    lost: int  # a newer one took their place before they were sent, or read

    @classmethod
    def of(
        cls, sent: Sequence[int], arrived: Sequence[tuple[int, int]], begin_ns: int, end_ns: int
    ) -> Wire:
        """From the stamps sent, and (stamp sent, stamp received) of what arrived."""
        took_ms = first_of_each(arrived, begin_ns, end_ns)
        return cls(took_ms, sum(begin_ns <= stamp <= end_ns for stamp in sent) - len(took_ms))


class WireSender:
    """A thread that sends both kinds until it is closed."""

    def __init__(self, sockets: BenchSockets, port: int, peer_port: int) -> None:
        self._sockets = sockets
        self._port = port
        self._peer_port = peer_port
        self.sent: list[int] = []  # our commands, by the stamp that each carries
        self.peer_sent: list[int] = []
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)

    def __enter__(self) -> WireSender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        ours = self._sockets.outbox(self._port)
        peer = PeerClient(self._peer_port)
        begin_ns, number, dice = now_ns(), 0, random.Random(4)
        while not self._leaving.is_set():
            number += 1
            sleep_until(begin_ns + round((number + dice.random()) * TURN_NS))
            stamp_ns = now_ns()
            if number % 2:
                ours.send(encode(_command(number, stamp_ns)))
                self.sent.append(stamp_ns)
            else:
                stick = {"x.vel": 0.5, "y.vel": 0.0, "theta.vel": -0.25, "input_ns": stamp_ns}
                peer.send(stick)
                self.peer_sent.append(stamp_ns)
        ours.close()
        peer.close()


def _command(number: int, stamp_ns: int) -> Command:
    return Command(
        session="0123456789abcdef",
        boot_id="0123456789abcdef",
        epoch=1,
        seq=number,
        echo_ns=stamp_ns,
        painted_ns=stamp_ns,
        deadman=True,
        forward=0.5,
        turn=-0.25,
        input_ns=stamp_ns,
    )
