"""A log that never keeps anybody waiting: the lines are written by a thread of its own.

Whoever reads a process's standard error may stop reading: a terminal that is paused, a pipe that is
full. Writing there would then stop the control tick. Up to `ROOM` lines wait; what finds no room is
lost, counted, and told as soon as somebody reads again.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from logging.handlers import QueueHandler
from typing import Final

ROOM: Final = 1000  # lines; a robot that is well says a few in a minute
CLOSE_S: Final = 1.0  # what the last lines may take at the end
FORMAT: Final = "%(name)s: %(message)s"
STANDARD_ERROR: Final = 2


class LogWriter(QueueHandler):
    """Takes records without waiting; its thread writes them to a file descriptor."""

    queue: queue.Queue[logging.LogRecord | None]

    def __init__(self, descriptor: int = STANDARD_ERROR, room: int = ROOM) -> None:
        super().__init__(queue.Queue(room))
        self.setFormatter(logging.Formatter(FORMAT))
        self.lost = 0
        self._told = 0
        self._descriptor = descriptor
        # A daemon: one that nobody reads must not keep its process alive.
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand `record` to the thread, or count it as lost."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits, for `CLOSE_S` at most; idempotent. `logging` calls it at the end."""
        if self._thread.is_alive():
            try:
                self.queue.put_nowait(None)
            except queue.Full:
                return  # nobody reads: there is nothing to wait for
            self._thread.join(CLOSE_S)
        super().close()

    def _write_on(self) -> None:
        while (record := self.queue.get()) is not None:
            if (lost := self.lost) != self._told:
                self._write(f"log: {lost - self._told} lines were lost, nobody read them in time")
                self._told = lost
            self._write(record.getMessage())  # formatted by `prepare`, on the thread that logged

    def _write(self, line: str) -> None:
        try:
            # Not through sys.stderr, whose lock the interpreter wants at its end.
            os.write(self._descriptor, f"{line}\n".encode(errors="backslashreplace"))
        except OSError:
            self.lost += 1  # whoever read has gone


def write_beside() -> None:
    """From here on this process's log keeps none of its threads waiting."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(LogWriter())
