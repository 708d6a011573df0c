"""A wire that the bench can cut: a TCP relay on loopback between operator and robot.

While it is cut nothing passes and no connection breaks; what is sent meanwhile waits in the
kernel's buffers, as on a network that has failed for a while. What is delivered then comes the way
TCP recovers from a time-out: one segment in the first round trip, twice as many in each further one
(RFC 5681, 3.1), because on loopback, where a segment has 64 KiB, all of it would come at once.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from transport.clock import NS_PER_MS, now_ns
from transport.control_link import LOOPBACK

SEGMENT: Final = 1448  # bytes of data in a segment on Ethernet
ROUND_TRIP_MS: Final = 50.0  # of the wire that is imitated after a long cut
CHUNK: Final = 64 * 1024
SEND_S: Final = 1.0  # an end that takes nothing for so long has gone


@dataclass
class SlowStart:
    """How many bytes of what has waited may pass by now. Pure."""

    start_ns: int
    round_trip_ns: int
    passed: int = 0

    def allowance(self, now_ns: int) -> int:
        """Bytes that may still pass at this moment."""
        flights = (now_ns - self.start_ns) // self.round_trip_ns + 1
        return int(SEGMENT * (2 ** min(flights, 20) - 1)) - self.passed


@dataclass
class _Flow:
    """One direction of one connection."""

    source: socket.socket
    target: socket.socket
    recovering: SlowStart | None = None  # None: nothing has waited here, or all of it has passed


@dataclass
class Relay:
    """Listens on the ports in `ports` and passes everything on to the ports they map to."""

    ports: Mapping[int, int]
    _passing: bool = True
    _flows: list[_Flow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._selector = selectors.DefaultSelector()
        for port, target in self.ports.items():
            door = socket.create_server((LOOPBACK, port))
            self._selector.register(door, selectors.EVENT_READ, target)
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def cut(self) -> int:
        """Nothing passes from now on; returns when that was."""
        with self._lock:
            self._passing = False
            return now_ns()

    def mend(self, round_trip_ms: float = 0.0) -> int:
        """Everything passes again: at once, or as TCP recovers; returns when that was."""
        with self._lock:
            stamp_ns = now_ns()
            if round_trip_ms:
                for flow in self._flows:
                    flow.recovering = SlowStart(stamp_ns, round(round_trip_ms * NS_PER_MS))
            self._passing = True
            return stamp_ns

    def close(self) -> None:
        """End the thread and close every socket; idempotent."""
        self._leaving.set()
        self._thread.join(2.0)
        with self._lock:
            for key in list((self._selector.get_map() or {}).values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()
            self._selector.close()

    def _run(self) -> None:
        while not self._leaving.is_set():
            moved = False
            with self._lock:
                if self._passing:
                    for key, _ in self._selector.select(0):
                        moved = self._serve(key) or moved
            if not moved:
                self._wait()

    def _wait(self) -> None:
        """Until something comes; while the wire is cut or recovers, for a moment."""
        recovering = any(flow.recovering is not None for flow in self._flows)
        if self._passing and not recovering:
            self._selector.select(0.02)
        else:
            time.sleep(0.001)

    def _serve(self, key: selectors.SelectorKey) -> bool:
        """Accept a connection, or pass on what one has; whether anything was done."""
        if isinstance(key.data, int):
            assert isinstance(key.fileobj, socket.socket)
            self._accept(key.fileobj, key.data)
            return True
        return self._pass_on(key.data)

    def _accept(self, door: socket.socket, target: int) -> None:
        near, _ = door.accept()
        try:
            far = socket.create_connection((LOOPBACK, target), SEND_S)
        except OSError:
            near.close()
            return
        for source, other in ((near, far), (far, near)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            source.settimeout(SEND_S)
            flow = _Flow(source, other)
            self._flows.append(flow)
            self._selector.register(source, selectors.EVENT_READ, flow)

    def _pass_on(self, flow: _Flow) -> bool:
        most = CHUNK
        if flow.recovering is not None:
            most = min(CHUNK, flow.recovering.allowance(now_ns()))
            if most <= 0:
                return False
        try:
            data = flow.source.recv(most)
            flow.target.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._hang_up(flow)
            return True
        if flow.recovering is not None:
            flow.recovering.passed += len(data)
            if len(data) < most:
                flow.recovering = None
        return True

    def _hang_up(self, flow: _Flow) -> None:
        """One end has gone: so does the other."""
        for each in (flow.source, flow.target):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(each)
            each.close()
        self._flows = [f for f in self._flows if f.source not in (flow.source, flow.target)]
