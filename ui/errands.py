"""Slow work for a window: a thread does it, and the window's thread hears what came of it.

An errand has a name; a newer one of the same name takes its place as long as it waits, so a hand
that scrubs leaves no queue behind. What came of it is handed over in the window's thread.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from recorder.episode import EpisodeError
from ui.bridge import Wake

log = logging.getLogger("ui")

T = TypeVar("T")

HAND_OVER_S: Final = 0.0005


def hand_over_quickly() -> None:
    """Let the window's thread have the interpreter within half a millisecond of asking for it.

    It asks several times in each paint; with Python's own 5 ms a thread that computes would hold up
    one picture by as much each time. For programs with a window, once.
    """
    sys.setswitchinterval(HAND_OVER_S)


@dataclass(frozen=True)
class _Errand:
    job: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]


class Errands:
    """One thread; `do` and what it calls back belong to the window's thread."""

    def __init__(self, name: str, *, newest_first: bool = False, waiting: int = 64) -> None:
        """`waiting` is how many may wait; of more the oldest are dropped, and never called back."""
        self._changed = threading.Condition()
        self._errands: OrderedDict[str, _Errand] = OrderedDict()
        self._heard: deque[Callable[[], None]] = deque()  # bounded by what `_errands` may hold
        self._newest_first = newest_first
        self._waiting = waiting
        self._leaving = False
        self._wake = Wake(self._deliver)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(
        self,
        name: str,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None:
        """Run `job` on the thread; `done` gets its result, `failed` a sentence."""
        with self._changed:
            self._errands.pop(name, None)
            self._errands[name] = _Errand(job, done, failed)
            while len(self._errands) > self._waiting:
                self._errands.popitem(last=False)
            self._changed.notify()

    def drop(self, *names: str) -> None:
        """Do not begin these, or none at all when none is named; they are never called back."""
        with self._changed:
            for name in names or tuple(self._errands):
                self._errands.pop(name, None)

    def close(self) -> None:
        """Finish the errand that runs, drop the others; nothing is called back any more."""
        self._wake.close()
        with self._changed:
            self._leaving = True
            self._errands.clear()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (errand := self._next()) is not None:
            try:
                heard = partial(errand.done, errand.job())
            except (EpisodeError, OSError) as error:
                heard = partial(errand.failed, str(error))
            except Exception as error:  # the thread's top
                log.exception("an errand failed")
                heard = partial(errand.failed, f"This is a fault of Unstick: {error!r}")
            self._heard.append(heard)
            self._wake.poke()

    def _next(self) -> _Errand | None:
        with self._changed:
            while not self._errands and not self._leaving:
                self._changed.wait()
            if self._leaving:
                return None
            return self._errands.popitem(last=self._newest_first)[1]

    def _deliver(self) -> None:
        while self._heard:
            self._heard.popleft()()
