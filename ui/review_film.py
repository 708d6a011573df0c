"""The replay of the chosen episode, run and drawn by a process of its own.

`want` says what should be seen; a thread asks the process one thing at a time and always for what
is wanted last. Answers come back in the window's thread. A process that dies is told, and started
anew for the next episode.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from teleop.replay_film import (
    LENGTH_BYTES,
    Answer,
    Draw,
    Drawn,
    Question,
    Replay,
    Replayed,
    answer_in,
    line_of,
)
from transport.mailbox import Mailbox
from ui.bridge import Wake

log = logging.getLogger("ui")

LOOK_S: Final = 0.5  # how often the thread looks whether the window has gone
COMMAND: Final = (sys.executable, "-m", "teleop", "replay-film")


@dataclass(frozen=True)
class Wanted:
    """What should be seen of the replay."""

    path: str
    labels: bool  # whether the wrong steps have to be found
    cameras: tuple[str, ...]  # the main picture first
    step: int  # negative: no picture


class ReplayFilm:
    """One thread and one process; methods belong to the window's thread."""

    def __init__(
        self,
        on_replayed: Callable[[Replayed], None],
        on_drawn: Callable[[Drawn], None],
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._on_replayed = on_replayed
        self._on_drawn = on_drawn
        self._command = command
        self._wanted: Mailbox[Wanted] = Mailbox()
        self._replayed: deque[Replayed] = deque(maxlen=8)
        self._drawn: dict[str, Mailbox[Drawn]] = {}
        self._wake = Wake(self._deliver)
        self._process: subprocess.Popen[bytes] | None = None
        self._leaving = threading.Event()
        self._lock = threading.Lock()  # of the next two
        self._replays = False  # an episode is being replayed just now
        self._dropped = False  # and nobody waits for it any more
        self._thread = threading.Thread(target=self._work, name="replay-film", daemon=True)
        self._thread.start()

    def want(self, wanted: Wanted) -> None:
        """Show this as soon as possible; what was wanted before and is not asked yet is dropped."""
        for camera in wanted.cameras:
            self._drawn.setdefault(camera, Mailbox())
        self._wanted.put(wanted)

    def rest(self) -> None:
        """Nobody looks: a replay that still runs is ended, and begins anew with the next `want`."""
        self._wanted.take()
        with self._lock:
            if self._replays and (process := self._process) is not None:
                self._dropped = True
                process.kill()

    def close(self) -> None:
        """End the process, whatever it does; nothing is called back any more."""
        self._wake.close()
        self._leaving.set()
        if (process := self._process) is not None:
            process.kill()
        self._thread.join()

    # --- the thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        opened = ("", False)
        steps = 0
        try:
            while not self._leaving.is_set():
                wanted = self._wanted.wait(LOOK_S)
                if wanted is None:
                    continue
                if (wanted.path, wanted.labels) != opened:
                    opened, steps = (wanted.path, wanted.labels), self._replay(wanted)
                    if self._dropped:
                        opened, self._dropped = ("", False), False
                        self._let_go()
                        continue
                for camera in wanted.cameras if 0 <= wanted.step <= steps else ():
                    drawn = self._ask(Draw(camera, wanted.step))
                    if not isinstance(drawn, Drawn):
                        steps = -1
                        self._tell(Replayed(path=wanted.path, problem=_DIED))
                        break
                    self._drawn[camera].put(drawn)
                    self._wake.poke()
        finally:
            self._let_go()

    def _replay(self, wanted: Wanted) -> int:
        """The last step of which there is a picture; -1: there are none."""
        with self._lock:
            self._replays = True
        answer = self._ask(Replay(path=wanted.path, labels=wanted.labels))
        with self._lock:
            self._replays = False
        if self._dropped:
            return -1
        if not isinstance(answer, Replayed):
            answer = Replayed(path=wanted.path, problem=_DIED)
        self._tell(answer)
        return answer.steps if answer.cameras else -1

    def _tell(self, replayed: Replayed) -> None:
        self._replayed.append(replayed)
        self._wake.poke()

    def _ask(self, question: Question) -> Answer | None:
        """None when the process died over it."""
        try:
            process = self._process
            if process is None:
                # A session of its own: it gives way to others without taking the window along.
                process = self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
                if self._leaving.is_set():  # `close` has looked for it before it was there
                    process.kill()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line_of(question))
            process.stdin.flush()
            length = int.from_bytes(process.stdout.read(LENGTH_BYTES), "little")
            return answer_in(process.stdout.read(length))
        except (OSError, msgspec.DecodeError) as error:
            if not (self._leaving.is_set() or self._dropped):
                log.warning("the replay's process is gone: %s", error)
            self._let_go()
            return None

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not written yet is of no use to anybody
                    log.debug("the pipe of the replay's process was broken")
        process.wait()

    # --- the window's thread ----------------------------------------------------------------------

    def _deliver(self) -> None:
        while self._replayed:
            self._on_replayed(self._replayed.popleft())
        for box in list(self._drawn.values()):
            if (drawn := box.take()) is not None:
                self._on_drawn(drawn)


_DIED: Final = "The replay's process ended. Choose the episode again."
