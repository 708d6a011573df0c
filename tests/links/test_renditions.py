"""A viewer takes a camera large or small, without a new connection; others notice nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.links.test_camera_faults import GOOD, TwoCameras
from tests.links.test_media_viewers import MediaProcess, watching
from tests.links.video_support import pictures_of, wait_until
from transport.messages import Rendition, Role, VideoChoose, VideoChosen
from transport.rate_control import SMALL_FPS, limits_for
from transport.video_receiver import VideoReceiver
from transport.viewer_track import stream_of
from transport.viewers import ViewerId

SMALL = stream_of(GOOD, Rendition.SMALL)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[MediaProcess]:
    with closing(MediaProcess(tmp_path, TwoCameras())) as made:
        yield made


def choose(process: MediaProcess, viewer: ViewerId, rendition: Rendition) -> VideoChosen:
    """Over the channel's own handler; the key is the one that its socket has authenticated."""
    wish = VideoChoose(request_id=7, session=viewer.session, camera=GOOD, rendition=rendition)
    answer = process.media._sender.hear(viewer.key, wish, may_drive=True)
    assert isinstance(answer, VideoChosen)
    return answer


def shows(receiver: VideoReceiver, size: tuple[int, int]) -> None:
    def seen() -> bool:
        picture = receiver.mailboxes[GOOD].take()
        return picture is not None and picture.bgra.shape[:2] == size

    wait_until(seen, f"no picture of {size} came")


def test_a_viewer_switches_to_the_small_rendition_and_back(process: MediaProcess) -> None:
    sender = process.media._sender
    with (
        watching(process, "driver", Role.OPERATOR, (GOOD,)) as driver,
        watching(process, "second", Role.OPERATOR, (GOOD,)) as second,
    ):
        pictures_of(second, GOOD, 3)
        pictures_of(driver, GOOD, 3)
        for receiver in (driver, second):
            wait_until(lambda r=receiver: r.problem == "", "it was not confirmed")  # type: ignore[misc]
        assert sender.viewers(SMALL) == 0
        assert process.media._streams[SMALL].encoded == 0
        viewer = next(iter(sender._viewers))
        assert choose(process, viewer, Rendition.SMALL).ok
        wait_until(lambda: sender.viewers(GOOD) == 1, "it was not switched")
        wait_until(
            lambda: sorted([_size_of(driver), _size_of(second)]) == [(60, 80), (120, 160)],
            "one of them sees a small picture",
        )
        assert sender.plan(SMALL).fps <= SMALL_FPS
        assert choose(process, viewer, Rendition.FULL).ok
        wait_until(lambda: sender.viewers(SMALL) == 0, "it was not switched back")
        shows(driver, (120, 160))
        shows(second, (120, 160))
        assert (driver.problem, second.problem) == ("", "")
        encoded = process.media._streams[SMALL].encoded
        pictures_of(driver, GOOD, 30)
        assert process.media._streams[SMALL].encoded == encoded


def test_who_only_watches_is_followed_where_no_driver_looks(process: MediaProcess) -> None:
    sender = process.media._sender
    with watching(process, "driver", Role.OPERATOR, (GOOD,)) as driver:
        pictures_of(driver, GOOD, 3)
        viewer = next(iter(sender._viewers))
        with watching(process, "watcher", Role.OBSERVER, (GOOD,)) as watcher:
            pictures_of(watcher, GOOD, 3)
            track = next(v for key, v in sender._viewers.items() if key != viewer).tracks[0]
            assert not track.followed
            wait_until(lambda: driver.problem == "", "it was not confirmed")
            assert choose(process, viewer, Rendition.SMALL).ok
            wait_until(lambda: track.followed, "nobody says how much the full one may have")


def test_a_console_fetches_a_camera_as_large_as_it_shows_it(process: MediaProcess) -> None:
    sender = process.media._sender
    with watching(process, "driver", Role.OPERATOR, (GOOD,)) as driver:
        shows(driver, (120, 160))
        driver.show_at(GOOD, 60)
        shows(driver, (60, 80))
        driver.show_at(GOOD, 0)
        shows(driver, (120, 160))
        wait_until(lambda: sender.viewers(SMALL) == 0, "the small one is still sent")
        assert driver.problem == ""


def _size_of(receiver: VideoReceiver) -> tuple[int, ...]:
    return pictures_of(receiver, GOOD, 3)[-1].bgra.shape[:2]


def test_nobody_chooses_for_another_key_or_a_camera_that_is_not_shown(
    process: MediaProcess,
) -> None:
    sender = process.media._sender
    with watching(process, "driver", Role.OPERATOR, (GOOD,)) as driver:
        pictures_of(driver, GOOD, 3)
        (viewer,) = sender._viewers
        stranger = choose(process, ViewerId("another key", viewer.session), Rendition.SMALL)
        assert not stranger.ok
        assert "connect first" in stranger.reason
        wish = VideoChoose(
            request_id=1, session=viewer.session, camera="rear", rendition=Rendition.SMALL
        )
        assert not sender.choose(viewer.key, wish).ok
        assert sender.viewers(SMALL) == 0


def test_a_small_rendition_costs_a_fraction() -> None:
    full = limits_for(640, 480, 30.0)
    small = full.small()
    assert small.fps == SMALL_FPS
    assert 4 * small.ceiling_bps < full.ceiling_bps
    assert small.floor_bps < full.floor_bps
