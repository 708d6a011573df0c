"""From packets to frames: whole ones, in order, nothing that builds on what is missing."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transport.arrivals import Arrivals
from transport.clock import NS_PER_MS
from transport.reassembly import (
    ASK_AGAIN_MS,
    START_CODE,
    Backlog,
    Piece,
    Reassembly,
    WholeFrame,
    nal_types,
)

START_NS = 10**12
SPS, IDR, SLICE = b"\x67", b"\x65", b"\x41"


def frame(first: int, number: int, packets: int = 3, *, key: bool = False) -> list[Piece]:
    """One frame of some packets, from sequence number `first` on."""
    head = START_CODE + SPS + b"sets" + START_CODE + IDR if key else START_CODE + SLICE
    return [
        Piece(
            sequence=(first + place) % 65536,
            timestamp=number * 3000,
            marker=place == packets - 1,
            data=(head if place == 0 else b"") + b"%d.%d " % (number, place),
        )
        for place in range(packets)
    ]


def stream(keys: str, packets: int = 3, first: int = 100) -> list[list[Piece]]:
    """Frames by a word: K a key frame, p one that builds on the one before."""
    return [
        frame(first + number * packets, number, packets, key=letter == "K")
        for number, letter in enumerate(keys)
    ]


class Line:
    """Hands packets to the reassembly and notes what comes out."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.reassembly = Reassembly(self.arrivals)
        self.now_ns = START_NS
        self.frames: list[WholeFrame] = []
        self.asked = 0

    def carry(self, *pieces: Piece, every_ms: float = 1.0) -> Line:
        for piece in pieces:
            frames, wants_key = self.reassembly.add(piece, self.now_ns)
            self.frames += frames
            self.asked += wants_key
            self.now_ns += round(every_ms * NS_PER_MS)
        return self

    @property
    def numbers(self) -> list[int]:
        return [whole.timestamp // 3000 for whole in self.frames]


def flat(frames: list[list[Piece]]) -> list[Piece]:
    return [piece for pieces in frames for piece in pieces]


def test_a_frame_is_there_with_its_last_packet() -> None:
    line = Line()
    key = frame(7, 0, key=True)
    line.carry(*key[:2])
    assert line.frames == []
    line.carry(key[2])
    assert [whole.data for whole in line.frames] == [b"".join(piece.data for piece in key)]
    assert line.frames[0].is_key
    assert line.asked == 0


def test_packets_in_another_order_make_the_same_frame() -> None:
    key = frame(7, 0, key=True)
    line = Line().carry(key[2], key[0], key[1])
    assert [whole.data for whole in line.frames] == [b"".join(piece.data for piece in key)]


def test_a_copy_of_a_packet_changes_nothing() -> None:
    line = Line().carry(*[piece for piece in flat(stream("Kpp")) for _ in range(2)])
    assert line.numbers == [0, 1, 2]


def test_frames_behind_a_hole_all_come_when_it_is_filled() -> None:
    frames = stream("Kppp")
    missing = frames[1].pop(1)
    line = Line().carry(*flat(frames))
    assert line.numbers == [0]
    line.carry(missing)
    assert line.numbers == [0, 1, 2, 3]


def test_a_stream_begins_with_a_key_frame() -> None:
    line = Line().carry(*flat(stream("ppKp")))
    assert line.numbers == [2, 3]


def test_a_key_frame_without_its_first_packet_is_not_begun_with() -> None:
    frames = stream("KpKp")
    del frames[0][0]
    assert Line().carry(*flat(frames)).numbers == [2, 3]


def test_a_whole_key_frame_ends_the_wait_for_what_is_lost() -> None:
    frames = stream("KppKp")
    del frames[1][0]
    line = Line().carry(*flat(frames))
    assert line.numbers == [0, 3, 4]
    assert line.reassembly.abandoned == 2


def test_what_comes_after_it_was_given_up_is_too_late() -> None:
    frames = stream("KpKp")
    missing = frames[1].pop(0)
    line = Line().carry(*flat(frames))
    line.carry(missing)
    assert line.numbers == [0, 2, 3]


def test_a_key_frame_is_asked_for_when_the_packet_should_have_been_sent_again() -> None:
    frames = stream("K" + "p" * 30)
    del frames[1][0]
    line = Line().carry(*flat(frames[:1]))
    patience_ms = line.arrivals.patience_ms
    for pieces in frames[1:]:
        line.carry(*pieces, every_ms=5.0)
        waited_ms = (line.now_ns - START_NS) / NS_PER_MS
        if waited_ms < patience_ms:
            assert line.asked == 0
    assert line.asked == 1 + int((30 * 15 - patience_ms) // ASK_AGAIN_MS)


def test_nobody_asks_while_the_first_key_frame_is_on_its_way() -> None:
    line = Line().carry(*frame(7, 0, packets=20, key=True), every_ms=2.0)
    assert (line.numbers, line.asked) == ([0], 0)


def test_a_stream_joined_late_asks_for_a_key_frame() -> None:
    line = Line().carry(*flat(stream("p" * 20)), every_ms=10.0)
    assert line.frames == []
    assert line.asked >= 1


def test_sequence_numbers_wrap() -> None:
    line = Line().carry(*flat(stream("K" + "p" * 20, first=65536 - 20)))
    assert line.numbers == list(range(21))


def test_another_stream_under_the_same_number_begins_anew() -> None:
    line = Line().carry(*flat(stream("Kp", first=100)), *flat(stream("Kpp", first=40_000)))
    assert line.numbers == [0, 1, 0, 1, 2]


def test_what_waits_is_bounded() -> None:
    frames = stream("K" + "p" * 2000)
    del frames[1][0]
    line = Line().carry(*flat(frames), *frame(100 + 3 * 2001, 2001, key=True))
    assert len(line.reassembly._pieces) < 1100
    assert line.numbers[-1] == 2001


@given(
    word=st.text("ppppK", min_size=1, max_size=40).map(lambda tail: "K" + tail),
    packets=st.integers(1, 5),
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.02, 0.2, 0.6]),
    disorder=st.integers(0, 8),
    first=st.integers(0, 65535),
)
def test_nothing_comes_out_that_builds_on_what_is_missing(
    word: str, packets: int, seed: int, loss: float, disorder: int, first: int
) -> None:
    dice = random.Random(seed)
    frames = stream(word, packets, first)
    pieces = [(place + dice.uniform(0, disorder), p) for place, p in enumerate(flat(frames))]
    arriving = [p for _, p in sorted(pieces, key=lambda pair: pair[0]) if dice.random() >= loss]
    line = Line().carry(*arriving)
    for whole, number in zip(line.frames, line.numbers, strict=True):
        assert whole.data == b"".join(piece.data for piece in frames[number])
    for before, after in zip([-1, *line.numbers], line.numbers, strict=False):
        assert after == before + 1 or (after > before and word[after] == "K")
    if loss == 0.0 and disorder == 0:
        assert line.numbers == list(range(len(word)))


def test_types_of_nal_units_are_read_from_their_first_bytes() -> None:
    assert nal_types(START_CODE + SPS + b"x" + START_CODE + IDR + b"y") == {7, 5}
    assert nal_types(b"the middle of a fragmented unit") == set()


# --- waiting for the decoder ---


def whole(number: int, *, key: bool = False) -> WholeFrame:
    return WholeFrame(number, b"%d" % number, is_key=key)


def test_what_waits_for_the_decoder_is_decoded_in_order() -> None:
    backlog = Backlog(130.0)
    for number in range(4):
        assert not backlog.put(whole(number), number * 33 * NS_PER_MS)
    assert [f.timestamp for f in iter(backlog.take, None)] == [0, 1, 2, 3]
    assert backlog.dropped == 0


def test_frames_that_become_whole_at_once_behind_a_repeated_packet_are_all_decoded() -> None:
    backlog = Backlog(130.0)
    assert not any(backlog.put(whole(number), 400 * NS_PER_MS) for number in range(13))
    assert [f.timestamp for f in iter(backlog.take, None)] == list(range(13))
    assert backlog.dropped == 0


def test_a_decoder_that_is_behind_jumps_to_the_next_key_frame() -> None:
    backlog = Backlog(130.0)
    asked = [backlog.put(whole(number), number * 33 * NS_PER_MS) for number in range(8)]
    assert asked == [False] * 4 + [True] + [False] * 3
    assert backlog.take() is None, "nothing that builds on what was dropped"
    backlog.put(whole(8, key=True), 264 * NS_PER_MS)
    backlog.put(whole(9), 297 * NS_PER_MS)
    assert [f.timestamp for f in iter(backlog.take, None)] == [8, 9]
    assert backlog.dropped == 8


def test_a_key_frame_that_does_not_come_is_asked_for_again() -> None:
    backlog = Backlog(130.0)
    asked = [n * 33 for n in range(60) if backlog.put(whole(n), n * 33 * NS_PER_MS)]
    assert asked[0] == 132
    assert [300 <= after - before < 334 for before, after in pairwise(asked)] == [True] * 5


def test_a_key_frame_replaces_what_waits() -> None:
    backlog = Backlog(130.0)
    backlog.put(whole(1), 0)
    backlog.put(whole(2, key=True), 0)
    assert [f.timestamp for f in iter(backlog.take, None)] == [2]
