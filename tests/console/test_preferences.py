"""The preferences: each change counts at once and is kept; STOP stays where it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from tests.console.fakes import driven, link_view
from tests.console.support import Console
from transport.clock import NS_PER_S
from ui import sounds
from ui.attention import Attention
from ui.buttons import KeyButton
from ui.kept_preferences import FILE, Colours, Preferences, Sound, read
from ui.panels import label
from ui.preferences import PreferencesDialog, PreferenceStore
from ui.screen import Chip, Look
from ui.sounds import NOTES, RATE_HZ, Sounds, Voice, samples
from ui.speech import Language, speak
from ui.theme import BODY, LIGHT, Theme, font, text_percent, text_width


@pytest.fixture(autouse=True)
def as_before(theme: Theme) -> Iterator[None]:
    """Whatever a test prefers, the next one starts dark, at 100 % and in English."""
    yield
    speak(Language.ENGLISH)
    theme.scale(100)
    theme.choose(Qt.ColorScheme.Dark)


@pytest.fixture
def store(theme: Theme, tmp_path: Path) -> Iterator[PreferenceStore]:
    made = PreferenceStore(tmp_path, theme)
    made.use()
    yield made
    made.change(Preferences(language=Language.ENGLISH, colours=Colours.DARK))


@pytest.fixture
def dialog(qtbot: QtBot, theme: Theme, store: PreferenceStore) -> PreferencesDialog:
    made = PreferencesDialog(theme, None, store, lambda: None)
    qtbot.addWidget(made)
    made.show()
    return made


def texts(dialog: PreferencesDialog) -> set[str]:
    return {part.text() for part in dialog.findChildren(QLabel) if part.isVisible()}


def test_a_theme_counts_at_once_and_is_kept(
    dialog: PreferencesDialog, store: PreferenceStore, theme: Theme, tmp_path: Path
) -> None:
    dialog.colours.choose(2)
    assert theme.tokens is LIGHT
    assert read(tmp_path)[0].colours is Colours.LIGHT


def test_a_language_counts_at_once_in_the_dialog_itself(
    dialog: PreferencesDialog, qtbot: QtBot
) -> None:
    assert "Size of text" in texts(dialog)
    dialog.language.choose(2)
    qtbot.waitUntil(lambda: "Schriftgröße" in texts(dialog))
    assert dialog.windowTitle() == "Einstellungen"


def test_qts_own_words_follow(dialog: PreferencesDialog) -> None:
    dialog.language.choose(2)
    assert QApplication.translate("QPlatformTheme", "Cancel") == "Abbrechen"
    dialog.language.choose(1)
    assert QApplication.translate("QPlatformTheme", "Cancel") == "Cancel"


def test_a_size_of_text_counts_at_once_and_tells_what_follows_later(
    dialog: PreferencesDialog, store: PreferenceStore
) -> None:
    dialog.text.choose(2)
    assert (text_percent(), store.value.text_percent) == (150, 150)
    assert store.value.screen != (0, 0)


def test_text_that_is_on_the_screen_grows_and_comes_back_to_where_it_was(
    qtbot: QtBot, theme: Theme
) -> None:
    words, button = label("a text"), KeyButton(theme, "A button")
    qtbot.addWidget(words)
    qtbot.addWidget(button)
    before = (words.font().pixelSize(), button.height(), text_width("a text"))
    for percent in (133, 117, 200):
        theme.scale(percent)
    assert (words.font().pixelSize(), button.height()) == (2 * BODY, 64)
    assert font().pixelSize() == 2 * BODY
    theme.scale(100)
    assert (words.font().pixelSize(), button.height(), text_width("a text")) == before


def test_a_sound_is_switched_off_alone(dialog: PreferencesDialog, store: PreferenceStore) -> None:
    dialog.sounds[Sound.STALE].click()
    assert store.value.silent == {Sound.STALE}
    dialog.sounds[Sound.STALE].click()
    assert not store.value.silent


def test_what_cannot_be_heard_here_is_said_and_greyed(
    qtbot: QtBot, theme: Theme, store: PreferenceStore
) -> None:
    made = PreferencesDialog(
        theme,
        None,
        store,
        lambda: None,
        sound_trouble=lambda: "no sound: there is none",
        voice_trouble=lambda: "no voice: there is none",
    )
    qtbot.addWidget(made)
    made.show()
    assert {"No sound: there is none", "No voice: there is none"} <= texts(made)
    assert not made.volume.isEnabled()
    assert not made.voice.isEnabled()


@pytest.mark.skipif(sys.platform == "win32", reason="a file where a folder should be, otherwise")
def test_what_cannot_be_kept_counts_and_is_told(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "unstick").write_text("a file")
    store = PreferenceStore(tmp_path / "unstick", theme)
    made = PreferencesDialog(theme, None, store, lambda: None)
    qtbot.addWidget(made)
    made.show()
    made.colours.choose(2)
    assert theme.tokens is LIGHT
    assert "cannot be written" in made.note.text()
    assert made.note.isVisible()


def test_a_wrong_file_is_told_when_the_dialog_opens(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("text_percent = 7\n")
    made = PreferencesDialog(theme, None, PreferenceStore(tmp_path, theme), lambda: None)
    qtbot.addWidget(made)
    made.show()
    assert "it is a number from 100 to 200" in made.note.text()


def test_space_is_stop_in_the_dialog_and_changes_no_box(
    console: Console, qtbot: QtBot, store: PreferenceStore
) -> None:
    console.show(link_view(driven()))
    made = PreferencesDialog(console.theme, console.window, store, console.link.stop)
    made.show()
    made.voice.setFocus()
    qtbot.keyClick(made.voice, Qt.Key.Key_Space)
    assert console.link.stops == 1
    assert not store.value.voice
    qtbot.keyClick(made.voice, Qt.Key.Key_Return)
    assert store.value.voice
    made.close()


def test_stop_in_the_dialog_stops_and_looks_as_in_the_window(
    qtbot: QtBot, theme: Theme, store: PreferenceStore
) -> None:
    stops: list[None] = []
    made = PreferencesDialog(theme, None, store, lambda: stops.append(None))
    qtbot.addWidget(made)
    made.show_stop(Chip("octagon", "STOPPED", look=Look.LATCHED))
    made.language.choose(2)  # makes all of it anew
    assert made.stop.accessibleName() == "STOPPED"
    made.stop.click()
    assert len(stops) == 1


# --- sounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sound", Sound)
def test_notes_have_their_pitch_and_begin_and_end_softly(sound: Sound) -> None:
    wave = samples(sound, 100)
    pitch_hz, length_s = NOTES[sound][0]
    first = wave[: round(length_s * RATE_HZ)].astype(float)
    found_hz = np.abs(np.fft.rfft(first)).argmax() / length_s
    assert found_hz == pytest.approx(pitch_hz, abs=1 / length_s)
    assert abs(int(wave[0])) < 300
    assert abs(int(wave[-1])) < 300
    assert 15_000 < np.abs(wave).max() < 32_767


def test_volume_is_by_ear_and_zero_is_silence() -> None:
    loud, half = (np.abs(samples(Sound.CALL, volume)).max() for volume in (100, 50))
    assert half == pytest.approx(loud / 4, rel=0.01)
    assert not samples(Sound.CALL, 0).any()


def test_without_an_output_there_is_silence_and_a_reason(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "sound_trouble", lambda: "no sound: there is none")
    monkeypatch.setattr(sounds, "voice_trouble", lambda: "no voice: there is none")
    player, voice = Sounds(), Voice()
    player.play(Sound.CALL, 100)
    voice.say("Hold", 100)
    assert (player.trouble, voice.trouble) == ("no sound: there is none", "no voice: there is none")
    player.close()
    voice.close()


class Listener:
    """In the place of a loudspeaker: notes what would be heard."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def play(self, sound: Sound, volume: int) -> None:
        self.heard.append(sound)

    def say(self, text: str, volume: int) -> None:
        if text:
            self.heard.append(text)

    def close(self) -> None:
        """Nothing is held."""


def listening(theme: Theme, preferences: Preferences) -> tuple[Attention, Listener]:
    listener = Listener()
    made = Attention(theme, preferences, sounds=listener, voice=listener)  # type: ignore[arg-type]
    return made, listener


def test_a_stop_in_the_window_is_heard_and_spoken(console: Console, theme: Theme) -> None:
    attention, listener = listening(theme, Preferences(voice=True))
    console.show(link_view(driven()))
    before = console.window.screen_shown
    assert before is not None
    stopped = replace(before, readiness=Chip("octagon", "STOPPED", "STOP by op-3", Look.LATCHED))
    for at_s, screen in enumerate((before, stopped, stopped)):
        attention.look(screen, at_s * NS_PER_S, in_front=True)
    assert listener.heard == [Sound.STOPPED, "Stopped: STOP by op-3"]


def test_what_is_switched_off_is_not_heard(console: Console, theme: Theme) -> None:
    attention, listener = listening(theme, Preferences(silent=frozenset({Sound.CALL})))
    screen = console.window.screen_shown
    assert screen is not None
    attention.look(screen, 0, in_front=True, waiting=frozenset({"rover-07"}))
    attention.use(Preferences())
    attention.look(screen, 31 * NS_PER_S, in_front=False, waiting=frozenset({"rover-07"}))
    attention.close()
    assert listener.heard == [Sound.CALL]
