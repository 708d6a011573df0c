"""The file of a catalogue: one SQLite table, and notes about the whole of it.

Nothing in it is believed that does not prove itself. Every row and every note carries a checksum,
and each row names the one before it, so that the newest few can be read without the others and
still none of them can be missing. What does not fit raises `sqlite3.DatabaseError`.

Its journal stays beside it: files that come and go would change the stamp of the folder, by which
the catalogue knows that nothing else did.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from recorder.listing import NOT_REPLAYED, OUT_OF_DATE, Listed, Wanted
from transport.messages import Wire

_VERSION: Final = 3  # of the tables; a file of another version is built anew
_COLUMNS: Final = (
    "recorded, name, older, stamp, outcome, judged, operator, robot, site, task, discarded, facts"
)
_MARKS: Final = ", ".join("?" * (_COLUMNS.count(",") + 2))
# Without a row id there is one tree and no index that damage could let disagree with it.
_TABLES: Final = (
    "DROP TABLE IF EXISTS episode",
    "DROP TABLE IF EXISTS note",
    f"CREATE TABLE episode({_COLUMNS}, checksum, PRIMARY KEY(recorded, name)) WITHOUT ROWID",
    "CREATE TABLE note(name PRIMARY KEY, facts, checksum) WITHOUT ROWID",
)
# Separated by what no word has in it, so that none is found across two of them.
_SEARCHED: Final = (
    "name || ' ' || task || ' ' || robot || ' ' || operator || ' ' || site || ' ' || "
    "json_extract(CAST(facts AS TEXT), '$.reason')"
)
_WAIT_S: Final = 5.0  # for another process that brings the same catalogue up to date
_WHOLE, _FOLDERS = "whole", "folders {}"  # names of the notes
_TOGETHER: Final = 1000  # folders in one note: a new one changes the last note only


class Row(Wire, frozen=True):
    """An episode that can be read."""

    listed: Listed
    stamp: str  # of its files, taken before they were read
    inode: int  # of its folder


class Rest(Wire, frozen=True):
    """A folder that is no readable episode."""

    name: str
    stamp: str
    inode: int
    problem: str  # a sentence; empty: it is no episode, or not yet


class Whole(Wire, frozen=True):
    """What is known of the library as a whole."""

    root: str = ""  # its stamp when its folders were last compared; empty: compare them
    count: int = 0  # of readable episodes
    newest: str = ""  # folder of the newest
    rest: tuple[Rest, ...] = ()


class _Folder(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """Of a readable episode; in the order in which they are listed, oldest first."""

    recorded: str
    name: str
    inode: int


class CatalogueFile:
    """The catalogue at `place`, or one in memory; every method may raise `sqlite3.Error`."""

    def __init__(self, place: Path | None) -> None:
        self._db = sqlite3.connect(place or ":memory:", timeout=_WAIT_S)
        try:
            self._db.create_function("folded", 1, str.casefold, deterministic=True)
            self._db.execute("PRAGMA journal_mode=PERSIST")
            self._db.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                with self._db:
                    self._db.execute("BEGIN IMMEDIATE")
                    for statement in _TABLES:
                        self._db.execute(statement)
                    self._note(_WHOLE, Whole())
                    self._db.execute(f"PRAGMA user_version={_VERSION}")
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        self._db.close()

    def whole(self) -> Whole:
        """What is known of the library as a whole."""
        return msgspec.json.decode(self._noted(_WHOLE), type=Whole)

    def inodes(self) -> dict[str, int]:
        """Name and inode of every folder that is known."""
        known = {folder.name: folder.inode for folder in self._folders()}
        return known | {one.name: one.inode for one in self.whole().rest}

    def stamps(self) -> dict[str, str]:
        """Name and stamp of every folder that is known, each row proved."""
        rows = list(self._db.execute(f"SELECT {_COLUMNS}, checksum FROM episode ORDER BY 1, 2"))
        whole = self.whole()
        self._prove(whole, reversed(rows))
        if len(rows) != whole.count or [row[:2] for row in rows] != [
            (folder.recorded, folder.name) for folder in self._folders()
        ]:
            raise _damaged()
        return {row[1]: row[3] for row in rows} | {one.name: one.stamp for one in whole.rest}

    def newest(self, count: int) -> list[tuple[Listed, str]]:
        """The newest episodes with their stamps, proved to be just those."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS}, checksum FROM episode ORDER BY recorded DESC, name DESC LIMIT ?",
            (count,),
        ).fetchall()
        whole = self.whole()
        self._prove(whole, rows)
        if len(rows) != min(count, whole.count):
            raise _damaged()
        return [(msgspec.json.decode(row[-2], type=Listed), row[3]) for row in rows]

    @staticmethod
    def _prove(whole: Whole, rows: Iterable[tuple[Any, ...]]) -> None:
        """That `rows` are as they were written, begin with the newest and leave none out."""
        expected = whole.newest
        for *row, checksum in rows:
            if row[1] != expected or _checksum(row) != checksum:
                raise _damaged()
            expected = row[2]

    def select(self, wanted: Wanted) -> tuple[int, list[Listed]]:
        """How many are wanted, and the newest of them; for rows that `stamps` has proved."""
        where, values = _condition(wanted)
        (found,) = self._db.execute(
            f"SELECT count(*) FROM episode WHERE {where}", values
        ).fetchone()
        newest = (
            f"SELECT facts FROM episode WHERE {where} "
            "ORDER BY recorded DESC, name DESC LIMIT ? OFFSET ?"
        )
        rows = self._db.execute(newest, (*values, wanted.limit or -1, wanted.skip))
        decode = msgspec.json.Decoder(Listed).decode
        return found, [decode(facts) for (facts,) in rows]

    def verdicts(self, wanted: Wanted) -> dict[str, int]:
        """How many of those wanted have each verdict; for rows that `stamps` has proved."""
        where, values = _condition(wanted)
        grouped = f"SELECT judged, count(*) FROM episode WHERE {where} GROUP BY judged"
        return dict(self._db.execute(grouped, values))

    def names(self, column: Literal["robot", "task", "operator"]) -> tuple[str, ...]:
        """What stands in a column, each once; for rows that `stamps` has proved."""
        found = self._db.execute(f"SELECT DISTINCT {column} FROM episode ORDER BY 1")
        return tuple(name for (name,) in found if name)

    def note_root(self, stamp: str) -> None:
        """The root's stamp, at which its folders were the known ones."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._note(_WHOLE, msgspec.structs.replace(self.whole(), root=stamp))

    def replace(
        self, names: Iterable[str], rows: Iterable[Row], rest: Iterable[Rest], root: str
    ) -> None:
        """Forget all of `names`, and know `rows` and `rest` of them instead."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            whole, before, gone = self.whole(), self._folders(), set(names)
            read = {row.listed.folder: row for row in rows}
            after = [folder for folder in before if folder.name not in gone]
            after += [_Folder(r.listed.recorded, name, r.inode) for name, r in read.items()]
            after.sort()
            self._db.executemany(
                "DELETE FROM episode WHERE recorded = ? AND name = ?",
                [(one.recorded, one.name) for one in before if one.name in gone],
            )
            was = _older(before)
            for folder, older in zip(after, _older(after).values(), strict=True):
                if folder.name in read:
                    self._insert(_values(read[folder.name], older))
                elif was[folder.name] != older:
                    self._insert(self._values_of(folder, older))
            for start in range(0, len(after), _TOGETHER):
                some = after[start : start + _TOGETHER]
                if some != before[start : start + _TOGETHER]:
                    self._note(_FOLDERS.format(start), some)
            kept = [one for one in whole.rest if one.name not in gone]
            others = tuple(sorted((*kept, *rest), key=lambda one: one.name))
            newest = after[-1].name if after else ""
            self._note(_WHOLE, Whole(root=root, count=len(after), newest=newest, rest=others))

    def _insert(self, values: tuple[Any, ...]) -> None:
        self._db.execute(
            f"INSERT OR REPLACE INTO episode VALUES ({_MARKS})", (*values, _checksum(values))
        )

    def _values_of(self, folder: _Folder, older: str) -> tuple[Any, ...]:
        """A row that is known, behind another neighbour."""
        query = f"SELECT {_COLUMNS}, checksum FROM episode WHERE recorded = ? AND name = ?"
        row = self._db.execute(query, (folder.recorded, folder.name)).fetchone()
        if row is None or _checksum(row[:-1]) != row[-1]:
            raise _damaged()
        return (*row[:2], older, *row[3:-1])

    def _folders(self) -> list[_Folder]:
        count, folders = self.whole().count, list[_Folder]()
        while len(folders) < count:
            raw = self._noted(_FOLDERS.format(len(folders)))
            if not (some := msgspec.json.decode(raw, type=list[_Folder])):
                raise _damaged()
            folders += some
        if len(folders) != count:
            raise _damaged()
        return folders

    def _note(self, name: str, facts: object) -> None:
        raw = msgspec.json.encode(facts)
        self._db.execute(
            "INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (name, raw, _crc(name, raw))
        )

    def _noted(self, name: str) -> bytes:
        query = "SELECT facts, checksum FROM note WHERE name = ?"
        found = self._db.execute(query, (name,)).fetchone()
        if found is None or not isinstance(found[0], bytes) or _crc(name, found[0]) != found[1]:
            raise _damaged()
        return found[0]


def _older(folders: list[_Folder]) -> dict[str, str]:
    """To each folder, oldest first, the one before it."""
    names = ["", *(folder.name for folder in folders)]
    return {name: older for older, name in pairwise(names)}


def _values(row: Row, older: str) -> tuple[Any, ...]:
    one = row.listed
    judged = OUT_OF_DATE if one.doubt else one.verdict or NOT_REPLAYED
    return (
        *(one.recorded, one.folder, older, row.stamp, one.outcome, judged, one.operator),
        *(one.robot, one.site, one.task, int(one.discarded), msgspec.json.encode(one)),
    )


def _condition(wanted: Wanted) -> tuple[str, list[Any]]:
    """Of SQL, and the values for its marks."""
    conditions, values = ["1"], list[Any]()
    for column, value in (
        ("outcome", wanted.outcome),
        ("judged", wanted.verdict),
        ("robot", wanted.robot),
        ("site", wanted.site),
        ("task", wanted.same_task),
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
    return " AND ".join(conditions), values


def _checksum(row: Iterable[Any]) -> int:
    return zlib.crc32(repr(tuple(row)).encode())


def _crc(name: str, raw: bytes) -> int:
    return zlib.crc32(raw, zlib.crc32(name.encode()))


def _damaged() -> sqlite3.DatabaseError:
    return sqlite3.DatabaseError("the catalogue is not as it was written")
