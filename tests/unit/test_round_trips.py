"""Pings, and what they and all else that comes from the robot say about its clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.round_trips import FIRST_MS, KEPT, LATER_MS, RoundTrips
from transport.clock import NS_PER_MS

START = 10**12
AHEAD = 3 * 10**15  # the robot has been up for longer
MS = NS_PER_MS

delays = st.integers(0, 500 * MS)


def ping(trips: RoundTrips, there_ms: float, back_ms: float, ahead_ns: int = AHEAD) -> None:
    there_ns, back_ns = int(there_ms * MS), int(back_ms * MS)
    trips.add(START, START + there_ns + back_ns, START + there_ns + ahead_ns)


def error_ms(trips: RoundTrips, ahead_ns: int = AHEAD) -> float:
    offset_ns = trips.offset_ns
    assert offset_ns is not None
    return (offset_ns - ahead_ns) / MS


def test_nothing_is_known_before_the_first_answer() -> None:
    trips = RoundTrips()
    trips.heard(START + AHEAD, START)
    assert (trips.newest_ms, trips.p95_ms, trips.offset_ns) == (None, None, None)


def test_the_offset_is_the_middle_between_the_fastest_way_there_and_the_fastest_back() -> None:
    trips = RoundTrips()
    ping(trips, there_ms=1, back_ms=60)
    assert error_ms(trips) == -29.5
    ping(trips, there_ms=17, back_ms=3)
    assert error_ms(trips) == -1.0
    assert trips.newest_ms == 20.0


def test_answers_that_always_wait_at_this_end_do_not_make_pictures_younger_than_nothing() -> None:
    trips = RoundTrips()
    for _ in range(KEPT):
        trips.heard(START + AHEAD, START + 2 * MS)  # a state, or a picture that was painted
        ping(trips, there_ms=1, back_ms=80)
    assert error_ms(trips) == -0.5


@given(st.lists(st.tuples(delays, delays, delays), min_size=1, max_size=60), st.integers(0, 10**18))
def test_the_error_is_at_most_half_of_the_fastest_way(
    ways: list[tuple[int, int, int]], ahead_ns: int
) -> None:
    trips = RoundTrips()
    for there_ns, back_ns, state_ns in ways:
        trips.heard(START + ahead_ns, START + state_ns)
        trips.add(START, START + there_ns + back_ns, START + there_ns + ahead_ns)
    there_ns = min(way[0] for way in ways[-KEPT:])
    back_ns = min(min(way[1:]) for way in ways[-KEPT:])
    assert -back_ns - MS <= 2 * error_ms(trips, ahead_ns) * MS <= there_ns + MS


@given(st.lists(st.tuples(delays, delays), max_size=30), delays, delays)
def test_nothing_that_came_is_younger_than_nothing(
    ways: list[tuple[int, int]], there_ns: int, late_ns: int
) -> None:
    trips = RoundTrips()
    for way_there_ns, back_ns in ways:
        ping(trips, way_there_ns / MS, back_ns / MS)
    ping(trips, there_ns / MS, late_ns / MS)
    trips.heard(START + AHEAD, START + late_ns)
    assert error_ms(trips) * MS + late_ns >= 0


@pytest.mark.parametrize("jump_s", [-30, 30])
def test_a_machine_that_was_suspended_is_believed_at_its_next_answer(jump_s: int) -> None:
    trips = RoundTrips()
    for _ in range(KEPT):
        ping(trips, there_ms=2, back_ms=1)
    after_ns = AHEAD + jump_s * 1000 * MS
    ping(trips, there_ms=4, back_ms=1, ahead_ns=after_ns)
    assert error_ms(trips, after_ns) == 1.5


def test_a_stamp_of_an_earlier_life_of_the_robot_is_forgotten_at_the_next_answer() -> None:
    trips = RoundTrips()
    trips.heard(START + AHEAD + 60_000 * MS, START)
    ping(trips, there_ms=2, back_ms=1)
    assert error_ms(trips) == 0.5


def test_the_95th_percentile_is_of_the_newest_twenty() -> None:
    trips = RoundTrips()
    ping(trips, there_ms=0, back_ms=900)
    for took_ms in range(1, KEPT + 1):
        ping(trips, there_ms=0, back_ms=took_ms)
    assert trips.p95_ms == 19.0


def test_one_ping_is_its_own_percentile() -> None:
    trips = RoundTrips()
    ping(trips, there_ms=0, back_ms=5)
    assert trips.p95_ms == 5.0


@pytest.mark.parametrize("period_ms", [FIRST_MS, LATER_MS])
def test_of_the_kept_pings_one_hardly_waits_for_the_robots_tick_whatever_the_phase(
    period_ms: int,
) -> None:
    tick_ms = 1000 / 60
    for step in range(50):
        sent_ms, waits = step * tick_ms / 50, []
        for _ in range(KEPT):
            waits.append(-sent_ms % tick_ms)
            sent_ms += period_ms
        assert min(waits) < 2.0


def test_pings_come_fast_until_the_robots_clock_is_known_well_also_after_a_restart() -> None:
    trips = RoundTrips()
    for _ in range(KEPT):
        assert trips.period_ms == FIRST_MS
        ping(trips, there_ms=1, back_ms=0)
    assert trips.period_ms == LATER_MS
    trips.clear()
    assert trips.period_ms == FIRST_MS
