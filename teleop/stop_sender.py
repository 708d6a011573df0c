"""The console's end of STOP: own socket, own thread, repeated until this very press is answered.

Whoever presses never waits for anything here. A test takes the same way as a press and latches
nothing; a press always goes first.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace

from teleop.operator_view import StopView
from transport.channels import STOP
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import Asker, Waiter
from transport.curve import Credentials
from transport.handshake import Trouble
from transport.messages import MalformedMessage, StopAck, StopRequest, decoder_of, encode

log = logging.getLogger("link")

AGAIN_MS = 50
IDLE_MS = 50  # how late a press may be noticed at worst; `press` wakes the thread, which is sooner

_decode_ack = decoder_of(StopAck)


@dataclass(frozen=True)
class _Wish:
    """A press or a test, with the number of its first request: older answers do not answer it."""

    view: StopView
    first_id: int
    test: bool

    @property
    def open(self) -> bool:
        return self.view.acked_ns is None


class StopSender:
    """Sends STOP to one robot."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._press: _Wish | None = None
        self._test: _Wish | None = None
        self._next_id = 1
        self._trouble: Trouble | None = None
        self._waiter = Waiter()
        self._waking = threading.Lock()  # several threads press; the waiter knows one at a time
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stop", daemon=True)

    def start(self, credentials: Credentials, host: str, port: int) -> None:
        """Connect and start the thread.

        Raises:
            LinkError: the address cannot be used.
        """
        self._socket = Asker(STOP, credentials, host, port)
        self._waiter.watch(self._socket)
        self._thread.start()

    def close(self) -> None:
        """End the thread; idempotent."""
        if self._leaving.is_set():
            return
        self._leaving.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._waiter.close()

    def press(self) -> None:
        """STOP, from now on, until the robot answers. Any thread."""
        with self._lock:
            self._press = _Wish(StopView(sent_ns=now_ns()), self._next_id, test=False)
        self._wake()

    def test(self) -> None:
        """Ask whether STOP would be obeyed, until the robot answers. Any thread."""
        with self._lock:
            self._test = _Wish(StopView(sent_ns=now_ns()), self._next_id, test=True)
        self._wake()

    @property
    def view(self) -> StopView | None:
        """The last press and its answer; None when STOP was never pressed."""
        with self._lock:
            return None if self._press is None else replace(self._press.view, trouble=self._trouble)

    @property
    def tested(self) -> StopView | None:
        """The last test and its answer; None when there was none."""
        with self._lock:
            return None if self._test is None else self._test.view

    def _wake(self) -> None:
        with self._waking:
            self._waiter.wake()

    def _run(self) -> None:
        again_ns = 0
        sent: _Wish | None = None
        while not self._leaving.is_set():
            self._socket.tend()  # the way is open before it is needed
            self._listen()
            with self._lock:
                wish = self._most_urgent()
            stamp_ns = now_ns()
            if wish is None:
                self._waiter.wait(IDLE_MS)
            elif wish == sent and stamp_ns < again_ns:
                self._waiter.wait((again_ns - stamp_ns) // NS_PER_MS + 1)
            else:
                sent, again_ns = self._send(), stamp_ns + AGAIN_MS * NS_PER_MS
        self._socket.close()

    def _most_urgent(self) -> _Wish | None:
        wishes = (self._press, self._test)
        return next((wish for wish in wishes if wish is not None and wish.open), None)

    def _send(self) -> _Wish | None:
        with self._lock:
            # Chosen together with its number: no test may carry one that belongs to a press.
            wish = self._most_urgent()
            if wish is None:
                return None
            request_id, self._next_id = self._next_id, self._next_id + 1
        request = StopRequest(session=self._session, request_id=request_id, test=wish.test)
        self._socket.send(encode(request))
        return wish

    def _listen(self) -> None:
        while (raw := self._socket.take()) is not None:
            try:
                ack = _decode_ack(raw)
            except MalformedMessage as error:
                log.warning("answer to STOP that cannot be read: %s", error)
                continue
            stamp_ns = now_ns()
            with self._lock:
                self._press = _answered(self._press, ack, stamp_ns)
                self._test = _answered(self._test, ack, stamp_ns)
        trouble = self._socket.trouble
        with self._lock:
            self._trouble = trouble


def _answered(wish: _Wish | None, ack: StopAck, stamp_ns: int) -> _Wish | None:
    if wish is None or not wish.open or ack.request_id < wish.first_id:
        return wish
    return replace(wish, view=StopView(wish.view.sent_ns, acked_ns=stamp_ns))
