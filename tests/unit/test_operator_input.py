"""Keys to input: a held driving key is the deadman, nothing held is neutral."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.operator_input import (
    NORMAL_SPEED,
    PRECISE_SPEED,
    TURBO_SPEED,
    Drive,
    Keyboard,
    KeyChange,
    OperatorInput,
    Speeds,
)

BOUND = {
    "W": Drive.FORWARD,
    "Up": Drive.FORWARD,
    "S": Drive.BACK,
    "A": Drive.LEFT,
    "D": Drive.RIGHT,
    "Right": Drive.RIGHT,
    "Q": Drive.SLIDE_LEFT,
    "E": Drive.SLIDE_RIGHT,
    "R": Drive.UP,
    "F": Drive.DOWN,
    "G": Drive.CLOSE,
    "T": Drive.OPEN,
    "Shift": Drive.TURBO,
    "Ctrl": Drive.PRECISE,
}


def changed(keyboard: Keyboard, key: str, *, pressed: bool) -> Keyboard:
    return keyboard.after(KeyChange(key, BOUND[key], pressed, 0))


def held(*keys: str) -> Keyboard:
    keyboard = Keyboard()
    for key in keys:
        keyboard = changed(keyboard, key, pressed=True)
    return keyboard


@pytest.mark.parametrize(
    ("keys", "forward", "turn"),
    [
        (("W",), NORMAL_SPEED, 0.0),
        (("Up",), NORMAL_SPEED, 0.0),
        (("W", "Up"), NORMAL_SPEED, 0.0),
        (("S",), -NORMAL_SPEED, 0.0),
        (("A",), 0.0, NORMAL_SPEED),
        (("Right",), 0.0, -NORMAL_SPEED),
        (("W", "A"), NORMAL_SPEED, NORMAL_SPEED),
        (("W", "Shift"), TURBO_SPEED, 0.0),
        (("W", "Ctrl"), PRECISE_SPEED, 0.0),
        (("W", "Ctrl", "Shift"), PRECISE_SPEED, 0.0),
    ],
)
def test_keys_become_fractions(keys: tuple[str, ...], forward: float, turn: float) -> None:
    read = held(*keys).read(7)
    assert (read.forward, read.turn, read.deadman, read.input_ns) == (forward, turn, True, 7)


@pytest.mark.parametrize(
    ("keys", "left", "up", "grip"),
    [
        (("Q",), NORMAL_SPEED, 0.0, 0.0),
        (("E",), -NORMAL_SPEED, 0.0, 0.0),
        (("R",), 0.0, NORMAL_SPEED, 0.0),
        (("F", "Ctrl"), 0.0, -PRECISE_SPEED, 0.0),
        (("G", "Shift"), 0.0, 0.0, TURBO_SPEED),
        (("T",), 0.0, 0.0, -NORMAL_SPEED),
        (("G", "T", "R", "F", "Q", "E"), 0.0, 0.0, 0.0),
    ],
)
def test_a_hand_has_keys_for_three_more_axes(
    keys: tuple[str, ...], left: float, up: float, grip: float
) -> None:
    read = held(*keys).read(0)
    assert (read.left, read.up, read.grip) == (left, up, grip)
    assert (read.forward, read.turn, read.deadman) == (0.0, 0.0, True)
    assert read.axes == (0.0, 0.0, left, up, grip)


def test_opposing_keys_cancel_and_still_are_a_deadman() -> None:
    read = held("W", "S", "A", "D").read(0)
    assert (read.forward, read.turn, read.deadman) == (0.0, 0.0, True)


def test_one_of_two_keys_for_the_same_motion_let_go_drives_on() -> None:
    keyboard = changed(held("W", "Up"), "W", pressed=False)
    assert keyboard.read(0).forward == NORMAL_SPEED
    assert not changed(keyboard, "Up", pressed=False).read(0).deadman


def test_the_speeds_are_the_profiles() -> None:
    speeds = Speeds(precise=0.1, normal=0.2, turbo=0.4)
    read = [held("W", *more).read(0, speeds).forward for more in ((), ("Shift",), ("Ctrl",))]
    assert read == [0.2, 0.4, 0.1]


def test_a_release_counts_whatever_the_key_is_bound_to_by_then() -> None:
    rebound = KeyChange("W", Drive.BACK, False, 0)
    assert held("W").after(rebound) == Keyboard()


def test_nothing_held_is_neutral_without_deadman() -> None:
    assert Keyboard().read(0) == OperatorInput()


def test_a_modifier_alone_is_no_deadman() -> None:
    assert not held("Shift").read(0).deadman


def test_losing_the_focus_releases_everything() -> None:
    assert held("W", "Shift").released().read(0) == OperatorInput()


@given(st.lists(st.tuples(st.sampled_from(sorted(BOUND)), st.booleans())))
def test_input_stays_in_range_and_motion_implies_deadman(changes: list[tuple[str, bool]]) -> None:
    keyboard = Keyboard()
    for key, pressed in changes:
        keyboard = changed(keyboard, key, pressed=pressed)
        read = keyboard.read(0)
        assert all(abs(fraction) <= 1.0 for fraction in read.axes)
        assert read.deadman or not any(read.axes)
