"""Looks whether something at an address greets as a robot does, without any key.

The first 64 bytes of ZMTP 3.1 (ZeroMQ RFC 37) name the mechanism in the clear, before anything
secret is said. A plain TCP socket sends ours and reads theirs; nothing here blocks (looking up a
name may: libzmq has just looked it up, too), and nothing is trusted that is read: it decides
between two messages for a person.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

from transport.clock import NS_PER_MS

GREETING_BYTES: Final = 64
WAIT_MS: Final = 1000  # a round trip for TCP and one for the greeting, at 300 ms each, with room
_SIGNATURE: Final = b"\xff" + bytes(7) + b"\x01\x7f"
_VERSION: Final = b"\x03\x01"
_MECHANISM: Final = b"CURVE".ljust(20, b"\0")
OURS: Final = (_SIGNATURE + _VERSION + _MECHANISM).ljust(GREETING_BYTES, b"\0")


def is_robots(greeting: bytes) -> bool:
    """Whether these are the first bytes of a peer that demands CURVE."""
    return (
        len(greeting) >= GREETING_BYTES
        and greeting[0] == 0xFF
        and greeting[9] & 1 == 1
        and greeting[10] >= 3
        and greeting[12:32] == _MECHANISM
    )


class Look:
    """One look at one address."""

    def __init__(self, host: str, port: int, now_ns: int) -> None:
        self._until_ns = now_ns + WAIT_MS * NS_PER_MS
        self._sent = False
        self._heard = b""
        self._socket: socket.socket | None = None
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host.strip("[]"), port, type=socket.SOCK_STREAM
            )[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.connect_ex(address)
        except OSError:
            self.close()

    def result(self, now_ns: int) -> bool | None:
        """Whether a robot greets there; None while that is not known yet. Never waits."""
        if self._socket is None:
            return False
        try:
            if not self._sent:
                self._sent = self._socket.send(OURS) == GREETING_BYTES
            received = self._socket.recv(GREETING_BYTES - len(self._heard))
        except (BlockingIOError, InterruptedError):
            return self._ended(now_ns >= self._until_ns)
        except OSError as error:
            # Not connected yet is no failure: Linux says EAGAIN, other systems ENOTCONN.
            return self._ended(error.errno != errno.ENOTCONN or now_ns >= self._until_ns)
        self._heard += received
        return self._ended(not received or len(self._heard) == GREETING_BYTES)

    def close(self) -> None:
        """Let go of the connection; idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ended(self, ended: bool) -> bool | None:
        if not ended:
            return None
        self.close()
        return is_robots(self._heard)
