"""From the sensor to the pixels: the time drawn into a picture is the one reported for it.

Synthetic cameras draw the milliseconds of each capture into the picture as blocks; it goes through
encoder, WebRTC on loopback, decoder, mailbox and the real window. What is read back from the pixels
of the window has to be the stamp that it reports to the robot as painted, also while cameras
are swapped. So no stamp is ever attributed to another frame, or to that of another camera.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.console.fakes import PATIENT, FakeLink, driven, link_view
from tests.console.support import show_active
from tests.links.video_support import CAMERAS, LOOPBACK, Channel, Robot
from transport.clock import NS_PER_MS, now_ns
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.i420 import ToI420
from transport.video_peer import BITS, BLOCK, draw_number, read_number
from transport.video_receiver import VideoReceiver
from ui.main_window import MainWindow
from ui.robot_pictures import RobotPictures
from ui.theme import Theme
from ui.video_view import VideoView

WIDTH, HEIGHT = 640, 480
# Between the tag and a banner; nothing else is drawn there.
ROWS, COLUMNS = slice(144, 144 + BLOCK), slice(160, 160 + BITS * BLOCK)
COMPARED = 30  # pictures of each camera, at least
# Whose code never equals that of the other camera's picture of the same moment.
LATER_NS = {"front": 0, "ceiling": 9 * NS_PER_MS}


def code_of(captured_ns: int) -> int:
    """What is drawn for a stamp: its milliseconds, as far as there are bits (17 minutes)."""
    return captured_ns // NS_PER_MS % (1 << BITS)


class ClockingRobot(Robot):
    """Each of its cameras draws the time of the capture into the picture."""

    def run(self) -> None:
        encoders = {camera: StreamEncoder(WIDTH, HEIGHT, 30) for camera in CAMERAS}
        to_i420 = ToI420()
        number = 0
        while not self.leaving.wait(1 / 30):
            number += 1
            for camera, encoder in encoders.items():
                captured_ns = now_ns() - LATER_NS[camera]
                rgb = np.full((HEIGHT, WIDTH, 3), 60 + number % 100, np.uint8)
                draw_number(rgb[ROWS, COLUMNS], code_of(captured_ns))
                key = camera in self.key_frames
                self.key_frames.discard(camera)
                packet = encoder.encode(
                    to_i420(rgb), FrameStamp(captured_ns, number), key_frame=key
                )
                assert packet is not None
                self.sender.publish(camera, packet)


@pytest.fixture
def robot() -> Iterator[ClockingRobot]:
    made = ClockingRobot()
    yield made
    made.close()


def code_in(view: VideoView) -> int:
    """What the pixels of a view say. Grabbing is a paint: a new picture may come with it."""
    shown = view.grab(view.picture_rect().toRect()).toImage()
    shown = shown.scaled(
        WIDTH,
        HEIGHT,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    grey = shown.convertToFormat(QImage.Format.Format_Grayscale8)
    luma = np.frombuffer(grey.constBits(), np.uint8).reshape(HEIGHT, grey.bytesPerLine())
    return read_number(luma[ROWS, COLUMNS])


def test_the_stamp_reported_as_painted_is_the_one_in_the_pixels(
    robot: ClockingRobot, theme: Theme, qtbot: QtBot
) -> None:
    # The veil is another test's: here a slow machine must not draw over the code.
    link = FakeLink(link_view(driven(timing=PATIENT)))
    receiver = VideoReceiver(CAMERAS, Channel(robot, "a"), bind_host=LOOPBACK)
    pictures = RobotPictures(lambda cameras: receiver, CAMERAS)
    window = MainWindow(link, pictures, theme)
    show_active(window, qtbot, (1280, 800))
    pictures.start()
    compared: dict[str, set[int]] = {camera: set() for camera in CAMERAS}
    wrong: list[tuple[str, int, int]] = []  # camera, in the pixels, reported
    looks = 0

    def compare() -> bool:
        nonlocal looks
        main, second = window.main_video, window.second_video
        assert second is not None
        if any(view.feed.picture is None for view in (main, second)):
            return False
        looks += 1
        # In every third look a swap lies between the newest paint and the pixels.
        if looks % 3 == 0:
            QTest.keyClick(window, Qt.Key.Key_1 if main.camera == "ceiling" else Qt.Key.Key_2)
        in_main = code_in(main)
        if in_main != code_of(link.painted_at[-1]):
            wrong.append((main.camera, in_main, code_of(link.painted_at[-1])))
        compared[main.camera].add(link.painted_at[-1])
        in_second = code_in(second)
        kept = second.feed.picture.captured_ns if second.feed.picture is not None else 0
        if in_second != code_of(kept):
            wrong.append((second.camera, in_second, code_of(kept)))
        return bool(wrong) or all(len(stamps) >= COMPARED for stamps in compared.values())

    try:
        qtbot.waitUntil(compare, timeout=30_000)
    finally:
        receiver.close()
        window.close()
    assert wrong == []
    assert not compared["front"] & compared["ceiling"]
