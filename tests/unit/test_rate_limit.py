"""A flood of one peer is cut to its rate and leaves the others alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transport.clock import NS_PER_S
from transport.rate_limit import KEPT, RateLimit


def test_a_burst_passes_and_then_the_rate() -> None:
    limit = RateLimit(per_s=10.0, burst=3)
    assert [limit.admits("a", 0) for _ in range(5)] == [True, True, True, False, False]
    assert limit.admits("a", NS_PER_S // 10)
    assert not limit.admits("a", NS_PER_S // 10)


def test_one_peers_flood_takes_nothing_from_another() -> None:
    limit = RateLimit(per_s=10.0, burst=3)
    for _ in range(1000):
        limit.admits("flood", 0)
    assert limit.admits("other", 0)


def test_a_rest_fills_the_bucket_and_no_more() -> None:
    limit = RateLimit(per_s=10.0, burst=3)
    for _ in range(3):
        limit.admits("a", 0)
    assert sum(limit.admits("a", 3600 * NS_PER_S) for _ in range(10)) == 3


@given(st.lists(st.integers(0, NS_PER_S), min_size=1, max_size=300))
def test_no_more_than_burst_and_rate_ever_pass(pauses: list[int]) -> None:
    limit, now_ns, passed = RateLimit(per_s=20.0, burst=5), 0, 0
    for pause_ns in pauses:
        now_ns += pause_ns
        passed += limit.admits("a", now_ns)
        assert passed <= 5 + 20.0 * now_ns / NS_PER_S + 1e-6


def test_strangers_are_forgotten_and_memory_stays_small() -> None:
    limit = RateLimit(per_s=10.0, burst=3)
    for number in range(10 * KEPT):
        limit.admits(f"peer {number}", number)
    assert len(limit._buckets) <= KEPT
