"""Leaving when asked to, at whatever moment that comes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from teleop.child import leave_on_signal

LEAVES_S = 5.0


@pytest.fixture
def handlers() -> Iterator[None]:
    """Whatever a test does to them, signals are handled as before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class HeldUp(threading.Condition):
    """An event's condition that is told to terminate while its lock is held."""

    def __enter__(self) -> bool:
        entered = super().__enter__()
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGTERM)
        return entered


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_ask_to_leave(number: signal.Signals) -> None:
    leaving = leave_on_signal()
    assert not leaving.is_set()
    signal.raise_signal(number)
    assert leaving.wait(LEAVES_S)


@pytest.mark.usefixtures("handlers")
@pytest.mark.timeout(30)
def test_a_signal_just_when_the_main_thread_begins_to_wait_is_no_deadlock() -> None:
    leaving = leave_on_signal()
    leaving._cond = HeldUp(threading.Lock())  # type: ignore[attr-defined]
    assert leaving.wait(LEAVES_S)
