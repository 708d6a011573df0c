"""Files that nobody but their owner may read or change: keys, and lists of whom to trust.

A file has mode 0600 from its first byte, its folder 0700; one that others could read or change is
refused with the command that mends it. Replacing is atomic and durable. On Windows a file in the
user's own profile is private already, and modes are not looked at.
"""

from __future__ import annotations

import os
import shlex
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import tomli_w

from recorder.durable import fsync_dir, write_atomically
from teleop.safety import ConfigError

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
MAX_BYTES: Final = 1 << 20  # thousands of keys; more is no file of ours
_HAS_MODES: Final = sys.platform != "win32"

E = TypeVar("E")


def read_private(path: Path) -> bytes:
    """The content of a private file.

    Raises:
        FileNotFoundError: there is none.
        ConfigError: others could read or change it, or it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            if _HAS_MODES and mode & 0o077:
                raise ConfigError(
                    f"{path} can be read or changed by other users of this machine "
                    f"(mode {mode:04o}). Make it private, then try again: "
                    f"chmod 600 {shlex.quote(str(path))}"
                )
            content = stream.read(MAX_BYTES + 1)
        _check_folder(path.parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB; it was not written by Unstick")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace a private file, or make it; durable when this returns.

    Raises:
        ConfigError: the folder is open to others, or the disk refuses.
    """
    try:
        _make_folder(path.parent)
        write_atomically(path, content, FILE_MODE)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the private files of `folder` meanwhile.

    Two commands that read, change and write back must not undo each other: one may be a revocation.

    Raises:
        ConfigError: the folder cannot be made or used.
    """
    try:
        _make_folder(folder)
        lock = os.open(folder, os.O_RDONLY) if _HAS_MODES else None
    except OSError as error:
        raise ConfigError(f"{folder} cannot be used: {error.strerror}") from None
    try:
        if sys.platform != "win32" and lock is not None:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        if lock is not None:
            os.close(lock)


def read_entries(path: Path, table: str, kind: type[E]) -> list[E]:
    """The `[[table]]` entries of a private TOML file, checked against a closed schema.

    Raises:
        FileNotFoundError: there is none.
        ConfigError: anything is wrong with it; names the file and the line or the entry.
    """
    content = read_private(path)
    try:
        found = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    for key in found:
        if key != table:
            raise ConfigError(f"{path}: there is no {key!r}; every entry begins with [[{table}]]")
    entries = found.get(table, [])
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: every entry begins with [[{table}]], in double brackets")
    return [_entry(path, table, number, raw, kind) for number, raw in enumerate(entries, start=1)]


def _entry(path: Path, table: str, number: int, raw: object, kind: type[E]) -> E:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        name = f" ({raw['name']})" if isinstance(raw, dict) and "name" in raw else ""
        raise ConfigError(f"{path}: {table} {number}{name}: {error}") from None


def write_entries(
    path: Path, table: str, entries: Iterable[Mapping[str, Any]], heading: str
) -> None:
    """Replace the file by these entries, under `heading` as a comment.

    Raises:
        ConfigError: the folder is open to others, or the disk refuses.
    """
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    write_private(path, (comment + "\n" + tomli_w.dumps({table: list(entries)})).encode())


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(FOLDER_MODE, exist_ok=True)
        fsync_dir(folder.parent)
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    """Who can change a folder can put another file in the place of a private one."""
    mode = folder.stat().st_mode & 0o777
    if _HAS_MODES and mode & 0o022:
        raise ConfigError(
            f"the folder {folder} can be changed by other users of this machine "
            f"(mode {mode:04o}). Make it private, then try again: "
            f"chmod 700 {shlex.quote(str(folder))}"
        )
