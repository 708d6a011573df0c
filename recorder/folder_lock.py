"""A folder that a living process works in: nobody else recovers, renames or removes it.

The lock is the kernel's. It goes with the process, however that ends, and follows the folder
through its renames, so that an episode is held from the moment it has a name to the one at which it
is sealed. Whoever makes a folder or tries its lock has a turn at the folder around it: nobody ever
finds a new one before its maker has locked it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from recorder.durable import try_lock, wait_for_lock

# Of network disks that lock only what is open for writing, which a folder never is.
_CANNOT: Final = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP)


class FolderLock:
    """Held until it is released, or this process is gone; a context manager."""

    def __init__(self, fd: int | None) -> None:
        """`fd` is the locked folder; None where nothing locks."""
        self._fd = fd

    def release(self) -> None:
        """Let others in; idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            _close(fd)

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def make_locked(folder: Path) -> FolderLock:
    """Make `folder`, which is not there yet, and hold it.

    On a disk that cannot lock folders it is made all the same; `claim` then refuses.
    """
    with _turn(folder.parent):
        folder.mkdir()
        if sys.platform == "win32":  # recording runs on the robot; there only one agent per folder
            return FolderLock(None)
        fd = os.open(folder, os.O_RDONLY)
        try:
            try_lock(fd)  # it is new: nobody else has it
        except OSError as error:
            _close(fd)
            if error.errno not in _CANNOT:
                raise
            return FolderLock(None)
        return FolderLock(fd)


def claim(folder: Path) -> FolderLock | None:
    """Hold `folder`, or None: a living process has it, or has just finished with it.

    Raises:
        OSError: nobody can tell.
    """
    if sys.platform == "win32":
        return FolderLock(None)
    with _turn(folder.parent):
        try:
            fd = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            ours = try_lock(fd) and _is_still(folder, fd)
        except OSError:
            _close(fd)
            raise
        if not ours:
            _close(fd)
            return None
        return FolderLock(fd)


def is_locked(folder: Path) -> bool:
    """Whether a living process works in `folder`; raises as `claim` does."""
    lock = claim(folder)
    if lock is not None:
        lock.release()
    return lock is None


def _is_still(folder: Path, fd: int) -> bool:
    """Whether what was opened has kept its name."""
    try:
        return os.path.samestat(os.fstat(fd), folder.stat())
    except FileNotFoundError:
        return False


def _close(fd: int) -> None:
    with suppress(OSError):  # nothing was written through it; the kernel lets go of it all the same
        os.close(fd)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Those who make or try locks within `folder` do so one after the other."""
    if sys.platform == "win32":
        yield
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        try:
            wait_for_lock(fd)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
        yield
    finally:
        _close(fd)
