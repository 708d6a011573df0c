"""The actuator watchdog: below the gate, it stops the motors when control stops telling them.

`WatchedRobot` is a `Robot` around a driver's. A thread of its own calls the driver's `hold` when no
`apply` has come for `LIMIT_MS`, also while an `apply` hangs inside the driver, and goes on doing so
until the next `apply` arms it again. The agent asks for a hold, too, before it kills a control that
hangs. What is decided is in `Watch`, without a clock; the thread is dull. It ends with its process:
motors that turn on without one need a watchdog of their own as well.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from teleop.robot import Observation, Robot, RobotError
from teleop.safety import ConfigError
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.messages import Description, Twist

log = logging.getLogger("control")

# Above the 200 ms after which the gate itself holds, so that it ramps first where it still can;
# below the 375 ms that comma.ai's panda allows its own control loop.
LIMIT_MS: Final = 250.0
LIMIT_RANGE_MS: Final = (100.0, 500.0)  # six ticks, so that jitter trips nothing; never off
# While nothing comes `hold` is repeated: a telegram to a motor may be lost, and an `apply` that
# hangs may still write its set-point.
AGAIN_NS: Final = 50 * NS_PER_MS
ASKED_NS: Final = 20 * NS_PER_MS  # between two looks whether the agent asks for a hold
CLOSE_S: Final = 2.0


@dataclass(frozen=True)
class Watch:
    """What the watchdog knows. Times are monotonic ns; no method reads a clock."""

    limit_ns: int
    applied_ns: int | None = None  # when the newest apply began; None: the motors were told to hold
    inside: bool = False  # it has not returned yet
    tripped: bool = False  # no apply came within the limit after that one
    held_ns: int = 0  # when the watchdog held last
    trips: int = 0  # gaps above the limit since the start, each counted once

    def looked(self, now_ns: int) -> tuple[Watch, bool]:
        """What a look at `now_ns` finds, and whether the motors are to be held now."""
        if self.applied_ns is None or now_ns - self.applied_ns < self.limit_ns:
            return self, False
        if not self.tripped:
            return replace(self, tripped=True, held_ns=now_ns, trips=self.trips + 1), True
        if now_ns - self.held_ns >= AGAIN_NS:
            return replace(self, held_ns=now_ns), True
        return self, False

    def wait_ns(self, now_ns: int) -> int:
        """How long nothing has to be looked at."""
        if self.applied_ns is None:
            return self.limit_ns
        due_ns = self.held_ns + AGAIN_NS if self.tripped else self.applied_ns + self.limit_ns
        return max(0, due_ns - now_ns)

    def entered(self, now_ns: int) -> Watch:
        """An apply begins: armed anew."""
        return replace(self, applied_ns=now_ns, inside=True, tripped=False)

    def left(self) -> Watch:
        """The apply has returned."""
        return replace(self, inside=False)

    def held(self) -> Watch:
        """Control itself held: nothing to watch, unless an apply is still under way."""
        return self if self.inside else replace(self, applied_ns=None, tripped=False)


class WatchedRobot:
    """A `Robot` with an actuator watchdog; `start` it before the first `apply`."""

    def __init__(
        self,
        robot: Robot,
        limit_ms: float = LIMIT_MS,
        clock: Callable[[], int] = now_ns,
        hold_asked: Callable[[], bool] | None = None,
    ) -> None:
        """`hold_asked`: whether somebody has given this process up; it stays true once it is."""
        low, high = LIMIT_RANGE_MS
        if not (math.isfinite(limit_ms) and low <= limit_ms <= high):
            raise ConfigError(
                f"the actuator watchdog's {limit_ms} ms are outside {low:g} to {high:g}; "
                "it cannot be switched off"
            )
        self._robot = robot
        self._clock = clock
        self._hold_asked = hold_asked
        self._watch = Watch(limit_ns=round(limit_ms * NS_PER_MS))
        # Held while the watchdog holds: its hold never falls into an apply that begins after it
        # was decided. An apply that is under way does not have it.
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="watchdog", daemon=True)

    @property
    def trips(self) -> int:
        """How often no `apply` came for the limit, a gap that lasts at this moment included."""
        self.look()
        return self._watch.trips

    def start(self) -> None:
        """Start watching; what a predecessor that was killed told the motors is held first."""
        self._robot.hold()
        self._thread.start()

    def look(self) -> int:
        """Hold the motors if that is due; returns for how many ns nothing has to be looked at."""
        with self._lock:
            stamp_ns = self._clock()
            before = self._watch.trips
            self._watch, hold = self._watch.looked(stamp_ns)
            tripped, wait_ns = self._watch.trips > before, self._watch.wait_ns(stamp_ns)
            if hold or self._is_asked():
                self._robot.hold()
        if tripped:
            log.error("no set-point came in time: the watchdog holds the motors")
        return wait_ns if self._hold_asked is None else min(wait_ns, ASKED_NS)

    def describe(self, boot_id: str) -> Description:
        """What the robot is."""
        return self._robot.describe(boot_id)

    def observe(self) -> Observation:
        """The newest measurements."""
        return self._robot.observe()

    def apply(self, action: Twist) -> Twist:
        """Carry out one control tick; when it took so long that the watchdog tripped, hold after.

        Raises:
            RobotError: the driver's own; or there is no watchdog, without which nothing moves; or
                the agent has given this process up.
        """
        if not self._thread.is_alive():
            raise RobotError("The actuator watchdog does not run; restart the robot.")
        if self._is_asked():
            raise RobotError("The agent is ending this process; it starts another.")
        self.look()  # a gap that its thread was too late for counts, too
        with self._lock:
            self._watch = self._watch.entered(self._clock())
        try:
            return self._robot.apply(action)
        finally:
            with self._lock:
                self._watch = self._watch.left()
                if self._watch.tripped or self._is_asked():
                    # What hung may have told the motors after our hold.
                    self._robot.hold()

    def hold(self) -> None:
        """Zero the set-points now."""
        self._robot.hold()
        with self._lock:
            self._watch = self._watch.held()

    def snapshot(self) -> bytes:
        """The complete state before the next `apply`; no trip changes it."""
        return self._robot.snapshot()

    def close(self) -> None:
        """Stop, let go, end the watchdog; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)
        self._robot.close()

    def _is_asked(self) -> bool:
        return self._hold_asked is not None and self._hold_asked()

    def _keep_looking(self) -> None:
        wait_ns = 0
        try:
            while not self._leaving.wait(wait_ns / NS_PER_S):
                wait_ns = self.look()
        except Exception:  # top of the thread: without it `apply` refuses, and control holds
            log.exception("the actuator watchdog has failed")
