"""The STOP thread shows that it lives; when it turns no more, its stamp says since when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from teleop.stop_listener import StopListener
from tests.links.link_support import Robot
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LOOPBACK, Requests, free_base_port

HANG_S = 15.0
TURN_NS = 100 * NS_PER_MS  # promised to the gate, which stops the robot at 500 ms


@pytest.fixture
def listener() -> Iterator[StopListener]:
    robot = Robot()
    made = StopListener(robot.door, LOOPBACK, free_base_port(), lambda _: "somebody")
    try:
        yield made
    finally:
        made.close()
        robot.door.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.001)


def test_the_stamp_moves_on_without_any_request(listener: StopListener) -> None:
    listener.start()
    stamps = [listener.alive_ns]
    while len(stamps) < 11:
        until(lambda: listener.alive_ns > stamps[-1])
        stamps.append(listener.alive_ns)
    gaps = sorted(after - before for before, after in pairwise(stamps))
    assert gaps[len(gaps) // 2] < TURN_NS, "the median: this machine may be slow now and then"


def test_a_listener_that_was_not_started_yet_is_as_old_as_itself(listener: StopListener) -> None:
    assert now_ns() - 60 * NS_PER_S < listener.alive_ns <= now_ns()


def test_a_thread_that_hangs_lives_but_its_stamp_stands(
    listener: StopListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, released = threading.Event(), threading.Event()

    def hang(self: Requests, wait_ms: int = 0) -> None:
        hangs.set()
        assert released.wait(HANG_S)

    monkeypatch.setattr(Requests, "receive", hang)
    listener.start()
    assert hangs.wait(HANG_S)
    stamp_ns = listener.alive_ns
    until(lambda: now_ns() - stamp_ns > 2 * TURN_NS)
    assert listener.alive_ns == stamp_ns
    released.set()
