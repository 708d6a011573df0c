"""The editor of shortcuts: which key, button and stick does what, in the user's own profiles.

While it is open no input drives: keys belong to this dialog, and pads are listened to instead
(`Controls.listener`). STOP works, by Space, by its chord and by the button in the title row. What a
draft is and what it clashes with is decided in `ui.shortcut_plan`, what a file may be in
`teleop.profile_files`; saving writes one file and reads all of them again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from teleop.input_profile import ProfileError
from teleop.pad_mapping import PadReading
from teleop.profile_files import (
    Controls,
    profile_texts,
    put_away_profile,
    rename_profile,
    save_profile,
)
from ui.buttons import KeyButton, StopButton
from ui.choice import Choice
from ui.key_page import KeyPage
from ui.panels import label
from ui.screen import Chip
from ui.shortcut_parts import cap
from ui.shortcut_plan import Draft, as_text, chord_name, draft_of, problems, reset_all, with_value
from ui.speech import later, tr
from ui.stick_page import StickPage
from ui.theme import SUBJECT, Theme, pixels
from ui.whom_page import KIND_WORDS, WhomPage

LOOK_MS: Final = 30  # at pads: a press of a button lasts twice as long
_PAGES: Final = (later("Keys and buttons"), later("Sticks and speeds"), later("For whom"))
_WHOM_PAGE: Final = 2
_KINDS: Final = tuple(KIND_WORDS)


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
        self.kind = Choice(theme, tr("Robot"), tuple(map(tr, KIND_WORDS.values())))
        self.kind.choose(_KINDS.index(self._kind))
        bar.addWidget(self.page)
        bar.addStretch(1)
        bar.addWidget(self.kind)
        right.addLayout(bar)
        self.pages = QStackedWidget()
        self.keys = KeyPage(theme)
        self.keys.changed.connect(self._use)
        self.keys.told.connect(self.tell)
        self.sticks = StickPage(theme, self._set)
        self.whom = WhomPage(theme, self._controls)
        self.whom.changed.connect(self._use)
        for part in (self.keys, self.sticks, self.whom):
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

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.reset_all = self._button(tr("Reset all"), lambda: self._use(reset_all(self.draft)))
        self.cancel = KeyButton(self._theme, tr("Close"), "Esc")
        self.cancel.setFixedHeight(pixels(40))
        self.cancel.clicked.connect(self.reject)
        self.save = KeyButton(self._theme, tr("Save"), main=True)
        self.save.clicked.connect(lambda _checked=False: self._save())
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
            self.kind.choose(_KINDS.index(draft.kinds[0]))
        self._use(draft)
        self.tell(told or ("" if name else tr("What is built in stays; New makes your own")))

    def _make(self, draft: Draft) -> None:
        """A new one, which is no file until it is saved."""
        self._opened = ""
        self._saved = Draft("")
        self._use(draft)
        self.page.choose(_WHOM_PAGE)
        self.tell(tr("Say for whom it is, then save it"))
        self.whom.name.setFocus()

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

    def _save(self) -> None:
        """Write it and use it, or tell why that is not possible."""
        draft, old = self.draft, self._opened
        before = self._texts.get(old)
        renamed = before is not None and draft.name != old
        try:
            if renamed:
                rename_profile(self._folder, old, draft.name, before or "")
            try:
                profiles = save_profile(self._folder, draft.name, as_text(draft), before)
            except ProfileError:
                if renamed:  # all is as it was
                    rename_profile(self._folder, draft.name, old, before or "")
                raise
        except ProfileError as error:
            self.tell(str(error))
            return
        self._controls.use(profiles)
        self.read(draft.name)
        self.tell(tr("Saved; it counts from now on"))

    # --- the draft --------------------------------------------------------------------------------

    @property
    def _editable(self) -> bool:
        return bool(self.draft.name)

    def _use(self, draft: Draft) -> None:
        """Show this draft, all of it."""
        self.draft = draft
        self._warned = False
        self.keys.show_draft(draft, self._kind, editable=self._editable)
        self.sticks.show_draft(draft, self._kind, editable=self._editable)
        self.whom.show_draft(draft, editable=self._editable)
        wrong = problems(draft) if self._editable else ()
        self.tell("\n".join(wrong))
        self.save.setEnabled(self._editable and not wrong and draft != self._saved)
        self.duplicate.setEnabled(self._editable)
        self.delete.setEnabled(bool(self._opened))
        self.reset_all.setEnabled(self._editable)

    def _set(self, table: str, name: str, value: object) -> None:
        self._use(with_value(self.draft, table, name, value))

    def _look_as(self, which: int) -> None:
        self._kind = _KINDS[which]
        self._use(self.draft)

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
        self.keys.hold(frozenset().union(*(reading.held for _, reading in readings)))

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


def _travel(reading: PadReading) -> float:
    axes = (reading.left_x, reading.left_y, reading.right_x, reading.right_y)
    return max(len(reading.held), *map(abs, axes), reading.left_trigger, reading.right_trigger)
