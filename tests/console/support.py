"""What the tests of the window hold in their hands."""

from __future__ import annotations

from dataclasses import dataclass

from pytestqt.qtbot import QtBot

from teleop.operator_view import LinkView
from tests.console.fakes import FakeLink, FakeVideo
from ui.main_window import MainWindow
from ui.theme import Theme


def show_active(window: MainWindow, qtbot: QtBot, size: tuple[int, int]) -> None:
    """Show and activate a window."""
    qtbot.addWidget(window)
    window.resize(*size)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


@dataclass
class Console:
    """The window and what stands behind it."""

    window: MainWindow
    link: FakeLink
    video: FakeVideo
    theme: Theme

    def show(self, view: LinkView) -> None:
        """Let the link report `view` and the window look at it."""
        self.link.shown = view
        self.window.refresh()
