"""Real ZeroMQ on loopback: options that were set too late would show here."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

import pytest

from tests.links.link_support import HANG_S, Robot, until
from transport.channels import BEATS, REQUESTS, STATE, STATES
from transport.control_link import (
    LANES,
    LOOPBACK,
    MOST_COMMANDS,
    Asker,
    BusReceiver,
    BusSender,
    CommandInbox,
    CommandOutbox,
    Listener,
    Publisher,
    Requests,
    Waiter,
)
from transport.errors import NoAnswer, PortTaken

LINUX = sys.platform == "linux"  # which tells who has a port


def test_what_a_stalled_robot_finds_waiting_is_gone_in_some_ticks(
    robot: Robot, port: int, closing: ExitStack
) -> None:
    inbox = CommandInbox(robot.door, LOOPBACK, port)
    outbox = CommandOutbox(robot.console(), LOOPBACK, port)
    closing.callback(inbox.close)
    closing.callback(outbox.close)
    seen: list[int] = []

    def connected() -> bool:
        outbox.send(b"-1")
        seen.extend(int(message) for _, message in inbox.drain().messages)
        return len(seen) >= LANES

    until(connected)
    for number in range(300):  # five seconds of commands
        outbox.send(b"%d" % number)
        time.sleep(0.001)
    seen.clear()

    def newest_came() -> bool:
        outbox.send(b"300")  # commands are a stream: the link repeats its newest
        ticks.append([int(message) for _, message in inbox.drain().messages])
        time.sleep(1 / 60)
        return 300 in ticks[-1]

    ticks: list[list[int]] = []
    until(newest_came)
    assert sum(map(bool, ticks)) < 15, "of those in which anything came"
    assert max(map(len, ticks)) <= MOST_COMMANDS


def test_a_sender_that_is_held_up_keeps_only_its_newest_command(
    robot: Robot, port: int, closing: ExitStack
) -> None:
    inbox = CommandInbox(robot.door, LOOPBACK, port)
    outbox = CommandOutbox(robot.console(), LOOPBACK, port)
    closing.callback(inbox.close)
    closing.callback(outbox.close)
    until(lambda: outbox.send(b"hello") or inbox.drain().messages)  # type: ignore[func-returns-value]
    count = 40_000  # 80 MB on two lanes, far beyond what the queues and the system's buffers hold
    for number in range(count):
        outbox.send(b"%06d" % number + bytes(900))
    came: list[int] = []

    def newest_came() -> bool:
        outbox.send(b"%06d" % count + bytes(900))
        came.extend(
            int(message[:6]) for _, message in inbox.drain().messages if message != b"hello"
        )
        return bool(came) and came[-1] == count

    until(newest_came)
    assert len(came) < count * LANES / 2, "most were replaced before they were sent"


def test_commands_sent_while_the_robot_is_away_are_not_delivered_later(
    robot: Robot, port: int, closing: ExitStack
) -> None:
    outbox = CommandOutbox(robot.console(), LOOPBACK, port)
    closing.callback(outbox.close)
    for number in range(50):
        outbox.send(b"old %d" % number)
    inbox = CommandInbox(robot.door, LOOPBACK, port)
    closing.callback(inbox.close)
    seen: list[bytes] = []

    def fresh_arrived() -> bool:
        outbox.send(b"fresh")
        seen.extend(message for _, message in inbox.drain().messages)
        return b"fresh" in seen

    until(fresh_arrived)
    # One per lane may have waited in the socket; the gate refuses it by its echo.
    assert sum(message.startswith(b"old") for message in seen) <= 2


def test_a_listener_gets_the_newest_state(robot: Robot, port: int, closing: ExitStack) -> None:
    publisher = Publisher(STATE, robot.door, LOOPBACK, port)
    listener = Listener(STATE, robot.console(), LOOPBACK, port)
    closing.callback(publisher.close)
    closing.callback(listener.close)

    def heard() -> bool:
        publisher.publish(b"state")
        return listener.take() is not None

    until(heard)


def test_a_listener_hears_its_topic_only(robot: Robot, port: int, closing: ExitStack) -> None:
    publisher = Publisher(STATE, robot.door, LOOPBACK, port)
    closing.callback(publisher.close)
    listeners = [
        Listener(STATE, robot.console(), LOOPBACK, port, topic) for topic in (STATES, BEATS)
    ]
    for listener in listeners:
        closing.callback(listener.close)
    heard: list[set[bytes]] = [set(), set()]

    def both_heard() -> bool:
        publisher.publish(b"state", STATES)
        publisher.publish(b"beat", BEATS)
        for listener, messages in zip(listeners, heard, strict=True):
            if (message := listener.take()) is not None:
                messages.add(message)
        return all(heard)

    until(both_heard)
    assert heard == [{b"state"}, {b"beat"}]


def test_a_request_is_answered(robot: Robot, port: int, closing: ExitStack) -> None:
    answering = Requests(REQUESTS, robot.door, LOOPBACK, port)
    console = Asker(REQUESTS, robot.console(), LOOPBACK, port)
    closing.callback(answering.close)
    closing.callback(console.close)
    until(lambda: console.send(b"may I"))
    asked = None
    deadline = time.monotonic() + HANG_S
    while asked is None and time.monotonic() < deadline:
        asked = answering.receive(wait_ms=50)
    assert asked is not None
    assert asked.message == b"may I"
    answering.reply(asked.who, b"yes")
    until(lambda: console.take() == b"yes")


def test_a_request_to_nobody_is_not_queued(robot: Robot, port: int, closing: ExitStack) -> None:
    console = Asker(REQUESTS, robot.console(), LOOPBACK, port)
    closing.callback(console.close)
    assert not console.send(b"anybody")
    with pytest.raises(NoAnswer):
        console.ask(b"anybody", timeout_ms=50)


def test_a_taken_port_is_named_with_what_to_do(robot: Robot, port: int, closing: ExitStack) -> None:
    first = CommandInbox(robot.door, LOOPBACK, port)
    closing.callback(first.close)
    who = f" by process {os.getpid()}, started by {os.getppid()}" if LINUX else ""
    with pytest.raises(PortTaken, match=rf"port {port} .* is taken{who}: .*--port"):
        CommandInbox(robot.door, LOOPBACK, port)


def test_an_oversized_message_does_not_arrive(robot: Robot, port: int, closing: ExitStack) -> None:
    inbox = CommandInbox(robot.door, LOOPBACK, port)
    outbox = CommandOutbox(robot.console(), LOOPBACK, port)
    closing.callback(inbox.close)
    closing.callback(outbox.close)
    seen: list[bytes] = []

    def small_arrived() -> bool:
        outbox.send(b"x" * 5000)
        outbox.send(b"small")
        seen.extend(message for _, message in inbox.drain().messages)
        return b"small" in seen

    until(small_arrived)
    assert all(len(message) <= 1024 for message in seen)


def test_the_bus_keeps_order(robot: Robot, port: int, closing: ExitStack) -> None:
    sender = BusSender(robot.door, port)
    receiver = BusReceiver(robot.itself, port)
    closing.callback(sender.close)
    closing.callback(receiver.close)

    def connected() -> bool:
        sender.send(b"first")
        return receiver.receive(20) is not None

    until(connected)
    for number in range(500):
        sender.send(b"%d" % number)
    got: list[bytes] = []
    while len(got) < 500:
        message = receiver.receive(round(HANG_S * 1000))
        assert message is not None
        got += [message] if message != b"first" else []
    assert got == [b"%d" % number for number in range(500)]


def test_a_waiter_wakes_for_a_call(closing: ExitStack) -> None:
    waiter = Waiter()
    closing.callback(waiter.close)
    waiter.wake()
    begin = time.monotonic()
    waiter.wait(5_000)
    assert time.monotonic() - begin < 4.0
