"""Trim proposals of the episode that is shown: each is kept or cut, and a cut is proved."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from ui.buttons import KeyButton
from ui.choice import Choice
from ui.panels import Heading, column, label, set_text
from ui.review_state import trim_button, trim_line, trim_reason
from ui.review_tape import Tape
from ui.theme import CAPTION, Theme

KEEP, CUT = 0, 1
NONE: Final = "Nothing idle that could go."
NEW: Final = "Makes a new episode and replays it; this one stays."


class TrimProposals(QWidget):
    """Keep or Cut for each, then one button that cuts."""

    look = Signal(float)  # s
    cut = Signal(object)  # tuple of the numbers of the proposals to cut, counted from 1

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._tape: Tape | None = None
        self._busy = False
        self.choices: list[Choice] = []
        self._lines: list[QWidget] = []
        self.heading = Heading(theme, "Trim proposals")
        whole = column(self, (0, 0, 0, 0), 0)
        whole.addWidget(self.heading)
        self._box = column(inside := QWidget(), (12, 8, 12, 10), 6)
        whole.addWidget(inside)
        self.hint = label(NONE, CAPTION, role="count")
        self.hint.setWordWrap(True)
        self.apply = KeyButton(theme, "", "", "scissors")
        self.apply.clicked.connect(lambda: self.cut.emit(self.chosen))
        self._box.addWidget(self.apply)
        self._box.addWidget(self.hint)
        self.show_tape(None)

    @property
    def chosen(self) -> tuple[int, ...]:
        """The proposals to cut."""
        return tuple(n for n, choice in enumerate(self.choices, 1) if choice.on == CUT)

    def show_tape(self, tape: Tape | None) -> None:
        """Another episode, or none; of the same one what was chosen stays."""
        if tape is self._tape and tape is not None:
            return
        self._tape = tape
        for line in self._lines:
            line.deleteLater()
        self._lines, self.choices = [], []
        cuts = tape.cut_s if tape is not None else ()
        for number, (first_s, last_s) in enumerate(cuts):
            assert tape is not None
            reason = trim_reason(tape.control_at((first_s + last_s) / 2))
            self._box.insertWidget(number, self._line(first_s, last_s, reason))
        self.heading.count = f"{len(cuts)}" if cuts else ""
        self.heading.update()
        self._tell()

    def show_busy(self, busy: bool) -> None:
        """A cut is being made and proved."""
        self._busy = busy
        self._tell()

    def _line(self, first_s: float, last_s: float, reason: str) -> QWidget:
        line = QWidget()
        across = QHBoxLayout(line)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        said = QWidget()
        said.setCursor(Qt.CursorShape.PointingHandCursor)
        words = column(said, (0, 0, 0, 0), 0)
        words.addWidget(label(trim_line(first_s, last_s)))
        words.addWidget(label(reason, CAPTION, role="label"))
        choice = Choice(self._theme, f"{trim_line(first_s, last_s)}, {reason}", ("Keep", "Cut"))
        choice.setToolTip("Up and Down choose; the playhead goes where it begins")
        choice.chosen.connect(partial(self._chosen, first_s))
        across.addWidget(said, 1)
        across.addWidget(choice)
        self._lines.append(line)
        self.choices.append(choice)
        return line

    def _chosen(self, first_s: float, _which: int) -> None:
        self.look.emit(first_s)
        self._tell()

    def _tell(self) -> None:
        cuts = self._tape.cuts if self._tape is not None else ()
        seconds = sum(cuts[number - 1].seconds for number in self.chosen)
        self.apply.setVisible(bool(cuts))
        said = trim_button(len(self.chosen), len(cuts), seconds)
        self.apply.say("Cutting and replaying…" if self._busy else said)
        self.apply.setEnabled(bool(self.chosen) and not self._busy)
        set_text(self.hint, NEW if cuts else NONE)
