"""Writes one episode: pre-roll, live ticks and rows, then the seal.

Runs on the disk thread. After the first `OSError` the writer has failed for good: it says why in
`failure`, ignores everything that follows and leaves what was written for the recovery. Nothing is
raised into a caller that has a robot to look after.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Final

from recorder.contents import make_manifest
from recorder.durable import fsync_dir, rename, write_atomically
from recorder.episode import (
    LOG_FILE,
    MANIFEST_FILE,
    RECORDING_SUFFIX,
    Ending,
    EpisodeError,
    Header,
    Label,
    Status,
    camera_file,
    sealed_json,
)
from recorder.folder_lock import FolderLock, make_locked
from recorder.log import LogWriter, RowRecord
from recorder.preroll import EncodedRow
from recorder.video_track import VideoWriter
from transport.clock import NS_PER_S
from transport.messages import Tick

SYNC_EVERY_NS: Final = 1 * NS_PER_S  # what a power cut may cost

_LOG = logging.getLogger("recorder")


class EpisodeWriter:
    """One open episode on disk."""

    def __init__(self, root: Path, header: Header, first_row: int, syncs: Executor) -> None:
        """Open `<root>/<id>.rec`. `first_row` is the number that becomes row 0.

        `syncs` does what waits for the platter: writing never does, so that a disk which is slow to
        sync adds nothing to what a kill costs.
        """
        self.header = header
        self.failure = ""  # a sentence for the operator once writing has failed
        self.folder = root / f"{header.episode}{RECORDING_SUFFIX}"
        self.target = root / header.episode
        self._first_row = first_row
        self._syncs = syncs
        self._syncing: Future[None] | None = None
        self._synced_ns = 0
        self._lock: FolderLock | None = None  # from the first name to the last
        self._log: LogWriter | None = None
        self._videos: dict[str, VideoWriter] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._lock = make_locked(self.folder)
            self._log = LogWriter(self.folder / LOG_FILE, header)
            for camera in header.cameras:
                path = self.folder / camera_file(camera.name)
                self._videos[camera.name] = VideoWriter(path, camera.width, camera.height)
            fsync_dir(self.folder)
            fsync_dir(root)
        except OSError as error:
            self._fail(error)

    def tick(self, tick: Tick) -> None:
        """Append one tick, and sync about once a second."""
        if self._log is None:
            return
        try:
            self._log.tick(tick)
            if tick.stamp_ns - self._synced_ns >= SYNC_EVERY_NS and self._is_synced():
                self._synced_ns = tick.stamp_ns
                self._syncing = self._syncs.submit(_sync, self._files())
        except OSError as error:
            self._fail(error)

    def label(self, label: Label, log_ns: int) -> None:
        """Append what was said after the newest tick, whose stamp is `log_ns`."""
        if self._log is None:
            return
        try:
            self._log.label(label, log_ns)
        except OSError as error:
            self._fail(error)

    def row(self, row: EncodedRow) -> None:
        """Append one row: a frame of every camera, then its record."""
        if self._log is None or row.row < self._first_row:
            return
        try:
            for camera, (_, packet) in row.cameras.items():
                self._videos[camera].add(packet)
            self._log.row(
                RowRecord(
                    row=row.row - self._first_row,
                    tick=row.tick,
                    stamp_ns=row.stamp_ns,
                    cameras={camera: shown for camera, (shown, _) in row.cameras.items()},
                )
            )
        except OSError as error:
            self._fail(error)

    def seal(self, ending: Ending, wall: str) -> Path | None:
        """Close, read back, verify, write the manifest, rename; None when it failed.

        The rename of the manifest is the commit point: with it the episode is sealed, whatever
        happens to the folder's name.
        """
        if self._log is None:
            return None
        try:
            if self._syncing is not None:
                self._syncing.result()
            # All files get their ends before the first sync, which may take a while.
            files = self._files()
            for file in files:
                file.finish()
            for file in files:
                file.close()
            manifest = make_manifest(self.folder, self.header, ending, Status.SEALED, wall)
            write_atomically(self.folder / MANIFEST_FILE, sealed_json(manifest))
            rename(self.folder, self.target)
        except (OSError, EpisodeError) as error:
            self._fail(error)
            return None
        self._log = None
        self._let_go()
        return self.target

    def fail(self, sentence: str) -> None:
        """Give up for a reason the caller has; idempotent."""
        if not self.failure:
            self.failure = sentence
            _LOG.error("episode %s: %s", self.header.episode, sentence)
        if self._syncing is not None:
            wait([self._syncing])  # it uses what is closed now
        for file in self._files():
            with suppress(OSError):  # the first error is the one to tell
                file.abandon()
        self._log = None
        self._let_go()

    def _let_go(self) -> None:
        """What is sealed is complete; what has failed is left to the recovery."""
        if self._lock is not None:
            self._lock.release()

    def _files(self) -> list[LogWriter | VideoWriter]:
        log = [] if self._log is None else [self._log]
        return [*log, *self._videos.values()]

    def _is_synced(self) -> bool:
        """Whether no sync is under way; raises what the last one met, which is told only once."""
        if self._syncing is None:
            return True
        if self._syncing.done():
            self._syncing.result()
            return True
        return False

    def _fail(self, error: OSError | EpisodeError) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            sentence = "Robot disk full: recording stopped, what was written is kept. Free space."
        elif isinstance(error, OSError):
            sentence = f"Recording stopped ({error.strerror or error}), what was written is kept."
        else:
            sentence = f"Episode could not be sealed: {error}"
        self.fail(sentence)


def _sync(files: Sequence[LogWriter | VideoWriter]) -> None:
    for file in files:
        file.sync()
