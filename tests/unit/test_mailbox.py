"""The newest value wins, and what nobody took is counted."""

from __future__ import annotations

import threading

from transport.mailbox import Mailbox


def test_a_reader_gets_the_newest_value_once() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.put(2)
    assert box.take() == 2
    assert box.take() is None


def test_only_the_first_value_into_an_empty_box_asks_for_a_wake() -> None:
    box: Mailbox[int] = Mailbox()
    assert [box.put(1), box.put(2)] == [True, False]
    box.take()
    assert box.put(3)


def test_overwritten_values_are_counted() -> None:
    box: Mailbox[int] = Mailbox()
    for value in range(5):
        box.put(value)
    assert (box.delivered, box.overwritten) == (5, 4)


def test_waiting_ends_when_a_value_comes() -> None:
    box: Mailbox[str] = Mailbox()
    thread = threading.Thread(target=box.put, args=("now",))
    thread.start()
    assert box.wait(10.0) == "now"
    thread.join()


def test_waiting_in_vain_gives_nothing() -> None:
    box: Mailbox[str] = Mailbox()
    assert box.wait(0.0) is None
