"""A rewind as it is put together from parts, and its pictures in whatever order."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from teleop import rewind_reader
from teleop.rewind import Gathering, Rewind
from teleop.rewind_reader import Pixels, RewindReader, Scrubber, rewind_pictures
from teleop.rewinds import Rewinds
from tests.unit.recorder_support import (
    description,
    feed,
    number_of,
    recorder,
    session,
    stamp,
)
from transport.archive_messages import (
    PART_BYTES,
    RewindFrame,
    RewindIndex,
    RewindPart,
    RewindRequest,
    Traces,
)
from transport.messages import Call, Calling, MalformedMessage

CALLED = 720  # the tick; 12 s after the start
HANG_S = 20.0
NO_TRACES = Traces(before_ms=(), speed_mps=(), asked_mps=(), motor_a=(), bumper=(), events=())


@pytest.fixture(scope="module")
def rewind(tmp_path_factory: pytest.TempPathFactory) -> Rewind:
    """Of a real recorder whose pictures show the number of their row."""
    rec = recorder(tmp_path_factory.mktemp("episodes"))
    feed(rec, (tick for tick in session(before=CALLED) if tick.tick <= CALLED))
    rewinds = Rewinds(("front", "rear"))
    call = Call(call_id=3, reason="Wedged", detail="", stamp_ns=stamp(CALLED))
    rewinds.hear(Calling(boot_id="boot", call=call), rec.preroll(), description())
    rec.close(stamp(CALLED + 1))
    gathering, whole = Gathering(), None
    while whole is None:
        part = rewinds.part(
            RewindRequest(request_id=1, call_id=3, camera="front", part=gathering.next_part)
        )
        assert isinstance(part, RewindPart)
        whole = gathering.take(part)
    return whole


def row_of(rewind: Rewind, index: int) -> int:
    """Of the recorder: two ticks, 33.3 ms, for each."""
    return round(CALLED / 2 - rewind.before_s(index) * 30)


def shown(pixels: Pixels) -> int:
    return number_of(pixels)


def part(data: bytes, number: int = 0, parts: int = 1, *, index: RewindIndex | None) -> RewindPart:
    return RewindPart(
        request_id=1, call_id=1, camera="front", part=number, parts=parts, frames=data, index=index
    )


def index_of(*sizes: int, **changes: object) -> RewindIndex:
    frames = tuple(
        RewindFrame(before_ms=1000.0 - 33 * at, size=size, key=at == 0, repeated=False)
        for at, size in enumerate(sizes)
    )
    whole = RewindIndex(called_ns=5, frames=frames, traces=NO_TRACES)
    return structs.replace(whole, **changes)


# --- put together ---


@given(st.data())
def test_whatever_the_sizes_each_frame_gets_its_own_bytes(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, PART_BYTES), min_size=1, max_size=6))
    frames = [bytes([at]) * size for at, size in enumerate(sizes)]
    whole = b"".join(frames)
    cuts = [whole[at : at + PART_BYTES] for at in range(0, len(whole), PART_BYTES)]
    gathering, found = Gathering(), None
    for number, cut in enumerate(cuts):
        assert found is None
        assert gathering.next_part == number
        index = index_of(*sizes) if number == 0 else None
        found = gathering.take(part(cut, number, len(cuts), index=index))
    assert found is not None
    assert list(found.packets) == frames
    assert (found.call_id, found.camera, found.called_ns) == (1, "front", 5)


FULL = b"x" * PART_BYTES
HOSTILE = {
    "no index": [part(b"x", index=None)],
    "a later part first": [part(b"x", 1, 2, index=None)],
    "the same part twice": [
        part(FULL, 0, 3, index=index_of(9)),
        part(FULL, 0, 3, index=index_of(9)),
    ],
    "an index again": [part(FULL, 0, 2, index=index_of(9)), part(b"x", 1, 2, index=index_of(9))],
    "another number of parts": [part(FULL, 0, 2, index=index_of(9)), part(FULL, 1, 3, index=None)],
    "a short part": [part(b"x", 0, 2, index=index_of(1))],
    "another call": [
        part(FULL, 0, 2, index=index_of(9)),
        structs.replace(part(b"x", 1, 2, index=None), call_id=2),
    ],
    "another camera": [
        part(FULL, 0, 2, index=index_of(9)),
        structs.replace(part(b"x", 1, 2, index=None), camera="rear"),
    ],
    "too few bytes": [part(b"xx", index=index_of(1, 2))],
    "too many bytes": [part(b"xxxx", index=index_of(1, 2))],
    "no key frame first": [
        part(
            b"x",
            index=index_of(
                1, frames=(RewindFrame(before_ms=1.0, size=1, key=False, repeated=False),)
            ),
        )
    ],
    "time that runs back": [
        part(
            b"xx",
            index=index_of(
                1,
                frames=(
                    RewindFrame(before_ms=1.0, size=1, key=True, repeated=False),
                    RewindFrame(before_ms=2.0, size=1, key=False, repeated=False),
                ),
            ),
        )
    ],
    "traces of two lengths": [
        part(
            b"x",
            index=index_of(
                1, traces=structs.replace(NO_TRACES, before_ms=(2.0, 1.0), motor_a=(1.0,))
            ),
        )
    ],
}


@pytest.mark.parametrize("parts", HOSTILE.values(), ids=HOSTILE)
def test_parts_that_do_not_fit_together_are_refused(parts: list[RewindPart]) -> None:
    gathering = Gathering()
    for good in parts[:-1]:
        gathering.take(good)
    with pytest.raises(MalformedMessage):
        gathering.take(parts[-1])


# --- its time ---


def test_a_time_before_the_call_is_the_frame_that_was_shown_then(rewind: Rewind) -> None:
    for index in (0, 1, 150, len(rewind.frames) - 1):
        assert rewind.index_at(rewind.before_s(index)) == index
        assert rewind.index_at(rewind.before_s(index) - 0.01) == index
    assert rewind.index_at(1e6) == 0
    assert rewind.index_at(-1.0) == len(rewind.frames) - 1


# --- its pictures ---


def test_all_pictures_come_in_order_with_their_time(rewind: Rewind) -> None:
    seen = [(before_s, shown(pixels)) for before_s, pixels in rewind_pictures(rewind)]
    assert [number for _, number in seen] == [row_of(rewind, at) for at in range(len(seen))]
    assert len(seen) == len(rewind.frames) >= 300
    assert [before_s for before_s, _ in seen] == sorted((b for b, _ in seen), reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_is_that_of_its_frame_in_any_order(rewind: Rewind, seed: int) -> None:
    reader = RewindReader(rewind)
    last = len(rewind.frames) - 1
    indices = [0, 1, 2, 14, 15, 16, last, last, last - 1, 0]
    indices += random.Random(seed).choices(range(last + 1), k=40)
    for index in indices:
        pixels = reader.picture(index)
        assert pixels.shape == (48, 64, 4)
        assert shown(pixels) == row_of(rewind, index), index


@pytest.mark.parametrize("index", [-1, 10_000])
def test_a_frame_that_there_is_not_is_told(rewind: Rewind, index: int) -> None:
    with pytest.raises(IndexError, match="no frame"):
        RewindReader(rewind).picture(index)


def damaged(rewind: Rewind, index: int, data: bytes) -> Rewind:
    packets = list(rewind.packets)
    packets[index] = data
    return Rewind(
        rewind.call_id,
        rewind.camera,
        rewind.called_ns,
        rewind.frames,
        tuple(packets),
        rewind.traces,
    )


def test_a_frame_that_is_none_is_told_and_the_next_group_is_shown(rewind: Rewind) -> None:
    reader = RewindReader(damaged(rewind, 20, b"no H.264"))
    with pytest.raises(ValueError, match="frame 20 of the rewind is damaged"):
        reader.picture(20)
    next_key = next(at for at in range(21, 60) if rewind.frames[at].key)
    assert shown(reader.picture(next_key)) == row_of(rewind, next_key)
    assert shown(reader.picture(0)) == row_of(rewind, 0)


@given(noise=st.binary(min_size=1, max_size=400), at=st.integers(0, 400))
def test_no_bytes_of_a_robot_raise_anything_else(rewind: Rewind, noise: bytes, at: int) -> None:
    whole = rewind.packets[15]
    reader = RewindReader(damaged(rewind, 15, whole[:at] + noise + whole[at + len(noise) :]))
    for index in (15, 16):
        try:
            reader.picture(index)
        except ValueError:
            continue


def test_a_picture_that_is_far_too_large_is_not_decoded(
    rewind: Rewind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewind_reader, "MOST_PIXELS", 64 * 48 - 1)
    with pytest.raises(ValueError, match="damaged"):
        RewindReader(rewind).picture(0)


def test_whoever_scrubs_sees_what_was_asked_for_last(rewind: Rewind) -> None:
    first, seen, arrived = threading.Event(), list[tuple[int, int]](), threading.Event()
    goes_on = threading.Event()

    def show(index: int, pixels: Pixels) -> None:
        seen.append((index, shown(pixels)))
        first.set()
        goes_on.wait(HANG_S)
        if index == 200:
            arrived.set()

    scrubber = Scrubber(rewind, show)
    try:
        scrubber.show(10)
        assert first.wait(HANG_S)
        for index in (*range(20, 100), 9999, 200):
            scrubber.show(index)
        goes_on.set()
        assert arrived.wait(HANG_S)
    finally:
        scrubber.close()
    scrubber.close()
    assert seen == [(10, row_of(rewind, 10)), (200, row_of(rewind, 200))]


def test_pixels_are_those_of_a_window(rewind: Rewind) -> None:
    pixels = RewindReader(rewind).picture(0)
    assert pixels.dtype == np.uint8
    assert np.all(pixels[..., 3] == 255)
