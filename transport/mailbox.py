"""How one thread hands something to another: the newest value, losses counted.

There is no queue of frames or states anywhere: a late reader gets the newest value and the
overwritten ones are counted. Any thread may call any method.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds at most one value; a newer one replaces it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._delivered = 0
        self._overwritten = 0

    def put(self, value: T) -> bool:
        """Store `value`; True when the mailbox was empty: one wake per pending value is enough."""
        with self._changed:
            was_empty = self._value is None
            if not was_empty:
                self._overwritten += 1
            self._value = value
            self._delivered += 1
            self._changed.notify()
            return was_empty

    def skipped(self, count: int) -> None:
        """Count values that were thrown away before they got here."""
        with self._changed:
            self._overwritten += count

    def take(self) -> T | None:
        """Return the newest value and empty the mailbox; None when nothing new has come."""
        with self._changed:
            value, self._value = self._value, None
            return value

    def wait(self, timeout_s: float) -> T | None:
        """Like `take`, but wait up to `timeout_s` for a value."""
        with self._changed:
            if self._value is None:
                self._changed.wait(timeout_s)
            value, self._value = self._value, None
            return value

    @property
    def delivered(self) -> int:
        """How many values were put in."""
        return self._delivered

    @property
    def overwritten(self) -> int:
        """How many of them nobody took."""
        return self._overwritten
