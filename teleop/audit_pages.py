"""The robot's audit log as it is handed out: whole lines of one day, from a byte on.

The log is `ROBOT-YYYY-MM-DD.jsonl` in a folder of its own, only ever appended to, by somebody else.
A file's name is made of the robot's own and of a date, never of what somebody has sent.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transport.archive_messages import (
    LINE_BYTES,
    MOST_DAYS,
    AuditPiece,
    AuditRequest,
    NotInArchive,
)

AUDIT: Final = Path("audit")  # within a robot's state folder
PIECE_BYTES: Final = 64 * 1024  # of lines at once; a longer one comes alone
_SUFFIX: Final = ".jsonl"


@dataclass(frozen=True)
class AuditPages:
    """The log of one robot; whoever asks waits for the disk."""

    folder: Path
    robot: str

    def piece(self, request: AuditRequest) -> AuditPiece | NotInArchive:
        """Lines of a day from the offset on, and which days there are.

        A line that is still being written is not there yet; a day without a log has no lines.
        """
        try:
            days = self.days()
            if request.day is None or request.day not in days:
                return AuditPiece(request_id=request.request_id, days=days)
            with self._file(request.day).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = min(request.offset, size)
                file.seek(max(0, begin - 1))
                inside = begin > 0 and file.read(1) != b"\n"
                read = b"" if inside else file.read(LINE_BYTES)
        except OSError as error:
            return _refused(request, f"The robot's audit log cannot be read: {error.strerror}.")
        lines = whole_lines(read)
        if inside:
            return _refused(request, f"No line of {request.day} begins at byte {begin}.")
        if len(read) == LINE_BYTES and not lines:
            return _refused(
                request,
                f"The audit log of {request.day} is damaged at byte {begin}: a line has no end. "
                f"Look at the file on the robot.",
            )
        return AuditPiece(
            request_id=request.request_id,
            days=days,
            lines=lines,
            next_offset=begin + len(lines),
            size=size,
        )

    def days(self) -> tuple[datetime.date, ...]:
        """Of which there is a log, newest first."""
        try:
            names = [entry.name for entry in os.scandir(self.folder) if entry.is_file()]
        except FileNotFoundError:
            return ()
        found = {day for name in names if (day := self._day(name)) is not None}
        return tuple(sorted(found, reverse=True)[:MOST_DAYS])

    def _file(self, day: datetime.date) -> Path:
        return self.folder / f"{self.robot}-{day.isoformat()}{_SUFFIX}"

    def _day(self, name: str) -> datetime.date | None:
        said = name.removeprefix(f"{self.robot}-").removesuffix(_SUFFIX)
        try:
            day = datetime.date.fromisoformat(said)
        except ValueError:
            return None
        return day if self._file(day).name == name else None  # also read: 20261130, 2026-W48-1


def whole_lines(read: bytes) -> bytes:
    """As many as fit into a piece, at least one that is complete; empty when none is."""
    end = read.rfind(b"\n", 0, PIECE_BYTES) + 1 or read.find(b"\n") + 1
    return read[:end]


def _refused(request: AuditRequest, reason: str) -> NotInArchive:
    return NotInArchive(request_id=request.request_id, reason=reason[:400])
