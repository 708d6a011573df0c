"""Every ZeroMQ socket of the product; with `curve` and `link_socket` the only importer of zmq.

Each class wraps one socket (or one pair) and belongs to the thread that uses it. A robot's is made
by its `Door`, a console's by its `Credentials`, so that each has keys. Nothing here blocks longer
than it is told to, nothing queues without a bound, and closing never waits for a peer (LINGER 0).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import zmq

from transport.channels import (
    BUS,
    COMMANDS,
    Channel,
)
from transport.curve import Credentials, Door, Socket, own_context
from transport.errors import LinkError, NoAnswer, PortTaken
from transport.handshake import Trouble as Trouble  # part of what an Asker says
from transport.link_socket import DRIVING, ConsoleLink, Link, Pace, prepared
from transport.link_socket import WATCHING as WATCHING
from transport.ports import LOOPBACK as LOOPBACK
from transport.ports import free_base_port as free_base_port
from transport.ports import holder_of

BUS_QUEUE: Final = 2000  # ticks, 33 s: what the recorder may be behind before ticks are lost
REQUEST_QUEUE: Final = 100
STREAM_QUEUE: Final = 64  # received and not taken yet, on each connection: a second at 60 Hz
# What a console's thread may have left lying, minutes of states. libzmq 4.3.5 ends the process when
# a connection is lost while its queue is full and a heartbeat is due (stream_engine_base.cpp, an
# assertion in `out_event`), as after a laptop's sleep; a queue that is never full keeps it away.
NEVER_FULL: Final = 10_000
MOST_COMMANDS: Final = 512  # taken in one tick: 2 ms (measured: 4 us each, decoding included)
ASK_SLICE_MS: Final = 200  # how long giving up may take to be noticed
MOST_STATES: Final = 256  # skipped in one call, after a suspended laptop wakes up
LANES: Final = 2  # connections that carry each command; at 20 % loss nearly twice as many arrive


@dataclass(frozen=True)
class Asked:
    """One request, and who made it."""

    who: bytes  # the connection to answer; its console may choose it
    key: str  # the public key that was authenticated on that connection
    message: bytes


class Drained(NamedTuple):
    """What a robot has taken from its command socket."""

    messages: list[tuple[str, bytes]]  # (sender's public key, message)
    drops: list[str]  # key of the sender of each that was too large or had too many parts


# --- robot ---


class _RobotLink(Link):
    """A robot's socket."""

    def __init__(self, door: Door, kind: int, channel: Channel, *, newest: bool = False) -> None:
        super().__init__(prepared(door.socket(kind, channel), channel, newest=newest), channel)

    def _bind(self, host: str, base_port: int) -> None:
        port = base_port + self.channel.offset
        try:
            self.socket.bind(self._address(host, base_port))
        except zmq.ZMQError as error:
            self.close()
            if error.errno == zmq.EADDRINUSE:
                raise PortTaken(
                    f"port {port} ({self.channel.name}) is taken{holder_of(port)}: is another "
                    f"agent running? "
                    f"Stop it, or choose other ports with --port"
                ) from None
            raise LinkError(f"cannot listen on {host}:{port}: {error}") from None


class CommandInbox(_RobotLink):
    """The robot's end of the commands."""

    def __init__(self, door: Door, host: str, base_port: int) -> None:
        super().__init__(door, zmq.PULL, COMMANDS)
        self.socket.setsockopt(zmq.RCVHWM, STREAM_QUEUE)
        self._drops: list[str] = []
        self._bind(host, base_port)

    def drain(self, most: int = MOST_COMMANDS) -> Drained:
        """What has arrived, at most `most` messages; never waits."""
        messages: list[tuple[str, bytes]] = []
        while len(messages) < most and (taken := self._next()) is not None:
            messages.append((_key_of(taken[0]), taken[0].bytes))
        drops, self._drops = self._drops, []
        return Drained(messages, drops)

    def _drop(self, last: zmq.Frame) -> None:
        super()._drop(last)
        self._drops.append(_key_of(last))


class Publisher(_RobotLink):
    """Publishes the newest state; a slow listener misses states and blocks nobody."""

    def __init__(self, channel: Channel, door: Door, host: str, base_port: int) -> None:
        super().__init__(door, zmq.PUB, channel, newest=True)
        self._door = door
        self._place = (host, base_port)
        self._bind(host, base_port)

    @property
    def guests(self) -> frozenset[str]:
        """Whose keys were let in since the last `cut`."""
        return self._door.guests(self.channel)

    def publish(self, message: bytes, topic: bytes = b"") -> None:
        """Send to whoever listens to `topic`; never waits."""
        if self.socket.closed:
            self._listen_again()
        if not self.socket.closed:
            self.socket.send(topic + message, zmq.NOBLOCK)

    def cut(self) -> None:
        """End every listener's connection; who is still admitted is back in a tenth of a second.

        A key that was taken off the list is refused at its next handshake, and a publisher cannot
        end one connection alone.
        """
        self.socket.close(0)
        self._listen_again()

    def _listen_again(self) -> None:
        """Where port or network are away for a moment, the next `publish` tries again."""
        made = self._door.socket(zmq.PUB, self.channel)
        self.socket = prepared(made, self.channel, newest=True)
        with contextlib.suppress(LinkError):
            self._bind(*self._place)


class Requests(_RobotLink):
    """The robot's end of a request channel: each request is answered once."""

    def __init__(
        self,
        channel: Channel,
        door: Door,
        host: str,
        base_port: int,
        *,
        queue: int = REQUEST_QUEUE,
    ) -> None:
        """`queue` messages may wait on each connection, in either direction."""
        super().__init__(door, zmq.ROUTER, channel)
        self.socket.setsockopt(zmq.RCVHWM, queue)
        self.socket.setsockopt(zmq.SNDHWM, queue)
        self._bind(host, base_port)

    def receive(self, wait_ms: int = 0) -> Asked | None:
        """The next request, None when there is none within `wait_ms`."""
        if not self.socket.poll(wait_ms):
            return None
        taken = self._next(2)
        if taken is None:
            return None
        who, message = taken
        return Asked(who.bytes, _key_of(message), message.bytes)

    def reply(self, who: bytes, message: bytes) -> None:
        """Answer; a peer that has gone is not an error."""
        try:
            self.socket.send_multipart([who, message], zmq.NOBLOCK)
        except zmq.ZMQError:
            return


class BusSender(_RobotLink):
    """The robot's inner bus: every control tick, for the cameras and the recorder."""

    def __init__(self, door: Door, base_port: int) -> None:
        super().__init__(door, zmq.PUB, BUS)
        self.socket.setsockopt(zmq.SNDHWM, BUS_QUEUE)
        self._bind(LOOPBACK, base_port)

    def send(self, message: bytes) -> None:
        """Hand on one message; never waits. A receiver too far behind loses it and sees the gap."""
        self.socket.send(message, zmq.NOBLOCK)


def _key_of(frame: zmq.Frame) -> str:
    """The key that CURVE authenticated on the connection of this frame, as our Door noted it."""
    return str(frame.get("User-Id"))


# --- console ---


class CommandOutbox:
    """The console's end of the commands: each goes out on `LANES` connections."""

    def __init__(self, credentials: Credentials, host: str, base_port: int) -> None:
        self._lanes = []
        for _ in range(LANES):
            lane = ConsoleLink(credentials, zmq.PUSH, COMMANDS, newest=True)
            lane._connect(host, base_port)
            self._lanes.append(lane)

    def tend(self) -> None:
        """See `ConsoleLink.tend`: to be called now and then while no commands are sent."""
        for lane in self._lanes:
            lane.tend()

    def send(self, message: bytes) -> None:
        """Send the newest command; an unsent older one is replaced."""
        self.tend()
        for lane in self._lanes:
            try:
                lane.socket.send(message, zmq.NOBLOCK)
            except zmq.Again:
                continue  # not connected: the command would be old by the time it is

    def close(self) -> None:
        """Close all lanes; idempotent."""
        for lane in self._lanes:
            lane.close()


class Listener(ConsoleLink):
    """Hears the newest state of one kind."""

    def __init__(
        self,
        channel: Channel,
        credentials: Credentials,
        host: str,
        base_port: int,
        topic: bytes = b"",
        pace: Pace = DRIVING,
    ) -> None:
        super().__init__(credentials, zmq.SUB, channel, pace=pace)
        self._topic = topic
        self.socket.setsockopt(zmq.RCVHWM, NEVER_FULL)
        self.socket.setsockopt(zmq.SUBSCRIBE, topic)
        self._connect(host, base_port)

    def take(self) -> bytes | None:
        """The newest message not yet taken; never waits."""
        self.tend()
        newest = None
        for _ in range(MOST_STATES):
            taken = self._next()
            if taken is None:
                break
            newest = taken[0]
        return None if newest is None else newest.bytes.removeprefix(self._topic)


class BusReceiver(ConsoleLink):
    """The other end of the inner bus; messages come in order, gaps show in the tick numbers."""

    def __init__(self, credentials: Credentials, base_port: int) -> None:
        super().__init__(credentials, zmq.SUB, BUS)
        self.socket.setsockopt(zmq.RCVHWM, BUS_QUEUE)
        self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._connect(LOOPBACK, base_port)

    def receive(self, wait_ms: int) -> bytes | None:
        """The next message, None when none comes within `wait_ms`."""
        self.tend()
        taken = self._next() if self.socket.poll(wait_ms) else None
        return None if taken is None else taken[0].bytes


class Asker(ConsoleLink):
    """The console's end of a request channel; several requests may be under way."""

    def __init__(
        self,
        channel: Channel,
        credentials: Credentials,
        host: str,
        base_port: int,
        *,
        connect_ms: int = 0,
        pace: Pace = DRIVING,
    ) -> None:
        """`connect_ms` is when TCP's connecting is begun again; 0 leaves it to TCP."""
        super().__init__(credentials, zmq.DEALER, channel, pace=pace)
        self.socket.setsockopt(zmq.RCVHWM, REQUEST_QUEUE)
        self.socket.setsockopt(zmq.SNDHWM, REQUEST_QUEUE)
        # Without this a request to a robot that is away would be queued and carried out later.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.CONNECT_TIMEOUT, connect_ms)
        self._connect(host, base_port)

    def send(self, message: bytes) -> bool:
        """Send a request; False when there is no connection to send it on."""
        self.tend()
        try:
            self.socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def take(self) -> bytes | None:
        """The next reply, None when there is none; never waits."""
        self.tend()
        taken = self._next()
        return None if taken is None else taken[0].bytes

    def ask(
        self, message: bytes, timeout_ms: int, give_up: Callable[[], bool] = lambda: False
    ) -> bytes:
        """Send one request and wait for its reply, or until `give_up()`.

        Raises:
            NoAnswer: no connection, or no reply in time.
        """
        self.reach(timeout_ms, give_up)
        if not self.send(message):
            raise NoAnswer(f"the connection for {self.channel.name} was lost again")
        self._poll(zmq.POLLIN, timeout_ms, give_up, "answer on")
        reply = self._next()
        if reply is None:
            raise NoAnswer(f"no usable answer on {self.channel.name}")
        return reply[0].bytes

    def ready(self, wait_ms: int) -> bool:
        """Whether a request can be sent; waits so long for it."""
        self.tend()
        return bool(self.socket.poll(wait_ms, zmq.POLLOUT))

    def reach(self, timeout_ms: int, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until a request can be sent, or until `give_up()`.

        Raises:
            NoAnswer: no connection in time.
        """
        self._poll(zmq.POLLOUT, timeout_ms, give_up, "connection for")

    def _poll(self, what: int, timeout_ms: int, give_up: Callable[[], bool], missing: str) -> None:
        for _ in range(max(1, timeout_ms // ASK_SLICE_MS)):
            ready = bool(self.socket.poll(min(timeout_ms, ASK_SLICE_MS), what))
            trouble = self.trouble
            if ready:
                return
            if give_up():
                break
        why = f": {trouble}" if trouble is not None else ""
        raise NoAnswer(f"no {missing} {self.channel.name}{why}")


class Waiter:
    """Wakes one thread when a socket has something, or when another thread calls `wake`.

    Its own two sockets are inproc, within this process: nothing of them is on the network.
    """

    _made = 0

    def __init__(self) -> None:
        Waiter._made += 1
        name = f"inproc://waiter-{Waiter._made}"
        self._poller = zmq.Poller()
        self._inside = own_context().socket(zmq.PAIR)
        self._inside.setsockopt(zmq.LINGER, 0)
        self._inside.bind(name)
        self._poller.register(self._inside, zmq.POLLIN)
        self._address = name
        self._outside: Socket | None = None

    def watch(self, link: Link) -> None:
        """Wake for this socket, too."""
        self._poller.register(link.socket, zmq.POLLIN)

    def unwatch(self, link: Link) -> None:
        """Wake for it no more; before it is closed."""
        self._poller.unregister(link.socket)

    def wake(self) -> None:
        """Wake the waiting thread. One thread at a time: callers in several share a lock."""
        if self._outside is None:
            self._outside = own_context().socket(zmq.PAIR)
            self._outside.setsockopt(zmq.LINGER, 0)
            self._outside.setsockopt(zmq.SNDHWM, 1)
            self._outside.connect(self._address)
        try:
            self._outside.send(b"", zmq.NOBLOCK)
        except zmq.Again:
            return  # a wake is pending already

    def wait(self, timeout_ms: int) -> None:
        """Return when something has come, or after `timeout_ms`."""
        self._poller.poll(max(0, timeout_ms))
        while self._inside.poll(0):
            self._inside.recv(zmq.NOBLOCK)

    def close(self) -> None:
        """Close both ends; idempotent."""
        self._inside.close()
        if self._outside is not None:
            self._outside.close()
