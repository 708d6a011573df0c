"""Pictures begin when the robot has named its cameras, and begin anew when it has others."""

from __future__ import annotations

from typing import cast

import pytest

from tests.console.fakes import FakeVideo
from transport.video_receiver import VideoReceiver
from ui.robot_pictures import WAITS, RobotPictures


class Opened:
    """Remembers which receivers were opened."""

    def __init__(self) -> None:
        self.receivers: list[FakeVideo] = []

    def __call__(self, cameras: tuple[str, ...]) -> VideoReceiver:
        self.receivers.append(FakeVideo(cameras))
        return cast(VideoReceiver, self.receivers[-1])


@pytest.fixture
def opened() -> Opened:
    return Opened()


def test_before_the_robot_has_named_them_there_is_nothing_to_receive(opened: Opened) -> None:
    pictures = RobotPictures(opened)
    pictures.start()
    assert (opened.receivers, pictures.mailboxes, pictures.problem) == ([], {}, WAITS)


def test_they_are_received_as_soon_as_they_are_known(opened: Opened) -> None:
    pictures = RobotPictures(opened)
    woken: list[int] = []
    pictures.subscribe(lambda: woken.append(1))
    pictures.start()
    assert pictures.expect(["front", "rear"])
    assert list(pictures.mailboxes) == ["front", "rear"]
    assert opened.receivers[0].started
    opened.receivers[0].on_wake()
    assert woken == [1]


def test_the_same_cameras_once_more_change_nothing(opened: Opened) -> None:
    pictures = RobotPictures(opened)
    pictures.expect(["front"])
    assert not pictures.expect(["front"])
    assert not pictures.expect([])
    assert len(opened.receivers) == 1


def test_other_cameras_need_another_connection(opened: Opened) -> None:
    pictures = RobotPictures(opened)
    pictures.start()
    pictures.expect(["front"])
    before = pictures.mailboxes
    pictures.expect(["front", "rear"])
    assert pictures.mailboxes is not before
    assert opened.receivers[1].started


def test_cameras_that_somebody_asked_for_are_not_asked_of_the_robot(opened: Opened) -> None:
    pictures = RobotPictures(opened, ("rear",))
    assert list(pictures.mailboxes) == ["rear"]
    assert not pictures.expect(["front", "rear"])


def test_nothing_is_received_after_the_end(opened: Opened) -> None:
    pictures = RobotPictures(opened)
    pictures.close()
    assert not pictures.expect(["front"])
    assert opened.receivers == []
