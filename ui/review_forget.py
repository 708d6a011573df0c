"""Forgetting an episode from the review: what would go is shown, then asked for, then it goes."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ui import words
from ui.buttons import KeyButton
from ui.choice import Choice
from ui.chore import Chore
from ui.page_sheet import PageSheet
from ui.panels import label, set_text
from ui.review_leaving import WHY_WORDS, Forgetting, forget_lines
from ui.theme import Theme, pixels


class ForgetSheet(PageSheet):
    """Looks first, in a process, and forgets in another; nothing goes without a second button."""

    forgotten = Signal(str)  # a sentence

    def __init__(self, theme: Theme, page: QWidget, root: Path, *, chore: Chore) -> None:
        super().__init__(theme, page, "Forget")
        self._root, self._chore = root, chore
        self._episode = ""
        self._goes = False  # it is being removed; before that it is only looked at
        self.note = label("", role="label")
        self.note.setWordWrap(True)
        self.inside.addWidget(self.note)
        self._whys = tuple(WHY_WORDS)
        self.why = Choice(theme, "Reason", tuple(WHY_WORDS.values()))
        self.inside.addWidget(label("The only word about it that stays", role="label"))
        self.inside.addWidget(self.why)
        self.go = KeyButton(theme, "Forget for good", "", "bin")
        self.go.setFixedHeight(pixels(40))
        self.foot.addWidget(self.go)
        self.go.clicked.connect(self._go)
        chore.ended.connect(self._ended)

    def ask(self, episode: str) -> None:
        """Look what would go with it."""
        if self._chore.runs and self._goes:
            self.open_sheet()
            return
        self._episode = episode
        set_text(self.title, f"Forget episode {words.episode(episode)}?")
        self._say("Looking what would go with it…")
        self.go.setEnabled(False)
        self._goes = False
        self._chore.start(*self._command("--dry-run"))
        self.open_sheet()
        self.close_button.setFocus()

    def put_away(self) -> None:
        """Close it; what goes already goes on."""
        if not self._goes:
            self._chore.drop()
        super().put_away()

    def _command(self, *more: str) -> tuple[str, ...]:
        library = ("--library", str(self._root), "--json")
        return ("episodes", "forget", self._episode, *library, *more)

    def _go(self) -> None:
        self._goes = True
        self.go.setEnabled(False)
        self._say("Removing…")
        self._chore.start(*self._command("--yes", "--why", self._whys[self.why.on].value))

    def _ended(self, _code: int, printed: str, said: str) -> None:
        goes, self._goes = self._goes, False
        try:
            known = msgspec.json.decode(printed, type=Forgetting)
        except msgspec.DecodeError:
            self._say(said or "It could not be looked into.")
            return
        if goes:
            self.put_away()
            self.forgotten.emit(f"Forgotten: {', '.join(map(words.episode, known.episodes))}.")
            return
        self._say("\n".join(forget_lines(known)))
        self.go.setEnabled(bool(known.episodes))

    def _say(self, text: str) -> None:
        set_text(self.note, text)
        self.fit()
