"""The catalogue of a library: a list of thousands of episodes without opening each of them.

Only a cache. Delete it, damage it, edit it, bring one from elsewhere, or make the folder read-only:
the answer is the same and takes longer. How an answer is kept true:

every list      the root's own stamp tells whether folders came, went or were replaced, and only
                those are read; and whatever is shown, the episodes as well as what is not readable,
                is compared with its files by the stamps of manifest, verdict and annotations
narrowed, all   any episode may belong to the answer, so every one is compared like that first

The newest few therefore cost the same in a library of any size. What they leave unseen is an
episode further down whose manifest another program spoils in its place, where it is not shown:
`found` still counts it, until the next list of all.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from recorder.annotations import ANNOTATIONS_FILE
from recorder.catalogue_file import CatalogueFile, Rest, Row, Whole
from recorder.episode import MANIFEST_FILE, VERDICT_FILE, EpisodeError
from recorder.library import is_kept, is_kept_name, open_episode
from recorder.listing import Counted, Listed, Listing, Wanted
from transport.clock import NS_PER_S, wall_time

CATALOGUE_FILE: Final = "catalogue.sqlite"

# A folder that changed less than this ago may change once more within the same stamp: FAT counts
# two seconds, others a tick of the kernel.
SETTLED_NS: Final = 3 * NS_PER_S
_NO_EPISODE: Final = "none"  # stamp of a folder with nothing of an episode in it
_ROUNDS: Final = 5  # of a page that changes under our eyes, before everything is compared

T = TypeVar("T")

_LOG = logging.getLogger("recorder")


_EVERYTHING: Final = Wanted()


def list_library(root: Path, wanted: Wanted = _EVERYTHING) -> Listing:
    """The episodes under `root` that are `wanted`; none when there is no such folder."""
    return _asked(root, lambda file: _newest(file, root, wanted) or _all(file, root, wanted))


def count_library(root: Path, wanted: Wanted = _EVERYTHING) -> Counted:
    """What the episodes under `root` are made of; verdicts only of those `wanted`, of all pages."""

    def count(file: CatalogueFile) -> Counted:
        _compare(file, root)
        operators = {name for some in file.names("operator") for name in some.split(", ")}
        return Counted(
            verdicts=file.verdicts(wanted),
            robots=file.names("robot"),
            tasks=file.names("task"),
            operators=tuple(sorted(operators)),
        )

    return _asked(root, count)


def _asked(root: Path, ask: Callable[[CatalogueFile], T]) -> T:
    """An answer of the catalogue of `root`, of a new one when it is damaged, or of one in memory
    when there can be none."""
    path = root / CATALOGUE_FILE
    for place in (path, path, None):
        try:
            with closing(CatalogueFile(place)) as file:
                return ask(file)
        except (sqlite3.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
            if place is None:
                raise
            _LOG.info("catalogue %s is not used: %s", place, error)
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_BUSY:
                remove_catalogue(root)
    raise AssertionError("the catalogue in memory either answers or raises")


def remove_catalogue(root: Path) -> None:
    """Take the catalogue away, as far as the folder lets it; the next list builds it anew."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            (root / (CATALOGUE_FILE + suffix)).unlink(missing_ok=True)
        except OSError as error:
            _LOG.info("%s stays: %s", CATALOGUE_FILE + suffix, error)


def _newest(file: CatalogueFile, root: Path, wanted: Wanted) -> Listing | None:
    """The newest `wanted.limit`; None where every folder has to be compared."""
    if not (wanted.limit and wanted.any_kind):
        return None
    _compare_names(file, root)
    for _ in range(_ROUNDS):
        whole, page = file.whole(), file.newest(wanted.skip + wanted.limit)[wanted.skip :]
        shown = {one.folder: stamp for one, stamp in page}
        shown |= {one.name: one.stamp for one in whole.rest}
        changed = [name for name, stamp in shown.items() if _stamp(root / name) != stamp]
        if not changed:
            return _listing(whole, [one for one, _ in page], whole.count)
        known = file.inodes()
        _read(file, root, {name: known[name] for name in changed}, whole.root)
    return None


def _all(file: CatalogueFile, root: Path, wanted: Wanted) -> Listing:
    """What is wanted, after every folder was compared with what is known of it."""
    _compare(file, root)
    found, episodes = file.select(wanted)
    return _listing(file.whole(), episodes, found)


def _compare(file: CatalogueFile, root: Path) -> None:
    """Make the catalogue say of every folder what is so now."""
    known, (root_stamp, folders) = file.stamps(), _folders(root)
    present = {name: _stamp(root / name) for name in folders}
    changed = {name: folders.get(name, 0) for name, _ in known.items() ^ present.items()}
    if changed:
        _read(file, root, changed, root_stamp)
        file.stamps()  # damage may show only where something was written


def _listing(whole: Whole, episodes: Iterable[Listed], found: int) -> Listing:
    problems = (one.problem for one in whole.rest if one.problem)
    return Listing(episodes=tuple(episodes), found=found, unreadable=tuple(problems))


def _compare_names(file: CatalogueFile, root: Path) -> None:
    """Make the catalogue hold the folders that there are."""
    noted = file.whole().root
    if noted and noted == _root_stamp(root):
        return
    (root_stamp, folders), known = _folders(root), file.inodes()
    changed = {name: folders.get(name, 0) for name, _ in known.items() ^ folders.items()}
    if changed:
        _read(file, root, changed, root_stamp)
    elif root_stamp != noted:
        with suppress(sqlite3.OperationalError):  # held or read-only: compared again next time
            file.note_root(root_stamp)


def _folders(root: Path) -> tuple[str, dict[str, int]]:
    """The root's stamp before it was read, and name and inode of all that may hold an episode."""
    stamp, inodes = _root_stamp(root), dict[str, int]()
    try:
        entries = os.scandir(root)
    except (FileNotFoundError, NotADirectoryError):
        return "", {}
    except OSError as error:
        raise EpisodeError(
            f"Folder cannot be read ({error.strerror})", root, "Check its permissions."
        ) from error
    with entries:
        for entry in entries:
            if is_kept_name(entry.name) and entry.is_dir():
                inodes[entry.name] = entry.inode()
                if entry.is_symlink():
                    stamp = ""  # what it points to comes and goes without a trace here
    return stamp, inodes


def _root_stamp(root: Path) -> str:
    """Changes when a folder comes, goes or gets another name; empty: not to be relied on yet."""
    try:
        found = os.stat(root)
    except OSError:
        return ""
    since_ns = int(wall_time().timestamp() * NS_PER_S) - max(found.st_mtime_ns, found.st_ctime_ns)
    if since_ns < SETTLED_NS:
        return ""
    return f"{found.st_dev},{found.st_ino},{found.st_mtime_ns},{found.st_ctime_ns}"


def _read(file: CatalogueFile, root: Path, folders: dict[str, int], root_stamp: str) -> None:
    """Open some folders, and write down what they are now."""
    rows, rest = list[Row](), list[Rest]()
    for name, inode in folders.items():
        path = root / name
        stamp = _stamp(path)
        if not path.is_dir():
            continue
        try:
            if stamp == _NO_EPISODE:
                rest.append(Rest(name=name, stamp=stamp, inode=inode, problem=""))
            else:
                rows.append(Row(listed=listed(path), stamp=stamp, inode=inode))
        except (EpisodeError, OSError) as error:
            rest.append(Rest(name=name, stamp=stamp, inode=inode, problem=str(error)))
    file.replace(folders, rows, rest, root_stamp)


def _stamp(path: Path) -> str:
    """Of a folder: changes when the files do that decide what is listed of it."""
    stamps = [
        _file_stamp(f"{path}{os.sep}{name}")
        for name in (MANIFEST_FILE, VERDICT_FILE, ANNOTATIONS_FILE)
    ]
    return "|".join(stamps) if stamps[0] or is_kept(path) else _NO_EPISODE


def _file_stamp(path: str) -> str:
    """Empty when there is none. The time of change is there for permissions."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_mtime_ns},{found.st_ctime_ns},{found.st_size},{found.st_ino}"


def listed(path: Path) -> Listed:
    """The line of the episode in folder `path`, read from its files; raises `EpisodeError`."""
    episode = open_episode(path)
    manifest, labels, verdict = episode.manifest, episode.labels, episode.verdict()
    return Listed(
        episode=episode.id,
        folder=path.name,
        recorded=manifest.clock.opened_wall,
        seconds=round(manifest.seconds, 2),
        rows=manifest.rows,
        status=manifest.status.value,
        outcome=labels.outcome.value,
        reason=labels.reason,
        task=labels.task,
        notes=len(labels.notes),
        discarded=labels.discarded,
        ended_by=manifest.ending.ended_by.value,
        operator=", ".join(manifest.operators),
        robot=manifest.description.robot,
        site=manifest.description.site,
        verdict=verdict.verdict.value if verdict else None,
        doubt=episode.doubt(verdict) if verdict else "",
    )
