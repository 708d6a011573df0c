"""The catalogue of a library: a list of thousands of episodes without opening each of them.

Only a cache, an SQLite file in the library's root. It is compared with the folders before every
answer, by name and by the stamps of manifest, verdict and annotations, and what changed is read
again; each row carries a checksum. Delete it, damage it, or make the folder read-only: the answer
is the same and takes longer.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from recorder.annotations import ANNOTATIONS_FILE
from recorder.episode import MANIFEST_FILE, VERDICT_FILE, EpisodeError
from recorder.library import is_kept, is_kept_name, open_episode
from transport.messages import Outcome, Wire

CATALOGUE_FILE: Final = "catalogue.sqlite"
NOT_REPLAYED: Final = "none"  # what `Wanted.verdict` calls an episode without a verdict
OUT_OF_DATE: Final = "outdated"

_VERSION: Final = 2  # of the table; a file of another version is built anew
_COLUMNS: Final = (
    "name, stamp, problem, recorded, outcome, judged, operator, robot, site, task, discarded, facts"
)
# Without a row id there is one tree and no index that damage could let disagree with it.
_TABLE: Final = f"CREATE TABLE episode({_COLUMNS}, checksum, PRIMARY KEY(name)) WITHOUT ROWID"
# Separated by what no word has in it, so that none is found across two of them.
_SEARCHED: Final = (
    "name || ' ' || task || ' ' || robot || ' ' || operator || ' ' || site || ' ' || "
    "json_extract(CAST(facts AS TEXT), '$.reason')"
)
_WAIT_S: Final = 5.0  # for another process that brings the same catalogue up to date

_LOG = logging.getLogger("recorder")


class Listed(Wire, frozen=True):
    """One line of a list."""

    episode: str
    folder: str  # its name within the library
    recorded: str  # ISO 8601, UTC
    seconds: float
    rows: int
    status: str
    outcome: str  # the one that counts now
    reason: str
    task: str
    notes: int
    discarded: bool
    ended_by: str
    operator: str
    robot: str
    site: str
    verdict: str | None
    doubt: str  # why the verdict is out of date; empty: it is not, or there is none


@dataclass(frozen=True)
class Wanted:
    """Which episodes are asked for; what is not given is not asked."""

    outcome: Outcome | None = None
    verdict: str | None = None  # a verdict that is up to date, NOT_REPLAYED or OUT_OF_DATE
    operator: str | None = None
    robot: str | None = None
    site: str | None = None
    task: str | None = None  # a part of it, in upper or lower case
    since: datetime | None = None  # recorded then or later
    until: datetime | None = None  # recorded before
    discarded: bool | None = None
    words: str = ""  # each stands somewhere in id, task, robot, operator, site or reason
    skip: int = 0  # so many of the newest: they are known already
    limit: int = 0  # of the others the newest so many; 0: all


@dataclass(frozen=True)
class Listing:
    """What was found, newest first."""

    episodes: tuple[Listed, ...]
    found: int  # how many there are without skip and limit
    unreadable: tuple[str, ...]  # a sentence for each folder that cannot be judged


_EVERYTHING: Final = Wanted()


def list_library(root: Path, wanted: Wanted = _EVERYTHING) -> Listing:
    """The episodes under `root` that are `wanted`; none when there is no such folder."""
    path = root / CATALOGUE_FILE
    for place in (path, path, None):
        try:
            with closing(_open(place)) as db:
                _refresh(db, root)
                return _select(db, wanted)
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


def _open(place: Path | None) -> sqlite3.Connection:
    """The catalogue at `place`, or one in memory."""
    db = sqlite3.connect(place or ":memory:", timeout=_WAIT_S)
    try:
        db.create_function("folded", 1, str.casefold, deterministic=True)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("DROP TABLE IF EXISTS episode")
                db.execute(_TABLE)
                db.execute(f"PRAGMA user_version={_VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _refresh(db: sqlite3.Connection, root: Path) -> None:
    """Make the catalogue say what the folders say."""
    known, present = _known(db), dict(_stamps(root))
    if known == present:
        return
    changed = [name for name, stamp in present.items() if known.get(name) != stamp]
    with db:
        db.execute("BEGIN IMMEDIATE")
        gone = [(name,) for name in known if name not in present]
        db.executemany("DELETE FROM episode WHERE name = ?", gone)
        marks = ", ".join("?" * (_COLUMNS.count(",") + 2))
        read = (_row(root, name, present[name]) for name in changed)
        db.executemany(f"INSERT OR REPLACE INTO episode VALUES ({marks})", read)
    _known(db)  # damage may show only where something was written


def _known(db: sqlite3.Connection) -> dict[str, str]:
    """Name and stamp of every row; raises `sqlite3.DatabaseError` when one is not as written."""
    known: dict[str, str] = {}
    last = ""
    for *row, checksum in db.execute(f"SELECT {_COLUMNS}, checksum FROM episode ORDER BY name"):
        if _checksum(row) != checksum or not last < row[0]:
            raise sqlite3.DatabaseError("a row is not as it was written")
        last = row[0]
        known[last] = row[1]
    return known


def _stamps(root: Path) -> Iterator[tuple[str, str]]:
    """Name of every folder that holds an episode, with what changes when its files do."""
    try:
        entries = os.scandir(root)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise EpisodeError(
            f"Folder cannot be read ({error.strerror})", root, "Check its permissions."
        ) from error
    with entries:
        for entry in entries:
            if not is_kept_name(entry.name) or not entry.is_dir():
                continue
            stamps = [
                _stamp(f"{entry.path}{os.sep}{name}")
                for name in (MANIFEST_FILE, VERDICT_FILE, ANNOTATIONS_FILE)
            ]
            if stamps[0] or is_kept(Path(entry.path)):
                yield entry.name, "|".join(stamps)


def _stamp(path: str) -> str:
    """Of one file; empty when there is none. The time of change is there for permissions."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_mtime_ns},{found.st_ctime_ns},{found.st_size},{found.st_ino}"


def _row(root: Path, name: str, stamp: str) -> tuple[Any, ...]:
    try:
        one = listed(root / name)
    except (EpisodeError, OSError) as error:
        row: tuple[Any, ...] = (name, stamp, str(error), "", *([None] * 7), b"")
    else:
        judged = OUT_OF_DATE if one.doubt else one.verdict or NOT_REPLAYED
        row = (
            *(name, stamp, "", one.recorded, one.outcome, judged, one.operator, one.robot),
            *(one.site, one.task, int(one.discarded), msgspec.json.encode(one)),
        )
    return (*row, _checksum(row))


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


def _checksum(row: Iterable[Any]) -> int:
    return zlib.crc32(repr(tuple(row)).encode())


def _select(db: sqlite3.Connection, wanted: Wanted) -> Listing:
    conditions, values = ["problem = ''"], list[Any]()
    for column, value in (
        ("outcome", wanted.outcome),
        ("judged", wanted.verdict),
        ("robot", wanted.robot),
        ("site", wanted.site),
        ("discarded", wanted.discarded),
    ):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(int(value) if isinstance(value, bool) else str(value))
    if wanted.operator is not None:  # one of several, perhaps
        conditions.append("instr(', ' || operator || ', ', ', ' || ? || ', ') > 0")
        values.append(wanted.operator)
    if wanted.task is not None:
        conditions.append("instr(folded(task), ?) > 0")
        values.append(wanted.task.casefold())
    for word in wanted.words.split():
        conditions.append(f"instr(folded({_SEARCHED}), ?) > 0")
        values.append(word.casefold())
    for comparison, moment in ((">=", wanted.since), ("<", wanted.until)):
        if moment is not None:
            conditions.append(f"recorded {comparison} ?")
            values.append(moment.astimezone(UTC).isoformat(timespec="milliseconds"))
    where = " AND ".join(conditions)
    (found,) = db.execute(f"SELECT count(*) FROM episode WHERE {where}", values).fetchone()
    newest = (
        f"SELECT facts FROM episode WHERE {where} "
        "ORDER BY recorded DESC, name DESC LIMIT ? OFFSET ?"
    )
    rows = db.execute(newest, (*values, wanted.limit or -1, wanted.skip))
    decode = msgspec.json.Decoder(Listed).decode
    problems = db.execute("SELECT problem FROM episode WHERE problem <> '' ORDER BY name")
    return Listing(
        episodes=tuple(decode(facts) for (facts,) in rows),
        found=found,
        unreadable=tuple(problem for (problem,) in problems),
    )
