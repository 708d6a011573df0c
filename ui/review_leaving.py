"""What goes out of a library, in words: exports, and what is forgotten. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from recorder.tombstone import Why
from ui import words

FORMS: Final = ("lerobot", "mcap")
FORM_WORDS: Final = ("LeRobot v3", "MCAP")
WHYS: Final = tuple(Why)
WHY_WORDS: Final = {
    Why.MISTAKE: "recorded by mistake",
    Why.REQUEST: "somebody in it asked",
    Why.CONSENT: "no consent",
    Why.RETENTION: "kept as long as agreed",
}
_MOST: Final = 4  # lines of what was left out; the rest is counted


@dataclass(frozen=True)
class ExportOrder:
    """What somebody wants to have exported."""

    out: Path
    form: str  # of FORMS
    episodes: tuple[str, ...]  # ids; none: the whole library
    unproved: bool = False  # also what no replay has proved

    def arguments(self, root: Path) -> tuple[str, ...]:
        """The same for `unstick`."""
        only = [part for one in self.episodes for part in ("--episode", one)]
        every = ["--all"] if self.unproved and self.form == "lerobot" else []
        return ("export", self.form, str(root), str(self.out), "--json", "--steps", *every, *only)


class _LeftOut(msgspec.Struct, frozen=True):
    episode: str
    why: str


class _Exported(msgspec.Struct, frozen=True):
    """What `unstick export … --json` prints, as far as it is read here."""

    path: str
    episodes: tuple[str, ...]
    rows: int
    skipped: tuple[_LeftOut, ...] = ()
    damaged: tuple[_LeftOut, ...] = ()


class _DataSet(msgspec.Struct, frozen=True):
    path: str
    episodes: tuple[str, ...]


class Forgetting(msgspec.Struct, frozen=True):
    """What `unstick episodes forget --dry-run --json` prints, as far as it is read here."""

    episodes: tuple[str, ...]
    bytes: int
    made_from_them: tuple[str, ...] = ()
    sources_that_stay: tuple[str, ...] = ()
    being_recorded: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()
    datasets: tuple[_DataSet, ...] = ()


def export_name(form: str, day: datetime) -> str:
    """lerobot-2026-03-06: a folder that says what it holds."""
    return f"{form}-{day:%Y-%m-%d}"


def step_words(done: int, of: int) -> str:
    """3 of 12 episodes"""
    return f"{done:,} of {count(of)}"


def count(number: int, noun: str = "episode") -> str:
    """1 episode, 12 episodes"""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def export_told(code: int, printed: str, said: str) -> tuple[str, tuple[str, ...]]:
    """What came of an export: a sentence, and what was left out and why."""
    if not printed:
        return "Nothing was exported.", (said or f"It ended with code {code}.",)
    made = msgspec.json.decode(printed, type=_Exported)
    left = (*made.damaged, *made.skipped)
    lines = [f"Left out {words.episode(one.episode)}: {one.why}" for one in left[:_MOST]]
    if len(left) > _MOST:
        lines.append(f"Left out: {count(len(left) - _MOST)} more.")
    return f"{count(len(made.episodes))}, {count(made.rows, 'row')} in {made.path}", tuple(lines)


def forget_lines(known: Forgetting) -> tuple[str, ...]:
    """What would go with it, and what stays although somebody might think otherwise."""
    lines = [f"{count(len(known.episodes))} and {known.bytes / 1e6:,.1f} MB go, for good."]
    if known.made_from_them:
        names = ", ".join(words.episode(one) for one in known.made_from_them)
        lines.append(f"Made from it, so it goes too: {names}.")
    if known.sources_that_stay:
        names = ", ".join(words.episode(one) for one in known.sources_that_stay)
        lines.append(f"It was made from {names}, which stays.")
    if known.being_recorded:
        lines.append("It is being recorded: stop the robot's agent first.")
    for one in known.datasets:
        lines.append(f"The data set {one.path} still holds it: export that anew.")
    lines += [f"Stays, cannot be judged: {one}" for one in known.not_judged[:_MOST]]
    lines.append("A tombstone stays: id, day and the reason chosen here; it names nobody.")
    return tuple(lines)
