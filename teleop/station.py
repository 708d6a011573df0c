"""What one console knows of all its robots: states, calls, looks and rewinds, without driving any.

The window asks it a few times a second and is never kept waiting: threads of `FleetWatch` and
`ArchiveLink` fetch, and what they bring is picked up here.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from teleop.announcement import Stranger
from teleop.archive_asks import BeforeCall, Got, Look, Missing, Seen
from teleop.archive_link import ArchiveLink, Place
from teleop.audit_entry import AuditEntry
from teleop.call_queue import CallKey, CallNews, QueuedCall, Turn, queued, turned
from teleop.discovery import Discovery
from teleop.fleet_log import RobotLog, all_entries
from teleop.fleet_watch import FleetWatch
from teleop.glimpse import RobotGlimpse
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, KnownRobot, KnownRobots, load_or_make
from teleop.rewind import Rewind
from teleop.safety import ConfigError
from transport.archive_messages import AuditPiece
from transport.clock import NS_PER_S
from transport.curve import Credentials
from transport.messages import LookAtCall, PassCall, SkipCall

log = logging.getLogger("fleet")

LOOK_EVERY_NS: Final = NS_PER_S  # at one camera of each robot that is shown
MOST_LOOKS: Final = 16  # robots that are shown at once
REWIND_AGAIN_NS: Final = 3 * NS_PER_S
REREAD_NS: Final = 2 * NS_PER_S  # the address book, and what the network says


@dataclass(frozen=True)
class Fleet:
    """All robots at one moment."""

    robots: tuple[RobotGlimpse, ...] = ()
    calls: tuple[QueuedCall, ...] = ()  # the most urgent first
    news: tuple[CallNews, ...] = ()  # since the look before
    strangers: tuple[Stranger, ...] = ()  # robots of this network that nobody has paired with here
    # The newest small picture, by `RobotGlimpse.paired`.
    looks: Mapping[str, Seen] = field(default_factory=dict)

    def robot(self, paired: str) -> RobotGlimpse | None:
        """One of them."""
        return next((robot for robot in self.robots if robot.paired == paired), None)


class Station:
    """The robots in a console's address book. The window's thread only, but for what is fetched."""

    def __init__(self, config: Path) -> None:
        """`config` is the folder with the console's keys.

        Raises:
            ConfigError: a file of keys cannot be used.
        """
        self.config: Final = config
        self._own = load_or_make(config / CONSOLE_KEY)
        self._watch = FleetWatch(self._own)
        self._archive = ArchiveLink()
        self._discovery = Discovery()
        self._around = self._discovery.neighbourhood()
        self._reread_ns = 0
        self.known: tuple[KnownRobot, ...] = ()
        self._lock = threading.Lock()
        self._looks: dict[str, Seen] = {}
        self._rewinds: dict[tuple[CallKey, str], Rewind | Missing] = {}
        self._looked_ns: dict[str, int] = {}
        self._wound_ns: dict[tuple[CallKey, str], int] = {}
        self._skipped: set[CallKey] = set()
        self._logs: dict[str, RobotLog] = {}
        self._pieces: deque[tuple[str, AuditPiece | Missing]] = deque()
        self.log_version = 0  # grows with each entry that comes
        self._before: tuple[QueuedCall, ...] = ()
        self.reread()

    def reread(self) -> None:
        """The address book has changed: somebody has paired, or forgotten a robot.

        Raises:
            ConfigError: it cannot be read.
        """
        self.known = KnownRobots(self.config / KNOWN_ROBOTS).read()
        self._discovery.know(self.known)
        self._around = self._discovery.neighbourhood()
        self._watch.watch(self.known, self._around.elsewhere)

    def credentials(self, robot: RobotGlimpse) -> Credentials:
        """What this console knocks with at a robot, wherever that is: its pinned key counts."""
        return Credentials(self._own, robot.key)

    def start(self) -> None:
        """Start to listen."""
        self._watch.start()
        self._archive.start()
        self._discovery.start()

    def close(self) -> None:
        """Listen no more; idempotent."""
        self._discovery.close()
        self._watch.close()
        self._archive.close()

    def look(self, session: str, shown: Iterable[str], now_ns: int) -> Fleet:
        """All robots as they are known now.

        Args:
            session: that of the link which may hold a lease; empty for none.
            shown: robots of which a small picture is on the screen, at most `MOST_LOOKS`.
        """
        if now_ns - self._reread_ns >= REREAD_NS:
            self._reread_ns = now_ns
            try:
                self.reread()
            except ConfigError as error:  # it stays as it was; somebody may be writing it
                log.warning("%s", error)
        robots = self._watch.glimpses()
        calls = queued(robots, self._skipped)
        news = turned(self._before, robots, {session} if session else ())
        over = {one.key for one in news if one.turn not in (Turn.SILENT, Turn.BACK)}
        self._skipped = {key for key in self._skipped if key not in over}
        self._before = calls
        self._ask_for_looks(robots, list(shown)[:MOST_LOOKS], now_ns)
        with self._lock:
            for key in [key for key in self._rewinds if key[0] in over]:
                del self._rewinds[key]
            looks = MappingProxyType(dict(self._looks))
        return Fleet(robots, calls, news, self._around.strangers, looks)

    def stare(self, paired: str) -> None:
        """The call of this robot is before the operator; to be said again while it is."""
        self._watch.look_at(paired)

    def skip(self, call: QueuedCall) -> None:
        """Leave a call to the others; it comes last here at once."""
        self._skipped.add(call.key)
        self._watch.answer(call.key.paired, SkipCall(call_id=call.key.call_id))

    def pass_on(self, call: QueuedCall, to: str, note: str) -> None:
        """Leave a call to somebody by the name that the robot has for them."""
        body = PassCall(call_id=call.key.call_id, to=to, note=note)
        self._watch.answer(call.key.paired, body)

    def look_at_call(self, call: QueuedCall) -> None:
        """Say to the others that somebody is at it, before the next `stare`."""
        self._watch.answer(call.key.paired, LookAtCall(call_id=call.key.call_id))

    def rewind(self, call: QueuedCall, camera: str, now_ns: int) -> Rewind | Missing | None:
        """The ten seconds before a call; None while it is fetched. To be asked again."""
        key = (call.key, camera)
        with self._lock:
            found = self._rewinds.get(key)
        if isinstance(found, Rewind):
            return found
        if now_ns - self._wound_ns.get(key, -REWIND_AGAIN_NS) >= REWIND_AGAIN_NS:
            place = self._place(call.key.paired)
            if place is not None:
                self._wound_ns[key] = now_ns
                wish = BeforeCall(call.key.call_id, camera)
                self._archive.ask(place, wish, partial(self._wound, key))
        return found

    def follow_logs(self, now_ns: int) -> None:
        """Fetch what is missing of the robots' audit logs; to be said again while it is wanted."""
        with self._lock:
            pieces, self._pieces = self._pieces, deque()
        for paired, piece in pieces:
            log = self._logs.setdefault(paired, RobotLog())
            if isinstance(piece, Missing):
                log.missed(now_ns)
            elif log.took(piece, now_ns):
                self.log_version += 1
        for robot in self._watch.glimpses():
            log = self._logs.setdefault(robot.paired, RobotLog())
            if robot.answers and (wish := log.wish(now_ns)) is not None:
                place = self._place(robot.paired)
                if place is not None:
                    self._archive.ask(place, wish, partial(self._read, robot.paired))

    def entries(self) -> list[AuditEntry]:
        """What has been fetched of all logs so far; a copy for another thread."""
        return all_entries(self._logs)

    # --- what is fetched ---

    def _ask_for_looks(
        self, robots: tuple[RobotGlimpse, ...], shown: list[str], now_ns: int
    ) -> None:
        for robot in robots:
            due = now_ns - self._looked_ns.get(robot.paired, -LOOK_EVERY_NS) >= LOOK_EVERY_NS
            if robot.paired not in shown or not due or not robot.answers or robot.media is None:
                continue
            place = self._place(robot.paired)
            if place is not None and robot.media.cameras:
                self._looked_ns[robot.paired] = now_ns
                wish = Look(robot.media.cameras[0].name)
                self._archive.ask(place, wish, partial(self._seen, robot.paired))

    def _place(self, paired: str) -> Place | None:
        """Where a robot is at present."""
        robot = next((one for one in self._watch.glimpses() if one.paired == paired), None)
        if robot is None:
            return None
        host, _, port = robot.address.rpartition(":")
        return Place(Credentials(self._own, robot.key), host, int(port))

    # These are called on the archive's thread.

    def _seen(self, paired: str, got: Got) -> None:
        if isinstance(got, Seen):
            with self._lock:
                self._looks[paired] = got

    def _read(self, paired: str, got: Got) -> None:
        if isinstance(got, AuditPiece | Missing):
            with self._lock:
                self._pieces.append((paired, got))

    def _wound(self, key: tuple[CallKey, str], got: Got) -> None:
        if isinstance(got, Rewind | Missing):
            with self._lock:
                self._rewinds[key] = got
