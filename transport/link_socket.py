"""What every ZeroMQ socket of ours has: options, limits, and at a console's end what became of it.

Options are set before bind and connect: libzmq ignores them afterwards. The classes with a name for
what they carry are in `transport.control_link`.
"""

from __future__ import annotations

import contextlib
import secrets
import struct
from dataclasses import dataclass
from typing import Final

import zmq

from transport.channels import Channel
from transport.clock import now_ns
from transport.curve import Credentials, Socket, own_context
from transport.errors import LinkError
from transport.greeting import Look
from transport.handshake import Attempts, Seen, Trouble


@dataclass(frozen=True)
class Pace:
    """How often a console's socket asks for signs of life, and tries a robot that is away."""

    heartbeat_ms: int
    timeout_ms: int  # without an answer, either way, until the connection counts as dead
    reconnect_ms: int  # doubled with each attempt, up to …
    most_ms: int


# Measured on a lossy link: 250/1000 ms finds a dead connection in about a second without dropping
# live ones at 20 % loss; the defaults leave it to TCP, which takes four seconds and more.
DRIVING: Final = Pace(250, 1000, 50, 200)
# A hundred robots at once: those that answer cost four times less, those that are away ten times.
WATCHING: Final = Pace(1000, 3000, 250, 2000)
HANDSHAKE_MS: Final = 2000
BACKLOG: Final = 1000  # libzmq's 100 are filled by strangers faster than they are accepted
CURVE_BYTES: Final = 33  # what CURVE adds to each message
# libzmq holds MAXMSGSIZE against the handshake, too, and its INITIATE has 290 bytes: with 256
# nobody gets in (measured). A channel's own limit is checked after receiving.
HANDSHAKE_BYTES: Final = 512
PARTS_AT_ONCE: Final = 256  # taken in one call, half a millisecond; none of ours has more than two

_SEEN: Final = {
    zmq.EVENT_CONNECTED: Seen.CONNECTED,
    zmq.EVENT_HANDSHAKE_SUCCEEDED: Seen.ADMITTED,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: Seen.NOT_DECIDED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: Seen.FOREIGN,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: Seen.BROKEN,
    zmq.EVENT_CLOSED: Seen.REFUSED,
    zmq.EVENT_DISCONNECTED: Seen.ENDED,
    zmq.EVENT_CONNECT_RETRIED: Seen.RETRIED,
}
_SEEN_WITH_VALUE: Final = {
    (zmq.EVENT_HANDSHAKE_FAILED_AUTH, 400): Seen.NOT_ADMITTED,
    (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC): Seen.FORGED,
}


def prepared(
    made: Socket, channel: Channel, *, newest: bool = False, pace: Pace | None = None
) -> Socket:
    """`made` with the options that all of ours have.

    A console's sockets have a `pace`: they ask for signs of life and demand that the robot hears
    theirs. The robot's only answer and expect (`HEARTBEAT_TTL`). libzmq 4.3.5 ends a process whose
    own heartbeat is due on a connection that ended while its queue was full
    (stream_engine_base.cpp, `out_event`): anybody let in could end the robot's by a flood
    (tests/faults/test_flood.py).

    With `newest` a sender keeps only its newest message (CONFLATE), for streams. libzmq may then
    hold the last message back until the next one is sent, when its I/O thread was reading at that
    very moment (dbuffer_t::write gives up on a taken lock).

    Never conflate where others' messages are received: a conflating pipe hands over single parts,
    so a message in several parts, from anybody who is let in, makes libzmq abort the whole process
    (fq.cpp: `!_more`; happened in tests/links/test_curve.py). Receivers have short queues instead.
    """
    for option, value in (
        (zmq.LINGER, 0),
        (zmq.MAXMSGSIZE, max(channel.max_bytes + CURVE_BYTES, HANDSHAKE_BYTES)),
        (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
        (zmq.BACKLOG, BACKLOG),
        (zmq.CONFLATE, int(newest)),
    ):
        made.setsockopt(option, value)
    if pace is not None:
        made.setsockopt(zmq.HEARTBEAT_IVL, pace.heartbeat_ms)
        made.setsockopt(zmq.HEARTBEAT_TIMEOUT, pace.timeout_ms)
        made.setsockopt(zmq.HEARTBEAT_TTL, pace.timeout_ms)
        made.setsockopt(zmq.RECONNECT_IVL, pace.reconnect_ms)
        made.setsockopt(zmq.RECONNECT_IVL_MAX, pace.most_ms)
    return made


class Link:
    """One socket; it belongs to the thread that uses it."""

    def __init__(self, made: Socket, channel: Channel) -> None:
        self.channel = channel
        self.socket = made
        self.dropped = 0  # messages that were too large or had too many parts
        self._parts: list[zmq.Frame] = []  # of the message that is being taken

    def close(self, linger_ms: int = 0) -> None:
        """Close the socket, giving what is unsent up to `linger_ms`; idempotent."""
        self.socket.close(linger_ms)

    def _address(self, host: str, base_port: int) -> str:
        if ":" in host:
            self.socket.setsockopt(zmq.IPV6, 1)
            host = f"[{host.strip('[]')}]"
        return f"tcp://{host}:{base_port + self.channel.offset}"

    def _next(self, parts: int = 1) -> list[zmq.Frame] | None:
        """The next message of so many parts, None when there is none; never waits.

        Others are dropped and counted. The rest of one with thousands of parts waits for the next
        call, so that it costs a control tick no more than any other.
        """
        for _ in range(PARTS_AT_ONCE):
            try:
                frame = self.socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return None
            if len(self._parts) <= parts:  # one more than wanted tells that there are too many
                self._parts.append(frame)
            if frame.more:
                continue
            message, self._parts = self._parts, []
            if len(message) == parts and len(frame) <= self.channel.max_bytes:
                return message
            self._drop(frame)
        return None

    def _drop(self, last: zmq.Frame) -> None:
        """Take note of a message that is none of ours, by its last part."""
        self.dropped += 1


class ConsoleLink(Link):
    """A console's socket, with what becomes of its connection."""

    def __init__(
        self,
        credentials: Credentials,
        kind: int,
        channel: Channel,
        *,
        newest: bool = False,
        pace: Pace = DRIVING,
    ) -> None:
        made = prepared(credentials.socket(kind), channel, newest=newest, pace=pace)
        super().__init__(made, channel)
        self._attempts = Attempts()
        self._look: Look | None = None
        self._target = ("", 0)
        self._endpoint = ""
        # Without a limit: at its limit libzmq's I/O thread waits for the reader (measured), and
        # every socket of the process, STOP too, waits with it. Owners read it with each call.
        self._monitor = own_context().socket(zmq.PAIR)
        self._monitor.setsockopt(zmq.LINGER, 0)
        self._monitor.setsockopt(zmq.RCVHWM, 0)
        watched = f"inproc://connection-{secrets.token_hex(8)}"
        self.socket.monitor(watched, sum(_SEEN))
        self._monitor.connect(watched)

    def _connect(self, host: str, base_port: int) -> None:
        self._target = (host, base_port + self.channel.offset)
        self._endpoint = self._address(host, base_port)
        try:
            self.socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(
                f"{host}:{base_port} is not an address that can be used: {error}"
            ) from None

    def close(self, linger_ms: int = 0) -> None:
        """Close the socket, giving what is unsent up to `linger_ms`; idempotent."""
        if not self.socket.closed:
            self.socket.disable_monitor()
        self._monitor.close(0)
        if self._look is not None:
            self._look.close()
        super().close(linger_ms)

    @property
    def trouble(self) -> Trouble | None:
        """Why the robot is not reached, None while it is. Ask often: it may take a look there."""
        self.tend()
        self._look_there(now_ns())
        return self._attempts.trouble

    def tend(self) -> None:
        """Take note of what became of the connection, and make it anew when libzmq has given up.

        Every call that sends or takes does this; an owner that does neither calls it now and then.
        """
        stamp_ns = now_ns()
        while (seen := self._event()) is not None:
            self._attempts = self._attempts.after(seen, stamp_ns)
        if self._attempts.given_up(stamp_ns):
            self._attempts = self._attempts.after(Seen.RETRIED, stamp_ns)
            with contextlib.suppress(zmq.ZMQError):  # it may have forgotten the address already
                self.socket.disconnect(self._endpoint)
            self.socket.connect(self._endpoint)

    def _event(self) -> Seen | None:
        try:
            event, value = struct.unpack("=Hi", self._monitor.recv_multipart(zmq.NOBLOCK)[0])
        except zmq.Again:
            return None
        return _SEEN_WITH_VALUE.get((event, value)) or _SEEN[event]

    def _look_there(self, stamp_ns: int) -> None:
        """Find out whether it is a robot that ends our handshakes, or only a tunnel to one."""
        if self._look is None and self._attempts.suspicious(stamp_ns):
            self._look = Look(*self._target, stamp_ns)
        robot = None if self._look is None else self._look.result(stamp_ns)
        if robot is not None:
            self._attempts = self._attempts.looked(stamp_ns, robot=robot)
            self._look = None
