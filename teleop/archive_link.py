"""The console's end of the archive: asks many robots, on one thread, and tells what came.

Bounded: a robot has at most `MOST_WISHES` waiting, see `teleop.archive_asks`, there are at most
`MOST_ROBOTS` connections, and one that nobody has used for a while is closed. What is told comes on
the link's thread; `Mailbox.put` is a good listener.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from teleop.archive_asks import Asks, Missing, Seen, Tell, Told, Wish
from teleop.thumbnail_pictures import bgra_of_jpeg
from transport.archive_messages import ArchiveAnswer, ThumbnailAnswer
from transport.channels import ARCHIVE
from transport.clock import NS_PER_S, now_ns
from transport.control_link import Asker, Waiter
from transport.curve import Credentials
from transport.errors import LinkError
from transport.messages import MalformedMessage, decoder_of, encode

log = logging.getLogger("archive")

MOST_ROBOTS: Final = 256
MOST_NEW: Final = 1024  # wishes between two looks of the thread
IDLE_NS: Final = 30 * NS_PER_S  # of a connection
LOOK_MS: Final = 50  # while something is wanted: for connections that come up, and patience
CLOSED: Final = "This console is closing."

_decode: Callable[[bytes], ArchiveAnswer] = decoder_of(ArchiveAnswer)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Place:
    """Where a robot listens, and what this console knocks with there."""

    credentials: Credentials
    host: str
    port: int  # its base port


@dataclass
class _Robot:
    asker: Asker
    asks: Asks = field(default_factory=Asks)
    used_ns: int = 0


class ArchiveLink:
    """One for a console; `start` it, `close` it. `ask` and `forget` may be called by any thread."""

    def __init__(self) -> None:
        self._waiter = Waiter()
        self._lock = threading.Lock()
        self._new: deque[tuple[Place, Wish | None, Tell]] = deque()  # None: forget the robot
        self._closed = False
        self._robots: dict[Place, _Robot] = {}
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask(self, place: Place, wish: Wish, tell: Tell) -> None:
        """Fetch something; `tell` hears of it once, unless a newer wish takes its place.

        Newer is a wish to the same robot, of the same kind and camera.
        """
        self._hand_over(place, wish, tell)

    def forget(self, place: Place) -> None:
        """Give up all wishes to a robot, without telling, and close its connection."""
        self._hand_over(place, None, _nobody)

    def close(self) -> None:
        """End the thread; what is still wanted is told that it will not come. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiter.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._waiter.close()

    def _hand_over(self, place: Place, wish: Wish | None, tell: Tell) -> None:
        with self._lock:
            full = len(self._new) >= MOST_NEW
            if not self._closed and not full:
                self._new.append((place, wish, tell))
                self._waiter.wake()
                return
        tell(Missing("Too much is asked at once; ask again." if full else CLOSED))

    # --- the thread ---

    def _run(self) -> None:
        try:
            while not self._closed:
                self._take_wishes()
                for place, robot in list(self._robots.items()):
                    self._serve(place, robot)
                busy = any(not robot.asks.idle for robot in self._robots.values())
                self._waiter.wait(LOOK_MS if busy else 1000)
        finally:
            with self._lock:
                self._closed = True
                left: list[Told] = [(tell, Missing(CLOSED)) for _, _, tell in self._new]
                self._new.clear()
            _tell_all(left)
            for place in list(self._robots):
                self._drop(place, CLOSED)

    def _take_wishes(self) -> None:
        with self._lock:
            new, self._new = self._new, deque()
        for place, wish, tell in new:
            if wish is None:
                self._drop(place)
                continue
            try:
                robot = self._robot(place)
            except LinkError as error:
                _tell_all([(tell, Missing(f"This robot cannot be asked: {error}."))])
                continue
            robot.used_ns = now_ns()
            _tell_all(robot.asks.want(wish, tell, robot.used_ns))

    def _robot(self, place: Place) -> _Robot:
        robot = self._robots.get(place)
        if robot is not None:
            return robot
        if len(self._robots) >= MOST_ROBOTS:
            oldest = min(self._robots, key=lambda known: self._robots[known].used_ns)
            self._drop(oldest, "Too many robots are asked at once; ask again.")
        robot = _Robot(Asker(ARCHIVE, place.credentials, place.host, place.port))
        self._waiter.watch(robot.asker)
        self._robots[place] = robot
        return robot

    def _serve(self, place: Place, robot: _Robot) -> None:
        raw = robot.asker.take()  # one request, one answer; whoever sends more waits for its turn
        if raw is not None:
            try:
                answer: ArchiveAnswer | MalformedMessage = _decode(raw)
            except MalformedMessage as error:
                answer = error
            _tell_all(robot.asks.heard(answer, now_ns()))
        stamp_ns = now_ns()
        trouble = robot.asker.trouble
        _tell_all(robot.asks.expired(stamp_ns, trouble.value if trouble else ""))
        request = robot.asks.next(stamp_ns)
        if request is not None and robot.asker.send(encode(request)):
            robot.asks.sent(stamp_ns)
        if not robot.asks.idle:
            robot.used_ns = stamp_ns
        elif stamp_ns - robot.used_ns >= IDLE_NS:
            self._drop(place)

    def _drop(self, place: Place, reason: str = "") -> None:
        robot = self._robots.pop(place, None)
        if robot is None:
            return
        self._waiter.unwatch(robot.asker)
        robot.asker.close()
        if reason:
            _tell_all(robot.asks.given_up(reason))


def _tell_all(told: list[Told]) -> None:
    for tell, answered in told:
        try:
            tell(_seen(answered) if isinstance(answered, ThumbnailAnswer) else answered)
        except Exception:  # a listener's own; the others still have to be told
            log.exception("what came from a robot cannot be shown")


def _seen(answer: ThumbnailAnswer) -> Seen | Missing:
    received_ns = now_ns()
    try:
        bgra = bgra_of_jpeg(answer.jpeg)
    except ValueError as error:
        return Missing(f"The robot's picture of {answer.camera} cannot be shown: {error}")
    return Seen(answer.camera, answer.captured_ns, answer.age_ms, received_ns, bgra)


def _nobody(_: object) -> None:
    """Nobody wants to hear of it."""
