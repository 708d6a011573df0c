"""`unstick episodes trim`: what could go, and the shorter episode."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from recorder.episode import EpisodeError
from recorder.library import Episode, open_episode
from recorder.series import series_of
from recorder.trim import Cut, proposed, trim
from recorder.verdict import Kind
from teleop.replay_jobs import ReplayAnswer, ReplayJob
from teleop.replay_worker import judged


def run_trim(
    folder: Path, *, apply: bool, prefix: bool, json: bool, only: Sequence[int] = ()
) -> int:
    """Propose cuts of the episode in `folder`; with `apply` make the new episode, and prove it.

    A shorter episode whose replay fails is not kept: exit code 1. `prefix` also takes out what
    comes after the shortest beginning that solves the task. Of the proposals, counted from 1 as
    they are listed, `only` some are cut; none given: all.
    """
    episode = open_episode(folder)
    needed = _needed(episode) if prefix else -1
    cuts = proposed(series_of(episode), episode.manifest, needed)
    if not all(1 <= number <= len(cuts) for number in only):
        raise EpisodeError(
            f"There are {len(cuts)} proposals", folder, "Look at them without --apply, then choose."
        )
    cuts = tuple(cut for number, cut in enumerate(cuts, 1) if not only or number in only)
    made = _made(episode, cuts) if apply and cuts else None
    answer = proved(made) if made is not None else None
    rejected = answer is not None and fails(answer)
    if made is not None and rejected:
        shutil.rmtree(made.path)
    if json:
        facts = {
            "episode": episode.id,
            "seconds": round(episode.manifest.seconds, 2),
            "cuts": cuts,
            "made": str(made.path) if made and not rejected else None,
            "rejected": rejected,
            "verdict": answer.verdict if answer else None,
        }
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        _print(episode, cuts, made, answer, rejected)
    return 1 if rejected else 0


def proved(made: Episode) -> ReplayAnswer:
    """What a replay says of the new episode; one that was not replayed to the end is not kept."""
    try:
        return judged(ReplayJob(path=str(made.path)))
    except BaseException:
        shutil.rmtree(made.path)
        raise


def _needed(episode: Episode) -> int:
    """How many actions of the intervention solve its task for good."""
    verdict = judged(ReplayJob(path=str(episode.path), prefix=True)).verdict
    needed = verdict.evidence.shortest_prefix if verdict is not None else -1
    if needed < 0:
        why = verdict.sentence if verdict is not None else "It cannot be replayed here."
        raise EpisodeError("No beginning is known to solve it", episode.path, why)
    return needed


def fails(answer: ReplayAnswer) -> bool:
    """Whether a replay says that something is wrong; where it cannot judge, it does not."""
    verdict = answer.verdict
    return verdict is None or not (verdict.passed or verdict.verdict is Kind.UNVERIFIABLE)


def _made(episode: Episode, cuts: tuple[Cut, ...]) -> Episode:
    try:
        return trim(episode, cuts)
    except OSError as error:
        raise EpisodeError(
            f"The shorter episode cannot be written ({error.strerror or error})",
            episode.path.parent,
            "This one is as it was; try again once the disk takes it.",
        ) from error


def _print(
    episode: Episode,
    cuts: tuple[Cut, ...],
    made: Episode | None,
    answer: ReplayAnswer | None,
    rejected: bool,
) -> None:
    terminal = Console(highlight=False)
    for cut in cuts:
        terminal.print(
            f"rows {cut.first_row}-{cut.last_row}, ticks {cut.first_tick}-{cut.last_tick}: "
            f"{cut.seconds:.1f} s"
        )
    if not cuts:
        terminal.print("No stretch of a second or more that could go.")
    elif made is None:
        left = episode.manifest.rows - sum(cut.last_row - cut.first_row + 1 for cut in cuts)
        terminal.print(
            f"{left} of {episode.manifest.rows} rows would be left. --apply writes them as a new "
            "episode; this one stays as it is."
        )
    else:
        why = (answer.verdict.sentence if answer.verdict else answer.error) if answer else ""
        kind = answer.verdict.verdict if answer and answer.verdict else "not judged"
        if rejected:
            terminal.print(f"Not kept: its replay fails ({kind}). {why}", soft_wrap=True)
            return
        terminal.print(f"{made.manifest.rows} rows in {made.path}", soft_wrap=True)
        terminal.print(f"{kind}: {why}", soft_wrap=True)
