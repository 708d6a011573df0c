"""Real ZeroMQ on loopback: options that were set too late would show here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from transport.channels import REQUESTS, STATE
from transport.control_link import (
    LANES,
    LOOPBACK,
    Asker,
    BusReceiver,
    BusSender,
    CommandInbox,
    CommandOutbox,
    Listener,
    Publisher,
    Requests,
    Waiter,
    free_base_port,
)
from transport.errors import NoAnswer, PortTaken

HANG_S = 10.0


@pytest.fixture
def port() -> int:
    return free_base_port()


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def until(condition: object) -> None:
    """Wait for something to become true; a hang guard, not a speed test."""
    deadline = time.monotonic() + HANG_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.005)


def test_of_many_commands_only_the_newest_is_kept_on_each_lane(
    port: int, closing: ExitStack
) -> None:
    inbox = CommandInbox(LOOPBACK, port)
    outbox = CommandOutbox(LOOPBACK, port)
    closing.callback(inbox.close)
    closing.callback(outbox.close)
    received: list[bytes] = []

    def connected() -> bool:
        outbox.send(b"hello")
        received.extend(inbox.drain())
        return len(received) >= 2

    until(connected)
    time.sleep(0.1)
    inbox.drain()
    for number in range(500):
        outbox.send(b"%d" % number)
    delivered: list[bytes] = []

    def only_the_newest_comes() -> bool:
        outbox.send(b"499")  # commands are a stream: the link repeats its newest
        got = inbox.drain()
        delivered.extend(got)
        return set(got) == {b"499"} and delivered.count(b"499") >= LANES

    until(only_the_newest_comes)
    older = [message for message in delivered if message != b"499"]
    assert len(older) < 100, "most of the 500 were replaced before they were sent"


def test_commands_sent_while_the_robot_is_away_are_not_delivered_later(
    port: int, closing: ExitStack
) -> None:
    outbox = CommandOutbox(LOOPBACK, port)
    closing.callback(outbox.close)
    for number in range(50):
        outbox.send(b"old %d" % number)
    inbox = CommandInbox(LOOPBACK, port)
    closing.callback(inbox.close)
    seen: list[bytes] = []

    def fresh_arrived() -> bool:
        outbox.send(b"fresh")
        seen.extend(inbox.drain())
        return b"fresh" in seen

    until(fresh_arrived)
    # One per lane may have waited in the socket; the gate refuses it by its echo.
    assert sum(message.startswith(b"old") for message in seen) <= 2


def test_a_listener_gets_the_newest_state(port: int, closing: ExitStack) -> None:
    publisher = Publisher(STATE, LOOPBACK, port)
    listener = Listener(STATE, LOOPBACK, port)
    closing.callback(publisher.close)
    closing.callback(listener.close)

    def heard() -> bool:
        publisher.publish(b"state")
        return listener.take() is not None

    until(heard)


def test_a_request_is_answered(port: int, closing: ExitStack) -> None:
    robot = Requests(REQUESTS, LOOPBACK, port)
    console = Asker(REQUESTS, LOOPBACK, port)
    closing.callback(robot.close)
    closing.callback(console.close)
    until(lambda: console.send(b"may I"))
    asked = None
    deadline = time.monotonic() + HANG_S
    while asked is None and time.monotonic() < deadline:
        asked = robot.receive(wait_ms=50)
    assert asked is not None
    who, message = asked
    assert message == b"may I"
    robot.reply(who, b"yes")
    until(lambda: console.take() == b"yes")


def test_a_request_to_nobody_is_not_queued(port: int, closing: ExitStack) -> None:
    console = Asker(REQUESTS, LOOPBACK, port)
    closing.callback(console.close)
    assert not console.send(b"anybody")
    with pytest.raises(NoAnswer):
        console.ask(b"anybody", timeout_ms=50)


def test_a_taken_port_is_named_with_what_to_do(port: int, closing: ExitStack) -> None:
    first = CommandInbox(LOOPBACK, port)
    closing.callback(first.close)
    with pytest.raises(PortTaken, match=rf"port {port} .*--port"):
        CommandInbox(LOOPBACK, port)


def test_an_oversized_message_does_not_arrive(port: int, closing: ExitStack) -> None:
    inbox = CommandInbox(LOOPBACK, port)
    outbox = CommandOutbox(LOOPBACK, port)
    closing.callback(inbox.close)
    closing.callback(outbox.close)
    seen: list[bytes] = []

    def small_arrived() -> bool:
        outbox.send(b"x" * 5000)
        outbox.send(b"small")
        seen.extend(inbox.drain())
        return b"small" in seen

    until(small_arrived)
    assert all(len(message) <= 1024 for message in seen)


def test_the_bus_keeps_order(port: int, closing: ExitStack) -> None:
    sender = BusSender(port)
    receiver = BusReceiver(port)
    closing.callback(sender.close)
    closing.callback(receiver.close)

    def connected() -> bool:
        sender.send(b"first")
        return receiver.receive(20) is not None

    until(connected)
    while receiver.receive(50) is not None:
        pass
    for number in range(500):
        sender.send(b"%d" % number)
    got = [receiver.receive(1000) for _ in range(500)]
    assert got == [b"%d" % number for number in range(500)]


def test_a_waiter_wakes_for_a_call(closing: ExitStack) -> None:
    waiter = Waiter()
    closing.callback(waiter.close)
    waiter.wake()
    begin = time.monotonic()
    waiter.wait(5_000)
    assert time.monotonic() - begin < 4.0
