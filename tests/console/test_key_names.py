"""Key tables of the window systems: each names the same keys, and none names one twice wrongly."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

from teleop.input_profile import KEYS
from ui.key_names import MACOS, PRINTED, WINDOWS, X11, Places

TWICE = {"Shift", "Ctrl", "Enter"}  # left and right, main and numeric pad
TABLES = {"X11": X11, "Windows": WINDOWS, "macOS": MACOS}
# Spot checks against linux/input-event-codes.h (+ 8), scan code set 1 and HIToolbox/Events.h.
KNOWN = {
    "X11": {
        "Esc": 9,
        "1": 10,
        "Q": 24,
        "W": 25,
        "A": 38,
        "S": 39,
        "D": 40,
        "Z": 52,
        "M": 58,
        "Space": 65,
        "F1": 67,
        "F10": 76,
        "F11": 95,
        "F12": 96,
        "Up": 111,
        "Left": 113,
        "Right": 114,
        "Down": 116,
        "Backspace": 22,
        "Backquote": 49,
        "Slash": 61,
    },
    "Windows": {
        "Esc": 0x01,
        "W": 0x11,
        "A": 0x1E,
        "S": 0x1F,
        "D": 0x20,
        "Space": 0x39,
        "F1": 0x3B,
        "F11": 0x57,
        "F12": 0x58,
        "Up": 0x148,
        "Down": 0x150,
        "Left": 0x14B,
        "Right": 0x14D,
    },
    "macOS": {
        "A": 0x00,
        "S": 0x01,
        "D": 0x02,
        "W": 0x0D,
        "1": 0x12,
        "2": 0x13,
        "M": 0x2E,
        "Y": 0x10,
        "Space": 0x31,
        "Backspace": 0x33,
        "Esc": 0x35,
        "F1": 0x7A,
        "F2": 0x78,
        "F3": 0x63,
        "F5": 0x60,
        "F11": 0x67,
        "Left": 0x7B,
        "Right": 0x7C,
        "Down": 0x7D,
        "Up": 0x7E,
    },
}


@pytest.mark.parametrize("system", TABLES)
def test_every_key_of_a_profile_has_a_place(system: str) -> None:
    placed = set(TABLES[system].values())
    absent = {"Pause"} if system == "macOS" else set()  # Apple's keyboards have none
    assert placed == set(KEYS) - {"?"} - absent


@pytest.mark.parametrize("system", TABLES)
def test_no_key_but_the_double_ones_is_in_two_places(system: str) -> None:
    names = list(TABLES[system].values())
    assert {name for name in names if names.count(name) > 1} <= TWICE


@pytest.mark.parametrize("system", KNOWN)
def test_codes_are_those_of_the_systems_own_headers(system: str) -> None:
    table: Mapping[int, str] = TABLES[system]
    for name, code in KNOWN[system].items():
        assert table[code] == name


def test_every_key_can_be_known_by_what_is_printed_on_it() -> None:
    assert set(PRINTED.values()) == set(KEYS)


def event(key: Qt.Key, scan: int, virtual: int) -> QKeyEvent:
    none = Qt.KeyboardModifier.NoModifier
    return QKeyEvent(QEvent.Type.KeyPress, key, none, scan, virtual, 0)


@pytest.mark.parametrize(
    ("platform", "scan", "virtual", "place"),
    [
        ("xcb", 25, 0x7A, "W"),
        ("wayland", 25, 0x7A, "W"),
        ("windows", 0x11, 0x5A, "W"),
        ("cocoa", 0, 13, "W"),
        ("offscreen", 25, 0, "Z"),
    ],
)
def test_the_same_key_on_each_system(platform: str, scan: int, virtual: int, place: str) -> None:
    # A French keyboard prints Z where an American one prints W.
    assert Places(platform).place(event(Qt.Key.Key_Z, scan, virtual)) == place


def test_the_numeric_pad_goes_by_num_lock() -> None:
    places = Places("xcb")
    assert places.place(event(Qt.Key.Key_Up, 80, 0)) == "Up"
    assert places.place(event(Qt.Key.Key_8, 80, 0)) == "8"
