"""The audit log beside the media process's other work: the fold on the bus's thread, then the file.

Nothing here waits. What other threads know, sealed episodes and verdicts, waits in a queue for the
bus's thread, which alone touches the fold.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from recorder.library import Episode
from teleop.audit_file import AuditWriter
from teleop.audit_log import Sealed, Shift
from teleop.roster import RosterFile
from transport.clock import wall_time
from transport.messages import RobotBus, VerdictNotice

_WAITING: Final = 100  # told by other threads; the bus's thread looks twenty times a second


class Auditing:
    """Keeps the audit log of one robot."""

    def __init__(self, robot: str, roster: RosterFile, writer: AuditWriter) -> None:
        self._roster = roster
        self._writer = writer
        self._shift = Shift(robot, self._key_of)
        self._told: deque[Sealed | VerdictNotice] = deque(maxlen=_WAITING)

    def _key_of(self, name: str) -> str:
        member = self._roster.newest.named(name)
        return member.key if member is not None else ""

    def sealed(self, episode: Episode) -> None:
        """An episode lies on the disk. Any thread."""
        ending = episode.manifest.ending
        self._told.append(
            Sealed(
                episode=episode.id,
                boot_id=episode.manifest.description.boot_id,
                intervention=ending.intervention,
                by=ending.operator,
                outcome=ending.outcome,
            )
        )

    def judged(self, notice: VerdictNotice) -> None:
        """A replay has ended. Any thread."""
        self._told.append(notice)

    def heard(self, message: RobotBus | None) -> None:
        """What came over the bus, None for nothing yet. The bus's thread, a few times a second."""
        wall = wall_time()
        while self._told:
            self._writer.write(self._shift.told(self._told.popleft(), wall))
        if message is not None:
            self._writer.write(self._shift.heard(message, wall))

    def close(self) -> None:
        """The process ends in order, and its bus's thread has: write the last words; idempotent."""
        self.heard(None)
        self._writer.write(self._shift.closed(wall_time()))
        self._writer.close()
