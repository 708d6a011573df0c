"""Stuck: asking for motion for four seconds without getting anywhere."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from teleop.policy import Diagnosis
from teleop.robot import RoverObservation
from teleop.stuck import CAUGHT_S, FRESH_NS, MOVED_M, TURNED_RAD, WINDOW_S, StuckDetector
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, Twist

AHEAD = Twist(forward_mps=0.3, turn_radps=0.0)
STANDS = RoverObservation(
    x_m=1.0,
    y_m=2.0,
    heading_rad=0.5,
    speed_mps=0.0,
    turn_radps=0.0,
    left_wheel_mps=0.0,
    right_wheel_mps=0.0,
    tilt_rad=0.0,
    motor_a=0.5,
    battery_pct=80.0,
    bumper=False,
)
SPINS = replace(STANDS, left_wheel_mps=0.28, right_wheel_mps=0.3, motor_a=6.0)
START_NS = 7 * NS_PER_S


def after(
    seconds: float,
    seen: RoverObservation,
    *,
    asked: Twist = AHEAD,
    mode: Mode = Mode.AUTONOMY,
    speed_mps: float = 0.0,
    turn_radps: float = 0.0,
    detector: StuckDetector | None = None,
    start_ns: int = START_NS,
) -> Diagnosis | None:
    """What a detector says after `seconds` of ticks while the robot really moves as given."""
    detector = detector or StuckDetector()
    now_ns = start_ns
    for tick in range(round(seconds * TICK_HZ) + 1):
        t = tick / TICK_HZ
        now_ns = start_ns + tick * NS_PER_S // TICK_HZ
        moved = replace(
            seen,
            x_m=seen.x_m + speed_mps * t,
            heading_rad=math.remainder(seen.heading_rad + turn_radps * t, math.tau),
        )
        detector.observe(now_ns, mode, asked, moved)
    return detector.diagnosis(now_ns)


def test_spinning_wheels_under_something_are_called_wedged() -> None:
    assert after(WINDOW_S, SPINS) == Diagnosis(
        "Wedged under furniture", "Wheels turn 4 s, moved 0.00 m"
    )


def test_the_detail_says_how_little_it_moved() -> None:
    diagnosis = after(WINDOW_S, SPINS, speed_mps=0.005)
    assert diagnosis is not None
    assert diagnosis.detail == "Wheels turn 4 s, moved 0.02 m"


def test_a_tilted_robot_is_called_wedged_even_when_its_wheels_stand() -> None:
    diagnosis = after(WINDOW_S, replace(STANDS, tilt_rad=0.06, motor_a=6.4))
    assert diagnosis == Diagnosis(
        "Wedged under furniture", "Motors push 4 s at 6.4 A, moved 0.00 m"
    )


def test_standing_wheels_on_level_ground_are_only_called_unable_to_move() -> None:
    assert after(WINDOW_S, STANDS) == Diagnosis(
        "Cannot move", "Asked to move for 4 s, moved 0.00 m"
    )


def test_a_pressed_bumper_is_named_and_not_called_wedged() -> None:
    assert after(WINDOW_S, replace(SPINS, bumper=True)) == Diagnosis(
        "Cannot move", "Wheels turn 4 s, moved 0.00 m, bumper pressed"
    )


def test_a_lifted_nose_is_called_high_centred() -> None:
    assert after(WINDOW_S, replace(SPINS, tilt_rad=0.22, motor_a=1.4)) == Diagnosis(
        "High-centred on a sill", "Wheels turn 4 s, moved 0.00 m, tilted 13°"
    )


def test_wheels_that_spin_on_the_level_without_effort_are_on_something_loose() -> None:
    assert after(WINDOW_S, replace(SPINS, motor_a=1.3)) == Diagnosis(
        "Wheels spin on a loose rug", "Wheels turn 4 s, moved 0.00 m at 1.3 A only"
    )


def test_wheels_that_spin_under_a_light_tilt_are_wedged_however_little_they_draw() -> None:
    diagnosis = after(WINDOW_S, replace(SPINS, tilt_rad=0.05, motor_a=1.3))
    assert diagnosis is not None
    assert diagnosis.reason == "Wedged under furniture"


def bumping(
    seconds: float, *, every_s: float = 2.4, speed_mps: float = 0.0, stays_s: float = 0.1
) -> Diagnosis | None:
    """After a robot has bumped every so often, turned after each, and moved on as given."""
    detector, diagnosis = StuckDetector(), None
    for tick in range(round(seconds * TICK_HZ) + 1):
        t = tick / TICK_HZ
        seen = replace(
            STANDS,
            x_m=speed_mps * t + 0.06 * math.sin(2 * t),
            heading_rad=math.remainder(t, math.tau),
            bumper=t % every_s < stays_s,
        )
        now_ns = START_NS + tick * NS_PER_S // TICK_HZ
        detector.observe(now_ns, Mode.AUTONOMY, AHEAD, seen)
        diagnosis = detector.diagnosis(now_ns)
    return diagnosis


def test_bump_after_bump_in_one_place_is_called_caught_although_it_moves() -> None:
    assert bumping(12.5) == Diagnosis(
        "Caught between chair legs", "6 bumps in 12 s, never more than 0.3 m away"
    )


def test_a_few_bumps_in_a_corner_are_no_reason_to_call() -> None:
    assert bumping(CAUGHT_S - 0.1) is None
    assert bumping(30, every_s=10) is None


def test_bumps_that_were_got_away_from_do_not_count() -> None:
    assert bumping(40, speed_mps=0.05) is None


def test_what_touches_and_lets_go_while_the_body_turns_is_one_bump() -> None:
    assert bumping(14, every_s=0.3, stays_s=0.1) is None


def test_bumps_are_forgotten_with_the_rest() -> None:
    detector = StuckDetector()
    for tick in range(13 * TICK_HZ):
        now_ns = START_NS + tick * NS_PER_S // TICK_HZ
        turns = math.remainder(tick / TICK_HZ, math.tau)
        seen = replace(STANDS, heading_rad=turns, bumper=tick % 150 < 6)
        detector.observe(now_ns, Mode.AUTONOMY, AHEAD, seen)
    assert detector.diagnosis(now_ns) is not None
    detector.reset()
    detector.observe(now_ns, Mode.AUTONOMY, AHEAD, STANDS)
    assert detector.diagnosis(now_ns) is None


def test_nothing_is_said_before_the_window_is_full() -> None:
    assert after(WINDOW_S - 0.1, SPINS) is None


def test_it_is_said_again_as_long_as_it_lasts() -> None:
    assert after(10 * WINDOW_S, SPINS) is not None


@pytest.mark.parametrize(
    "motion",
    [
        {"speed_mps": 1.2 * MOVED_M / WINDOW_S},
        {"speed_mps": -0.3},
        {"turn_radps": 1.2 * TURNED_RAD / WINDOW_S},
        {"turn_radps": -1.2},
    ],
)
def test_a_robot_that_moves_or_turns_is_not_stuck(motion: dict[str, float]) -> None:
    for seconds in (WINDOW_S, 2.5 * WINDOW_S):
        assert after(seconds, SPINS, **motion) is None  # type: ignore[arg-type]


def test_a_robot_that_was_moving_is_given_the_whole_window() -> None:
    detector = StuckDetector()
    after(3, STANDS, speed_mps=0.3, detector=detector)
    stopped = replace(SPINS, x_m=STANDS.x_m + 0.9)
    later_ns = START_NS + 3 * NS_PER_S
    assert after(3.5, stopped, detector=detector, start_ns=later_ns) is None
    assert after(WINDOW_S, stopped, detector=detector, start_ns=later_ns) is not None


def test_a_robot_that_is_asked_to_stand_is_not_stuck() -> None:
    assert after(3 * WINDOW_S, STANDS, asked=STILL) is None


def test_asking_for_a_turn_counts_as_asking_for_motion() -> None:
    asked = Twist(forward_mps=0.0, turn_radps=1.0)
    assert after(WINDOW_S, STANDS, asked=asked) is not None


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.AUTONOMY])
def test_only_the_policy_is_watched(mode: Mode) -> None:
    assert after(2 * WINDOW_S, SPINS, mode=mode) is None


def test_starts_anew_after_a_rescue() -> None:
    detector = StuckDetector()
    after(WINDOW_S, SPINS, detector=detector)
    detector.reset()
    now_ns = START_NS + round(WINDOW_S * NS_PER_S)
    assert detector.diagnosis(now_ns) is None
    assert after(WINDOW_S / 2, SPINS, detector=detector, start_ns=now_ns) is None


def test_old_measurements_say_nothing() -> None:
    detector = StuckDetector()
    after(WINDOW_S, SPINS, detector=detector)
    now_ns = START_NS + round(WINDOW_S * NS_PER_S)
    assert detector.diagnosis(now_ns + FRESH_NS) is not None
    assert detector.diagnosis(now_ns + FRESH_NS + 1) is None


def test_every_sentence_fits_the_message() -> None:
    far = replace(SPINS, motor_a=1e9, bumper=True)
    diagnosis = after(WINDOW_S, far)
    assert diagnosis is not None
    assert len(diagnosis.reason) + len(diagnosis.detail) < 400
