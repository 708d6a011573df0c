"""Notes and voice, if this machine has them: made here, played by QtMultimedia and QtTextToSpeech.

Both are parts of Qt that the console runs without (`pip install 'unstick[sound]'`). What is missing
is said by `sound_trouble` and `voice_trouble`, in the doctor and the preferences, and nowhere else:
a console that cannot beep drives as well as any.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLocale, QObject, QTimer

from ui.kept_preferences import Sound
from ui.speech import tr

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioSink
    from PySide6.QtTextToSpeech import QTextToSpeech

log = logging.getLogger("sound")

RATE_HZ: Final = 44_100
RAMP_S: Final = 0.008  # at both ends of a note, or it clicks
PAUSE_S: Final = 0.2  # between two sounds
WAITING: Final = 3  # sounds that wait for those before them; more are old news
# Notes: pitch in Hz (0 is a pause) and length in s. Low is bad, two notes ask for you.
NOTES: Final[dict[Sound, tuple[tuple[float, float], ...]]] = {
    Sound.STOPPED: ((196.0, 0.18), (0.0, 0.07)) * 3,
    Sound.HOLD: ((220.0, 0.28),),
    Sound.ASKED: ((523.3, 0.14), (0.0, 0.03), (659.3, 0.2)),
    Sound.CALL: ((659.3, 0.16), (0.0, 0.04), (880.0, 0.24)),
    Sound.GO: ((880.0, 0.6),),
    Sound.READY: ((587.3, 0.12),),
    Sound.STALE: ((1200.0, 0.02),),
}
_INSTALL: Final = "pip install 'unstick[sound]'"


def samples(sound: Sound, volume: int) -> npt.NDArray[np.int16]:
    """The notes of `sound`, mono at `RATE_HZ`; `volume` 0 to 100, by ear (its square)."""
    loud = (volume / 100) ** 2 * 0.8 * np.iinfo(np.int16).max
    parts = []
    for pitch_hz, length_s in NOTES[sound]:
        at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
        ramp = np.clip(np.minimum(at_s, length_s - at_s) / RAMP_S, 0.0, 1.0)
        # An octave above, softly: small speakers do not carry a low note alone.
        wave = 0.75 * np.sin(2 * np.pi * pitch_hz * at_s) + 0.25 * np.sin(
            4 * np.pi * pitch_hz * at_s
        )
        parts.append(wave * ramp)
    return np.asarray(np.concatenate(parts) * loud, dtype=np.int16)


def sound_trouble() -> str:
    """Why no sound is heard here; empty: it can be."""
    try:
        from PySide6.QtMultimedia import QMediaDevices
    except ImportError:
        return tr("no sound: QtMultimedia is not installed ({how})", how=_INSTALL)
    if QMediaDevices.defaultAudioOutput().isNull():
        return tr("no sound: this machine has no audio output")
    return ""


def voice_trouble() -> str:
    """Why nothing is spoken here; empty: it can be."""
    try:
        from PySide6.QtTextToSpeech import QTextToSpeech
    except ImportError:
        return tr("no voice: QtTextToSpeech is not installed ({how})", how=_INSTALL)
    if not [name for name in QTextToSpeech.availableEngines() if name != "mock"]:
        return tr("no voice: this system has no speech output")
    engine = QTextToSpeech()
    if engine.state() is QTextToSpeech.State.Error:
        return tr("no voice: {why}", why=engine.errorString())
    return ""


class Sounds(QObject):
    """Plays one sound after the other; silent without an audio output."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.trouble = sound_trouble()
        self._waiting: list[tuple[Sound, int]] = []
        self._sinks: set[QAudioSink] = set()
        # A sound is over when its notes are, not when the output says so: some say it seconds late.
        self._over = QTimer(self)
        self._over.setSingleShot(True)
        self._over.timeout.connect(self._next)
        if self.trouble:
            log.info("%s", self.trouble)

    def play(self, sound: Sound, volume: int) -> None:
        """Let it be heard, after those that are being heard; the same one waits once."""
        if self.trouble or volume <= 0 or sound in [each for each, _ in self._waiting]:
            return
        self._waiting.append((sound, volume))
        self._waiting.sort(key=lambda each: list(Sound).index(each[0]))  # the most severe first
        del self._waiting[WAITING:]
        if not self._over.isActive():
            self._next()

    def close(self) -> None:
        """Be silent; idempotent."""
        self._over.stop()
        self._waiting.clear()
        for sink in tuple(self._sinks):
            sink.stop()

    def _next(self) -> None:
        from PySide6.QtMultimedia import QAudio, QAudioFormat, QAudioSink, QMediaDevices

        if not self._waiting:
            return
        output = QMediaDevices.defaultAudioOutput()
        if output.isNull():  # it has been unplugged
            self._waiting.clear()
            return
        sound, volume = self._waiting.pop(0)
        layout = QAudioFormat()
        layout.setSampleRate(RATE_HZ)
        layout.setChannelCount(1)
        layout.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        notes = samples(sound, volume)
        sink = QAudioSink(output, layout, self)
        buffer = QBuffer(sink)
        buffer.setData(QByteArray(notes.tobytes()))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)

        def changed(state: QAudio.State) -> None:
            # Idle: all was played. Stopped: by `close`, or the output failed or has gone.
            ended = state in (QAudio.State.IdleState, QAudio.State.StoppedState)
            if ended and sink in self._sinks:
                self._sinks.remove(sink)
                sink.stop()
                sink.deleteLater()

        self._sinks.add(sink)
        sink.stateChanged.connect(changed)
        sink.start(buffer)
        self._over.start(round((len(notes) / RATE_HZ + PAUSE_S) * 1000))


class Voice(QObject):
    """Says a sentence; a newer one ends the one before. Nothing without speech output."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.trouble = voice_trouble()
        self._engine: QTextToSpeech | None = None
        if self.trouble:
            log.info("%s", self.trouble)

    def say(self, text: str, volume: int) -> None:
        """Say it in the language of the texts."""
        if self.trouble or not text:
            return
        if self._engine is None:
            from PySide6.QtTextToSpeech import QTextToSpeech

            self._engine = QTextToSpeech(self)
        self._engine.setLocale(QLocale())
        self._engine.setVolume(volume / 100)
        self._engine.stop()
        self._engine.say(text)

    def close(self) -> None:
        """Be silent; idempotent."""
        if self._engine is not None:
            self._engine.stop()
            self._engine = None
