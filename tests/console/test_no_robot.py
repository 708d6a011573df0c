"""A console that knows no robot opens all the same, and everything in it does nothing harmful."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.console.fakes import FakeLink, FakeVideo, link_view, robot_state
from tests.console.support import show_active
from ui.main_window import MainWindow
from ui.no_robot import NoRobot
from ui.theme import Theme

Key = Qt.Key


def test_the_window_opens_and_says_how_to_get_a_robot(qtbot: QtBot, theme: Theme) -> None:
    nobody = NoRobot()
    window = MainWindow(nobody, nobody, theme)
    show_active(window, qtbot, (1280, 800))
    shown = window.screen_shown
    assert shown is not None
    assert shown.robot == "No robot"
    assert "unstick pair" in shown.readiness.detail
    for key in (Key.Key_Space, Key.Key_W, Key.Key_Return, Key.Key_F2, Key.Key_Y, Key.Key_N):
        QTest.keyClick(window, key)
    window.close()


def test_the_first_robot_takes_its_place(qtbot: QtBot, theme: Theme) -> None:
    nobody = NoRobot()
    window = MainWindow(nobody, nobody, theme)
    show_active(window, qtbot, (1280, 800))
    link = FakeLink(link_view(robot_state(robot="rover-12")))
    window.connect_to(link, FakeVideo())
    assert window.screen_shown is not None
    assert window.screen_shown.robot == "rover-12"
    QTest.keyClick(window, Key.Key_Space)
    assert link.stops == 1
    window.close()
