"""The ring keeps at least ten seconds, begins with a key frame, and is bounded."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.episode import GOP_ROWS, EpisodeError, camera_file, episode_id, is_episode_id
from recorder.preroll import EncodedRow, PrerollRing
from recorder.video_track import VideoTrack
from tests.unit.recorder_support import session, stamp
from transport.clock import NS_PER_S
from transport.i420 import ToI420, black
from transport.messages import Tick

BLANK = next(session())


def tick(number: int, stamp_ns: int | None = None) -> Tick:
    return msgspec.structs.replace(
        BLANK, tick=number, stamp_ns=stamp(number) if stamp_ns is None else stamp_ns
    )


def fill(ring: PrerollRing, ticks: int, lag_rows: int) -> None:
    for number in range(ticks):
        row = number // 2 if number % 2 == 0 else None
        ring.add_tick(tick(number), row)
        if row is not None and row >= lag_rows:
            done = row - lag_rows
            ring.add_row(EncodedRow(done, done * 2, stamp(done * 2), {}))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1500), st.integers(0, 5))
def test_ring_begins_with_a_key_frame_and_holds_ten_seconds(ticks: int, lag_rows: int) -> None:
    ring = PrerollRing()
    fill(ring, ticks, lag_rows)
    content = ring.content()
    assert content is not None
    assert content.first_row % GOP_ROWS == 0
    assert content.ticks[0].tick == content.first_row * 2
    assert [t.tick for t in content.ticks] == list(range(content.first_row * 2, ticks))
    span_s = (content.ticks[-1].stamp_ns - content.ticks[0].stamp_ns) / NS_PER_S
    assert span_s <= 10.6
    if ticks > 10.6 * 60:
        assert span_s >= 10.0
    last_row = (ticks - 1) // 2 - lag_rows
    rows = [row.row for row in content.rows]
    assert rows == list(range(content.first_row, last_row + 1))


def test_nothing_before_the_first_key_frame() -> None:
    ring = PrerollRing()
    ring.add_tick(tick(1), None)
    assert ring.content() is None


def test_ring_is_bounded_even_when_stamps_stand_still() -> None:
    ring = PrerollRing()
    for number in range(10_000):
        ring.add_tick(tick(number, 5), number // 2 if number % 2 == 0 else None)
    content = ring.content()
    assert content is not None
    assert len(content.ticks) < 2000
    for number in range(10_000, 20_000):
        ring.add_tick(tick(number, 5), None)  # no rows any more
    content = ring.content()
    assert content is not None
    assert len(content.ticks) < 2000


def test_encoder_gives_one_packet_a_row_and_keys_on_the_grid() -> None:
    track = VideoTrack(64, 48)
    picture = black(64, 48)
    packets = [track.encode(picture if row % 4 else None) for row in range(40)]
    assert [row for row, packet in enumerate(packets) if packet.key] == [0, 15, 30]


def test_a_scene_cut_makes_no_key_frame() -> None:
    track = VideoTrack(64, 48)
    noise = np.random.default_rng(1).integers(0, 255, (30, 48, 64, 3), np.uint8)
    assert [i for i, p in enumerate(noise) if track.encode(ToI420()(p)).key] == [0, 15]


def test_odd_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        VideoTrack(63, 48)


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10))
def test_ids_have_the_form_of_ulids_and_sort_by_time(wall_ms: int, entropy: bytes) -> None:
    one = episode_id(wall_ms, entropy)
    assert is_episode_id(one)
    assert one < episode_id(wall_ms + 1, bytes(10))


def test_camera_names_stay_in_the_folder() -> None:
    assert camera_file("front_1") == "cam_front_1.mkv"
    with pytest.raises(EpisodeError):
        camera_file("../front")
