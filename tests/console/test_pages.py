"""The pages of the window: only those that show the road drive, STOP works on all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from tests.console.fakes import FakeLink, FakeVideo, driven, link_view, picture, robot_state
from tests.console.support import Console
from transport.messages import ReleaseLease
from ui.pages import Page, RailMark

Key = Qt.Key


class Sized(QLabel):
    """A page that is told how large it is."""

    told: tuple[int, int, bool] | None = None

    def arrange(self, width: int, height: int, compact: bool) -> None:
        self.told = (width, height, compact)


@pytest.fixture
def calls(console: Console) -> Sized:
    """The window has a page that does not drive, and it is the lease's holder."""
    page = Sized("calls")
    console.window.frame.add({Page.CALLS: page})
    console.show(link_view(driven()))
    return page


def test_the_rail_leads_from_page_to_page(console: Console, calls: QWidget) -> None:
    window = console.window
    assert window.rail.isVisible()
    QTest.mouseClick(window.rail.buttons[Page.CALLS], Qt.MouseButton.LeftButton)
    assert window.stack.currentWidget() is calls
    assert window.rail.buttons[Page.CALLS].isChecked()
    QTest.mouseClick(window.rail.buttons[Page.DRIVE], Qt.MouseButton.LeftButton)
    assert window.stack.currentWidget() is window.drive


def test_a_key_of_the_menu_leads_to_a_page(console: Console, calls: QWidget) -> None:
    QTest.keyClick(console.window, Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert console.window.page is Page.CALLS


def test_a_page_is_told_its_size(console: Console, calls: Sized) -> None:
    window = console.window
    window.show_page(Page.CALLS)
    assert calls.told is not None
    assert calls.told[0] == window.width() - window.rail.width()


def test_where_nobody_sees_the_road_keys_do_not_drive(console: Console, calls: QWidget) -> None:
    console.window.show_page(Page.CALLS)
    console.link.inputs.clear()
    QTest.keyPress(console.window, Key.Key_W)
    QTest.keyClick(console.window, Key.Key_Y)
    assert console.link.inputs == []
    assert console.link.requests == []
    assert not console.link.focused


def test_a_key_held_while_the_page_changes_counts_as_released(
    console: Console, calls: QWidget
) -> None:
    QTest.keyPress(console.window, Key.Key_W)
    assert console.link.inputs[-1].deadman
    console.window.show_page(Page.CALLS)
    assert not console.link.inputs[-1].deadman


def test_back_on_the_page_to_drive_on_keys_drive_again(console: Console, calls: QWidget) -> None:
    console.window.show_page(Page.CALLS)
    console.window.show_page(Page.DRIVE)
    QTest.keyPress(console.window, Key.Key_W)
    assert console.link.inputs[-1].deadman
    assert console.link.focused


def test_space_is_stop_on_every_page(console: Console, calls: QWidget) -> None:
    console.window.show_page(Page.CALLS)
    QTest.keyClick(console.window, Key.Key_Space)
    assert console.link.stops == 1


def test_the_readiness_says_that_this_page_does_not_drive(
    console: Console, qtbot: QtBot, calls: QWidget
) -> None:
    window = console.window
    window.show_page(Page.CALLS)
    said = "Standing: this page does not drive. Go back to Drive to move"

    def says_so() -> None:
        assert window.screen_shown is not None
        readiness = window.screen_shown.readiness
        assert (readiness.word, readiness.detail) == ("READY", said)

    qtbot.waitUntil(says_so)  # what is normal again is said after a while


def test_a_latched_stop_is_said_on_every_page(console: Console, calls: QWidget) -> None:
    console.window.show_page(Page.CALLS)
    console.show(link_view(driven(mode="ESTOP", stopped_by="op-3")))
    assert console.window.screen_shown is not None
    assert console.window.screen_shown.readiness.word == "STOPPED"


def test_a_count_stands_beside_its_page_and_in_its_name(console: Console, calls: QWidget) -> None:
    console.window.rail.show_marks([RailMark(Page.CALLS, 4, urgent=True)])
    assert console.window.rail.buttons[Page.CALLS].accessibleName() == "Calls, 4"


# --- from robot to robot --------------------------------------------------------------------------


def test_another_robot_takes_the_place_of_the_one_before(console: Console, qtbot: QtBot) -> None:
    window = console.window
    console.show(link_view(driven()))
    QTest.keyPress(window, Key.Key_W)
    other = FakeLink(link_view(robot_state(robot="rover-12")))
    other_video = FakeVideo(("front", "rear"))

    window.connect_to(other, other_video)

    assert not console.link.inputs[-1].deadman
    assert isinstance(console.link.requests[-1], ReleaseLease)
    assert window.screen_shown is not None
    assert window.screen_shown.robot == "rover-12"
    assert [view.camera for view in window.cameras.views] == ["front", "rear"]
    assert other_video.started
    qtbot.waitUntil(lambda: console.link.closed and console.video.closed)
    window.refresh()
    assert other.alive_at
    QTest.keyClick(window, Key.Key_Space)
    assert (console.link.stops, other.stops) == (0, 1)


def test_only_the_shown_robot_is_told_what_was_painted(console: Console, qtbot: QtBot) -> None:
    window = console.window
    other, other_video = FakeLink(link_view(robot_state())), FakeVideo()
    window.connect_to(other, other_video)
    shown = picture()
    other_video.put(shown)
    qtbot.waitUntil(lambda: bool(other.painted_at))
    assert other.painted_at == [shown.captured_ns]
    assert console.link.painted_at == []


def test_a_robot_with_other_cameras_gets_other_views_and_keeps_its_past(console: Console) -> None:
    window = console.window
    console.show(link_view(robot_state()))
    window.history.mark("marker", "before", 1)
    console.video.mailboxes = FakeVideo(("front", "left", "right")).mailboxes
    window.refresh()
    assert [view.camera for view in window.cameras.views] == ["front", "left", "right"]
    assert [mark.text for mark in window.history.marks][-1] == "before"


def test_the_cameras_that_the_robot_names_are_asked_for(console: Console) -> None:
    console.show(link_view(robot_state()))
    assert console.video.expected == ("front", "ceiling")
    console.show(replace(link_view(robot_state()), media=None))
    assert console.video.expected == ("front", "ceiling")


def test_a_hidden_part_stays_hidden_when_the_robot_changes(console: Console) -> None:
    window = console.window
    window.toggle("left", False)
    window.connect_to(FakeLink(link_view(robot_state())), FakeVideo())
    assert window.left.isHidden()
