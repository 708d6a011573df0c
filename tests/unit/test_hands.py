"""Keyboard, gamepad and focus: what drives, and that nothing drives by accident."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from teleop.hands import PAD_SILENT_MS, Hands
from teleop.operator_input import OperatorInput
from transport.clock import NS_PER_MS

KEYS = OperatorInput(device="Keyboard", forward=0.6, deadman=True, input_ns=1)
PAD = OperatorInput(device="Pad", forward=-0.4, deadman=True, input_ns=2)
IDLE_PAD = OperatorInput(device="Pad", input_ns=3)
BACKGROUND = replace(PAD, background=True)
IDLE_BACKGROUND = replace(IDLE_PAD, background=True)
SILENT_NS = PAD_SILENT_MS * NS_PER_MS


def at_the_window() -> Hands:
    return Hands().with_focus(True, 0).with_pad(IDLE_PAD, 0)


def test_a_held_key_drives() -> None:
    assert at_the_window().with_keyboard(KEYS).input == KEYS


def test_a_held_pad_drives() -> None:
    assert at_the_window().with_pad(PAD, 0).input == PAD


def test_a_held_key_wins_over_a_held_pad() -> None:
    assert at_the_window().with_pad(PAD, 0).with_keyboard(KEYS).input == KEYS


def test_a_pad_that_was_held_before_it_was_seen_must_be_let_go_first() -> None:
    hands = Hands().with_focus(True, 0).with_pad(PAD, 0)
    assert not hands.input.deadman
    assert hands.with_pad(IDLE_PAD, 0).with_pad(PAD, 0).input == PAD


def test_without_focus_nothing_drives() -> None:
    hands = at_the_window().with_keyboard(KEYS).with_pad(PAD, 0).with_focus(False, 9)
    assert not hands.input.deadman
    assert hands.input.forward == 0.0


def test_a_pad_held_through_a_lost_focus_must_be_let_go_and_says_so() -> None:
    hands = at_the_window().with_pad(PAD, 0).with_focus(False, 9).with_focus(True, 10)
    assert not hands.input.deadman
    assert hands.input.problem == "Pad is held since before: let go, then hold it again"
    assert hands.with_pad(IDLE_PAD, 0).with_pad(PAD, 0).input.deadman


def test_a_pad_pressed_for_another_window_must_be_let_go_when_the_focus_comes() -> None:
    elsewhere = at_the_window().with_focus(False, 9).with_pad(PAD, 0)
    hands = elsewhere.with_focus(True, 10)
    assert not hands.input.deadman
    assert hands.with_pad(IDLE_PAD, 0).with_pad(PAD, 0).input.deadman


def test_a_focus_that_is_told_twice_lets_nothing_go() -> None:
    assert at_the_window().with_pad(PAD, 0).with_focus(True, 10).input == PAD


def test_an_unplugged_pad_is_neutral_and_is_named() -> None:
    hands = at_the_window().with_pad(PAD, 0).with_pad(None, 0)
    assert (hands.input.deadman, hands.input.forward) == (False, 0.0)
    assert hands.input.problem == "Pad is gone: plug it in again, or use the keys"


def test_the_pad_that_went_is_forgotten_once_something_else_drives() -> None:
    hands = at_the_window().with_pad(PAD, 0).with_pad(None, 0)
    by_key = hands.with_keyboard(KEYS).with_keyboard(OperatorInput())
    assert by_key.input.problem == ""
    by_pad = hands.with_pad(IDLE_PAD, 0).with_pad(PAD, 0).with_pad(IDLE_PAD, 0)
    assert by_pad.lost == ""


def test_an_idle_pad_that_is_unplugged_is_no_trouble() -> None:
    assert at_the_window().with_pad(None, 0).input.problem == ""


def test_a_pad_that_drops_out_and_comes_back_held_does_not_drive_on() -> None:
    hands = at_the_window().with_pad(PAD, 0).with_pad(None, 0).with_pad(PAD, 0)
    assert not hands.input.deadman
    assert hands.with_pad(IDLE_PAD, 0).with_pad(PAD, 0).input.deadman


def test_a_pad_whose_thread_says_nothing_any_more_is_gone() -> None:
    hands = at_the_window().with_pad(PAD, 5)
    assert hands.at(5 + SILENT_NS).input == PAD
    assert not hands.at(6 + SILENT_NS).input.deadman


def test_a_pad_that_is_heard_again_unchanged_drives_on() -> None:
    hands = at_the_window().with_pad(PAD, 0).with_pad(PAD, SILENT_NS)
    assert hands.at(2 * SILENT_NS).input == PAD


def test_a_background_pad_drives_without_the_focus_and_keys_never_do() -> None:
    hands = at_the_window().with_pad(IDLE_BACKGROUND, 0).with_focus(False, 9)
    assert hands.heeded
    assert hands.with_pad(BACKGROUND, 0).input == BACKGROUND
    assert not hands.with_keyboard(KEYS).input.deadman


def test_a_background_pad_is_not_let_go_by_a_lost_focus() -> None:
    hands = at_the_window().with_pad(IDLE_BACKGROUND, 0).with_pad(BACKGROUND, 0)
    assert hands.with_focus(False, 9).input == BACKGROUND


def test_motion_to_zero_lets_keys_and_pad_go_until_pressed_again() -> None:
    for pad, idle in ((PAD, IDLE_PAD), (BACKGROUND, IDLE_BACKGROUND)):
        hands = at_the_window().with_pad(idle, 0).with_pad(pad, 0).with_keyboard(KEYS).let_go(9)
        assert not hands.input.deadman
        assert hands.with_pad(idle, 0).with_pad(pad, 0).input.deadman


def test_what_blocks_the_pad_is_told_while_no_key_drives() -> None:
    blocked = replace(IDLE_PAD, problem="left stick (up/down) stuck at 80 %: let go of it")
    hands = at_the_window().with_pad(blocked, 0)
    assert hands.input.problem == blocked.problem
    assert hands.with_keyboard(KEYS).input.problem == ""


@given(
    st.lists(
        st.sampled_from(
            ["keys", "no keys", "pad", "idle", "gone", "focus", "blur", "silence", "let go"]
        )
    )
)
def test_motion_needs_focus_and_a_deadman(history: list[str]) -> None:
    hands, now_ns, pressed_since_blur = Hands(), 0, False
    for step in history:
        now_ns += 1
        match step:
            case "keys":
                hands = hands.with_keyboard(KEYS)
                pressed_since_blur = True
            case "no keys":
                hands = hands.with_keyboard(OperatorInput())
            case "pad":
                hands = hands.with_pad(PAD, now_ns)
                pressed_since_blur = True
            case "idle":
                hands = hands.with_pad(IDLE_PAD, now_ns)
            case "gone":
                hands = hands.with_pad(None, now_ns)
            case "silence":
                now_ns += 2 * SILENT_NS
                hands = hands.at(now_ns)
            case "let go":
                hands = hands.let_go(now_ns)
                pressed_since_blur = False
            case _:
                hands = hands.with_focus(step == "focus", 0)
                pressed_since_blur = pressed_since_blur and step == "focus"
        assert hands.focused or hands.input.forward == 0.0
        assert hands.input.deadman or hands.input.forward == 0.0
        assert pressed_since_blur or not hands.input.deadman


def test_what_does_not_drive_is_neutral_on_every_axis() -> None:
    keys = OperatorInput(left=0.6, up=-0.6, grip=0.6, deadman=True, input_ns=1)
    pad = replace(keys, device="Pad")
    unfocused = Hands().with_keyboard(keys)
    held_before = Hands().with_focus(True, 0).with_pad(pad, 0)
    gone = at_the_window().with_pad(pad, 0).with_pad(None, 0)
    for hands in (unfocused, held_before, gone):
        assert hands.input.axes == (0.0,) * 5
        assert not hands.input.deadman
