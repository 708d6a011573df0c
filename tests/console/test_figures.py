"""F12: figures of the link over the picture, never over the ground ahead."""

from __future__ import annotations

import pytest
from msgspec import structs
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.console.fakes import PATIENT, driven, link_view, media_state, picture
from tests.console.support import Console
from tests.unit.screen_support import camera
from transport import clock
from transport.video_figures import VideoFigures
from ui.figures_plate import BELOW_TAG, MARGIN, shape_of
from ui.link_figures import CameraFigures, Way, figures_of

Key = Qt.Key
WIDEST = VideoFigures(
    width=1920,
    height=1080,
    bitrate_bps=12_345_678.0,
    received_fps=120.0,
    lost_fraction=1.0,
    jitter_ms=123.4,
    decode_ms=123.4,
    abandoned=123_456,
    undecoded=123_456,
    undecodable=123_456,
    key_requests=1_234,
)
DEAD = (
    "this console's relay turns:turn.example.org:443 does not answer: is it running, and is its "
    "port open? and this console's STUN server stun:stun.example.org:3478 does not answer: is it "
    "running, and is its port open?"
)
# The main picture in windows of 1180x720, 1280x800, 1920x1080 and 2560x1440, px.
AREAS = [(621, 466), (728, 546), (1064, 798), (1500, 1125)]


def entry(console: Console, text: str) -> bool:
    entries = [
        action
        for menu in console.window.menuBar().actions()
        for action in menu.menu().actions()  # type: ignore[union-attr]
    ]
    return next(action for action in entries if action.text().startswith(text)).isChecked()


def test_f12_shows_and_hides_them_and_the_menu_says_so(console: Console, qtbot: QtBot) -> None:
    console.show(link_view(driven()))
    console.video.figures["front"] = VideoFigures(width=640, height=480, received_fps=29.0)
    view = console.window.main_video

    QTest.keyClick(console.window, Key.Key_F12)
    shown, checked = view._plate.figures, entry(console, "Link fi&gures")
    QTest.keyClick(console.window, Key.Key_F12)

    assert shown is not None
    assert shown.cameras == ("1 Front", "2 Ceiling")
    assert dict(shown.rows)["Picture, H.264"] == ("640x480", "–")
    assert checked
    assert view._plate.figures is None
    assert not entry(console, "Link fi&gures")


def test_they_follow_what_comes_in(console: Console, qtbot: QtBot) -> None:
    console.show(link_view(driven()))
    QTest.keyClick(console.window, Key.Key_F12)
    console.video.figures["front"] = VideoFigures(width=1280, height=720)
    console.video.put(picture())
    console.video.put(picture())

    qtbot.waitUntil(
        lambda: (
            (table := console.window.main_video._plate.figures) is not None
            and dict(table.rows)["Picture, H.264"][0] == "1280x720"
            and dict(table.rows)["Dropped: decoder behind / not painted"][0] == "0 / 1"
        ),
        timeout=2000,
    )


def test_they_are_painted_over_the_upper_half_only(console: Console, qtbot: QtBot) -> None:
    console.show(link_view(driven(timing=PATIENT)))  # a veil would be a change, too
    view = console.window.main_video
    console.video.put(picture(grey=200))
    qtbot.waitUntil(lambda: view.feed.painted == 1)
    area = view.picture_rect().toRect()
    bare = view.grab(area).toImage()

    QTest.keyClick(console.window, Key.Key_F12)
    plated = view.grab(area).toImage()

    changed = [
        y
        for y in range(0, bare.height(), 2)
        if any(bare.pixel(x, y) != plated.pixel(x, y) for x in range(0, bare.width(), 8))
    ]
    assert changed
    assert min(changed) <= BELOW_TAG
    assert max(changed) < bare.height() / 2


@pytest.mark.parametrize("trouble", ["", DEAD], ids=["well", "no relay"])
@pytest.mark.parametrize("cameras", [1, 2, 3, 8])
@pytest.mark.parametrize("size", AREAS, ids=str)
def test_the_widest_figures_fit_the_picture(
    console: Console, size: tuple[int, int], cameras: int, trouble: str
) -> None:
    area = QRectF(0, 0, *size)
    media = media_state()
    said = structs.replace(
        media.cameras[0],
        name="wrist_left",
        skipped=123_456,
        left_out=123_456,
        unsent=123_456,
        unrecorded=123_456,
    )
    link = link_view(driven(), media=structs.replace(media, cameras=(said,)))
    figures = figures_of(
        [
            CameraFigures(number, camera("wrist_left"), (9_999.0,) * 3, WIDEST, 123_456)
            for number in range(1, cameras + 1)
        ],
        link,
        Way("relayed", trouble),
    )
    shape = shape_of(figures, area)
    assert area.adjusted(MARGIN, MARGIN, -MARGIN, 0).contains(shape.box)
    assert shape.columns
    assert " ".join(shape.trouble) == trouble.replace("this", "This", 1), "nothing is left out"
    assert shape.box.bottom() <= size[1] / 2 + (0 if size[1] > 500 else 32)
    if cameras <= 2:
        assert len(shape.columns) == cameras


def test_a_plate_reads_over_a_white_picture(console: Console, qtbot: QtBot) -> None:
    console.show(link_view(driven()))
    view = console.window.main_video
    console.video.put(picture(grey=255))
    qtbot.waitUntil(lambda: view.feed.painted == 1)
    QTest.keyClick(console.window, Key.Key_F12)

    image = view.grab().toImage()
    area = view.picture_rect()
    shape = shape_of(view._plate.figures, area)  # type: ignore[arg-type]
    corner = shape.box.bottomLeft().toPoint()
    behind = image.pixelColor(corner.x() + 5, corner.y() - 5)
    assert behind.lightness() < QColor("#404040").lightness()


def test_a_dead_relay_is_told_while_the_pictures_come_without_it(
    console: Console, qtbot: QtBot
) -> None:
    console.show(link_view(driven()))
    console.video.server_trouble = DEAD
    QTest.keyClick(console.window, Key.Key_F12)

    table = console.window.main_video._plate.figures
    assert table is not None
    assert table.link.endswith(" · pictures direct")
    assert table.trouble == DEAD.replace("this", "This", 1)


def test_ages_of_long_ago_are_not_shown_as_those_of_now(console: Console, qtbot: QtBot) -> None:
    console.show(link_view(driven()))
    feed = console.window.main_video.feed
    console.video.put(picture())
    qtbot.waitUntil(lambda: feed.painted == 1)
    now_ns = clock.now_ns()

    assert len(feed.recent_ages_ms(now_ns)) == 1
    assert feed.recent_ages_ms(now_ns + 6 * clock.NS_PER_S) == ()
