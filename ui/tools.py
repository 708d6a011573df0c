"""What stands beside the pages: preferences, shortcuts, what is heard, a report for somebody else.

Each dialog blocks the window behind it, so each has STOP in its title row.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QFileDialog

from teleop.diagnostics_bundle import write_bundle
from teleop.doctor import machine_checks
from teleop.profile_files import profiles_folder
from teleop.safety import ConfigError
from transport import clock
from ui.attention import Attention
from ui.errands import Errands
from ui.kept_preferences import Preferences, Sound
from ui.preferences import PreferencesDialog, PreferenceStore
from ui.screen import Screen
from ui.shortcut_editor import ShortcutEditor
from ui.sounds import sound_trouble, voice_trouble

if TYPE_CHECKING:
    from ui.main_window import MainWindow

log = logging.getLogger("ui")


class Tools:
    """The window's thread only."""

    def __init__(self, window: MainWindow, store: PreferenceStore) -> None:
        self._window = window
        self._store = store
        self._errands = Errands("report")
        self._dialog: PreferencesDialog | ShortcutEditor | None = None
        self.attention = Attention(window.theme, store.value, window)
        store.changed.connect(self._changed)

    def look(self, screen: Screen, now_ns: int, waiting: frozenset[str] | None) -> None:
        """Let what is new be heard; `waiting`: robots that call, if more than one is known."""
        self.attention.look(screen, now_ns, in_front=self._window.focused, waiting=waiting)
        if self._dialog is not None:
            self._dialog.show_stop(screen.stop)

    def beep(self, long: bool) -> None:
        """Of the countdown."""
        sound = Sound.GO if long else Sound.READY
        if self._store.value.hears(sound):
            self.attention.sounds.play(sound, self._store.value.volume)

    def show_preferences(self) -> None:
        """Theme, size of the text, language, sounds, voice."""
        window = self._window
        dialog = PreferencesDialog(
            window.theme,
            window,
            self._store,
            window.link.stop,
            sound_trouble=sound_trouble,
            voice_trouble=voice_trouble,
            on_sound=self.attention.sounds.play,
        )
        self._open(dialog)

    def show_shortcuts(self) -> None:
        """Keys and gamepads."""
        window = self._window
        editor = ShortcutEditor(
            window.theme,
            window,
            window.controls,
            profiles_folder(),
            window.link.stop,
            window.let_go,
        )
        self._open(editor)

    def save_report(self) -> None:
        """A bundle for somebody who helps, without secrets; where, is asked first."""
        window = self._window
        name, _ = QFileDialog.getSaveFileName(
            window, "Report without secrets", str(Path.home() / "unstick-report.zip"), "*.zip"
        )
        if not name:
            return
        self._tell("The report is being made; it takes a while.")

        def write() -> str:  # asks other programs what this machine can do, for up to a minute
            try:
                return write_bundle(Path(name), machine_checks()).splitlines()[0]
            except ConfigError as error:
                return f"No report: {error}"

        self._errands.do("report", write, self._tell, self._tell)

    def _tell(self, sentence: str) -> None:
        log.info("%s", sentence)
        self._window.history.tell(sentence, clock.now_ns())

    def close(self) -> None:
        """Be silent; idempotent."""
        self.attention.close()
        self._errands.close()

    def _open(self, dialog: PreferencesDialog | ShortcutEditor) -> None:
        self._dialog = dialog
        screen = self._window.screen_shown
        if screen is not None:
            dialog.show_stop(screen.stop)
        dialog.finished.connect(self._closed)
        dialog.open()

    def _closed(self, _code: QDialog.DialogCode) -> None:
        self._dialog = None
        self._window.activateWindow()

    def _changed(self, value: Preferences) -> None:
        self.attention.use(value)
        self._window.lay_out()
