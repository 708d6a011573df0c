"""Profiles: which key, button and stick does what, for whom, on which robot, with which gamepad.

Pure: text in, `Profile` out; the files are found in `teleop.profile_files`. The schema is the
default profile itself (`resources/profiles/default.toml`): a table or a name that is not there is
refused together with the nearest one that is. STOP can be given more keys, never fewer.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from teleop.operator_input import Drive, Speeds
from teleop.pad_mapping import AXES, BUTTONS, PadSettings
from teleop.safety import ConfigError

BUILT_IN: Final = "built-in defaults"


class Action(StrEnum):
    """Everything a key or a button can be bound to."""

    DEADMAN = "deadman"  # buttons only: a held driving key is its own deadman
    FORWARD = "forward"  # keys only, as the next three: a gamepad has sticks for it
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    TURBO = "turbo"
    PRECISE = "precise"
    STOP = "stop"
    ZERO = "zero"
    ACCEPT_OR_HAND_BACK = "accept_or_hand_back"
    ACCEPT_OR_REQUEST = "accept_or_request"
    REQUEST_OR_RELEASE = "request_or_release"
    RELEASE = "release"
    HAND_BACK = "hand_back"
    ARM = "arm"
    MARKER = "marker"
    SUCCESS = "success"
    FAILURE = "failure"
    CLEAR_OUTCOME = "clear_outcome"
    CAMERA_1 = "camera_1"
    CAMERA_2 = "camera_2"
    CAMERA_3 = "camera_3"
    CAMERA_4 = "camera_4"
    CAMERA_5 = "camera_5"
    CAMERA_6 = "camera_6"
    CAMERA_7 = "camera_7"
    CAMERA_8 = "camera_8"
    CAMERA_9 = "camera_9"
    REASONS = "reasons"
    FIGURES = "figures"
    FULL_SCREEN = "full_screen"
    HELP = "help"


# By number: the first brings camera 1 to the main view.
CAMERA_ACTIONS: Final = tuple(action for action in Action if action.startswith("camera_"))
# These last as long as they are held; the others happen once, when pressed.
HELD: Final = frozenset({Action.DEADMAN} | {Action(drive.value) for drive in Drive})

# Keys by where they are on a US keyboard; "?" is the one that goes by what is printed only.
KEYS: Final = (
    *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    *(f"F{number}" for number in range(1, 13)),
    *("Up", "Down", "Left", "Right", "Shift", "Ctrl", "Space", "Enter", "Esc", "Backspace"),
    *("Insert", "Delete", "Home", "End", "PageUp", "PageDown", "Pause"),
    *("Minus", "Equal", "BracketLeft", "BracketRight", "Semicolon", "Quote", "Backquote"),
    *("Backslash", "Comma", "Period", "Slash", "?"),
)
STOP_KEY: Final = "Space"
STOP_CHORD: Final = frozenset({"LB", "RB", "B"})

RANGES: Final = {
    "speed.precise": (0.05, 1.0),
    "speed.normal": (0.05, 1.0),
    "speed.turbo": (0.05, 1.0),
    "gamepad.dead_zone": (0.02, 0.4),  # 0 would take noise for a wish
    "gamepad.expo": (0.0, 1.0),
    "gamepad.frozen_s": (2.0, 60.0),
}


class ProfileError(ConfigError):
    """A profile cannot be used; the message names the file, what is wrong and what would do."""


@dataclass(frozen=True)
class Profile:
    """One complete set of bindings."""

    source: str = BUILT_IN  # the file's name
    operator: str = ""  # whom it is for; empty: everybody
    robot: str = ""
    gamepad: str = ""
    speeds: Speeds = field(default_factory=Speeds)
    keys: Mapping[str, Action] = field(default_factory=dict)
    buttons: Mapping[frozenset[str], Action] = field(default_factory=dict)
    pad: PadSettings = field(default_factory=PadSettings)

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """The keys bound to an action, in the order of the file."""
        return tuple(key for key, bound in self.keys.items() if bound is action)

    def chords_of(self, action: Action) -> tuple[frozenset[str], ...]:
        """The buttons, or groups of buttons held together, bound to an action."""
        return tuple(chord for chord, bound in self.buttons.items() if bound is action)

    def pressed(self, before: frozenset[str], held: frozenset[str]) -> tuple[Action, ...]:
        """What the buttons that went down ask for once; of chords that fit, the largest counts."""
        meant: dict[frozenset[str], Action] = {}
        for button in sorted(held - before):
            fitting = [chord for chord in self.buttons if button in chord and chord <= held]
            if fitting:
                largest = max(fitting, key=len)
                meant[largest] = self.buttons[largest]
        return tuple(action for action in meant.values() if action not in HELD)


@cache
def default_profile() -> Profile:
    """The profile of somebody who has none."""
    return parse_profile("", BUILT_IN)


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    text = files("resources").joinpath("profiles", "default.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def parse_profile(text: str, source: str) -> Profile:
    """The profile that `text` is, over the defaults. `source` names it in messages.

    Raises:
        ProfileError: all that is wrong with it, one line each.
    """
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: this is not TOML: {error}") from None
    problems = [*_unknown(own), *_wrong_values(own)]
    if problems:
        raise ProfileError("\n".join(f"{source}: {problem}" for problem in problems))
    tables = {name: table | own.get(name, {}) for name, table in _defaults().items()}
    keys, clashing_keys = _bound(tables["keys"], own.get("keys", {}), "keys", source)
    chords, clashing_chords = _bound(tables["buttons"], own.get("buttons", {}), "buttons", source)
    problems = clashing_keys + clashing_chords
    speed, pad, whom = tables["speed"], tables["gamepad"], tables["for"]
    if not speed["precise"] <= speed["normal"] <= speed["turbo"]:
        problems.append("speed.precise, speed.normal and speed.turbo must not fall in this order")
    if Action.DEADMAN not in chords.values():
        problems.append("buttons.deadman needs a button: without one a gamepad cannot drive")
    if pad["drive"] == pad["turn"]:
        problems.append(f'gamepad.drive and gamepad.turn are both "{pad["drive"]}"')
    if problems:
        raise ProfileError("\n".join(f"{source}: {problem}" for problem in problems))
    return Profile(
        source=source,
        operator=whom["operator"],
        robot=whom["robot"],
        gamepad=whom["gamepad"],
        speeds=Speeds(**{name: float(value) for name, value in speed.items()}),
        keys={next(iter(key)): action for key, action in keys.items()},
        buttons=chords,
        pad=PadSettings(
            **pad | {name: float(pad[name]) for name in ("dead_zone", "expo", "frozen_s")},
            deadman=_chords(chords, Action.DEADMAN),
            turbo=_chords(chords, Action.TURBO),
            precise=_chords(chords, Action.PRECISE),
            stop=_chords(chords, Action.STOP),
        ),
    )


def _chords(bound: Mapping[frozenset[str], Action], action: Action) -> tuple[frozenset[str], ...]:
    return tuple(chord for chord, to in bound.items() if to is action)


def nearest(name: str, known: Iterable[str]) -> str:
    """ "; did you mean X?" when something known is written alike, else what there is."""
    options = list(known)
    folded = {option.casefold(): option for option in options}
    alike = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if alike:
        return f"; did you mean {folded[alike[0]]}?"
    return f"; known are {', '.join(options)}" if len(options) <= 12 else ""


def _unknown(own: Mapping[str, Any]) -> Iterable[str]:
    defaults = _defaults()
    for table, content in own.items():
        if table not in defaults:
            yield f"[{table}] is not known{nearest(table, defaults)}"
        elif not isinstance(content, dict):
            yield f"{table} must be a table: write [{table}] on a line of its own"
        else:
            for name in content:
                if name not in defaults[table]:
                    yield f"{table}.{name} is not known{nearest(name, defaults[table])}"


def _wrong_values(own: Mapping[str, Any]) -> Iterable[str]:
    for table, known in _defaults().items():
        content = own.get(table)
        for name, value in content.items() if isinstance(content, dict) else ():
            if name not in known:
                continue
            where = f"{table}.{name}"
            if table in ("keys", "buttons"):
                yield from _wrong_binding(where, value, KEYS if table == "keys" else BUTTONS)
            elif where in RANGES:
                low, high = RANGES[where]
                number = isinstance(value, int | float) and not isinstance(value, bool)
                if not number or not math.isfinite(value) or not low <= value <= high:
                    yield f"{where} must be a number from {low:g} to {high:g}, not {value!r}"
            elif where in ("gamepad.drive", "gamepad.turn"):
                if not isinstance(value, str) or value not in AXES:
                    yield f"{where} = {value!r} is no stick{nearest(str(value), AXES)}"
            elif isinstance(known[name], bool):
                if not isinstance(value, bool):
                    yield f"{where} must be true or false, not {value!r}"
            elif not isinstance(value, str):
                yield f"{where} must be a name in quotes, not {value!r}"


def _wrong_binding(where: str, value: object, names: tuple[str, ...]) -> Iterable[str]:
    wanted = [value] if isinstance(value, str) else value
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        yield f'{where} must be a list of names, as ["F6"], not {value!r}'
        return
    for one in wanted:
        for name in one.split("+") if names is BUTTONS else (one,):
            if name not in names:
                kind = "button" if names is BUTTONS else "key"
                yield f'{where}: there is no {kind} "{name}"{nearest(name, names)}'


def _bound(
    table: Mapping[str, Any], own: Mapping[str, Any], kind: str, source: str
) -> tuple[dict[frozenset[str], Action], list[str]]:
    """What each key or chord is bound to, and which are bound twice."""
    always = frozenset({STOP_KEY}) if kind == "keys" else STOP_CHORD
    bound: dict[frozenset[str], Action] = {always: Action.STOP}
    problems = []
    for name, value in table.items():
        action = Action(name)
        for one in [value] if isinstance(value, str) else value:
            chord = frozenset(one.split("+")) if kind == "buttons" else frozenset({one})
            before = bound.setdefault(chord, action)
            if before is action:
                continue
            if chord == always:
                problems.append(f'{kind}.{name} = "{one}": this always means STOP')
                continue
            where = [
                f"{kind}.{each} ({source if each in own else BUILT_IN})" for each in (before, name)
            ]
            problems.append(
                f'"{one}" is bound twice, by {where[0]} and {where[1]}; '
                "give one of them another, or [] for none"
            )
    return bound, problems
