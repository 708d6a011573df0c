"""Everything the review reads and writes, off the window's thread.

Four threads, each with one kind of work, so that none waits for another: the library (lists,
episodes, annotations), recorded pictures, thumbnails, and what waits for a replay. What computes
for long is a process (`ui.chore`). Results
come back in the window's thread, and only while they are of the episode that is still chosen.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from recorder.annotations import annotate
from recorder.catalogue import count_library, list_library, listed
from recorder.episode import GOP_ROWS, EpisodeError, Manifest, camera_file
from recorder.finding import Finding
from recorder.frame_reader import FrameReader
from recorder.labels import AnnotationKind, Labels
from recorder.library import open_episode
from recorder.listing import Listed, Wanted
from recorder.trim import Cut
from recorder.verdict import Verdict
from teleop.annotating import login
from ui.chore import BEHIND, Chore
from ui.errands import Errands
from ui.review_list import THUMB
from ui.review_state import repaired, trimmed
from ui.review_tape import Tape, tape_of
from ui.review_video import as_image

WAITING_THUMBS: Final = 40  # what a screen shows and a little more; older ones are asked for again
VALIDATE: Final = (sys.executable, "-m", "teleop", "validate")


class _Linted(msgspec.Struct, frozen=True):
    findings: tuple[Finding, ...]


class _Lint(msgspec.Struct, frozen=True):
    """What `unstick episodes lint --json` prints, as far as it is read here."""

    episodes: tuple[_Linted, ...]


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """The same of `unstick episodes trim` and `repair`."""

    made: str | None
    rejected: bool
    verdict: Verdict | None
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, eq=False)
class Opened:
    """One episode, read."""

    path: Path
    manifest: Manifest
    manifest_sha256: str
    labels: Labels
    verdict: Verdict | None
    doubt: str  # why the verdict is out of date; empty: it is not
    tape: Tape


class Desk(QObject):
    """Asks and answers for one library; everything here belongs to the window's thread."""

    listed = Signal(object, int)  # Listing, how many were skipped
    counted = Signal(object)  # Counted
    opened = Signal(object)  # Opened
    labelled = Signal(object)  # Opened, of which something was said
    linted = Signal(str, object)  # folder, findings
    pictured = Signal(str, str, int, object)  # folder, camera, row, QImage
    thumbnail = Signal(str, object)  # folder, QImage or None
    replayed = Signal(str, str)  # folder, a sentence when it could not be judged
    trimmed = Signal(str)  # a sentence: what became of a cut
    repaired = Signal(str)  # the same of a repair
    failed = Signal(str)  # a sentence

    def __init__(
        self, root: Path, *, validate: Sequence[str] = VALIDATE, behind: Sequence[str] = BEHIND
    ) -> None:
        """`validate` judges an episode, `behind` runs any other `unstick` command."""
        super().__init__()
        self.root = root
        self._validate = tuple(validate)
        self._library = Errands("review-library")
        self._pictures = Errands("review-pictures")
        self._thumbs = Errands("review-thumbs", newest_first=True, waiting=WAITING_THUMBS)
        self._slow = Errands("review-slow")
        self._videos: dict[Path, FrameReader] = {}  # of the episode that is shown; its thread's
        self._lint, self._linting = Chore(behind), ""
        self._lint.ended.connect(self._found)
        self.trims, self.repairs = Chore(behind), Chore(behind)
        self.exports, self.forgets = Chore(behind), Chore(behind)
        self.repairs.ended.connect(self._mended)
        self.trims.ended.connect(self._cut)
        self._judging: subprocess.Popen[bytes] | None = None

    def list(self, wanted: Wanted) -> None:
        """A page of the library; with the first of them what all pages together are made of."""
        self._library.do(
            f"list {'more' if wanted.skip else 'anew'}",
            lambda: list_library(self.root, wanted),
            lambda listing: self.listed.emit(listing, wanted.skip),
            self.failed.emit,
        )
        if not wanted.skip:
            self.count(wanted)

    def count(self, wanted: Wanted) -> None:
        """Verdicts of all that is wanted, and what else there is."""
        self._library.do(
            "count",
            lambda: count_library(self.root, wanted),
            self.counted.emit,
            self.failed.emit,
        )

    def found(self, wanted: Wanted, heard: Callable[[tuple[str, ...]], None]) -> None:
        """The ids of all that is wanted, whatever page they are on."""
        every = replace(wanted, skip=0, limit=0)
        self._library.do(
            "found",
            lambda: tuple(one.episode for one in list_library(self.root, every).episodes),
            heard,
            self.failed.emit,
        )

    def list_one(self, folder: str, heard: Callable[[Listed], None]) -> None:
        """The line of an episode of which something else is said now."""
        path = self.root / folder
        self._library.do(f"line {folder}", lambda: listed(path), heard, self.failed.emit)

    def open(self, folder: str) -> None:
        """Read an episode, and look for what is wrong with it."""
        path = self.root / folder
        self._library.do("open", lambda: read(path), self.opened.emit, self.failed.emit)

    def lint(self, folder: str) -> None:
        """Look for what is wrong with it."""
        self._linting = folder
        self._lint.start("episodes", "lint", str(self.root / folder), "--json")

    def say(self, episode: Opened, kind: AnnotationKind, text: str) -> None:
        """Keep one annotation beside the sealed files."""

        def keep() -> Opened:
            annotate(episode.path, episode.manifest_sha256, kind, text, login())
            return read(episode.path, episode.tape)

        # Its own name each: what somebody says is never replaced by what he says next.
        name = f"say {episode.path.name} {kind} {text}"
        self._library.do(name, keep, self.labelled.emit, self.failed.emit)

    def picture(self, path: Path, camera: str, row: int) -> None:
        """A recorded picture."""
        self._pictures.do(
            camera,
            lambda: self._frame(path, camera, row),
            lambda image: self.pictured.emit(path.name, camera, row, image),
            self.failed.emit,
        )

    def ask_thumbnail(self, folder: str) -> None:
        """A small picture from the middle of an episode."""
        path = self.root / folder
        self._thumbs.do(
            folder,
            lambda: _thumbnail(path),
            lambda image: self.thumbnail.emit(folder, image),
            lambda _why: self.thumbnail.emit(folder, None),
        )

    def replay(self, folder: str) -> None:
        """Judge it anew in a process of its own, behind everything else."""
        path = self.root / folder
        self._slow.do(
            "replay",
            lambda: self._judge(path),
            lambda problem: self.replayed.emit(folder, problem),
            self.failed.emit,
        )

    def trim(self, folder: str, proposals: Sequence[int]) -> None:
        """Cut these proposals out of it in a process, which replays what is left."""
        only = [part for number in proposals for part in ("--only", f"{number}")]
        self.trims.start("episodes", "trim", str(self.root / folder), "--apply", "--json", *only)

    def repair(self, folder: str) -> None:
        """Undo what its verdict says is wrong, in a process, which replays what comes of it."""
        self.repairs.start("episodes", "repair", str(self.root / folder), "--json")

    def let_go(self) -> None:
        """Close the videos: some systems keep what is open from being removed."""
        self._pictures.do("let go", self._close_videos, lambda _: None, self.failed.emit)

    def rest(self) -> None:
        """Nobody looks: what was only to be looked at is not read any more."""
        self._thumbs.drop()
        self._pictures.drop()
        self._lint.drop()

    def close(self) -> None:
        """End all threads; what was said is kept before."""
        if (judging := self._judging) is not None:
            judging.kill()
        for chore in (self._lint, self.trims, self.repairs, self.exports, self.forgets):
            chore.close()
        self._thumbs.close()
        self._pictures.close()
        self._slow.close()
        self._library.close()
        self._close_videos()

    def _found(self, code: int, printed: str, said: str) -> None:
        """What lint has found; 0 is nothing, 1 something, anything else that it could not look."""
        if code not in (0, 1):
            self.failed.emit(said)
            return
        (linted,) = msgspec.json.decode(printed, type=_Lint).episodes
        self.linted.emit(self._linting, linted.findings)

    def _cut(self, code: int, printed: str, said: str) -> None:
        if code not in (0, 1) or not printed:
            self.trimmed.emit(said)
            return
        one = msgspec.json.decode(printed, type=_Made)
        kind = one.verdict.verdict if one.verdict is not None else ""
        seconds = sum(cut.seconds for cut in one.cuts)
        self.trimmed.emit(trimmed(one.made or "", one.rejected, kind, seconds))

    def _mended(self, code: int, printed: str, said: str) -> None:
        if code not in (0, 1) or not printed:
            self.repaired.emit(said)
            return
        one = msgspec.json.decode(printed, type=_Made)
        kind = one.verdict.verdict if one.verdict is not None else ""
        self.repaired.emit(repaired(one.made or "", kind))

    # --- on the threads ---------------------------------------------------------------------------

    def _frame(self, path: Path, camera: str, row: int) -> QImage:
        video = path / camera_file(camera)
        if video not in self._videos:
            if any(known.parent != path for known in self._videos):
                self._close_videos()
            self._videos[video] = FrameReader(video)
        return as_image(self._videos[video].frame(row))

    def _close_videos(self) -> None:
        while self._videos:
            self._videos.popitem()[1].close()

    def _judge(self, path: Path) -> str:
        command = [*self._validate, str(path), "--again", "--background"]
        before = _judged_at(path)
        process = self._judging = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            said = process.communicate()[1].decode(errors="replace").strip()
        finally:
            self._judging = None
        return "" if _judged_at(path) != before else said or "The replay gave no verdict."


def _judged_at(path: Path) -> str:
    """When the verdict that is there was found; empty: there is none."""
    try:
        verdict = open_episode(path).verdict()
    except EpisodeError:
        return ""
    return verdict.replayed_wall if verdict is not None else ""


def read(path: Path, tape: Tape | None = None) -> Opened:
    """An episode as it is now; raises `EpisodeError`. `tape` is what is known of its sealed log."""
    episode = open_episode(path)
    doubt = ""
    try:
        verdict = episode.verdict()
        doubt = episode.doubt(verdict) if verdict is not None else ""
    except EpisodeError as error:
        verdict, doubt = None, str(error)
    return Opened(
        path=path,
        manifest=episode.manifest,
        manifest_sha256=episode.manifest_sha256,
        labels=episode.labels,
        verdict=verdict,
        doubt=doubt,
        tape=tape or tape_of(episode),
    )


def _thumbnail(path: Path) -> QImage | None:
    episode = open_episode(path)
    manifest = episode.manifest
    if not manifest.cameras or not manifest.rows:
        return None
    # The middle of an episode is most often within the intervention.
    row = manifest.rows // 2
    reader = FrameReader(path / manifest.cameras[0].file)
    try:
        image = as_image(reader.frame(row - row % GOP_ROWS))
    finally:
        reader.close()
    return image.scaled(
        THUMB * 2,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
