"""`unstick episodes trim`: what could go, and the shorter episode."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from rich.console import Console

from recorder.episode import EpisodeError
from recorder.library import Episode, open_episode
from recorder.series import series_of
from recorder.trim import Cut, proposed, trim


def run_trim(folder: Path, *, apply: bool, json: bool) -> int:
    """Propose cuts of the episode in `folder`; with `apply` make the new episode."""
    episode = open_episode(folder)
    cuts = proposed(series_of(episode), episode.manifest)
    made = _made(episode, cuts) if apply and cuts else None
    if json:
        facts = {
            "episode": episode.id,
            "seconds": round(episode.manifest.seconds, 2),
            "cuts": cuts,
            "made": str(made.path) if made else None,
        }
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        _print(episode, cuts, made)
    return 0


def _made(episode: Episode, cuts: tuple[Cut, ...]) -> Episode:
    try:
        return trim(episode, cuts)
    except OSError as error:
        raise EpisodeError(
            f"The shorter episode cannot be written ({error.strerror or error})",
            episode.path.parent,
            "This one is as it was; try again once the disk takes it.",
        ) from error


def _print(episode: Episode, cuts: tuple[Cut, ...], made: Episode | None) -> None:
    terminal = Console(highlight=False)
    for cut in cuts:
        terminal.print(
            f"rows {cut.first_row}-{cut.last_row}, ticks {cut.first_tick}-{cut.last_tick}: "
            f"{cut.seconds:.1f} s idle"
        )
    if not cuts:
        terminal.print("No idle stretch of a second or more that could go.")
    elif made is None:
        left = episode.manifest.rows - sum(cut.last_row - cut.first_row + 1 for cut in cuts)
        terminal.print(
            f"{left} of {episode.manifest.rows} rows would be left. --apply writes them as a new "
            "episode; this one stays as it is."
        )
    else:
        terminal.print(f"{made.manifest.rows} rows in {made.path}", soft_wrap=True)
        terminal.print("It has no verdict yet: replay it with `unstick validate`.")
