"""The review: a library, one episode of it, the record beside its replay.

A page of the console, and all of `unstick review`. Here is who tells whom. Words are in
`ui.review_state`, reading and writing in `ui.review_desk`, the replay in `ui.review_film`: nothing
here waits for a disk or a simulator. A page that is not in view reads, replays and draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from recorder.labels import AnnotationKind
from teleop.replay_film import Replayed
from transport import clock
from transport.messages import Outcome
from ui import words
from ui.choice import Choice
from ui.review_bar import PlayBar
from ui.review_commands import ReviewCommands
from ui.review_desk import Desk, Opened
from ui.review_export import ExportSheet, exports_folder
from ui.review_film import ReplayFilm
from ui.review_forget import ForgetSheet
from ui.review_headline import HeadlineBar
from ui.review_inspector import Inspector
from ui.review_lane_paint import shown_of
from ui.review_lanes import LaneView
from ui.review_layout import ReviewLayout
from ui.review_library import LibraryPanel
from ui.review_pair import PicturePair
from ui.review_playback import Playback
from ui.review_state import Filters, first_difference, headline
from ui.theme import Theme

FRAME_MS: Final = 33  # of a picture at the rows' rate


class ReviewPage(QWidget):
    """One library. `shown` when it comes into view and `hidden` when it goes; `close_page` once, at
    the end."""

    said = Signal(str)  # a sentence for a while, in whatever line at the bottom there is
    rests = Signal(str)  # what that line says when there is nothing to say

    def __init__(
        self,
        root: Path,
        theme: Theme,
        *,
        desk: Desk | None = None,
        make_film: Callable[..., ReplayFilm] = ReplayFilm,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__()
        self._theme = theme
        self.desk = desk or Desk(root)
        self.pair = PicturePair(theme, self.desk, make_film, self._replayed)
        self.playback = Playback()
        self._replaying = ""  # folder of the episode that is judged anew

        here = now or (lambda: clock.wall_time().astimezone())
        self.library = LibraryPanel(theme, here)
        self.headline = HeadlineBar(theme)
        self.bar = PlayBar(theme)
        self.lanes = LaneView(theme)
        self.inspector = Inspector(theme)
        self.pages = Choice(theme, "Left column", ("Episodes", "Verdict"))
        self.setObjectName("body")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._layout = ReviewLayout(
            self,
            library=self.library,
            headline=self.headline,
            pictures=(self.pair.recorded, self.pair.replay_view),
            bar=self.bar,
            lanes=self.lanes,
            inspector=self.inspector,
            pages=self.pages,
        )
        self.export_sheet = ExportSheet(
            *(theme, self, root), now=here, chore=self.desk.exports, found=self._found
        )
        self.forget_sheet = ForgetSheet(theme, self, root, chore=self.desk.forgets)
        self.commands = ReviewCommands(self)
        self._connect()
        self._ticker = QTimer(self)
        self._ticker.setInterval(FRAME_MS)
        self._ticker.timeout.connect(self._tick)
        self._show(None)

    @property
    def in_view(self) -> bool:
        """Whether somebody looks at it."""
        return self.pair.in_view

    @property
    def opened(self) -> Opened | None:
        """The episode that is shown."""
        return self.pair.opened

    @property
    def replayed(self) -> Replayed | None:
        """What came of its replay here; None: that still runs."""
        return self.pair.replayed

    # --- in view, out of view, over ---------------------------------------------------------------

    def shown(self) -> None:
        """It is in view: look for new episodes, and go on where it was left."""
        if not self.in_view:
            self.pair.in_view = True
            self.library.view.setFocus()
            self.reread()
            self._show_at()

    def hidden(self) -> None:
        """It is out of view: pause, and end what runs only to be looked at."""
        if self.in_view:
            self.pair.in_view = False
            self.playback = self.playback.moved(clock.now_ns()).paused()
            self._show_at()
            self.pair.rest()

    def close_page(self) -> None:
        """End all threads and processes; what was said is kept before. Idempotent."""
        self.pair.in_view = False
        self._ticker.stop()
        self.pair.film.close()
        self.desk.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._layout.arrange(self.width(), self.height())

    # --- connections ------------------------------------------------------------------------------

    def _connect(self) -> None:
        desk, library = self.desk, self.library
        library.narrowed.connect(self.reread)
        library.chosen.connect(lambda one: desk.open(one.folder))
        library.model.wants_more.connect(lambda skip: desk.list(library.wanted(skip)))
        library.model.wants_thumbnail.connect(desk.ask_thumbnail)
        desk.listed.connect(self._listed)
        desk.counted.connect(library.show_counted)
        desk.opened.connect(self._opened)
        desk.labelled.connect(self._labelled)
        desk.linted.connect(self._linted)
        desk.thumbnail.connect(library.model.show_thumbnail)
        desk.replayed.connect(self._judged)
        desk.trimmed.connect(self._made)
        desk.repaired.connect(self._made)
        desk.failed.connect(self.say)
        self.lanes.sought.connect(self.seek)
        self.bar.stepped.connect(self.step)
        self.bar.played.connect(self.play)
        self.bar.first.connect(self.show_first_difference)
        self.bar.camera.connect(self.choose_camera)
        self.bar.faster.connect(self._at_speed)
        self.inspector.outcome.connect(self.label)
        self.inspector.reason.connect(lambda text: self._say(AnnotationKind.REASON, text))
        self.inspector.note.connect(lambda text: self._say(AnnotationKind.NOTE, text))
        self.inspector.replay.connect(self.replay)
        self.inspector.repair.connect(self.repair)
        self.inspector.trims.look.connect(self.seek)
        self.inspector.trims.cut.connect(self.cut)
        self.inspector.export.clicked.connect(self.export)
        self.inspector.forget.clicked.connect(self.forget)
        library.export.clicked.connect(lambda: self.export(every=True))
        self.forget_sheet.forgotten.connect(self._forgotten)
        for sheet in (self.export_sheet, self.forget_sheet):
            sheet.closed.connect(library.view.setFocus)
        self._theme.changed.connect(self._recoloured)

    def _recoloured(self) -> None:
        """Other colours, or another size of text."""
        self._layout.arrange(self.width(), self.height())
        self.library.scaled()
        self.bar.fit()
        self.lanes.redraw()
        for part in self.findChildren(QWidget):
            part.update()

    # --- what somebody does -----------------------------------------------------------------------

    def play(self) -> None:
        """Play or pause."""
        if self.opened is not None:
            self.playback = self.playback.toggled(clock.now_ns())
            self._show_at()

    def step(self, rows: int) -> None:
        """So many pictures on, or back; pauses."""
        if self.opened is not None:
            here = self.playback.moved(clock.now_ns()).paused()
            self.playback = replace(here, at_s=self.opened.tape.next_row(here.at_s, rows))
            self._show_at()

    def seek(self, at_s: float) -> None:
        """Put the playhead somewhere."""
        self.playback = self.playback.sought(at_s, clock.now_ns())
        self._show_at()

    def show_first_difference(self) -> None:
        """Go where the replay first leaves the record."""
        step = self._first_difference()
        if self.opened is None or step < 0:
            self.say("No difference is known.")
            return
        self.playback = self.playback.paused()
        self.seek(self.opened.tape.second_of(step))

    def choose_camera(self, which: int) -> None:
        """Another camera in both pictures."""
        if self.pair.choose(which):
            self.bar.show_cameras(self.pair.cameras, which)
            self._show_at()

    def label(self, outcome: Outcome) -> None:
        """Say how it went."""
        if self.opened is None or self.opened.labels.outcome is outcome:
            return
        self._say(AnnotationKind.OUTCOME, outcome.value)

    def replay(self) -> None:
        """Judge the episode anew."""
        if self.opened is None or self._replaying:
            return
        self._replaying = self.opened.path.name
        self.inspector.show_replaying(True)
        self.say("Replaying…")
        self.desk.replay(self._replaying)

    def repair(self) -> None:
        """Undo in a new episode what the verdict says is wrong, and prove that."""
        if self.opened is not None and not self.desk.repairs.runs:
            self.inspector.show_mending(True)
            self.say("Repairing, then replaying…")
            self.desk.repair(self.opened.path.name)

    def cut(self, proposals: tuple[int, ...]) -> None:
        """Make a new episode without these trim proposals, counted from 1, and prove it."""
        if self.opened is not None and not self.desk.trims.runs:
            self.inspector.trims.show_busy(True)
            self.say("Cutting, then replaying what is left…")
            self.desk.trim(self.opened.path.name, proposals)

    def export(self, *_: bool, every: bool = False) -> None:
        """Ask what to export: the episode that is shown, or all that the list is narrowed to."""
        shown = self.opened.path.name if self.opened is not None else ""
        self.export_sheet.ask("" if every else shown, self.library.model.found, exports_folder())

    def forget(self) -> None:
        """Ask whether the episode that is shown should go for good."""
        if self.opened is not None:
            self.desk.let_go()
            self.forget_sheet.ask(self.opened.path.name)

    def search(self) -> None:
        """To the search field."""
        self.pages.choose(0)
        self.library.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.library.search.selectAll()

    def leave_field(self) -> None:
        """Out of a sheet or a text field, back to the list."""
        for sheet in (self.export_sheet, self.forget_sheet):
            if sheet.isVisible():
                sheet.put_away()
        self.library.view.setFocus()

    def reread(self) -> None:
        """Look for new episodes."""
        self.desk.list(self.library.wanted())

    def say(self, sentence: str) -> None:
        """In the line at the bottom, for a while."""
        self.said.emit(sentence)

    def _at_speed(self, speed: float) -> None:
        self.playback = self.playback.at_speed(speed, clock.now_ns())

    def _say(self, kind: AnnotationKind, text: str) -> None:
        if self.opened is not None:
            self.desk.say(self.opened, kind, text)

    # --- what comes back --------------------------------------------------------------------------

    def _listed(self, listing: object, skip: int) -> None:
        self.library.take(listing, skip)  # type: ignore[arg-type]
        if skip == 0 and not self.library.model.listed:
            self._show(None)
            self.say("No episode is like that.")

    def _opened(self, opened: Opened) -> None:
        chosen = self.library.current()
        if chosen is None or chosen.folder != opened.path.name:
            return  # another one was chosen meanwhile
        same = self.opened is not None and self.opened.path == opened.path
        if same:
            self.pair.know(opened)
            self._show_words()
            self._show_lanes(same=True)
            self._show_at()
        else:
            self._show(opened)
            self.desk.lint(opened.path.name)

    def _labelled(self, opened: Opened) -> None:
        """Something was said, or proved, of an episode."""
        self._relist(opened.path.name)
        if self.opened is not None and opened.path == self.opened.path:
            self.pair.know(opened)
            self._show_words()
            self.say(f"Kept: {opened.labels.outcome}.")

    def _relist(self, folder: str) -> None:
        """Something else is said of an episode now."""
        self.desk.list_one(folder, self.library.model.replace)
        self.desk.count(self.library.wanted())

    def _linted(self, folder: str, findings: object) -> None:
        if self.opened is not None and self.opened.path.name == folder:
            self.inspector.show_findings(findings)  # type: ignore[arg-type]

    def _judged(self, folder: str, problem: str) -> None:
        self._replaying = ""
        self.inspector.show_replaying(False)
        self.say(problem or f"Episode {words.episode(folder)} is judged.")
        self._relist(folder)
        if self.opened is not None and self.opened.path.name == folder:
            self.desk.open(folder)

    def _made(self, sentence: str) -> None:
        """A new episode came of this one, or did not."""
        self.inspector.trims.show_busy(self.desk.trims.runs)
        self.inspector.show_mending(self.desk.repairs.runs)
        self.say(sentence)
        self.reread()

    def _found(self, heard: Callable[[tuple[str, ...]], None]) -> None:
        """The ids of all that the list is narrowed to; none: it is not."""
        if self.library.filters == Filters():
            heard(())
        else:
            self.desk.found(self.library.wanted(), heard)

    def _forgotten(self, sentence: str) -> None:
        self._show(None)
        self.say(sentence)
        self.reread()

    def _replayed(self, _replayed: Replayed) -> None:
        self._show_lanes(same=True)
        self._show_at()

    # --- showing ----------------------------------------------------------------------------------

    def _show(self, opened: Opened | None) -> None:
        self.pair.show_episode(opened)
        speed = self.playback.speed
        if opened is None:
            self.playback = Playback(speed=speed)
            self.lanes.show_episode(None)
        else:
            tape = opened.tape
            at_s = tape.second_of(0) if tape.first >= 0 else 0.0
            self.playback = Playback(tape.length_s, at_s, speed)
            self._show_lanes(same=False)
        self.bar.show_cameras(self.pair.cameras, 0)
        for part in (self.bar, self.lanes):
            part.setEnabled(opened is not None)
        self._show_words()
        self._show_at()

    def _show_words(self) -> None:
        opened = self.opened
        self.inspector.show_episode(opened)
        if opened is None:
            self.headline.clear("Choose an episode.")
        else:
            self.headline.show_headline(headline(opened.verdict, opened.doubt))
        self.bar.difference.setEnabled(self._first_difference() >= 0)
        self.rests.emit(self.rest())

    def _show_lanes(self, *, same: bool) -> None:
        opened, replayed = self.opened, self.replayed
        if opened is None:
            return
        shown = shown_of(opened.tape, opened.verdict, replayed)
        self.lanes.show_episode(shown, same=same)
        self._layout.arrange(self.width(), self.height())  # more axes need more room
        self.bar.difference.setEnabled(self._first_difference() >= 0)

    def _show_at(self) -> None:
        """Playhead, time, both pictures and what stands over them."""
        playback = self.playback
        if playback.playing != self._ticker.isActive():
            self._ticker.start() if playback.playing else self._ticker.stop()
        self.bar.show_playing(playback.playing)
        self.bar.show_position(playback.at_s, playback.length_s)
        self.lanes.show_at(playback.at_s)
        self.pair.look(playback, self.lanes.deviation)

    def _first_difference(self) -> int:
        if self.opened is None:
            return -1
        failing = self.replayed.failing if self.replayed is not None else ()
        return first_difference(self.opened.verdict, failing)

    def rest(self) -> str:
        """What the line at the bottom says when there is nothing to say."""
        opened = self.opened
        if opened is None:
            return str(self.desk.root)
        verdict = opened.verdict
        proved = f"Replayed {verdict.replayed_wall[:16].replace('T', ' ')} UTC. " if verdict else ""
        return f"Episode {opened.path.name}. {proved}Sealed, opened read-only."

    def _tick(self) -> None:
        self.playback = self.playback.moved(clock.now_ns())
        self._show_at()
