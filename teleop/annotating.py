"""`unstick episodes label` and `discard`: what is said about an episode after its recording."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import msgspec

from recorder.annotations import annotate
from recorder.episode import EpisodeError
from recorder.labels import AnnotationKind
from recorder.library import Episode, open_episode
from teleop.library import write_json


def label_episode(
    path: Path, said: list[tuple[AnnotationKind, str]], by: str | None, *, json: bool
) -> int:
    """Add what was `said` to the episode at `path`, one annotation each.

    Raises:
        EpisodeError: nothing was said, it cannot be meant, or the episode cannot be read.
    """
    if not said:
        raise EpisodeError(
            "Nothing to say about it", path, "Give --outcome, --reason, --task or --note."
        )
    episode = open_episode(path)
    torn = episode.history.torn
    for kind, text in said:
        annotate(path, episode.manifest_sha256, kind, text, by or login())
    _tell(open_episode(path), torn, json=json)
    return 0


def discard_episode(path: Path, why: str, by: str | None, *, undo: bool, json: bool) -> int:
    """Take the episode at `path` out of use, or back into it; its files stay.

    Raises:
        EpisodeError: it is as wished already, or cannot be read.
    """
    if open_episode(path).labels.discarded is not undo:
        state = "not discarded" if undo else "discarded already"
        raise EpisodeError(f"Episode is {state}", path, "Nothing was changed.")
    kind = AnnotationKind.RESTORED if undo else AnnotationKind.DISCARDED
    return label_episode(path, [(kind, why)], by, json=json)


def login() -> str:
    """Who sits at this machine, as far as it knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a list of users
        return ""


def _tell(episode: Episode, torn: str, *, json: bool) -> None:
    labels, verdict = episode.labels, episode.verdict()
    doubt = episode.doubt(verdict) if verdict else ""
    if json:
        write_json(
            {
                "episode": episode.id,
                "path": str(episode.path),
                "labels": msgspec.to_builtins(labels),
                "doubt": doubt,
            }
        )
        return
    words = [str(labels.outcome)]
    if labels.reason:
        words.append(f"because: {labels.reason}")
    if labels.discarded:
        words.append("discarded" + (f": {labels.discarded_why}" if labels.discarded_why else ""))
    sys.stdout.write(f"{episode.id}: {', '.join(words)}\n")
    for line in (torn, doubt):
        if line:
            sys.stderr.write(f"{line}\n")
