"""Keys by name: by where they are (scan codes), and by what is printed on them (Qt's key codes).

A driving key is known by its place, so that W A S D is the same four keys on every layout. Scan
codes differ by window system: Linux numbers keys as the kernel does (X11 and Wayland add 8),
Windows uses scan code set 1 with extended keys marked by bit 8, macOS has codes of its own. The
numeric pad is left out on purpose: what its keys mean depends on Num Lock, so they go by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

Key = Qt.Key

# linux/input-event-codes.h: KEY_ESC, KEY_1 … in the kernel's own order, row by row.
_EVDEV: Final = {
    1: "Esc",
    **{2 + number: key for number, key in enumerate("1234567890")},
    12: "Minus",
    13: "Equal",
    14: "Backspace",
    **{16 + number: key for number, key in enumerate("QWERTYUIOP")},
    26: "BracketLeft",
    27: "BracketRight",
    28: "Enter",
    29: "Ctrl",
    **{30 + number: key for number, key in enumerate("ASDFGHJKL")},
    39: "Semicolon",
    40: "Quote",
    41: "Backquote",
    42: "Shift",
    43: "Backslash",
    **{44 + number: key for number, key in enumerate("ZXCVBNM")},
    51: "Comma",
    52: "Period",
    53: "Slash",
    54: "Shift",
    57: "Space",
    **{58 + number: f"F{number}" for number in range(1, 11)},
    87: "F11",
    88: "F12",
}
_EVDEV_EXTENDED: Final = {
    96: "Enter",  # of the numeric pad
    97: "Ctrl",
    102: "Home",
    103: "Up",
    104: "PageUp",
    105: "Left",
    106: "Right",
    107: "End",
    108: "Down",
    109: "PageDown",
    110: "Insert",
    111: "Delete",
    119: "Pause",
}
X11: Final = {code + 8: name for code, name in (_EVDEV | _EVDEV_EXTENDED).items()}
# Scan code set 1 is where the kernel's first 88 numbers come from; the extended keys differ.
WINDOWS: Final = _EVDEV | {
    0x045: "Pause",
    0x11C: "Enter",
    0x11D: "Ctrl",
    0x136: "Shift",  # what some drivers send for the right one
    0x147: "Home",
    0x148: "Up",
    0x149: "PageUp",
    0x14B: "Left",
    0x14D: "Right",
    0x14F: "End",
    0x150: "Down",
    0x151: "PageDown",
    0x152: "Insert",
    0x153: "Delete",
}
# HIToolbox/Events.h: kVK_ANSI_A is 0.
MACOS: Final = {
    **dict(zip((0, 1, 2, 3, 5, 4, 38, 40, 37), "ASDFGHJKL", strict=True)),
    **dict(zip((6, 7, 8, 9, 11, 45, 46), "ZXCVBNM", strict=True)),
    **dict(zip((12, 13, 14, 15, 17, 16, 32, 34, 31, 35), "QWERTYUIOP", strict=True)),
    **dict(zip((18, 19, 20, 21, 23, 22, 26, 28, 25, 29), "1234567890", strict=True)),
    **{
        code: f"F{number}"
        for number, code in enumerate(
            (122, 120, 99, 118, 96, 97, 98, 100, 101, 109, 103, 111), start=1
        )
    },
    24: "Equal",
    27: "Minus",
    30: "BracketRight",
    33: "BracketLeft",
    36: "Enter",
    39: "Quote",
    41: "Semicolon",
    42: "Backslash",
    43: "Comma",
    44: "Slash",
    47: "Period",
    49: "Space",
    50: "Backquote",
    51: "Backspace",
    53: "Esc",
    56: "Shift",
    60: "Shift",
    # Qt calls the command key Control on a Mac, and shortcuts use it: so does "precise".
    54: "Ctrl",
    55: "Ctrl",
    76: "Enter",
    114: "Insert",
    115: "Home",
    116: "PageUp",
    117: "Delete",
    119: "End",
    121: "PageDown",
    123: "Left",
    124: "Right",
    125: "Down",
    126: "Up",
}

PRINTED: Final = {
    **{Key(Key.Key_A + number): chr(ord("A") + number) for number in range(26)},
    **{Key(Key.Key_0 + number): str(number) for number in range(10)},
    **{Key(Key.Key_F1 + number): f"F{number + 1}" for number in range(12)},
    Key.Key_Up: "Up",
    Key.Key_Down: "Down",
    Key.Key_Left: "Left",
    Key.Key_Right: "Right",
    Key.Key_Shift: "Shift",
    Key.Key_Control: "Ctrl",
    Key.Key_Space: "Space",
    Key.Key_Return: "Enter",
    Key.Key_Enter: "Enter",
    Key.Key_Escape: "Esc",
    Key.Key_Backspace: "Backspace",
    Key.Key_Insert: "Insert",
    Key.Key_Delete: "Delete",
    Key.Key_Home: "Home",
    Key.Key_End: "End",
    Key.Key_PageUp: "PageUp",
    Key.Key_PageDown: "PageDown",
    Key.Key_Pause: "Pause",
    Key.Key_Minus: "Minus",
    Key.Key_Equal: "Equal",
    Key.Key_BracketLeft: "BracketLeft",
    Key.Key_BracketRight: "BracketRight",
    Key.Key_Semicolon: "Semicolon",
    Key.Key_Apostrophe: "Quote",
    Key.Key_QuoteLeft: "Backquote",
    Key.Key_Backslash: "Backslash",
    Key.Key_Comma: "Comma",
    Key.Key_Period: "Period",
    Key.Key_Slash: "Slash",
    Key.Key_Question: "?",
}
_BY_PRINT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ?")


class Places:
    """Where keys are on this window system; without a table, what is printed stands for it."""

    def __init__(self, platform: str) -> None:
        """`platform` is Qt's name of it: "xcb", "wayland", "windows", "cocoa"."""
        self._virtual = platform == "cocoa"  # there are no scan codes on a Mac
        tables: dict[str, Mapping[int, str]] = {
            "xcb": X11,
            "wayland": X11,
            "wayland-egl": X11,
            "windows": WINDOWS,
            "direct2d": WINDOWS,
            "cocoa": MACOS,
        }
        self._table = tables.get(platform, {})

    def code(self, event: QKeyEvent) -> int:
        """A number for the key itself; 0 on other systems than a Mac: no keyboard made this."""
        return event.nativeVirtualKey() if self._virtual else event.nativeScanCode()

    def place(self, event: QKeyEvent) -> str:
        """The key's name by where it is; by what is printed when that is not known."""
        printed = PRINTED.get(Key(event.key()), "")
        return self._table.get(self.code(event), "") or printed

    def label(self, event: QKeyEvent) -> str:
        """The name of a key that stands for a word: Y is where Y is printed; keys that print
        another script, or no letter, go by their place."""
        printed = PRINTED.get(Key(event.key()), "")
        return printed if printed in _BY_PRINT else self.place(event)
