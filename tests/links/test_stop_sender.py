"""The console's end of STOP on a real socket: which answer belongs to which press or test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from teleop.stop_sender import AGAIN_MS, StopSender
from tests.links.link_support import HANG_S, Robot, until
from transport.channels import STOP
from transport.control_link import LOOPBACK, Requests, free_base_port
from transport.handshake import Trouble
from transport.messages import StopAck, StopRequest, decoder_of, encode

_decode = decoder_of(StopRequest)


@dataclass
class Both:
    """A sender, and the robot's socket in the hands of the test."""

    sender: StopSender
    socket: Requests

    def next(self) -> tuple[bytes, StopRequest]:
        """The next request that arrives."""
        asked = self.socket.receive(round(HANG_S * 1000))
        assert asked is not None, "it is repeated until it is answered"
        return asked.who, _decode(asked.message)

    def answer(self, who: bytes, request_id: int) -> None:
        """As the robot does once its set-point is zero."""
        self.socket.reply(who, encode(StopAck(request_id=request_id)))

    def is_answered(self, *, test: bool = False) -> bool:
        view = self.sender.tested if test else self.sender.view
        return view is not None and view.acked_ns is not None


@pytest.fixture
def both() -> Iterator[Both]:
    port = free_base_port()
    known = Robot()
    socket = Requests(STOP, known.door, LOOPBACK, port)
    sender = StopSender("session")
    sender.start(known.console(), LOOPBACK, port)
    yield Both(sender, socket)
    sender.close()
    socket.close()
    known.door.close()


def test_nothing_is_sent_before_somebody_presses(both: Both) -> None:
    assert both.socket.receive(4 * AGAIN_MS) is None
    assert (both.sender.view, both.sender.tested) == (None, None)


def test_a_press_is_repeated_until_it_is_answered_and_no_longer(both: Both) -> None:
    both.sender.press()
    requests = [both.next()[1] for _ in range(3)]
    assert [request.test for request in requests] == [False] * 3
    who, request = both.next()
    both.answer(who, request.request_id)
    until(both.is_answered)
    while both.socket.receive(0) is not None:
        pass  # what was on its way
    if both.socket.receive(4 * AGAIN_MS) is not None:  # and one that was so all the same
        assert both.socket.receive(4 * AGAIN_MS) is None


def test_answers_to_an_earlier_press_do_not_answer_this_one(both: Both) -> None:
    both.sender.press()
    waiting = [both.next() for _ in range(3)]
    for who, request in waiting:  # late answers to all three, two of them too many
        both.answer(who, request.request_id)
    until(both.is_answered)
    both.sender.press()
    for _ in range(4):
        both.next()
    assert not both.is_answered()


def test_a_test_takes_the_same_way_and_says_what_it_is(both: Both) -> None:
    both.sender.test()
    who, request = both.next()
    assert request.test
    both.answer(who, request.request_id)
    until(lambda: both.is_answered(test=True))
    assert both.sender.view is None, "nobody has pressed"
    tested = both.sender.tested
    assert tested is not None
    assert tested.round_trip_ms is not None
    assert 0.0 < tested.round_trip_ms < 2000.0


def test_a_press_goes_before_a_test_that_is_not_answered(both: Both) -> None:
    both.sender.test()
    assert both.next()[1].test
    both.sender.press()
    press = both.sender._press
    assert press is not None
    request = both.next()[1]
    while request.request_id < press.first_id:  # they were on their way
        request = both.next()[1]
    requests = [request, *(both.next()[1] for _ in range(5))]
    assert not any(each.test for each in requests), "at once, and only that without an answer"


def test_the_answer_to_a_test_never_answers_a_press(both: Both) -> None:
    both.sender.test()
    who, tested = both.next()
    both.sender.press()
    pressed = both.next()[1]
    while pressed.test:
        pressed = both.next()[1]
    assert pressed.request_id > tested.request_id
    both.answer(who, tested.request_id)
    until(lambda: both.is_answered(test=True))
    for _ in range(3):
        assert not both.next()[1].test
    assert not both.is_answered()


def test_after_the_press_is_answered_the_test_goes_on(both: Both) -> None:
    both.sender.press()
    both.sender.test()
    who, pressed = both.next()
    assert not pressed.test
    later = both.next()[1]
    both.answer(who, later.request_id)
    until(both.is_answered)
    # The robot stands on a press that came after the test was wanted: that proves its way, too.
    until(lambda: both.is_answered(test=True) or both.next()[1].test)


def test_a_console_that_the_robot_does_not_know_is_told_at_the_press() -> None:
    port = free_base_port()
    known = Robot()
    socket = Requests(STOP, known.door, LOOPBACK, port)
    sender = StopSender("session")
    sender.start(known.console(paired=False), LOOPBACK, port)
    try:
        sender.press()
        until(lambda: sender.view is not None and sender.view.trouble is Trouble.NOT_PAIRED)
        assert sender.view is not None
        assert sender.view.acked_ns is None
        assert socket.receive(200) is None
    finally:
        sender.close()
        socket.close()
        known.door.close()


def test_closing_twice_is_harmless(both: Both) -> None:
    both.sender.close()
    both.sender.close()
