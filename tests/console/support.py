"""What the tests of the window hold in their hands."""

from __future__ import annotations

from dataclasses import dataclass

from pytestqt.qtbot import QtBot

from teleop.operator_view import LinkView
from tests.console.fakes import FakeLink, FakeVideo
from transport.video_receiver import VideoReceiver
from ui.bridge import Wake
from ui.main_window import MainWindow
from ui.theme import Theme


def show_active(
    window: MainWindow, pictures: FakeVideo | VideoReceiver, qtbot: QtBot, size: tuple[int, int]
) -> Wake:
    """Show and activate a window that `pictures` wake; what wakes it, to close after it."""
    qtbot.addWidget(window)
    wake = Wake(window.wake, window)
    pictures.subscribe(wake.poke)
    window.resize(*size)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return wake


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
