"""`unstick episodes repair`: the fault that a replay has found, undone in a new episode."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from recorder.episode import EpisodeError
from recorder.library import open_episode
from recorder.repair import operation_of, repair, repairable
from teleop.trimming import proved


def run_repair(folder: Path, *, json: bool) -> int:
    """Undo the fault that the verdict in `folder` names, and prove it; 1: it was not that.

    Raises:
        EpisodeError: there is no such verdict, it is out of date, or nothing can be undone.
    """
    episode = open_episode(folder)
    verdict = episode.verdict()
    if verdict is None or episode.doubt(verdict):
        why = "It was not replayed yet" if verdict is None else "Its verdict is out of date"
        raise EpisodeError(why, folder, "Run `unstick validate` first.")
    fault = repairable(verdict)
    if fault is None:
        raise EpisodeError("Nothing is known that could be undone", folder, verdict.sentence)
    try:
        made = repair(episode, fault)
    except OSError as error:
        raise EpisodeError(
            f"The repaired episode cannot be written ({error.strerror or error})",
            episode.path.parent,
            "This one is as it was; try again once the disk takes it.",
        ) from error
    answer = proved(made)
    passed = answer.verdict is not None and answer.verdict.passed
    if not passed:
        shutil.rmtree(made.path)
    if json:
        facts = {
            "episode": episode.id,
            "operation": operation_of(fault),
            "made": str(made.path) if passed else None,
            "rejected": not passed,
            "verdict": answer.verdict,
        }
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        kind = answer.verdict.verdict if answer.verdict else "not judged"
        why = answer.verdict.sentence if answer.verdict else answer.error
        where = str(made.path) if passed else "Not kept: its replay does not pass"
        Console(highlight=False).print(f"{operation_of(fault)}: {where}", soft_wrap=True)
        Console(highlight=False).print(f"{kind}: {why}", soft_wrap=True)
    return 0 if passed else 1
