"""Export of episodes from the review: what, in which form, where to, how far it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from ui.buttons import KeyButton
from ui.choice import Choice
from ui.chore import Chore
from ui.page_sheet import PageSheet, ProgressBar
from ui.panels import label, set_text
from ui.review_leaving import (
    FORM_WORDS,
    FORMS,
    ExportOrder,
    count,
    export_name,
    export_told,
    step_words,
)
from ui.theme import BODY, Theme, font, pixels

ONE, FOUND = 0, 1


class ExportSheet(PageSheet):
    """One export at a time, by a process; closing the sheet leaves it at work."""

    def __init__(
        self,
        theme: Theme,
        page: QWidget,
        root: Path,
        *,
        now: Callable[[], datetime],
        chore: Chore,
        found: Callable[[Callable[[tuple[str, ...]], None]], None],
    ) -> None:
        """`found` hands over the ids of all that the list is narrowed to; none: it is not."""
        super().__init__(theme, page, "Export")
        self._root, self._now, self._chore, self._found = root, now, chore, found
        self._one = ""
        self._out = Path()
        self.which = Choice(theme, "Which", ("This episode", "All found"))
        self.form = Choice(theme, "Form", FORM_WORDS)
        self.proof = Choice(theme, "Proof", ("Proved only", "All, marked"))
        self.where = QLineEdit()
        self.where.setFont(font(BODY))
        self.where.setFixedHeight(pixels(32))
        self.where.setAccessibleName("Folder of the export")
        self.browse = KeyButton(theme, "Browse…")
        self.row("Episodes", self.which)
        self.row("Form", self.form)
        self._proof_row = self.row("Proof", self.proof)
        self.row("Folder", self.where, self.browse, stretch=True)
        self.note = label("", role="label")
        self.note.setWordWrap(True)
        self.inside.addWidget(self.note)
        self.progress = ProgressBar(theme)
        self.progress.hide()
        self.inside.addWidget(self.progress)
        self.go = KeyButton(theme, "Export", main=True)
        self.open_folder = KeyButton(theme, "Show the folder")
        self.open_folder.setFixedHeight(pixels(40))
        self.open_folder.hide()
        self.foot.addWidget(self.open_folder)
        self.foot.addWidget(self.go)
        self.form.chosen.connect(self._formed)
        self.browse.clicked.connect(self._browse)
        self.go.clicked.connect(self._go)
        self.open_folder.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._out)))
        )
        chore.stepped.connect(self._stepped)
        chore.ended.connect(self._ended)

    def ask(self, episode: str, found: int, parent: Path) -> None:
        """Open it for an episode (empty: none is chosen) or the `found` ones; the folder to write
        is offered within `parent`."""
        self._one = episode
        if not self._chore.runs:
            words = ("This episode",) if episode else ()
            self.which.offer((*words, f"All {count(found)} found"), 0)
            self.where.setText(str(parent / export_name(self._form, self._now())))
            self._say(self._hint())
            self.open_folder.hide()
        self.open_sheet()
        self.where.setFocus()

    @property
    def _form(self) -> str:
        return FORMS[self.form.on]

    def _hint(self) -> str:
        if self._form == "mcap":
            return "A file for each episode, proved or not, to look at in Foxglove."
        return "A data set for training; video is copied, not encoded again."

    def _formed(self, _which: int) -> None:
        path = Path(self.where.text())
        if path.name.startswith(tuple(f"{form}-" for form in FORMS)):
            self.where.setText(str(path.with_name(export_name(self._form, self._now()))))
        self._proof_row.setVisible(self._form == "lerobot")
        self._say(self._hint())

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Where to", str(Path(self.where.text()).parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(
            lambda parent: self.where.setText(
                str(Path(parent) / export_name(self._form, self._now()))
            )
        )
        dialog.show()  # not modal: STOP stays in reach

    def _go(self) -> None:
        if self._chore.runs:
            self._chore.drop()
            self._done("Export broken off; nothing was written.", ())
            return
        text = self.where.text().strip()
        if not text:
            self._say("Say into which folder.")
            return
        self._out = Path(text).expanduser()
        self._busy(True)
        if self._one and self.which.on == ONE:
            self._start((self._one,))
        else:
            self._found(self._start)

    def _start(self, episodes: tuple[str, ...]) -> None:
        unproved = self.proof.on == 1
        order = ExportOrder(self._out, self._form, episodes, unproved)
        self._chore.start(*order.arguments(self._root))

    def _stepped(self, done: int, of: int) -> None:
        self.progress.show_step(done / max(1, of), step_words(done, of))

    def _ended(self, code: int, printed: str, said: str) -> None:
        title, lines = export_told(code, printed, said)
        self.open_folder.setVisible(bool(printed))
        self._done(title, lines)

    def _done(self, title: str, lines: tuple[str, ...]) -> None:
        self._busy(False)
        self._say("\n".join((title, *lines)))

    def _busy(self, busy: bool) -> None:
        for part in (self.which, self.form, self.proof, self.where, self.browse):
            part.setEnabled(not busy)
        self.progress.setVisible(busy)
        self.progress.show_step(0.0, "Beginning…")
        self.go.say("Break off" if busy else "Export")
        if busy:
            self.open_folder.hide()
        self.fit()

    def _say(self, text: str) -> None:
        set_text(self.note, text)
        self.fit()


EXPORTS: Final = "unstick-exports"


def exports_folder() -> Path:
    """Where exports are offered to go: beside other documents of whoever sits here."""
    import platformdirs

    return Path(platformdirs.user_documents_dir()) / EXPORTS
