"""How control proves each tick to the agent, and how the agent stops a robot whose control hangs.

Two words in memory that both map. The agent makes the file and takes the pulse; control's heart
beats: at each tick it stores a monotonic stamp, eight aligned bytes, with one machine instruction,
no system call, and nothing that could wait. By the other word the agent asks for a hold, which the
actuator watchdog carries out beside a tick that hangs. The file lies in memory where the system has
such a folder: a page of a slow disk may keep its writer.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Final

from teleop.safety import ConfigError

SIZE: Final = 16
STAMP: Final = 0
HOLD: Final = 1
IN_MEMORY: Final = Path("/dev/shm")  # Linux


class Pulse:
    """The agent's end: makes the file, reads the stamp. One for each start of a process."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises OSError when the file cannot be made."""
        where = folder or _folder()
        descriptor, name = tempfile.mkstemp(prefix="unstick-", suffix=".heartbeat", dir=where)
        self.path = Path(name)
        try:
            os.write(descriptor, bytes(SIZE))  # a hole would end us when there is no memory left
            self._map = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
        self._words = memoryview(self._map).cast("q")

    def last_ns(self) -> int:
        """The newest stamp, 0 before the first."""
        return self._words[STAMP]

    def ask_to_hold(self) -> None:
        """The motors are to stand until this process has ended."""
        self._words[HOLD] = 1

    def unlink(self) -> None:
        """Remove the name, once the other end has the file open; idempotent."""
        try:
            self.path.unlink(missing_ok=True)
        except PermissionError:
            return  # Windows keeps the name while anybody has it open; `close` comes back to it

    def close(self) -> None:
        """Let go of memory and name; idempotent."""
        self._words.release()
        self._map.close()
        self.unlink()


class Heartbeat:
    """Control's end."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError when there is no such file."""
        try:
            with path.open("r+b") as stream:
                self._map = mmap.mmap(stream.fileno(), SIZE)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the heartbeat {path} cannot be opened ({error}): control is started by "
                "`unstick agent`, which makes it"
            ) from None
        self._words = memoryview(self._map).cast("q")

    def beat(self, stamp_ns: int) -> None:
        """Control ticked at `stamp_ns`."""
        self._words[STAMP] = stamp_ns

    def hold_asked(self) -> bool:
        """Whether the agent has given this process up: the motors are to stand. Any thread."""
        return bool(self._words[HOLD])

    def close(self) -> None:
        """Let go of the memory; idempotent."""
        self._words.release()
        self._map.close()


def _folder() -> Path | None:
    """A folder in memory; None: the system's own for temporary files."""
    return IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
