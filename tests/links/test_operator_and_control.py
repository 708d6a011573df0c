"""The operator's link against the real control loop over real sockets; only the robot is a toy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from teleop.control import Control
from teleop.latch import LatchFile
from teleop.operator_input import OperatorInput
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView, Reach
from teleop.robot import Observation, RobotError
from teleop.safety import ConfigError
from teleop.stop_listener import StopListener
from teleop.stop_sender import StopSender
from transport.channels import STOP
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import LOOPBACK, Asker, Requests, free_base_port
from transport.messages import (
    STILL,
    Arm,
    Description,
    HandBack,
    MarkOutcome,
    Mode,
    Outcome,
    ReleaseLease,
    RequestLease,
    ResetStop,
    StopAck,
    StopRequest,
    Twist,
    decoder_of,
    encode,
)

HANG_S = 15.0


def forward() -> OperatorInput:
    return OperatorInput(forward=1.0, deadman=True, input_ns=now_ns())


class ToyRobot:
    """A point on a line that does what it is told."""

    def __init__(self) -> None:
        self.x_m = 0.0
        self.told = STILL

    def describe(self, boot_id: str) -> Description:
        return Description(
            robot="toy",
            robot_type="toy",
            site="bench",
            boot_id=boot_id,
            scenario="line",
            seed=0,
            scene_sha256="",
            task="Go on",
            tick_hz=60,
            observation_names=Observation.NAMES,
            action_names=("forward_mps", "turn_radps"),
            controller={},
            policy="none",
            versions={},
            cameras=(),
        )

    def observe(self) -> Observation:
        speed = self.told.forward_mps
        return Observation(self.x_m, 0.0, 0.0, speed, 0.0, speed, speed, 0.0, 0.1, 80.0, False)

    def apply(self, action: Twist) -> Twist:
        self.told = action
        self.x_m += action.forward_mps / 60
        return action

    def hold(self) -> None:
        self.told = STILL

    def snapshot(self) -> bytes:
        return b""

    def close(self) -> None:
        self.hold()


@contextmanager
def control(folder: Path, **options: object) -> Iterator[tuple[Control, ToyRobot]]:
    robot = ToyRobot()
    loop = Control(
        robot=robot,
        name="toy-1",
        site="bench",
        host=LOOPBACK,
        port=free_base_port(),
        latch=LatchFile(folder / "toy.latch.json"),
        **options,  # type: ignore[arg-type]
    )
    leaving = threading.Event()
    thread = threading.Thread(target=loop.run, args=(leaving,))
    thread.start()
    try:
        yield loop, robot
    finally:
        leaving.set()
        thread.join(5.0)
        loop.close()


class Console:
    """What the window does, without a window; its pictures are always fresh."""

    def __init__(self, port: int, operator: str = "op-1") -> None:
        self.link = OperatorLink(LOOPBACK, port, operator)
        self.frozen = False
        self.link.start()
        self.link.set_focus(True)

    def look(self) -> LinkView:
        stamp_ns = now_ns()
        if not self.frozen:
            self.link.alive(stamp_ns)
            self.link.painted(stamp_ns - 30 * NS_PER_MS)
        return self.link.view(stamp_ns)

    def wait(self, condition: Callable[[LinkView], object], what: str) -> LinkView:
        deadline = time.monotonic() + HANG_S
        while not condition(view := self.look()):
            assert time.monotonic() < deadline, f"never happened: {what}"
            time.sleep(0.005)
        return view

    def wait_mode(self, mode: Mode) -> LinkView:
        return self.wait(lambda v: v.state is not None and v.state.mode is mode, mode)

    def hold(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(0.005)

    def take(self) -> None:
        self.wait(lambda v: v.reach is Reach.CONNECTED, "the robot is heard")
        self.link.request(RequestLease())
        self.wait(lambda v: v.yours, "the lease")
        self.hold(0.7)

    @property
    def epoch(self) -> int:
        state = self.look().state
        assert state is not None
        return state.lease.epoch


@contextmanager
def console(port: int, operator: str = "op-1") -> Iterator[Console]:
    made = Console(port, operator)
    try:
        yield made
    finally:
        made.link.close()


def test_an_operator_takes_drives_marks_and_hands_back(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
        operator.take()
        x_m = robot.x_m
        operator.link.set_input(forward())
        operator.wait_mode(Mode.TELEOP)
        operator.wait(lambda _: robot.x_m > x_m + 0.05, "motion")
        operator.link.set_input(OperatorInput(input_ns=now_ns()))
        operator.wait(lambda _: robot.told == STILL, "standing still")
        operator.link.request(MarkOutcome(epoch=operator.epoch, outcome=Outcome.SUCCESS))
        operator.link.request(HandBack(epoch=operator.epoch))
        view = operator.wait_mode(Mode.AUTONOMY)
        assert view.state is not None
        assert view.state.outcome is Outcome.SUCCESS
        assert not view.yours
        assert len(view.command_ms) == 2, "pressed and released"
        # The offset between the clocks is known to a few milliseconds.
        assert all(-5 < ms < 1000 for ms in view.command_ms)


def test_stop_needs_no_lease_is_acknowledged_and_survives_a_restart(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port, "op-3") as watcher:
        watcher.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        watcher.link.stop()
        watcher.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
        view = watcher.wait_mode(Mode.ESTOP)
        assert view.state is not None
        assert view.state.stopped_by == "op-3"
        assert robot.told == STILL
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
        operator.wait_mode(Mode.ESTOP)
        operator.hold(0.3)
        assert robot.told == STILL
        assert robot.x_m == 0.0


def test_after_stop_reset_and_arm_lead_back_to_driving(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
        operator.take()
        operator.link.stop()
        operator.wait_mode(Mode.ESTOP)
        operator.link.request(ResetStop(epoch=operator.epoch, reason="checked"))
        operator.wait_mode(Mode.DISARMED)
        operator.link.request(Arm(epoch=operator.epoch))
        operator.wait_mode(Mode.READY)
        operator.hold(0.7)
        operator.link.set_input(forward())
        operator.wait(lambda _: robot.told.forward_mps > 0.2, "motion")


def test_a_frozen_window_loses_the_robot(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
        operator.take()
        operator.link.set_input(forward())
        operator.wait_mode(Mode.TELEOP)
        operator.frozen = True
        operator.wait_mode(Mode.LINK_LOST)
        assert robot.told == STILL
        operator.wait(lambda v: v.state is not None and v.state.lease.session == "", "lease free")


def test_a_second_console_is_refused_in_words(tmp_path: Path) -> None:
    with (
        control(tmp_path) as (loop, _),
        console(loop.port) as first,
        console(loop.port, "op-2") as second,
    ):
        first.take()
        second.wait(lambda v: v.reach is Reach.CONNECTED, "the robot is heard")
        second.link.request(RequestLease())

        def both(view: LinkView) -> object:
            first.look()
            return view.refused is not None

        view = second.wait(both, "a refusal")
        assert view.refused is not None
        assert view.refused.reason == "op-1 has the lease"
        assert first.look().yours


def test_a_closed_console_gives_the_lease_back_at_once(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop.port, "op-2") as watcher:
        with console(loop.port) as operator:
            operator.take()
            operator.link.request(ReleaseLease(epoch=operator.epoch))
        begin = time.monotonic()
        watcher.wait(lambda v: v.state is not None and v.state.lease.session == "", "lease free")
        assert time.monotonic() - begin < 2.5, "it was left to run out"


def test_an_epoch_outlives_the_robots_process(tmp_path: Path) -> None:
    with control(tmp_path) as (first, _), console(first.port) as operator:
        operator.take()
        epoch = operator.epoch
    assert json.loads((tmp_path / "toy.latch.json").read_text())["epoch"] == epoch
    with control(tmp_path) as (again, _), console(again.port) as operator:
        assert again.state.lease.session == ""
        assert again.state.mode is Mode.DISARMED, "it ended while somebody was needed"
        operator.take()
        assert operator.epoch == epoch + 1


def test_a_robot_that_ended_in_order_starts_its_policy_again(tmp_path: Path) -> None:
    with control(tmp_path) as (first, _), console(first.port) as operator:
        operator.take()
        operator.link.request(HandBack(epoch=operator.epoch))
        operator.wait_mode(Mode.AUTONOMY)
        operator.hold(0.2)
    with control(tmp_path) as (again, _):
        assert again.state.mode is Mode.AUTONOMY


def test_a_stop_that_cannot_be_read_stops_all_the_same(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port) as watcher:
        watcher.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        garbled = Asker(STOP, LOOPBACK, loop.port)
        while not garbled.send(b"stop, please"):
            time.sleep(0.01)
        watcher.wait_mode(Mode.ESTOP)
        garbled.close()
        assert robot.told == STILL


def test_stop_on_a_full_disk_still_stops_and_answers(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
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
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
        operator.wait(lambda v: v.state is not None, "the robot is heard")

        def broken(action: Twist) -> Twist:
            raise RobotError("motor driver does not answer")

        robot.apply = broken  # type: ignore[method-assign]
        operator.wait_mode(Mode.FAULT)
        assert robot.told == STILL


def test_stop_is_answered_only_once_it_is_latched(tmp_path: Path) -> None:
    with control(tmp_path, start_policy=False) as (loop, robot), console(loop.port) as operator:
        operator.wait_mode(Mode.DISARMED)  # standing already, and not stopped
        operator.link.stop()
        operator.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")
        assert robot.told == STILL
        assert json.loads((tmp_path / "toy.latch.json").read_text())["stopped_by"] == "op-1"


def test_a_restarted_robot_that_is_driven_already_does_not_call(tmp_path: Path) -> None:
    with control(tmp_path, start_policy=False) as (loop, _), console(loop.port) as operator:
        operator.wait(lambda v: v.reach is Reach.CONNECTED, "the robot is heard")
        operator.link.request(RequestLease())
        operator.wait(lambda v: v.yours, "the lease")
        operator.hold(1.2)
        state = operator.look().state
        assert state is not None
        assert state.call is None


def test_limits_above_the_robots_own_fail_the_start(tmp_path: Path) -> None:
    class Slow(ToyRobot):
        def describe(self, boot_id: str) -> Description:
            return structs.replace(super().describe(boot_id), controller={"max_mps": 0.3})

    with pytest.raises(ConfigError, match="max_mps"):
        Control(
            robot=Slow(),
            name="toy-1",
            site="bench",
            host=LOOPBACK,
            port=free_base_port(),
            latch=LatchFile(tmp_path / "toy.latch.json"),
        )


def test_answers_to_an_earlier_stop_do_not_answer_this_one() -> None:
    port = free_base_port()
    robot = Requests(STOP, LOOPBACK, port)
    sender = StopSender("op-1", "session")
    sender.start(LOOPBACK, port)
    try:
        sender.press()
        waiting = [asked for _ in range(3) if (asked := robot.receive(2000)) is not None]
        assert len(waiting) == 3, "it is repeated until it is answered"
        decode = decoder_of(StopRequest)
        for who, raw in waiting:  # late answers to all three, two of them too many
            ack = StopAck(request_id=decode(raw).request_id, stamp_ns=1, by="op-1")
            robot.reply(who, encode(ack))
        until(lambda: sender.view is not None and sender.view.acked_ns is not None)
        sender.press()
        for _ in range(4):
            assert robot.receive(2000) is not None, "the second press is repeated, too"
        assert sender.view is not None
        assert sender.view.acked_ns is None
    finally:
        sender.close()
        robot.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.005)


def test_a_robot_without_its_stop_thread_is_faulty_and_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with control(tmp_path) as (loop, robot), console(loop.port) as operator:
        operator.wait(lambda v: v.state is not None and v.state.speed_mps > 0.1, "it drives")
        monkeypatch.setattr(StopListener, "listens", False)
        operator.wait_mode(Mode.FAULT)
        assert robot.told == STILL
