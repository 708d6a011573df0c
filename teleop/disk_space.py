"""How much room the disk of the recordings has, asked on a thread: one that hangs never answers."""

from __future__ import annotations

import shutil
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from transport.clock import NS_PER_S

HANGS_NS: Final = 2 * NS_PER_S  # without an answer for so long; a disk that spins up takes less


class DiskSpace:
    """Of one folder's disk; used by one thread, which never waits."""

    def __init__(self, folder: Path, disk: Executor | None = None) -> None:
        """`disk` asks, one question after the other; by default a thread of its own."""
        self._folder = folder
        self._disk = disk or ThreadPoolExecutor(1, thread_name_prefix="disk-space")
        self._owned = disk is None
        self._answer: Future[int] | None = None
        self._asked_ns = 0
        self._free_bytes = 0

    def free_bytes(self, now_ns: int) -> int:
        """As it was a moment ago; 0 before the first answer, and of a disk that gives none."""
        if self._answer is not None and self._answer.done():
            self._free_bytes, self._answer = self._answer.result(), None
        if self._answer is None:
            self._answer, self._asked_ns = self._disk.submit(_free_bytes, self._folder), now_ns
        if now_ns - self._asked_ns >= HANGS_NS:
            self._free_bytes = 0
        return self._free_bytes

    def close(self) -> None:
        """Ask no more; idempotent. Waits for nothing."""
        if self._owned:
            self._disk.shutdown(wait=False)


def _free_bytes(folder: Path) -> int:
    try:
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
