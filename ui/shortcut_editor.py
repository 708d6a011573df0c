"""The editor of shortcuts: which key, button and stick does what, in the user's own profiles.

While it is open no input drives: keys belong to this dialog, and pads are listened to instead
(`Controls.listener`). STOP works, by Space, by its chord and by the button in the title row. What a
draft is and what it clashes with is decided in `ui.shortcut_plan`, what a file may be in
`teleop.profile_files`; saving writes one file and reads all of them again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QListWidget,
    QScrollArea,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from teleop.input_profile import Action, ProfileError
from teleop.operator_input import Drive
from teleop.pad_mapping import PadReading
from teleop.profile_files import (
    Controls,
    profile_texts,
    put_away_profile,
    save_profile,
)
from transport.messages import RobotKind
from ui.action_words import words_of
from ui.buttons import KeyButton, StopButton
from ui.choice import Choice
from ui.panels import label
from ui.reason_dialog import ReasonField
from ui.screen import Chip
from ui.shortcut_parts import Bindings, KeyField, cap
from ui.shortcut_plan import (
    ChordPress,
    Device,
    Draft,
    as_text,
    bindable,
    chord_name,
    conflict,
    draft_of,
    locked,
    problems,
    reset,
    reset_all,
    with_binding,
    with_value,
    without_binding,
)
from ui.speech import later, tr
from ui.stick_page import StickPage
from ui.theme import BODY, SUBJECT, Theme, font, pixels

LOOK_MS: Final = 30  # at pads: a press of a button lasts twice as long
_DRIVES: Final = frozenset(Action(drive.value) for drive in Drive)
_PAGES: Final = (later("Keys and buttons"), later("Sticks and speeds"), later("For whom"))
_KINDS: Final = (RobotKind.ROVER, RobotKind.ARM)
_KIND_WORDS: Final = (later("Rover"), later("Arm"))
_FOR: Final = {
    "operator": later("Operator"),
    "robot": later("Robot"),
    "gamepad": later("Gamepad, a part of its name"),
}


class ShortcutEditor(QDialog):
    """All profiles of a folder, one of them open."""

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None,
        controls: Controls,
        folder: Path,
        on_stop: Callable[[], None],
        let_go: Callable[[], None],
    ) -> None:
        """`controls` take the profiles that were saved; `let_go` is called when it opens and when
        it closes: what was held then has to be pressed again."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.setWindowTitle(tr("Shortcuts"))
        self._theme = theme
        self._controls = controls
        self._folder = folder
        self._let_go = let_go
        self._texts: dict[str, str] = {}  # by name, as they were when they were read
        self._opened = ""  # which of them is open; empty: what is built in, or a new one
        self.draft = Draft("")
        self._saved = self.draft
        self._kind = controls.kind
        self._action = Action.STOP
        self._device: Device | None = None  # what is being recorded on
        self._chord: ChordPress | None = None
        self._taken = ""  # a binding that something else has
        self._warned = False  # of changes that are not saved
        self._readings: dict[int, tuple[str, PadReading]] = {}  # newest of each pad
        self._build(on_stop)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self.read()

    def show_stop(self, chip: Chip) -> None:
        """STOP here looks as it does in the window."""
        self.stop.show_chip(chip)

    # --- parts ------------------------------------------------------------------------------------

    def _build(self, on_stop: Callable[[], None]) -> None:
        theme = self._theme
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 16, 24, 24)
        outer.setSpacing(12)
        top = QHBoxLayout()
        self.stop = StopButton(theme)
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Space presses it from everywhere
        self.stop.clicked.connect(on_stop)
        top.addWidget(label(tr("Shortcuts and gamepad"), SUBJECT, 600), 1)
        top.addWidget(self.stop)
        outer.addLayout(top)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addLayout(self._profile_list())
        right = QVBoxLayout()
        right.setSpacing(12)
        bar = QHBoxLayout()
        self.page = Choice(theme, tr("Page"), tuple(map(tr, _PAGES)))
        self.kind = Choice(theme, tr("Robot"), tuple(map(tr, _KIND_WORDS)), _index(self._kind))
        bar.addWidget(self.page)
        bar.addStretch(1)
        bar.addWidget(self.kind)
        right.addLayout(bar)
        self.pages = QStackedWidget()
        self.sticks = StickPage(theme, self._set)
        for part in (self._keys_page(), self.sticks, self._for_page()):
            scroll = QScrollArea()
            scroll.setWidgetResizable(True)
            scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            scroll.setWidget(part)
            self.pages.addWidget(scroll)
        self.page.chosen.connect(self.pages.setCurrentIndex)
        self.kind.chosen.connect(self._look_as)
        right.addWidget(self.pages, 1)
        self.pads = label(role="label")
        right.addWidget(self.pads)
        middle.addLayout(right, 1)
        outer.addLayout(middle, 1)
        self.note = label(role="amber")
        self.note.setWordWrap(True)
        outer.addWidget(self.note)
        outer.addLayout(self._foot())
        room = self.screen().availableSize()
        self.resize(min(pixels(1040), room.width() - 32), min(pixels(680), room.height() - 32))

    def _profile_list(self) -> QVBoxLayout:
        column = QVBoxLayout()
        self.profiles = QListWidget()
        self.profiles.setFixedWidth(pixels(200))
        self.profiles.setAccessibleName(tr("Profiles"))
        self.profiles.currentRowChanged.connect(self._chosen)
        column.addWidget(self.profiles, 1)
        grid = QGridLayout()
        self.new = self._button(tr("New"), lambda: self._make(Draft(self._free(tr("mine")))))
        self.duplicate = self._button(tr("Duplicate"), self._duplicate)
        self.delete = self._button(tr("Delete"), self._delete)
        self.again = self._button(tr("Read again"), lambda: self.read(self._opened))
        for number, button in enumerate((self.new, self.duplicate, self.delete, self.again)):
            grid.addWidget(button, number // 2, number % 2)
        column.addLayout(grid)
        return column

    def _keys_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        self.table = QTableWidget(len(Action), 3)
        self.table.setHorizontalHeaderLabels([tr("What it does"), tr("Keys"), tr("Gamepad")])
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(pixels(28))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setAccessibleName(tr("Actions"))
        head = self.table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setMinimumHeight(pixels(160))
        self.table.currentCellChanged.connect(lambda row, *_: self._select(row))
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
            made = self.bindings[device] = Bindings(self._theme, partial(self._remove, device))
            row.addWidget(made, 1)
            button = self.add[device] = self._button(more, partial(self.record, device))
            row.addWidget(button)
            column.addLayout(row)
        self.field = KeyField(self._theme)
        self.field.pressed.connect(self._key)
        self.field.left.connect(self._end_recording)
        column.addWidget(self.field)
        row = QHBoxLayout()
        self.give = self._button("", self._take)
        self.reset = self._button(tr("Reset this one"), self._reset)
        row.addWidget(self.give)
        row.addStretch(1)
        row.addWidget(self.reset)
        column.addLayout(row)
        self.give.hide()
        return page

    def _for_page(self) -> QWidget:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(8)
        self.name = ReasonField()
        self.name.setMaxLength(40)
        self.name.setAccessibleName(tr("Name of the profile"))
        self.name.textEdited.connect(self._call)
        grid.addWidget(label(tr("Name of the profile"), role="label"), 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(label(tr("Kind of robot"), role="label"), 1, 0)
        self.for_kind = QComboBox()
        self.for_kind.setMinimumHeight(pixels(32))
        self.for_kind.setAccessibleName(tr("Kind of robot"))
        self.for_kind.addItem(tr("every kind"), "")
        for kind, words in zip(_KINDS, _KIND_WORDS, strict=True):
            self.for_kind.addItem(tr(words), str(kind))
        self.for_kind.activated.connect(
            lambda which: self._set("for", "kind", self.for_kind.itemData(which))
        )
        grid.addWidget(self.for_kind, 1, 1)
        self.whom: dict[str, ReasonField] = {}
        self.this: dict[str, KeyButton] = {}
        for row, (name, words) in enumerate(_FOR.items(), start=2):
            grid.addWidget(label(tr(words), role="label"), row, 0)
            made = self.whom[name] = ReasonField()
            made.setAccessibleName(tr(words))
            made.setPlaceholderText(tr("everybody’s; type _ for a space"))
            made.textEdited.connect(lambda _text, which=name: self._write(which))
            grid.addWidget(made, row, 1)
            self.this[name] = self._button(tr("The present one"), partial(self._present, name))
            grid.addWidget(self.this[name], row, 2)
        grid.setRowStretch(grid.rowCount(), 1)
        return page

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.reset_all = self._button(tr("Reset all"), lambda: self._use(reset_all(self.draft)))
        self.cancel = KeyButton(self._theme, tr("Close"), "Esc")
        self.cancel.setFixedHeight(pixels(40))
        self.cancel.clicked.connect(self.reject)
        self.save = KeyButton(self._theme, tr("Save"), main=True)
        self.save.clicked.connect(lambda: self._save())
        row.addWidget(self.reset_all)
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addSpacing(8)
        row.addWidget(self.save)
        return row

    def _button(self, text: str, do: Callable[[], object]) -> KeyButton:
        made = KeyButton(self._theme, text)
        made.clicked.connect(lambda _checked=False: do())
        return made

    # --- profiles ---------------------------------------------------------------------------------

    def read(self, name: str = "") -> None:
        """Read the folder again and open a profile, or the one in use."""
        told = ""
        try:
            self._texts = profile_texts(self._folder)
        except ProfileError as error:
            self._texts, told = {}, str(error)
        in_use = Path(self._controls.profile.source).stem
        self._list(name if name in self._texts else in_use)
        if told:
            self.tell(told)

    def _list(self, name: str) -> None:
        self.profiles.blockSignals(True)
        self.profiles.clear()
        self.profiles.addItems([tr("Built in"), *self._texts])
        row = list(self._texts).index(name) + 1 if name in self._texts else 0
        self.profiles.setCurrentRow(row)
        self.profiles.blockSignals(False)
        self._open(name if row else "")

    def _chosen(self, row: int) -> None:
        names = ["", *self._texts]
        if row < 0:
            return
        if self._would_lose():
            self.profiles.blockSignals(True)
            self.profiles.setCurrentRow(names.index(self._opened))
            self.profiles.blockSignals(False)
            return
        self._open(names[row])

    def _open(self, name: str) -> None:
        """Show a profile as its file has it; a wrong one is told and cannot be edited here."""
        self._opened, told = name, ""
        draft = Draft("")
        if name:
            try:
                draft = draft_of(name, self._texts[name])
            except ProfileError as error:
                told = str(error)
        self._saved = draft
        if len(draft.kinds) == 1:
            self.kind.choose(_index(draft.kinds[0]))
        self._use(draft)
        self.tell(told or ("" if name else tr("What is built in stays; New makes your own")))

    def _make(self, draft: Draft) -> None:
        """A new one, which is no file until it is saved."""
        self._opened = ""
        self._saved = Draft("")
        self._use(draft)
        self.page.choose(2)
        self.tell(tr("Say for whom it is, then save it"))
        self.name.setFocus()

    def _duplicate(self) -> None:
        self._make(Draft(self._free(self.draft.name or tr("mine")), self.draft.own))

    def _free(self, name: str) -> str:
        names = [name, *(f"{name} {number}" for number in range(2, 100))]
        return next((each for each in names if each not in self._texts), name)

    def _delete(self) -> None:
        if not self._opened:
            return
        try:
            profiles = put_away_profile(self._folder, self._opened, self._texts[self._opened])
        except ProfileError as error:
            self.tell(str(error))
            return
        gone = self._opened
        self._controls.use(profiles)
        self.read()
        self.tell(tr("{name} is kept beside the others as {name}.toml.bak", name=gone))

    def _save(self) -> bool:
        """Write it and use it; False when that is not possible, and told."""
        draft, text = self.draft, as_text(self.draft)
        renamed = self._opened and draft.name != self._opened
        try:
            if renamed:  # the old name makes room first: both would be for the same people
                put_away_profile(self._folder, self._opened, self._texts[self._opened])
            before = None if renamed or not self._opened else self._texts[self._opened]
            profiles = save_profile(self._folder, draft.name, text, before)
        except ProfileError as error:
            if renamed:
                self._back(self._opened)
            self.tell(str(error))
            return False
        if renamed:
            (self._folder / f"{self._opened}.toml.bak").unlink(missing_ok=True)
        self._controls.use(profiles)
        self.read(draft.name)
        self.tell(tr("Saved; it counts from now on"))
        return True

    def _back(self, name: str) -> None:
        """A file that was to be renamed has its old name again."""
        away = self._folder / f"{name}.toml.bak"
        if away.exists() and not away.with_suffix("").exists():
            away.replace(away.with_suffix(""))

    # --- the draft --------------------------------------------------------------------------------

    @property
    def _editable(self) -> bool:
        return bool(self.draft.name)

    def _use(self, draft: Draft) -> None:
        """Show this draft, all of it."""
        self.draft = draft
        self._warned = False
        self._taken = ""
        words = words_of(self._kind)
        for row, action in enumerate(words):
            texts = [tr(words[action])] + [
                ", ".join(map(cap, draft.bindings(device, action, self._kind)))
                if bindable(device, action)
                else "–"
                for device in Device
            ]
            for place, text in enumerate(texts):
                item = self.table.item(row, place)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(row, place, item)
                item.setText(text)
                item.setFont(font(BODY, 600 if draft.changed(action) else 400))
            if action is self._action and self.table.currentRow() != row:
                self.table.setCurrentCell(row, 0)
        for name, field in self.whom.items():
            _show(field, str(draft.value("for", name, self._kind)))
        _show(self.name, draft.name)
        self.for_kind.setCurrentIndex(
            self.for_kind.findData(str(draft.value("for", "kind", self._kind)))
        )
        self.sticks.show_draft(draft, self._kind, editable=self._editable)
        self._show_action()
        wrong = problems(draft) if self._editable else ()
        self.tell("\n".join(wrong))
        self.save.setEnabled(self._editable and not wrong and draft != self._saved)
        self.duplicate.setEnabled(self._editable)
        self.delete.setEnabled(bool(self._opened))
        self.reset_all.setEnabled(self._editable)
        for part in (self.name, self.for_kind, *self.whom.values(), *self.this.values()):
            part.setEnabled(self._editable)

    def _set(self, table: str, name: str, value: object) -> None:
        self._use(with_value(self.draft, table, name, value))

    def _write(self, name: str) -> None:
        self._set("for", name, self.whom[name].reason)

    def _present(self, name: str) -> None:
        self._set("for", name, getattr(self._controls, name))

    def _call(self) -> None:
        self._use(Draft(self.name.reason or self.draft.name, self.draft.own, self.draft.heading))

    def _look_as(self, which: int) -> None:
        self._kind = _KINDS[which]
        self._use(self.draft)

    def _select(self, row: int) -> None:
        if row >= 0:
            self._action = list(words_of(self._kind))[row]
            self._end_recording()
            self._show_action()

    def _show_action(self) -> None:
        action = self._action
        self.subject.setText(tr(words_of(self._kind)[action]))
        for device in Device:
            able = bindable(device, action) and self._editable
            self.bindings[device].show_bindings(
                self.draft.bindings(device, action, self._kind), partial(locked, device, action)
            )
            self.bindings[device].setEnabled(self._editable)
            self.add[device].setEnabled(able)
        self.reset.setEnabled(self._editable and self.draft.changed(action))
        self.give.setVisible(bool(self._taken))

    def _remove(self, device: Device, binding: str) -> None:
        self._use(without_binding(self.draft, device, self._action, binding, self._kind))

    def _reset(self) -> None:
        self._use(reset(self.draft, self._action))

    # --- recording --------------------------------------------------------------------------------

    def record(self, device: Device) -> None:
        """Take the next key, or the next buttons, for the action that is chosen."""
        does = tr(words_of(self._kind)[self._action])
        self._taken = ""
        self.give.hide()
        if device is Device.KEYS:
            self.field.wait(tr("Press the key for “{does}”. Esc ends", does=does))
        else:
            held = [reading.held for _, reading in self._readings.values()]
            self._chord = ChordPress(ignored=frozenset().union(*held))
            self.field.wait(
                tr("Press the button for “{does}”, or several together. Esc ends", does=does)
            )
        self._device = device  # after the focus has moved: that ends an older one

    def _key(self, place: str, printed: str) -> None:
        if self._device is not Device.KEYS:
            return
        key = place if self._action in _DRIVES else printed
        self._end_recording()
        if key:
            self._bind(Device.KEYS, key)
        else:
            self.tell(tr("This key cannot be bound"))

    def _end_recording(self) -> None:
        self._device, self._chord = None, None
        if self.field.isVisible():
            self.field.hide()
            self.table.setFocus()

    def _bind(self, device: Device, binding: str) -> None:
        """Bind it, or say what has it; one click then takes it from there."""
        told = conflict(self.draft, device, self._action, binding)
        if not told:
            self._use(with_binding(self.draft, device, self._action, binding))
            return
        can = with_binding(self.draft, device, self._action, binding) != self.draft
        self._taken = binding if can else ""
        self._taken_on = device
        self.tell(told)
        self.give.say(tr("Take {binding} from there", binding=cap(binding)))
        self._show_action()
        if can:
            self.give.setFocus()

    def _take(self) -> None:
        binding, self._taken = self._taken, ""
        self._use(with_binding(self.draft, self._taken_on, self._action, binding))

    # --- pads -------------------------------------------------------------------------------------

    def hear(self, instance: int, name: str, reading: PadReading) -> None:
        """A reading of a pad; on its thread, which only replaces what was there."""
        self._readings[instance] = (name, reading)

    def look(self) -> None:
        """Show what the pads say; take a chord that has been pressed."""
        readings = list(self._readings.values())
        said = [
            f"{name}: {cap(chord_name(reading.held))}" for name, reading in readings if reading.held
        ]
        names = ", ".join(name for name, _ in readings) or tr("none is connected")
        self.pads.setText(tr("Gamepads: {names}", names="; ".join(said) or names))
        moved = max((one for _, one in readings), key=_travel, default=None)
        self.sticks.show_reading(moved)
        if self._chord is not None and self._device is Device.BUTTONS:
            held = frozenset().union(*(reading.held for _, reading in readings))
            self._chord = self._chord.after(held)
            if self._chord.done:
                chord = chord_name(self._chord.best)
                self._end_recording()
                self._bind(Device.BUTTONS, chord)

    # --- Qt ---------------------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        """Say something above the buttons."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def showEvent(self, event: QShowEvent) -> None:
        self._let_go()
        self._controls.listener = self.hear
        self._timer.start(LOOK_MS)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        self._controls.listener = None
        self._let_go()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Space is STOP, so Enter presses what Tab has reached, and nothing else.
            focused = self.focusWidget()
            if isinstance(focused, QAbstractButton):
                focused.click()
            event.accept()
            return
        super().keyPressEvent(event)

    def reject(self) -> None:
        """Close; changes that are not saved are told once before they are lost."""
        if not self._would_lose():
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._would_lose():
            event.ignore()
            return
        super().closeEvent(event)

    def _would_lose(self) -> bool:
        """Whether something is not saved; told, the first time."""
        if not self._editable or self.draft == self._saved or self._warned:
            return False
        self._warned = True
        self.tell(tr("The changes are not saved. Once more, and they are lost"))
        return True


def _index(kind: RobotKind) -> int:
    return _KINDS.index(kind)


def _show(field: ReasonField, text: str) -> None:
    """Not while somebody writes into it: the cursor would jump."""
    if field.reason != text.strip():
        field.setText(text)


def _travel(reading: PadReading) -> float:
    axes = (reading.left_x, reading.left_y, reading.right_x, reading.right_y)
    return max(len(reading.held), *map(abs, axes), reading.left_trigger, reading.right_trigger)
