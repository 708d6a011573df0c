"""What reaches an operator who does not look: sounds, a voice, a notice of the desktop."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSystemTrayIcon

from ui.kept_preferences import Preferences, Sound
from ui.screen import Chip, Screen
from ui.sound_plan import Ears, heard, sentence
from ui.sounds import Sounds, Voice
from ui.speech import tr
from ui.theme import Theme

NOTICE_MS = 10_000


class Attention(QObject):
    """Ask it at each look at the screen; it knows what is new."""

    def __init__(
        self,
        theme: Theme,
        preferences: Preferences,
        parent: QObject | None = None,
        *,
        sounds: Sounds | None = None,
        voice: Voice | None = None,
    ) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.sounds = sounds or Sounds(self)
        self.voice = voice or Voice(self)
        self._theme = theme
        self._ears = Ears()
        self._line: Chip | None = None
        self._asked = ""
        self._tray: QSystemTrayIcon | None = None

    def use(self, preferences: Preferences) -> None:
        """Other preferences from now on."""
        self.preferences = preferences

    def look(
        self,
        screen: Screen,
        now_ns: int,
        *,
        in_front: bool,
        waiting: frozenset[str] | None = None,
        count: int | None = None,
    ) -> None:
        """See `ui.sound_plan.heard`; `in_front`: the window has the focus."""
        now = heard(screen, waiting, count)
        self._ears, due = self._ears.step(now, now_ns)
        for sound in due:
            if self.preferences.hears(sound):
                self.sounds.play(sound, self.preferences.volume)
        if Sound.CALL in due and not in_front and self.preferences.notify:
            self._notify(tr("{robots} asks for help", robots=", ".join(sorted(now.calls))), screen)
        if self.preferences.voice:
            notice = screen.notice
            asked = notice.title if now.asked and notice is not None else ""
            line = sentence(self._line, screen.readiness)
            self.voice.say(asked if asked != self._asked and asked else line, self._loud)
            self._asked = asked
        self._line = screen.readiness

    @property
    def _loud(self) -> int:
        return self.preferences.volume

    def _notify(self, title: str, screen: Screen) -> None:
        """By the desktop; without a tray there is none."""
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        if self._tray is None:
            from ui import icons

            self._tray = QSystemTrayIcon(icons.icon("unstick", self._theme.color("blue")), self)
            self._tray.setToolTip("Unstick")
        self._tray.show()
        icon = QSystemTrayIcon.MessageIcon.Information
        self._tray.showMessage(title, screen.call.heading, icon, NOTICE_MS)

    def close(self) -> None:
        """Be silent, and leave the tray; idempotent."""
        self.sounds.close()
        self.voice.close()
        if self._tray is not None:
            self._tray.hide()
            self._tray = None
