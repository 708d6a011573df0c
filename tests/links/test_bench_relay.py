"""The wire that the control bench cuts, with real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from teleop.bench_relay import Relay
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import LOOPBACK

HANG_S = 10.0


@pytest.fixture
def ends() -> Iterator[tuple[Relay, socket.socket, socket.socket]]:
    """(relay, near end, far end), connected through it."""
    with socket.create_server((LOOPBACK, 0)) as door, socket.create_server((LOOPBACK, 0)) as free:
        door.settimeout(HANG_S)
        port = free.getsockname()[1]
        free.close()
        relay = Relay({port: door.getsockname()[1]})
        try:
            with socket.create_connection((LOOPBACK, port), HANG_S) as near:
                far, _ = door.accept()
                with far:
                    far.settimeout(HANG_S)
                    yield relay, near, far
        finally:
            relay.close()


def received(far: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += far.recv(size - len(got))
    return got


def test_what_is_sent_arrives_at_the_other_end(
    ends: tuple[Relay, socket.socket, socket.socket],
) -> None:
    _, near, far = ends
    near.sendall(b"there")
    assert received(far, 5) == b"there"
    far.sendall(b"back")
    near.settimeout(HANG_S)
    assert received(near, 4) == b"back"


def test_nothing_passes_while_it_is_cut_and_nothing_is_lost(
    ends: tuple[Relay, socket.socket, socket.socket],
) -> None:
    relay, near, far = ends
    relay.cut()
    near.sendall(b"held")
    far.settimeout(0.2)
    with pytest.raises(TimeoutError):
        far.recv(1)
    far.settimeout(HANG_S)
    relay.mend()
    assert received(far, 4) == b"held"


def test_what_has_waited_comes_in_order_as_tcp_recovers(
    ends: tuple[Relay, socket.socket, socket.socket],
) -> None:
    relay, near, far = ends
    sent = bytes(range(256)) * 100  # 18 segments: 1, 2, 4, 8 and the rest in five round trips
    relay.cut()
    writing = threading.Thread(target=near.sendall, args=(sent,))
    writing.start()
    mended_ns = relay.mend(round_trip_ms=10.0)
    assert received(far, len(sent)) == sent
    assert now_ns() - mended_ns >= 40 * NS_PER_MS
    writing.join(HANG_S)


def test_an_end_that_goes_takes_the_other_along(
    ends: tuple[Relay, socket.socket, socket.socket],
) -> None:
    _, near, far = ends
    near.close()
    assert far.recv(1) == b""
