"""The preferences: a dialog of which every change counts at once, and what carries them out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, Qt, QTranslator, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from teleop.safety import ConfigError
from ui import kept_preferences
from ui.buttons import KeyButton, StopButton
from ui.choice import Choice
from ui.kept_preferences import PERCENTS, Colours, Preferences, Sound
from ui.panels import label
from ui.screen import Chip
from ui.speech import SPOKEN, Language, later, speak, tr
from ui.theme import SUBJECT, Theme, pixels
from ui.tick_box import TickBox

log = logging.getLogger("ui")

_T = TypeVar("_T")
_COLOURS: Final = (
    (Colours.SYSTEM, later("As the system")),
    (Colours.DARK, later("Dark")),
    (Colours.LIGHT, later("Light")),
)
# Each language is called by its own name: who does not read the one in use finds his.
_LANGUAGES: Final = (
    (Language.SYSTEM, later("As the system")),
    (Language.ENGLISH, "English"),
    (Language.GERMAN, "Deutsch"),
)
_SCHEMES: Final = {
    Colours.SYSTEM: Qt.ColorScheme.Unknown,
    Colours.DARK: Qt.ColorScheme.Dark,
    Colours.LIGHT: Qt.ColorScheme.Light,
}
SOUNDS: Final = {
    Sound.CALL: later("A robot calls: two notes, again after 30 and 60 s"),
    Sound.HOLD: later("Your robot holds: one low note"),
    Sound.STOPPED: later("It has stopped until somebody resets it: three low notes"),
    Sound.STALE: later("The picture is no longer live: a click"),
    Sound.ASKED: later("Somebody wants to take over: two notes"),
    Sound.READY: later("Collecting, 3, 2, 1: short notes"),
    Sound.GO: later("Collecting, GO: a long note"),
}


class PreferenceStore(QObject):
    """The preferences in use: keeps them, carries out those of the whole application, and says
    when they change."""

    changed = Signal(object)  # `Preferences`

    def __init__(self, folder: Path, theme: Theme, zoom: float = 1.0) -> None:
        """`zoom` is what the window was started with (`Preferences.scale`)."""
        super().__init__(theme)
        self._folder = folder
        self._theme = theme
        self.zoom = zoom
        self._qt = QTranslator(self)
        self.value, self.problems = kept_preferences.read(folder)
        for problem in self.problems:
            log.warning("%s", problem)

    def use(self) -> None:
        """Carry out what was kept; once, when the application is dressed."""
        self._carry_out()

    def change(self, value: Preferences) -> None:
        """Use and keep these from now on. What cannot be kept counts until the end, and is told in
        `problems`."""
        if value == self.value:
            return
        self.value = value
        self.problems = ()
        try:
            kept_preferences.write(self._folder, value)
        except ConfigError as error:
            self.problems = (str(error),)
        self._carry_out()
        self.changed.emit(value)

    def _carry_out(self) -> None:
        language = speak(self.value.language, QLocale.system().name())
        QLocale.setDefault(QLocale(str(language)))
        # Qt's own words: context menus of text fields, buttons of file dialogs.
        QCoreApplication.removeTranslator(self._qt)
        where = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if language is not Language.ENGLISH and self._qt.load(f"qtbase_{language}", where):
            QCoreApplication.installTranslator(self._qt)
        self._theme.choose(_SCHEMES[self.value.colours])
        self._theme.scale(self.value.type_percent(self.zoom))


class PreferencesDialog(QDialog):
    """Everything an operator may prefer. It blocks the window behind it, so STOP is here, too."""

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None,
        store: PreferenceStore,
        on_stop: Callable[[], None],
        *,
        sound_trouble: Callable[[], str] = lambda: "",
        voice_trouble: Callable[[], str] = lambda: "",
        on_sound: Callable[[Sound, int], None] = lambda sound, volume: None,
    ) -> None:
        """`sound_trouble` and `voice_trouble` say why there is none here; `on_sound` lets one be
        heard at a volume."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self._theme = theme
        self._store = store
        self._on_stop = on_stop
        self._on_sound = on_sound
        self._trouble = (sound_trouble, voice_trouble)
        self._chip: Chip | None = None
        self._body: QWidget | None = None
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self._build()
        store.changed.connect(self._changed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Space is STOP, so Enter presses what Tab has reached, and nothing else.
            focused = self.focusWidget()
            if isinstance(focused, QAbstractButton):
                focused.click()
            event.accept()
            return
        super().keyPressEvent(event)

    def show_stop(self, chip: Chip) -> None:
        """STOP here looks as it does in the window."""
        self._chip = chip
        self.stop.show_chip(chip)

    # --- parts ------------------------------------------------------------------------------------

    def _build(self) -> None:
        """All of it, in the language and the size in use."""
        theme, value = self._theme, self._store.value
        if self._body is not None:
            self._outer.removeWidget(self._body)
            self._body.hide()
            self._body.deleteLater()
        self._body = QWidget(self)
        self._outer.addWidget(self._body)
        self.setWindowTitle(tr("Preferences"))
        column = QVBoxLayout(self._body)
        column.setContentsMargins(24, 16, 24, 24)
        column.setSpacing(12)
        top = QHBoxLayout()
        self.stop = StopButton(theme)
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Space presses it from everywhere
        self.stop.clicked.connect(self._on_stop)
        if self._chip is not None:
            self.stop.show_chip(self._chip)
        top.addWidget(label(tr("Preferences"), SUBJECT, 600), 1)
        top.addWidget(self.stop)
        column.addLayout(top)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 12, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        # In a small window, or with large text, the middle scrolls; STOP and the end stay in sight.
        self.middle = QScrollArea()
        self.middle.setWidgetResizable(True)
        self.middle.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.middle.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column.addWidget(self.middle, 1)
        self.colours = self._choice(
            grid, tr("Colours"), _COLOURS, value.colours, lambda one: {"colours": one}
        )
        self.language = self._choice(
            grid, tr("Language"), _LANGUAGES, value.language, lambda one: {"language": one}
        )
        percents = tuple((percent, f"{percent} %") for percent in PERCENTS)
        self.text = self._choice(
            grid, tr("Size of text"), percents, value.text_percent, self._sized
        )
        self.next_start = label(role="label")
        grid.addWidget(self.next_start, grid.rowCount(), 1)
        self._sounds(grid)
        self._voice(grid)
        self.notify = self._switch(
            grid,
            "",
            tr("Notice of the desktop of a call while this window is behind"),
            value.notify,
            lambda on: {"notify": on},
        )
        self.middle.setWidget(inner)
        self.note = label(role="amber")
        self.note.setWordWrap(True)
        column.addWidget(self.note)
        foot = QHBoxLayout()
        foot.addWidget(label(tr("Every change counts at once. Units are SI."), role="label"), 1)
        done = KeyButton(theme, tr("Close"), "Esc", main=True)
        done.clicked.connect(self.accept)
        foot.addWidget(done)
        column.addLayout(foot)
        self._tell()
        wanted = inner.sizeHint()
        room = self.screen().availableSize()
        chrome = pixels(40 + 40) + 24 * 4  # title row, foot, margins
        self.middle.setMinimumWidth(min(wanted.width() + 24, room.width() - 64))
        self.middle.setMinimumHeight(min(wanted.height(), room.height() - chrome - 64))

    def _sounds(self, grid: QGridLayout) -> None:
        value, trouble = self._store.value, self._trouble[0]()
        row = grid.rowCount()
        grid.addWidget(label(tr("Volume"), role="label"), row, 0)
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setRange(0, 100)
        self.volume.setPageStep(10)
        self.volume.setValue(value.volume)
        self.volume.setMinimumHeight(pixels(28))
        self.volume.setAccessibleName(tr("Volume"))
        self.volume.setEnabled(not trouble)
        self.volume.valueChanged.connect(self._loud)
        line = QHBoxLayout()
        line.addWidget(self.volume, 1)
        self.loud = label(f"{value.volume} %")
        self.loud.setMinimumWidth(pixels(48))
        line.addWidget(self.loud)
        grid.addLayout(line, row, 1)
        if trouble:
            self._told(grid, trouble)
        self.sounds = {
            sound: self._switch(
                grid,
                tr("Sounds") if number == 0 else "",
                tr(what),
                sound not in value.silent,
                partial(self._silence, sound),
            )
            for number, (sound, what) in enumerate(SOUNDS.items())
        }
        for sound, box in self.sounds.items():
            box.setEnabled(not trouble)
            box.toggled.connect(
                lambda on, which=sound: self._on_sound(which, self._store.value.volume if on else 0)
            )

    def _voice(self, grid: QGridLayout) -> None:
        trouble = self._trouble[1]()
        self.voice = self._switch(
            grid,
            tr("Voice"),
            tr("Says what the readiness line says, when it changes"),
            self._store.value.voice and not trouble,
            lambda on: {"voice": on},
        )
        self.voice.setEnabled(not trouble)
        if trouble:
            self._told(grid, trouble)

    def _told(self, grid: QGridLayout, trouble: str) -> None:
        line = label(trouble[:1].upper() + trouble[1:], role="label")
        line.setWordWrap(True)
        grid.addWidget(line, grid.rowCount(), 1)

    def _choice(
        self,
        grid: QGridLayout,
        name: str,
        options: tuple[tuple[_T, str], ...],
        now: _T,
        change: Callable[[_T], dict[str, object]],
    ) -> Choice:
        values = [value for value, _ in options]
        on = values.index(now) if now in values else 0
        made = Choice(self._theme, name, tuple(tr(words) for _, words in options), on)
        made.chosen.connect(lambda which: self._change(**change(values[which])))
        row = grid.rowCount()
        grid.addWidget(label(name, role="label"), row, 0)
        grid.addWidget(made, row, 1, Qt.AlignmentFlag.AlignLeft)
        return made

    def _switch(
        self,
        grid: QGridLayout,
        name: str,
        words: str,
        on: bool,
        change: Callable[[bool], dict[str, object]],
    ) -> TickBox:
        made = TickBox(self._theme, words, on)
        made.toggled.connect(lambda now: self._change(**change(now)))
        row = grid.rowCount()
        grid.addWidget(label(name, role="label"), row, 0)
        grid.addWidget(made, row, 1)
        return made

    # --- what happens -----------------------------------------------------------------------------

    def _change(self, **changed: object) -> None:
        self._store.change(replace(self._store.value, **changed))  # type: ignore[arg-type]

    def _silence(self, sound: Sound, on: bool) -> dict[str, object]:
        return {"silent": self._store.value.with_sound(sound, on).silent}

    def _loud(self, volume: int) -> None:
        self.loud.setText(f"{volume} %")
        self._change(volume=volume)

    def _sized(self, percent: int) -> dict[str, object]:
        """With the screen on which it was chosen: how far the window can be zoomed goes by it."""
        room, zoom = self.screen().size(), self._store.zoom  # a zoomed screen counts fewer px
        screen = (round(room.width() * zoom), round(room.height() * zoom))
        return {"text_percent": percent, "screen": screen}

    def _changed(self, value: Preferences) -> None:
        """Another language or size makes all of it anew; the rest is told in place."""
        said = (value.language, value.text_percent)
        if said != self._said:
            # Not while the control that was pressed is still at work.
            focus = self.focusWidget()
            name = self._names().get(focus, "") if focus is not None else ""
            self._build()
            found = getattr(self, name, None) if name else None
            if isinstance(found, QWidget):
                found.setFocus()
            self.adjustSize()
        else:
            self._tell()

    def _names(self) -> dict[QWidget, str]:
        return {self.colours: "colours", self.language: "language", self.text: "text"}

    def _tell(self) -> None:
        value = self._store.value
        self._said = (value.language, value.text_percent)
        whole = value.scale.zoom != self._store.zoom
        self.next_start.setText(
            tr("Text counts now; icons and spacing follow when the console is started again")
        )
        self.next_start.setVisible(whole)
        self.note.setText("\n".join(self._store.problems))
        self.note.setVisible(bool(self._store.problems))


assert {language for language, _ in _LANGUAGES} == {Language.SYSTEM, *SPOKEN}
