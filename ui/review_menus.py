"""The menu bar of the review; each entry names its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from transport.messages import Outcome
from ui.theme import BODY, Theme, font

if TYPE_CHECKING:
    from ui.review_window import ReviewWindow

HEIGHT = 28


def fill_menus(window: ReviewWindow, theme: Theme) -> None:
    """Fill the window's menu bar. Keys stand behind a tab, as text: shortcuts are the window's."""
    bar = window.menuBar()
    bar.setFont(font(BODY))
    bar.setFixedHeight(HEIGHT)

    def menu(name: str) -> QMenu:
        made = bar.addMenu(name)
        made.setFont(font(BODY))
        return made

    file = menu("&File")
    reread = file.addAction("&Read the library again")
    reread.setShortcut("F5")
    reread.triggered.connect(lambda: window.desk.list(window.library.filters))
    file.addAction("&Find…\tCtrl+F").triggered.connect(lambda: window.search())
    file.addSeparator()
    quit_ = file.addAction("&Quit")
    quit_.setShortcut("Ctrl+Q")
    quit_.triggered.connect(lambda: window.close())

    episode = menu("&Episode")
    for text, outcome in (
        ("Outcome &success\tY", Outcome.SUCCESS),
        ("Outcome &failure\tBackspace", Outcome.FAILURE),
        ("&Take the outcome back", Outcome.UNLABELLED),
    ):
        entry = episode.addAction(text)
        entry.triggered.connect(lambda _=False, which=outcome: window.label(which))
    episode.addSeparator()
    episode.addAction("&Replay it\tR").triggered.connect(lambda: window.replay())

    view = menu("&View")
    view.addAction("&Play or pause\tB").triggered.connect(lambda: window.play())
    view.addAction("First &difference\tF").triggered.connect(lambda: window.show_first_difference())
    view.addAction("A picture &back\tLeft").triggered.connect(lambda: window.step(-1))
    view.addAction("A picture &on\tRight").triggered.connect(lambda: window.step(1))
    view.addSeparator()
    group = QActionGroup(window)
    for text, scheme in (
        ("Colours of the s&ystem", Qt.ColorScheme.Unknown),
        ("&Dark", Qt.ColorScheme.Dark),
        ("L&ight", Qt.ColorScheme.Light),
    ):
        entry = view.addAction(text)
        entry.setCheckable(True)
        entry.setChecked(scheme == Qt.ColorScheme.Unknown)
        group.addAction(entry)
        entry.triggered.connect(lambda _=False, which=scheme: theme.choose(which))
    view.addSeparator()
    whole = view.addAction("&Full screen")
    whole.setShortcut("F11")
    whole.triggered.connect(
        lambda: window.showNormal() if window.isFullScreen() else window.showFullScreen()
    )
