"""The robot of the control bench: the real agent, and every control tick that it makes.

It records into a folder of its own. The bench listens on the robot's inner bus, as its recorder
does: what the motors were told, and when, is known from there.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from teleop.bench_figures import Beat
from teleop.bench_sockets import BenchSockets
from teleop.child import end_child, start_child, wait_ready
from transport.control_link import BusReceiver, free_base_port
from transport.errors import LinkError
from transport.messages import MalformedMessage, RobotBus, Tick, decoder_of

START_S: Final = 30.0
KEPT: Final = 60 * 3600  # control ticks, an hour; some 20 MB

T = TypeVar("T")

_decode_bus: Callable[[bytes], RobotBus] = decoder_of(RobotBus)  # type: ignore[arg-type]


class BenchRobot:
    """A real agent with the simulated robot, and its beats from the first one heard."""

    def __init__(self, observers: int, film: str = "") -> None:
        """Start it, with keys for so many observers on its list.

        With `film`, a size like 640x480, its cameras are those of `teleop.bench_film`.

        Raises:
            LinkError: it did not start.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="unstick-bench-")
        self.folder = Path(self._folder.name)
        self.port = free_base_port()
        self.sockets = BenchSockets(self.folder)
        self.episodes = self.folder / "episodes"
        options = ["--port", str(self.port), "--episodes", str(self.episodes), "--film", film]
        options += ["--state", str(self.sockets.state)]
        self.sockets.make_keys(self.port, observers)
        self._agent = start_child(["agent", "--announce", *options])
        if not wait_ready(self._agent, START_S):
            end_child(self._agent)
            self._folder.cleanup()
            raise LinkError("the bench's robot did not start")
        self._beats: list[Beat] = []
        self._changed = threading.Condition()
        self._leaving = threading.Event()
        self._bus = threading.Thread(target=self._hear, name="bus", daemon=True)
        self._bus.start()

    def __enter__(self) -> BenchRobot:
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._bus.join(2.0)
        end_child(self._agent, patience_s=30.0)
        self._folder.cleanup()

    def beats(self, since_ns: int, until_ns: int | None = None) -> list[Beat]:
        """The control ticks of a stretch of time."""
        with self._changed:
            end_ns = until_ns if until_ns is not None else self._beats[-1].stamp_ns
            return [beat for beat in self._beats if since_ns <= beat.stamp_ns <= end_ns]

    def wait_for(
        self, since_ns: int, found: Callable[[list[Beat]], T | None], limit_s: float
    ) -> T | None:
        """What `found` makes of the ticks from `since_ns` on, as soon as it makes something."""
        result: list[T] = []

        def done() -> bool:
            recent = self._beats[-round(limit_s * 120) - 120 :]
            made = found([beat for beat in recent if beat.stamp_ns >= since_ns])
            if made is not None:
                result.append(made)
            return made is not None

        with self._changed:
            self._changed.wait_for(done, limit_s)
        return result[0] if result else None

    def _hear(self) -> None:
        bus: BusReceiver = self.sockets.bus(self.port)
        while not self._leaving.is_set():
            raw = bus.receive(wait_ms=100)
            if raw is None:
                continue
            try:
                message = _decode_bus(raw)
            except MalformedMessage:
                continue
            if isinstance(message, Tick):
                with self._changed:
                    self._beats.append(Beat.of(message))
                    del self._beats[:-KEPT]
                    self._changed.notify_all()
        bus.close()
