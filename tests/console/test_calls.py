"""The page of calls at the window: choose, look, accept, skip, pass on; one robot at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from teleop.operator_view import StopView
from tests.console.fakes import driven, link_view, robot_state
from tests.console.floor import Floor
from tests.unit.test_ui_calls import robot
from transport.messages import ReleaseLease, RequestLease
from ui.pages import Page

Key = Qt.Key


def test_the_rail_counts_the_calls_that_wait(floor: Floor) -> None:
    assert floor.console.window.rail.buttons[Page.CALLS].accessibleName() == "Calls, 2"


def test_the_robot_of_the_chosen_call_is_shown_and_the_others_told(
    floor: Floor, qtbot: QtBot
) -> None:
    floor.console.window.show_page(Page.CALLS)
    floor.settle(qtbot)
    assert list(floor.opened) == ["rover-1"]
    assert set(floor.station.stared) == {"rover-1:7600"}


def test_who_goes_down_the_list_opens_no_link_before_a_call_has_stayed_chosen_for_a_while(
    floor: Floor, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.call_desk.SETTLED_NS", 10**15)
    floor.console.window.show_page(Page.CALLS)
    floor.desk.choose(floor.desk.fleet.calls[1].key)
    assert floor.opened == {}
    monkeypatch.setattr("ui.call_desk.SETTLED_NS", 0)
    floor.settle(qtbot)
    assert list(floor.opened) == ["rover-2"]


def test_enter_accepts_the_chosen_call_and_leads_to_the_page_to_drive_on(
    floor: Floor, qtbot: QtBot
) -> None:
    window = floor.console.window
    window.show_page(Page.CALLS)
    floor.settle(qtbot)
    QTest.keyClick(window, Key.Key_Return)
    assert window.page is Page.DRIVE
    qtbot.waitUntil(lambda: bool(floor.opened["rover-1"].requests))
    assert [type(body) for body in floor.opened["rover-1"].requests] == [RequestLease]


def test_who_drives_a_robot_is_shown_no_other_and_accepts_none(floor: Floor, qtbot: QtBot) -> None:
    window = floor.console.window
    floor.console.show(link_view(driven(robot="rover-7")))
    window.show_page(Page.CALLS)
    qtbot.wait(300)
    window.refresh()
    QTest.keyClick(window, Key.Key_Return)
    assert floor.opened == {}
    assert window.page is Page.CALLS
    assert not any(isinstance(body, ReleaseLease) for body in floor.console.link.requests)


def test_a_stop_that_is_not_answered_keeps_its_robot_in_sight(floor: Floor) -> None:
    floor.console.show(replace(link_view(robot_state(robot="rover-7")), stop=StopView(sent_ns=1)))
    assert not floor.desk.go_to("rover-1:7600")
    assert floor.opened == {}


def test_k_leaves_a_call_to_the_others_and_goes_on(floor: Floor) -> None:
    window = floor.console.window
    window.show_page(Page.CALLS)
    first = floor.desk.chosen
    QTest.keyClick(window, Key.Key_K)
    assert floor.station.skipped == ["rover-1"]
    assert floor.desk.chosen != first


def test_n_goes_round_the_calls_from_every_page(floor: Floor) -> None:
    window = floor.console.window
    QTest.keyClick(window, Key.Key_N)
    assert window.page is Page.CALLS
    first = floor.desk.chosen
    QTest.keyClick(window, Key.Key_N)
    assert floor.desk.chosen != first


def test_a_call_is_passed_on_with_a_word(floor: Floor) -> None:
    window = floor.console.window
    window.show_page(Page.CALLS)
    QTest.keyClick(window, Key.Key_P)
    sheet = floor.desk._sheet
    assert sheet.isVisible()
    sheet.to.setText("op-3")
    sheet.note.setText("you know this room")
    QTest.keyClick(sheet.note, Key.Key_Return)
    assert floor.station.passed == [("rover-1", "op-3", "you know this room")]


def test_a_call_that_is_over_leaves_the_list_and_is_told(floor: Floor) -> None:
    window = floor.console.window
    window.show_page(Page.CALLS)
    floor.station.robots = (robot("rover-1", call=None), robot("rover-2"))
    window.refresh()
    assert [one.name for one in floor.desk.fleet.calls] == ["rover-2"]
    face = floor.desk.page._face
    assert face is not None
    assert [one.sentence for one in face.ended] == ["rover-1 got free itself"]


def test_the_list_says_each_row_to_a_screen_reader(floor: Floor) -> None:
    window = floor.console.window
    window.show_page(Page.CALLS)
    model = floor.desk.page.list.model()
    said = model.data(model.index(0, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("rover-1, home-5 · dining, Nose in chair legs")
