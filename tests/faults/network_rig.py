"""Two network namespaces with a bad link between them, for tests on real sockets.

    operator 10.77.0.2 ── TUN ── forwarder ── TUN ── robot 10.77.0.1

The namespaces have no names and no way out: only what a test puts into them talks, and they vanish
with the forwarder, also when the test is killed. Programs get in with `start`, sockets of the test
itself with `inside`. The link is changed while it carries traffic: `set` for what happens to
packets, `cut` and `mend` for silence, each for one direction or both.

Where such a network cannot be made the test that asks for `network` is skipped, and says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import pytest

from tests.faults import namespace
from tests.faults.forwarder import OPERATOR_ADDRESS, ROBOT_ADDRESS
from transport.channels import DEFAULT_PORT

ROOT = Path(__file__).parents[2]
ANSWER_S = 10.0

Side = Literal["robot", "operator"]
Way = Literal["to_robot", "to_operator"]
BOTH: tuple[Way, ...] = ("to_robot", "to_operator")
Change = Literal["moves", "is translated anew"]


class Lines:
    """What a program says, one JSON object per line, collected by a thread as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._said: list[dict[str, Any]] = []
        self._more = threading.Condition()
        self._ended = False
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def all(self) -> list[dict[str, Any]]:
        """Everything said so far."""
        with self._more:
            return list(self._said)

    def wait(
        self,
        wanted: Callable[[dict[str, Any]], object],
        what: str,
        since: int = 0,
        limit_s: float = 60,
    ) -> dict[str, Any]:
        """The first line from the `since`-th on that is wanted; waits for it."""
        found: list[dict[str, Any]] = []
        looked_at = since

        def there() -> bool:
            nonlocal looked_at
            fresh = self._said[looked_at:]
            looked_at += len(fresh)
            found.extend(line for line in fresh if wanted(line))
            return bool(found) or self._ended

        with self._more:
            in_time = self._more.wait_for(there, limit_s)
        assert found, f"never happened: {what}" + ("" if in_time else f" within {limit_s} s")
        return found[0]

    def join(self) -> None:
        """Wait for the program's last word."""
        self._thread.join(ANSWER_S)
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            with self._more:
                self._said.append(json.loads(line))
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


class Program:
    """A child program that is told and tells in lines of JSON, and leaves with its input."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.process.stdout is not None
        self.lines = Lines(self.process.stdout)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def tell(self, **order: object) -> None:
        """One order; it is carried out when the program gets to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def close(self) -> int:
        """Let it leave, insist after a while; its exit code."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            return self.process.wait(ANSWER_S)
        except BrokenPipeError:
            return self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.lines.join()


class Loopback:
    """Robot and operator on this machine, without a rig; any user may have that."""

    robot_address = "127.0.0.1"

    def __init__(self, port: int, seen_port: int) -> None:
        self.port = port  # where the robot listens
        self.seen_port = seen_port  # where the operator believes it to be: a proxy may sit there

    def start(self, side: Side, module: str, *arguments: str) -> Program:
        """Start one of the tests' own programs; both sides are this machine."""
        return Program([module, *arguments])


class Network:
    """The two namespaces and the link between them."""

    port = seen_port = DEFAULT_PORT  # nobody else is in there
    robot_address = ROBOT_ADDRESS
    operator_address = OPERATOR_ADDRESS

    def __init__(self, seed: int = 1) -> None:
        self._forwarder = Program(["tests.faults.forwarder", str(seed)])
        self._heard = 0
        robot, operator = self._next()["namespaces"]
        folder = f"/proc/{self._forwarder.pid}/fd"
        self._namespaces: dict[Side, int] = {
            "robot": os.open(f"{folder}/{robot}", os.O_RDONLY),
            "operator": os.open(f"{folder}/{operator}", os.O_RDONLY),
        }

    def close(self) -> None:
        """Take the network down."""
        self._forwarder.close()
        for opened in self._namespaces.values():
            os.close(opened)

    # --- who is in it ---

    @contextmanager
    def inside(self, side: Side) -> Iterator[None]:
        """This thread's new sockets and processes belong to one side for the length of a block."""
        with namespace.inside(self._namespaces[side]):
            yield

    def start(self, side: Side, module: str, *arguments: str) -> Program:
        """Start one of the tests' own programs on one side."""
        with self.inside(side):
            return Program([module, *arguments])

    # --- what the link does; each returns the moment it took effect, monotonic ns ---

    def set(self, ways: Sequence[Way] = BOTH, **settings: Any) -> int:
        """New settings (`link_model.Impairment`) for packets from now on."""
        return self._told(do="set", on=list(ways), settings=settings)

    def set_rtt(self, rtt_ms: float, **settings: Any) -> int:
        """Half of `rtt_ms` of delay each way, and more settings for both."""
        return self.set(delay_ms=rtt_ms / 2, **settings)

    def cut(self, ways: Sequence[Way] = BOTH, for_ms: float | None = None) -> int:
        """Nothing passes any more, nor does what is under way; for a time, or until `mend`."""
        return self._told(do="cut", on=list(ways), for_ms=for_ms)

    def mend(self, ways: Sequence[Way] = BOTH) -> int:
        """End a cut."""
        return self._told(do="mend", on=list(ways))

    def move_operator(self, address: str) -> int:
        """The operator's machine loses its address and gets another: another Wi-Fi."""
        return self._told(do="move", address=address)

    def translate_operator(self, address: str) -> int:
        """From now on the robot sees the operator at this address: a NAT that forgot."""
        return self._told(do="nat", address=address)

    def change_address(self, how: Change) -> int:
        """Another address for the operator: its own, or the one that the robot sees."""
        if how == "moves":
            return self.move_operator("10.77.0.3")
        return self.translate_operator("10.77.0.9")

    def block_udp(self, blocked: bool = True) -> int:
        """A firewall in between that lets TCP through and no UDP, until it is taken away."""
        return self._told(do="firewall", no_udp=blocked)

    # --- what it did ---

    def forget(self) -> int:
        """Begin counts and packet log again."""
        return self._told(do="forget")

    def counts(self, way: Way) -> dict[str, int]:
        """Packets by what happened to them."""
        counts: dict[str, int] = self._asked(do="counts", on=[way])["answer"][way]
        return counts

    def log(self, way: Way) -> list[dict[str, Any]]:
        """Every packet of one direction since `forget`, ordered by when its fate was sealed."""
        answer = self._asked(do="log", on=[way])["answer"]
        assert not answer["full"], "the packet log is full; forget() nearer to what is measured"
        log: list[dict[str, Any]] = answer[way]
        return log

    def _told(self, **order: object) -> int:
        stamp_ns: int = self._asked(**order)["stamp_ns"]
        return stamp_ns

    def _asked(self, **order: object) -> dict[str, Any]:
        self._forwarder.tell(**order)
        return self._next()

    def _next(self) -> dict[str, Any]:
        said = self._forwarder.lines.wait(
            lambda _: True, "an answer of the forwarder", self._heard, ANSWER_S
        )
        self._heard += 1
        return said


@pytest.fixture
def network() -> Iterator[Network]:
    """A network of its own for one test; skipped, with the reason, where none can be made."""
    lacking = namespace.missing()
    if lacking:
        pytest.skip(f"no network rig: {lacking}")
    made = Network()
    try:
        yield made
    finally:
        made.close()
