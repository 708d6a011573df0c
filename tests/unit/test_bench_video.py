"""What the video bench makes of stamps, and the bad line that it measures on."""

from __future__ import annotations

import pytest

from teleop.bench import row
from teleop.bench_lossy import redirected
from teleop.bench_video_figures import (
    Frames,
    Shown,
    ages_ms,
    longest_gap_ms,
    rate_hz,
    share_younger,
)
from transport.clock import NS_PER_MS

MS = NS_PER_MS


def test_notes_of_a_long_run_are_a_sequence_like_any_other() -> None:
    notes, listed = Frames(), steady(5)
    for frame in listed:
        notes.append(frame)
    assert (list(notes), len(notes), notes[-1], notes[1:3]) == (listed, 5, listed[-1], listed[1:3])
    assert ages_ms(notes) == ages_ms(listed)


def steady(frames: int, age_ms: int = 10, every_ms: int = 100) -> list[Shown]:
    return [Shown(n * every_ms * MS, (n * every_ms + age_ms) * MS) for n in range(frames)]


def test_ages_are_from_capture_to_decoded() -> None:
    assert ages_ms(steady(3, age_ms=7)) == [7.0, 7.0, 7.0]


def test_a_steady_stream_is_young_all_the_time() -> None:
    assert share_younger(steady(10), 200.0, 1000 * MS) == 1.0


def test_a_gap_counts_from_the_moment_the_last_picture_is_too_old() -> None:
    frames = [Shown(0, 10 * MS), Shown(900 * MS, 1000 * MS)]
    # Of 990 ms until the second and 10 more: young until 200 ms after the first capture, and then
    # from 1000 ms on.
    assert share_younger(frames, 200.0, 1010 * MS) == pytest.approx((190 + 10) / 1000)


def test_a_frame_that_comes_late_is_old_at_once() -> None:
    assert share_younger([Shown(0, 300 * MS)], 200.0, 400 * MS) == 0.0


def test_an_older_frame_that_comes_later_does_not_make_the_picture_older() -> None:
    frames = [Shown(100 * MS, 110 * MS), Shown(0, 120 * MS)]
    assert share_younger(frames, 200.0, 300 * MS) == 1.0


def test_without_frames_there_is_no_share() -> None:
    assert share_younger([], 200.0, 1000 * MS) is None


def test_rate_and_longest_gap() -> None:
    frames = [*steady(5), Shown(900 * MS, 910 * MS)]
    assert longest_gap_ms(frames) == 500.0
    assert rate_hz(steady(11)) == pytest.approx(10.0)


def test_a_row_of_more_is_met_from_its_target_on() -> None:
    made = row("share", 0.96, "", at_least=0.95, peer=0.48)
    assert (made.met, made.ratio, made.more_is_better) == (True, 2.0, True)
    assert row("share", 0.94, "", at_least=0.95).met is False


SDP = (
    "v=0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 40123 typ host\r\n"
    "a=candidate:2 1 tcp 1 127.0.0.1 9 typ host\r\n"
)


def test_a_description_is_turned_to_the_relay() -> None:
    changed, port = redirected(SDP, 5000)
    assert port == 40123
    assert "127.0.0.1 5000 typ host" in changed
    assert "40123" not in changed


def test_a_description_without_a_way_over_udp_is_refused() -> None:
    with pytest.raises(ValueError, match="no UDP host candidate"):
        redirected("v=0\r\n", 5000)
