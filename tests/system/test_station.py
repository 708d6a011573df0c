"""What a console knows of a whole robot without driving it: call, look, rewind, log."""

from __future__ import annotations

from pathlib import Path

from teleop.archive_asks import Missing
from teleop.audit_entry import Kind
from teleop.call_queue import QueuedCall, Turn
from teleop.rewind import Rewind
from teleop.rewind_reader import RewindReader
from teleop.station import Station
from tests.system.rig import agent, hand, until
from transport.clock import now_ns


def test_a_robot_that_calls_is_seen_rewound_and_read_and_its_end_is_told(tmp_path: Path) -> None:
    with agent(tmp_path / "episodes", calls=True) as robot:
        station = Station(robot.config("watcher"))
        station.start()
        paired = f"127.0.0.1:{robot.port}"
        rewinds: list[Rewind | Missing | None] = []
        turns: list[Turn] = []

        def look() -> QueuedCall | None:
            fleet = station.look("", [paired], now_ns())
            turns.extend(one.turn for one in fleet.news)
            return fleet.calls[0] if fleet.calls else None

        def seen() -> bool:
            fleet = station.look("", [paired], now_ns())
            return paired in fleet.looks

        def rewound() -> bool:
            call = look()
            if call is not None:
                rewinds.append(station.rewind(call, "front", now_ns()))
            return bool(rewinds) and isinstance(rewinds[-1], Rewind | Missing)

        def read() -> bool:
            station.follow_logs(now_ns())
            return any(one.kind is Kind.STARTED for one in station.entries())

        try:
            until(lambda: look() is not None, "its call is heard")
            until(seen, "its picture is seen")
            until(rewound, "what was before its call came, or why there is none")
            found = rewinds[-1]
            if isinstance(found, Rewind):
                assert RewindReader(found).picture(0).shape[2] == 4
            else:  # it called before its cameras had anything
                assert found.reason
            until(read, "its log is read")
            with hand(robot) as operator:
                operator.take_over()
                until(lambda: look() is None, "the call is over here, too")
            assert turns[-1] is Turn.TAKEN
        finally:
            station.close()
