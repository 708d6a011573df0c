"""Profiles: the defaults, what may be changed, and every mistake named so that it can be mended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.input_profile import (
    BUILT_IN,
    KEYS,
    RANGES,
    STOP_CHORD,
    Action,
    Profile,
    ProfileError,
    default_profile,
    parse_profile,
    parse_profiles,
)
from teleop.operator_input import MOVING, OF_A_HAND, Speeds
from teleop.pad_mapping import BUTTONS, PadSettings
from transport.messages import RobotKind


def own(text: str) -> Profile:
    return parse_profile(text, "mine.toml")


def refused(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        own(text)
    return str(caught.value)


# --- the defaults ---------------------------------------------------------------------------------


def test_the_defaults_are_the_conventions_of_the_field() -> None:
    profile = default_profile()
    assert profile.keys_of(Action.FORWARD) == ("W", "Up")
    assert profile.keys_of(Action.STOP) == ("Space",)
    assert profile.chords_of(Action.DEADMAN) == (frozenset({"LB"}),)
    assert profile.chords_of(Action.TURBO) == (frozenset({"RB"}),)
    assert profile.chords_of(Action.STOP) == (STOP_CHORD,)
    pressed = {
        name: profile.pressed(frozenset(), frozenset({name}))
        for name in ("Start", "Back", "Y", "A", "X", "DpadLeft", "DpadRight", "LB", "B")
    }
    assert pressed == {
        "Start": (Action.ACCEPT_OR_REQUEST,),
        "Back": (Action.RELEASE,),
        "Y": (Action.SUCCESS,),
        "A": (Action.FAILURE,),
        "X": (Action.CLEAR_OUTCOME,),
        "DpadLeft": (Action.CAMERA_1,),
        "DpadRight": (Action.CAMERA_2,),
        "LB": (),
        "B": (),
    }


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("Enter", Action.ACCEPT_OR_HAND_BACK),
        ("Y", Action.SUCCESS),
        ("Backspace", Action.FAILURE),
        ("M", Action.MARKER),
        ("1", Action.CAMERA_1),
        ("2", Action.CAMERA_2),
        ("9", Action.CAMERA_9),
        ("F12", Action.FIGURES),
        ("F1", Action.HELP),
        ("?", Action.HELP),
        ("F2", Action.REQUEST_OR_RELEASE),
        ("F3", Action.REASONS),
        ("F5", Action.ARM),
        ("F11", Action.FULL_SCREEN),
        ("Esc", Action.ZERO),
        ("Shift", Action.TURBO),
        ("Ctrl", Action.PRECISE),
    ],
)
def test_the_keys_of_earlier_versions_still_hold(key: str, action: Action) -> None:
    assert default_profile().keys[key] is action


def test_the_defaults_in_the_file_are_those_in_the_code() -> None:
    profile = default_profile()
    assert (profile.speeds, profile.pad) == (Speeds(), PadSettings())
    assert profile.source == BUILT_IN


def test_every_action_can_be_bound() -> None:
    text = "\n".join(f"{action} = []" for action in Action if action is not Action.DEADMAN)
    own(f"[keys]\n{text}")
    on_sticks = {Action(drive.value) for drive in MOVING} | {Action.DEADMAN}
    own("[buttons]\n" + "\n".join(f"{a} = []" for a in Action if a not in on_sticks))


# --- an arm ---------------------------------------------------------------------------------------


def an_arm(text: str) -> Profile:
    return parse_profile(text, "mine.toml", RobotKind.ARM)


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("W", Action.FORWARD),
        ("S", Action.BACK),
        ("A", Action.SLIDE_LEFT),
        ("D", Action.SLIDE_RIGHT),
        ("R", Action.UP),
        ("F", Action.DOWN),
        ("Q", Action.LEFT),
        ("E", Action.RIGHT),
        ("G", Action.CLOSE),
        ("T", Action.OPEN),
        ("Left", Action.SLIDE_LEFT),
        ("Space", Action.STOP),
        ("Y", Action.SUCCESS),
    ],
)
def test_the_keys_of_an_arm(key: str, action: Action) -> None:
    assert default_profile(RobotKind.ARM).keys[key] is action


def test_the_sticks_and_triggers_of_an_arm() -> None:
    assert default_profile(RobotKind.ARM).pad == PadSettings(
        slide="left_x", lift="right_y", close="right_trigger", open="left_trigger"
    )


def test_all_that_is_no_driving_is_alike_on_every_robot() -> None:
    rover, arm = default_profile(), default_profile(RobotKind.ARM)
    driving = {Action(drive.value) for drive in MOVING}
    for action in set(Action) - driving:
        assert arm.keys_of(action) == rover.keys_of(action)
    assert (arm.buttons, arm.speeds) == (rover.buttons, rover.speeds)


def test_a_rover_has_no_hand_whatever_a_profile_for_all_robots_says() -> None:
    text = '[keys]\nup = ["I"]\n[gamepad]\nslide = "right_y"\nlift = "left_x"'
    rover, arm = parse_profiles(text, "mine.toml")
    assert "I" not in rover.keys
    assert rover.pad == PadSettings()
    assert arm.keys["I"] is Action.UP
    assert not any(rover.keys_of(Action(drive.value)) for drive in OF_A_HAND)


def test_a_text_that_names_no_kind_is_for_every_robot_and_one_that_does_for_that() -> None:
    marker = '[keys]\nmarker = ["K"]'
    both = parse_profiles(marker, "mine.toml")
    assert [(each.kind, each.keys_of(Action.MARKER)) for each in both] == [
        (RobotKind.ROVER, ("K",)),
        (RobotKind.ARM, ("K",)),
    ]
    for kind in RobotKind:
        only = parse_profiles(f'[for]\nkind = "{kind}"\n{marker}', "mine.toml")
        assert [each.kind for each in only] == [kind]


def test_what_clashes_with_an_arms_keys_is_told_with_the_way_out() -> None:
    with pytest.raises(ProfileError) as caught:
        parse_profiles('[keys]\nmarker = ["G"]', "mine.toml")
    told = str(caught.value)
    assert '"G" is bound twice, by keys.close_gripper (built-in defaults for an arm)' in told
    assert 'or write kind = "rover" under [for], if it is not meant for arms' in told
    parse_profiles('[for]\nkind = "rover"\n[keys]\nmarker = ["G"]', "mine.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[for]\nkind = "boat"', "for.kind = 'boat' is no kind; known are rover, arm"),
        ("[for]\nkind = 3", "for.kind = 3 is no kind"),
        ('[gamepad]\nlift = "left_trigger"', "gamepad.lift = 'left_trigger' is no stick"),
        ('[gamepad]\nclose = "right_x"', "gamepad.close = 'right_x' is no trigger"),
        ("[gamepad]\nopen = 1", "gamepad.open = 1 is no trigger"),
        ('[gamepad]\ndrive = ""', "gamepad.drive = '' is no stick"),
        ('[gamepad]\nlift = "left_x"', 'gamepad.slide and gamepad.lift are both "left_x"'),
        (
            '[gamepad]\nopen = "right_trigger"',
            'gamepad.close and gamepad.open are both "right_trigger"',
        ),
    ],
)
def test_a_mistake_about_an_arm_is_named(text: str, told: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_profiles(text, "mine.toml")
    assert told in str(caught.value)


def test_an_axis_of_an_arm_may_have_no_stick() -> None:
    pad = an_arm('[gamepad]\nlift = ""\nclose = ""\nopen = ""').pad
    assert pad.driving == ("left_y", "right_x", "left_x")


# --- changes --------------------------------------------------------------------------------------


def test_a_profile_states_only_what_differs() -> None:
    profile = own('[keys]\nmarker = ["F6"]\n[speed]\nnormal = 0.4')
    assert profile.keys_of(Action.MARKER) == ("F6",)
    assert "M" not in profile.keys
    assert profile.speeds == Speeds(normal=0.4)
    assert profile.keys_of(Action.FORWARD) == ("W", "Up")


def test_one_name_may_stand_without_a_list() -> None:
    assert own('[keys]\nmarker = "F6"').keys_of(Action.MARKER) == ("F6",)


def test_stop_can_be_given_more_keys_but_never_be_unbound() -> None:
    profile = own('[keys]\nstop = ["Pause"]\n[buttons]\nstop = ["Guide"]')
    assert set(profile.keys_of(Action.STOP)) == {"Space", "Pause"}
    assert set(profile.pad.stop) == {STOP_CHORD, frozenset({"Guide"})}
    emptied = own("[keys]\nstop = []\n[buttons]\nstop = []")
    assert emptied.keys_of(Action.STOP) == ("Space",)
    assert emptied.pad.stop == (STOP_CHORD,)


def test_sticks_buttons_and_the_background_switch() -> None:
    pad = own(
        '[gamepad]\ndrive = "right_y"\nturn = "left_x"\ninvert_drive = true\nexpo = 0\n'
        'dead_zone = 0.2\nin_background = true\n[buttons]\ndeadman = ["RB+A", "Paddle1"]\nturbo=[]'
    ).pad
    assert (pad.drive, pad.turn, pad.invert_drive, pad.expo) == ("right_y", "left_x", True, 0.0)
    assert (pad.dead_zone, pad.in_background) == (0.2, True)
    assert pad.deadman == (frozenset({"RB", "A"}), frozenset({"Paddle1"}))
    assert pad.turbo == ()


def test_of_the_chords_that_fit_the_largest_counts() -> None:
    profile = default_profile()
    both = frozenset({"DpadDown", "Start"})
    for first in both:
        assert profile.pressed(frozenset({first}), both) == (Action.HAND_BACK,)
    assert profile.pressed(frozenset({"LB"}), frozenset({"LB", "Y"})) == (Action.SUCCESS,)
    assert profile.pressed(STOP_CHORD - {"B"}, STOP_CHORD) == (Action.STOP,)


def test_a_button_that_stays_down_asks_once() -> None:
    held = frozenset({"Y"})
    assert default_profile().pressed(held, held) == ()


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[keyz]", "[keyz] is not known; did you mean keys?"),
        ("[keys]\nforwrd = []", "keys.forwrd is not known; did you mean forward?"),
        ("[buttons]\nforward = []", "buttons.forward is not known"),
        ("[keys]\ndeadman = []", "keys.deadman is not known"),
        ("gamepad_in_background = true", "[gamepad_in_background] is not known; did you mean"),
        ("keys = 3", "keys must be a table: write [keys] on a line of its own"),
        ('[keys]\nmarker = ["Spce"]', 'there is no key "Spce"; did you mean Space?'),
        ('[keys]\nmarker = ["a"]', 'there is no key "a"; did you mean A?'),
        ('[keys]\nmarker = ["Ctrl+M"]', 'there is no key "Ctrl+M"'),
        ('[buttons]\nmarker = ["R1"]', 'there is no button "R1"; did you mean RB?'),
        ('[buttons]\nmarker = ["LB+"]', 'there is no button ""'),
        ("[keys]\nmarker = 5", 'keys.marker must be a list of names, as ["F6"], not 5'),
        ("[keys]\nmarker = [5]", "keys.marker must be a list of names"),
        ("[speed]\nnormal = 0", "speed.normal must be a number from 0.05 to 1, not 0"),
        ("[speed]\nnormal = true", "speed.normal must be a number from 0.05 to 1, not True"),
        ('[speed]\nnormal = "fast"', "speed.normal must be a number from 0.05 to 1, not 'fast'"),
        ("[speed]\nturbo = nan", "speed.turbo must be a number from 0.05 to 1, not nan"),
        ("[gamepad]\ndead_zone = inf", "gamepad.dead_zone must be a number from 0.02 to 0.4"),
        ("[gamepad]\ndead_zone = 0", "gamepad.dead_zone must be a number from 0.02 to 0.4"),
        ("[gamepad]\nfrozen_s = 0", "gamepad.frozen_s must be a number from 2 to 60"),
        ('[gamepad]\ndrive = "left"', "gamepad.drive = 'left' is no stick; did you mean left_"),
        ("[gamepad]\ndrive = 1", "gamepad.drive = 1 is no stick"),
        ('[gamepad]\ndrive = "right_x"', 'gamepad.drive and gamepad.turn are both "right_x"'),
        ("[gamepad]\ninvert_drive = 1", "gamepad.invert_drive must be true or false, not 1"),
        ("[for]\noperator = 7", "for.operator must be a name in quotes, not 7"),
        ("[speed]\nprecise = 0.9", "must not fall in this order"),
        ("[buttons]\ndeadman = []", "without one a gamepad cannot drive"),
        ('[keys]\nmarker = ["Space"]', 'keys.marker = "Space": this always means STOP'),
        ('[buttons]\narm = ["B+RB+LB"]', 'buttons.arm = "B+RB+LB": this always means STOP'),
        ("[keys", "this is not TOML"),
        ("[keys]\nmarker = []\nmarker = []", "this is not TOML"),
    ],
)
def test_a_mistake_is_named_with_the_file_and_what_would_do(text: str, says: str) -> None:
    message = refused(text)
    assert message.startswith("mine.toml: ")
    assert says in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[keys]\nmarker = ["Y"]',
            '"Y" is bound twice, by keys.marker (mine.toml) and keys.success (built-in defaults)',
        ),
        (
            '[keys]\narm = ["K"]\nreasons = ["K"]',
            '"K" is bound twice, by keys.arm (mine.toml) and keys.reasons (mine.toml)',
        ),
        (
            '[buttons]\nmarker = ["LB"]',
            '"LB" is bound twice, by buttons.deadman (built-in defaults) and buttons.marker',
        ),
        ('[buttons]\nmarker = ["Start+DpadDown"]', "bound twice, by buttons.hand_back"),
    ],
)
def test_a_conflict_names_both_bindings_and_the_file(text: str, says: str) -> None:
    message = refused(text)
    assert says in message
    assert "give one of them another, or [] for none" in message


def test_all_mistakes_are_told_at_once() -> None:
    message = refused('[speed]\nnormal = 9\n[keys]\nmarker = ["Foo"]\narm = 1\nx = 2\n[y]')
    assert len(message.splitlines()) == 5


@pytest.mark.parametrize("where", RANGES)
def test_the_ends_of_each_range_are_allowed(where: str) -> None:
    table, _, name = where.partition(".")
    for value in RANGES[where]:
        text = f"[{table}]\n{name} = {value}"
        if table == "speed":  # in rising order, all three
            text = "[speed]\n" + "\n".join(f"{n} = {value}" for n in ("precise", "normal", "turbo"))
        own(text)


@given(st.text(max_size=60))
def test_any_text_is_a_profile_or_refused_in_one_way(text: str) -> None:
    refusal = ""
    try:
        own(text)
    except ProfileError as error:
        refusal = str(error)
    assert refusal == "" or refusal.startswith("mine.toml: ")


values = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(
        ['"W"', '"LB"', '"left_y"', "nan", "inf", "[]", "{}", '["W", "Space"]', "[[1]]"]
    ),
)
names = st.sampled_from(
    [
        *(f"keys.{action}" for action in Action),
        *(f"buttons.{action}" for action in Action),
        *RANGES,
        *("gamepad.drive", "gamepad.in_background", "for.robot", "for.other", "x.y"),
    ]
)


@given(st.dictionaries(names, values, max_size=4))
def test_whatever_is_set_stop_stays_bound_and_nothing_is_bound_twice(
    settings: dict[str, object],
) -> None:
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in settings.items()
    ]
    try:
        profile = own("\n".join(lines))
    except ProfileError:
        return
    assert profile.keys["Space"] is Action.STOP
    assert profile.buttons[STOP_CHORD] is Action.STOP
    assert set(profile.keys) <= set(KEYS)
    assert all(chord <= set(BUTTONS) for chord in profile.buttons)
    assert profile.pad.deadman
