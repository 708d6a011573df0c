"""The audit log of a whole robot: real processes, a real operator's link, and a crash."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from teleop.audit_entry import AuditEntry, Kind
from teleop.audit_file import read_audit
from teleop.operator_input import OperatorInput
from teleop.rescues import History, history_of
from tests.system.rig import agent, hand, until
from transport.messages import HandBack, MarkOutcome, Outcome


def entries_of(state: Path) -> tuple[AuditEntry, ...]:
    return read_audit([state]).entries if list(state.glob("audit/*.jsonl")) else ()


def history(state: Path) -> History:
    return history_of(entries_of(state))


def test_a_rescue_and_a_crash_are_in_the_log(tmp_path: Path) -> None:
    with agent(tmp_path / "episodes", calls=True) as robot:
        with hand(robot) as operator:
            operator.take_over()
            operator.drive_back()
            operator.link.set_input(OperatorInput())
            epoch = operator.state().lease.epoch
            operator.link.request(MarkOutcome(epoch=epoch, outcome=Outcome.SUCCESS))
            operator.link.request(HandBack(epoch=epoch))
            until(
                lambda: Kind.EPISODE in {one.kind for one in entries_of(robot.state)},
                "the sealed episode is told",
            )
        (drive,) = history(robot.state).drives
        key = robot.admit("op-1").own.public
        assert (drive.key, drive.session, drive.how) == (key, epoch, "hand_back")
        (call, *_) = history(robot.state).calls
        assert (call.ended, call.by) == ("accepted", "op-1")
        assert drive.did.motion_rows > 0
        assert 0.0 < drive.did.driven_s <= drive.did.held_s
        (rescued,) = history(robot.state).interventions
        assert rescued.outcome is Outcome.SUCCESS
        assert rescued.first_motion_s is not None
        assert rescued.free_s is not None
        assert rescued.first_motion_s < rescued.free_s

        os.kill(robot.pid_of("control"), signal.SIGKILL)
        until(
            lambda: len({one.boot_id for one in entries_of(robot.state)}) == 2,
            "the next boot begins",
        )
    told = entries_of(robot.state)
    first = told[0].boot_id
    assert [one.text for one in told if one.kind is Kind.ENDED] == [
        "control started anew",
        "switched off",
    ]
    assert {one.boot_id for one in told if one.kind is Kind.STARTED} == {
        one.boot_id for one in told
    }
    assert [one.boot_id == first for one in told if one.kind is Kind.ENDED] == [True, False]
    seconds = sum(sum(one.modes.values()) for one in history(robot.state).worked)
    assert seconds > rescued.free_s
