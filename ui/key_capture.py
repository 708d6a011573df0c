"""Keys, frozen at the edge: driving keys become an `OperatorInput`, others an action of the window.

One event filter on the application sees every key before any widget does. Space is STOP whatever
has the focus, also over dialogs and open menus; it never types a space and never presses a button.
Whatever takes the keyboard away (another window, a menu, a dialog, minimising, another workspace, a
screen lock) releases all keys. What a key does stands in the operator's profile.

A key counts as held from its press to its release. Auto-repeat is no input, and under X11, where a
repeat is a release and a press that sometimes arrive apart, a release counts only when the system
says that the key is up. A release that never comes is noticed the same way: the system is asked
every `WATCH_MS` whether what is held is still down. A key that the system has never called down
(made by a program, or a system that cannot be asked) is not doubted: no really held key is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWindow
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from teleop.input_profile import Action, Profile, default_profile
from teleop.operator_input import Drive, Keyboard, KeyChange, OperatorInput
from transport import clock
from ui.buttons import Switch
from ui.key_names import Places
from ui.key_state import LOOK_PATIENCE_S, RELEASE_PATIENCE_S, KeyState, key_state

log = logging.getLogger("keys")

Key = Qt.Key

WATCH_MS: Final = 100  # a lost release is noticed within this; a tenth of what would be too late
_DRIVES: Final = {Action(drive.value): drive for drive in Drive}
_RELEASING: Final = frozenset(
    {QEvent.Type.WindowDeactivate, QEvent.Type.FocusOut, QEvent.Type.Hide}
)
_TEXT: Final = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)
_NOT_PLAIN: Final = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


@dataclass(frozen=True)
class _Held:
    """A driving key that is down."""

    name: str
    drive: Drive
    code: int  # 0: no keyboard made it
    confirmed: bool = False  # the system has called it down


class KeyCapture(QObject):
    """Filters the application's key events while its window exists."""

    def __init__(
        self,
        window: QWidget,
        on_input: Callable[[OperatorInput], None],
        on_action: Callable[[Action], None],
        on_stop: Callable[[], None],
        profile: Profile | None = None,
        *,
        places: Places | None = None,
        state: KeyState | None = None,
    ) -> None:
        """`places` and `state` are those of the window system unless given."""
        super().__init__(window)
        self._window = window
        self._on_input = on_input
        self._on_action = on_action
        self._on_stop = on_stop
        self.profile = profile or default_profile()
        platform = QGuiApplication.platformName()
        self._places = places or Places(platform)
        self._state = state or key_state(platform)
        self.keyboard = Keyboard()
        self._down: dict[tuple[int, int], _Held] = {}  # by key: its code, or Qt's when it has none
        self._released_at = (0, 0)  # code and event time of the newest release
        self._counts: frozenset[Action] | None = None
        self._let_go_of = False  # whether that was of a key that drove
        self._watch = QTimer(self)
        self._watch.setInterval(WATCH_MS)
        self._watch.timeout.connect(self.doubt)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app = app
        app.installEventFilter(self)
        app.applicationStateChanged.connect(self._state_changed)

    def close(self) -> None:
        """Let go of the keyboard; idempotent."""
        self._app.removeEventFilter(self)
        self.release_all()
        self._state.close()

    def use(self, profile: Profile) -> None:
        """Other bindings from now on; what is held under the old ones is released."""
        if profile.keys != self.profile.keys:
            self.release_all()
        self.profile = profile

    def limit(self, counts: frozenset[Action] | None) -> None:
        """Only these actions are heeded from now on, and no driving; None: all, and driving."""
        if counts is not None:
            self.release_all()
        self._counts = counts

    def release_all(self) -> None:
        """All keys count as up until they are pressed again."""
        held = bool(self.keyboard.down)
        self._down.clear()
        self._watch.stop()
        self.keyboard = self.keyboard.released()
        if held:
            self._on_input(self.keyboard.read(clock.now_ns()))

    def doubt(self) -> None:
        """Ask the system whether what is held is still down, and let go of what is not."""
        codes = [held.code for held in self._down.values() if held.code]
        found = self._state.down(codes, LOOK_PATIENCE_S) if codes else None
        if found is None:
            return
        for key, held in list(self._down.items()):
            if held.code in found:
                self._down[key] = replace(held, confirmed=True)
            elif held.confirmed:
                log.warning("the release of %s was lost", held.name)
                self._let_up(key)

    # --- Qt ---------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride):
            # A key in another process's embedded window does not reach this filter at all.
            return isinstance(event, QKeyEvent) and self._key(event)
        if (
            (kind in _RELEASING and self._concerns(watched, kind))
            or (kind == QEvent.Type.WindowStateChange and self._window.isMinimized())
            or (kind == QEvent.Type.Expose and self._unseen(watched))
        ):
            self.release_all()
        return False

    def _concerns(self, watched: QObject, kind: QEvent.Type) -> bool:
        if watched is self._window or watched is self._window.windowHandle():
            return True
        # A part that is hidden means nothing; one that loses the keyboard does.
        inside = isinstance(watched, QWidget) and watched.window() is self._window
        return kind == QEvent.Type.FocusOut and inside

    def _unseen(self, watched: QObject) -> bool:
        """Whether this is our window and nobody sees it: X11 tells so at a change of workspace a
        tenth of a second before the focus goes."""
        return (
            isinstance(watched, QWindow)
            and watched is self._window.windowHandle()
            and not watched.isExposed()
        )

    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state != Qt.ApplicationState.ApplicationActive:
            self.release_all()

    def _key(self, event: QKeyEvent) -> bool:
        pressed = event.type() == QEvent.Type.KeyPress
        override = event.type() == QEvent.Type.ShortcutOverride
        place, label = self._places.place(event), self._places.label(event)
        if Action.STOP in (self.profile.keys.get(place), self.profile.keys.get(label)):
            if override:
                event.accept()  # no shortcut may take it: it comes again as a key press
            elif pressed and not event.isAutoRepeat():
                self._on_stop()
            return True
        if not pressed and not override:
            return not event.isAutoRepeat() and self._release(event)
        if override and self._driving():
            event.accept()  # no shortcut by a slip of the hand while driving: Ctrl+W, Ctrl+Q
            return True
        if override or not self._ours() or event.modifiers() & _NOT_PLAIN:
            return False
        return self._press(event, place, label)

    def _press(self, event: QKeyEvent, place: str, label: str) -> bool:
        code = self._places.code(event)
        # X11's second half of a repeat bears the time of the first; no hand is that fast.
        again = bool(code) and (code, event.timestamp()) == self._released_at
        repeated = event.isAutoRepeat() or again
        bound = self.profile.keys.get(place)
        drive = _DRIVES.get(bound) if bound is not None else None
        if drive is not None and self._counts is not None:
            return False
        if drive is not None:
            # Where the system could not say that it was a repeat, its second half takes back what
            # its first half let go of.
            if not repeated or (again and self._let_go_of):
                self._drive(_key_of(event, code), _Held(place, drive, code))
            return True
        action = self.profile.keys.get(label)
        if action in _DRIVES:
            action = None  # printed like a driving key, but not in its place
        if action is not None and self._counts is not None and action not in self._counts:
            return False
        if self._driving() and action is None:
            return True
        if action is None or (
            action is not Action.ZERO
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
            and not self.keyboard.down
        ):
            return False
        if not repeated:
            self._act(action)
        return True

    def _act(self, action: Action) -> None:
        if action is Action.ZERO:
            self.release_all()
        focused = QApplication.focusWidget()
        if action is Action.ACCEPT_OR_HAND_BACK and isinstance(focused, QAbstractButton | Switch):
            # Reached by Tab, so the operator sees the ring and means this button.
            focused.click()
            return
        self._on_action(action)

    def _drive(self, key: tuple[int, int], held: _Held) -> None:
        if key in self._down:
            return
        self._down[key] = held
        self._change(held, pressed=True)
        if held.code:
            self._watch.start()
            self.doubt()

    def _release(self, event: QKeyEvent) -> bool:
        """A release counts wherever it arrives, and by position: a modifier or another layout may
        have renamed the key since it went down."""
        code = self._places.code(event)
        self._released_at = (code, event.timestamp())
        key = _key_of(event, code)
        held = self._down.get(key)
        self._let_go_of = held is not None
        if held is None:
            return False
        if held.confirmed and self._state.down((code,), RELEASE_PATIENCE_S):
            return True  # the first half of a repeat that was cut in two
        self._let_up(key)
        return False

    def _let_up(self, key: tuple[int, int]) -> None:
        held = self._down.pop(key)
        if not self._down:
            self._watch.stop()
        if all(other.name != held.name for other in self._down.values()):
            self._change(held, pressed=False)

    def _change(self, held: _Held, *, pressed: bool) -> None:
        stamp_ns = clock.now_ns()
        after = self.keyboard.after(KeyChange(held.name, held.drive, pressed, stamp_ns))
        if after != self.keyboard:
            self.keyboard = after
            self._on_input(after.read(stamp_ns, self.profile.speeds))

    def _driving(self) -> bool:
        """Whether a key that moves the robot is down; Ctrl or Shift alone is none."""
        return self.keyboard.moving

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


def _key_of(event: QKeyEvent, code: int) -> tuple[int, int]:
    """What tells this key from others."""
    return (code, 0) if code else (0, event.key())
