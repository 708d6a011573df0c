"""The page of the editor that says what a profile is called, and for whom it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from teleop.profile_files import Controls
from transport.messages import RobotKind
from ui.buttons import KeyButton
from ui.panels import label
from ui.reason_dialog import ReasonField
from ui.shortcut_plan import Draft, with_value
from ui.speech import later, tr
from ui.theme import Theme, pixels

KIND_WORDS: Final = {RobotKind.ROVER: later("Rover"), RobotKind.ARM: later("Arm")}
_WHOM: Final = {
    "operator": later("Operator"),
    "robot": later("Robot"),
    "gamepad": later("Gamepad, a part of its name"),
}
LONGEST: Final = 40  # of a file's name


class WhomPage(QWidget):
    """`changed` carries a new draft. "The present one" is who `controls` say is there now."""

    changed = Signal(object)

    def __init__(self, theme: Theme, controls: Controls) -> None:
        super().__init__()
        self._controls = controls
        self._draft = Draft("")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(8)
        self.name = ReasonField()
        self.name.setMaxLength(LONGEST)
        self.name.setAccessibleName(tr("Name of the profile"))
        self.name.textEdited.connect(lambda _text: self._call())
        grid.addWidget(label(tr("Name of the profile"), role="label"), 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(label(tr("Kind of robot"), role="label"), 1, 0)
        self.kind = QComboBox()
        self.kind.setMinimumHeight(pixels(32))
        self.kind.setAccessibleName(tr("Kind of robot"))
        self.kind.addItem(tr("every kind"), "")
        for kind, words in KIND_WORDS.items():
            self.kind.addItem(tr(words), str(kind))
        self.kind.activated.connect(lambda which: self._set("kind", self.kind.itemData(which)))
        grid.addWidget(self.kind, 1, 1)
        self.fields: dict[str, ReasonField] = {}
        self.present: dict[str, KeyButton] = {}
        for row, (name, words) in enumerate(_WHOM.items(), start=2):
            grid.addWidget(label(tr(words), role="label"), row, 0)
            field = self.fields[name] = ReasonField()
            field.setAccessibleName(tr(words))
            field.setPlaceholderText(tr("everybody’s; type _ for a space"))
            field.textEdited.connect(
                lambda _text, which=name: self._set(which, self.fields[which].reason)
            )
            grid.addWidget(field, row, 1)
            button = self.present[name] = KeyButton(theme, tr("The present one"))
            button.clicked.connect(
                lambda _on=False, which=name: self._set(which, getattr(self._controls, which))
            )
            grid.addWidget(button, row, 2)
        grid.setRowStretch(grid.rowCount(), 1)

    def show_draft(self, draft: Draft, *, editable: bool) -> None:
        """Take a new draft."""
        self._draft = draft
        _show(self.name, draft.name)
        self.kind.setCurrentIndex(self.kind.findData(str(draft.whom("kind"))))
        for name, field in self.fields.items():
            _show(field, draft.whom(name))
        for part in (self.name, self.kind, *self.fields.values(), *self.present.values()):
            part.setEnabled(editable)

    def _call(self) -> None:
        if self.name.reason:
            self.changed.emit(replace(self._draft, name=self.name.reason))

    def _set(self, name: str, value: str) -> None:
        self.changed.emit(with_value(self._draft, "for", name, value))


def _show(field: ReasonField, text: str) -> None:
    """Not what somebody is writing into it: the cursor would jump."""
    if field.reason != text.strip():
        field.setText(text)
