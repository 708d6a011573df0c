"""From the mailbox to the screen: the newest picture, its stamps, and what lies over it."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.console.fakes import PATIENT, TIMING, driven, link_view, picture, robot_state
from tests.console.support import Console
from transport import clock
from transport.mailbox import Mailbox
from transport.picture import Picture
from ui.camera_feed import CameraFeed
from ui.theme import Theme
from ui.video_view import VideoView


def test_the_newest_picture_is_painted_and_older_ones_are_counted(
    qtbot: QtBot, theme: Theme
) -> None:
    box: Mailbox[Picture] = Mailbox()
    painted: list[tuple[int, int]] = []
    view = VideoView(
        theme, CameraFeed("front", box), on_painted=lambda p, at: painted.append((p.number, at))
    )
    qtbot.addWidget(view)
    for number in range(3):
        box.put(picture(number=number))
    before_ns = clock.now_ns()

    view.resize(640, 480)
    view.show()
    qtbot.waitUntil(lambda: len(painted) == 1)

    assert painted[0][0] == 2
    assert painted[0][1] >= before_ns
    assert box.overwritten == 2


def test_a_picture_from_another_thread_wakes_the_window_once(
    console: Console, qtbot: QtBot
) -> None:
    console.show(link_view(driven()))
    woke: list[bool] = []
    last = picture(number=1)

    def decode() -> None:
        woke.append(console.video.put(picture(number=0)))
        woke.append(console.video.put(last))

    thread = threading.Thread(target=decode)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(console.link.painted_at))

    assert woke == [True, False]
    assert console.link.painted_at == [last.captured_ns]


def test_repainting_the_same_picture_is_not_a_new_one(console: Console, qtbot: QtBot) -> None:
    console.video.put(picture())
    qtbot.waitUntil(lambda: len(console.link.painted_at) == 1)

    console.window.main_video.repaint()

    assert len(console.link.painted_at) == 1
    assert console.window.main_video.feed.painted == 1


def test_only_the_main_view_counts_as_what_the_operator_sees(
    console: Console, qtbot: QtBot
) -> None:
    second = console.window.second_video
    assert second is not None

    console.video.put(picture("ceiling"))
    qtbot.waitUntil(lambda: second.feed.painted == 1)

    assert console.link.painted_at == []


def test_age_is_painted_minus_captured_in_the_robots_clock(console: Console, qtbot: QtBot) -> None:
    offset_ns = 5 * clock.NS_PER_S
    view = console.window.main_video
    captured_ns = clock.now_ns() - 80 * clock.NS_PER_MS
    console.video.put(picture(captured_ns=captured_ns + offset_ns))
    qtbot.waitUntil(lambda: view.feed.painted == 1)

    now_ns = clock.now_ns()
    shown = view.feed.view(offset_ns, now_ns)

    assert shown.age_ms == (now_ns - captured_ns) / clock.NS_PER_MS
    assert 80 <= shown.ages_ms[-1] <= shown.age_ms
    assert view.feed.view(None, clock.now_ns()).age_ms is None


def test_swapping_cameras_moves_the_pictures_and_keeps_counting(
    console: Console, qtbot: QtBot
) -> None:
    second = console.window.second_video
    assert second is not None

    QTest.mouseClick(second, Qt.MouseButton.LeftButton)
    frame = picture("ceiling")
    console.video.put(frame)
    qtbot.waitUntil(lambda: bool(console.link.painted_at))

    assert console.window.main_video.camera == "ceiling"
    assert second.camera == "front"
    assert console.link.painted_at == [frame.captured_ns]


def test_a_stale_picture_is_veiled(console: Console, qtbot: QtBot) -> None:
    view = console.window.main_video
    console.show(link_view(robot_state(timing=PATIENT)))
    console.video.put(picture(grey=200))
    qtbot.waitUntil(lambda: view.feed.painted == 1)
    at = view.picture_rect().center().toPoint()
    at.setY(int(view.picture_rect().top() + 60))
    live = view.grab().toImage().pixelColor(at)

    # The same picture, two seconds later by the robot's clock.
    console.show(link_view(robot_state(), clock_offset_ns=2 * clock.NS_PER_S))
    stale = view.grab().toImage().pixelColor(at)

    assert view.face is not None
    assert view.face.tag.word.startswith("STALE")
    assert live == QColor(200, 200, 200)
    assert stale.lightness() < 150


def test_a_frozen_picture_is_not_called_live_without_the_robots_clock(
    console: Console, qtbot: QtBot
) -> None:
    view = console.window.main_video
    console.video.put(picture())
    qtbot.waitUntil(lambda: view.feed.painted == 1)

    shown = view.feed.view(None, clock.now_ns() + 700 * clock.NS_PER_MS)

    assert shown.age_ms is not None
    assert shown.age_ms >= 700


def test_the_picture_keeps_its_proportions(console: Console, qtbot: QtBot) -> None:
    console.video.put(picture())
    qtbot.waitUntil(lambda: console.window.main_video.feed.painted == 1)
    for size in ((1920, 1080), (1280, 800), (1400, 1000)):
        console.window.resize(*size)
        rect = console.window.main_video.picture_rect()
        assert abs(rect.width() / rect.height() - 4 / 3) < 0.01


def test_an_image_of_another_shape_is_not_stretched(console: Console, qtbot: QtBot) -> None:
    frame = picture()
    wide = Picture(
        "front", 1, frame.captured_ns, frame.received_ns, frame.decoded_ns, frame.bgra[:360]
    )
    console.video.put(wide)
    qtbot.waitUntil(lambda: console.window.main_video.feed.painted == 1)

    rect = console.window.main_video.picture_rect()
    assert abs(rect.width() / rect.height() - 16 / 9) < 0.01


def test_the_veil_comes_when_pictures_stop_and_the_window_repaints_for_other_reasons(
    console: Console, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = console.window.main_video
    console.show(link_view(driven()))
    captured_ns = at_ns = clock.now_ns()
    monkeypatch.setattr(clock, "now_ns", lambda: at_ns)
    console.video.put(picture(captured_ns=captured_ns, grey=200))
    at = QPoint(int(view.picture_rect().center().x()), int(view.picture_rect().top() + 60))
    young: list[tuple[int, str]] = []  # lightness of the picture, the word over it
    old: list[tuple[int, str]] = []

    for age_ms in range(0, 1000, 100):
        at_ns = captured_ns + age_ms * clock.NS_PER_MS
        view.update()  # numbers, a window that was uncovered, another theme
        lightness = view.grab().toImage().pixelColor(at).lightness()
        # The words follow by themselves.
        qtbot.waitUntil(lambda now_ns=at_ns: console.link.alive_at[-1] == now_ns)
        assert view.face is not None
        seen = young if age_ms <= TIMING.picture_slow_ms else old
        seen.append((lightness, view.face.tag.word.partition(" ")[0]))

    assert view.feed.painted == 1
    assert set(young) == {(200, "LIVE")}
    assert [lightness for lightness, _ in old if lightness > 150] == []
    assert {word for _, word in old} == {"STALE"}


def test_without_the_robots_clock_a_frozen_picture_is_veiled_too(
    console: Console, qtbot: QtBot
) -> None:
    view = console.window.main_video
    console.show(link_view(robot_state(), clock_offset_ns=None))
    console.video.put(picture(grey=200))
    qtbot.waitUntil(lambda: view.feed.painted == 1)
    at = QPoint(int(view.picture_rect().center().x()), int(view.picture_rect().top() + 60))

    qtbot.waitUntil(lambda: view.grab().toImage().pixelColor(at).lightness() < 150, timeout=3000)

    assert view.face is not None
    assert view.face.veil is not None


def test_a_picture_older_than_the_words_over_it_is_not_left_bare(
    console: Console, qtbot: QtBot
) -> None:
    view = console.window.main_video
    console.show(link_view(driven()))
    console.window._timer.stop()  # the words say LIVE from now on
    console.video.put(picture(captured_ns=clock.now_ns() - 2 * clock.NS_PER_S, grey=200))
    at = QPoint(int(view.picture_rect().center().x()), int(view.picture_rect().top() + 60))

    qtbot.waitUntil(lambda: view.feed.painted == 1)

    assert view.grab().toImage().pixelColor(at).lightness() < 150
