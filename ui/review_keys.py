"""The keys of the review: one letter each, wherever no text is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit

from transport.messages import Outcome

if TYPE_CHECKING:
    from ui.review_window import ReviewWindow

LEAP = 15  # rows: half a second


def bind_keys(window: ReviewWindow) -> None:
    """Bind them. A text field that has the focus takes what can be typed for itself."""
    for key, do in (
        ("B", window.play),
        ("F", window.show_first_difference),
        ("R", window.replay),
        ("Y", lambda: window.label(Outcome.SUCCESS)),
        ("Backspace", lambda: window.label(Outcome.FAILURE)),
        ("Left", lambda: window.step(-1)),
        ("Right", lambda: window.step(1)),
        ("Shift+Left", lambda: window.step(-LEAP)),
        ("Shift+Right", lambda: window.step(LEAP)),
        ("Home", lambda: window.seek(0.0)),
        ("End", lambda: window.seek(window.playback.length_s)),
        ("Ctrl+F", window.search),
        ("Return", _press),
        ("Enter", _press),
        ("Space", lambda: window.say("Space is STOP in the console, and nothing here. B plays.")),
        ("Esc", lambda: _leave(window)),
    ):
        QShortcut(QKeySequence(key), window).activated.connect(do)
    for number in range(1, 10):
        shortcut = QShortcut(QKeySequence(f"{number}"), window)
        shortcut.activated.connect(lambda which=number - 1: window.choose_camera(which))


def _press() -> None:
    """Enter presses what Tab has reached."""
    reached = QApplication.focusWidget()
    if isinstance(reached, QAbstractButton):
        reached.click()
    elif isinstance(reached, QLineEdit):
        reached.returnPressed.emit()


def _leave(window: ReviewWindow) -> None:
    """Esc leaves a text field, and full screen."""
    if isinstance(QApplication.focusWidget(), QLineEdit):
        window.library.view.setFocus()
    elif window.isFullScreen():
        window.showNormal()
