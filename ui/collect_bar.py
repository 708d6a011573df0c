"""Below the picture while demonstrations are gathered: where in the round it is, and what can be
pressed."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ui import icons
from ui.buttons import KeyButton
from ui.chips import draw_box
from ui.collect_session import Press
from ui.collect_state import CollectFace, StepFace
from ui.theme import BODY, TITLE, Theme, font, text_width

STEPS_H, BUTTONS_H = 56, 48
HEIGHT = STEPS_H + BUTTONS_H


class Steps(QWidget):
    """The round, one part for each step; the present one stands out."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._steps: tuple[StepFace, ...] = ()
        self.setFixedHeight(STEPS_H)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Round")

    def show_steps(self, steps: tuple[StepFace, ...]) -> None:
        """Take new values."""
        if steps != self._steps:
            self._steps = steps
            now = next((step for step in steps if step.now), None)
            self.setAccessibleDescription(f"{now.name}, {now.detail}" if now else "")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(0, 6, self.width(), STEPS_H - 10)
        draw_box(painter, whole, theme.color("panel"), theme.color("line"))
        if not self._steps:
            return
        width = whole.width() / len(self._steps)
        for number, step in enumerate(self._steps):
            part = QRectF(number * width, whole.top(), width, whole.height())
            if step.now:
                painter.fillRect(part.adjusted(1, 1, -1, -1), theme.color("hover"))
                painter.fillRect(QRectF(part.left(), part.top(), width, 3), theme.color("text"))
            x = part.left() + 12
            painter.setPen(theme.color("text" if step.now else "text2"))
            painter.setFont(font(TITLE if step.now else BODY, 600 if step.now else 400))
            painter.drawText(QPointF(x, part.top() + 20), step.name)
            if step.over:
                after = x + text_width(step.name, BODY) + 8
                icons.draw(painter, "tick", after, part.top() + 8, 14, theme.color("text2"))
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text" if step.now else "text3"))
            fitted = QFontMetrics(painter.font()).elidedText(
                step.detail, Qt.TextElideMode.ElideRight, int(width) - 20
            )
            painter.drawText(QPointF(x, part.top() + 38), fitted)


class CollectBar(QWidget):
    """Steps and buttons."""

    pressed = Signal(Press)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Demonstration")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self.steps = Steps(theme)
        outer.addWidget(self.steps)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 4)
        row.setSpacing(8)
        self.buttons = {
            Press.ENTER: KeyButton(theme, "Begin", "Enter", "tick", main=True),
            Press.KEEP: KeyButton(theme, "Keep", "Y", "tick"),
            Press.REDO: KeyButton(theme, "Redo", "F7", "handback"),
            Press.DISCARD: KeyButton(theme, "Discard", "⌫", "cross"),
            Press.PAUSE: KeyButton(theme, "Pause", "Esc", "pause"),
            Press.END: KeyButton(theme, "End", "", "cross"),
        }
        for press, button in self.buttons.items():
            if press is Press.PAUSE:
                row.addStretch(1)
            row.addWidget(button)
            button.clicked.connect(lambda _on=False, which=press: self.pressed.emit(which))
        outer.addLayout(row)

    def show_face(self, face: CollectFace) -> None:
        """Take new values."""
        self.steps.show_steps(face.steps)
        self.buttons[Press.ENTER].say(face.enter)
        for press, button in self.buttons.items():
            if button.isEnabled() != (press in face.may):
                button.setEnabled(press in face.may)

    def arrange(self, compact: bool) -> None:
        """Without room the key caps stay in the tooltips."""
        for button in self.buttons.values():
            button.show_cap(not compact)
