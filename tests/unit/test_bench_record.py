"""What the record bench makes of episodes, its film, and how it finds the peer's quality."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.video_track import VideoTrack
from teleop.bench_film import PICTURES, BenchCameras, film
from teleop.bench_quality import SIZE, Quality, at_quality, judged
from teleop.bench_record import SIZES, Proof, Save, lost_rows, save_rows, verdict_rows
from transport.i420 import black


def saved(wait_ms: float = 40.0, **changes: float) -> Save:
    known: dict[str, float] = {
        "from_hand_back_ms": wait_ms + 1000.0,
        "late_ticks": 0,
        "lost_rows": 0,
        "rows_without_frame": 0,
        "unsound": 0,
        "repeated": 0,
        "frames": 1200,
        "viewer_hz": 30.0,
        "cores": 1.1,
        "bytes": 2_000_000,
        "seconds": 20.0,
    }
    return Save(wait_ms=wait_ms, **{**known, **changes})  # type: ignore[arg-type]


def values(saves: list[Save]) -> dict[str, tuple[float | None, bool | None]]:
    rows = save_rows(SIZES[0], saves)
    return {row.name.partition(": ")[2]: (row.value, row.met) for row in rows}


def test_the_wait_is_the_median_and_has_a_target() -> None:
    told = values([saved(40.0), saved(500.0), saved(60.0)])
    assert told["wait after an episode until it is on the disk, median"] == (60.0, True)
    assert told["the longest of 3"] == (500.0, None)


def test_one_late_tick_misses_the_target() -> None:
    told = values([saved(), saved(late_ticks=1)])
    assert told["late control ticks"] == (1.0, False)
    assert told["lost rows"] == (0.0, True)


def test_a_minute_is_a_minute_of_recording() -> None:
    assert values([saved()])["size of a minute"] == (6.0, None)


def test_an_episode_that_never_reached_the_disk_misses_the_target() -> None:
    assert values([saved()] * 4)["episodes on the disk, of 5"] == (4.0, False)
    assert values([saved()] * 5)["episodes on the disk, of 5"] == (5.0, True)


def test_a_verdict_that_comes_late_or_not_at_all_misses_its_target() -> None:
    def met(*waits: float) -> list[bool | None]:
        return [row.met for row in verdict_rows([Proof("EXACT", w, w + 1000.0) for w in waits])]

    assert met(900.0, 1200.0, 9000.0) == [True, True, None]
    assert met(2100.0, 2200.0, 900.0) == [True, False, None]
    assert met(900.0, 1200.0) == [False, True, None]
    assert met() == [False, None, None]


def test_no_episode_claims_nothing_else() -> None:
    told = values([])
    assert told.pop("episodes on the disk, of 5") == (0.0, False)
    assert {value for value, _ in told.values()} == {None}


@given(st.integers(0, 500), st.integers(0, 500))
def test_every_even_tick_is_due_a_row(first: int, length: int) -> None:
    last = first + length
    due = sum(tick % 2 == 0 for tick in range(first, last + 1))
    assert lost_rows(first, last, due) == 0
    assert lost_rows(first, last, due - 3) == 3


def test_the_film_moves_has_noise_and_is_the_same_each_time() -> None:
    one, again = film(64, 48, 3), film(64, 48, 3)
    assert all((a.planes == b.planes).all() for a, b in zip(one, again, strict=True))
    changed = np.abs(one[0].luma.astype(int) - one[1].luma.astype(int))
    assert 0.5 < np.median(changed) < 6.0
    assert changed.max() > 50


def test_a_camera_gives_each_picture_as_one_of_its_own() -> None:
    cameras = BenchCameras.of("64x48")
    first = cameras.render("front", b"")
    for _ in range(PICTURES):
        last = cameras.render("front", b"")
    assert (first.picture.planes == last.picture.planes).all()
    assert first.picture.planes is not last.picture.planes
    assert last.captured_ns > first.captured_ns


@pytest.mark.parametrize(("wanted", "crf"), [(0.5, 50), (0.995, 1), (0.0, 63)])
def test_the_crf_of_a_quality_is_the_largest_that_reaches_it(wanted: float, crf: int) -> None:
    found, quality = at_quality(lambda tried: Quality(100, 1.0 - tried / 100, 40.0), wanted)
    assert found == crf
    assert quality.ssim == 1.0 - crf / 100


def test_quality_is_judged_against_the_film_itself() -> None:
    pictures = [black(*SIZE)] * 5
    track = VideoTrack(*SIZE)
    packets = [track.encode(picture).data for picture in pictures]
    same = judged(pictures, packets, "h264")
    assert same.ssim == pytest.approx(1.0)
    assert same.mb_per_minute == pytest.approx(sum(map(len, packets)) / 5 * 30 * 60 * 2 / 1e6)
    other = film(*SIZE, 5)
    assert judged(other, packets, "h264").ssim < 0.5
