"""A network that lets no UDP through: no pictures, and the operator is told; with TURN over TCP
pictures. Commands go on (N11)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from teleop.private_files import write_private
from tests.faults.drive import assert_never_stale, drive, gaps_ms
from tests.faults.network_rig import Network
from tests.faults.watch import Watch, watch
from tests.links.turn_server import TurnServer
from tests.measured import Measured
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Mode

RTT_MS = 50.0
AGE_MS = 200.0  # an older picture is shown as late
BACK_MS = 1500.0


@pytest.fixture
def relay(network: Network, tmp_path: Path) -> Iterator[TurnServer]:
    """coturn beside the robot."""
    with network.inside("robot"):
        made = TurnServer(tmp_path, network.robot_address, rest=True)
    yield made
    made.close()


def ice_file(folder: Path, server: TurnServer, *transports: str) -> Path:
    """A site's file that names this server."""
    path = folder / "turn" / "ice.toml"
    write_private(path, tomli_w.dumps(server.table(*transports)).encode())
    return path


def ages_ms(run: Watch, seconds: float) -> list[float]:
    seen = run.watch(seconds)
    return sorted((line["stamp_ns"] - line["captured_ns"]) / NS_PER_MS for line in seen)


def test_without_a_relay_the_operator_is_told_and_drives(
    network: Network, tmp_path: Path, measured: Measured
) -> None:
    network.set_rtt(RTT_MS)
    network.block_udp()
    with drive(network, tmp_path) as run, watch(network, tmp_path) as pictures:
        run.take_over()
        said = pictures.told("UDP seems to be blocked")
        from_ns = run.full_speed()
        run.wait(1.0)
        measured(
            "N11",
            "UDP blocked, no relay: told so, driven without HOLD",
            f"{run.holds(from_ns)} HOLD; “{said['problem']}”",
        )
        assert "name a TURN server" in said["problem"]
        assert run.holds(from_ns) == 0
        assert not any("number" in line for line in pictures.viewer.lines.all())


@pytest.mark.long
def test_turn_over_tcp_brings_pictures_where_udp_is_blocked(
    network: Network, relay: TurnServer, tmp_path: Path, measured: Measured
) -> None:
    network.set_rtt(RTT_MS)
    network.block_udp()
    ice = ice_file(tmp_path, relay, "udp", "tcp")
    with watch(network, tmp_path, console_ice=ice) as run:
        run.settle()
        assert run.way() == "relayed"
        ages = ages_ms(run, 10.0)
        back_ms = []
        for _ in range(3):
            cut_ns = network.cut(for_ms=3e3)
            back_ms.append(run.back_ms(cut_ns + 3000 * NS_PER_MS)[1])
            run.watch(1.0)
        measured(
            "N11",
            f"UDP blocked, TURN over TCP: pictures ≤ {AGE_MS:.0f} ms old, "
            f"back {BACK_MS:.0f} ms after a blackout of 3 s",
            f"age p50 {statistics.median(ages):.0f} ms, p95 {ages[len(ages) * 95 // 100]:.0f} ms, "
            f"{len(ages) / 10:.0f} fps, back {', '.join(f'{ms:.0f}' for ms in back_ms)} ms",
        )
        assert len(ages) > 250
        assert ages[len(ages) * 95 // 100] <= AGE_MS
        assert max(back_ms) <= BACK_MS


@pytest.mark.long
def test_a_relay_that_dies_ends_the_picture_and_says_so(
    network: Network, relay: TurnServer, tmp_path: Path, measured: Measured
) -> None:
    network.set_rtt(RTT_MS)
    network.block_udp()
    ice = ice_file(tmp_path, relay, "tcp")
    with (
        drive(network, tmp_path) as driven,
        watch(network, tmp_path, console_ice=ice) as run,
    ):
        run.settle()
        driven.take_over()
        from_ns = driven.full_speed()
        relay.kill()
        said = run.told("does not answer", limit_s=60.0)
        assert relay.url("tcp") in said["problem"]
        with network.inside("robot"):
            again = TurnServer(tmp_path, network.robot_address, rest=True, port=relay.port)
        try:
            since_ns = said["stamp_ns"]
            first = run.picture(since_ns, limit_s=60.0)
            back_s = (first["stamp_ns"] - since_ns) / NS_PER_S
            driven.wait(1.0)
            holds, gap_ms = driven.holds(from_ns), max(gaps_ms(driven.accepted(from_ns)))
            measured(
                "N14",
                "a relay that dies is told, and used again; it is driven on without HOLD",
                f"“{said['problem']}”, a picture {back_s:.1f} s later; {holds} HOLD, longest gap "
                f"{gap_ms:.0f} ms",
            )
            assert holds == 0
            assert {tick["mode"] for tick in driven.ticks(from_ns)} == {Mode.TELEOP}
            assert_never_stale(driven)
        finally:
            again.close()
