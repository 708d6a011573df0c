"""The sheet with all keys and buttons says what the profile in use does, and nothing else."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from teleop.input_profile import KEYS, Action, default_profile, parse_profile, parse_profiles
from teleop.pad_mapping import BUTTONS
from teleop.profile_files import PadSeen, Profiles
from tests.console.fakes import arm_driven, driven, link_view
from tests.console.support import Console
from transport.messages import RobotKind, RobotState
from ui.action_words import ARM_DOES, DOES
from ui.cheat_sheet import MARGIN, key_rows, notes, pad_rows
from ui.theme import BODY, text_width

Key = Qt.Key
SIZES = ((1280, 800), (1180, 720), (1920, 1080))
KEY_ACTIONS = [action for action in Action if action is not Action.DEADMAN]
PAD_ACTIONS = [a for a in Action if a not in (Action.STOP, *list(Action)[1:11])]
# With LB, this pair is STOP.
PAIRS = [pair for pair in combinations(BUTTONS, 2) if set(pair) != {"RB", "B"}]
SPARE_KEYS = [key for key in KEYS if key not in ("Space", "PageUp", "PageDown")]
# Everything bound, the first action twice, to the longest names there are.
FULL = "\n".join(
    [
        "[keys]",
        *(f'{action} = "{key}"' for action, key in zip(KEY_ACTIONS[1:], SPARE_KEYS, strict=False)),
        'forward = ["PageUp", "PageDown", "BracketLeft", "BracketRight"]',
        "[buttons]",
        'stop = ["LB+RB+Paddle1", "LB+RB+Paddle2"]',
        *(
            f'{action} = "LB+{first}+{second}"'
            for action, (first, second) in zip(PAD_ACTIONS, PAIRS, strict=False)
            if action is not Action.DEADMAN
        ),
    ]
)
PADS = (
    PadSeen("Xbox Wireless Controller", active=True),
    PadSeen("8BitDo Ultimate 2.4G Wireless Controller"),
    *(PadSeen(f"Pedals {n}", skipped="SDL has no mapping for it") for n in range(4)),
)


def test_every_action_has_words() -> None:
    assert set(DOES) == set(ARM_DOES) == set(Action)


def test_the_defaults_as_text() -> None:
    keys = {what: combinations for combinations, what in key_rows(default_profile())}
    assert keys["STOP, whatever has the focus"] == (("Space",),)
    assert keys["drive forward"] == (("W",), ("↑",))
    assert keys["this sheet"] == (("F1",), ("?",))
    assert keys["camera 1 to 9 in the main view"] == (("1",), ("…",), ("9",))
    assert keys["figures of the link over the picture"] == (("F12",),)
    pad = {what: combinations for combinations, what in pad_rows(default_profile())}
    assert pad["STOP, also in the background"] == (("LB", "RB", "B"),)
    assert pad["drive"] == (("Left stick ↕",),)
    assert pad["camera 1 or 2 in the main view"] == (("D-pad ←",), ("D-pad →",))
    assert pad["hand back to autonomy"] == (("D-pad ↓", "Start"),)


def test_an_arms_keys_sticks_and_triggers_as_text() -> None:
    arm = default_profile(RobotKind.ARM)
    keys = {what: combinations for combinations, what in key_rows(arm)}
    assert keys["hand away from the base, back"] == (("W",), ("↑",), ("S",), ("↓",))
    assert keys["hand left, right"] == (("A",), ("←",), ("D",), ("→",))
    assert keys["hand up, down"] == (("R",), ("F",))
    assert keys["turn the hand left, right"] == (("Q",), ("E",))
    assert keys["close, open the gripper"] == (("G",), ("T",))
    assert keys["STOP, whatever has the focus"] == (("Space",),)
    assert not {"drive forward", "turn left", "move left"} & set(keys)
    pad = {what: combinations for combinations, what in pad_rows(arm)}
    assert pad["hand over the table"] == (("Left stick ↕",), ("Left stick ↔",))
    assert pad["hand up, down, and turn it"] == (("Right stick ↕",), ("Right stick ↔",))
    assert pad["close, open the gripper"] == (("Right trigger",), ("Left trigger",))
    other = parse_profile(
        '[gamepad]\ninvert_lift = true\nclose = ""\nopen = ""', "mine.toml", RobotKind.ARM
    )
    spoken = [what for _, what in pad_rows(other)]
    assert "hand up, down, and turn it, reversed: Right stick ↕" in spoken
    assert not any("gripper" in what for what in spoken)
    assert notes(arm, ())[-1] == "Profile: built-in defaults for an arm"


def test_what_is_rebound_is_shown_as_it_is_and_what_is_unbound_not_at_all() -> None:
    profile = parse_profile(
        '[keys]\nmarker = ["K"]\nsuccess = []\nstop = ["Pause"]\n'
        '[gamepad]\nturn = "left_x"\ninvert_drive = true',
        "mine.toml",
    )
    keys = {what: combinations for combinations, what in key_rows(profile)}
    assert keys["marker"] == (("K",),)
    assert "outcome success" not in keys
    assert keys["STOP, whatever has the focus"] == (("Space",), ("Pause",))
    pad = {what: combinations for combinations, what in pad_rows(profile)}
    assert pad["drive, reversed"] == (("Left stick ↕",),)
    assert pad["turn"] == (("Left stick ↔",),)


def test_it_tells_which_gamepads_there_are_and_why_some_are_not_used() -> None:
    lines = notes(default_profile(), PADS)
    assert lines[0] == (
        "Gamepads: Xbox Wireless Controller (in use), 8BitDo Ultimate 2.4G Wireless Controller. "
        "Press any button on the one you want."
    )
    assert lines[1] == "Not used: Pedals 0, SDL has no mapping for it."
    assert "Nothing drives while another window has the focus." in lines
    assert lines[-1] == "Profile: built-in defaults"
    background = parse_profile("[gamepad]\nin_background = true", "mine.toml")
    assert "A gamepad drives in the background, too; keys never do." in notes(background, ())


@pytest.mark.parametrize("key", [Key.Key_F1, Key.Key_Question])
@pytest.mark.parametrize("closing", [Key.Key_F1, Key.Key_Escape])
def test_it_opens_and_closes_without_taking_the_focus(
    console: Console, key: Qt.Key, closing: Qt.Key
) -> None:
    focus = QApplication.focusWidget()
    QTest.keyClick(console.window, key)
    opened, kept = console.window.cheat_sheet.isVisible(), QApplication.focusWidget()
    QTest.keyClick(console.window, closing)

    assert opened
    assert kept is focus
    assert not console.window.cheat_sheet.isVisible()


def test_while_it_is_open_one_drives_and_stops(console: Console) -> None:
    console.show(link_view(driven()))
    QTest.keyClick(console.window, Key.Key_F1)

    QTest.keyPress(console.window, Key.Key_W)
    QTest.keyClick(console.window, Key.Key_Space)

    assert console.link.inputs[-1].deadman
    assert console.link.stops == 1


def test_its_button_closes_it(console: Console, qtbot: QtBot) -> None:
    QTest.keyClick(console.window, Key.Key_F1)
    qtbot.mouseClick(console.window.cheat_sheet._close, Qt.MouseButton.LeftButton)
    assert not console.window.cheat_sheet.isVisible()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("state", [driven(), arm_driven()], ids=["rover", "arm"])
@pytest.mark.parametrize("full", [False, True], ids=["defaults", "everything bound"])
def test_it_fits_the_window_and_leaves_stop_free(
    console: Console, qtbot: QtBot, size: tuple[int, int], full: bool, state: RobotState
) -> None:
    window = console.window
    if full:
        window.controls._profiles = Profiles(parse_profiles(FULL, "mine.toml"))
        window.controls._found = None
        window.controls.pads = PADS
    window.resize(*size)
    console.show(link_view(state))
    window.show_keys()
    qtbot.wait(1)

    sheet = window.cheat_sheet
    rect = QRect(sheet.mapTo(window, QPoint(0, 0)), sheet.size())
    stop = QRect(window.top.stop.mapTo(window, QPoint(0, 0)), window.top.stop.size())
    assert sheet.isVisible()
    assert QRect(QPoint(0, 0), window.size()).contains(rect)
    assert not rect.intersects(stop)
    told = notes(window.controls.profile, window.controls.pads)
    room = sheet.width() - 2 * MARGIN
    assert sheet.content_width <= room
    assert [note for note in told if text_width(note, BODY) > room] == []


def test_it_shows_a_gamepad_that_comes_while_it_is_open(console: Console) -> None:
    QTest.keyClick(console.window, Key.Key_F1)
    assert any("Gamepads: none" in line for line in console.window.cheat_sheet.lines())

    console.window.controls.pads = (PadSeen("Stadia", active=True),)
    console.window.refresh()

    assert any("Stadia (in use)" in line for line in console.window.cheat_sheet.lines())
