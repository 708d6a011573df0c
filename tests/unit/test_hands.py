"""Keyboard, gamepad and focus: what drives, and that nothing drives by accident."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teleop.hands import Hands
from teleop.operator_input import OperatorInput

KEYS = OperatorInput(device="Keyboard", forward=0.6, deadman=True, input_ns=1)
PAD = OperatorInput(device="Pad", forward=-0.4, deadman=True, input_ns=2)
IDLE_PAD = OperatorInput(device="Pad", input_ns=3)


def at_the_window() -> Hands:
    return Hands().with_focus(True, 0).with_pad(IDLE_PAD)


def test_a_held_key_drives() -> None:
    assert at_the_window().with_keyboard(KEYS).input == KEYS


def test_a_held_pad_drives() -> None:
    assert at_the_window().with_pad(PAD).input == PAD


def test_a_held_key_wins_over_a_held_pad() -> None:
    assert at_the_window().with_pad(PAD).with_keyboard(KEYS).input == KEYS


def test_a_pad_that_was_held_before_it_was_seen_must_be_let_go_first() -> None:
    hands = Hands().with_focus(True, 0).with_pad(PAD)
    assert not hands.input.deadman
    assert hands.with_pad(IDLE_PAD).with_pad(PAD).input == PAD


def test_without_focus_nothing_drives() -> None:
    hands = at_the_window().with_keyboard(KEYS).with_pad(PAD).with_focus(False, 9)
    assert not hands.input.deadman
    assert hands.input.forward == 0.0


def test_a_pad_held_through_a_lost_focus_must_be_let_go() -> None:
    hands = at_the_window().with_pad(PAD).with_focus(False, 9).with_focus(True, 10)
    assert not hands.input.deadman
    assert hands.with_pad(IDLE_PAD).with_pad(PAD).input.deadman


def test_an_unplugged_pad_is_neutral() -> None:
    assert not at_the_window().with_pad(PAD).with_pad(None).input.deadman


def test_a_pad_that_drops_out_and_comes_back_held_does_not_drive_on() -> None:
    hands = at_the_window().with_pad(PAD).with_pad(None).with_pad(PAD)
    assert not hands.input.deadman
    assert hands.with_pad(IDLE_PAD).with_pad(PAD).input.deadman


@given(st.lists(st.sampled_from(["keys", "no keys", "pad", "idle", "gone", "focus", "blur"])))
def test_motion_needs_focus_and_a_deadman(history: list[str]) -> None:
    hands = Hands()
    for step in history:
        match step:
            case "keys":
                hands = hands.with_keyboard(KEYS)
            case "no keys":
                hands = hands.with_keyboard(OperatorInput())
            case "pad":
                hands = hands.with_pad(PAD)
            case "idle":
                hands = hands.with_pad(IDLE_PAD)
            case "gone":
                hands = hands.with_pad(None)
            case _:
                hands = hands.with_focus(step == "focus", 0)
        assert hands.focused or hands.input.forward == 0.0
        assert hands.input.deadman or hands.input.forward == 0.0
