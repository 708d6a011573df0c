"""The robot's STOP socket, on a thread of its own.

It takes note and answers; the control tick obeys. What cannot be read counts as STOP all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from transport.channels import STOP
from transport.clock import now_ns
from transport.control_link import Requests
from transport.curve import Door
from transport.messages import MalformedMessage, StopAck, StopRequest, decoder_of, encode
from transport.rate_limit import RateLimit

log = logging.getLogger("control")

TURN_MS = 50  # at least every so often the thread shows that it lives; half of what is promised

_decode_stop = decoder_of(StopRequest)


class StopListener:
    """The STOP socket on a thread of its own: it works whatever the control tick is doing."""

    def __init__(self, door: Door, host: str, port: int, name_of: Callable[[str], str]) -> None:
        """`name_of(public key)` is empty for a key that is on the list no more; any thread."""
        self._socket = Requests(STOP, door, host, port)
        self._name_of = name_of
        # Newest request of each peer that waits, by whether it is a test: (peer, test) -> id.
        self._pending: dict[tuple[bytes, bool], int] = {}
        self._lock = threading.Lock()
        self._telling = RateLimit(per_s=0.1, burst=1)  # a flood must not fill the log
        self._pressed_by = ""
        self._testing = False
        self._stands = False  # since the newest press, the set-point is zero
        self._tested = False  # since the newest test, a control tick went by
        self._alive_ns = now_ns()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="stop", daemon=True)

    def start(self) -> None:
        """Start listening."""
        self._alive_ns = now_ns()
        self._thread.start()

    def close(self) -> None:
        """Stop listening; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._socket.close()

    @property
    def alive_ns(self) -> int:
        """When the thread turned last, at most 100 ms ago while all is well."""
        return self._alive_ns

    def pressed(self) -> tuple[str, bool]:
        """(who pressed STOP since the last call, else empty; whether somebody tests it)."""
        with self._lock:
            who, self._pressed_by = self._pressed_by, ""
            testing, self._testing = self._testing, False
            return who, testing

    def carried_out(self, *, stands: bool, tested: bool) -> None:
        """After a tick: whether a latched STOP stands, and whether a test has gone through it."""
        with self._lock:
            # A press that came after this tick began is not answered by it.
            self._stands = stands and not self._pressed_by
            self._tested = (self._tested or tested) and not self._testing

    def _listen(self) -> None:
        while not self._leaving.is_set():
            self._alive_ns = now_ns()
            asked = self._socket.receive(wait_ms=10 if self._pending else TURN_MS)
            if asked is not None and (by := self._name_of(asked.key)):
                request_id, test = self._read(by, asked.message)
                with self._lock:
                    if test:
                        self._testing, self._tested = True, False
                    else:
                        self._pressed_by, self._stands = by, False
                self._pending[asked.who, test] = request_id
            self._acknowledge()

    def _acknowledge(self) -> None:
        with self._lock:
            answered = {False: self._stands, True: self._tested}
        for (who, test), request_id in list(self._pending.items()):
            if answered[test]:
                self._socket.reply(who, encode(StopAck(request_id=request_id)))
                del self._pending[who, test]

    def _read(self, by: str, raw: bytes) -> tuple[int, bool]:
        """(request id, whether it is a test); what cannot be read stops the robot all the same."""
        try:
            request = _decode_stop(raw)
        except MalformedMessage as error:
            if self._telling.admits(by, now_ns()):
                log.warning("STOP of %s that cannot be read: %s", by, error)
            return 0, False
        return request.request_id, request.test
