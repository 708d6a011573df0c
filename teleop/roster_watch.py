"""Looks at the robot's list of keys on a thread of its own, so that no control tick does.

A disk may hang: then the list stays as it was read last, and STOP, commands and the tick go on.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from teleop.roster import RosterFile
from transport.clock import now_ns

log = logging.getLogger("keys")

ASK_S: Final = 0.05  # the file decides itself when the next look is due, every `LOOK_MS`
CLOSE_S: Final = 1.0  # what a look that is under way may take at the end


class RosterWatch:
    """Keeps `RosterFile.newest` as new as `roster.LOOK_MS`, while the disk answers."""

    def __init__(self, roster: RosterFile) -> None:
        self._roster = roster
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="roster", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more; idempotent. A look that hangs is left behind."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _look_on(self) -> None:
        trouble = ""
        while not self._leaving.wait(ASK_S):
            try:
                self._roster.refreshed(now_ns())
            except Exception as error:  # top of the thread: the next look may succeed
                if repr(error) != trouble:
                    trouble = repr(error)
                    log.exception("the list of keys cannot be looked at; it stays as it was")
