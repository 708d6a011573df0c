"""Does the rig do what it is told? Real packets through the kernel, both protocols, both ways."""

from __future__ import annotations

import math
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.namespace import served_first
from tests.faults.network_rig import ROOT, Network, Way
from tests.system.rig import is_alive, until
from transport.clock import NS_PER_MS

PORT = 7000
SILENCE_S = 0.35  # nothing more comes back: twice the longest round trip asked for
SLACK_MS = 4.0  # what a busy machine adds to the median of a round trip


class Far:
    """The operator's side of an echo on the robot's side."""

    def __init__(self, network: Network) -> None:
        self.target = (network.robot_address, PORT)
        with network.inside("operator"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def exchange(self, packets: int, every_s: float = 0.002) -> list[tuple[int, float]]:
        """(number, round trip in ms) of what came back, in the order in which it did."""
        with served_first():
            return self._exchange(packets, every_s)

    def _exchange(self, packets: int, every_s: float) -> list[tuple[int, float]]:
        sent_ns: list[int] = []
        back: list[tuple[int, float]] = []
        begin_s = time.monotonic()
        while True:
            wait_s = SILENCE_S
            if len(sent_ns) < packets:
                wait_s = begin_s + len(sent_ns) * every_s - time.monotonic()
                if wait_s <= 0.0:
                    sent_ns.append(time.monotonic_ns())
                    self.socket.sendto(len(sent_ns).to_bytes(4, "big") + bytes(60), self.target)
                    continue
            self.socket.settimeout(wait_s)
            try:
                number = int.from_bytes(self.socket.recv(2048)[:4], "big")
            except TimeoutError:
                if len(sent_ns) == packets:
                    return back
                continue
            back.append((number, (time.monotonic_ns() - sent_ns[number - 1]) / 1e6))


@pytest.fixture
def far(network: Network) -> Iterator[Far]:
    """An echo that is ready, and the socket to reach it."""
    echo = network.start("robot", "tests.faults.echo_child", network.robot_address, str(PORT))
    echo.lines.wait(lambda line: line.get("ready"), "the echo listens")
    made = Far(network)
    try:
        yield made
    finally:
        made.socket.close()
        echo.close()


def median_ms(back: list[tuple[int, float]]) -> float:
    return statistics.median(ms for _, ms in back)


@pytest.mark.parametrize("rtt_ms", [0.0, 50.0, 150.0])
def test_the_round_trip_is_as_set(network: Network, far: Far, rtt_ms: float) -> None:
    network.set_rtt(rtt_ms)
    back = far.exchange(60)
    assert len(back) == 60
    assert rtt_ms <= median_ms(back) < rtt_ms + SLACK_MS


def test_a_fifth_of_the_packets_is_lost_within_three_sigma(network: Network, far: Far) -> None:
    network.set(ways=["to_robot"], loss=0.2)
    packets = 1000
    lost = packets - len(far.exchange(packets, every_s=0.0005))
    assert abs(lost - 0.2 * packets) < 3 * math.sqrt(packets * 0.2 * 0.8)
    counts = network.counts("to_robot")
    assert counts["lost"] == lost
    assert network.counts("to_operator")["offered"] == packets - lost


def test_reordered_packets_arrive_all_but_in_another_order(network: Network, far: Far) -> None:
    network.set(ways=["to_robot"], delay_ms=25.0, reorder=0.25)
    order = [number for number, _ in far.exchange(200)]
    assert sorted(order) == list(range(1, 201))
    assert order != sorted(order)
    assert network.counts("to_robot")["overtaken"] > 50


def test_jitter_spreads_the_round_trip(network: Network, far: Far) -> None:
    network.set(ways=["to_robot"], delay_ms=50.0, jitter_ms=20.0)
    times_ms = sorted(ms for _, ms in far.exchange(300))
    assert len(times_ms) == 300
    assert 30.0 <= times_ms[3] < 35.0 + SLACK_MS
    assert 65.0 < times_ms[-4] <= 70.0 + SLACK_MS


def test_duplicates_arrive_twice(network: Network, far: Far) -> None:
    network.set(ways=["to_operator"], duplicate=(True, False, True))
    assert [number for number, _ in far.exchange(4)] == [1, 1, 2, 3, 3, 4]


@pytest.mark.parametrize("way", ["to_robot", "to_operator"])
def test_half_open_is_silent_one_way_only(network: Network, far: Far, way: Way) -> None:
    network.cut([way])
    assert far.exchange(10) == []
    heard_by_robot = network.counts("to_robot").get("delivered", 0)
    assert heard_by_robot == (0 if way == "to_robot" else 10)
    network.mend()
    assert len(far.exchange(10)) == 10


def test_a_blackout_ends_by_itself_after_the_time_that_was_set(network: Network, far: Far) -> None:
    network.set_rtt(10.0)
    end_ns = network.cut(for_ms=100.0) + 100 * NS_PER_MS
    back = far.exchange(100, every_s=0.003)
    there = network.log("to_robot")
    fates = {(packet["in_ns"] < end_ns, packet["fate"]) for packet in there}
    assert fates == {(True, "cut"), (False, "delivered")}
    assert len(back) == sum(packet["fate"] == "delivered" for packet in there)


def test_a_rate_limit_spaces_what_is_sent_at_once(network: Network, far: Far) -> None:
    network.set(ways=["to_robot"], rate_bps=500_000.0, queue_bytes=10_000)
    with served_first():
        for _ in range(200):
            far.socket.sendto(bytes(472), far.target)  # 500 bytes with the headers: 8 ms each
        begin_ns = time.monotonic_ns()
        arrived_ms = []
        far.socket.settimeout(0.5)
        while True:
            try:
                far.socket.recv(2048)
            except TimeoutError:
                break
            arrived_ms.append((time.monotonic_ns() - begin_ns) / 1e6)
    assert network.counts("to_robot")["queue_full"] > 150
    assert 20 <= len(arrived_ms) <= 24, "10,000 bytes may wait beside what is on the line"
    assert (arrived_ms[-1] - arrived_ms[0]) / (len(arrived_ms) - 1) == pytest.approx(8.0, abs=0.5)


def test_tcp_repairs_loss_duplicates_disorder_and_flipped_bits(network: Network, far: Far) -> None:
    network.set(delay_ms=5.0, loss=0.02, reorder=0.1, duplicate=0.1, corrupt=0.02)
    with network.inside("operator"):
        sink = socket.create_connection(far.target, timeout=20.0)
    with sink:
        sink.sendall(bytes(300_000))
        sink.shutdown(socket.SHUT_WR)
        assert sink.recv(64) == b"300000"
    counts = network.counts("to_robot")
    assert min(counts["lost"], counts["overtaken"], counts["duplicated"], counts["corrupted"]) > 0


def test_the_log_tells_of_each_packet_when_it_came_and_went(network: Network, far: Far) -> None:
    network.set_rtt(20.0, loss=(False, True))
    far.exchange(3)
    log = network.log("to_robot")
    assert sorted(passage["fate"] for passage in log) == ["delivered", "delivered", "lost"]
    for passage in log:
        assert passage["target_port"] == PORT
        assert passage["payload"] == 64
        if passage["fate"] == "delivered":
            assert 10.0 <= (passage["out_ns"] - passage["in_ns"]) / 1e6 < 10.0 + SLACK_MS


def test_a_firewall_stops_udp_and_lets_tcp_through(network: Network, far: Far) -> None:
    network.block_udp()
    assert far.exchange(5) == []
    assert network.counts("to_robot")["blocked"] == 5
    with network.inside("operator"), socket.create_connection(far.target, timeout=5.0) as sink:
        sink.sendall(b"let me in")
        sink.shutdown(socket.SHUT_WR)
        assert sink.recv(64) == b"9"
    network.block_udp(False)
    assert len(far.exchange(5)) == 5


def test_an_operator_who_moves_is_reached_at_the_new_address_only(
    network: Network, far: Far
) -> None:
    assert len(far.exchange(3)) == 3
    network.move_operator("10.77.0.3")
    assert len(far.exchange(3)) == 3
    with network.inside("operator"), socket.socket(type=socket.SOCK_DGRAM) as former:
        with pytest.raises(OSError, match="assign"):
            former.bind((network.operator_address, 0))
        former.bind(("10.77.0.3", 0))


def test_a_nat_that_forgot_is_seen_from_another_address(network: Network, far: Far) -> None:
    with network.inside("robot"), socket.socket(type=socket.SOCK_DGRAM) as robot:
        robot.bind((network.robot_address, PORT + 1))
        robot.settimeout(2.0)
        for address in ("10.77.0.2", "10.77.0.9"):
            if address != network.operator_address:
                network.translate_operator(address)
            far.socket.sendto(b"who am I?", (network.robot_address, PORT + 1))
            message, peer = robot.recvfrom(64)
            assert peer[0] == address
            robot.sendto(message, peer)
            far.socket.settimeout(2.0)
            assert far.socket.recv(64) == b"who am I?"


def test_the_namespaces_have_loopback_and_no_way_out(network: Network) -> None:
    for side in ("robot", "operator"):
        with network.inside(side), socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.sendto(b"", ("127.0.0.1", 9))
            with pytest.raises(OSError, match="unreachable"):
                probe.sendto(b"", ("192.0.2.1", 9))


def test_nothing_is_left_when_the_test_itself_is_killed(network: Network) -> None:
    # `network` only skips where this cannot be tried; the killed test is a process of its own.
    program = (
        "import sys\n"
        "from tests.faults.network_rig import Network\n"
        "made = Network()\n"
        "echo = made.start('robot', 'tests.faults.echo_child', made.robot_address, '7000')\n"
        "print(made._forwarder.pid, echo.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    test = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert test.stdout is not None
    assert test.stdin is not None
    pids = [int(pid) for pid in test.stdout.readline().split()]
    assert all(is_alive(pid) for pid in pids)
    namespaces = {Path(f"/proc/{pid}/ns/net").readlink() for pid in pids}
    test.send_signal(signal.SIGKILL)
    test.wait()
    test.stdout.close()
    test.stdin.close()
    until(lambda: not any(is_alive(pid) for pid in pids), "forwarder and echo are gone", 10.0)
    here = Path("/proc/self/ns/net").readlink()
    assert here not in namespaces
