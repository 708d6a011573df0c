"""Somebody who is let in floods channels, and stays or leaves: the robot goes on, and so does its
driver; STOP is heard through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from teleop.both_ends import acquaint
from tests.faults.drive import Drive, assert_never_stale, drive, p99, stands, tick_gaps_ms
from tests.faults.network_rig import Loopback, Program
from tests.faults.process_size import rss_mb
from tests.measured import Measured
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import free_base_port
from transport.messages import Mode, Role

PRESSES = 50
STOP_MS = 40.0  # key to zero set-point, p99
TICK_GAP_MS = 25.0  # p99
GROWTH_MB = 8.0  # two queues of a thousand messages and what libzmq allocates for them once
OLDER_MS = 10.0  # what commands may lose in age, p99


@contextmanager
def flooded_drive(folder: Path) -> Iterator[tuple[Drive, Loopback, Path]]:
    """A driver at full speed, and an observer's credentials."""
    port = free_base_port()
    place, config = Loopback(port, port), folder / "observer"
    address = f"{place.robot_address}:{port}"
    acquaint(folder / "robot", config, address, "observer", Role.OBSERVER)
    with drive(place, folder) as run:
        run.take_over()
        run.full_speed()
        yield run, place, config


@contextmanager
def flooding(place: Loopback, config: Path, *channels: str) -> Iterator[list[Program]]:
    """The observer floods these channels, each with ten thousand messages a second."""
    floods = [
        place.start(
            "operator",
            "tests.faults.flood_child",
            *(place.robot_address, str(place.port), str(config), channel, "0"),
        )
        for channel in channels
    ]
    try:
        for flood in floods:
            flood.lines.wait(lambda line: line.get("ready"), "the flood begins")
        yield floods
    finally:
        for flood in floods:
            flood.close()


@pytest.mark.long
def test_an_observer_who_floods_and_stays_costs_the_driver_nothing(
    tmp_path: Path, measured: Measured
) -> None:
    """D2."""
    with flooded_drive(tmp_path) as (run, place, config):
        assert run.robot is not None
        calm_ns = now_ns()
        run.wait(5.0)
        with flooding(place, config, "commands", "requests") as floods:
            run.wait(2.0)  # queues fill once
            before_mb, from_ns = rss_mb(run.robot.pid), now_ns()
            run.wait(20.0)
            to_ns, after_mb = now_ns(), rss_mb(run.robot.pid)
        sent = sum(flood.lines.all()[-1]["sent"] for flood in floods)
        calm_ms = p99([c.age_ms for c in run.accepted(calm_ns, from_ns)])
        flood_ms = p99([c.age_ms for c in run.accepted(from_ns, to_ns)])
        gap_ms = p99(tick_gaps_ms(run.ticks(from_ns, to_ns)))
        holds = run.holds(from_ns)
        measured(
            "D2",
            f"an observer floods commands and requests: tick p99 ≤ {TICK_GAP_MS:.0f} ms, commands "
            f"≤ {OLDER_MS:.0f} ms older, memory flat, no HOLD",
            f"{sent / 22.0:.0f} messages/s taken, tick p99 {gap_ms:.1f} ms, command age p99 "
            f"{calm_ms:.1f} → {flood_ms:.1f} ms, memory {after_mb - before_mb:+.1f} MB, "
            f"{holds} HOLD",
        )
        assert sent > 20_000, "that is no flood"
        assert holds == 0
        assert gap_ms <= TICK_GAP_MS
        assert flood_ms <= calm_ms + OLDER_MS
        assert after_mb - before_mb <= GROWTH_MB
        assert_never_stale(run)


@pytest.mark.long
def test_stop_is_obeyed_in_time_while_commands_and_requests_are_flooded(
    tmp_path: Path, measured: Measured
) -> None:
    """I9: whatever the queues of the other sockets."""
    took_ms = []
    with (
        flooded_drive(tmp_path) as (run, place, config),
        flooding(place, config, "commands", "requests"),
    ):
        for _ in range(PRESSES):
            run.full_speed()
            pressed_ns = run.press_stop()
            stopped = run.tick(
                lambda tick: tick["mode"] == Mode.ESTOP, "ESTOP", since_ns=pressed_ns
            )
            assert stands(stopped)
            took_ms.append((stopped["stamp_ns"] - pressed_ns) / NS_PER_MS)
            run.let_go()
            run.reset_stop()
            run.take_over()
        assert_never_stale(run)
    measured(
        "I9",
        f"STOP pressed {PRESSES} times at full speed in that flood: zero ≤ {STOP_MS:.0f} ms, p99",
        f"median {sorted(took_ms)[PRESSES // 2]:.1f} ms, p99 {p99(took_ms):.1f} ms",
    )
    assert p99(took_ms) <= STOP_MS


@pytest.mark.long
@pytest.mark.parametrize("channel", ["commands", "state", "stop", "requests"])
def test_an_observer_who_floods_and_leaves_disturbs_nobody(
    tmp_path: Path, measured: Measured, channel: str
) -> None:
    with flooded_drive(tmp_path) as (run, place, config):
        from_ns = now_ns()
        flood = place.start(
            "operator",
            "tests.faults.flood_child",
            *(place.robot_address, str(place.port), str(config), channel, "5"),
        )
        flood.process.wait(30.0)
        flood.close()
        assert run.robot is not None
        died = run.robot.process.poll()
        holds = run.holds(from_ns)
        measured(
            "M4",
            f"an observer floods {channel} and leaves, 5 times: nothing happens",
            f"{holds} HOLD" if died is None else f"control has died ({died})",
        )
        assert died is None
        if channel == "stop":  # from anybody, also unreadable ones: it stops, as it should
            assert run.ticks()[-1]["mode"] == Mode.ESTOP
            assert stands(run.ticks()[-1])
        else:
            assert holds == 0
            assert run.ticks()[-1]["mode"] == Mode.TELEOP
        assert_never_stale(run)
