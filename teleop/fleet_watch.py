"""All robots that a console has paired with, looked at by one thread.

Any thread may call the public methods; none of them blocks, and what they ask is done at the next
look. The thread looks ten times a second at everybody who answers and once at everybody else: with
a hundred robots, to be woken for each of a thousand messages would cost far more.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from teleop.glimpse import Heard, RobotGlimpse
from teleop.key_files import KnownRobot
from teleop.robot_watch import CallAnswer, RobotWatch
from transport.clock import NS_PER_MS, now_ns
from transport.curve import KeyPair
from transport.descriptors import allow_descriptors

log = logging.getLogger("fleet")

LOOK_EVERY_S: Final = 0.1
STARING_MS: Final = 2_000  # a window that says no more what it shows looks at nothing
MOST_ANSWERS: Final = 64  # not sent yet; more are the oldest ones' loss
JOIN_S: Final = 3.0


class FleetWatch:
    """What is known of each robot of the fleet, kept up to date."""

    def __init__(self, own: KeyPair) -> None:
        """`own` are the console's keys."""
        self._own = own
        self._session = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._wanted: dict[str, KnownRobot] = {}
        self._elsewhere: dict[str, tuple[str, ...]] = {}
        self._answers: deque[tuple[str, CallAnswer, int]] = deque(maxlen=MOST_ANSWERS)
        self._shown = ""  # the robot whose call is before the operator …
        self._shown_ns = 0  # … by the window's last word
        self._heard: dict[str, Heard] = {}
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet-watch", daemon=True)

    def start(self) -> None:
        """Start the thread; it has no robot to look at before `watch`."""
        allow_descriptors()  # a dozen for each robot
        self._thread.start()

    def close(self) -> None:
        """End the thread and close its sockets; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    # --- called by the window ---

    def watch(
        self, robots: Iterable[KnownRobot], elsewhere: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """From here on look at these robots and at no others.

        `elsewhere` has, by the address of the pairing, other addresses where one that is silent
        may be: hints of whatever worth, since its key must be the pinned one wherever it is.
        """
        with self._lock:
            self._wanted = {robot.address: robot for robot in robots}
            self._elsewhere = dict(elsewhere or {})

    def glimpses(self) -> tuple[RobotGlimpse, ...]:
        """Every robot as it is known at this moment, in the order of `watch`."""
        stamp_ns = now_ns()
        with self._lock:
            heard = [self._heard.get(address) for address in self._wanted]
        return tuple(one.at(stamp_ns) for one in heard if one is not None)

    def look_at(self, paired: str) -> None:
        """The call of this robot is before the operator; empty: none is.

        To be said again at each refresh of the window; after two seconds it counts no more.
        """
        with self._lock:
            self._shown, self._shown_ns = paired, now_ns()

    def answer(self, paired: str, body: CallAnswer) -> None:
        """Say this of a robot's call; a no of the robot shows up in its glimpse as `refused`."""
        with self._lock:
            if paired in self._wanted:
                self._answers.append((paired, body, now_ns()))

    # --- the thread ---

    def _run(self) -> None:
        robots: dict[str, RobotWatch] = {}
        try:
            while not self._leaving.wait(LOOK_EVERY_S):
                self._look(robots, now_ns())
        except Exception:
            log.exception("the fleet is looked at no more; what is shown of it grows old")
        finally:
            for robot in robots.values():
                robot.close()

    def _look(self, robots: dict[str, RobotWatch], stamp_ns: int) -> None:
        with self._lock:
            wanted, elsewhere = self._wanted, self._elsewhere
            answers = [self._answers.popleft() for _ in range(len(self._answers))]
            staring = stamp_ns - self._shown_ns <= STARING_MS * NS_PER_MS
            shown = self._shown if staring else ""
        for address in [a for a, one in robots.items() if wanted.get(a) != one.robot]:
            robots.pop(address).close()
        for address in wanted.keys() - robots.keys():
            robots[address] = RobotWatch(self._own, wanted[address], self._session, stamp_ns)
        for address, body, since_ns in answers:
            if address in robots:
                robots[address].want(body, since_ns)
        for address, robot in robots.items():
            robot.sweep(elsewhere.get(address, ()), address == shown, now_ns())
        with self._lock:
            self._heard = {address: robot.heard for address, robot in robots.items()}
