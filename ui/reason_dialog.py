"""A question that is answered by a reason: why it is taken over, reset, or its fault cleared.

It blocks the window behind it, so STOP stands in its title row; Space is STOP here, too, also in
the text field. Therefore an underline is written for a space.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from ui.buttons import KeyButton, StopButton
from ui.panels import label
from ui.screen import Act, Chip
from ui.theme import SUBJECT, Theme, pixels

LONGEST: Final = 400  # characters, as the message takes them
SHORTEST: Final = 3  # where a reason is required


@dataclass(frozen=True)
class Question:
    """What is asked before something is done."""

    act: Act
    title: str
    detail: str
    button: str
    examples: tuple[str, ...]  # to choose from; they can be changed
    asks: str = "Reason"  # what is written into the field
    required: bool = True


QUESTIONS: Final = {
    Act.TAKE_OVER: Question(
        Act.TAKE_OVER,
        "Take over {robot} from {holder}?",
        "The robot stops first. {holder} loses it at once and reads your reason; so does the log.",
        "Take over",
        ("Driver does not answer", "People near the robot", "Change of shift"),
    ),
    Act.RESET: Question(
        Act.RESET,
        "Reset the stop of {robot}?",
        "Nothing moves by that: the motors stay off until somebody arms them. Look around first.",
        "Reset",
        ("Looked around, way is free", "Pressed by mistake", "Cause removed"),
    ),
    Act.CLEAR_FAULT: Question(
        Act.CLEAR_FAULT,
        "Clear the fault of {robot}?",
        "Only after somebody has looked at the robot. Nothing moves by that.",
        "Clear fault",
        ("Driver restarted", "Motor replaced", "Cable fixed"),
    ),
    Act.REASON: Question(
        Act.REASON,
        "Why did this episode go as it did?",
        "The reason stays with the episode; the last one counts.",
        "Keep the reason",
        ("Blocked by an object", "Slipped on the rug", "Did not see it in time"),
    ),
    Act.NOTE: Question(
        Act.NOTE,
        "A note for whoever trains on this episode",
        "Notes add up, and stay with the episode.",
        "Keep the note",
        ("Rug had moved", "Camera was dirty", "Somebody stood in the way"),
    ),
    Act.TASK: Question(
        Act.TASK,
        "What was to be done in this episode?",
        "In the words a policy is trained on. Empty: what the robot says itself.",
        "Keep the task",
        ("Free the robot", "Drive back to the dock", "Put the scene back"),
        "Task",
        required=False,
    ),
}


class ReasonField(QLineEdit):
    """One line of text in which an underline is a space."""

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(LONGEST)
        self.setFixedHeight(pixels(32))
        self.textEdited.connect(self._spaced)

    def _spaced(self, text: str) -> None:
        if "_" in text:
            at = self.cursorPosition()
            self.setText(text.replace("_", " "))
            self.setCursorPosition(at)

    @property
    def reason(self) -> str:
        """What was written, without spaces around it."""
        return self.text().strip()


class ReasonDialog(QDialog):
    """One question. `on_answer` gets the reason when it is answered with yes."""

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        question: Question,
        names: dict[str, str],
        on_stop: Callable[[], None],
        on_answer: Callable[[Act, str], None],
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.setWindowTitle(question.button)
        self._question = question
        self._on_answer = on_answer
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 16, 24, 24)
        outer.setSpacing(12)
        top = QHBoxLayout()
        title = label(question.title.format(**names), SUBJECT, 600)
        title.setWordWrap(True)
        self.stop = StopButton(theme)
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Space presses it from everywhere
        self.stop.clicked.connect(on_stop)
        top.addWidget(title, 1)
        top.addSpacing(16)
        top.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignTop)
        outer.addLayout(top)
        detail = label(question.detail.format(**names), role="label")
        detail.setWordWrap(True)
        outer.addWidget(detail)
        self.field = ReasonField()
        need = question.asks if question.required else f"{question.asks} (may be empty)"
        self.field.setAccessibleName(need)
        self.field.setPlaceholderText(f"{need}: type _ for a space, Space is STOP")
        self.field.textChanged.connect(self._enable)
        self.field.returnPressed.connect(self._answer)
        outer.addWidget(self.field)
        examples = QHBoxLayout()
        examples.setSpacing(8)
        for text in question.examples:
            button = KeyButton(theme, text)
            button.clicked.connect(lambda _checked=False, words=text: self.field.setText(words))
            examples.addWidget(button)
        examples.addStretch(1)
        outer.addLayout(examples)
        foot = QHBoxLayout()
        self.yes = KeyButton(theme, question.button, "Enter", main=True)
        self.no = KeyButton(theme, "Cancel", "Esc")
        self.no.setFixedHeight(pixels(40))
        self.yes.clicked.connect(self._answer)
        self.no.clicked.connect(self.reject)
        foot.addStretch(1)
        foot.addWidget(self.no)
        foot.addSpacing(8)
        foot.addWidget(self.yes)
        outer.addSpacing(8)
        outer.addLayout(foot)
        self.setMinimumWidth(pixels(600))
        self._enable()
        self.field.setFocus()

    def show_stop(self, chip: Chip) -> None:
        """STOP here looks as it does in the window."""
        self.stop.show_chip(chip)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # The field says yes itself; a button that Tab has reached is meant by its ring.
            focused = self.focusWidget()
            if isinstance(focused, KeyButton):
                focused.click()
            event.accept()
            return
        super().keyPressEvent(event)

    def _enable(self) -> None:
        self.yes.setEnabled(not self._question.required or len(self.field.reason) >= SHORTEST)

    def _answer(self) -> None:
        if self.yes.isEnabled():
            self._on_answer(self._question.act, self.field.reason)
            self.accept()
