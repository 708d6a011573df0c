"""What every robot is tested for: inherit a class below and say how to make one.

    class TestMyRobot(RobotConformance):
        def make_robot(self) -> Robot:
            return MyRobot("/dev/ttyUSB0")

        def set_point(self, robot: Robot) -> Twist:
            return robot.read_set_point()  # from the motors, not from what was sent

`RestorableConformance` adds what the proof by replay rests on, `ResettableConformance` what a scene
that is put back does. Robots must be made ready to move by small commands; nothing here drives
further than a few centimetres. What is asked of a robot are the axes that its description names.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec
import pytest

from teleop.actuator_watchdog import LIMIT_MS, WatchedRobot
from teleop.axes import ALL, only
from teleop.robot import Gripping, Resettable, Restorable, Robot, RobotError
from transport.clock import NS_PER_MS
from transport.messages import STILL, Twist

SLOW = Twist(forward_mps=0.1, turn_radps=0.3, left_mps=0.03, up_mps=0.03, grip_ps=0.2)
TOO_FAST: Final = 1e6
# By which a description's controller names the limit of each axis.
LIMIT_OF: Final = {
    "forward_mps": "max_mps",
    "left_mps": "max_mps",
    "up_mps": "max_mps",
    "turn_radps": "max_radps",
    "grip_ps": "max_grip_ps",
}
LIMIT_NS = round(LIMIT_MS * NS_PER_MS)
TICKS = 50  # of driving while another thread holds, over and over


class RestorableRobot(Robot, Restorable, Protocol):
    """A robot that can be replayed."""


class ResettableRobot(Robot, Restorable, Resettable, Protocol):
    """A robot whose scene can be put back."""


def ahead(robot: Robot) -> Twist:
    """A slow motion on every axis that the robot has."""
    return only(SLOW, robot.describe("boot").action_names)


def on_axis(axis: str, value: float) -> Twist:
    """That on one axis, nothing on the others."""
    return msgspec.structs.replace(STILL, **{axis: value})


class RobotConformance:
    """The contract of `teleop.robot.Robot`."""

    def make_robot(self) -> Robot:
        """A new robot, standing where it may move a little."""
        raise NotImplementedError

    def set_point(self, robot: Robot) -> Twist:
        """What the motors of `robot` are told at this moment."""
        raise NotImplementedError

    @pytest.fixture
    def robot(self) -> Iterator[Robot]:
        robot = self.make_robot()
        yield robot
        robot.close()

    def test_describes_itself_before_anything_moves(self, robot: Robot) -> None:
        description = robot.describe("boot")
        assert description.boot_id == "boot"
        assert len(robot.observe().values()) == len(description.observation_names)
        assert set(description.observation_names) <= set(description.units) or not description.units
        assert description.action_names
        assert set(description.action_names) <= set(ALL)
        assert description.task
        assert description.tick_hz > 0
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(description))

    def test_its_description_does_not_change_while_it_moves(self, robot: Robot) -> None:
        before = robot.describe("boot")
        robot.apply(ahead(robot))
        assert robot.describe("boot") == before

    def test_every_measurement_is_finite_and_plausible(self, robot: Robot) -> None:
        for action in (STILL, ahead(robot)):
            robot.apply(action)
            seen = robot.observe()
            assert all(math.isfinite(value) for value in seen.values())
            assert -math.pi <= seen.heading_rad <= math.pi
            pose = seen.pose
            assert all(map(math.isfinite, (pose.x_m, pose.y_m, pose.z_m, pose.heading_rad)))
            if isinstance(seen, Gripping):
                assert 0 <= seen.grip <= 1
                assert seen.grip_n >= 0
            assert seen.tilt_rad >= 0
            assert seen.motor_a >= 0
            assert 0 <= seen.battery_pct <= 100

    def test_observing_changes_nothing(self, robot: Robot) -> None:
        robot.apply(ahead(robot))
        before = robot.snapshot()
        assert robot.observe() == robot.observe()
        assert robot.snapshot() == before

    def test_an_action_beyond_the_limits_is_clipped_and_told(self, robot: Robot) -> None:
        description = robot.describe("boot")
        for axis in description.action_names:
            limit = description.controller[LIMIT_OF[axis]]
            for value in (TOO_FAST, -TOO_FAST):
                told = robot.apply(on_axis(axis, value))
                assert told == on_axis(axis, math.copysign(limit, value))

    def test_an_axis_that_it_lacks_is_not_told_to_the_motors(self, robot: Robot) -> None:
        lacking = [name for name in ALL if name not in robot.describe("boot").action_names]
        for axis in lacking:
            assert robot.apply(on_axis(axis, 0.1)) == STILL

    def test_an_action_within_the_limits_is_told_unchanged(self, robot: Robot) -> None:
        assert robot.apply(ahead(robot)) == ahead(robot)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_a_number_that_is_none_is_refused(self, robot: Robot, bad: float) -> None:
        before = robot.snapshot()
        for axis in robot.describe("boot").action_names:
            with pytest.raises(RobotError):
                robot.apply(on_axis(axis, bad))
        assert robot.snapshot() == before

    def test_hold_is_allowed_at_any_time(self, robot: Robot) -> None:
        robot.hold()
        robot.apply(ahead(robot))
        robot.hold()
        robot.hold()
        assert robot.apply(STILL) == STILL

    def test_hold_zeroes_the_set_point(self, robot: Robot) -> None:
        slow = ahead(robot)
        robot.apply(slow)
        assert self.set_point(robot) == slow
        robot.hold()
        assert self.set_point(robot) == STILL

    def test_the_set_point_is_zero_after_250_ms_without_apply(self, robot: Robot) -> None:
        slow = ahead(robot)
        stamps_ns = [0]
        watched = WatchedRobot(robot, clock=lambda: stamps_ns[0])
        watched.start()
        watched.apply(slow)
        stamps_ns[0] = LIMIT_NS - 1
        watched.look()
        assert (self.set_point(robot), watched.trips) == (slow, 0)
        stamps_ns[0] = LIMIT_NS
        watched.look()
        assert (self.set_point(robot), watched.trips) == (STILL, 1)
        watched.apply(slow)
        assert (self.set_point(robot), watched.trips) == (slow, 1)
        watched.close()

    def test_hold_from_another_thread_while_apply_runs_is_safe(self, robot: Robot) -> None:
        slow = ahead(robot)
        told = driven_while_held(robot)
        assert told == [slow] * TICKS
        robot.hold()
        assert self.set_point(robot) == STILL
        assert robot.apply(slow) == slow
        assert self.set_point(robot) == slow

    def test_close_is_idempotent_and_hold_is_safe_after_it(self, robot: Robot) -> None:
        robot.close()
        robot.close()
        robot.hold()


class RestorableConformance(RobotConformance):
    """The contract of `teleop.robot.Restorable`, on top of a robot's."""

    def make_robot(self) -> RestorableRobot:
        raise NotImplementedError

    @pytest.fixture
    def restorable(self) -> Iterator[RestorableRobot]:
        robot = self.make_robot()
        yield robot
        robot.close()

    def test_is_recognised_as_restorable(self, restorable: RestorableRobot) -> None:
        assert isinstance(restorable, Restorable)

    def test_a_restored_state_gives_the_same_bytes(self, restorable: RestorableRobot) -> None:
        restorable.apply(ahead(restorable))
        state = restorable.snapshot()
        for _ in range(5):
            restorable.apply(ahead(restorable))
        assert restorable.snapshot() != state
        restorable.restore(state)
        assert restorable.snapshot() == state

    def test_a_restored_robot_observes_and_judges_the_same(
        self, restorable: RestorableRobot
    ) -> None:
        restorable.apply(ahead(restorable))
        state, seen, solved = restorable.snapshot(), restorable.observe(), restorable.solved()
        for axis in restorable.describe("boot").action_names:
            restorable.apply(on_axis(axis, TOO_FAST))
        restorable.restore(state)
        assert restorable.observe() == seen
        assert restorable.solved() == solved

    def test_goes_on_from_a_restored_state_exactly_as_before(
        self, restorable: RestorableRobot
    ) -> None:
        for _ in range(3):
            restorable.apply(ahead(restorable))
        state = restorable.snapshot()
        went_on = self._drive(restorable)
        restorable.restore(state)
        assert self._drive(restorable) == went_on

    def test_another_instance_goes_on_exactly_alike(self, restorable: RestorableRobot) -> None:
        for _ in range(3):
            restorable.apply(ahead(restorable))
        state = restorable.snapshot()
        went_on = self._drive(restorable)
        other = self.make_robot()
        other.restore(state)
        assert self._drive(other) == went_on
        other.close()

    def test_a_hold_between_two_ticks_is_no_part_of_the_state(
        self, restorable: RestorableRobot
    ) -> None:
        restorable.apply(ahead(restorable))
        state, seen = restorable.snapshot(), restorable.observe()
        restorable.hold()
        assert restorable.snapshot() == state
        assert restorable.observe() == seen

    def test_holds_during_ticks_do_not_change_where_they_lead(
        self, restorable: RestorableRobot
    ) -> None:
        start = restorable.snapshot()
        driven_while_held(restorable)
        held = restorable.snapshot()
        restorable.restore(start)
        for _ in range(TICKS):
            restorable.apply(ahead(restorable))
        assert restorable.snapshot() == held

    def test_bytes_that_are_no_state_are_refused(self, restorable: RestorableRobot) -> None:
        before = restorable.snapshot()
        for state in (b"", b"\0" * 8, before[:-8], before + b"\0" * 8):
            with pytest.raises(RobotError):
                restorable.restore(state)
        assert restorable.snapshot() == before

    @staticmethod
    def _drive(robot: RestorableRobot) -> list[bytes]:
        """The state after each of a few ticks of varied driving."""
        states, axes = [], robot.describe("boot").action_names
        for tick in range(20):
            varied = Twist(
                forward_mps=0.1 - 0.01 * tick,
                turn_radps=0.3 if tick % 5 else -0.3,
                left_mps=0.05 if tick % 3 else -0.05,
                up_mps=0.03 - 0.003 * tick,
                grip_ps=0.2 if tick % 7 else -0.2,
            )
            robot.apply(only(varied, axes))
            states.append(robot.snapshot())
        return states


class ResettableConformance(RestorableConformance):
    """The contract of `teleop.robot.Resettable`, on top of a restorable robot's."""

    begins_solved: bool = False  # a robot that only gets into its trouble after the start

    def make_robot(self) -> ResettableRobot:
        raise NotImplementedError

    @pytest.fixture
    def resettable(self) -> Iterator[ResettableRobot]:
        robot = self.make_robot()
        yield robot
        robot.close()

    def test_is_recognised_as_resettable(self, resettable: ResettableRobot) -> None:
        assert isinstance(resettable, Resettable)

    def test_the_same_count_is_the_same_start_whatever_was_before(
        self, resettable: ResettableRobot
    ) -> None:
        resettable.reset(1)
        start = resettable.snapshot()
        self._drive(resettable)
        resettable.reset(1)
        assert resettable.snapshot() == start
        other = self.make_robot()
        other.reset(2)
        other.reset(1)
        assert other.snapshot() == start
        other.close()

    def test_each_count_is_a_start_of_its_own(self, resettable: ResettableRobot) -> None:
        starts = []
        for count in (1, 2, 3):
            resettable.reset(count)
            starts.append(resettable.snapshot())
            assert resettable.solved() is self.begins_solved
        assert len(set(starts)) == len(starts)

    def test_after_a_reset_it_stands_is_the_same_robot_and_drives_on(
        self, resettable: ResettableRobot
    ) -> None:
        before = resettable.describe("boot")
        resettable.apply(ahead(resettable))
        resettable.reset(1)
        assert self.set_point(resettable) == STILL
        assert resettable.describe("boot") == before
        assert resettable.apply(ahead(resettable)) == ahead(resettable)

    def test_a_state_from_before_a_reset_can_still_be_restored(
        self, resettable: ResettableRobot
    ) -> None:
        resettable.apply(ahead(resettable))
        state, seen = resettable.snapshot(), resettable.observe()
        resettable.reset(1)
        resettable.restore(state)
        assert (resettable.snapshot(), resettable.observe()) == (state, seen)


def driven_while_held(robot: Robot) -> list[Twist]:
    """What each of `TICKS` ticks told the motors, while another thread never ceased to hold."""
    driven, failed = threading.Event(), []
    slow = ahead(robot)

    def hold_on() -> None:
        try:
            while not driven.is_set():
                robot.hold()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    holder = threading.Thread(target=hold_on)
    holder.start()
    try:
        told = [robot.apply(slow) for _ in range(TICKS)]
    finally:
        driven.set()
        holder.join()
    assert not failed, failed
    return told
