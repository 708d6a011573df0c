"""`unstick episodes` and `unstick export`: the library of episodes on the command line."""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recorder.episode import EpisodeError
from recorder.export_folder import ExportSummary
from recorder.export_lerobot import export_lerobot
from recorder.export_mcap import export_mcap
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, open_episode
from recorder.library import list_episodes as episode_folders
from recorder.recover import recover_all
from teleop.validation import EXIT_NOT_JUDGED, episodes_at, table_console


def list_episodes(root: Path, *, json: bool) -> int:
    """Print every episode under `root` with outcome and verdict."""
    if not root.is_dir():
        raise EpisodeError("No such folder", root, "Give the folder in which episodes are kept.")
    rows: list[dict[str, Any]] = []
    unreadable: list[str] = []
    for folder in episode_folders(root):
        try:
            rows.append(_row(open_episode(folder)))
        except EpisodeError as error:
            unreadable.append(str(error))
    if json:
        facts = {"episodes": rows, "unreadable": unreadable}
        sys.stdout.write(json_format.dumps(facts) + "\n")
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("Episode", "Recorded", "Length", "Outcome", "Ended by", "Verdict"):
            table.add_column(heading, no_wrap=heading == "Episode")
        for row in rows:
            length = f"{row['seconds']:.1f} s"
            words = (row["recorded"], length, row["outcome"], row["ended_by"])
            table.add_row(row["episode"], *words, row["verdict"] or "not replayed")
        nothing = "No readable episodes." if unreadable else "No episodes yet."
        table_console().print(table if rows else nothing)
    for line in unreadable:
        sys.stderr.write(f"unstick: {line}\n")
    return EXIT_NOT_JUDGED if unreadable else 0


def _row(episode: Episode) -> dict[str, Any]:
    manifest = episode.manifest
    verdict = episode.verdict()
    return {
        "episode": episode.id,
        "path": str(episode.path),
        "recorded": manifest.clock.opened_wall,
        "seconds": round(manifest.seconds, 2),
        "rows": manifest.rows,
        "status": str(manifest.status),
        "outcome": str(manifest.ending.outcome),
        "ended_by": str(manifest.ending.ended_by),
        "operator": manifest.ending.operator,
        "verdict": str(verdict.verdict) if verdict else None,
    }


def recover_episodes(root: Path) -> int:
    """Recover what a crash left under `root`; 0 also when there was nothing to do."""
    terminal = Console(highlight=False)
    if not root.is_dir():
        raise EpisodeError("No such folder", root, "Give the folder in which episodes are kept.")
    found = recover_all(root)
    for recovery in found:
        if recovery.recovered:
            terminal.print(f"{recovery.episode}: recovered, {recovery.rows} rows")
        else:
            terminal.print(f"{recovery.episode}: set aside as {recovery.path}: {recovery.reason}")
    if not found:
        terminal.print("Nothing to recover.")
    return 0


def export_as_lerobot(
    path: Path, out: Path, *, options: ExportOptions, append: bool, json: bool
) -> int:
    """Export what is at `path` as a LeRobotDataset v3 into the folder `out`; 2: some is damaged."""
    episodes, unreadable = _opened(path)
    summary = export_lerobot(episodes, out, options=options, append=append)
    summary = replace(summary, damaged=(*summary.damaged, *unreadable))
    if json:
        whole = {"episodes_in_set": summary.episodes_in_set, "rows_in_set": summary.rows_in_set}
        sys.stdout.write(json_format.dumps(_facts(summary) | whole) + "\n")
    else:
        _print(summary)
        if append:
            there = _count(summary.episodes_in_set, "episode")
            rows = _count(summary.rows_in_set, "row")
            Console(highlight=False).print(f"the data set has {there}, {rows} now")
    return EXIT_NOT_JUDGED if summary.damaged else 0


def export_as_mcap(path: Path, out: Path, *, json: bool) -> int:
    """Export what is at `path` as MCAP files into the new folder `out`; 2: some is damaged."""
    episodes, unreadable = _opened(path)
    summary = export_mcap(episodes, out)
    summary = replace(summary, damaged=(*summary.damaged, *unreadable))
    if json:
        sys.stdout.write(json_format.dumps(_facts(summary)) + "\n")
    else:
        _print(summary)
    return EXIT_NOT_JUDGED if summary.damaged else 0


def _opened(path: Path) -> tuple[list[Episode], list[tuple[str, str]]]:
    """The episodes at `path`, and those that cannot even be opened."""
    episodes: list[Episode] = []
    unreadable: list[tuple[str, str]] = []
    for folder in episodes_at(path):
        try:
            episodes.append(open_episode(folder))
        except EpisodeError as error:
            unreadable.append((folder.name, str(error)))
    if not episodes:
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
    }


def _print(summary: ExportSummary) -> None:
    terminal = Console(highlight=False)
    what = f"{_count(len(summary.episodes), 'episode')}, {_count(summary.rows, 'row')}"
    terminal.print(f"{what} in {summary.path}")
    for said, pairs in (
        ("taken because of --all", summary.unverified),
        ("left out", summary.skipped),
        ("damaged, left out", summary.damaged),
    ):
        for episode, why in pairs:
            terminal.print(f"{said}: {episode}: {why}", markup=False)


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
