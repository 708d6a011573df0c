"""To whom a call is passed on, and why."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QWidget

from transport.messages import NAME_LENGTH
from ui.buttons import KeyButton
from ui.page_sheet import PageSheet
from ui.panels import label, set_text
from ui.reason_dialog import ReasonField
from ui.theme import Theme

LONGEST_NOTE = 200  # characters, as the message takes them


class PassSheet(PageSheet):
    """Over the page of calls; Space is STOP here, too, so an underline is written for a space."""

    passed = Signal(str, str)  # to, note

    def __init__(self, theme: Theme, page: QWidget) -> None:
        super().__init__(theme, page, "Pass the call on")
        self._theme = theme
        form = QFormLayout()
        self.to, self.note = ReasonField(), ReasonField()
        self.to.setMaxLength(NAME_LENGTH)
        self.note.setMaxLength(LONGEST_NOTE)
        for name, field in (("To", self.to), ("Why", self.note)):
            field.setAccessibleName(name)
            form.addRow(label(name, role="label"), field)
        self.inside.addLayout(form)
        self._people = QHBoxLayout()
        self.inside.addLayout(self._people)
        self._trouble = label(role="amber")
        self.inside.addWidget(self._trouble)
        self.button = KeyButton(theme, "Pass on", "Enter", "handback", main=True)
        self.foot.addWidget(self.button)
        self.button.clicked.connect(self._pass)
        for field in (self.to, self.note):
            field.returnPressed.connect(self._pass)

    def ask(self, robot: str, people: Sequence[str]) -> None:
        """Ask about the call of `robot`; `people` are those that are known, by a button each."""
        set_text(self.title, f"Pass the call of {robot} on")
        set_text(self._trouble, "")
        self.to.clear()
        self.note.clear()
        while (old := self._people.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.deleteLater()
        for name in people[:4]:
            button = KeyButton(self._theme, name, "", "person")
            button.clicked.connect(lambda _on=False, who=name: self.to.setText(who))
            self._people.addWidget(button)
        self._people.addStretch(1)
        self.open_sheet()
        self.to.setFocus()

    def _pass(self) -> None:
        if not self.to.reason:
            set_text(self._trouble, "To whom? By the name that the robot has for them.")
            return
        self.put_away()
        self.passed.emit(self.to.reason, self.note.reason)
