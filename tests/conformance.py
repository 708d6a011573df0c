"""What every robot is tested for: inherit a class below and say how to make one.

    class TestMyRobot(RobotConformance):
        def make_robot(self) -> Robot:
            return MyRobot("/dev/ttyUSB0")

        def set_point(self, robot: Robot) -> Twist:
            return robot.read_set_point()  # from the motors, not from what was sent

`RestorableConformance` adds what the proof by replay rests on. Robots must be made ready to move
by small commands; nothing here drives further than a few centimetres.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Protocol

import msgspec
import pytest

from teleop.actuator_watchdog import LIMIT_MS, WatchedRobot
from teleop.robot import Restorable, Robot, RobotError
from transport.clock import NS_PER_MS
from transport.messages import STILL, Twist

AHEAD = Twist(forward_mps=0.1, turn_radps=0.3)
TOO_FAST = Twist(forward_mps=1e6, turn_radps=-1e6)
LIMIT_NS = round(LIMIT_MS * NS_PER_MS)
TICKS = 50  # of driving while another thread holds, over and over


class RestorableRobot(Robot, Restorable, Protocol):
    """A robot that can be replayed."""


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
        assert description.observation_names
        assert description.task
        assert description.tick_hz > 0
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(description))

    def test_its_description_does_not_change_while_it_moves(self, robot: Robot) -> None:
        before = robot.describe("boot")
        robot.apply(AHEAD)
        assert robot.describe("boot") == before

    def test_every_measurement_is_finite_and_plausible(self, robot: Robot) -> None:
        for action in (STILL, AHEAD):
            robot.apply(action)
            seen = robot.observe()
            assert all(math.isfinite(value) for value in seen.values())
            assert -math.pi <= seen.heading_rad <= math.pi
            assert seen.tilt_rad >= 0
            assert seen.motor_a >= 0
            assert 0 <= seen.battery_pct <= 100

    def test_observing_changes_nothing(self, robot: Robot) -> None:
        robot.apply(AHEAD)
        before = robot.snapshot()
        assert robot.observe() == robot.observe()
        assert robot.snapshot() == before

    def test_an_action_beyond_the_limits_is_clipped_and_told(self, robot: Robot) -> None:
        limits = robot.describe("boot").controller
        told = robot.apply(TOO_FAST)
        assert told == Twist(forward_mps=limits["max_mps"], turn_radps=-limits["max_radps"])

    def test_an_action_within_the_limits_is_told_unchanged(self, robot: Robot) -> None:
        assert robot.apply(AHEAD) == AHEAD

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_a_number_that_is_none_is_refused(self, robot: Robot, bad: float) -> None:
        before = robot.snapshot()
        for action in (
            Twist(forward_mps=bad, turn_radps=0.0),
            Twist(forward_mps=0.0, turn_radps=bad),
        ):
            with pytest.raises(RobotError):
                robot.apply(action)
        assert robot.snapshot() == before

    def test_hold_is_allowed_at_any_time(self, robot: Robot) -> None:
        robot.hold()
        robot.apply(AHEAD)
        robot.hold()
        robot.hold()
        assert robot.apply(STILL) == STILL

    def test_hold_zeroes_the_set_point(self, robot: Robot) -> None:
        robot.apply(AHEAD)
        assert self.set_point(robot) == AHEAD
        robot.hold()
        assert self.set_point(robot) == STILL

    def test_the_set_point_is_zero_after_250_ms_without_apply(self, robot: Robot) -> None:
        stamps_ns = [0]
        watched = WatchedRobot(robot, clock=lambda: stamps_ns[0])
        watched.start()
        watched.apply(AHEAD)
        stamps_ns[0] = LIMIT_NS - 1
        watched.look()
        assert (self.set_point(robot), watched.trips) == (AHEAD, 0)
        stamps_ns[0] = LIMIT_NS
        watched.look()
        assert (self.set_point(robot), watched.trips) == (STILL, 1)
        watched.apply(AHEAD)
        assert (self.set_point(robot), watched.trips) == (AHEAD, 1)
        watched.close()

    def test_hold_from_another_thread_while_apply_runs_is_safe(self, robot: Robot) -> None:
        told = driven_while_held(robot)
        assert told == [AHEAD] * TICKS
        robot.hold()
        assert self.set_point(robot) == STILL
        assert robot.apply(AHEAD) == AHEAD
        assert self.set_point(robot) == AHEAD

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
        restorable.apply(AHEAD)
        state = restorable.snapshot()
        for _ in range(5):
            restorable.apply(AHEAD)
        assert restorable.snapshot() != state
        restorable.restore(state)
        assert restorable.snapshot() == state

    def test_a_restored_robot_observes_and_judges_the_same(
        self, restorable: RestorableRobot
    ) -> None:
        restorable.apply(AHEAD)
        state, seen, solved = restorable.snapshot(), restorable.observe(), restorable.solved()
        restorable.apply(TOO_FAST)
        restorable.restore(state)
        assert restorable.observe() == seen
        assert restorable.solved() == solved

    def test_goes_on_from_a_restored_state_exactly_as_before(
        self, restorable: RestorableRobot
    ) -> None:
        for _ in range(3):
            restorable.apply(AHEAD)
        state = restorable.snapshot()
        went_on = self._drive(restorable)
        restorable.restore(state)
        assert self._drive(restorable) == went_on

    def test_another_instance_goes_on_exactly_alike(self, restorable: RestorableRobot) -> None:
        for _ in range(3):
            restorable.apply(AHEAD)
        state = restorable.snapshot()
        went_on = self._drive(restorable)
        other = self.make_robot()
        other.restore(state)
        assert self._drive(other) == went_on
        other.close()

    def test_a_hold_between_two_ticks_is_no_part_of_the_state(
        self, restorable: RestorableRobot
    ) -> None:
        restorable.apply(AHEAD)
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
            restorable.apply(AHEAD)
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
        states = []
        for tick in range(20):
            robot.apply(Twist(forward_mps=0.1 - 0.01 * tick, turn_radps=0.3 if tick % 5 else -0.3))
            states.append(robot.snapshot())
        return states


def driven_while_held(robot: Robot) -> list[Twist]:
    """What each of `TICKS` ticks told the motors, while another thread never ceased to hold."""
    driven, failed = threading.Event(), []

    def hold_on() -> None:
        try:
            while not driven.is_set():
                robot.hold()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    holder = threading.Thread(target=hold_on)
    holder.start()
    try:
        told = [robot.apply(AHEAD) for _ in range(TICKS)]
    finally:
        driven.set()
        holder.join()
    assert not failed, failed
    return told
