"""The label bar below the picture and the status bar at the bottom of the window."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from transport.messages import Outcome, Phase
from ui import icons
from ui.buttons import KeyButton, Switch
from ui.chips import Lamp
from ui.panels import label
from ui.screen import Act, LabelBar, Look, StatusBar
from ui.theme import BODY, Theme, font, text_width

HEIGHT = 28
SPACE = 8  # between the parts of the label bar


class Labels(QWidget):
    """What the operator says about the running intervention."""

    acted = Signal(Act)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setFixedHeight(48)
        self.setAccessibleName("Labels")
        self._phase_word = label("Phase", role="label")
        self.phase = Switch(theme, "Phase", ("Recovery", "Correction"))
        self.marker = KeyButton(theme, "Marker", "M", "flag")
        self._outcome_word = label("Outcome", role="label")
        self.success = KeyButton(theme, "Success", "Y", "tick")
        self.failure = KeyButton(theme, "Failure", "⌫", "cross")
        self.let_drive = KeyButton(theme, "Let it drive", "", "autonomy")
        self.hand_back = KeyButton(theme, "Hand back", "Enter", "handback")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(SPACE)
        for part in (self._phase_word, self.phase, self.marker):
            self._row.addWidget(part)
        self._row.addStretch(1)
        for part in (self._outcome_word, self.success, self.failure):
            self._row.addWidget(part)
        self._row.addSpacing(SPACE)
        for part in (self.let_drive, self.hand_back):
            self._row.addWidget(part)
        self.phase.chosen.connect(
            lambda which: self.acted.emit(Act.CORRECTION if which else Act.RECOVERY)
        )
        for button, act in (
            (self.marker, Act.MARKER),
            (self.success, Act.SUCCESS),
            (self.failure, Act.FAILURE),
            (self.let_drive, Act.LET_DRIVE),
            (self.hand_back, Act.HAND_BACK),
        ):
            button.clicked.connect(lambda _checked=False, what=act: self.acted.emit(what))
        self.show_labels(LabelBar(False, Phase.AUTONOMOUS, Outcome.UNLABELLED))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Without room for all, the key caps go, then the words, which the tooltips keep; then the
        icons."""
        for caps, words, signs in (
            (True, True, True),
            (False, True, True),
            (False, False, True),
            (False, False, False),
        ):
            for button in (self.marker, self.success, self.failure, self.let_drive, self.hand_back):
                button.show_cap(caps)
                button.show_icon(signs)
            for word in (self._phase_word, self._outcome_word):
                word.setVisible(words)
            if self._needed(words) <= self.width():
                break
        self._row.invalidate()
        self._row.activate()  # it was laid out for this size before the parts changed theirs

    def _needed(self, words: bool) -> int:
        """Width of all parts beside each other, with or without the two words."""
        parts: list[QWidget] = [self.marker, self.success, self.failure]
        parts += [self.let_drive, self.hand_back]
        parts += [self._phase_word, self._outcome_word] if words else []
        beside = sum(part.sizeHint().width() + SPACE for part in parts)
        return self.phase.width() + beside + 2 * SPACE

    def minimumSizeHint(self) -> QSize:
        """The window may be as narrow as it likes; the parts adapt."""
        return QSize(0, self.height())

    def show_labels(self, bar: LabelBar) -> None:
        """Take new values."""
        for part, possible in (
            (self.phase, bar.enabled),
            (self.marker, bar.enabled),
            (self.success, bar.can_label),
            (self.failure, bar.can_label),
            (self.let_drive, bar.let_drive),
            (self.hand_back, bar.hand_back),
        ):
            if part.isEnabled() != possible:
                part.setEnabled(possible)
        order = (Phase.RECOVERY, Phase.CORRECTION)
        self.phase.show_on(order.index(bar.phase) if bar.phase in order else None)
        self.success.choose(bar.outcome is Outcome.SUCCESS)
        self.failure.choose(bar.outcome is Outcome.FAILURE)


class _Cell(QWidget):
    """Icon, label, value; its width holds the widest value so that nothing moves sideways."""

    def __init__(self, theme: Theme, icon: str, name: str, widest: str) -> None:
        super().__init__()
        self._theme = theme
        self._icon = icon
        self._name = name
        self._value = ""
        self._look = Look.QUIET
        self._indent = 22 if icon else 0
        self._name_w = text_width(f"{name} ", BODY) + 2 if name else 0
        width = self._indent + self._name_w + text_width(widest, BODY, 600)
        self.setFixedSize(width, 20)

    def say(self, value: str, look: Look = Look.QUIET, icon: str | None = None) -> None:
        """Take a new value."""
        if icon is not None:
            self._icon = icon
        if (value, look) != (self._value, self._look):
            self._value, self._look = value, look
            self.setAccessibleName(f"{self._name} {value}".strip())
            self.setToolTip(f"{self._name} {value}".strip())
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        odd = self._look is not Look.QUIET
        if self._icon:
            icon = "triangle" if odd else self._icon
            icons.draw(painter, icon, 0, 2, 16, theme.color("amber" if odd else "text2"))
        painter.setFont(font(BODY))
        painter.setPen(theme.color("amber" if odd else "text2"))
        painter.drawText(QPointF(self._indent, 15), self._name)
        painter.setFont(font(BODY, 600 if self._name else 400))
        painter.setPen(theme.color("amber" if odd else "text" if self._name else "text2"))
        room = self.width() - self._indent - self._name_w
        fitted = QFontMetrics(painter.font()).elidedText(
            self._value, Qt.TextElideMode.ElideRight, room + 1
        )
        painter.drawText(QPointF(self._indent + self._name_w, 15), fitted)


class _Message(QWidget):
    """The sentence at the left; elided, whole in its tooltip."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._text = ""
        self._look = Look.QUIET
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def say(self, text: str, look: Look) -> None:
        """Take a new value."""
        if (text, look) != (self._text, self._look):
            self._text, self._look = text, look
            self.setAccessibleName(text)
            self.setToolTip(text)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        x = 0
        odd = self._look is Look.LIMITED
        color = self._theme.color("amber" if odd else "text2")
        if odd:
            icons.draw(painter, "triangle", 0, 2, 16, color)
            x = 22
        painter.setPen(color)
        painter.setFont(font(BODY))
        fitted = QFontMetrics(painter.font()).elidedText(
            self._text, Qt.TextElideMode.ElideRight, self.width() - x
        )
        painter.drawText(QPointF(x, 15), fitted)


class Status(QWidget):
    """Message · input device · deadman · commands · disk."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(HEIGHT)
        self._message = _Message(theme)
        self._device = _Cell(theme, "keyboard", "", "Wireless Contr")
        self._lamp = Lamp(theme)
        self._commands = _Cell(theme, "", "Commands", "60 Hz · 000 ms")
        self._disk = _Cell(theme, "disk", "Disk: robot", "000 GB")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(24)
        row.addWidget(self._message, 1)
        self._cells: tuple[QWidget, ...] = (self._device, self._lamp, self._commands, self._disk)
        for cell in self._cells:
            row.addWidget(cell)

    def show_status(self, status: StatusBar) -> None:
        """Take new values."""
        self._message.say(status.message, status.message_look)
        kind = "keyboard" if status.device.startswith("Keyboard") else "gamepad"
        self._device.say(status.device, icon=kind)
        self._lamp.show_held(status.deadman)
        self._commands.say(status.commands, status.commands_look)
        self._disk.say(status.disk)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("panel"))
        painter.setPen(self._theme.color("line"))
        painter.drawLine(0, 0, self.width(), 0)
        for cell in self._cells:
            painter.drawLine(QPointF(cell.x() - 12, 6), QPointF(cell.x() - 12, self.height() - 6))
