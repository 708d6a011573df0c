"""Below the gate: 250 ms without a set-point and the motors are held, whatever control is doing."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from teleop.actuator_watchdog import AGAIN_NS, LIMIT_MS, Watch, WatchedRobot
from teleop.robot import Restorable, Robot, RobotError, Watched
from teleop.safety import ConfigError
from tests.conformance import RobotConformance
from tests.point_robot import PointRobot
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import STILL, Description, Twist

LIMIT_NS = round(LIMIT_MS * NS_PER_MS)
TICK_NS = NS_PER_S // TICK_HZ
HANG_S = 20.0
AHEAD = Twist(forward_mps=0.1, turn_radps=0.3)


# --- the decision -------------------------------------------------------------------------------


def watched_through(gaps_ns: list[int], look_every_ns: int = NS_PER_MS) -> Watch:
    """One apply after each gap, looked at all the time."""
    watch, stamp_ns = Watch(limit_ns=LIMIT_NS).entered(0).left(), 0
    for gap_ns in gaps_ns:
        for passed_ns in range(look_every_ns, gap_ns, look_every_ns):
            watch, _ = watch.looked(stamp_ns + passed_ns)
        stamp_ns += gap_ns
        watch, _ = watch.looked(stamp_ns)
        watch = watch.entered(stamp_ns).left()
    return watch


def test_nothing_is_held_before_the_first_set_point() -> None:
    watch = Watch(limit_ns=LIMIT_NS)
    assert watch.looked(10**15) == (watch, False)


def test_applies_in_time_trip_nothing() -> None:
    assert watched_through([TICK_NS] * 100).trips == 0
    assert watched_through([LIMIT_NS - 1] * 3).trips == 0


@given(st.lists(st.integers(1, 3 * LIMIT_NS), max_size=8), st.integers(5, 400))
def test_each_gap_of_the_limit_counts_once_however_often_it_is_looked_at(
    gaps_ns: list[int], look_every_ms: int
) -> None:
    trips = watched_through(gaps_ns, look_every_ms * NS_PER_MS).trips
    assert trips == sum(gap_ns >= LIMIT_NS for gap_ns in gaps_ns)


def test_the_hold_is_repeated_until_the_next_apply() -> None:
    watch = Watch(limit_ns=LIMIT_NS).entered(0).left()
    holds = []
    for stamp_ns in range(0, LIMIT_NS + 3 * AGAIN_NS, NS_PER_MS):
        watch, hold = watch.looked(stamp_ns)
        holds += [stamp_ns] * hold
    assert holds == [LIMIT_NS + n * AGAIN_NS for n in range(3)]
    assert watch.trips == 1
    watch = watch.entered(LIMIT_NS + 3 * AGAIN_NS)
    assert watch.looked(LIMIT_NS + 3 * AGAIN_NS + TICK_NS) == (watch, False)


def test_what_control_holds_itself_is_not_watched() -> None:
    watch = Watch(limit_ns=LIMIT_NS).entered(0).left().held()
    assert watch.looked(10**15) == (watch, False)


def test_a_hold_by_another_thread_does_not_hide_an_apply_that_hangs() -> None:
    watch, hold = Watch(limit_ns=LIMIT_NS).entered(0).held().looked(LIMIT_NS)
    assert hold
    assert watch.trips == 1


@given(st.integers(0, LIMIT_NS), st.integers(0, 10 * NS_PER_S))
def test_who_waits_as_long_as_it_says_never_looks_late(armed_ns: int, late_ns: int) -> None:
    idle = Watch(limit_ns=LIMIT_NS)
    first_look_ns = idle.wait_ns(0)
    armed = idle.entered(armed_ns)
    assert first_look_ns <= armed_ns + LIMIT_NS, "armed in between, and still in time"
    due_ns = armed_ns + armed.wait_ns(armed_ns)
    assert due_ns == armed_ns + LIMIT_NS
    tripped, hold = armed.looked(due_ns + late_ns)
    assert hold
    assert tripped.wait_ns(due_ns + late_ns) == AGAIN_NS


# --- the robot around it ------------------------------------------------------------------------


class Line(PointRobot):
    """A driver with limits; `hang` is called in `apply` before the motors are told."""

    def __init__(self, told: Twist = STILL) -> None:
        super().__init__()
        self.told = told
        self.hang: Callable[[], object] = lambda: None
        self.held = threading.Event()
        self.closed = 0

    def describe(self, boot_id: str) -> Description:
        limits = {"max_mps": 0.5, "max_radps": 1.5}
        return structs.replace(super().describe(boot_id), controller=limits)

    def apply(self, action: Twist) -> Twist:
        if not (math.isfinite(action.forward_mps) and math.isfinite(action.turn_radps)):
            raise RobotError(f"{action} is not a motion")
        self.hang()
        return super().apply(
            Twist(
                forward_mps=max(-0.5, min(0.5, action.forward_mps)),
                turn_radps=max(-1.5, min(1.5, action.turn_radps)),
            )
        )

    def hold(self) -> None:
        super().hold()
        self.held.set()

    def close(self) -> None:
        self.closed += 1
        super().close()


@dataclass
class Bench:
    """A watched driver and the clock it goes by."""

    line: Line
    robot: WatchedRobot
    stamp_ns: int = 0

    def pass_ns(self, ns: int) -> None:
        self.stamp_ns += ns


@contextmanager
def bench(line: Line | None = None) -> Iterator[Bench]:
    driver = line or Line()
    made = Bench(driver, WatchedRobot(driver, clock=lambda: made.stamp_ns))
    made.robot.start()
    try:
        yield made
    finally:
        made.robot.close()


class TestWatchedRobotConforms(RobotConformance):
    """The wrapper is a robot as any other; it may even be wrapped again."""

    def make_robot(self) -> Robot:
        self.line = Line()
        robot = WatchedRobot(self.line)
        robot.start()
        return robot

    def set_point(self, robot: Robot) -> Twist:
        return self.line.told


def test_a_watched_robot_says_so_and_cannot_be_taken_for_a_simulation() -> None:
    with bench() as made:
        assert isinstance(made.robot, Watched)
        assert not isinstance(made.robot, Restorable)


def test_a_control_that_falls_silent_loses_the_motors_by_itself() -> None:
    """The thread alone, by the real clock."""
    line = Line()
    robot = WatchedRobot(line, limit_ms=100.0)
    robot.start()
    line.held.clear()
    robot.apply(AHEAD)
    assert line.held.wait(HANG_S)
    assert line.told == STILL
    assert robot.trips == 1
    robot.close()


def test_an_apply_that_hangs_is_held_from_outside_and_again_when_it_returns() -> None:
    entered, released = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        assert released.wait(HANG_S)

    with bench() as made:
        made.robot.apply(AHEAD)
        made.line.hang = hang
        control = threading.Thread(target=lambda: made.robot.apply(AHEAD))
        control.start()
        assert entered.wait(HANG_S)
        made.pass_ns(LIMIT_NS)
        made.robot.look()
        assert made.line.told == STILL, "held although the driver does not return"
        released.set()
        control.join(HANG_S)
        assert made.line.told == STILL, "what it told the motors late is taken back"
        assert made.robot.trips == 1


def test_motors_that_a_killed_predecessor_left_turning_are_held_at_the_start() -> None:
    with bench(Line(told=AHEAD)) as made:
        assert made.line.told == STILL


def test_the_agent_holds_a_robot_whose_apply_hangs_long_before_the_limit() -> None:
    entered, released, asked = threading.Event(), threading.Event(), threading.Event()
    line = Line()

    def hang() -> None:
        entered.set()
        assert released.wait(HANG_S)

    robot = WatchedRobot(line, clock=lambda: 0, hold_asked=asked.is_set)
    robot.start()
    robot.apply(AHEAD)
    line.hang = hang
    control = threading.Thread(target=lambda: robot.apply(AHEAD))
    control.start()
    assert entered.wait(HANG_S)
    line.held.clear()
    asked.set()
    assert line.held.wait(HANG_S), "by the thread alone, and no time has passed"
    released.set()
    control.join(HANG_S)
    assert line.told == STILL
    with pytest.raises(RobotError, match="agent"):
        robot.apply(AHEAD)
    assert line.told == STILL
    assert robot.trips == 0
    robot.close()


def test_a_gap_that_lasts_is_counted_before_it_is_asked_for() -> None:
    with bench() as made:
        made.robot.apply(AHEAD)
        made.pass_ns(LIMIT_NS)
        assert made.robot.trips == 1
        assert made.line.told == STILL


def test_a_late_apply_counts_even_when_the_watchdogs_thread_was_as_late() -> None:
    with bench() as made:  # a machine that stood still, or SIGSTOP
        made.robot.apply(AHEAD)
        made.pass_ns(LIMIT_NS)
        assert made.robot.apply(AHEAD) == AHEAD
        assert made.line.told == AHEAD
        assert made.robot.trips == 1


def test_control_that_holds_instead_of_applying_trips_nothing() -> None:
    with bench() as made:
        made.robot.apply(AHEAD)
        made.robot.hold()
        made.pass_ns(10 * LIMIT_NS)
        assert made.robot.trips == 0


def test_a_driver_that_raises_is_watched_all_the_same() -> None:
    with bench() as made:
        made.robot.apply(AHEAD)
        with pytest.raises(RobotError):
            made.robot.apply(Twist(forward_mps=math.nan, turn_radps=0.0))
        made.pass_ns(LIMIT_NS)
        assert made.robot.trips == 1
        assert made.line.told == STILL


def test_without_its_watchdog_nothing_moves() -> None:
    line = Line()
    robot = WatchedRobot(line)
    with pytest.raises(RobotError, match="watchdog"):
        robot.apply(AHEAD)
    assert line.told == STILL
    robot.close()
    assert line.closed == 1


def test_a_watchdog_that_cannot_hold_refuses_the_next_apply() -> None:
    failing = threading.Event()

    class Broken(Line):
        def hold(self) -> None:
            if failing.is_set():
                failing.clear()
                raise OSError("the bus is gone")

    robot = WatchedRobot(Broken(), limit_ms=100.0)
    robot.start()
    robot.apply(AHEAD)
    failing.set()
    robot._thread.join(HANG_S)
    with pytest.raises(RobotError, match="watchdog"):
        robot.apply(AHEAD)
    robot.close()


@pytest.mark.parametrize("limit_ms", [0.0, -1.0, 99.9, 500.1, math.inf, math.nan])
def test_the_limit_cannot_be_switched_off(limit_ms: float) -> None:
    with pytest.raises(ConfigError, match="cannot be switched off"):
        WatchedRobot(Line(), limit_ms=limit_ms)
