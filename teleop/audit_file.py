"""Where a robot's audit log lies: `audit/ROBOT-YYYY-MM-DD.jsonl` in its state folder, day by UTC.

One JSON object per line, 0600, only ever appended to. A thread of its own writes it: a disk that
hangs, is full or gone keeps nobody waiting. What then finds no room is lost and counted, and the
next entry says how many. A line that a power cut has torn is closed by the next one, and skipped
by whoever reads.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from recorder.durable import fsync_dir
from recorder.episode import EpisodeError
from teleop.audit_entry import AuditEntry, entry_in, line_of

log = logging.getLogger("audit")

FOLDER: Final = "audit"
KEPT_DAYS: Final = 60  # eight weeks, which the figures go back, and a bit
MAX_DAY_BYTES: Final = 4 << 20  # an hour takes 30 kB, a rescue 3 kB; so 240 MB in all at most
MAX_READ_BYTES: Final = 64 << 20
LONGEST_LINE: Final = 16 << 10
WAITING: Final = 1000  # entries between the bus and the disk; a busy hour has 200
CLOSE_S: Final = 2.0  # what the last entries may take at the end
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_NAME: Final = re.compile(r"(?P<robot>.+)-(?P<day>\d{4}-\d{2}-\d{2})\.jsonl")


class AuditWriter:
    """Appends entries; `write` never waits and never raises."""

    def __init__(self, state: Path, robot: str, room: int = WAITING) -> None:
        """`state` is the robot's state folder; `room` entries may wait for the disk."""
        self._folder = state / FOLDER
        self._robot = robot
        self._waiting: queue.Queue[AuditEntry | None] = queue.Queue(room)
        self._refused = 0  # found no room: counted by whoever writes
        self._unwritten = 0  # the disk refused: counted by the thread
        self._told = 0  # of both
        self._day = ""
        self._failing = False
        # A daemon: a disk that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._write_on, name="audit", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Entries that could not be kept, since the start."""
        return self._refused + self._unwritten

    def write(self, entries: Iterable[AuditEntry]) -> None:
        """Hand them to the thread, or count them as lost."""
        for entry in entries:
            try:
                self._waiting.put_nowait(entry)
            except queue.Full:
                self._refused += 1

    def close(self) -> None:
        """Write what waits; a disk that hangs gets `CLOSE_S` twice. Idempotent."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=CLOSE_S)
                self._thread.join(CLOSE_S)

    def _write_on(self) -> None:
        while (entry := self._waiting.get()) is not None:
            lost = self.lost
            entry = replace(entry, lost=lost - self._told)
            try:
                self._append(entry)
            except OSError as error:
                self._unwritten += 1
                if not self._failing:
                    log.error("%s: entries are lost: %s", self._folder, error.strerror or error)
                self._failing = True
                continue
            if lost != self._told or self._failing:
                log.warning("%s is written again; lost: %d", self._folder, lost - self._told)
            self._told, self._failing = lost, False

    def _append(self, entry: AuditEntry) -> None:
        day = entry.wall.date()
        path = self._folder / f"{self._robot}-{day}.jsonl"
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        is_new = not path.exists()
        if is_new or self._day != str(day):
            self._day = str(day)
            self._remove_old(day)
        append_whole(path, line_of(entry))
        if is_new:
            fsync_dir(self._folder)

    def _remove_old(self, today: date) -> None:
        names = [path.name for path in self._folder.iterdir()]
        for name in outlived(names, self._robot, today):
            (self._folder / name).unlink(missing_ok=True)


def append_whole(path: Path, line: bytes) -> None:
    """Append `line`, on the disk when this returns; what a power cut tore is not glued to it.

    Raises:
        OSError: the disk refuses, or the day has all the room it gets. The file is as it was.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    fd = os.open(path, flags, _MODE)
    try:
        size = os.lseek(fd, 0, os.SEEK_END)
        if size + len(line) > MAX_DAY_BYTES:
            raise OSError(f"{path.name} has grown to {size} bytes, which is all that a day gets")
        if size:
            os.lseek(fd, size - 1, os.SEEK_SET)
            if os.read(fd, 1) != b"\n":
                line = b"\n" + line
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError:
            os.ftruncate(fd, size)
            raise
        os.fsync(fd)
    finally:
        os.close(fd)


def outlived(names: Iterable[str], robot: str, today: date) -> list[str]:
    """Which of a robot's files in the folder go, oldest first.

    A clock that jumps far ahead must not take the whole log along: a day is old when it is so both
    today and beside the newest day before this one.
    """
    days = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match is not None and match["robot"] == robot:
            with contextlib.suppress(ValueError):  # the 31st of February: not ours
                days[date.fromisoformat(match["day"])] = name
    others = [day for day in days if day != today]
    if not others:
        return []
    oldest = min(today, max(others)) - timedelta(days=KEPT_DAYS)
    return [days[day] for day in sorted(others) if day < oldest]


@dataclass(frozen=True)
class AuditRead:
    """What was found at some paths."""

    entries: tuple[AuditEntry, ...]  # in the order of the files
    files: int
    unreadable: int  # lines that are torn, or that another version wrote


def read_audit(paths: Iterable[Path]) -> AuditRead:
    """All entries at `paths`: state folders, audit folders, single files; a file counts once.

    Raises:
        EpisodeError: one of them is no such thing, or cannot be read.
    """
    files = {found.resolve(): None for path in paths for found in audit_files(path)}
    entries: list[AuditEntry] = []
    unreadable = 0
    for file in files:
        for line in _lines(file):
            entry = entry_in(line)
            if entry is not None:
                entries.append(entry)
            elif line.strip():
                unreadable += 1
    return AuditRead(tuple(entries), len(files), unreadable)


def audit_files(path: Path) -> list[Path]:
    """The logs at `path`, by name.

    Raises:
        EpisodeError: there is nothing, or it is no folder with logs.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise EpisodeError(
            "No such file or folder",
            path,
            "Give a robot's state folder (unstick agent --state), or a file in its folder audit.",
        )
    folder = path / FOLDER if (path / FOLDER).is_dir() else path
    try:
        found = sorted(one for one in folder.iterdir() if _NAME.fullmatch(one.name))
    except OSError as error:
        raise _unreadable(folder, error) from error
    if not found:
        raise EpisodeError(
            "No audit log",
            path,
            "A robot writes ROBOT-YYYY-MM-DD.jsonl to the folder audit in its state folder.",
        )
    return [one for one in found if one.is_file()]


def _lines(file: Path) -> list[bytes]:
    try:
        if file.stat().st_size > MAX_READ_BYTES:
            raise EpisodeError(
                "Too large for a day's audit log",
                file,
                "It was not written by Unstick; leave it out.",
            )
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise _unreadable(file, error) from error
    return [line if len(line) <= LONGEST_LINE else b"?" for line in lines]


def _unreadable(path: Path, error: OSError) -> EpisodeError:
    return EpisodeError(
        f"Audit log cannot be read ({error.strerror})",
        path,
        "Check its permissions: only its owner may read it.",
    )
