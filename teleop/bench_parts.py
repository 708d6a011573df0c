"""The other processes of the control bench: receiving ends and observers, each in its own.

Each is a child (`teleop.child`): it says that it is ready, runs until its parent closes the pipe,
and then prints what it has seen as one line of JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from teleop.bench_sockets import BenchSockets
from teleop.child import end_child, go_first, leave_with_parent, say_ready, start_child, wait_ready
from transport.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until
from transport.command_peer import Action, PeerHost, run_loop, wall_s
from transport.control_link import Waiter
from transport.errors import LinkError
from transport.messages import Command, decoder_of

START_S: Final = 20.0
LOOK_MS: Final = 15  # how often an observer looks; states come every 33 ms
SILENT_MS: Final = 100  # without a command for so long the peer's wall clock is set back

_decode_command = decoder_of(Command)


class Part:
    """One such process, from its parent's side."""

    def __init__(self, kind: str, port: int, folder: Path, *options: str) -> None:
        """Start it and wait until it is ready.

        Raises:
            LinkError: it did not start.
        """
        self._child = start_child(["bench-part", kind, str(port), str(folder), *options])
        if not wait_ready(self._child, START_S):
            end_child(self._child)
            raise LinkError(f"the bench's process {kind!r} did not start")

    def finish(self) -> Any:
        """Let it end; what it has seen."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        line = self._child.stdout.readline()
        end_child(self._child)
        return json.loads(line) if line else None

    def close(self) -> None:
        """End it, whatever it has seen; idempotent."""
        if self._child.poll() is None:
            end_child(self._child)


def run_part(kind: str, port: int, folder: Path, *, count: int, step_back_s: float) -> None:
    """Be the process `kind` until the parent leaves."""
    leaving = leave_with_parent()
    parts: dict[str, Callable[[], object]] = {
        "wire": lambda: _wire(leaving, BenchSockets(folder), port),
        "peer-wire": lambda: _peer_wire(leaving, port),
        "peer-robot": lambda: _peer_robot(leaving, port, step_back_s),
        "observers": lambda: _observers(leaving, BenchSockets(folder), port, count),
    }
    seen = parts[kind]()
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()


def _wire(leaving: threading.Event, sockets: BenchSockets, port: int) -> list[tuple[int, int]]:
    """(sent, received) of each command, both lanes: taken from the socket as soon as it is there
    and decoded. It stands for control, and has the processor as control does."""
    go_first(5)
    seen: list[tuple[int, int]] = []
    with sockets.inbox(port) as inbox, closing(Waiter()) as waiter:
        waiter.watch(inbox)
        say_ready()
        while not leaving.is_set():
            waiter.wait(50)
            for _, raw in inbox.drain().messages:
                command = _decode_command(raw)
                seen.append((command.input_ns, now_ns()))
    return seen


def _peer_wire(leaving: threading.Event, port: int) -> list[tuple[int, int]]:
    """The same for the peer."""
    host = PeerHost(port)
    seen: list[tuple[int, int]] = []
    say_ready()
    while not leaving.is_set():
        action = host.newest(wait_ms=50)
        if action is not None:
            seen.append((action["input_ns"], now_ns()))
    host.close()
    return seen


def _peer_robot(
    leaving: threading.Event, port: int, step_back_s: float
) -> list[tuple[int, int, float]]:
    """(told, event, forward) of each thing its motors were told; an event of 0 is its watchdog.

    With `step_back_s` its wall clock is set back by so much as soon as commands have ended, as a
    time service does after a network was away.
    """
    host = PeerHost(port)
    seen: list[tuple[int, int, float]] = []

    def told(stamp_ns: int, action: Action) -> None:
        seen.append((stamp_ns, action.get("input_ns", 0), action["x.vel"]))

    def stepped_s() -> float:
        silent = bool(seen) and now_ns() - seen[-1][0] > SILENT_MS * NS_PER_MS
        return wall_s() - (step_back_s if silent else 0.0)

    say_ready()
    run_loop(host, told, leaving, stepped_s if step_back_s else wall_s)
    host.close()
    return seen


def _observers(
    leaving: threading.Event, sockets: BenchSockets, port: int, count: int
) -> dict[str, float]:
    """`count` observers; ready when each has heard all that is told. The fewest states per second
    that one of them heard. What they hear is not decoded: observers have machines of their own."""
    observers = [sockets.observer(number, port) for number in range(count)]
    heard = [[0] * len(listeners) for listeners in observers]
    ready_ns = 0
    while not leaving.is_set():
        due_ns = now_ns() + LOOK_MS * NS_PER_MS
        for listeners, counts in zip(observers, heard, strict=True):
            for which, listener in enumerate(listeners):
                counts[which] += listener.take() is not None
        if not ready_ns and all(all(counts) for counts in heard):
            heard = [[0] * len(listeners) for listeners in observers]
            ready_ns = now_ns()
            say_ready()
        sleep_until(due_ns)
    seconds = (now_ns() - ready_ns) / NS_PER_S
    for listeners in observers:
        for listener in listeners:
            listener.close()
    return {"states_hz": min(states for states, *_ in heard) / seconds}
