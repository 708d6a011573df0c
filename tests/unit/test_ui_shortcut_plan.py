"""A profile while it is edited: every binding comes back, nothing clashes, STOP stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.input_profile import (
    KEYS,
    STOP_CHORD,
    STOP_KEY,
    Action,
    ProfileError,
    default_profile,
    default_tables,
    parse_profile,
    parse_profiles,
)
from teleop.pad_mapping import BUTTONS, PadReading
from transport.messages import RobotKind
from ui.shortcut_plan import (
    ChordPress,
    Device,
    Draft,
    as_text,
    bindable,
    chord_name,
    conflict,
    draft_of,
    holder,
    locked,
    problems,
    pushed_axis,
    reset,
    reset_all,
    with_binding,
    with_value,
    without_binding,
)

ROVER = Draft("mine", {"for": {"kind": "rover"}})
BOTH = Draft("mine")
CHORDS = st.sets(st.sampled_from(BUTTONS), min_size=1, max_size=3).map(
    lambda names: chord_name(frozenset(names))
)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just(Device.KEYS), st.sampled_from(Action), st.sampled_from(KEYS)),
        st.tuples(st.just(Device.BUTTONS), st.sampled_from(Action), CHORDS),
    ),
    max_size=12,
)


def written(draft: Draft) -> str:
    """What the file states, without its heading."""
    return as_text(draft).removeprefix(draft.heading)


# --- what a file says -----------------------------------------------------------------------------


def test_a_new_profile_states_nothing() -> None:
    assert written(BOTH) == ""
    assert problems(BOTH) == ()


def test_only_what_differs_is_stated() -> None:
    draft = with_binding(ROVER, Device.KEYS, Action.MARKER, "F6")
    assert written(draft) == '[for]\nkind = "rover"\n\n[keys]\nmarker = [\n    "M",\n    "F6",\n]\n'
    assert without_binding(draft, Device.KEYS, Action.MARKER, "F6") == ROVER


@pytest.mark.parametrize("device", Device)
@pytest.mark.parametrize("action", Action)
def test_every_binding_goes_to_the_file_and_comes_back(device: Device, action: Action) -> None:
    if not bindable(device, action):
        assert ROVER.bindings(device, action, RobotKind.ROVER) == ()
        return
    binding = "Insert" if device is Device.KEYS else "Paddle1+Paddle4"
    kind = RobotKind.ARM
    draft = with_binding(Draft("mine", {"for": {"kind": "arm"}}), device, action, binding)
    again = draft_of("mine", as_text(draft))
    assert again == draft
    assert again.bindings(device, action, kind)[-1] == binding
    profile = parse_profile(as_text(draft), "mine", kind)
    assert binding in (
        profile.keys_of(action)
        if device is Device.KEYS
        else tuple(chord_name(chord) for chord in profile.chords_of(action))
    )


@given(EDITS)
def test_whatever_is_bound_the_file_is_a_profile_in_which_stop_stays(
    edits: list[tuple[Device, Action, str]],
) -> None:
    draft = ROVER
    for device, action, binding in edits:
        if bindable(device, action):
            draft = with_binding(draft, device, action, binding)
    if any("deadman" in problem for problem in problems(draft)):
        return  # its only button was given away: that is told, and not saved
    assert problems(draft) == ()
    profile = parse_profile(as_text(draft), "mine")
    assert STOP_KEY in profile.keys_of(Action.STOP)
    assert STOP_CHORD in profile.chords_of(Action.STOP)
    assert draft_of("mine", as_text(draft)).own == draft.own


def test_the_comment_at_the_top_of_a_file_stays() -> None:
    draft = draft_of("mine", "# Anna's\n# left-handed\n\n[keys]\nmarker = 'F6'\n")
    text = as_text(with_value(draft, "gamepad", "expo", 0.2))
    assert text.startswith("# Anna's\n# left-handed\n\n[keys]\nmarker = ")
    assert draft_of("mine", "[keys]\n").heading == BOTH.heading


def test_a_file_that_is_wrong_cannot_be_edited() -> None:
    with pytest.raises(ProfileError, match=r"forwrd is not known; did you mean forward\?"):
        draft_of("mine", "[keys]\nforwrd = 'W'\n")


def test_what_is_built_in_for_one_kind_only_is_stated_in_a_profile_for_all() -> None:
    draft = with_value(BOTH, "keys", Action.LEFT, ["A", "Left"])  # as it is on a rover
    assert "left" in draft.own["keys"]
    assert with_value(ROVER, "keys", Action.LEFT, ["A", "Left"]) == ROVER


# --- conflicts ------------------------------------------------------------------------------------


def test_a_conflict_names_both() -> None:
    said = conflict(ROVER, Device.KEYS, Action.ARM, "M")
    assert said == "M is bound already: marker. It cannot mean “arm the motors”, too"


def test_buttons_held_together_are_the_same_in_any_order() -> None:
    assert holder(ROVER, Device.BUTTONS, "Start+DpadDown") == (Action.HAND_BACK, RobotKind.ROVER)
    assert conflict(ROVER, Device.BUTTONS, Action.ARM, "Start+DpadUp") == ""


def test_a_key_of_an_arm_is_a_conflict_of_a_profile_for_all() -> None:
    assert conflict(ROVER, Device.KEYS, Action.MARKER, "G") == ""
    said = conflict(BOTH, Device.KEYS, Action.MARKER, "G")
    assert said.startswith("G is bound already: close the gripper (on an arm).")
    taken = with_binding(BOTH, Device.KEYS, Action.MARKER, "G")
    assert taken.own["keys"]["close_gripper"] == []
    assert problems(taken) == ()


def test_what_is_taken_from_another_is_no_longer_its_own() -> None:
    draft = with_binding(ROVER, Device.KEYS, Action.ARM, "M")
    assert draft.bindings(Device.KEYS, Action.MARKER, RobotKind.ROVER) == ()
    assert draft.bindings(Device.KEYS, Action.ARM, RobotKind.ROVER) == ("F5", "M")


@pytest.mark.parametrize(
    ("device", "binding"), [(Device.KEYS, "Space"), (Device.BUTTONS, "B+RB+LB")]
)
def test_stops_own_can_neither_be_taken_nor_removed(device: Device, binding: str) -> None:
    assert "always means STOP" in conflict(ROVER, device, Action.MARKER, binding)
    assert with_binding(ROVER, device, Action.MARKER, binding) == ROVER
    assert locked(device, Action.STOP, binding)
    assert without_binding(ROVER, device, Action.STOP, binding) == ROVER


def test_stop_can_have_more_keys_and_those_can_go_again() -> None:
    draft = with_binding(ROVER, Device.KEYS, Action.STOP, "Pause")
    assert draft.bindings(Device.KEYS, Action.STOP, RobotKind.ROVER) == ("Space", "Pause")
    assert not locked(Device.KEYS, Action.STOP, "Pause")
    assert without_binding(draft, Device.KEYS, Action.STOP, "Pause") == ROVER


def test_a_file_that_leaves_space_out_shows_it_all_the_same() -> None:
    draft = draft_of("mine", "[keys]\nstop = ['Pause']\n")
    assert draft.bindings(Device.KEYS, Action.STOP, RobotKind.ROVER) == ("Space", "Pause")


def test_what_is_left_wrong_is_told_in_words() -> None:
    draft = without_binding(ROVER, Device.BUTTONS, Action.DEADMAN, "LB")
    assert problems(draft) == (
        "mine: buttons.deadman needs a button: without one a gamepad cannot drive",
    )
    assert "must not fall" in problems(with_value(ROVER, "speed", "turbo", 0.1))[0]


# --- back -----------------------------------------------------------------------------------------


def test_one_action_or_all_are_reset_and_whom_it_is_for_stays() -> None:
    draft = with_binding(ROVER, Device.KEYS, Action.MARKER, "F6")
    draft = with_binding(draft, Device.BUTTONS, Action.MARKER, "Guide")
    draft = with_value(draft, "gamepad", "expo", 0.9)
    one = reset(draft, Action.MARKER)
    assert one.own == {"for": {"kind": "rover"}, "gamepad": {"expo": 0.9}}
    assert reset_all(draft) == ROVER


@pytest.mark.parametrize("kind", RobotKind)
def test_a_draft_without_own_values_is_what_is_built_in(kind: RobotKind) -> None:
    profile = default_profile(kind)
    for action in Action:
        assert BOTH.bindings(Device.KEYS, action, kind) == profile.keys_of(action)
    assert BOTH.value("gamepad", "drive", kind) == default_tables(kind)["gamepad"]["drive"]
    assert len(parse_profiles(as_text(BOTH), "mine")) == len(RobotKind)


# --- pads -----------------------------------------------------------------------------------------


def press(*looks: str, ignored: str = "") -> ChordPress:
    chord = ChordPress(frozenset(ignored.split()))
    for held in looks:
        chord = chord.after(frozenset(held.split()))
    return chord


def test_a_chord_is_as_many_buttons_as_were_down_at_once() -> None:
    chord = press("", "LB", "LB A", "A", "")
    assert (chord.best, chord.done) == ({"LB", "A"}, True)
    assert not press("LB").done


def test_what_was_held_before_does_not_count_until_it_was_let_go() -> None:
    assert press("LB A", "LB", ignored="LB").best == {"A"}
    assert press("LB", "", "LB", "", ignored="LB").best == {"LB"}


def test_the_axis_that_moved_farthest_is_meant() -> None:
    rest = PadReading(left_x=0.3)
    assert pushed_axis(rest, PadReading(left_x=0.4, right_y=-0.9)) == "right_y"
    assert pushed_axis(rest, PadReading(left_x=0.6)) == ""
    assert pushed_axis(rest, PadReading(left_trigger=0.9), triggers=True) == "left_trigger"
