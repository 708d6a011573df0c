"""The age of each camera's pictures in the log, as long as pictures are shown."""

from __future__ import annotations

import logging

import pytest

from tests.console.fakes import picture
from transport.clock import NS_PER_MS, NS_PER_S
from transport.mailbox import Mailbox
from ui.camera_feed import CameraFeed
from ui.picture_log import KEPT, PictureLog, Shown, sentence

AGES = tuple(float(ms) for ms in range(1, 101))


@pytest.mark.parametrize(
    ("cameras", "line"),
    [
        ([], ""),
        ([Shown("front", (), 0.0)], ""),
        (
            [Shown("front", (14.2, 14.4, 26.0), 29.8), Shown("ceiling", (23.0, 31.4), 30.2)],
            "pictures: front 14/26 ms old (p50/p99), 30 fps; ceiling 23/31 ms, 30 fps",
        ),
        (
            [Shown("front", (), 30.0), Shown("ceiling", AGES, 15.0)],
            "pictures: front of unknown age, 30 fps; ceiling 50/99 ms old (p50/p99), 15 fps",
        ),
        (
            [Shown("front", AGES, 30.0), Shown("rear", (), 0.0)],
            "pictures: front 50/99 ms old (p50/p99), 30 fps; rear none",
        ),
    ],
)
def test_the_line(cameras: list[Shown], line: str) -> None:
    assert sentence(cameras) == line


def paint(feed: CameraFeed, at_ns: int, age_ms: int) -> None:
    """As a view does it; the robot's clock is this one."""
    feed.mailbox.put(picture(feed.camera, captured_ns=at_ns - age_ms * NS_PER_MS))
    assert feed.take()
    feed.painted += 1
    feed.note_painted(at_ns)
    feed.view(0, at_ns)


def seconds_of(feed: CameraFeed, kept: PictureLog, begin_s: int, end_s: int, age_ms: int) -> None:
    """Ten pictures in each second."""
    for number in range(begin_s * 10, end_s * 10):
        now_ns = number * NS_PER_S // 10
        paint(feed, now_ns, age_ms)
        kept.look(now_ns)


def test_a_line_every_ten_seconds_of_what_was_painted_in_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = CameraFeed("front", Mailbox())
    kept = PictureLog([feed], 0)
    with caplog.at_level(logging.INFO, "ui"):
        seconds_of(feed, kept, 0, 10, 20)
        assert caplog.messages == []
        seconds_of(feed, kept, 10, 25, 40)
    assert caplog.messages == [
        "pictures: front 20/20 ms old (p50/p99), 10 fps",
        "pictures: front 40/40 ms old (p50/p99), 10 fps",
    ]
    kept.gather(25 * NS_PER_S)
    assert len(kept.ages_ms["front"]) == 249, "each once, but what was painted at the very start"


def test_no_line_while_nothing_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    feed = CameraFeed("front", Mailbox())
    kept = PictureLog([feed], 0)
    with caplog.at_level(logging.INFO, "ui"):
        for second in range(60):
            kept.look(second * NS_PER_S)
    assert caplog.messages == []


def test_a_long_session_keeps_a_bounded_number_of_ages() -> None:
    feed = CameraFeed("front", Mailbox())
    kept = PictureLog([feed], 0)
    kept.ages_ms["front"] = [1.0] * (KEPT - 1)
    seconds_of(feed, kept, 0, 3, 20)
    assert len(kept.ages_ms["front"]) == KEPT
