"""A real drive over real sockets, decided once more (I18); and one under a clock gone mad (I12)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from teleop.mode import DEAF_MODES
from teleop.operator_input import OperatorInput
from tests.links.control_support import Console, console, control, forward
from tests.links.gate_log import Entry, Stepped, logged
from transport import clock
from transport.clock import NS_PER_MS, now_ns
from transport.messages import STILL, HandBack, Mode, Refusal, RequestLease, Role


def drive(operator: Console) -> None:
    """Taken, driven, stopped, armed again, driven, handed back."""
    operator.take()
    operator.drive()
    operator.hold(0.5)
    operator.link.stop()
    operator.wait_mode(Mode.ESTOP)
    operator.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
    operator.arm()
    operator.link.set_input(OperatorInput(input_ns=now_ns()))
    operator.settle()
    operator.drive()
    operator.hold(0.5)
    operator.link.request(HandBack(epoch=operator.epoch))
    operator.wait_mode(Mode.AUTONOMY)


def unexplained(tick: Stepped) -> list[str]:
    """Refusals of this tick that nothing in what came in is a reason for."""
    after: dict[str, int] = msgspec.msgpack.decode(tick.decided)["state"]["refused"]
    before = {str(reason): count for reason, count in tick.state.refused.items()}
    reasons = [reason for reason, count in after.items() if count != before.get(reason, 0)]
    limit_ns = tick.limits.age_limit_ms(tick.state.profile) * NS_PER_MS
    explained = {
        Refusal.MODE: tick.state.mode in DEAF_MODES,
        Refusal.NO_LEASE: not tick.state.lease.session,
        # The second lane may bring all that the first one did, once that is obeyed.
        Refusal.SEQUENCE: any(i.command.seq < tick.state.last_seq for i in tick.inbox),
        Refusal.STALE: any(tick.now_ns - i.command.echo_ns > limit_ns for i in tick.inbox),
    }
    return [reason for reason in reasons if not explained.get(Refusal(reason), False)]


def test_a_recorded_drive_is_decided_again_to_the_last_bit_and_nothing_is_blocked_without_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[Entry] = logged(monkeypatch)
    with (
        control(tmp_path) as (loop, _),
        console(loop, "op-2") as other,
        console(loop, "guest", Role.OBSERVER) as guest,
        console(loop) as operator,
    ):
        for bystander in (other, guest):
            bystander.knock()
            bystander.link.set_input(forward())
        guest.link.request(RequestLease())
        drive(operator)
    ticks = [entry for entry in log if isinstance(entry, Stepped)]
    assert sum(len(tick.inbox) for tick in ticks) > 100
    path = tmp_path / "gate.log"
    path.write_bytes(msgspec.msgpack.encode(log))
    for seed in ("1", "2"):  # of Python's hashes: the order of a set must not matter either
        again = subprocess.run(
            [sys.executable, "-m", "tests.links.gate_log", str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout) == {"decisions": len(log), "differ": []}
    assert not any(map(unexplained, ticks))


class MadClock(datetime):
    """Wall time that steps with each look: an hour on, back to 1970, a leap second."""

    looks = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Some moment."""
        MadClock.looks += 1
        steps = (timedelta(hours=1), timedelta(days=-20_000), timedelta(seconds=1), timedelta())
        return datetime.fromtimestamp(1.9e9, tz or UTC) + steps[MadClock.looks % len(steps)]


def test_steps_of_the_wall_clock_change_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12. The drive of above, with a wall clock that is somewhere else at every look."""
    monkeypatch.setattr(clock, "datetime", MadClock)
    monkeypatch.setattr(time, "time", lambda: MadClock.now().timestamp())
    monkeypatch.setattr(time, "time_ns", lambda: int(MadClock.now().timestamp() * 1e9))
    assert len({clock.wall_time().year for _ in range(4)}) > 1, "it does step"
    log = logged(monkeypatch)
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        drive(operator)
        operator.wait(lambda _: robot.told != STILL, "the policy drives on")
    ticks = [entry for entry in log if isinstance(entry, Stepped)]
    assert all(a.seen_ns < b.now_ns <= b.seen_ns for a, b in pairwise(ticks))
    assert len({tick.state.lease.epoch for tick in ticks}) == 2, "one lease, from first to last"
    assert not {Mode.LINK_LOST, Mode.SAFE_STOP, Mode.FAULT} & {tick.state.mode for tick in ticks}
    assert not any(map(unexplained, ticks))
