"""Bytes that survive: unbuffered streams, atomic files, fsync, hashes, locks.

Every write of an episode goes through here, so that what a crash can leave behind is decided in
one place. Called from the disk thread; nothing here waits for anything but the disk.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

_HASH_BLOCK: Final = 1 << 20


class DiskStream:
    """A file without a user-space buffer: when `write` returns, a killed process loses nothing.

    Offers what the MCAP and the Matroska writer ask of a stream. Seeking is for Matroska, which
    goes back once, at the end, to fill in duration and index.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = False  # PyAV leaves the trailer out when it finds this true
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._fd = os.open(path, flags, 0o644)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data`, however many system calls that takes."""
        return _write_all(self._fd, data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the file."""
        return os.lseek(self._fd, offset, whence)

    def tell(self) -> int:
        """Present offset in bytes."""
        return os.lseek(self._fd, 0, os.SEEK_CUR)

    def flush(self) -> None:
        """There is no buffer to flush."""

    def sync(self) -> None:
        """Return once the data lie on the disk."""
        getattr(os, "fdatasync", os.fsync)(self._fd)

    def close(self) -> None:
        """Close without fsync; idempotent."""
        if not self.closed:
            self.closed = True
            os.close(self._fd)


def _write_all(fd: int, data: bytes | bytearray | memoryview) -> int:
    view = memoryview(data)
    total = len(view)
    while view:
        written = os.write(fd, view)
        if not written:  # or this would go round for ever
            raise OSError(errno.EIO, "the disk takes no more bytes and does not say why")
        view = view[written:]
    return total


def try_lock(fd: int) -> bool:
    """Take the lock of a file or folder, which goes with the process; False: another has it."""
    if sys.platform == "win32":  # recording runs on the robot; there only one agent per folder
        return True
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def fsync_file(path: Path) -> None:
    """Return once everything written to `path` lies on the disk."""
    fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_dir(path: Path) -> None:
    """Return once the names in folder `path` lie on the disk."""
    if sys.platform == "win32":  # folders cannot be opened there
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def rename(source: Path, target: Path) -> None:
    """Rename and make the new name durable; both lie in the same folder or on the same disk."""
    os.rename(source, target)
    fsync_dir(target.parent)
    if source.parent != target.parent:
        fsync_dir(source.parent)


def write_atomically(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace `path` by `data`: a reader, and a crash, sees the old content or the new one.

    `mode`, less the process's umask, holds from the first byte on.
    """
    temporary = path.with_name(path.name + ".tmp")
    temporary.unlink(missing_ok=True)  # what a crash left may have another mode
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    fd = os.open(temporary, flags, mode)
    try:
        _write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)
    fsync_dir(path.parent)


def append_line(path: Path, line_after: Callable[[bytes], bytes]) -> None:
    """Append one line to `path`, on the disk when this returns; those who append take turns.

    `line_after` is given the complete lines so far and returns the next one, without a newline.
    What a crash left of a line, which nobody was told is kept, is cut off first.
    """
    is_new = not path.exists()
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    fd = os.open(path, flags, 0o644)
    try:
        wait_for_lock(fd)
        with open(fd, "rb", closefd=False) as stream:
            before = stream.read()
        whole = before.rfind(b"\n") + 1
        line = line_after(before[:whole]) + b"\n"
        if whole < len(before):
            os.ftruncate(fd, whole)
        _write_all(fd, line)
        os.fsync(fd)
    finally:
        os.close(fd)
    if is_new:
        fsync_dir(path.parent)


def wait_for_lock(fd: int) -> None:
    """Take the lock of a file or folder as soon as nobody else has it."""
    if sys.platform != "win32":  # as above: there one person works on a library at a time
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
