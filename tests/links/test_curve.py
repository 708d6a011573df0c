"""Who gets through a robot's sockets, on real ZeroMQ over loopback: keys, strangers, bad input."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import pytest
import zmq

from tests.faults.process_size import rss_mb
from tests.links.link_support import HANG_S, Robot, until
from transport.channels import (
    BUS,
    CHANNELS,
    COMMANDS,
    MEDIA_STATE,
    PAIRING,
    REQUESTS,
    STATE,
    STOP,
    VIDEO,
    Channel,
)
from transport.control_link import (
    LOOPBACK,
    Asker,
    BusReceiver,
    BusSender,
    CommandInbox,
    CommandOutbox,
    Listener,
    Publisher,
    Requests,
    Trouble,
    free_base_port,
)
from transport.curve import Credentials, Domain, Door, KeyPair, new_key_pair, own_context
from transport.errors import LinkError
from transport.greeting import OURS, Look, is_robots
from transport.link_socket import ConsoleLink, Link

RobotEnd = CommandInbox | Publisher | Requests | BusSender
ConsoleEnd = CommandOutbox | Listener | Asker | BusReceiver
Raw = zmq.Socket[bytes]
MESSAGE = b"one message, easily recognised"
# Counted instead of timed: a machine that stands still makes nobody wait for more of them.
LOOKS_IN_1_S = 180  # of `until`, at least
ROUNDS_IN_1_S = 45  # with a pause of 20 ms in each, at least


@dataclass
class Ends:
    """Makes both ends of any channel, and says whether something of one reaches the other."""

    robot: Robot
    port: int
    closing: ExitStack

    def robots(self, channel: Channel) -> RobotEnd:
        made: RobotEnd
        if channel is COMMANDS:
            made = CommandInbox(self.robot.door, LOOPBACK, self.port)
        elif channel in (STATE, MEDIA_STATE):
            made = Publisher(channel, self.robot.door, LOOPBACK, self.port)
        elif channel is BUS:
            made = BusSender(self.robot.door, self.port)
        else:
            made = Requests(channel, self.robot.door, LOOPBACK, self.port)
        self.closing.callback(made.close)
        return made

    def consoles(self, channel: Channel, credentials: Credentials) -> ConsoleEnd:
        made: ConsoleEnd
        if channel is COMMANDS:
            made = CommandOutbox(credentials, LOOPBACK, self.port)
        elif channel in (STATE, MEDIA_STATE):
            made = Listener(channel, credentials, LOOPBACK, self.port)
        elif channel is BUS:
            made = BusReceiver(credentials, self.port)
        else:
            made = Asker(channel, credentials, LOOPBACK, self.port)
        self.closing.callback(made.close)
        return made


@pytest.fixture
def ends(robot: Robot, port: int, closing: ExitStack) -> Ends:
    return Ends(robot, port, closing)


def passed(robots: RobotEnd, consoles: ConsoleEnd) -> list[str]:
    """Try once to get a message from one end to the other; whose key brought what came."""
    match robots, consoles:
        case CommandInbox(), CommandOutbox():
            consoles.send(MESSAGE)
            return [key for key, _ in robots.drain().messages]
        case Requests(), Asker():
            consoles.send(MESSAGE)
            asked = robots.receive()
            return [asked.key] if asked else []
        case Publisher(), Listener():
            robots.publish(MESSAGE)
            return ["heard"] if consoles.take() else []
        case BusSender(), BusReceiver():
            robots.send(MESSAGE)
            return ["heard"] if consoles.receive(0) else []
    raise AssertionError("these ends do not belong together")


def took(robots: RobotEnd) -> list[str]:
    """Take what lies at a robot's end; whose key brought it."""
    match robots:
        case CommandInbox():
            return [key for key, _ in robots.drain().messages]
        case Requests():
            asked = robots.receive()
            return [asked.key] if asked else []
    raise AssertionError("this end only sends")


class Server:
    """Something that listens and is no robot: `act` is what it does to each connection."""

    def __init__(self, act: Callable[[socket.socket], object], port: int = 0) -> None:
        self.connections = 0
        self._act = act
        self._held: list[socket.socket] = []
        self._listening = socket.create_server((LOOPBACK, port))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._listening.close()
        while self._thread.is_alive():  # it may be about to hold one more
            self._hang_up()
            self._thread.join(0.01)
        self._hang_up()

    def _hang_up(self) -> None:
        while self._held:
            held = self._held.pop()
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._held.append(connection)
                with contextlib.suppress(OSError):
                    self._act(connection)
                self.connections += 1


class Recorder(Server):
    """A tunnel to a robot that keeps what passes."""

    def __init__(self, to_port: int) -> None:
        super().__init__(self._open)
        self.sent = b""
        self.received = b""
        self._to_port = to_port
        self._pumps: list[threading.Thread] = []

    def _open(self, near: socket.socket) -> None:
        far = socket.create_connection((LOOPBACK, self._to_port))
        self._held.append(far)
        for source, sink, name in ((near, far, "sent"), (far, near, "received")):
            pump = threading.Thread(target=self._pump, args=(source, sink, name))
            self._pumps.append(pump)
            pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            while passing := source.recv(4096):
                setattr(self, name, getattr(self, name) + passing)
                sink.sendall(passing)
            sink.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for pump in self._pumps:
            pump.join()


def gather(into: list[str], more: list[str]) -> list[str]:
    into.extend(more)
    return into


# --- who comes in ---


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_a_stranger_reaches_nothing_and_disturbs_nobody(ends: Ends, channel: Channel) -> None:
    robots = ends.robots(channel)
    member = ends.robot.console()
    stranger = ends.consoles(channel, ends.robot.console(paired=False))
    until(lambda: passed(robots, stranger) or ends.robot.door.refused, "the stranger knocks")
    friend = ends.consoles(channel, member)
    came: list[str] = []
    until(lambda: gather(came, passed(robots, friend)), "the member gets through")
    for _ in range(20):
        came.extend(passed(robots, stranger))
        time.sleep(0.005)
    assert set(came) <= {member.own.public, "heard"}
    if not isinstance(stranger, CommandOutbox | Asker):
        assert set(came) == {"heard"}
        assert [one for _ in range(20) if (one := passed(robots, stranger))] == []
    assert not isinstance(stranger, Asker) or stranger.trouble is Trouble.NOT_PAIRED


@pytest.mark.parametrize("channel", [COMMANDS, STATE, REQUESTS, BUS], ids=lambda c: c.name)
def test_who_was_refused_comes_in_once_the_robot_admits_them(ends: Ends, channel: Channel) -> None:
    # libzmq itself never tries again after a refusal.
    robots = ends.robots(channel)
    credentials = ends.robot.console(paired=False)
    console = ends.consoles(channel, credentials)
    until(lambda: passed(robots, console) or ends.robot.door.refused, "a refusal")
    ends.robot.admitted.add(credentials.own.public)
    until(lambda: passed(robots, console), "let in")


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_a_console_that_expects_another_robot_sends_this_one_nothing(
    ends: Ends, channel: Channel
) -> None:
    robots = ends.robots(channel)
    with Recorder(ends.port + channel.offset) as wire:
        through = Ends(ends.robot, wire.port - channel.offset, ends.closing)
        own = new_key_pair()
        ends.robot.admitted.add(own.public)
        console = through.consoles(channel, Credentials(own, new_key_pair().public))
        until(lambda: passed(robots, console) or wire.connections > 2, "it tries")
        assert passed(robots, console) == []
        # A greeting and a HELLO with an ephemeral key, 202 bytes framed, each time; no more. Two
        # connections may just be beginning: their bytes pass before they are counted.
        assert len(wire.sent) <= (wire.connections + 2) * (len(OURS) + 202)
        assert MESSAGE not in wire.sent + wire.received


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_nothing_travels_in_the_clear(ends: Ends, channel: Channel) -> None:
    robots = ends.robots(channel)
    with Recorder(ends.port + channel.offset) as wire:
        through = Ends(ends.robot, wire.port - channel.offset, ends.closing)
        console = through.consoles(channel, ends.robot.console())
        until(lambda: passed(robots, console), "it gets through")
        assert wire.sent
        assert wire.received
        assert MESSAGE not in wire.sent + wire.received


@pytest.mark.parametrize("channel", [COMMANDS, STOP, REQUESTS, VIDEO], ids=lambda c: c.name)
def test_recorded_bytes_that_are_sent_again_bring_no_message(
    ends: Ends, channel: Channel, closing: ExitStack
) -> None:
    robots = ends.robots(channel)
    kind = zmq.PUSH if channel is COMMANDS else zmq.DEALER
    with Recorder(ends.port + channel.offset) as wire:
        console = raw_client(kind, ends.robot, new_key_pair(), wire.port)
        closing.callback(console.close)
        for _ in range(5):
            console.send(MESSAGE)
        came: list[str] = []
        until(lambda: len(gather(came, took(robots))) == 5, "it gets through")
        recorded = wire.sent
        console.close()
    greeting, hello = len(OURS), 202
    assert len(recorded) > greeting + hello + 5 * len(MESSAGE)
    for _ in range(3):
        with socket.create_connection((LOOPBACK, ends.port + channel.offset)) as again:
            again.settimeout(HANG_S)
            # As the console did: each part once the robot has answered the one before.
            again.sendall(recorded[:greeting])
            assert heard(again, greeting) == OURS
            again.sendall(recorded[greeting:][:hello])
            assert b"WELCOME" in heard(again, 170), "it looks like a console so far"
            with contextlib.suppress(ConnectionError):
                again.sendall(recorded[greeting + hello :])
                assert again.recv(4096) == b"", "the robot ends it"
    member = ends.robot.console()
    friend = ends.consoles(channel, member)
    since: list[str] = []
    until(lambda: len(gather(since, passed(robots, friend))) > 5, "others come in")
    assert set(since) == {member.own.public}


def heard(wire: socket.socket, size: int) -> bytes:
    """So many bytes of what a robot says."""
    said = b""
    while len(said) < size and (more := wire.recv(size - len(said))):
        said += more
    return said


def test_a_client_without_keys_reaches_nothing(ends: Ends) -> None:
    robots = ends.robots(REQUESTS)
    bare: Raw = zmq.Context.instance().socket(zmq.DEALER)
    bare.setsockopt(zmq.LINGER, 0)
    ends.closing.callback(bare.close)
    bare.connect(f"tcp://{LOOPBACK}:{ends.port + REQUESTS.offset}")
    bare.send(b"let me in")
    friend = ends.consoles(REQUESTS, ends.robot.console())
    came: list[str] = []
    until(lambda: len(gather(came, passed(robots, friend))) > 5)
    assert "" not in came
    assert len(set(came)) == 1


def test_a_list_that_cannot_be_read_admits_nobody_and_ends_nothing(
    port: int, closing: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [True]

    def admits(channel: str, key: str) -> bool:
        if broken:
            raise OSError("the disk is gone")
        return True

    keys = new_key_pair()
    door = Door(keys, admits)
    closing.callback(door.close)
    requests = Requests(REQUESTS, door, LOOPBACK, port)
    console = Asker(REQUESTS, Credentials(new_key_pair(), keys.public), LOOPBACK, port)
    closing.callback(console.close)
    until(lambda: console.send(MESSAGE) or door.refused > 1, "two refusals")
    assert console.trouble is Trouble.UNREACHABLE, "whether it is paired is not known"
    assert [r.message for r in caplog.records].count("") == 0
    assert sum("the disk is gone" in r.message for r in caplog.records) == 1, "said once"
    broken.clear()
    until(lambda: console.send(MESSAGE), "let in")
    until(lambda: requests.receive(), "heard")


# --- whose message it is ---


def raw_client(kind: int, robot: Robot, own: KeyPair, port: int, routing_id: bytes = b"") -> Raw:
    """A client that does as it likes, with a key the robot admits."""
    robot.admitted.add(own.public)
    made = Credentials(own, robot.keys.public).socket(kind)
    made.setsockopt(zmq.LINGER, 0)
    if routing_id:
        made.setsockopt(zmq.ROUTING_ID, routing_id)
    made.connect(f"tcp://{LOOPBACK}:{port}")
    return made


def test_a_request_carries_the_key_of_its_connection_whatever_id_that_takes(
    ends: Ends, closing: ExitStack
) -> None:
    requests = ends.robots(REQUESTS)
    assert isinstance(requests, Requests)
    victim, liar = new_key_pair(), new_key_pair()
    for own in (victim, liar):
        pose = raw_client(
            zmq.DEALER, ends.robot, own, ends.port + REQUESTS.offset, victim.public.encode()
        )
        closing.callback(pose.close)
        pose.send(own.public.encode())
        heard: list[bytes] = []

        def next_request(heard: list[bytes] = heard) -> bool:
            asked = requests.receive(10)
            if asked is not None:
                assert asked.who == victim.public.encode()
                assert asked.key.encode() == asked.message, "the key is the sender's own"
                heard.append(asked.message)
            return bool(heard)

        until(next_request, "the request")
        pose.close()
        for _ in range(5):  # a routing id is free again when the robot's socket has seen it go
            assert requests.receive(10) is None


def test_a_command_carries_the_key_of_its_connection(ends: Ends, closing: ExitStack) -> None:
    inbox = ends.robots(COMMANDS)
    assert isinstance(inbox, CommandInbox)
    keys = [new_key_pair() for _ in range(3)]
    senders = [raw_client(zmq.PUSH, ends.robot, own, ends.port) for own in keys]
    for sender in senders:
        closing.callback(sender.close)
    seen: set[str] = set()

    def all_came() -> bool:
        for own, sender in zip(keys, senders, strict=True):
            with contextlib.suppress(zmq.Again):
                sender.send(own.public.encode(), zmq.NOBLOCK)
        for key, message in inbox.drain().messages:
            assert key.encode() == message
            seen.add(key)
        return len(seen) == 3

    until(all_came)


# --- cutting off ---


def test_a_cut_keeps_a_revoked_listener_out_and_gives_the_other_back_at_once(ends: Ends) -> None:
    publisher = ends.robots(STATE)
    assert isinstance(publisher, Publisher)
    gone, stays = ends.robot.console(), ends.robot.console()
    revoked, kept = (ends.consoles(STATE, one) for one in (gone, stays))
    assert isinstance(revoked, Listener)
    assert isinstance(kept, Listener)
    for listener in (revoked, kept):
        until(lambda listener=listener: publisher.publish(b"1") or listener.take())  # type: ignore[misc,func-returns-value]
    assert publisher.guests == {gone.own.public, stays.own.public}
    ends.robot.admitted.discard(gone.own.public)
    publisher.cut()
    cut_s, looks = time.monotonic(), 0

    def is_back() -> bool:
        nonlocal looks
        looks += 1
        publisher.publish(b"2")
        return kept.take() == b"2"

    until(is_back, "the other one is back")
    assert looks < LOOKS_IN_1_S

    def is_told() -> bool:
        publisher.publish(b"2")
        assert revoked.take() in (None, b"1")
        knocked = time.monotonic() - cut_s > 1.2  # it does so twice a second
        return knocked and revoked.trouble is Trouble.NOT_PAIRED

    until(is_told, "the revoked one is told why")
    until(lambda: publisher.guests == {stays.own.public})


def test_a_cut_while_the_port_is_busy_is_made_up_for(ends: Ends, closing: ExitStack) -> None:
    publisher = ends.robots(STATE)
    assert isinstance(publisher, Publisher)
    listener = ends.consoles(STATE, ends.robot.console())
    assert isinstance(listener, Listener)
    publisher.socket.close()
    until(lambda: can_bind(ends.port + STATE.offset), "the port is free")
    with socket.create_server((LOOPBACK, ends.port + STATE.offset)):
        publisher.cut()
        publisher.publish(b"into the void")
    until(lambda: publisher.publish(b"again") or listener.take())  # type: ignore[func-returns-value]


def can_bind(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


# --- what a console is told ---


def ignore(_: socket.socket) -> None:
    """Say nothing, and hold the line."""


def hang_up(connection: socket.socket) -> None:
    connection.close()


def hang_up_after_reading(connection: socket.socket) -> None:
    connection.recv(64)
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def web(connection: socket.socket) -> None:
    connection.recv(64)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    connection.close()


def read(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (more := connection.recv(count - len(got))):
        got += more
    return got


def greet_and_hang(connection: socket.socket) -> None:
    """What a robot's process does that was stopped just then."""
    connection.sendall(OURS)


def forge(connection: socket.socket) -> None:
    """Answer HELLO without the key that could make the answer."""
    connection.sendall(OURS)
    read(connection, len(OURS) + 202)
    welcome = b"\x07WELCOME" + os.urandom(160)
    connection.sendall(b"\x04" + bytes([len(welcome)]) + welcome)


def told(asker: Asker, enough: Callable[[], bool]) -> list[Trouble | None]:
    """Every trouble that was seen until there was enough, in order; what is short may be missed."""
    seen: list[Trouble | None] = []

    def look() -> bool:
        last = enough()  # first, so that what made it enough is among what is seen
        trouble = asker.trouble
        if not seen or seen[-1] is not trouble:
            seen.append(trouble)
        return last

    until(look)
    return seen


@pytest.fixture
def askers(robot: Robot, closing: ExitStack) -> Callable[[int], Asker]:
    """Makes consoles that expect the robot where something else is."""

    def made(port: int) -> Asker:
        asker = Asker(REQUESTS, robot.console(), LOOPBACK, port - REQUESTS.offset)
        closing.callback(asker.close)
        return asker

    return made


@pytest.mark.parametrize("act", [hang_up, hang_up_after_reading, reset], ids=lambda f: f.__name__)
def test_a_tunnel_to_a_robot_that_is_off_is_not_taken_for_another_robot(
    askers: Callable[[int], Asker], act: Callable[[socket.socket], object]
) -> None:
    with Server(act) as tunnel:
        asker = askers(tunnel.port)
        assert told(asker, lambda: tunnel.connections > 6) == [Trouble.UNREACHABLE]


def test_silence_is_not_taken_for_another_robot(askers: Callable[[int], Asker]) -> None:
    with Server(ignore) as silent, Server(greet_and_hang) as hung:
        # The second attempt begins when the first has been given up, after 2 s.
        first, second = askers(silent.port), askers(hung.port)

        def tried_again() -> bool:
            assert {first.trouble, second.trouble} == {Trouble.UNREACHABLE}
            return silent.connections > 1 and hung.connections > 1

        until(tried_again)


@pytest.mark.parametrize("what", ["web", "no keys"])
def test_a_console_finds_the_robot_that_takes_the_place_of_something_else(
    robot: Robot, closing: ExitStack, askers: Callable[[int], Asker], port: int, what: str
) -> None:
    # libzmq itself never tries again after these.
    place = port + REQUESTS.offset
    if what == "web":
        with Server(web, place) as server:
            asker = askers(place)
            assert told(asker, lambda: server.connections > 1) == [Trouble.UNREACHABLE]
    else:
        bare: Raw = zmq.Context.instance().socket(zmq.ROUTER)
        bare.bind(f"tcp://{LOOPBACK}:{place}")
        asker = askers(place)
        begin_s = time.monotonic()
        assert told(asker, lambda: time.monotonic() - begin_s > 0.3) == [Trouble.UNREACHABLE]
        bare.close(0)
    until(lambda: can_bind(place))
    closing.callback(Requests(REQUESTS, robot.door, LOOPBACK, port).close)
    until(lambda: asker.send(MESSAGE))
    until(lambda: asker.trouble is None, "the robot is there")


def test_a_forged_answer_is_another_robot(askers: Callable[[int], Asker]) -> None:
    with Server(forge) as forger:
        asker = askers(forger.port)
        seen = told(asker, lambda: asker.trouble is Trouble.WRONG_ROBOT_KEY)
        assert forger.connections > 0
        assert set(seen) <= {Trouble.UNREACHABLE, Trouble.WRONG_ROBOT_KEY}


def test_another_robot_is_named_as_such_and_the_right_one_clears_it(
    robot: Robot, closing: ExitStack, askers: Callable[[int], Asker], port: int
) -> None:
    other = Robot()
    closing.callback(other.door.close)
    imposter = Requests(REQUESTS, other.door, LOOPBACK, port)
    closing.callback(imposter.close)
    asker = askers(port + REQUESTS.offset)
    seen = told(asker, lambda: asker.trouble is Trouble.WRONG_ROBOT_KEY)
    assert set(seen) <= {Trouble.UNREACHABLE, Trouble.WRONG_ROBOT_KEY}
    with pytest.raises(LinkError, match="wrong robot key"):
        asker.ask(MESSAGE, 100)
    assert other.door.refused == 0, "it never learned who knocked"
    imposter.close()
    until(lambda: asker.trouble is Trouble.UNREACHABLE, "it has gone")
    closing.callback(Requests(REQUESTS, robot.door, LOOPBACK, port).close)
    until(lambda: asker.trouble is None, "the right one is there")


def test_a_console_is_told_when_it_is_admitted_when_not_and_when_the_robot_leaves(
    robot: Robot, closing: ExitStack, port: int
) -> None:
    credentials = robot.console(paired=False)
    requests = Requests(REQUESTS, robot.door, LOOPBACK, port)
    asker = Asker(REQUESTS, credentials, LOOPBACK, port)
    closing.callback(asker.close)
    assert told(asker, lambda: asker.trouble is Trouble.NOT_PAIRED)[-1] is Trouble.NOT_PAIRED
    robot.admitted.add(credentials.own.public)
    until(lambda: asker.trouble is None)
    requests.close()
    seen = told(asker, lambda: asker.trouble is not None)
    assert set(seen) <= {None, Trouble.UNREACHABLE}


def test_a_link_that_nobody_tends_does_not_stop_the_others(
    robot: Robot, closing: ExitStack, port: int
) -> None:
    # With a limit on its monitor, 2000 events would block the I/O thread of every link.
    with Server(hang_up) as tunnel:
        untended = ConsoleLink(robot.console(), zmq.DEALER, REQUESTS)
        closing.callback(untended.close)
        untended.socket.setsockopt(zmq.RECONNECT_IVL, 1)
        untended.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1)
        untended._connect(LOOPBACK, tunnel.port - REQUESTS.offset)
        until(lambda: tunnel.connections > 800, "more events than any limit", 60.0)
        closing.callback(Requests(STOP, robot.door, LOOPBACK, port).close)
        stop = Asker(STOP, robot.console(), LOOPBACK, port)
        closing.callback(stop.close)
        until(lambda: stop.send(b"stop"))


# --- bad input ---

ZMTP_2 = b"\xff" + bytes(7) + b"\x01\x7f\x01\x05\x00\x00"
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(200)
HTTP = b"GET / HTTP/1.1\r\nHost: robot\r\n\r\n"
NULL_GREETING = OURS.replace(b"CURVE", b"NULL\0")
FLAT_MB = 16.0  # both ends and a hundred connections are in this process
HUGE_FRAME = OURS + b"\x06" + (1 << 40).to_bytes(8, "big")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors through Linux's /proc")
def test_strangers_are_shown_out_and_a_member_notices_nothing(ends: Ends) -> None:
    requests = ends.robots(REQUESTS)
    friend = ends.consoles(REQUESTS, ends.robot.console())
    until(lambda: passed(requests, friend))
    before, before_mb = descriptors(), rss_mb(os.getpid())
    opening = [b""] * 40 + [HTTP, TLS_HELLO, ZMTP_2, NULL_GREETING, HUGE_FRAME, OURS] * 10
    strangers = [socket.create_connection((LOOPBACK, ends.port + REQUESTS.offset)) for _ in opening]
    drips = [socket.create_connection((LOOPBACK, ends.port + REQUESTS.offset)) for _ in range(10)]
    for stranger, first in zip(strangers, opening, strict=True):
        stranger.sendall(first)
        stranger.setblocking(False)
    waiting = set(strangers + drips)
    looks, position = [0], 0

    def is_heard() -> bool:
        looks[-1] += 1
        return bool(passed(requests, friend))

    begin_s = time.monotonic()
    while waiting:
        looks.append(0)
        until(is_heard, "the member's request")
        for drip in waiting & set(drips):  # one byte at a time
            with contextlib.suppress(OSError):
                drip.send(OURS[position % 64 : position % 64 + 1])
        position += 1
        waiting = {one for one in waiting if not shown_out(one)}
        assert time.monotonic() - begin_s < HANG_S, f"{len(waiting)} are still there"
        time.sleep(0.02)
    assert position < 5 * ROUNDS_IN_1_S, "2 s is what a handshake may take"
    assert rss_mb(os.getpid()) - before_mb < FLAT_MB, "nothing is kept for what was announced"
    assert max(looks) < LOOKS_IN_1_S
    for stranger in strangers + drips:
        stranger.close()
    until(lambda: descriptors() <= before, "descriptors are free again")


def shown_out(stranger: socket.socket) -> bool:
    stranger.setblocking(False)
    try:
        while stranger.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("channel", [REQUESTS, STOP, VIDEO, PAIRING], ids=lambda c: c.name)
def test_a_request_above_its_limit_is_not_heard(
    ends: Ends, closing: ExitStack, channel: Channel
) -> None:
    requests = ends.robots(channel)
    assert isinstance(requests, Requests)
    friend = ends.consoles(channel, ends.robot.console())
    loud = raw_client(zmq.DEALER, ends.robot, new_key_pair(), ends.port + channel.offset)
    closing.callback(loud.close)
    allowed, small = channel.max_bytes, 8
    for size in (allowed, allowed + 1, allowed * 20):
        loud.send(bytes(size))
    sizes: set[int] = set()

    def heard_all() -> bool:
        loud.send(bytes(small))
        asked = requests.receive(5)
        sizes.update([len(asked.message)] if asked else [])
        return small in sizes

    until(heard_all)
    assert sizes <= {small, allowed}
    until(lambda: passed(requests, friend), "a member is heard as before")


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory through Linux's /proc")
def test_a_message_of_many_parts_is_dropped_counted_and_costs_no_tick(
    ends: Ends, closing: ExitStack
) -> None:
    requests = ends.robots(REQUESTS)
    assert isinstance(requests, Requests)
    loud = raw_client(zmq.DEALER, ends.robot, new_key_pair(), ends.port + REQUESTS.offset)
    closing.callback(loud.close)
    for parts in ([b"two", b"parts"], [b""] * 3, [b"%d" % n for n in range(10_000)]):
        loud.send_multipart(parts)
    slowest_s = 0.0

    def all_dropped() -> bool:
        nonlocal slowest_s
        begin_s = time.monotonic()
        assert requests.receive(0) is None
        slowest_s = max(slowest_s, time.monotonic() - begin_s)
        return requests.dropped == 3

    until(all_dropped)
    before_mb = rss_mb(os.getpid())
    for number in range(10):  # the same again leaves nothing behind
        loud.send_multipart([b"%d" % n for n in range(10_000)])
        until(lambda n=number: requests.receive(0) is None and requests.dropped == 4 + n)
    assert rss_mb(os.getpid()) - before_mb < FLAT_MB
    assert slowest_s < 0.05
    member = ends.robot.console()
    friend = ends.consoles(REQUESTS, member)
    until(lambda: passed(requests, friend) == [member.own.public])


def test_commands_in_many_parts_are_dropped_and_counted(ends: Ends, closing: ExitStack) -> None:
    # On a conflating socket the first of these would abort this process within a few tries.
    inbox = ends.robots(COMMANDS)
    assert isinstance(inbox, CommandInbox)
    loud = raw_client(zmq.PUSH, ends.robot, new_key_pair(), ends.port)
    closing.callback(loud.close)
    came: list[str] = []
    for _ in range(30):
        loud.send_multipart([b"%d" % n for n in range(1_000)])
        messages, drops = inbox.drain()
        assert messages == []
        came += drops

    def all_dropped() -> bool:
        came.extend(inbox.drain().drops)
        return len(came) >= 30

    until(all_dropped)
    assert inbox.dropped == 30
    assert len(came) == 30
    assert len(set(came)) == 1, "who sent them is known"
    member = ends.robot.console()
    friend = ends.consoles(COMMANDS, member)
    until(lambda: set(passed(inbox, friend)) == {member.own.public})


def test_a_robot_that_sends_many_parts_does_not_end_the_console(
    ends: Ends, closing: ExitStack
) -> None:
    hostile = ends.robot.door.socket(zmq.PUB, STATE)
    closing.callback(hostile.close)
    hostile.bind(f"tcp://{LOOPBACK}:{ends.port + STATE.offset}")
    listener = ends.consoles(STATE, ends.robot.console())
    assert isinstance(listener, Listener)

    def some_dropped() -> bool:
        hostile.send_multipart([b"%d" % n for n in range(1_000)], zmq.NOBLOCK)
        assert listener.take() is None
        return listener.dropped > 20

    until(some_dropped)


# A process of its own: libzmq ends one that leaves in the middle of a message in many parts.
NONSENSE = """
import sys, zmq
public, secret, robot, port = sys.argv[1:]
hostile = zmq.Context().socket(zmq.XSUB)
hostile.curve_publickey, hostile.curve_secretkey = public.encode(), secret.encode()
hostile.curve_serverkey = robot.encode()
hostile.connect(f"tcp://127.0.0.1:{port}")
for _ in range(200):
    hostile.send_multipart([b"\\x01topic", b"\\x00", b"\\x07" * 500, b"\\x01"] * 20)
hostile.close(500)
"""


def test_a_listener_that_sends_nonsense_does_not_end_the_publisher(ends: Ends) -> None:
    publisher = ends.robots(STATE)
    assert isinstance(publisher, Publisher)
    own = new_key_pair()
    ends.robot.admitted.add(own.public)
    friend = ends.consoles(STATE, ends.robot.console())
    hostile = subprocess.Popen(
        [
            *(sys.executable, "-c", NONSENSE, own.public, own.secret),
            *(ends.robot.keys.public, str(ends.port + STATE.offset)),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        limit_s = time.monotonic() + HANG_S
        while hostile.poll() is None and time.monotonic() < limit_s:
            publisher.publish(MESSAGE)
    finally:
        hostile.kill()
        hostile.wait()
    until(lambda: passed(publisher, friend))


def test_a_command_above_its_limit_is_not_heard(ends: Ends, closing: ExitStack) -> None:
    inbox = ends.robots(COMMANDS)
    assert isinstance(inbox, CommandInbox)
    own = new_key_pair()
    loud = raw_client(zmq.PUSH, ends.robot, own, ends.port)
    closing.callback(loud.close)
    came: set[int] = set()

    def small_came() -> bool:
        for size in (COMMANDS.max_bytes + 1, 1 << 20, 1):
            with contextlib.suppress(zmq.Again):
                loud.send(bytes(size), zmq.NOBLOCK)
        came.update(len(message) for _, message in inbox.drain().messages)
        return 1 in came

    until(small_came)
    assert max(came) <= COMMANDS.max_bytes


# --- the door itself ---


def test_a_guest_who_is_refused_a_second_connection_still_has_the_first(ends: Ends) -> None:
    publisher = ends.robots(STATE)
    assert isinstance(publisher, Publisher)
    member = ends.robot.console()
    listener = ends.consoles(STATE, member)
    until(lambda: passed(publisher, listener))
    ends.robot.admitted.discard(member.own.public)
    second = ends.consoles(STATE, member)
    assert isinstance(second, Listener)
    until(lambda: second.trouble is Trouble.NOT_PAIRED)
    assert publisher.guests == {member.own.public}, "whoever cuts off must find it"
    ends.robot.door._decision(STATE.name, new_key_pair().public)
    assert publisher.guests == {member.own.public}, "strangers are no guests"


def test_strangers_with_new_keys_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    robot = Robot()
    try:
        with caplog.at_level("WARNING", "keys"):
            for _ in range(500):
                assert robot.door._decision("requests", new_key_pair().public)[0] == b"400"
    finally:
        robot.door.close()
    assert robot.door.refused == 500
    assert 1 <= len(caplog.records) < 10
    assert len(robot.door._strangers) <= 64
    assert robot.door.guests(REQUESTS) == frozenset()


def test_a_process_may_have_many_consoles() -> None:
    # libzmq's own limit is 1023 sockets for each context, and a console has 20.
    assert own_context().get(zmq.MAX_SOCKETS) == 8192


def doors() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "door"]


def test_a_door_closes_with_everything_on_it_and_leaves_nothing(port: int) -> None:
    assert doors() == []
    before = descriptors() if sys.platform == "linux" else 0
    for _ in range(5):
        robot = Robot()
        console = Asker(REQUESTS, robot.console(), LOOPBACK, port)
        requests = Requests(REQUESTS, robot.door, LOOPBACK, port)
        CommandInbox(robot.door, LOOPBACK, port)
        Publisher(STATE, robot.door, LOOPBACK, port)
        until(lambda: console.send(MESSAGE))  # noqa: B023
        assert doors() == ["door"]
        console.close()
        robot.door.close()
        robot.door.close()
        requests.close()
        assert doors() == []
        with pytest.raises(zmq.ZMQError):
            robot.door.socket(zmq.PULL, COMMANDS)
        until(lambda: all(can_bind(port + c.offset) for c in (COMMANDS, STATE, REQUESTS)))
    if sys.platform == "linux":
        until(lambda: descriptors() <= before + 2, "descriptors are free again")


def test_a_last_answer_still_leaves_while_the_door_closes(ends: Ends) -> None:
    requests = ends.robots(REQUESTS)
    assert isinstance(requests, Requests)
    asker = ends.consoles(REQUESTS, ends.robot.console())
    assert isinstance(asker, Asker)
    until(lambda: asker.send(MESSAGE))
    asked = requests.receive(10_000)
    assert asked is not None
    requests.reply(asked.who, b"farewell")
    requests.close(linger_ms=5_000)
    ends.robot.door.close()
    until(lambda: asker.take() == b"farewell")


def test_every_channel_has_a_domain_and_no_two_share_one() -> None:
    assert [Domain(channel.name) for channel in CHANNELS] == list(Domain)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_a_door_is_asked_for_the_channel_and_the_key(
    closing: ExitStack, port: int, channel: Channel
) -> None:
    asked: list[tuple[str, str]] = []
    keys, own = new_key_pair(), new_key_pair()

    def admits(channel: str, key: str) -> bool:
        asked.append((channel, key))
        return True

    door = Door(keys, admits)
    closing.callback(door.close)
    made = Robot()
    made.door.close()
    made.door, made.keys = door, keys
    ends = Ends(made, port, closing)
    robots = ends.robots(channel)
    consoles = ends.consoles(channel, Credentials(own, keys.public))
    until(lambda: passed(robots, consoles))
    assert set(asked) == {(channel.name, own.public)}


@pytest.mark.parametrize("missing", ["curve", "version"])
def test_a_zeromq_that_cannot_keep_strangers_out_is_refused(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = new_key_pair()
    if missing == "curve":
        monkeypatch.setattr(zmq, "has", lambda what: what != "curve")
    else:
        monkeypatch.setattr(zmq, "zmq_version_info", lambda: (4, 3, 4))
    for start in (
        new_key_pair,
        lambda: Door(keys, lambda *_: True),
        lambda: Credentials(keys, keys.public).socket(zmq.DEALER),
    ):
        with pytest.raises(LinkError, match=r"4\.3\.5 with CURVE"):
            start()
    assert doors() == []


def test_damaged_keys_are_refused_in_words(closing: ExitStack) -> None:
    keys = new_key_pair()
    with pytest.raises(LinkError, match="no CURVE key"):
        Credentials(keys, "too short").socket(zmq.DEALER)
    door = Door(KeyPair(keys.public, keys.secret[:-1]), lambda *_: True)
    closing.callback(door.close)
    with pytest.raises(LinkError, match="no CURVE key"):
        door.socket(zmq.PULL, COMMANDS)


def test_a_secret_is_not_shown() -> None:
    keys = new_key_pair()
    shown = repr(keys) + repr(Credentials(keys, keys.public))
    assert keys.public in shown
    assert keys.secret not in shown


# --- what each socket was told before it was bound or connected ---

# Only consoles ask for signs of life: libzmq may end a process that does while it is flooded.
ROBOT_OPTIONS = {zmq.CURVE_SERVER: 1, zmq.ZAP_ENFORCE_DOMAIN: 1, zmq.HEARTBEAT_IVL: 0}
CONSOLE_OPTIONS = {
    zmq.CURVE_SERVER: 0,
    zmq.HEARTBEAT_IVL: 250,
    zmq.HEARTBEAT_TIMEOUT: 1000,
    zmq.HEARTBEAT_TTL: 1000,
    zmq.RECONNECT_IVL: 50,  # a robot's sockets are bound
    zmq.RECONNECT_IVL_MAX: 200,
}
ALL_OPTIONS = {
    zmq.MECHANISM: zmq.CURVE,
    zmq.LINGER: 0,
    zmq.HANDSHAKE_IVL: 2000,
}
# Senders of streams only: a receiver that conflates can be aborted by its peer.
CONFLATING = (Publisher, CommandOutbox)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_options_are_set(ends: Ends, channel: Channel) -> None:
    both = {**ALL_OPTIONS, zmq.MAXMSGSIZE: max(channel.max_bytes + 33, 512)}
    robots = ends.robots(channel)
    wanted = {**both, **ROBOT_OPTIONS, zmq.CONFLATE: int(isinstance(robots, CONFLATING))}
    assert options(robots.socket, wanted) == wanted
    assert robots.socket.getsockopt_string(zmq.ZAP_DOMAIN) == channel.name
    console = ends.consoles(channel, ends.robot.console())
    lanes: list[Link] = list(console._lanes) if isinstance(console, CommandOutbox) else [console]
    assert len(lanes) == (2 if channel is COMMANDS else 1)
    wanted = {**both, **CONSOLE_OPTIONS, zmq.CONFLATE: int(isinstance(console, CONFLATING))}
    for lane in lanes:
        assert options(lane.socket, wanted) == wanted
    match robots, console:
        case Requests(), Asker():
            assert console.socket.getsockopt(zmq.IMMEDIATE) == 1
            assert queues(robots) == queues(console) == (100, 100)
        case BusSender(), BusReceiver():
            assert queues(robots)[1] == queues(console)[0] == 2000
        case CommandInbox(), _:
            assert queues(robots)[0] == 64
        case _, Listener():
            assert queues(console)[0] == 10_000


def queues(link: Link) -> tuple[int, int]:
    """(received, to be sent) that may wait on each connection."""
    return link.socket.getsockopt(zmq.RCVHWM), link.socket.getsockopt(zmq.SNDHWM)  # type: ignore[return-value]


def options(made: Raw, wanted: Mapping[Any, int]) -> dict[int, object]:
    return {option: made.getsockopt(option) for option in wanted}


def test_a_publisher_that_was_cut_has_its_options_again(ends: Ends) -> None:
    publisher = ends.robots(STATE)
    assert isinstance(publisher, Publisher)
    publisher.cut()
    until(lambda: publisher.publish(b"") or not publisher.socket.closed)  # type: ignore[func-returns-value]
    wanted = {**ALL_OPTIONS, **ROBOT_OPTIONS, zmq.CONFLATE: 1}
    assert options(publisher.socket, wanted) == wanted
    assert publisher.socket.getsockopt_string(zmq.ZAP_DOMAIN) == "state"


# --- the greeting ---


def test_a_robots_greeting_is_told_from_others() -> None:
    assert is_robots(OURS)
    for other in (
        b"",
        OURS[:63],
        NULL_GREETING,
        ZMTP_2.ljust(64, b"\0"),
        HTTP.ljust(64),
        bytes(64),
    ):
        assert not is_robots(other)


def test_a_look_at_a_robot_costs_no_handshake(ends: Ends) -> None:
    ends.robots(REQUESTS)
    look = Look(LOOPBACK, ends.port + REQUESTS.offset, time.monotonic_ns())
    until(lambda: look.result(time.monotonic_ns()) is not None)
    assert ends.robot.door.refused == 0


def test_looks_end() -> None:
    begin_ns = time.monotonic_ns()
    nothing = Look(LOOPBACK, free_base_port(), begin_ns)
    until(lambda: nothing.result(time.monotonic_ns()) is False)
    assert Look("no.such.name.invalid", 7600, begin_ns).result(begin_ns) is False
    with Server(ignore) as silent:
        look = Look(LOOPBACK, silent.port, begin_ns)
        assert look.result(begin_ns) is None
        assert look.result(begin_ns + 10**9) is False
        look.close()
