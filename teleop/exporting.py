"""`unstick export`: what is exported, what is left out and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from recorder.episode import EpisodeError
from recorder.export_folder import ExportSummary, no_step
from recorder.export_lerobot import export_lerobot
from recorder.export_mcap import export_mcap
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, open_episode
from recorder.sources import Sources, read_sources
from recorder.tombstone import read_tombstones
from teleop.library import find_episode, write_json
from teleop.validation import EXIT_NOT_JUDGED, episodes_at


def export_as_lerobot(
    path: Path,
    out: Path,
    *,
    options: ExportOptions,
    append: bool,
    json: bool,
    like: Path | None = None,
    only: Sequence[str] = (),
    steps: bool = False,
) -> int:
    """Export what is at `path` as a LeRobotDataset v3 into the folder `out`; 2: some is damaged.

    `only` some episodes of a folder, by id; none given: all. `steps`: how far it is goes to
    standard error, for a program. With `like` the episodes of that data set, by its options. What
    was forgotten is declared, and whatever else is not as it was.
    """
    tombs, origin = read_tombstones(path), None
    if like is None:
        folders, forgotten = _meant(path, only), [] if only else list(tombs.values())
    else:
        origin = read_sources(like)
        options = _options_of(origin, like)
        asked = dict.fromkeys(one.episode for one in origin.episodes)  # one may stand there twice
        asked |= dict.fromkeys(one.episode for one in origin.forgotten)
        asked |= dict.fromkeys(one.episode for one in origin.departures)
        folders = [path / episode for episode in asked if episode not in tombs]
        forgotten = [tombs[episode] for episode in asked if episode in tombs]
    episodes, unreadable = _opened(path, folders)
    summary = export_lerobot(
        *(episodes, out),
        options=options,
        append=append,
        forgotten=forgotten,
        like=origin,
        step=_told if steps else no_step,
    )
    summary = replace(summary, damaged=(*summary.damaged, *unreadable))
    if json:
        whole = {"episodes_in_set": summary.episodes_in_set, "rows_in_set": summary.rows_in_set}
        write_json(_facts(summary) | whole)
    else:
        _print(summary)
        if append:
            there = _count(summary.episodes_in_set, "episode")
            rows = _count(summary.rows_in_set, "row")
            Console(highlight=False).print(f"the data set has {there}, {rows} now")
    return EXIT_NOT_JUDGED if summary.damaged else 0


def export_as_mcap(
    path: Path, out: Path, *, json: bool, only: Sequence[str] = (), steps: bool = False
) -> int:
    """Export what is at `path` as MCAP files into the new folder `out`; 2: some is damaged.

    `only` and `steps` as above.
    """
    episodes, unreadable = _opened(path, _meant(path, only))
    summary = export_mcap(episodes, out, step=_told if steps else no_step)
    summary = replace(summary, damaged=(*summary.damaged, *unreadable))
    if json:
        write_json(_facts(summary))
    else:
        _print(summary)
    return EXIT_NOT_JUDGED if summary.damaged else 0


def _meant(path: Path, only: Sequence[str]) -> list[Path]:
    """The folders of what is at `path`, or of `only` these of its episodes."""
    return [find_episode(one, path) for one in only] if only else episodes_at(path)


def _told(done: int, of: int) -> None:
    """How far it is, as one line of JSON."""
    sys.stderr.write(f'{{"done": {done}, "of": {of}}}\n')
    sys.stderr.flush()


def _options_of(origin: Sources, where: Path) -> ExportOptions:
    try:
        return msgspec.convert(origin.options, ExportOptions)
    except msgspec.ValidationError as error:
        raise EpisodeError(
            f"Options of the data set are not understood ({error})",
            where,
            "Export without --like, or update Unstick.",
        ) from error


def _opened(path: Path, folders: list[Path]) -> tuple[list[Episode], list[tuple[str, str]]]:
    """The episodes in `folders` of `path`, and those that cannot even be opened."""
    episodes: list[Episode] = []
    unreadable: list[tuple[str, str]] = []
    for folder in folders:
        try:
            episodes.append(open_episode(folder))
        except EpisodeError as error:
            unreadable.append((folder.name, str(error)))
    if unreadable and not episodes:
        raise EpisodeError("No readable episode", path, unreadable[0][1])
    return episodes, unreadable


def _facts(summary: ExportSummary) -> dict[str, Any]:
    def listed(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
        return [{"episode": episode, "why": why} for episode, why in pairs]

    return {
        "path": str(summary.path),
        "episodes": summary.episodes,
        "rows": summary.rows,
        "unverified": listed(summary.unverified),
        "skipped": listed(summary.skipped),
        "damaged": listed(summary.damaged),
        "departures": listed(summary.departures),
    }


def _print(summary: ExportSummary) -> None:
    terminal = Console(highlight=False)
    what = f"{_count(len(summary.episodes), 'episode')}, {_count(summary.rows, 'row')}"
    terminal.print(f"{what} in {summary.path}")
    for said, pairs in (
        ("taken because of --all", summary.unverified),
        ("left out", summary.skipped),
        ("damaged, left out", summary.damaged),
        ("not as in the other set", summary.departures),
    ):
        for episode, why in pairs:
            terminal.print(f"{said}: {episode}: {why}", markup=False)


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
