"""A console at which nobody sits gives its robot back, unless the robot moves."""

from __future__ import annotations

import pytest

from teleop.attendance import UNATTENDED_S, WARNING_S, Attendance, stands
from tests.console.fakes import driven, robot_state
from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, RobotState

STANDING = driven(mode=Mode.READY, applied=STILL)
START = 10**12
LATER = START + round(UNATTENDED_S * NS_PER_S)


def test_ten_minutes_without_a_touch_are_too_long() -> None:
    attendance = Attendance(START)
    assert not attendance.is_over(LATER - 1)
    assert attendance.is_over(LATER)


def test_the_seconds_left_are_counted_down_and_never_negative() -> None:
    attendance = Attendance(START)
    assert attendance.left_s(LATER - round(WARNING_S * NS_PER_S)) == pytest.approx(WARNING_S)
    assert attendance.left_s(LATER + NS_PER_S) == 0.0


def test_a_touch_begins_the_time_anew() -> None:
    attendance = Attendance(START).after(LATER - 1, True, STANDING, LATER - 1)
    assert attendance.left_s(LATER) == pytest.approx(UNATTENDED_S)


def test_an_old_touch_does_not_set_the_time_back() -> None:
    assert Attendance(START).after(START - 1, True, STANDING, LATER) == Attendance(START)


@pytest.mark.parametrize(
    ("yours", "state"),
    [
        (False, STANDING),
        (True, None),
        (True, driven()),  # it moves
        (True, driven(mode=Mode.AUTONOMY, applied=STILL)),  # its policy works
    ],
)
def test_time_counts_only_while_a_robot_stands_for_this_console(
    yours: bool, state: RobotState | None
) -> None:
    assert Attendance(START).after(START, yours, state, LATER) == Attendance(LATER)


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        (STANDING, True),
        (driven(mode=Mode.ESTOP, applied=STILL), True),
        (driven(), False),
        (robot_state(applied=STILL), False),
    ],
)
def test_standing(state: RobotState, standing: bool) -> None:
    assert stands(state) is standing
