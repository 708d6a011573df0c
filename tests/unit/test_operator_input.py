"""Keys to input: a held driving key is the deadman, nothing held is neutral."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.operator_input import (
    NORMAL_SPEED,
    PRECISE_SPEED,
    TURBO_SPEED,
    Keyboard,
    KeyChange,
    OperatorInput,
)


def held(*keys: str) -> Keyboard:
    keyboard = Keyboard()
    for key in keys:
        keyboard = keyboard.after(KeyChange(key, True, 0))
    return keyboard


@pytest.mark.parametrize(
    ("keys", "forward", "turn"),
    [
        (("W",), NORMAL_SPEED, 0.0),
        (("Up",), NORMAL_SPEED, 0.0),
        (("S",), -NORMAL_SPEED, 0.0),
        (("A",), 0.0, NORMAL_SPEED),
        (("Right",), 0.0, -NORMAL_SPEED),
        (("W", "A"), NORMAL_SPEED, NORMAL_SPEED),
        (("W", "S"), 0.0, 0.0),
        (("W", "Shift"), TURBO_SPEED, 0.0),
        (("W", "Ctrl"), PRECISE_SPEED, 0.0),
        (("W", "Ctrl", "Shift"), PRECISE_SPEED, 0.0),
    ],
)
def test_keys_become_fractions(keys: tuple[str, ...], forward: float, turn: float) -> None:
    read = held(*keys).read(7)
    assert (read.forward, read.turn, read.deadman, read.input_ns) == (forward, turn, True, 7)


def test_nothing_held_is_neutral_without_deadman() -> None:
    assert Keyboard().read(0) == OperatorInput()


def test_a_modifier_alone_is_no_deadman() -> None:
    assert not held("Shift").read(0).deadman


def test_losing_the_focus_releases_everything() -> None:
    assert held("W", "Shift").released().read(0) == OperatorInput()


def test_a_key_without_meaning_changes_nothing() -> None:
    assert held("Q") == Keyboard()


@given(st.lists(st.tuples(st.sampled_from(sorted(Keyboard.KNOWN)), st.booleans())))
def test_input_stays_in_range_and_motion_implies_deadman(changes: list[tuple[str, bool]]) -> None:
    keyboard = Keyboard()
    for key, pressed in changes:
        keyboard = keyboard.after(KeyChange(key, pressed, 0))
        read = keyboard.read(0)
        assert abs(read.forward) <= 1.0
        assert abs(read.turn) <= 1.0
        assert read.deadman or (read.forward == 0.0 and read.turn == 0.0)
