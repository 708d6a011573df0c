"""A gamepad drives like the keyboard: nothing without its deadman, nothing from a worn stick."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.operator_input import NORMAL_SPEED, PRECISE_SPEED, TURBO_SPEED, OperatorInput, Speeds
from teleop.pad_mapping import DEAD_ZONE, PadReading, PadSettings, shaped, to_input

LB = frozenset({"LB"})


def driven(pad: PadReading, settings: PadSettings | None = None) -> OperatorInput:
    return to_input("pad", pad, settings or PadSettings(), Speeds(), 5, may_drive=True)


def test_without_the_deadman_a_pushed_stick_is_neutral() -> None:
    read = driven(PadReading(left_y=1.0, right_x=1.0))
    assert (read.forward, read.turn, read.deadman) == (0.0, 0.0, False)


def test_a_pad_that_may_not_drive_is_neutral_and_says_why() -> None:
    read = to_input(
        "pad",
        PadReading(left_y=1.0, held=LB),
        PadSettings(),
        Speeds(),
        5,
        may_drive=False,
        problem="stuck",
    )
    assert (read.forward, read.deadman, read.problem) == (0.0, False, "stuck")


def test_sticks_away_and_right_drive_forward_and_turn_right() -> None:
    read = driven(PadReading(left_y=1.0, right_x=1.0, held=LB))
    assert (read.forward, read.turn, read.deadman) == (NORMAL_SPEED, -NORMAL_SPEED, True)
    assert (read.device, read.input_ns) == ("pad", 5)


@pytest.mark.parametrize(
    ("button", "speed"),
    [("RB", TURBO_SPEED), ("Paddle1", PRECISE_SPEED), ("Y", NORMAL_SPEED)],
)
def test_the_speed_steps(button: str, speed: float) -> None:
    settings = PadSettings(precise=(frozenset({"Paddle1"}),))
    assert driven(PadReading(left_y=-1.0, held=LB | {button}), settings).forward == -speed


def test_sticks_may_be_exchanged_and_reversed() -> None:
    settings = PadSettings(drive="right_y", turn="left_x", invert_drive=True, invert_turn=True)
    read = driven(PadReading(left_x=1.0, right_y=1.0, held=LB), settings)
    assert (read.forward, read.turn) == (-NORMAL_SPEED, NORMAL_SPEED)


HAND = PadSettings(slide="left_x", lift="right_y", close="right_trigger", open="left_trigger")


def test_on_an_arm_sticks_move_lift_and_turn_the_hand_and_triggers_grip() -> None:
    pad = PadReading(left_x=1.0, left_y=1.0, right_x=1.0, right_y=-1.0, held=LB, right_trigger=1.0)
    full = NORMAL_SPEED
    assert driven(pad, HAND).axes == (full, -full, -full, -full, full)
    assert driven(replace(pad, left_trigger=1.0), HAND).grip == 0.0
    assert driven(replace(pad, left_trigger=1.0, right_trigger=0.0), HAND).grip == -full
    assert driven(replace(pad, held=frozenset()), HAND).axes == (0.0,) * 5


def test_the_axes_of_a_hand_may_be_reversed() -> None:
    pad = PadReading(left_x=1.0, right_y=1.0, held=LB)
    read = driven(pad, replace(HAND, invert_slide=True, invert_lift=True))
    assert (read.left, read.up) == (NORMAL_SPEED, -NORMAL_SPEED)


def test_a_rovers_profile_heeds_no_trigger_and_no_third_stick() -> None:
    pad = PadReading(left_x=1.0, right_y=1.0, held=LB, left_trigger=1.0, right_trigger=1.0)
    assert driven(pad).axes == (0.0,) * 5


def test_another_deadman_may_be_chosen_also_of_two_buttons() -> None:
    settings = PadSettings(deadman=(frozenset({"Paddle1"}), frozenset({"A", "B"})))
    assert not driven(PadReading(left_y=1.0, held=LB), settings).deadman
    assert driven(PadReading(left_y=1.0, held=frozenset({"Paddle1"})), settings).deadman
    assert driven(PadReading(left_y=1.0, held=frozenset({"A", "B"})), settings).deadman
    assert not driven(PadReading(left_y=1.0, held=frozenset({"A"})), settings).deadman


def test_only_a_profile_that_says_so_drives_in_the_background() -> None:
    assert not driven(PadReading(held=LB)).background
    assert driven(PadReading(held=LB), PadSettings(in_background=True)).background


@pytest.mark.parametrize("rest", [0.0, DEAD_ZONE, -DEAD_ZONE, math.nan, math.inf, -math.inf])
def test_a_stick_at_rest_or_broken_asks_for_nothing(rest: float) -> None:
    assert shaped(rest) == 0.0
    assert driven(PadReading(left_y=rest, right_x=rest, held=LB)).forward == 0.0


axes = st.floats(-1.0, 1.0)
zones = st.floats(0.02, 0.4)
expos = st.floats(0.0, 1.0)


@given(axes, axes, zones, expos)
def test_shaping_is_odd_bounded_and_monotone(a: float, b: float, zone: float, expo: float) -> None:
    assert shaped(-a, zone, expo) == -shaped(a, zone, expo)
    assert abs(shaped(a, zone, expo)) <= 1.0
    if a <= b:
        assert shaped(a, zone, expo) <= shaped(b, zone, expo)
    if abs(a) <= zone:
        assert shaped(a, zone, expo) == 0.0


@given(zones, expos)
def test_full_travel_is_full_speed_and_the_edge_of_the_dead_zone_no_jump(
    zone: float, expo: float
) -> None:
    assert shaped(1.0, zone, expo) == pytest.approx(1.0)
    assert shaped(zone + 1e-6, zone, expo) < 1e-4


@given(
    st.builds(
        PadReading,
        *[st.floats(allow_nan=True, allow_infinity=True)] * 4,
        st.frozensets(st.sampled_from(["LB", "RB", "A"])),
    )
)
def test_whatever_a_pad_reports_the_input_is_finite_bounded_and_needs_the_deadman(
    pad: PadReading,
) -> None:
    read = driven(pad)
    assert abs(read.forward) <= 1.0
    assert abs(read.turn) <= 1.0
    assert read.deadman == ("LB" in pad.held)
    assert read.deadman or (read.forward, read.turn) == (0.0, 0.0)
