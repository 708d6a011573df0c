"""Qt without a screen, chosen before anything imports it; the window with fakes behind it."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Iterator
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from teleop.station import Station
from tests.console.fakes import FakeLink, FakeVideo, link_view, robot_state
from tests.console.floor import FakeStation, Floor
from tests.console.support import Console, show_active
from ui.main_window import MainWindow
from ui.theme import Theme, dressed


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    """The application dressed as `run_console` does it."""
    made = dressed(qapp)
    made.choose(Qt.ColorScheme.Dark)
    return made


@pytest.fixture
def console(qtbot: QtBot, theme: Theme) -> Iterator[Console]:
    """A shown and active window."""
    link, video = FakeLink(link_view(None)), FakeVideo()
    window = MainWindow(link, video, theme)
    show_active(window, qtbot, (1920, 1080))
    yield Console(window, link, video, theme)
    window.close()


@pytest.fixture
def floor(console: Console) -> Floor:
    """Two robots call; a third, which does not, is shown."""
    made = Floor(console, FakeStation())
    console.show(link_view(robot_state(robot="rover-7")))
    console.window.serve(cast(Station, made.station), made.open, "rover-7:7600")
    console.window.refresh()
    return made
