"""The console's end of STOP: own socket, own thread, repeated until this very press is answered.

The window's thread presses; nothing here waits for it, and it waits for nothing here.
"""

from __future__ import annotations

import logging
import threading

from teleop.operator_view import StopView
from transport.channels import STOP
from transport.clock import now_ns
from transport.control_link import Asker
from transport.messages import MalformedMessage, StopAck, StopRequest, decoder_of, encode

log = logging.getLogger("link")

AGAIN_MS = 50

_decode_ack = decoder_of(StopAck)


class StopSender:
    """Sends STOP to one robot."""

    def __init__(self, operator: str, session: str) -> None:
        self._operator = operator
        self._session = session
        self._lock = threading.Lock()
        self._view: StopView | None = None
        self._next_id = 1
        self._first_id = 1  # of the present press: answers to an earlier one do not answer it
        self._wanted = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stop", daemon=True)

    def start(self, host: str, port: int) -> None:
        """Connect and start the thread.

        Raises:
            LinkError: the address cannot be used.
        """
        self._socket = Asker(STOP, host, port)
        self._thread.start()

    def close(self) -> None:
        """End the thread; idempotent."""
        self._leaving.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def press(self) -> None:
        """STOP, from now on, until the robot answers. Any thread."""
        with self._lock:
            self._view = StopView(sent_ns=now_ns())
            self._first_id = self._next_id
        self._wanted.set()

    @property
    def view(self) -> StopView | None:
        """The last press and its answer; None when STOP was never pressed."""
        with self._lock:
            return self._view

    def _run(self) -> None:
        while not self._leaving.is_set():
            if not self._wanted.wait(0.2) or self._leaving.is_set():
                continue
            with self._lock:
                request_id, self._next_id = self._next_id, self._next_id + 1
            request = StopRequest(
                operator=self._operator, session=self._session, request_id=request_id
            )
            self._socket.send(encode(request))
            self._leaving.wait(AGAIN_MS / 1000)
            while (raw := self._socket.take()) is not None:
                self._hear(raw)
        self._socket.close()

    def _hear(self, raw: bytes) -> None:
        try:
            ack = _decode_ack(raw)
        except MalformedMessage as error:
            log.warning("answer to STOP that cannot be read: %s", error)
            return
        with self._lock:
            if ack.request_id < self._first_id:
                return
            if self._view is not None and self._view.acked_ns is None:
                self._view = StopView(sent_ns=self._view.sent_ns, acked_ns=now_ns())
            self._wanted.clear()
