"""The play bar of the review: step, play, speed, time, camera, first difference."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ui import words
from ui.buttons import KeyButton
from ui.choice import Choice
from ui.panels import label, set_text
from ui.review_state import position
from ui.theme import BODY, CAPTION, Theme, font, text_width

SPEEDS: Final = (0.25, 1.0, 4.0)
SPEED_WORDS: Final = ("¼×", "1×", "4×")
HEIGHT: Final = 48


class Legend(QWidget):
    """Which line is which."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(
            text_width("recorded", CAPTION) + text_width("replayed", CAPTION) + 72, 20
        )
        self.setAccessibleName("Thick line recorded, thin line replayed")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._theme
        painter.setFont(font(CAPTION))
        x = 0
        for name, role, wide in (("recorded", "trace", 4), ("replayed", "text", 1)):
            painter.setPen(QPen(theme.color(role), wide))
            painter.drawLine(QPointF(x, 10), QPointF(x + 20, 10))
            painter.setPen(theme.color("text2"))
            painter.drawText(QPointF(x + 26, 14), name)
            x += 26 + text_width(name, CAPTION) + 14


class PlayBar(QWidget):
    """Says what is wanted; shows what it is told."""

    stepped = Signal(int)  # rows
    played = Signal()
    first = Signal()
    faster = Signal(float)
    camera = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(HEIGHT)
        self.back = _small(theme, "Step back", "←", "back")
        self.play = KeyButton(theme, "Pause", "B", "pause")
        self.play.setFixedWidth(self.play.sizeHint().width())
        self.forward = _small(theme, "Step forward", "→", "forward")
        self.speed = Choice(theme, "Speed", SPEED_WORDS, 1)
        self.at = label(weight=600)
        self.at.setFixedWidth(text_width("8888.88 s", BODY, 600))
        self.length = label(role="label")
        self.legend = Legend(theme)
        self.cameras = Choice(theme, "Camera", ())
        self.difference = KeyButton(theme, "First difference", "F")
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 8, 0, 8)
        box.setSpacing(8)
        for part in (self.back, self.play, self.forward, self.speed):
            box.addWidget(part)
        box.addSpacing(8)
        box.addWidget(self.at)
        box.addWidget(self.length)
        box.addStretch(1)
        box.addWidget(self.legend)
        box.addWidget(self.cameras)
        box.addWidget(self.difference)
        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.forward.clicked.connect(lambda: self.stepped.emit(1))
        self.play.clicked.connect(self.played)
        self.difference.clicked.connect(self.first)
        self.speed.chosen.connect(lambda which: self.faster.emit(SPEEDS[which]))
        self.cameras.chosen.connect(self.camera)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_playing(False)
        self.show_position(0.0, 0.0)

    def sizeHint(self) -> QSize:
        return QSize(800, HEIGHT)

    def narrow(self, is_narrow: bool) -> None:
        """In small windows the legend is left out; the lanes' tooltip keeps it."""
        self.legend.setVisible(not is_narrow)

    def show_playing(self, playing: bool) -> None:
        """What the button does now."""
        self.play.say("Pause" if playing else "Play")
        self.play.use_icon("pause" if playing else "play")

    def show_position(self, at_s: float, length_s: float) -> None:
        """Where the playhead is."""
        at, length = position(at_s, length_s)
        set_text(self.at, at)
        set_text(self.length, length)

    def show_cameras(self, cameras: tuple[str, ...], on: int) -> None:
        """Which cameras there are."""
        self.cameras.offer(tuple(words.camera(name) for name in cameras), on)
        self.cameras.setVisible(len(cameras) > 1)


def _small(theme: Theme, name: str, key: str, icon: str) -> KeyButton:
    """A button that is only an icon."""
    button = KeyButton(theme, "", "", icon)
    button.setFixedWidth(36)
    button.setAccessibleName(name)
    button.setToolTip(f"{name} ({key})")
    return button
