"""What can be done in the review: one action each, with key and tip, for keys and menus alike.

Keys count while the page has the focus, so none of them reaches into another page of the console.
Space, W A S D, Q and E are not among them: they stop and drive.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit

from transport.messages import Outcome

if TYPE_CHECKING:
    from ui.review_page import ReviewPage

LEAP: Final = 15  # rows: half a second
_WITHIN: Final = Qt.ShortcutContext.WidgetWithChildrenShortcut


class ReviewCommands:
    """The actions of one page, grouped as menus show them; a text field that has the focus takes
    what can be typed for itself."""

    def __init__(self, page: ReviewPage) -> None:
        self._page = page
        success = partial(page.label, Outcome.SUCCESS)
        failure = partial(page.label, Outcome.FAILURE)
        unsaid = partial(page.label, Outcome.UNLABELLED)
        self.library: tuple[QAction, ...] = (
            self._made("&Read the library again", "F5", page.reread, "Looks for new episodes"),
            self._made("&Find…", "Ctrl+F", page.search, "To the search field"),
            self._made("&Export…", "Ctrl+E", page.export, "A data set, or files for Foxglove"),
        )
        self.episode: tuple[QAction, ...] = (
            self._made("Outcome &success", "Y", success, "It did what was to be done"),
            self._made("Outcome &failure", "Backspace", failure, "It did not"),
            self._made("&Take the outcome back", "", unsaid, "Nothing is said of how it went"),
            self._made("&Replay it", "R", page.replay, "Judges the episode anew"),
            self._made("F&orget…", "", page.forget, "Removes it for good; asks first"),
        )
        self.view: tuple[QAction, ...] = (
            self._made("&Play or pause", "B", page.play, "Plays record and replay side by side"),
            self._made(
                "First &difference",
                "F",
                page.show_first_difference,
                "Where the replay first leaves",
            ),
            self._made("A picture &back", "Left", partial(page.step, -1), "One row back"),
            self._made("A picture &on", "Right", partial(page.step, 1), "One row on"),
        )
        for key, do in (
            ("Shift+Left", lambda: page.step(-LEAP)),
            ("Shift+Right", lambda: page.step(LEAP)),
            ("Home", lambda: page.seek(0.0)),
            ("End", lambda: page.seek(page.playback.length_s)),
            ("Return", _press),
            ("Enter", _press),
            ("Esc", page.leave_field),
        ):
            QShortcut(QKeySequence(key), page, context=_WITHIN).activated.connect(do)
        for number in range(1, 10):
            shortcut = QShortcut(QKeySequence(f"{number}"), page, context=_WITHIN)
            shortcut.activated.connect(lambda which=number - 1: page.choose_camera(which))

    def _made(self, text: str, key: str, do: Callable[[], None], tip: str) -> QAction:
        action = QAction(text, self._page)
        if key:
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(_WITHIN)
        action.setToolTip(f"{tip} ({key})" if key else tip)
        action.setStatusTip(f"{tip}.")
        action.triggered.connect(lambda _=False: do())
        self._page.addAction(action)
        return action


def _press() -> None:
    """Enter presses what Tab has reached."""
    reached = QApplication.focusWidget()
    if isinstance(reached, QAbstractButton):
        reached.click()
    elif isinstance(reached, QLineEdit):
        reached.returnPressed.emit()
