"""The emulated link as a function of time: needs neither root nor a clock."""

from __future__ import annotations

import pytest

from tests.faults.ip_packet import checksum_mended, segment_of, with_source
from tests.faults.link_model import NS_PER_MS, NS_PER_S, Direction, Fate, named

# UDP from 10.77.0.2:1234 to 10.77.0.1:7000 with the payload "hello", checksums left out.
PACKET = checksum_mended(
    bytes.fromhex("4500002100010000401100000a4d00020a4d0001" + "04d21b58000d0000") + b"hello"
)


def link(**settings: object) -> Direction:
    made = Direction(seed=7)
    made.set(named(**settings))
    return made


def carried(direction: Direction, packets: int, every_ms: float = 10.0) -> list[tuple[int, float]]:
    """(number, delay in ms) in the order of arrival of `packets` sent at a steady rate."""
    arrived: list[tuple[int, float]] = []
    for now_ms in range(int(packets * every_ms + 10_000)):
        now_ns = now_ms * NS_PER_MS
        number, rest = divmod(now_ms, every_ms)
        if not rest and number < packets:
            direction.offer(int(number).to_bytes(4, "big"), now_ns)
        for packet in direction.due(now_ns):
            sent = int.from_bytes(packet[:4], "big")
            arrived.append((sent, now_ms - sent * every_ms))
    return arrived


def test_a_clean_link_passes_everything_at_once_and_in_order() -> None:
    assert carried(link(), 50) == [(number, 0.0) for number in range(50)]


def test_delay_is_the_same_for_all_and_jitter_spreads_around_it() -> None:
    assert {delay for _, delay in carried(link(delay_ms=25.0), 50)} == {25.0}
    delays = [delay for _, delay in carried(link(delay_ms=100.0, jitter_ms=20.0), 500)]
    assert 80.0 <= min(delays) < 85.0
    assert 115.0 < max(delays) <= 121.0


def test_jitter_above_the_distance_between_packets_lets_them_overtake() -> None:
    direction = link(delay_ms=100.0, jitter_ms=20.0)
    order = [number for number, _ in carried(direction, 500)]
    assert order != sorted(order)
    assert sorted(order) == list(range(500))
    assert direction.counts["overtaken"] > 50


def test_loss_follows_its_rate_and_its_seed() -> None:
    first = [number for number, _ in carried(link(loss=0.2), 5000, every_ms=1.0)]
    again = [number for number, _ in carried(link(loss=0.2), 5000, every_ms=1.0)]
    assert first == again
    # Three standard deviations of a binomial: sqrt(5000 · 0.2 · 0.8) = 28.3.
    assert abs(5000 - len(first) - 1000) < 3 * 28.3


def test_patterns_say_which_packet_and_begin_again_with_new_settings() -> None:
    direction = link(loss=(False, True, True))
    assert [number for number, _ in carried(direction, 6)] == [0, 3, 4, 5]
    direction.set(named(delay_ms=(5.0, 5.0, 80.0)))
    assert dict(carried(direction, 4)) == {0: 5.0, 1: 5.0, 2: 80.0, 3: 80.0}
    doubled = link(duplicate=[True, False])
    assert [number for number, _ in carried(doubled, 3)] == [0, 0, 1, 2]


def test_reordered_packets_overtake_those_under_way() -> None:
    order = [number for number, _ in carried(link(delay_ms=25.0, reorder=(False, False, True)), 5)]
    assert order == [2, 0, 1, 3, 4]


def test_a_rate_limit_spaces_packets_and_its_queue_is_bounded() -> None:
    direction = link(rate_bps=80_000.0, queue_bytes=1000)  # 10 bytes a millisecond
    for _ in range(30):
        direction.offer(bytes(100), 0)
    # The queue holds 1000 bytes beside the packet on the line.
    assert direction.counts[Fate.QUEUE_FULL] == 30 - 11
    arrived = [(now_ms, len(direction.due(now_ms * NS_PER_MS))) for now_ms in range(200)]
    assert [now_ms for now_ms, packets in arrived if packets] == list(range(10, 120, 10))


def test_a_cut_loses_what_is_under_way_and_ends_by_itself_or_when_mended() -> None:
    direction = link(delay_ms=25.0)
    direction.offer(b"under way", 0)
    direction.cut(10 * NS_PER_MS, for_ns=100 * NS_PER_MS)
    direction.offer(b"cut off", 109 * NS_PER_MS)
    direction.offer(b"after", 110 * NS_PER_MS)
    assert direction.due(NS_PER_S) == [b"after"]
    assert direction.counts[Fate.CUT] == 2
    direction.cut(NS_PER_S)
    direction.offer(b"lost", 99 * NS_PER_S)
    direction.mend()
    direction.offer(b"mended", 100 * NS_PER_S)
    assert direction.due(101 * NS_PER_S) == [b"mended"]


@pytest.mark.parametrize("mend", [False, True])
def test_a_flipped_bit_is_in_the_payload_and_may_be_hidden_from_the_checksum(mend: bool) -> None:
    direction = link(corrupt=1.0, mend_checksum=mend)
    direction.offer(PACKET, 0)
    (damaged,) = direction.due(0)
    assert damaged[:20] == PACKET[:20]
    assert damaged[28:] != PACKET[28:]
    assert (checksum_mended(damaged) == damaged) is mend


def test_bare_headers_are_not_corrupted() -> None:
    direction = link(corrupt=1.0)
    direction.offer(PACKET[:28], 0)
    assert direction.due(0) == [PACKET[:28]]
    assert direction.counts["corrupted"] == 0


def test_another_source_address_keeps_the_rest_and_the_checksums_right() -> None:
    moved = with_source(PACKET, "10.77.0.9")
    before, after = segment_of(PACKET), segment_of(moved)
    assert before is not None
    assert after is not None
    assert (before.source, after.source) == ("10.77.0.2", "10.77.0.9")
    assert after.source_port == before.source_port == 1234
    assert after.payload == 5
    assert checksum_mended(moved) == moved
    assert with_source(moved, "10.77.0.2") == PACKET


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(TypeError):
        named(dealy_ms=3.0)
