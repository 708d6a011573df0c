"""Two operators ask for the lease at the same moment, again and again: one of them has it."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path

import pytest

from teleop.control import Control
from tests.links.control_support import HANG_S, admitted, control
from transport.channels import REQUESTS
from transport.control_link import LOOPBACK, Asker
from transport.messages import (
    ReleaseLease,
    Reply,
    Request,
    RequestBody,
    RequestLease,
    decoder_of,
    encode,
)

decode_reply = decoder_of(Reply)


class Racer:
    """One console that asks as soon as it is told to, on a thread of its own."""

    def __init__(self, loop: Control, operator: str) -> None:
        self.asker = Asker(REQUESTS, admitted(loop, operator), LOOPBACK, loop.port)
        self.session = secrets.token_hex(4)
        self.ids = 0
        self.reply: Reply | None = None

    def ask(self, body: RequestBody) -> Reply:
        """Ask until there is an answer; asking twice for a lease gives the same one."""
        deadline = time.monotonic() + HANG_S
        mine: set[int] = set()  # the first answer is the true one: a second release is refused
        while time.monotonic() < deadline:
            self.ids += 1
            mine.add(self.ids)
            request = Request(request_id=self.ids, session=self.session, body=body)
            if not self.asker.send(encode(request)):
                time.sleep(0.01)
                continue
            until = time.monotonic() + 0.5
            while time.monotonic() < until:
                raw = self.asker.take()
                if raw is not None and decode_reply(raw).request_id in mine:
                    return decode_reply(raw)
                time.sleep(0.0005)
        raise AssertionError("no answer")

    def race(self, start: threading.Barrier) -> None:
        start.wait(HANG_S)
        self.reply = self.ask(RequestLease())


def race(folder: Path, rounds: int) -> None:
    with control(folder) as (loop, _):
        racers = [Racer(loop, "op-1"), Racer(loop, "op-2")]
        for racer in racers:
            racer.asker.send(b"")  # so that both are connected when it counts
        granted: list[tuple[int, str]] = []
        for _ in range(rounds):
            start = threading.Barrier(2)
            threads = [threading.Thread(target=racer.race, args=(start,)) for racer in racers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(2 * HANG_S)
            holders = [racer for racer in racers if racer.reply and racer.reply.epoch]
            assert len(holders) == 1
            (winner,) = holders
            (loser,) = (racer for racer in racers if racer is not winner)
            assert winner.reply is not None
            assert loser.reply is not None
            assert "is asked" in loser.reply.reason
            granted.append((winner.reply.epoch, winner.session))
            assert winner.ask(ReleaseLease(epoch=winner.reply.epoch)).ok
        epochs = [epoch for epoch, _ in granted]
        assert epochs == sorted(set(epochs)), "each epoch was granted once, in order"
        for racer in racers:
            racer.asker.close()


def test_of_two_who_ask_at_once_one_has_the_lease(tmp_path: Path) -> None:
    race(tmp_path, 25)


@pytest.mark.long
def test_of_two_who_ask_at_once_a_thousand_times_one_has_the_lease(tmp_path: Path) -> None:
    race(tmp_path, 1000)
