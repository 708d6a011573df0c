"""A robot's door and consoles that know it, for tests on real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable

from transport.curve import Credentials, Door, KeyPair, new_key_pair

HANG_S = 10.0


def until(
    condition: Callable[[], object], what: str = "nothing happened", limit_s: float = HANG_S
) -> None:
    """Wait for something to become true; a hang guard, not a speed test."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)


class Robot:
    """A robot's keys, its list of whom it admits, and its door."""

    def __init__(self) -> None:
        self.keys = new_key_pair()
        self.admitted: set[str] = {self.keys.public}
        self.door = Door(self.keys, lambda _, key: key in self.admitted)

    def console(self, own: KeyPair | None = None, *, paired: bool = True) -> Credentials:
        """The credentials of a console that knows this robot; the robot admits it if `paired`."""
        own = own or new_key_pair()
        if paired:
            self.admitted.add(own.public)
        return Credentials(own, self.keys.public)

    @property
    def itself(self) -> Credentials:
        """What another process of this robot knocks with."""
        return Credentials(self.keys, self.keys.public)
