"""Every ZeroMQ socket of the product: the only module that imports zmq.

Each class wraps one socket (or one pair) and belongs to the thread that uses it. Options are set
before bind and connect: libzmq ignores them afterwards. Nothing here blocks longer than it is told
to, nothing queues without a bound, and closing never waits for a peer (LINGER 0).
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from typing import Final

import zmq

from transport.channels import (
    BUS,
    CHANNELS,
    COMMANDS,
    Channel,
)
from transport.errors import LinkError, NoAnswer, PortTaken

LOOPBACK: Final = "127.0.0.1"
# Measured on a lossy link: 250/1000 ms finds a dead connection in about a second without dropping
# live ones at 20 % loss; the defaults leave it to TCP, which takes four seconds and more.
HEARTBEAT_MS: Final = 250
HEARTBEAT_TIMEOUT_MS: Final = 1000
HANDSHAKE_MS: Final = 2000
BUS_QUEUE: Final = 2000  # ticks, 33 s: what the recorder may be behind before ticks are lost
REQUEST_QUEUE: Final = 100
ASK_SLICE_MS: Final = 200  # how long giving up may take to be noticed
LANES: Final = 2  # connections that carry each command; at 20 % loss nearly twice as many arrive

_context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()


class _Socket:
    """One socket with the options that all of ours have."""

    def __init__(self, kind: int, channel: Channel) -> None:
        self.channel = channel
        self.socket = _context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.MAXMSGSIZE, channel.max_bytes)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        self.socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)

    def _bind(self, host: str, base_port: int) -> None:
        port = base_port + self.channel.offset
        try:
            self.socket.bind(f"tcp://{host}:{port}")
        except zmq.ZMQError as error:
            self.close()
            if error.errno == zmq.EADDRINUSE:
                raise PortTaken(
                    f"port {port} ({self.channel.name}) is taken: is another agent running? "
                    f"Stop it, or choose other ports with --port"
                ) from None
            raise LinkError(f"cannot listen on {host}:{port}: {error}") from None

    def _connect(self, host: str, base_port: int) -> None:
        try:
            self.socket.connect(f"tcp://{host}:{base_port + self.channel.offset}")
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(
                f"{host}:{base_port} is not an address that can be used: {error}"
            ) from None

    def close(self, linger_ms: int = 0) -> None:
        """Close the socket, giving what is unsent up to `linger_ms`; idempotent."""
        self.socket.close(linger_ms)


class _Latest(_Socket):
    """A socket that keeps only the newest message.

    For streams only: libzmq may keep the last message back until the next one is sent, when the
    other side was reading at that very moment (dbuffer_t::write gives up on a taken lock).
    """

    def __init__(self, kind: int, channel: Channel) -> None:
        super().__init__(kind, channel)
        self.socket.setsockopt(zmq.CONFLATE, 1)


# --- robot ---


class CommandInbox(_Latest):
    """The robot's end of the commands; of each connection only the newest is kept."""

    def __init__(self, host: str, base_port: int) -> None:
        super().__init__(zmq.PULL, COMMANDS)
        self._bind(host, base_port)

    def drain(self, most: int = 32) -> list[bytes]:
        """What has arrived, at most `most` messages; never waits."""
        messages: list[bytes] = []
        while len(messages) < most:
            try:
                messages.append(self.socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                break
        return messages


class Publisher(_Latest):
    """Publishes the newest state; a slow listener misses states and blocks nobody."""

    def __init__(self, channel: Channel, host: str, base_port: int) -> None:
        super().__init__(zmq.PUB, channel)
        self._bind(host, base_port)

    def publish(self, message: bytes) -> None:
        """Send to whoever listens; never waits."""
        self.socket.send(message, zmq.NOBLOCK)


class Requests(_Socket):
    """The robot's end of a request channel: each request is answered once."""

    def __init__(self, channel: Channel, host: str, base_port: int) -> None:
        super().__init__(zmq.ROUTER, channel)
        self.socket.setsockopt(zmq.RCVHWM, REQUEST_QUEUE)
        self.socket.setsockopt(zmq.SNDHWM, REQUEST_QUEUE)
        self._bind(host, base_port)

    def receive(self, wait_ms: int = 0) -> tuple[bytes, bytes] | None:
        """(who, message) of the next request, None when there is none within `wait_ms`."""
        if not self.socket.poll(wait_ms):
            return None
        frames = self.socket.recv_multipart(zmq.NOBLOCK)
        return (frames[0], frames[1]) if len(frames) == 2 else None

    def reply(self, who: bytes, message: bytes) -> None:
        """Answer; a peer that has gone is not an error."""
        try:
            self.socket.send_multipart([who, message], zmq.NOBLOCK)
        except zmq.ZMQError:
            return


class BusSender(_Socket):
    """The robot's inner bus: every control tick, for the cameras and the recorder."""

    def __init__(self, base_port: int) -> None:
        super().__init__(zmq.PUB, BUS)
        self.socket.setsockopt(zmq.SNDHWM, BUS_QUEUE)
        self._bind(LOOPBACK, base_port)

    def send(self, message: bytes) -> None:
        """Hand on one message; never waits. A receiver too far behind loses it and sees the gap."""
        self.socket.send(message, zmq.NOBLOCK)


class BusReceiver(_Socket):
    """The other end of the inner bus; messages come in order, gaps show in the tick numbers."""

    def __init__(self, base_port: int) -> None:
        super().__init__(zmq.SUB, BUS)
        self.socket.setsockopt(zmq.RCVHWM, BUS_QUEUE)
        self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._connect(LOOPBACK, base_port)

    def receive(self, wait_ms: int) -> bytes | None:
        """The next message, None when none comes within `wait_ms`."""
        return self.socket.recv(zmq.NOBLOCK) if self.socket.poll(wait_ms) else None


# --- console ---


class CommandOutbox:
    """The console's end of the commands: each goes out on `LANES` connections."""

    def __init__(self, host: str, base_port: int) -> None:
        self._lanes = []
        for _ in range(LANES):
            lane = _Latest(zmq.PUSH, COMMANDS)
            lane._connect(host, base_port)
            self._lanes.append(lane)

    def send(self, message: bytes) -> None:
        """Send the newest command; an unsent older one is replaced."""
        for lane in self._lanes:
            try:
                lane.socket.send(message, zmq.NOBLOCK)
            except zmq.Again:
                continue  # not connected: the command would be old by the time it is

    def close(self) -> None:
        """Close all lanes; idempotent."""
        for lane in self._lanes:
            lane.close()


class Listener(_Latest):
    """Hears the newest state of one kind."""

    def __init__(self, channel: Channel, host: str, base_port: int) -> None:
        super().__init__(zmq.SUB, channel)
        self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._connect(host, base_port)

    def take(self) -> bytes | None:
        """The newest message not yet taken; never waits."""
        try:
            return self.socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None


class Asker(_Socket):
    """The console's end of a request channel; several requests may be under way."""

    def __init__(self, channel: Channel, host: str, base_port: int) -> None:
        super().__init__(zmq.DEALER, channel)
        self.socket.setsockopt(zmq.RCVHWM, REQUEST_QUEUE)
        self.socket.setsockopt(zmq.SNDHWM, REQUEST_QUEUE)
        # Without this a request to a robot that is away would be queued and carried out later.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self._connect(host, base_port)

    def send(self, message: bytes) -> bool:
        """Send a request; False when there is no connection to send it on."""
        try:
            self.socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def take(self) -> bytes | None:
        """The next reply, None when there is none; never waits."""
        try:
            return self.socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def ask(
        self, message: bytes, timeout_ms: int, give_up: Callable[[], bool] = lambda: False
    ) -> bytes:
        """Send one request and wait for its reply, or until `give_up()`.

        Raises:
            NoAnswer: no connection, or no reply in time.
        """
        slices = max(1, timeout_ms // ASK_SLICE_MS)
        for what in (zmq.POLLOUT, zmq.POLLIN):
            ready = False
            for _ in range(slices):
                ready = bool(self.socket.poll(min(timeout_ms, ASK_SLICE_MS), what))
                if ready or give_up():
                    break
            if not ready:
                missing = "connection for" if what == zmq.POLLOUT else "answer on"
                raise NoAnswer(f"no {missing} {self.channel.name}")
            if what == zmq.POLLOUT:
                self.socket.send(message, zmq.NOBLOCK)
        return self.socket.recv(zmq.NOBLOCK)


class Waiter:
    """Wakes one thread when a socket has something, or when another thread calls `wake`."""

    _made = 0

    def __init__(self) -> None:
        Waiter._made += 1
        name = f"inproc://waiter-{Waiter._made}"
        self._poller = zmq.Poller()
        self._inside = _context.socket(zmq.PAIR)
        self._inside.setsockopt(zmq.LINGER, 0)
        self._inside.bind(name)
        self._poller.register(self._inside, zmq.POLLIN)
        self._address = name
        self._outside: zmq.Socket[bytes] | None = None

    def watch(self, link: _Socket) -> None:
        """Wake for this socket, too."""
        self._poller.register(link.socket, zmq.POLLIN)

    def wake(self) -> None:
        """Wake the waiting thread. Only ever called from one thread (the window's)."""
        if self._outside is None:
            self._outside = _context.socket(zmq.PAIR)
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


def free_base_port() -> int:
    """A base port whose whole block is free at this moment, for a demonstration or a test.

    Raises:
        LinkError: no block was found.
    """
    for _ in range(50):
        # Below the range from which systems take ports for outgoing connections.
        base = 20_000 + secrets.randbelow(12_000)
        if all(_is_free(base + channel.offset) for channel in CHANNELS):
            return base
    raise LinkError("no free block of ports was found on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
