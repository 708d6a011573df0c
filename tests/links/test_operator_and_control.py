"""The operator's link against the real control loop over real sockets; only the robot is a toy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.latch import LatchFile
from teleop.operator_input import OperatorInput
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView, Reach
from teleop.robot import RobotError
from teleop.roster import Member
from teleop.safety import ConfigError
from teleop.stop_listener import StopListener
from tests.links.control_support import HANG_S, admitted, console, control, forward, in_mode
from tests.point_robot import PointRobot
from transport.channels import STOP
from transport.clock import now_ns
from transport.control_link import LOOPBACK, Asker, Trouble
from transport.curve import Credentials, new_key_pair
from transport.messages import (
    STILL,
    Description,
    HandBack,
    MarkOutcome,
    Mode,
    Outcome,
    ReleaseLease,
    RequestLease,
    Role,
    Twist,
)


def test_an_operator_takes_drives_marks_and_hands_back(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.take()
        x_m = robot.x_m
        driven = in_mode(Mode.TELEOP)
        pushes = operator.push(forward(), lambda v: driven(v) and robot.x_m > x_m + 0.05, "motion")
        operator.link.set_input(OperatorInput(input_ns=now_ns()))
        operator.wait(lambda _: robot.told == STILL, "standing still")
        operator.wait(lambda v: len(v.command_ms) == 2 * pushes, "both are timed")
        operator.link.request(MarkOutcome(epoch=operator.epoch, outcome=Outcome.SUCCESS))
        operator.link.request(HandBack(epoch=operator.epoch))
        view = operator.wait_mode(Mode.AUTONOMY)
        assert view.state is not None
        assert view.state.outcome is Outcome.SUCCESS
        assert not view.yours
        assert len(view.command_ms) == 2 * pushes, "pressed and released"
        # The offset between the clocks is known to a few milliseconds.
        assert all(-5 < ms < 1000 for ms in view.command_ms)


def test_stop_needs_no_lease_is_acknowledged_and_survives_a_restart(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop, "op-3") as watcher:
        watcher.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        watcher.link.stop()
        watcher.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
        view = watcher.wait_mode(Mode.ESTOP)
        assert view.state is not None
        assert view.state.stopped_by == "op-3"
        assert robot.told == STILL
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.wait_mode(Mode.ESTOP)
        operator.hold(0.3)
        assert robot.told == STILL
        assert robot.x_m == 0.0


def test_after_stop_reset_and_arm_lead_back_to_driving(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.take()
        operator.link.stop()
        operator.wait_mode(Mode.ESTOP)
        operator.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
        operator.arm()
        operator.settle()
        operator.push(forward(), lambda _: robot.told.forward_mps > 0.2, "motion")


def test_a_frozen_window_loses_the_robot(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.take()
        operator.drive()
        operator.frozen = True
        operator.wait_mode(Mode.LINK_LOST)
        assert robot.told == STILL
        operator.wait(lambda v: v.state is not None and v.state.lease.session == "", "lease free")


def test_a_closed_console_gives_the_lease_back_at_once(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop, "op-2") as watcher:
        with console(loop) as operator:
            operator.take()
            operator.link.request(ReleaseLease(epoch=operator.epoch))
        begin = time.monotonic()
        watcher.wait(lambda v: v.state is not None and v.state.lease.session == "", "lease free")
        assert time.monotonic() - begin < 2.5, "it was left to run out"


def test_an_epoch_outlives_the_robots_process(tmp_path: Path) -> None:
    with control(tmp_path) as (first, _), console(first) as operator:
        operator.take()
        epoch = operator.epoch
    assert json.loads((tmp_path / "toy.latch.json").read_text())["epoch"] == epoch
    with control(tmp_path) as (again, _), console(again) as operator:
        assert again.state.lease.session == ""
        assert again.state.mode is Mode.DISARMED, "it ended while somebody was needed"
        operator.take()
        assert operator.epoch > epoch, "never again; a block of epochs was reserved"


def test_a_robot_that_ended_in_order_starts_its_policy_again(tmp_path: Path) -> None:
    with control(tmp_path) as (first, _), console(first) as operator:
        operator.take()
        operator.link.request(HandBack(epoch=operator.epoch))
        operator.wait_mode(Mode.AUTONOMY)
        operator.hold(0.2)
    with control(tmp_path) as (again, _):
        assert again.state.mode is Mode.AUTONOMY


def test_a_stop_that_cannot_be_read_stops_all_the_same(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as watcher:
        watcher.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        garbled = Asker(STOP, admitted(loop, "op-2"), LOOPBACK, loop.port)
        while not garbled.send(b"stop, please"):
            time.sleep(0.01)
        watcher.wait_mode(Mode.ESTOP)
        garbled.close()
        assert robot.told == STILL
        assert loop.state.stopped_by == "op-2", "the key says who it was"


def test_stop_on_a_full_disk_still_stops_and_answers(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")

        def full(latch: object) -> None:
            raise OSError(28, "No space left on device")

        loop.latch.write = full  # type: ignore[method-assign]
        operator.link.stop()
        operator.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
        assert robot.told == STILL
        operator.link.request(RequestLease())
        view = operator.wait(lambda v: v.refused is not None, "a refusal")
        assert view.refused is not None
        assert "disk" in view.refused.reason
        assert loop.state.lease.session == ""


def test_an_unreadable_latch_keeps_the_robot_from_starting(tmp_path: Path) -> None:
    (tmp_path / "toy.latch.json").write_text("garbage")
    with pytest.raises(RobotError, match=r"toy\.latch\.json"):
        LatchFile(tmp_path / "toy.latch.json").read()


def test_a_robot_whose_driver_fails_ends_in_a_fault(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.wait(lambda v: v.state is not None, "the robot is heard")

        def broken(action: Twist) -> Twist:
            raise RobotError("motor driver does not answer")

        robot.apply = broken  # type: ignore[method-assign]
        operator.wait_mode(Mode.FAULT)
        assert robot.told == STILL


def test_stop_is_answered_only_once_it_is_latched(tmp_path: Path) -> None:
    with control(tmp_path, start_policy=False) as (loop, robot), console(loop) as operator:
        operator.wait_mode(Mode.DISARMED)  # standing already, and not stopped
        operator.link.stop()
        operator.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
        assert robot.told == STILL
        assert json.loads((tmp_path / "toy.latch.json").read_text())["stopped_by"] == "op-1"


def test_a_restarted_robot_that_is_driven_already_does_not_call(tmp_path: Path) -> None:
    with control(tmp_path, start_policy=False) as (loop, _), console(loop) as operator:
        operator.wait(lambda v: v.reach is Reach.CONNECTED, "the robot is heard")
        operator.link.request(RequestLease())
        operator.wait(lambda v: v.yours, "the lease")
        operator.hold(1.2)
        state = operator.look().state
        assert state is not None
        assert state.call is None


def test_limits_above_the_robots_own_fail_the_start(tmp_path: Path) -> None:
    class Slow(PointRobot):
        def describe(self, boot_id: str) -> Description:
            return structs.replace(super().describe(boot_id), controller={"max_mps": 0.3})

    with pytest.raises(ConfigError, match="max_mps"), control(tmp_path, Slow()):
        pass


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.005)


def test_a_robot_whose_stop_thread_hangs_stops_for_safety(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        monkeypatch.setattr(StopListener, "alive_ns", now_ns())
        operator.wait_mode(Mode.SAFE_STOP)
        operator.wait(lambda _: robot.told == STILL, "it stands")
        assert robot.told == STILL


def test_a_revoked_console_is_cut_off_within_a_second_and_the_other_drives_on(
    tmp_path: Path,
) -> None:
    with (
        control(tmp_path) as (loop, _),
        console(loop) as operator,
        console(loop, "op-2") as other,
    ):
        operator.take()
        operator.drive()

        def both_look(wanted: Callable[[LinkView], object]) -> Callable[[LinkView], object]:
            return lambda view: operator.look() and wanted(view)

        other.wait(both_look(lambda v: v.reach is Reach.CONNECTED), "the other hears it, too")
        loop.roster.revoke("op-2")
        other.wait(both_look(lambda v: v.trouble is not None), "it is cut off")
        other.wait(both_look(lambda v: v.trouble is Trouble.NOT_PAIRED), "it is told why")
        last = other.look().state
        assert last is not None
        other.link.stop()
        other.link.request(RequestLease())
        operator.wait(lambda v: v.state is not None and v.state.tick > last.tick + 60, "a second")
        operator.wait_mode(Mode.TELEOP)
        assert not loop.state.stopped_by, "a STOP of nobody the robot knows"
        seen = other.look().state
        assert seen is not None
        assert seen.tick == last.tick, "it hears nothing any more"


def test_a_console_that_is_admitted_later_gets_in_by_itself(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _):
        credentials = Credentials(new_key_pair(), load_or_make(tmp_path / ROBOT_KEY).public)
        link = OperatorLink(credentials, LOOPBACK, loop.port)
        link.start()
        try:
            until(lambda: link.view(now_ns()).trouble is Trouble.NOT_PAIRED)
            assert link.view(now_ns()).state is None
            link.stop()
            member = Member(key=credentials.own.public, name="op-5", role=Role.OPERATOR)
            loop.roster.add(member)
            until(lambda: link.view(now_ns()).reach is Reach.CONNECTED)
            until(lambda: loop.state.mode is Mode.ESTOP)
            assert loop.state.stopped_by == "op-5"
            until(lambda: link.view(now_ns()).trouble is None)  # its requests may come in last
        finally:
            link.close()
