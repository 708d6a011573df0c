"""`unstick export`: what is exported, what is left out and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from recorder.episode import EpisodeError
from recorder.export_folder import ExportSummary
from recorder.export_lerobot import export_lerobot
from recorder.export_mcap import export_mcap
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, open_episode
from teleop.library import write_json
from teleop.validation import EXIT_NOT_JUDGED, episodes_at


def export_as_lerobot(
    path: Path, out: Path, *, options: ExportOptions, append: bool, json: bool
) -> int:
    """Export what is at `path` as a LeRobotDataset v3 into the folder `out`; 2: some is damaged."""
    episodes, unreadable = _opened(path)
    summary = export_lerobot(episodes, out, options=options, append=append)
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


def export_as_mcap(path: Path, out: Path, *, json: bool) -> int:
    """Export what is at `path` as MCAP files into the new folder `out`; 2: some is damaged."""
    episodes, unreadable = _opened(path)
    summary = export_mcap(episodes, out)
    summary = replace(summary, damaged=(*summary.damaged, *unreadable))
    if json:
        write_json(_facts(summary))
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
