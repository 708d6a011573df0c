"""Which packets are missing, and when each is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.arrivals import LEAST_PATIENCE_MS, MOST_PATIENCE_MS, MOST_TIMES, Arrivals
from transport.clock import NS_PER_MS

MS = NS_PER_MS


def after(*sequences: int) -> Arrivals:
    made = Arrivals()
    for sequence in sequences:
        made.arrived(sequence, 0)
    return made


def test_a_gap_is_asked_for_at_once() -> None:
    assert after(10, 11, 14).due(0) == [12, 13]


def test_what_was_asked_for_is_not_asked_for_again_with_the_next_loss() -> None:
    arrivals = after(10, 12)
    arrivals.due(0)
    arrivals.arrived(15, 5 * MS)
    assert arrivals.due(5 * MS) == [13, 14]


def test_it_is_asked_for_again_within_the_round_trip() -> None:
    arrivals = after(10, 12)
    arrivals.due(0)
    assert arrivals.due(23 * MS) == []
    assert arrivals.due(24 * MS) == [11], "four tenths of 60 ms, the guess before one was answered"
    assert arrivals.due(25 * MS) == []


def test_what_the_sender_has_no_more_is_not_asked_for_for_ever() -> None:
    arrivals = after(10, 12)
    assert sum(arrivals.due(n * 1000 * MS) == [11] for n in range(100)) == MOST_TIMES


def test_what_came_is_asked_for_no_more() -> None:
    arrivals = after(10, 12)
    arrivals.due(0)
    arrivals.arrived(11, 10 * MS)
    assert arrivals.due(500 * MS) == []
    assert arrivals.oldest_ns() is None


def test_what_was_given_up_is_asked_for_no_more() -> None:
    arrivals = after(10, 13)
    arrivals.given_up(arrivals.arrived(12, 0))
    assert arrivals.due(0) == []
    assert arrivals.oldest_ns() is None


def test_numbers_are_those_of_the_wire_also_when_they_wrap() -> None:
    arrivals = after(65534, 1)
    assert arrivals.due(0) == [65535, 0]


def test_another_stream_leaves_nothing_missing() -> None:
    arrivals = after(10, 12, 40_000)
    assert arrivals.restarts == 1
    assert arrivals.due(0) == []


def test_the_longest_missed_packet_is_known() -> None:
    arrivals = Arrivals()
    for sequence, stamp_ns in ((1, 0), (3, 10 * MS), (6, 20 * MS)):
        arrivals.arrived(sequence, stamp_ns)
    assert arrivals.oldest_ns() == 10 * MS
    arrivals.arrived(2, 30 * MS)
    assert arrivals.oldest_ns() == 20 * MS


@pytest.mark.parametrize(
    ("takes_ms", "patience_ms"), [(1, LEAST_PATIENCE_MS), (100, 260.0), (900, MOST_PATIENCE_MS)]
)
def test_patience_follows_what_a_retransmission_takes(takes_ms: int, patience_ms: float) -> None:
    arrivals = Arrivals()
    for number in range(60):
        begin_ns = number * 1000 * MS
        for sequence in (number * 2 + 1, number * 2 + 3):
            arrivals.arrived(sequence, begin_ns)
        arrivals.due(begin_ns)
        arrivals.arrived(number * 2 + 2, begin_ns + takes_ms * MS)
    assert arrivals.patience_ms == pytest.approx(patience_ms, rel=0.05)


@given(st.lists(st.integers(0, 60), min_size=1), st.integers(0, 65535))
def test_exactly_what_lies_between_and_did_not_come_is_missing(
    offsets: list[int], first: int
) -> None:
    arrivals = Arrivals()
    for offset in [0, *offsets]:
        arrivals.arrived((first + offset) % 65536, 0)
    came = {0, *offsets}
    missing = [(first + n) % 65536 for n in range(max(came)) if n not in came]
    assert sorted(arrivals.due(0)) == sorted(missing)
