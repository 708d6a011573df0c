"""Somebody who is let in floods a channel and leaves: the robot goes on, and so does its driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleop.both_ends import acquaint
from tests.faults.drive import assert_never_stale, drive
from tests.faults.network_rig import Loopback
from tests.measured import Measured
from transport.clock import now_ns
from transport.control_link import free_base_port
from transport.messages import Role


@pytest.mark.long
@pytest.mark.parametrize("channel", ["commands", "state", "stop", "requests"])
def test_an_observer_who_floods_and_leaves_disturbs_nobody(
    tmp_path: Path, measured: Measured, channel: str
) -> None:
    port = free_base_port()
    place = Loopback(port, port)
    address, config = f"{place.robot_address}:{port}", tmp_path / "observer"
    acquaint(tmp_path / "robot", config, address, "observer", Role.OBSERVER)
    with drive(place, tmp_path) as run:
        run.take_over()
        run.full_speed()
        from_ns = now_ns()
        flood = place.start(
            "operator",
            "tests.faults.flood_child",
            *(place.robot_address, str(port), str(config), channel, "5"),
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
        if channel != "stop":  # from anybody, also unreadable ones: it stops, as it should
            assert holds == 0
            assert run.ticks()[-1]["mode"] == "TELEOP"
        assert_never_stale(run)
