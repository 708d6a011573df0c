"""Several cameras: who is where, whose stamp is reported, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from tests.console.fakes import FakeLink, FakeVideo, driven, link_view, picture, robot_state
from tests.console.support import Console, show_active
from transport import clock
from ui.kept_choice import FILE, KeptChoice
from ui.main_window import MainWindow
from ui.theme import Theme
from ui.video_view import VideoView

Key = Qt.Key
EIGHT = ("front", "ceiling", "left", "right", "rear", "wrist", "gripper", "dock")

Opened = Callable[..., Console]


@pytest.fixture
def opened(qtbot: QtBot, theme: Theme) -> Opened:
    """A window for the cameras that are named."""

    def open_it(cameras: tuple[str, ...], kept: KeptChoice | None = None) -> Console:
        link, video = FakeLink(link_view(robot_state())), FakeVideo(cameras)
        window = MainWindow(link, video, theme, kept=kept)
        show_active(window, qtbot, (1280, 800))
        return Console(window, link, video, theme)

    return open_it


def main_view_menu(window: MainWindow) -> QMenu:
    return next(menu for menu in window.findChildren(QMenu) if menu.title() == "&Main view")


def placed(console: Console) -> list[str]:
    return [view.camera for view in console.window.cameras.views]


def test_the_main_view_is_fetched_whole_and_the_others_as_wide_as_they_are(
    opened: Opened, qtbot: QtBot
) -> None:
    console = opened(("front", "ceiling", "rear"))
    shown = console.video.shown_px
    qtbot.waitUntil(lambda: len(shown) == 3)
    qtbot.waitUntil(lambda: shown["ceiling"] > shown["rear"] > shown["front"] == 0)
    console.window.cameras.swap("rear")
    qtbot.waitUntil(lambda: shown["ceiling"] > shown["front"] > shown["rear"] == 0)


def film(console: Console, qtbot: QtBot, camera: str, age_ms: float = 0.0) -> int:
    """One picture of a camera, painted; its stamp."""
    captured_ns = clock.now_ns() - int(age_ms * clock.NS_PER_MS)
    feed = console.window.cameras.feeds[camera]
    before = feed.painted
    console.video.put(picture(camera, captured_ns=captured_ns))
    qtbot.waitUntil(lambda: feed.painted == before + 1, timeout=2000)
    return captured_ns


@pytest.mark.parametrize("number", range(2, 9))
def test_a_key_brings_its_camera_to_the_main_view(opened: Opened, number: int) -> None:
    console = opened(EIGHT)
    QTest.keyClick(console.window, Key(Key.Key_0 + number))
    expected = list(EIGHT)
    expected[0], expected[number - 1] = EIGHT[number - 1], "front"
    assert placed(console) == expected

    QTest.keyClick(console.window, Key.Key_1)
    assert placed(console) == list(EIGHT)


def test_a_click_on_a_thumbnail_swaps_it_with_the_main_view(opened: Opened) -> None:
    console = opened(EIGHT)
    thumb = console.window.cameras.strip[2]

    QTest.mouseClick(thumb, Qt.MouseButton.LeftButton)

    assert placed(console)[0] == "rear"
    assert thumb.camera == "front"
    assert thumb.feed.number == 1


def test_a_number_without_a_camera_says_so(console: Console) -> None:
    console.show(link_view(driven()))
    QTest.keyClick(console.window, Key.Key_5)
    assert placed(console) == ["front", "ceiling"]
    assert console.window.history.facts.told == "There is no camera 5 here"


def test_the_title_says_which_number_a_camera_has(console: Console) -> None:
    console.show(link_view(driven()))
    assert console.window.right.camera_title.title == "2 Ceiling"
    QTest.keyClick(console.window, Key.Key_2)
    assert console.window.right.camera_title.title == "1 Front"
    assert console.window.main_video.feed.number == 2


def test_right_after_a_swap_the_stamp_is_that_of_the_picture_now_in_the_main_view(
    console: Console, qtbot: QtBot
) -> None:
    console.show(link_view(driven()))
    ceiling_ns = film(console, qtbot, "ceiling", age_ms=900)
    front_ns = film(console, qtbot, "front", age_ms=20)
    qtbot.waitUntil(lambda: console.link.painted_at == [front_ns])

    QTest.keyClick(console.window, Key.Key_2)
    qtbot.waitUntil(lambda: len(console.link.painted_at) == 2)
    film(console, qtbot, "front")
    newest_ns = film(console, qtbot, "ceiling")

    # The older picture of the ceiling is what the operator sees now, and it says so.
    assert console.link.painted_at == [front_ns, ceiling_ns, newest_ns]


def test_a_swap_shows_the_picture_that_is_there_at_once_with_its_own_veil(
    console: Console, qtbot: QtBot
) -> None:
    console.show(link_view(driven()))
    view = console.window.main_video
    film(console, qtbot, "ceiling", age_ms=3_000)
    film(console, qtbot, "front")

    QTest.keyClick(console.window, Key.Key_2)

    assert view.face is not None
    assert view.face.tag.word.startswith("STALE")
    assert view.face.veil is not None
    area = view.picture_rect()
    at = QPoint(int(area.center().x()), int(area.top() + 60))
    assert view.grab().toImage().pixelColor(at).lightness() not in (0, 90)


def test_before_a_camera_has_a_picture_nothing_is_reported_for_it(
    console: Console, qtbot: QtBot
) -> None:
    console.show(link_view(driven()))
    front_ns = film(console, qtbot, "front")
    QTest.keyClick(console.window, Key.Key_2)
    console.window.main_video.repaint()

    assert console.link.painted_at == [front_ns]
    assert console.window.main_video.face is not None
    assert console.window.main_video.face.tag.word == "NO PICTURE"


def test_thumbnails_are_painted_and_never_reported(opened: Opened, qtbot: QtBot) -> None:
    console = opened(EIGHT)
    film(console, qtbot, "dock")
    assert console.link.painted_at == []


@pytest.mark.parametrize("size", [(1280, 800), (1180, 720), (1920, 1080)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_number_of_cameras_finds_room(
    opened: Opened, qtbot: QtBot, count: int, size: tuple[int, int]
) -> None:
    console = opened(EIGHT[:count])
    window = console.window
    window.resize(*size)
    console.show(link_view(driven()))
    qtbot.wait(1)

    assert window.size().toTuple() == size
    assert window.main_video.picture_rect().width() >= 600
    right = QRect(QPoint(0, 0), window.right.size())
    parts: list[QWidget] = [*window.cameras.views[1:], window.right.telemetry]
    if window.right.track.isVisible():
        parts.append(window.right.track)
    boxes = [QRect(part.mapTo(window.right, QPoint(0, 0)), part.size()) for part in parts]
    assert [box for box in boxes if not right.contains(box)] == []
    assert [
        (one, other)
        for number, one in enumerate(boxes)
        for other in boxes[number + 1 :]
        if one.intersects(other)
    ] == []
    pictures = [view.picture_rect() for view in window.cameras.views]
    assert all(rect.width() >= 80 for rect in pictures)


def test_one_camera_leaves_no_empty_place(opened: Opened, qtbot: QtBot) -> None:
    console = opened(("front",))
    window = console.window
    assert window.second_video is None
    assert len(window.findChildren(VideoView)) == 1
    assert window.right.track_title.y() == 0
    assert main_view_menu(window).menuAction().isVisible() is False


def test_the_menu_names_each_camera_with_its_key(console: Console) -> None:
    menu = main_view_menu(console.window)
    assert [entry.text() for entry in menu.actions()] == ["&1 Front\t1", "&2 Ceiling\t2"]
    assert menu.menuAction().isVisible()


# --- what is kept ---------------------------------------------------------------------------------


def test_the_choice_survives_a_restart(opened: Opened, tmp_path: Path) -> None:
    first = opened(EIGHT, KeptChoice(tmp_path, "rover:7600"))
    QTest.keyClick(first.window, Key.Key_3)
    chosen = placed(first)
    first.window.close()

    again = opened(EIGHT, KeptChoice(tmp_path, "rover:7600"))
    other = opened(EIGHT, KeptChoice(tmp_path, "arm:7600"))

    assert placed(again) == chosen
    assert again.window.main_video.feed.number == 3
    assert placed(other) == list(EIGHT)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"cameras": 3}', b'{"cameras": {"rover": [1]}}', b"\xff\xfe"]
)
def test_a_broken_file_is_no_choice_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    kept = KeptChoice(tmp_path, "rover")
    assert kept.read() == ()
    kept.write(("b", "a"))
    assert kept.read() == ("b", "a")


def test_a_place_that_cannot_be_written_is_told_in_the_log_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    KeptChoice(tmp_path / "file", "rover").write(("a",))
    assert "the choice of cameras is not kept" in caplog.text
