"""A gamepad drives like the keyboard: nothing without its deadman, nothing from a worn stick."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.operator_input import NORMAL_SPEED, TURBO_SPEED
from teleop.pad_mapping import DEAD_ZONE, PadReading, shaped, to_input, wants_stop

LB = frozenset({"lb"})


def test_without_the_deadman_a_pushed_stick_is_neutral() -> None:
    read = to_input(PadReading("pad", drive=1.0, turn=1.0), 5)
    assert (read.forward, read.turn, read.deadman) == (0.0, 0.0, False)


def test_sticks_away_and_right_drive_forward_and_turn_right() -> None:
    read = to_input(PadReading("pad", drive=1.0, turn=1.0, held=LB), 5)
    assert (read.forward, read.turn, read.deadman) == (NORMAL_SPEED, -NORMAL_SPEED, True)


def test_rb_is_turbo() -> None:
    read = to_input(PadReading("pad", drive=-1.0, held=LB | {"rb"}), 5)
    assert read.forward == -TURBO_SPEED


@pytest.mark.parametrize("rest", [0.0, DEAD_ZONE, -DEAD_ZONE, math.nan, math.inf, -math.inf])
def test_a_stick_at_rest_or_broken_asks_for_nothing(rest: float) -> None:
    assert shaped(rest) == 0.0


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_shaping_is_odd_bounded_and_monotone(a: float, b: float) -> None:
    assert shaped(-a) == -shaped(a)
    assert abs(shaped(a)) <= 1.0
    if a <= b:
        assert shaped(a) <= shaped(b)


@pytest.mark.parametrize("held", [{"lb", "rb"}, {"b"}, {"lb", "b"}, set()])
def test_part_of_the_chord_is_no_stop(held: set[str]) -> None:
    assert not wants_stop(PadReading("pad", held=frozenset(held)))


def test_the_chord_is_stop_whatever_else_is_held() -> None:
    assert wants_stop(PadReading("pad", held=frozenset({"lb", "rb", "b", "a"})))
