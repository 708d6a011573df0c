"""What a robot must not forget across a restart: lease epoch, latched STOP, need of a person.

One small file, replaced atomically and durable when written. The control process alone uses it.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, json

from recorder.durable import write_atomically
from teleop.robot import RobotError


class Latch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a restart must not forget."""

    epoch: int = 0  # of the lease; only ever grows
    stopped_by: str = ""  # whose STOP is latched, else empty
    needs_person: bool = False  # driven, calling or faulty: the policy must not start by itself


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
            return json.decode(self._path.read_bytes(), type=Latch)
        except (OSError, ValueError) as error:  # a DecodeError is a ValueError, too
            raise RobotError(
                f"{self._path} cannot be read ({error}). It remembers STOP and the lease: "
                f"check that the robot may move, then delete the file"
            ) from None

    def write(self, latch: Latch) -> None:
        """Replace the file; durable when this returns.

        Raises:
            OSError: the disk refuses.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.encode(latch))
