"""One episode from opening to seal, and the disk's part in it.

The recorder's thread makes it, hands over records and asks how it stands; nothing of that waits or
raises. Every write and the seal happen on the disk thread, in that order, with a bounded backlog.
When the disk falls that far behind, the episode ends as failed, with all that was handed over until
then.
"""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import Path
from typing import Final

from recorder.episode import Ending, Header
from recorder.preroll import Content
from recorder.writer import EpisodeWriter
from transport.clock import NS_PER_S

MAX_BACKLOG: Final = 2000  # records waiting for the disk: about 20 s, some 5 MB

_LOG = logging.getLogger("recorder")


@dataclass
class Take:
    """One episode from opening to seal."""

    episode: str
    first_row: int
    first_ns: int
    last_ns: int
    disk: Executor  # carries out one job after the other
    last_row: int = -1  # once closing: the row with which the episode is complete
    ending: Ending | None = None
    writer: EpisodeWriter | None = None  # made and used on the disk thread
    sealed: Path | None = None
    jobs: deque[Future[None]] = field(default_factory=deque)
    gave_up: str = ""  # set by the caller's thread
    disk_failure: str = ""  # set by the disk thread

    @property
    def failure(self) -> str:
        """A sentence once this episode cannot be sealed any more."""
        return self.gave_up or self.disk_failure

    @property
    def seconds(self) -> float:
        """From its first tick to its newest."""
        return (self.last_ns - self.first_ns) / NS_PER_S

    @property
    def settled(self) -> bool:
        """Whether the disk has done all that was handed over."""
        return all(job.done() for job in self.jobs)

    def begin(
        self, root: Path, header: Header, content: Content, syncs: Executor, min_free_bytes: int
    ) -> None:
        """Open the episode in the folder `root` with what went before it."""

        def begin() -> None:
            refusal = _refusal(root, min_free_bytes)
            if refusal:
                self.disk_failure = refusal
                return
            self.writer = EpisodeWriter(root, header, content.first_row, syncs)
            rows = deque(content.rows)
            for tick in content.ticks:  # in the order of time: a kill in between leaves a beginning
                self.writer.tick(tick)
                while rows and rows[0].tick <= tick.tick:
                    self.writer.row(rows.popleft())
            self.disk_failure = self.writer.failure

        self._queue(begin)

    def submit(self, job: Callable[[EpisodeWriter], None], *, always: bool = False) -> None:
        """Queue `job` for the writer; it is dropped once the take has failed, unless `always`."""
        while self.jobs and self.jobs[0].done():
            self.jobs.popleft()
        if self.failure and not always:
            return
        if len(self.jobs) >= MAX_BACKLOG and not always:
            self.gave_up = "Robot disk too slow: recording stopped, all until now is kept."
            job = methodcaller("fail", self.gave_up)  # after what is waiting

        def run() -> None:
            if self.writer is not None:
                job(self.writer)
                self.disk_failure = self.writer.failure

        self._queue(run)

    def seal(self, ending: Ending, wall: str) -> None:
        """Queue the seal, also of a take that has failed: what there is of it is closed.

        `wall` is the time for people, ISO 8601.
        """

        def finish(writer: EpisodeWriter) -> None:
            self.sealed = writer.seal(ending, wall)

        self.submit(finish, always=True)

    def wait(self) -> None:
        """Return once the disk has done all that was handed over."""
        wait(self.jobs)

    def _queue(self, job: Callable[[], None]) -> None:
        self.jobs.append(self.disk.submit(self._guarded, job))

    def _guarded(self, job: Callable[[], None]) -> None:
        """The top of the disk thread: a fault of ours fails the episode, and nothing else."""
        try:
            job()
        except Exception as error:  # noqa: BLE001 - logged, told to the operator
            _LOG.exception("recorder fault")
            self.disk_failure = f"Recorder fault ({error!r}), what was written is kept."
            if self.writer is not None:
                self.writer.fail(self.disk_failure)


def _refusal(root: Path, min_free_bytes: int) -> str:
    """Why episodes cannot be kept in `root`; empty: they can."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    except OSError as error:
        return f"Episodes cannot be kept in {root} ({error.strerror})."
    if free < min_free_bytes:
        return (
            f"Robot disk nearly full ({free >> 20} MB left, {min_free_bytes >> 20} MB "
            "needed): not recording. Free space on the robot."
        )
    return ""
