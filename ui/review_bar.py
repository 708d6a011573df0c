"""The play bar of the review: step, play, speed, time, camera, first difference."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ui import words
from ui.buttons import KeyButton
from ui.choice import Choice
from ui.panels import label, set_text
from ui.review_state import position
from ui.theme import BODY, CAPTION, Theme, font, pixels, scaled, text_width

SPEEDS: Final = (0.25, 1.0, 4.0)
SPEED_WORDS: Final = ("¼×", "1×", "4×")
HEIGHT: Final = 48


class Legend(QWidget):
    """Which line is which."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName("Thick line recorded, thin line replayed")
        self.fit()

    def fit(self) -> None:
        """To the size of text in use."""
        words = text_width("recorded", CAPTION) + text_width("replayed", CAPTION)
        self.setFixedSize(words + 72, pixels(20))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._theme
        painter.setFont(font(CAPTION))
        x = 0
        for name, role, wide in (("recorded", "trace", 4), ("replayed", "text", 1)):
            painter.setPen(QPen(theme.color(role), wide))
            painter.drawLine(QPointF(x, scaled(10)), QPointF(x + 20, scaled(10)))
            painter.setPen(theme.color("text2"))
            painter.drawText(QPointF(x + 26, scaled(14)), name)
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
        self.setFixedHeight(pixels(HEIGHT))
        self.back = _small(theme, "Step back", "←", "back")
        self.play = KeyButton(theme, "Pause", "B", "pause")
        self.play.setFixedWidth(self.play.sizeHint().width())
        self.forward = _small(theme, "Step forward", "→", "forward")
        self.speed = Choice(theme, "Speed", SPEED_WORDS, 1)
        self.at = label(weight=600)
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
        return QSize(800, pixels(HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Leave out what there is no room for, the least needed first."""
        spared = (self.legend, self.length, self.speed)
        for part in spared:
            part.show()
        self.difference.show_cap(True)
        self.at.setFixedWidth(text_width("8888.88 s", BODY, 600))
        self.legend.fit()
        if self._needs() > self.width():
            self.legend.hide()
        if self._needs() > self.width():
            self.difference.show_cap(False)
        for part in spared[1:]:
            if self._needs() > self.width():
                part.hide()

    def _needs(self) -> int:
        """Px, for what is not hidden."""
        box = self.layout()
        assert box is not None
        box.invalidate()
        return box.minimumSize().width()

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
        self.fit()


def _small(theme: Theme, name: str, key: str, icon: str) -> KeyButton:
    """A button that is only an icon."""
    button = KeyButton(theme, "", "", icon)
    button.setFixedWidth(pixels(36))
    button.setAccessibleName(name)
    button.setToolTip(f"{name} ({key})")
    return button
