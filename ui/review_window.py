"""The window of `unstick review`: the page, a menu bar, one line at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QHideEvent,
    QKeySequence,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QWidget

from ui.panels import column, label, set_text
from ui.review_desk import Desk
from ui.review_film import ReplayFilm
from ui.review_page import ReviewPage
from ui.theme import BODY, Theme, font, pixels

MINIMUM: Final = (1180, 720)
MENU_H: Final = 28
STATUS_H: Final = 28
MESSAGE_MS: Final = 8000


class ReviewWindow(QMainWindow):
    """One library, without a console around it."""

    def __init__(
        self,
        root: Path,
        theme: Theme,
        *,
        desk: Desk | None = None,
        make_film: Callable[..., ReplayFilm] = ReplayFilm,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__()
        self._theme = theme
        self.setWindowTitle(f"Review: {root}")
        self.setMinimumSize(*MINIMUM)
        self.page = ReviewPage(root, theme, desk=desk, make_film=make_film, now=now)
        self.status = label(self.page.rest(), role="label")
        self._message = QTimer(self)
        self._message.setSingleShot(True)
        self._message.setInterval(MESSAGE_MS)
        self._message.timeout.connect(self._rest)
        body, foot = QWidget(), QWidget()
        foot.setProperty("panel", True)
        foot.setFixedHeight(pixels(STATUS_H))
        column(foot, (12, 0, 12, 0), 0).addWidget(self.status)
        whole = column(body, (0, 0, 0, 0), 0)
        whole.addWidget(self.page, 1)
        whole.addWidget(foot)
        self.setCentralWidget(body)
        self._fill_menus()
        space = QShortcut(QKeySequence("Space"), self)
        space.activated.connect(
            lambda: self._say("Space is STOP in the console, and nothing here. B plays.")
        )
        self.page.said.connect(self._say)
        self.page.rests.connect(lambda _: None if self._message.isActive() else self._rest())

    def _say(self, sentence: str) -> None:
        set_text(self.status, sentence)
        self._message.start()

    def _rest(self) -> None:
        set_text(self.status, self.page.rest())

    def _fill_menus(self) -> None:
        bar, commands = self.menuBar(), self.page.commands
        bar.setFont(font(BODY))
        bar.setFixedHeight(pixels(MENU_H))
        quit_ = QAction("&Quit", self)
        quit_.setShortcut("Ctrl+Q")
        quit_.triggered.connect(lambda: self.close())
        whole = QAction("&Full screen", self)
        whole.setShortcut("F11")
        whole.triggered.connect(
            lambda: self.showNormal() if self.isFullScreen() else self.showFullScreen()
        )
        for name, groups in (
            ("&File", (commands.library, (quit_,))),
            ("&Episode", (commands.episode,)),
            ("&View", (commands.view, self._colours(), (whole,))),
        ):
            menu = bar.addMenu(name)
            menu.setFont(font(BODY))
            for number, group in enumerate(groups):
                if number:
                    menu.addSeparator()
                menu.addActions(group)

    def _colours(self) -> Sequence[QAction]:
        group = QActionGroup(self)
        for text, scheme in (
            ("Colours of the s&ystem", Qt.ColorScheme.Unknown),
            ("&Dark", Qt.ColorScheme.Dark),
            ("L&ight", Qt.ColorScheme.Light),
        ):
            entry = QAction(text, group, checkable=True)
            entry.setChecked(scheme == Qt.ColorScheme.Unknown)
            entry.triggered.connect(lambda _=False, which=scheme: self._theme.choose(which))
        return group.actions()

    # --- Qt ---------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.page.shown()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.page.hidden()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.page.close_page()
        super().closeEvent(event)
