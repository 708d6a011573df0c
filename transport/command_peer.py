"""Commands as the field sends them today, for `unstick bench control` to measure beside ours.

Not part of the product: no keys, no schema, no lease, no age check. It follows LeRobot's LeKiwi
(lekiwi_host.py and lekiwi_client.py): JSON dictionaries over PUSH/PULL; CONFLATE before bind on the
robot and, without effect, after connect on the operator's side; a loop that takes what is newest;
a watchdog of 500 ms on the wall clock. Two things are in the peer's favour: its loops run at 60 Hz
instead of 30, and they read no camera in between.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import zmq

from transport.clock import NS_PER_S, now_ns, sleep_until, wall_time

HOST: Final = "127.0.0.1"  # it has no keys, so it never leaves this machine
# A loop sleeps for the rest of its period, as there, and so drifts: no two stay in step.
PERIOD_NS: Final = NS_PER_S // 60
WATCHDOG_S: Final = 0.5  # LeKiwi's watchdog_timeout_ms
STOPPED: Final[dict[str, float]] = {"x.vel": 0.0, "y.vel": 0.0, "theta.vel": 0.0}

Action = dict[str, Any]  # velocities as LeKiwi names them, and what the bench notes beside them


def wall_s() -> float:
    """Wall time in seconds: what people take the age of things by."""
    return wall_time().timestamp()


class PeerClient:
    """The operator's end. One thread uses it."""

    def __init__(self, port: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.connect(f"tcp://{HOST}:{port}")
        self._socket.setsockopt(zmq.CONFLATE, 1)  # as there: libzmq ignores it after connect

    def send(self, action: Action) -> None:
        """Send one action."""
        self._socket.send_string(json.dumps(action))

    def close(self) -> None:
        """Close without waiting for the robot; idempotent."""
        self._context.destroy(linger=0)


class PeerHost:
    """The robot's end. One thread uses it."""

    def __init__(self, port: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.CONFLATE, 1)
        self._socket.bind(f"tcp://{HOST}:{port}")

    @property
    def address(self) -> str:
        """The address that it listens on."""
        endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        return endpoint.removeprefix("tcp://").rsplit(":", 1)[0]

    def newest(self, wait_ms: int = 0) -> Action | None:
        """The newest action not yet taken, None when none comes within `wait_ms`."""
        if not self._socket.poll(wait_ms):
            return None
        action: Action = json.loads(self._socket.recv_string(zmq.NOBLOCK))
        return action

    def close(self) -> None:
        """Close; idempotent."""
        self._context.destroy(linger=0)


@dataclass
class PeerBase:
    """What its robot is told, turn by turn. Pure: the wall clock is handed in, in seconds."""

    last_command_s: float
    standing: bool = False  # the watchdog has stopped it

    def turn(self, action: Action | None, now_s: float) -> Action | None:
        """What the motors are told in this turn of the loop; None: they keep what they have."""
        if action is not None:
            self.last_command_s, self.standing = now_s, False
            return action
        if now_s - self.last_command_s > WATCHDOG_S and not self.standing:
            self.standing = True
            return dict(STOPPED)
        return None


def run_loop(
    host: PeerHost,
    told: Callable[[int, Action], None],
    leaving: threading.Event,
    wall_s: Callable[[], float] = wall_s,
) -> None:
    """Its robot's loop until `leaving`; `told(stamp_ns, action)` stands where its motors would."""
    base = PeerBase(wall_s())
    while not leaving.is_set():
        began_ns = now_ns()
        action = base.turn(host.newest(), wall_s())
        if action is not None:
            told(now_ns(), action)
        sleep_until(began_ns + PERIOD_NS)
