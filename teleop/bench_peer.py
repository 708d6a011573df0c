"""The operator's side of the peer: in the same process as ours, with the same keys and stick."""

from __future__ import annotations

import threading

from transport.clock import now_ns, sleep_until
from transport.command_peer import PERIOD_NS, Action, PeerClient


class PeerOperator:
    """Reads its keys in a loop at 60 Hz and sends what they are, as the peer's own clients do."""

    def __init__(self, port: int) -> None:
        self._client = PeerClient(port)
        self._keys: Action = {}
        self._sending = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peer", daemon=True)
        self.push(0.0, 0.0, now_ns())
        self._sending.set()

    def __enter__(self) -> PeerOperator:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join(2.0)

    def push(self, forward: float, turn: float, input_ns: int) -> None:
        """The keys as they are now; `input_ns` goes along for the bench to know the event."""
        self._keys = {"x.vel": forward, "y.vel": 0.0, "theta.vel": turn, "input_ns": input_ns}

    def fall_silent(self) -> None:
        """Send nothing more: the link is lost."""
        self._sending.clear()

    def _run(self) -> None:
        while not self._leaving.is_set():
            began_ns = now_ns()
            if self._sending.is_set():
                self._client.send(self._keys)
            sleep_until(began_ns + PERIOD_NS)
        self._client.close()
