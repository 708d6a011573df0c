"""The page of the editor for keys and buttons: all actions, and what the chosen one is bound to.

`changed` carries a new draft, `told` something to be said above the buttons of the editor.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from teleop.input_profile import Action
from teleop.operator_input import Drive
from transport.messages import RobotKind
from ui.action_words import words_of
from ui.buttons import KeyButton
from ui.panels import label
from ui.shortcut_parts import Bindings, KeyField, cap
from ui.shortcut_plan import (
    ChordPress,
    Device,
    Draft,
    bindable,
    chord_name,
    conflict,
    locked,
    reset,
    with_binding,
    without_binding,
)
from ui.speech import tr
from ui.theme import BODY, Theme, font, pixels

_DRIVES: Final = frozenset(Action(drive.value) for drive in Drive)


class KeyPage(QWidget):
    """A table of all actions; below it what the chosen one is bound to, and more for it."""

    changed = Signal(object)
    told = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._draft = Draft("")
        self._kind = RobotKind.ROVER
        self._editable = False
        self._action = Action.STOP
        self._device: Device | None = None  # what is being recorded on
        self._chord = ChordPress()
        self._held: frozenset[str] = frozenset()  # on any pad
        self._taken: tuple[Device, str] | None = None  # a binding that something else has
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.table = self._made_table()
        column.addWidget(self.table, 1)
        self.subject = label(weight=600)
        column.addWidget(self.subject)
        self.bindings: dict[Device, Bindings] = {}
        self.add: dict[Device, KeyButton] = {}
        for device, words, more in (
            (Device.KEYS, tr("Keys"), tr("Add a key…")),
            (Device.BUTTONS, tr("Gamepad"), tr("Add a button…")),
        ):
            row = QHBoxLayout()
            name = label(words, role="label")
            name.setMinimumWidth(pixels(72))
            row.addWidget(name)
            made = self.bindings[device] = Bindings(theme, partial(self._remove, device))
            row.addWidget(made, 1)
            button = self.add[device] = KeyButton(theme, more)
            button.clicked.connect(lambda _checked=False, which=device: self.record(which))
            row.addWidget(button)
            column.addLayout(row)
        self.field = KeyField(theme)
        self.field.pressed.connect(self._key)
        self.field.left.connect(self.end_recording)
        column.addWidget(self.field)
        row = QHBoxLayout()
        self.give = KeyButton(theme, "")
        self.give.clicked.connect(lambda _checked=False: self._take())
        self.give.hide()
        self.reset = KeyButton(theme, tr("Reset this one"))
        self.reset.clicked.connect(
            lambda _checked=False: self.changed.emit(reset(self._draft, self._action))
        )
        row.addWidget(self.give)
        row.addStretch(1)
        row.addWidget(self.reset)
        column.addLayout(row)

    def _made_table(self) -> QTableWidget:
        table = QTableWidget(len(Action), 3)
        table.setHorizontalHeaderLabels([tr("What it does"), tr("Keys"), tr("Gamepad")])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(pixels(28))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setAccessibleName(tr("Actions"))
        head = table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        table.setMinimumHeight(pixels(160))
        for row in range(table.rowCount()):
            for place in range(table.columnCount()):
                table.setItem(row, place, QTableWidgetItem())
        table.currentCellChanged.connect(lambda row, *_: self._select(row))
        return table

    # --- what is shown ----------------------------------------------------------------------------

    def show_draft(self, draft: Draft, kind: RobotKind, *, editable: bool) -> None:
        """Take a new draft, as a robot of `kind` has it."""
        self._draft, self._kind, self._editable = draft, kind, editable
        self._taken = None
        for row, (action, words) in enumerate(words_of(kind).items()):
            texts = [tr(words)] + [
                ", ".join(map(cap, draft.bindings(device, action, kind)))
                if bindable(device, action)
                else "–"
                for device in Device
            ]
            for place, text in enumerate(texts):
                item = self.table.item(row, place)
                assert item is not None  # all were made with the table
                item.setText(text)
                item.setFont(font(BODY, 600 if draft.changed(action) else 400))
            if action is self._action and self.table.currentRow() != row:
                self.table.setCurrentCell(row, 0)
        self._show_action()

    def _select(self, row: int) -> None:
        if row >= 0:
            self._action = list(words_of(self._kind))[row]
            self._taken = None
            self.end_recording()
            self._show_action()

    def _show_action(self) -> None:
        action, draft = self._action, self._draft
        self.subject.setText(tr(words_of(self._kind)[action]))
        for device in Device:
            self.bindings[device].show_bindings(
                draft.bindings(device, action, self._kind), partial(locked, device, action)
            )
            self.bindings[device].setEnabled(self._editable)
            self.add[device].setEnabled(bindable(device, action) and self._editable)
        self.reset.setEnabled(self._editable and draft.changed(action))
        self.give.setVisible(self._taken is not None)

    # --- recording --------------------------------------------------------------------------------

    def record(self, device: Device) -> None:
        """Take the next key, or the next buttons, for the action that is chosen."""
        does = tr(words_of(self._kind)[self._action])
        self._taken = None
        self.give.hide()
        if device is Device.KEYS:
            asks = tr("Press the key for “{does}”. Esc ends", does=does)
        else:
            asks = tr("Press the button for “{does}”, or several together. Esc ends", does=does)
            self._chord = ChordPress(ignored=self._held)
        self.field.wait(asks)
        self._device = device  # after the focus has moved: that ends an older one

    def end_recording(self) -> None:
        """Wait for nothing any more; idempotent."""
        self._device = None
        if self.field.isVisible():
            self.field.hide()
            self.table.setFocus()

    def hold(self, held: frozenset[str]) -> None:
        """The buttons that are down now, on whichever pads; ask it at each look at them."""
        self._held = held
        if self._device is Device.BUTTONS:
            self._chord = self._chord.after(held)
            if self._chord.done:
                self.end_recording()
                self.bind(Device.BUTTONS, chord_name(self._chord.best))

    def _key(self, place: str, printed: str) -> None:
        if self._device is not Device.KEYS:
            return
        key = place if self._action in _DRIVES else printed
        self.end_recording()
        if key:
            self.bind(Device.KEYS, key)
        else:
            self.told.emit(tr("This key cannot be bound"))

    def bind(self, device: Device, binding: str) -> None:
        """Bind it, or say what has it; one click then takes it from there."""
        told = conflict(self._draft, device, self._action, binding)
        bound = with_binding(self._draft, device, self._action, binding)
        if not told:
            self.changed.emit(bound)
            return
        self.told.emit(told)
        self._taken = (device, binding) if bound != self._draft else None
        self.give.say(tr("Take {binding} from there", binding=cap(binding)))
        self._show_action()
        if self._taken is not None:
            self.give.setFocus()

    def _take(self) -> None:
        if self._taken is not None:
            self.changed.emit(
                with_binding(self._draft, self._taken[0], self._action, self._taken[1])
            )

    def _remove(self, device: Device, binding: str) -> None:
        self.changed.emit(without_binding(self._draft, device, self._action, binding, self._kind))
