"""`unstick episodes list`, `verify` and `recover`: many episodes at once.

`find_episode` is how every command understands which episode is meant.
"""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from recorder.catalogue import list_library
from recorder.episode import EpisodeError
from recorder.library import list_episodes as episode_folders
from recorder.library import open_episode
from recorder.listing import NOT_REPLAYED, OUT_OF_DATE, Listed, Wanted
from recorder.recover import recover_all
from recorder.tombstone import read_tombstones
from recorder.verdict import Kind
from teleop.validation import EXIT_NOT_JUDGED, episodes_at, table_console

PAGE: Final = 100  # lines of a table nobody limited: as many as anybody reads
_NAMED_MOST: Final = 5  # episodes that an ambiguous beginning is answered with


def find_episode(given: str, library: Path) -> Path:
    """The folder of the episode that is meant: a path, an id, or the only one that begins so.

    Raises:
        EpisodeError: none is, or several are.
    """
    if not given.strip():
        raise EpisodeError("No episode given", library, "Give a path, an id or how it begins.")
    path = Path(given)
    if path.exists() or path.name != given:
        return path
    found = [one for one in episode_folders(library) if one.name.startswith(given.upper())]
    if not found:
        tombstone = read_tombstones(library).get(given.upper())
        if tombstone is not None:
            raise EpisodeError("Episode is no more", given, tombstone.sentence)
        raise EpisodeError(
            f"No episode begins with {given!r}", library, "See `unstick episodes list`."
        )
    if len(found) > 1 and found[0].name != given.upper():
        names = ", ".join(one.name for one in found[:_NAMED_MOST])
        more = f" and {len(found) - _NAMED_MOST} more" if len(found) > _NAMED_MOST else ""
        raise EpisodeError(
            f"{len(found)} episodes begin with {given!r}", library, f"{names}{more}: give more."
        )
    return found[0]


def verdict_named(word: str) -> str:
    """What `Wanted.verdict` calls the verdict that somebody typed.

    Raises:
        EpisodeError: there is none of that name.
    """
    names = [kind.value for kind in Kind] + [NOT_REPLAYED, OUT_OF_DATE]
    for name in names:
        if word.casefold() == name.casefold():
            return name
    raise EpisodeError("No such verdict", word, f"There are: {', '.join(names)}.")


def list_episodes(root: Path, wanted: Wanted, *, json: bool) -> int:
    """Print the episodes under `root` that are `wanted`, newest first."""
    require_folder(root)
    if not json and not wanted.limit:
        wanted = _limited(wanted)
    listing = list_library(root, wanted)
    if json:
        rows = [_facts(one, root) for one in listing.episodes]
        write_json(
            {"episodes": rows, "found": listing.found, "unreadable": list(listing.unreadable)}
        )
    elif listing.episodes:
        table_console().print(_table(listing.episodes))
        if len(listing.episodes) < listing.found:
            sys.stderr.write(
                f"The newest {len(listing.episodes)} of {listing.found}; --limit shows more.\n"
            )
    else:
        narrowed = wanted != _limited(Wanted())
        nothing = "No episode is like that." if narrowed else "No episodes yet."
        table_console().print("No readable episodes." if listing.unreadable else nothing)
    for line in listing.unreadable:
        sys.stderr.write(f"unstick: {line}\n")
    return EXIT_NOT_JUDGED if listing.unreadable else 0


def _limited(wanted: Wanted) -> Wanted:
    return replace(wanted, limit=wanted.limit or PAGE)


def _table(episodes: tuple[Listed, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    headings = ("Episode", "Recorded (UTC)", "Length", "Robot", "Operator", "Outcome", "Ended by")
    for heading in (*headings, "Verdict"):
        table.add_column(heading, no_wrap=heading == "Episode")
    for one in episodes:
        cells = (
            one.episode,
            minutes(one.recorded),
            f"{one.seconds:.1f} s",
            one.robot,
            one.operator,
            f"{one.outcome}, discarded" if one.discarded else one.outcome,
            one.ended_by,
            f"{one.verdict}, out of date" if one.doubt else one.verdict or "not replayed",
        )
        table.add_row(*(Text(cell) for cell in cells))  # names are no markup
    return table


def minutes(wall: str) -> str:
    """A wall time as people read it in a table; the zone stands in the heading."""
    return wall[:19].replace("T", " ")


def _facts(one: Listed, root: Path) -> dict[str, Any]:
    return {"path": str(root / one.folder), **msgspec.to_builtins(one)}


def verify_episodes(path: Path, *, json: bool) -> int:
    """Hash and read back what is at `path`; 0 when all is as it was sealed, else 2."""
    folders = episodes_at(path)
    found: list[dict[str, Any]] = []
    terminal = Console(stderr=True, highlight=False)
    for folder in track(
        folders, description="Reading", console=terminal, disable=json or len(folders) < 2
    ):
        problem = ""
        try:
            open_episode(folder).verify()
        except (EpisodeError, OSError) as error:
            problem = str(error)
        found.append({"path": str(folder), "whole": not problem, "problem": problem})
    damaged = [one for one in found if not one["whole"]]
    if json:
        write_json({"episodes": found})
    else:
        for one in damaged:
            sys.stderr.write(f"unstick: {one['problem']}\n")
        whole = len(found) - len(damaged)
        table_console().print(f"{whole} of {len(found)} whole", markup=False)
    return EXIT_NOT_JUDGED if damaged else 0


def recover_episodes(root: Path, *, json: bool) -> int:
    """Recover what a crash left under `root`; 0 also when there was nothing to do."""
    require_folder(root)
    found = recover_all(root)
    if json:
        recovered = [
            {
                "episode": one.episode,
                "path": str(one.path),
                "recovered": one.recovered,
                "rows": one.rows,
                "reason": one.reason,
            }
            for one in found
        ]
        write_json({"episodes": recovered})
        return 0
    terminal = Console(highlight=False, markup=False)
    for one in found:
        if one.recovered:
            terminal.print(f"{one.episode}: recovered, {one.rows} rows")
        else:
            terminal.print(f"{one.episode}: set aside as {one.path}: {one.reason}")
    if not found:
        terminal.print("Nothing to recover.")
    return 0


def write_json(facts: dict[str, Any]) -> None:
    """One object on standard output."""
    sys.stdout.write(json_format.dumps(facts) + "\n")


def require_folder(root: Path) -> None:
    """Raise `EpisodeError` unless there is a folder `root`."""
    if not root.is_dir():
        raise EpisodeError("No such folder", root, "Give the folder in which episodes are kept.")
