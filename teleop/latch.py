"""What a robot must not forget across a restart: lease epochs, latched STOP, need of a person.

One small file, replaced atomically and durable when written. The control tick never waits for the
disk: it says what is wanted, `LatchWriter` brings the newest to the disk on a thread of its own,
and the tick asks what the disk is known to hold. Two promises rest on that: an epoch is granted
only below a ceiling that is on disk already, and STOP is acknowledged once it is there, or once the
disk has refused. `OnDisk` decides, without clock and thread.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct, json, structs

from recorder.durable import write_atomically
from teleop.robot import RobotError
from teleop.safety import ConfigError
from transport.clock import NS_PER_S, now_ns

log = logging.getLogger("control")

BLOCK: Final = 16  # epochs reserved by one write
FEW: Final = 8  # epochs left when the next block is asked for: eight takeovers of time for a disk
RETRY_NS: Final = NS_PER_S  # between two tries of a disk that refuses
SILENT_NS: Final = 2 * NS_PER_S  # a disk that does not answer for so long counts as refusing
START_S: Final = 2.0  # what the first write may take before the robot starts without it
CLOSE_S: Final = 2.0  # what the last write may take at the end
PRIVATE: Final = 0o600
ROBOT_NAME: Final = re.compile(r"\w([\w .-]{0,62}\w)?")  # in any script


class Latch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a restart must not forget."""

    epoch: int = 0  # of the lease when this was written; only ever grows
    stopped_by: str = ""  # whose STOP is latched, else empty
    needs_person: bool = False  # driven, calling or faulty: the policy must not start by itself
    epoch_ceiling: int = 0  # no epoch above was granted; the next start continues above it


def ceiling_for(epoch: int, ceiling: int) -> int:
    """The ceiling to have on disk while `epoch` is the lease's and `ceiling` was asked for last."""
    return ceiling if ceiling - epoch >= FEW else max(epoch, ceiling) + BLOCK


def common(one: Latch, other: Latch) -> Latch:
    """What is promised whichever of the two the disk holds."""
    return Latch(
        epoch=min(one.epoch, other.epoch),
        stopped_by=one.stopped_by if other.stopped_by else "",
        needs_person=one.needs_person and other.needs_person,
        epoch_ceiling=min(one.epoch_ceiling, other.epoch_ceiling),
    )


def parsed(raw: bytes) -> Latch:
    """The latch in a file's bytes, `epoch` raised to the ceiling: the lease continues from there.

    Raises:
        ValueError: it is none.
    """
    latch = json.decode(raw, type=Latch)
    newest = max(latch.epoch, latch.epoch_ceiling)  # earlier versions wrote the epoch alone
    return structs.replace(latch, epoch=newest, epoch_ceiling=newest)


def latch_path(folder: Path, robot: str) -> Path:
    """Where the latch of a robot of that name lies.

    Raises:
        ConfigError: the name would lead out of the folder, or is no file's name everywhere.
    """
    if not ROBOT_NAME.fullmatch(robot):
        raise ConfigError(
            f"a robot cannot be called {robot!r}: its name becomes a file's. Use 1 to 64 letters, "
            f"digits, spaces, '_', '-' and '.', a letter or digit first and last"
        )
    return folder / f"{robot}.latch.json"


class LatchFile:
    """Where the latch lies, durable."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Latch:
        """What was written last; a fresh one when nothing ever was.

        Raises:
            RobotError: the file is there but unreadable; a robot that may have been stopped must
                not start by itself.
        """
        if not self._path.exists():
            return Latch()
        try:
            return parsed(self._path.read_bytes())
        except (OSError, ValueError) as error:  # a DecodeError is a ValueError, too
            raise RobotError(
                f"{self._path} cannot be read ({error}). It remembers STOP and the lease: "
                f"check that the robot may move, then delete the file"
            ) from None

    def write(self, latch: Latch) -> None:
        """Replace the file, readable by its owner only; durable when this returns.

        Raises:
            OSError: the disk refuses.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.encode(latch), mode=PRIVATE)


@dataclass(frozen=True)
class OnDisk:
    """What the disk is known to hold and what it is wanted to hold. Times are monotonic ns.

    While a write is under way, and after one that failed, the disk may hold the old latch or the
    new one; then `known` is only what both have in common.
    """

    known: Latch  # survives whatever happens at this moment
    wanted: Latch
    writing: Latch | None = None
    settled: bool = True  # the disk holds `known`, and nothing else can come out
    problem: str = ""  # why the last write failed
    tried: Latch | None = None  # by that write
    began_ns: int = 0  # when the last write began

    def wants(self, latch: Latch) -> OnDisk:
        """`latch` is to be remembered; its ceiling is set here and never falls."""
        ceiling = ceiling_for(latch.epoch, self.wanted.epoch_ceiling)
        return replace(self, wanted=structs.replace(latch, epoch_ceiling=ceiling))

    def begun(self, stamp_ns: int) -> OnDisk:
        """With a write under way (`writing`) when one is due, else unchanged."""
        if self.writing is not None or (self.settled and self.wanted == self.known):
            return self
        if self.problem and self.wanted == self.tried and stamp_ns - self.began_ns < RETRY_NS:
            return self
        return replace(
            self,
            known=common(self.known, self.wanted),
            writing=self.wanted,
            tried=self.wanted,
            settled=False,
            began_ns=stamp_ns,
        )

    def written(self) -> OnDisk:
        """The write is through, and durable."""
        assert self.writing is not None
        return replace(self, known=self.writing, writing=None, settled=True, problem="")

    def failed(self, problem: str) -> OnDisk:
        """The write was refused; whether it had an effect nobody knows."""
        return replace(self, writing=None, problem=problem)

    def refused(self, stamp_ns: int) -> str:
        """Why the disk does not take what is wanted; empty while it does."""
        if self.writing is not None and stamp_ns - self.began_ns >= SILENT_NS:
            return f"the disk has not answered for {SILENT_NS // NS_PER_S} s"
        return self.problem


class Disk(Protocol):
    """A `LatchFile`, or a test's."""

    def read(self) -> Latch:
        """What was written last."""

    def write(self, latch: Latch) -> None:
        """Durable when this returns; OSError when it is refused."""


class LatchWriter:
    """Brings the newest wanted latch to the disk on a thread of its own; no method waits for it."""

    def __init__(self, disk: Disk, clock: Callable[[], int] = now_ns) -> None:
        found = disk.read()
        self._disk = disk
        self._clock = clock
        # The first block of epochs is asked for at once.
        self._state = OnDisk(known=found, wanted=found, settled=False).wants(found)
        self._changed = threading.Condition()
        self._leaving = False
        self._thread = threading.Thread(target=self._write_on, name="latch", daemon=True)

    @property
    def persisted(self) -> Latch:
        """What the disk is known to hold; at the start, what was found there."""
        return self._state.known

    @property
    def refused(self) -> str:
        """Why the disk does not take what is wanted, for people; tried again once a second."""
        return self._state.refused(self._clock())

    @property
    def ceiling(self) -> int:
        """The highest epoch that may be granted now, so that none is granted twice; 0: none at all.

        A disk that refuses has epochs in reserve, but would not remember that somebody drives.
        """
        return 0 if self.refused else self._state.known.epoch_ceiling

    def start(self, patience_s: float = START_S) -> None:
        """Start writing, and wait until the first block of epochs is there, or refused.

        The only wait there is, before anything ticks: whoever asks first shall not be refused.
        """
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._state.settled or self._state.problem, patience_s)

    def wanted(self, latch: Latch) -> None:
        """Remember `latch`, the newest wins; its `epoch_ceiling` is the writer's to set."""
        with self._changed:
            state = self._state.wants(latch)
            if state.wanted != self._state.wanted:
                self._state = state
                self._changed.notify()

    def stop_settled(self) -> bool:
        """Whether a STOP that is wanted may be acknowledged: it is on disk, or was refused there.

        After a refusal the robot stands all the same; then `refused` has to be shown.
        """
        state = self._state
        return bool(state.known.stopped_by) or bool(state.refused(self._clock()))

    def close(self) -> None:
        """Bring the newest to the disk if it takes no more than `CLOSE_S`, and end; idempotent."""
        with self._changed:
            self._leaving = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _write_on(self) -> None:
        try:
            while (latch := self._next()) is not None:
                try:
                    self._disk.write(latch)
                except OSError as error:
                    self._failed(error.strerror or str(error))
                else:
                    self._written()
        except Exception as error:  # top of the thread: no further epoch can be granted
            log.exception("the latch's writer has failed")
            self._failed(f"its writer has failed ({error!r}); restart the robot")

    def _next(self) -> Latch | None:
        """Wait for what is to be written; None at the end."""
        with self._changed:
            while True:
                stamp_ns = self._clock()
                self._state = self._state.begun(stamp_ns)
                if self._state.writing is not None:
                    return self._state.writing
                if self._leaving:
                    return None
                retry_s = max(0, self._state.began_ns + RETRY_NS - stamp_ns) / NS_PER_S
                self._changed.wait(retry_s if self._state.problem else None)

    def _written(self) -> None:
        with self._changed:
            recovered = bool(self._state.problem)
            self._state = self._state.written()
            self._changed.notify_all()
        if recovered:
            log.warning("STOP and lease are remembered again")

    def _failed(self, problem: str) -> None:
        with self._changed:
            new = not self._state.problem
            self._state = self._state.failed(problem)
            self._changed.notify_all()
        if new:
            log.error("STOP and lease cannot be remembered: %s", problem)
