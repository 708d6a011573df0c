"""The audit logs of a fleet as one console has fetched them, piece by piece. Pure.

Each robot keeps its own log; a console asks for the days that it lacks and then now and then for
what has been added to the newest one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from teleop.archive_asks import AuditLines
from teleop.audit_entry import AuditEntry, entry_in
from transport.archive_messages import AuditPiece
from transport.clock import NS_PER_S

DAYS: Final = 7 * 8  # eight weeks, as the metrics show
AGAIN_NS: Final = 10 * NS_PER_S  # from one question about the newest day to the next
SOON_NS: Final = NS_PER_S // 5  # between pieces: others want the line, too


@dataclass
class RobotLog:
    """What has been fetched of one robot's log."""

    entries: list[AuditEntry] = field(default_factory=list)
    offsets: dict[date, int] = field(default_factory=dict)  # bytes of each day that are here
    whole: set[date] = field(default_factory=set)  # days of which nothing is missing
    due_ns: int = 0
    asked: AuditLines | None = None  # that is on its way
    _newest_read: bool = False

    def wish(self, now_ns: int) -> AuditLines | None:
        """What to ask for now; None: nothing."""
        if now_ns < self.due_ns or self.asked is not None:
            return None
        if not self.offsets:
            self.asked = AuditLines()
            return self.asked
        # The newest day first, then those before it that are not whole.
        newest = max(self.offsets)
        oldest = newest - timedelta(days=DAYS)
        older = [d for d in self.offsets if d not in self.whole and oldest <= d < newest]
        day = max(older) if self._newest_read and older else newest
        self.asked = AuditLines(day, self.offsets[day])
        return self.asked

    def took(self, piece: AuditPiece, now_ns: int) -> bool:
        """A piece has come; whether there are new entries."""
        asked, self.asked = self.asked, None
        before = max(self.offsets, default=None)
        for day in piece.days:
            self.offsets.setdefault(day, 0)
        if before != max(self.offsets, default=None):
            self._newest_read = False
        if asked is None or asked.day is None:
            self.due_ns = now_ns + (SOON_NS if piece.days else AGAIN_NS)
            return False
        found = [entry_in(line) for line in piece.lines.splitlines()]
        fresh = [entry for entry in found if entry is not None]
        self.entries += fresh
        self.offsets[asked.day] = piece.next_offset
        done = not piece.lines or piece.next_offset >= piece.size
        newest = max(self.offsets)
        if asked.day == newest:
            self._newest_read = done
        elif done:  # nothing is added any more to a day that is over
            self.whole.add(asked.day)
        oldest = newest - timedelta(days=DAYS)
        rest = any(d not in self.whole for d in self.offsets if oldest <= d < newest)
        more = rest or not done or not self._newest_read
        self.due_ns = now_ns + (SOON_NS if more else AGAIN_NS)
        return bool(fresh)

    def missed(self, now_ns: int) -> None:
        """Nothing came of what was asked."""
        self.asked = None
        self.due_ns = now_ns + AGAIN_NS


def all_entries(logs: Mapping[str, RobotLog]) -> list[AuditEntry]:
    """Those of all robots."""
    return [entry for log in logs.values() for entry in log.entries]
