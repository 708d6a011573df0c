"""Cameras that fail, freeze and change beside one that does not: nothing else stops for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from teleop.robot import Capture, Image, RobotError
from tests.links.test_media_viewers import MediaProcess, watching
from tests.links.video_support import pictures_of, wait_until
from transport.clock import NS_PER_MS, now_ns
from transport.messages import CameraCondition, CameraStatus, RecorderPhase, Role
from transport.video_receiver import VideoReceiver

GOOD, BAD = "front", "rear"
Gives = Callable[[int], Image | Capture | None]


def noise(number: int, height: int = 120, width: int = 160) -> Image:
    return np.random.default_rng(number).integers(40, 200, (height, width, 3), np.uint8)


def live(number: int) -> Capture:
    return Capture(noise(number), now_ns())


def unplugged(number: int) -> None:
    raise RobotError("device rear has gone")


class TwoCameras:
    """Two real cameras, so to speak: what the second gives can be changed."""

    names = (GOOD, BAD)
    width = 160
    height = 120
    noisy = True

    def __init__(self) -> None:
        self.bad: Gives = live
        self.good: Gives = live
        self.opened = 0
        self._number = 0

    def open(self) -> None:
        self.opened += 1

    def render(self, camera: str, state: bytes) -> Image | Capture | None:
        self._number += 1
        return (self.bad if camera == BAD else self.good)(self._number)

    def close(self) -> None:
        pass


class Watched:
    """A media process with a viewer of both cameras, each of which has shown a picture."""

    def __init__(self, process: MediaProcess, rig: TwoCameras, receiver: VideoReceiver) -> None:
        self.process, self.rig, self.receiver = process, rig, receiver
        for camera in rig.names:
            pictures_of(receiver, camera, 3)
        wait_until(lambda: receiver.problem == "", "it was not confirmed")

    def status(self, camera: str = BAD) -> CameraStatus:
        return next(c for c in self.process.media._report().cameras if c.name == camera)

    def becomes(self, condition: CameraCondition, camera: str = BAD) -> CameraStatus:
        """The status that says so; the next one may be another."""
        found: list[CameraStatus] = []

        def there() -> bool:
            found.append(self.status(camera))
            return found[-1].condition is condition

        wait_until(there, f"never {condition}")
        return found[-1]

    def assert_all_else_goes_on(self) -> None:
        """The other camera, the viewer's connection, the recorder."""
        recorder = self.process.media._recorder
        assert recorder is not None
        refused, recorded = recorder.refused_pictures, self.process.media._recorder_status
        self.receiver.mailboxes[GOOD].take()
        for picture in pictures_of(self.receiver, GOOD, 45)[1:]:
            assert picture.decoded_ns - picture.captured_ns < 500 * NS_PER_MS
        assert self.receiver.problem == ""
        assert self.status(GOOD).condition is CameraCondition.LIVE
        assert self.process.media._failure is None
        phase, episode, seconds, _ = self.process.media._recorder_status
        assert (phase, episode) == recorded[:2]
        assert phase is not RecorderPhase.RECORDING or seconds > recorded[2] + 1.0
        assert recorder.refused_pictures - refused <= 2  # of the good camera, all were taken


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    rig = TwoCameras()
    with (
        closing(MediaProcess(tmp_path_factory.mktemp("robot"), rig)) as process,
        watching(process, "driver", Role.OPERATOR, rig.names) as receiver,
    ):
        wait_until(lambda: process.media._recorder is not None, "nobody records")
        yield Watched(process, rig, receiver)


@pytest.fixture
def watched(connected: Watched) -> Watched:
    """One connection for all tests: after each fault it has to go on anyway."""
    connected.rig.good = connected.rig.bad = live
    wait_until(
        lambda: (
            (status := connected.status()).condition is CameraCondition.LIVE
            and (status.height, status.width) == (120, 160)
        ),
        "it did not come back as it was",
    )
    return connected


def test_a_camera_that_is_unplugged_is_told_and_comes_back(watched: Watched) -> None:
    watched.rig.bad = unplugged
    missing = watched.becomes(CameraCondition.MISSING)
    told = r"No picture from rear since \d+ s \(device rear has gone\)"
    assert re.match(told, missing.problem)
    watched.assert_all_else_goes_on()
    wait_until(lambda: watched.status().since_s > 3.0, "time stands still")
    old = pictures_of(watched.receiver, BAD, 2)[-1]  # the last one, sent again; it looks its age
    assert old.decoded_ns - old.captured_ns > 2000 * NS_PER_MS
    assert watched.receiver.problem == ""
    watched.rig.bad = live
    assert watched.becomes(CameraCondition.LIVE).problem == ""
    wait_until(
        lambda: (
            (p := watched.receiver.mailboxes[BAD].take()) is not None
            and p.decoded_ns - p.captured_ns < 500 * NS_PER_MS
        ),
        "no young picture came",
    )


def test_a_camera_that_gives_nothing_at_all_is_told(watched: Watched) -> None:
    watched.rig.bad = lambda _: None
    assert "No picture from rear" in watched.becomes(CameraCondition.MISSING).problem
    watched.assert_all_else_goes_on()


@pytest.mark.parametrize("what", ["one picture for ever", "capture time stands still"])
def test_a_camera_that_freezes_is_told_apart_from_a_lost_link(watched: Watched, what: str) -> None:
    still, stamp_ns = noise(0), now_ns()
    if what == "one picture for ever":
        watched.rig.bad = lambda _: Capture(still.copy(), now_ns())
    else:
        watched.rig.bad = lambda number: Capture(noise(number), stamp_ns)
    assert "repeats one picture" in watched.becomes(CameraCondition.FROZEN).problem
    watched.assert_all_else_goes_on()
    assert watched.status().repeated > 30


def test_a_driver_that_raises_whatever_it_likes_ends_nothing(watched: Watched) -> None:
    def broken(number: int) -> None:
        raise (ValueError, OSError, KeyError, ZeroDivisionError)[number % 4]("oops")

    watched.rig.bad = broken
    watched.becomes(CameraCondition.MISSING)
    watched.assert_all_else_goes_on()


def test_a_rig_whose_cameras_all_fail_is_opened_again(watched: Watched) -> None:
    watched.rig.good = watched.rig.bad = unplugged
    wait_until(lambda: watched.rig.opened > 1, "it was not opened again")
    assert watched.process.media._failure is None
    watched.rig.good = watched.rig.bad = live
    watched.becomes(CameraCondition.LIVE)
    watched.becomes(CameraCondition.LIVE, GOOD)
    watched.assert_all_else_goes_on()


@pytest.mark.parametrize(
    ("shape", "shown"),
    [((240, 320, 3), (240, 320)), ((60, 80), (60, 80)), ((121, 161, 4), (120, 160))],
)
def test_a_picture_may_change_size_and_format_in_mid_stream(
    watched: Watched, shape: tuple[int, ...], shown: tuple[int, int]
) -> None:
    before = watched.status().unrecorded
    watched.rig.bad = lambda n: Capture(
        np.random.default_rng(n).integers(40, 200, shape, np.uint8), now_ns()
    )
    wait_until(
        lambda: (
            (p := watched.receiver.mailboxes[BAD].take()) is not None
            and p.bgra.shape[:2] == shown
            and p.decoded_ns - p.captured_ns < 500 * NS_PER_MS
        ),
        "the new size never came",
    )
    status = watched.status()
    assert (status.height, status.width) == shown
    other = shown != (120, 160)
    assert (status.unrecorded > before) is other
    assert ("recorded are 160x120: its pictures are shown" in status.problem) is other
    watched.assert_all_else_goes_on()


def test_black_and_unusable_pictures_are_counted(watched: Watched) -> None:
    watched.rig.bad = lambda _: Capture(np.zeros((120, 160, 3), np.uint8), now_ns())
    # Of a sensor that has noise two equal pictures are a frozen one; one black one is enough here.
    wait_until(lambda: watched.status().black >= 1, "no black picture was seen")
    watched.rig.bad = lambda _: np.zeros((3, 3), np.float64)  # type: ignore[assignment,return-value]
    wait_until(lambda: watched.status().unusable > 3, "no broken picture was seen")
    watched.assert_all_else_goes_on()


def test_a_viewer_who_comes_while_a_camera_is_away_sees_the_others(tmp_path: Path) -> None:
    rig = TwoCameras()
    rig.bad = unplugged
    with (
        closing(MediaProcess(tmp_path, rig)) as process,
        watching(process, "driver", Role.OPERATOR, rig.names) as receiver,
    ):
        wait_until(lambda: process.media._recorder is not None, "nobody records")
        Watched(process, rig, receiver).assert_all_else_goes_on()
