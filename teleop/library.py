"""`unstick episodes` and `unstick export`: the library of episodes on the command line."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recorder.episode import EpisodeError
from recorder.export_lerobot import export_lerobot
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


def export_as_lerobot(path: Path, out: Path, *, include_unverified: bool, json: bool) -> int:
    """Export what is at `path` as a LeRobotDataset v3 into the new folder `out`."""
    episodes = [open_episode(folder) for folder in episodes_at(path)]
    summary = export_lerobot(episodes, out, include_unverified=include_unverified)
    if json:
        facts = {
            "path": str(summary.path),
            "episodes": summary.episodes,
            "rows": summary.rows,
            "skipped": [{"episode": e, "why": why} for e, why in summary.skipped],
        }
        sys.stdout.write(json_format.dumps(facts) + "\n")
        return 0
    terminal = Console(highlight=False)
    count = len(summary.episodes)
    what = "1 episode" if count == 1 else f"{count} episodes"
    terminal.print(f"{what}, {summary.rows} rows in {summary.path}")
    for episode, why in summary.skipped:
        terminal.print(f"left out {episode}: {why}")
    return 0
