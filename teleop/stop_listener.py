"""The robot's STOP socket, on a thread of its own.

It takes note and answers; the control tick obeys. What cannot be read counts as STOP all the same.
"""

from __future__ import annotations

import logging
import threading

from transport.channels import STOP
from transport.control_link import Requests
from transport.messages import MalformedMessage, StopAck, StopRequest, decoder_of, encode

log = logging.getLogger("control")

_decode_stop = decoder_of(StopRequest)


class StopListener:
    """The STOP socket on a thread of its own: it works whatever the control tick is doing."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = Requests(STOP, host, port)
        self._pending: dict[bytes, int] = {}  # newest request of each peer that waits
        self._lock = threading.Lock()
        self._pressed_by = ""
        self._stopped: tuple[int, str] | None = None  # (stamp, by) once the set-point is zero
        self._leaving = threading.Event()
        self._started = False
        self._thread = threading.Thread(target=self._listen, name="stop", daemon=True)

    def start(self) -> None:
        """Start listening."""
        self._thread.start()
        self._started = True

    def close(self) -> None:
        """Stop listening; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._socket.close()

    @property
    def listens(self) -> bool:
        """Whether the thread is there; without it there is no STOP."""
        return self._thread.is_alive() or not self._started

    def pressed_by(self) -> str:
        """Who pressed STOP since the last call, else empty."""
        with self._lock:
            who, self._pressed_by = self._pressed_by, ""
            return who

    def stands(self, stamp_ns: int, by: str) -> None:
        """The set-point is zero: the waiting senders may be told."""
        with self._lock:
            self._stopped = (stamp_ns, by)

    def _listen(self) -> None:
        while not self._leaving.is_set():
            asked = self._socket.receive(wait_ms=10 if self._pending else 100)
            if asked is not None:
                by, request_id = _read_stop(asked[1])
                with self._lock:
                    self._pressed_by = by
                    self._stopped = None
                self._pending[asked[0]] = request_id
            self._acknowledge()

    def _acknowledge(self) -> None:
        with self._lock:
            stopped = self._stopped
        if stopped is None:
            return
        for who, request_id in self._pending.items():
            ack = StopAck(request_id=request_id, stamp_ns=stopped[0], by=stopped[1])
            self._socket.reply(who, encode(ack))
        self._pending.clear()


def _read_stop(raw: bytes) -> tuple[str, int]:
    """(who, request id); what cannot be read stops the robot all the same."""
    try:
        request = _decode_stop(raw)
    except MalformedMessage as error:
        log.warning("STOP that cannot be read: %s", error)
        return "unknown", 0
    return request.operator, request.request_id
