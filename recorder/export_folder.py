"""A folder that appears whole or not at all: built beside its place, synced, then renamed.

    <out>                       the export
    .<out>.unstick-tmp          being built; or left behind by an export that was killed
    .<out>.unstick-old          only where the system cannot swap two folders: the one replaced
    .<out>.unstick-lock         held while an export runs, so that two never meet

Every exporter writes through here. What was at `out` before is changed by one system call or not
at all: a full disk, an error or a kill at any moment leaves it as it was. What a kill leaves
beside it is cleared away by the next export.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorder.durable import fsync_dir, fsync_file, rename, try_lock
from recorder.episode import EpisodeError

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_NO_EXCHANGE: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # file systems that cannot


Step = Callable[[int, int], None]  # so many are done, of so many


def no_step(done: int, of: int) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class ExportSummary:
    """What an export wrote and what it left out."""

    path: Path
    episodes: tuple[str, ...]  # recorded ones that were written now
    rows: int  # written now
    skipped: tuple[tuple[str, str], ...]  # (episode, why)
    damaged: tuple[tuple[str, str], ...] = ()  # (episode, what is wrong with it)
    unverified: tuple[tuple[str, str], ...] = ()  # (episode, why it would have been left out)
    episodes_in_set: int = 0  # of a data set: all there were and those that came
    rows_in_set: int = 0
    departures: tuple[tuple[str, str], ...] = ()  # (episode, what is not as it was to be)


@contextmanager
def export_folder(out: Path, *, replace: bool = False) -> Iterator[Path]:
    """A new folder that becomes `out` when the block ends well, and is removed when it does not.

    `replace`: it takes the place of a folder that is there. Raises `EpisodeError`, also for a disk
    that is full: `out` and everything else is then as it was.
    """
    out = out.resolve()  # of a link, the folder it leads to is replaced, not the link
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _alone(out):
            draft, old = _beside(out, "tmp"), _beside(out, "old")
            if old.exists() and not out.exists():
                rename(old, out)  # killed between the two renames of `_swap`
            for left in (draft, old):
                if left.exists():
                    shutil.rmtree(left)
            if out.exists() and not replace:
                raise EpisodeError(
                    "Target exists", out, "Give a new folder, or remove this one first."
                )
            draft.mkdir()
            try:
                yield draft
                _sync(draft)
                if out.exists():
                    _swap(draft, out, old)
                else:
                    rename(draft, out)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
    except OSError as error:
        raise EpisodeError(
            f"Export cannot be written ({error.strerror or error})",
            out,
            "Nothing was changed; make room or check the permissions, then export again.",
        ) from error


def link_or_copy(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        shutil.copyfile(source, target)


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f".{out.name}.unstick-{what}")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Refuse to go on while another export builds the same folder."""
    path = _beside(out, "lock")
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not try_lock(fd):
            os.close(fd)
            raise EpisodeError(
                "Another export into this folder is running", out, "Wait for its end, then try."
            )
        if _is_still(path, fd):
            break
        os.close(fd)  # its owner removed it between our opening and our locking it
    try:
        yield
    finally:
        try:
            if sys.platform != "win32":  # an open file cannot be removed there: the empty one stays
                path.unlink(missing_ok=True)
        finally:
            os.close(fd)


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            fsync_dir(path)
        elif path.stat().st_nlink == 1:  # a linked file lies on the disk already
            fsync_file(path)
    fsync_dir(folder)


def _swap(draft: Path, out: Path, old: Path) -> None:
    """Put `draft` in the place of `out` and remove what was there."""
    if _exchange(draft, out):
        old = draft
    else:
        # For a moment nothing is at `out`; one that is killed here leaves `old` to be put back.
        rename(out, old)
        try:
            rename(draft, out)
        except OSError:
            rename(old, out)
            raise
    shutil.rmtree(old, ignore_errors=True)  # committed already; the next export clears the rest


def _exchange(draft: Path, out: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    paths = (_AT_FDCWD, os.fsencode(draft), _AT_FDCWD, os.fsencode(out))
    if libc.renameat2(*paths, _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        if code in _NO_EXCHANGE:
            return False
        raise OSError(code, os.strerror(code), str(out))
    fsync_dir(out.parent)
    return True
