"""What the operator is told of how the video comes in."""

from __future__ import annotations

import pytest

from transport.clock import NS_PER_S
from transport.video_figures import Sample, VideoFigures, figures_of


def test_rates_are_of_the_time_between_two_samples() -> None:
    before = Sample(10 * NS_PER_S, packets=1000, bytes=1_000_000, frames=300)
    now = Sample(12 * NS_PER_S, packets=1480, bytes=1_500_000, frames=360)
    made = figures_of(before, now, 640, 480)
    assert (made.width, made.height) == (640, 480)
    assert made.bitrate_bps == pytest.approx(2_000_000)
    assert made.received_fps == pytest.approx(30.0)


def test_loss_is_the_share_of_what_was_expected() -> None:
    before, now = Sample(0, packets=100, lost=7), Sample(NS_PER_S, packets=190, lost=17)
    assert figures_of(before, now, 0, 0).lost_fraction == pytest.approx(0.1)


def test_copies_that_make_rtps_count_shrink_are_no_negative_loss() -> None:
    before, now = Sample(0, packets=100, lost=7), Sample(NS_PER_S, packets=190, lost=3)
    assert figures_of(before, now, 0, 0).lost_fraction == 0.0


def test_jitter_is_told_in_milliseconds() -> None:
    assert figures_of(Sample(0), Sample(NS_PER_S, jitter_rtp=450), 0, 0).jitter_ms == 5.0


def test_drops_are_told_by_stage() -> None:
    now = Sample(NS_PER_S, abandoned=3, undecoded=2, undecodable=4, key_requests=1, decode_ms=1.5)
    made = figures_of(Sample(0), now, 0, 0)
    assert (made.abandoned, made.undecoded, made.undecodable) == (3, 2, 4)
    assert (made.key_requests, made.decode_ms) == (1, 1.5)


def test_a_connection_without_a_packet_has_no_figures_and_no_error() -> None:
    assert figures_of(Sample(5), Sample(5), 0, 0) == VideoFigures()
