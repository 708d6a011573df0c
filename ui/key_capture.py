"""Keys, frozen at the edge: driving keys become an `OperatorInput`, others an act of the window.

One event filter on the application sees every key before any widget does. Space is STOP whatever
has the focus, also over dialogs and open menus; it never types a space and never presses a button.
Whatever takes the keyboard away (another window, a menu, a dialog, minimising) releases all keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from teleop.operator_input import Keyboard, KeyChange, OperatorInput
from transport import clock
from ui.buttons import Switch

Key = Qt.Key

DRIVING: Final = {
    Key.Key_W: "W",
    Key.Key_A: "A",
    Key.Key_S: "S",
    Key.Key_D: "D",
    Key.Key_Up: "Up",
    Key.Key_Down: "Down",
    Key.Key_Left: "Left",
    Key.Key_Right: "Right",
    Key.Key_Shift: "Shift",
    Key.Key_Control: "Ctrl",
}

# Keys of the window by the name of what they do; Space and the driving keys are not here.
ACTS: Final = {
    Key.Key_Return: "enter",
    Key.Key_Enter: "enter",
    Key.Key_Y: "success",
    Key.Key_Backspace: "failure",
    Key.Key_M: "marker",
    Key.Key_1: "camera 1",
    Key.Key_2: "camera 2",
    Key.Key_F1: "keys",
    Key.Key_F2: "lease",
    Key.Key_F3: "reasons",
    Key.Key_F5: "arm",
    Key.Key_F11: "full screen",
    Key.Key_Escape: "zero",
}

_RELEASING: Final = frozenset(
    {QEvent.Type.WindowDeactivate, QEvent.Type.FocusOut, QEvent.Type.Hide}
)
_TEXT: Final = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)
_NOT_PLAIN: Final = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class KeyCapture(QObject):
    """Filters the application's key events while its window exists."""

    def __init__(
        self,
        window: QWidget,
        on_input: Callable[[OperatorInput], None],
        on_act: Callable[[str], None],
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._on_input = on_input
        self._on_act = on_act
        self._on_stop = on_stop
        self.keyboard = Keyboard()
        self._down: dict[
            int, str
        ] = {}  # scan code of each held driving key: what it was pressed as
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app = app
        app.installEventFilter(self)
        app.applicationStateChanged.connect(self._state_changed)

    def close(self) -> None:
        """Let go of the keyboard; idempotent."""
        self._app.removeEventFilter(self)
        self.release_all()

    def release_all(self) -> None:
        """All keys count as up until they are pressed again."""
        held = bool(self.keyboard.held)
        self._down.clear()
        self.keyboard = self.keyboard.released()
        if held:
            self._on_input(self.keyboard.read(clock.now_ns()))

    # --- Qt ---------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride):
            # A key in another process's embedded window does not reach this filter at all.
            return isinstance(event, QKeyEvent) and self._key(event)
        if (kind in _RELEASING and self._concerns(watched, kind)) or (
            kind == QEvent.Type.WindowStateChange and self._window.isMinimized()
        ):
            self.release_all()
        return False

    def _concerns(self, watched: QObject, kind: QEvent.Type) -> bool:
        if watched is self._window or watched is self._window.windowHandle():
            return True
        # A part that is hidden means nothing; one that loses the keyboard does.
        inside = isinstance(watched, QWidget) and watched.window() is self._window
        return kind == QEvent.Type.FocusOut and inside

    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state != Qt.ApplicationState.ApplicationActive:
            self.release_all()

    def _key(self, event: QKeyEvent) -> bool:
        key = Key(event.key())
        pressed = event.type() == QEvent.Type.KeyPress
        override = event.type() == QEvent.Type.ShortcutOverride
        if key == Key.Key_Space:
            if override:
                event.accept()  # no shortcut may take it: it comes again as a key press
            elif pressed and not event.isAutoRepeat():
                self._on_stop()
            return True
        if not pressed and not override and not event.isAutoRepeat():
            # A release counts wherever it arrives, and by position: a modifier or another layout
            # may have renamed the key since it went down.
            name = self._down.pop(event.nativeScanCode(), None) or DRIVING.get(key)
            if name is not None:
                return self._drive(name, pressed=False)
        if override and self._driving():
            event.accept()  # no shortcut by a slip of the hand while driving: Ctrl+W, Ctrl+Q
            return True
        if override or not self._ours() or event.modifiers() & _NOT_PLAIN:
            return False
        if key in DRIVING:
            if event.isAutoRepeat():
                return True
            if event.nativeScanCode():  # 0: a key event that no keyboard made
                self._down[event.nativeScanCode()] = DRIVING[key]
            return self._drive(DRIVING[key], pressed=True)
        if self._driving() and key not in ACTS:
            return True
        act = ACTS.get(key)
        if act is None or (
            act != "zero"
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
            and not self.keyboard.held
        ):
            return False
        if pressed and not event.isAutoRepeat():
            self._act(act)
        return True

    def _act(self, act: str) -> None:
        if act == "zero":
            self.release_all()
        focused = QApplication.focusWidget()
        if act == "enter" and isinstance(focused, QAbstractButton | Switch):
            # Reached by Tab, so the operator sees the ring and means this button.
            focused.click()
            return
        self._on_act(act)

    def _drive(self, name: str, *, pressed: bool) -> bool:
        stamp_ns = clock.now_ns()
        after = self.keyboard.after(KeyChange(name, pressed, stamp_ns))
        if after != self.keyboard:
            self.keyboard = after
            self._on_input(after.read(stamp_ns))
        return pressed

    def _driving(self) -> bool:
        """Whether a key that moves the robot is down; Ctrl or Shift alone is none."""
        return bool(self.keyboard.held & Keyboard.DRIVING)

    def _ours(self) -> bool:
        """Whether keys are meant for driving: not for a menu, a dialog or a text field."""
        if QApplication.activePopupWidget() is not None:
            return False
        if QApplication.activeModalWidget() is not None:
            return False
        active = QApplication.activeWindow()
        if active is not None and active is not self._window:
            return False
        if QGuiApplication.applicationState() == Qt.ApplicationState.ApplicationHidden:
            return False
        return not isinstance(QApplication.focusWidget(), _TEXT)
