"""Forgetting: the bytes of an episode go, a tombstone stays that says nothing about anybody.

    <library>/forgotten/<id>.json   id, when, why (one of four words), hash of the manifest

The tombstone is written first. Then everything that belongs to the id, sealed or not, set aside or
half recovered, is renamed out of sight; the catalogue goes, for its pages remember; at last the
bytes. Killed at any point and run again it finishes: an id with a tombstone has no claim to its
bytes. What snapshots, copies and the medium itself still hold is out of reach.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from recorder.catalogue import remove_catalogue
from recorder.durable import fsync_dir, rename, write_atomically
from recorder.episode import FORGETTING_SUFFIX, EpisodeError
from recorder.remains import Remains
from recorder.tombstone import FORGOTTEN_DIR, Tombstone, Why, read_tombstones
from transport.clock import wall_time


def forget(root: Path, going: Iterable[Remains], why: Why) -> None:
    """Remove everything of the episodes `going` from the library `root`, for good.

    Raises:
        EpisodeError: the disk refuses; to be run again.
    """
    try:
        _forget(root, list(going), why)
    except OSError as error:
        raise EpisodeError(
            f"Not everything could be removed ({error.strerror})",
            error.filename or root,
            "Check the permissions and forget it again: that goes on where this stopped.",
        ) from error


def _forget(root: Path, remains: list[Remains], why: Why) -> None:
    known = read_tombstones(root)
    tombs = root / FORGOTTEN_DIR
    tombs.mkdir(exist_ok=True)
    fsync_dir(root)
    for one in remains:
        if one.episode not in known:
            tombstone = Tombstone(
                episode=one.episode,
                forgotten=wall_time().isoformat(timespec="seconds"),
                why=why,
                manifest_sha256=one.manifest_sha256,
            )
            stone = msgspec.json.encode(tombstone) + b"\n"
            write_atomically(tombs / f"{one.episode}.json", stone)
    hidden = [_hide(root, one.episode, folder) for one in remains for folder in one.folders]
    remove_catalogue(root)
    for folder in hidden:
        shutil.rmtree(folder)
    fsync_dir(root)


def _hide(root: Path, episode: str, folder: Path) -> Path:
    """Give `folder` a name that no reader opens; what is half removed must not look whole."""
    if folder.name.endswith(FORGETTING_SUFFIX):
        return folder
    number = 0
    while (hidden := root / f"{episode}-{number}{FORGETTING_SUFFIX}").exists():
        number += 1
    rename(folder, hidden)
    return hidden
