"""Profiles: which key, button and stick does what, for whom, on which robot, with which gamepad.

Pure: text in, `Profile` out; the files are found in `teleop.profile_files`. A profile is for one
kind of robot; a text that names none gives one for each, over the defaults of that kind:
`resources/profiles/default.toml`, for an arm with `arm.toml` over it. The first is the schema: a
table or a name that is not there is refused together with the nearest one that is. STOP can be
given more keys, never fewer.
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

from teleop.operator_input import OF_A_HAND, Drive, Speeds
from teleop.pad_mapping import AXES, BUTTONS, TRIGGERS, PadSettings
from teleop.safety import ConfigError
from transport.messages import RobotKind

BUILT_IN: Final = "built-in defaults"
BUILT_IN_OF: Final = {
    RobotKind.ROVER: BUILT_IN,
    RobotKind.ARM: "built-in defaults for an arm",
}


class Action(StrEnum):
    """Everything a key or a button can be bound to."""

    DEADMAN = "deadman"  # buttons only: a held driving key is its own deadman
    FORWARD = "forward"  # keys only, as the next nine: a gamepad has sticks and triggers for it
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    SLIDE_LEFT = "slide_left"  # an arm's, as the next five
    SLIDE_RIGHT = "slide_right"
    UP = "up"
    DOWN = "down"
    CLOSE = "close_gripper"
    OPEN = "open_gripper"
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

_HAND_ACTIONS: Final = frozenset(Action(drive.value) for drive in OF_A_HAND)
# In [gamepad], with what an axis that is not named is called.
_STICKS: Final = ("drive", "turn", "slide", "lift")
_TRIGGERS: Final = ("close", "open")
_OF_A_HAND: Final = frozenset({"slide", "lift", "close", "open"})

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

_NOT_FOR_ARMS: Final = '; or write kind = "rover" under [for], if it is not meant for arms'

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
    kind: RobotKind = RobotKind.ROVER
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


def default_profile(kind: RobotKind = RobotKind.ROVER) -> Profile:
    """The profile of somebody who has none; the same one for each kind."""
    return _default_profile(kind)


@cache
def _default_profile(kind: RobotKind) -> Profile:
    return parse_profile("", BUILT_IN_OF[kind], kind)


@cache
def default_tables(kind: RobotKind = RobotKind.ROVER) -> dict[str, dict[str, Any]]:
    """What is built in for a kind of robot, as a file would state it; not to be changed."""
    tables = _built_in("default.toml")
    if kind is RobotKind.ARM:
        arm = _built_in("arm.toml")
        return {name: table | arm.get(name, {}) for name, table in tables.items()}
    return tables


def _built_in(name: str) -> dict[str, dict[str, Any]]:
    text = files("resources").joinpath("profiles", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def parse_profiles(text: str, source: str) -> tuple[Profile, ...]:
    """The profile that `text` is for each kind of robot that it is for.

    Raises:
        ProfileError: all that is wrong with it, one line each.
    """
    named = _parsed(text, source).get("for", {})
    own = named.get("kind") if isinstance(named, dict) else ""
    kinds = [kind for kind in RobotKind if own in (kind.value, "", None)] or list(RobotKind)
    return tuple(parse_profile(text, source, kind) for kind in kinds)


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: this is not TOML: {error}") from None


def parse_profile(text: str, source: str, kind: RobotKind = RobotKind.ROVER) -> Profile:
    """The profile that `text` is, over the defaults of `kind`. `source` names it in messages.

    Raises:
        ProfileError: all that is wrong with it, one line each.
    """
    own = _parsed(text, source)
    problems = [*_unknown(own), *_wrong_values(own)]
    if problems:
        raise ProfileError("\n".join(f"{source}: {problem}" for problem in problems))
    tables = {name: table | own.get(name, {}) for name, table in default_tables(kind).items()}
    if kind is RobotKind.ROVER:
        _without_hand(tables)
    keys, clashing_keys = _bound(tables["keys"], own.get("keys", {}), "keys", source, kind)
    chords, clashing_chords = _bound(
        tables["buttons"], own.get("buttons", {}), "buttons", source, kind
    )
    problems = clashing_keys + clashing_chords
    speed, pad, whom = tables["speed"], tables["gamepad"], tables["for"]
    if not speed["precise"] <= speed["normal"] <= speed["turbo"]:
        problems.append("speed.precise, speed.normal and speed.turbo must not fall in this order")
    if Action.DEADMAN not in chords.values():
        problems.append("buttons.deadman needs a button: without one a gamepad cannot drive")
    problems += _twice(pad)
    if problems:
        raise ProfileError("\n".join(f"{source}: {problem}" for problem in problems))
    return Profile(
        source=source,
        kind=kind,
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


def _without_hand(tables: dict[str, dict[str, Any]]) -> None:
    """A rover has no hand: what a profile for every robot says of one is not heeded."""
    for action in _HAND_ACTIONS:
        tables["keys"][action.value] = []
    for name in _OF_A_HAND:
        tables["gamepad"][name] = ""


def _twice(pad: Mapping[str, Any]) -> Iterable[str]:
    """Sticks and triggers that would do two things at once."""
    seen: dict[str, str] = {}
    for name in (*_STICKS, *_TRIGGERS):
        if pad[name] and pad[name] in seen:
            yield f'gamepad.{seen[pad[name]]} and gamepad.{name} are both "{pad[name]}"'
        seen.setdefault(pad[name], name)


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
    defaults = default_tables()
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
    for table, known in default_tables().items():
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
            elif where == "for.kind":
                if value not in ("", *RobotKind):
                    yield f"for.kind = {value!r} is no kind{nearest(str(value), RobotKind)}"
            elif table == "gamepad" and name in (*_STICKS, *_TRIGGERS):
                axes, what = (AXES, "stick") if name in _STICKS else (TRIGGERS, "trigger")
                none = name in _OF_A_HAND and value == ""
                if not none and (not isinstance(value, str) or value not in axes):
                    yield f"{where} = {value!r} is no {what}{nearest(str(value), axes)}"
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
    table: Mapping[str, Any],
    own: Mapping[str, Any],
    kind: str,
    source: str,
    robot: RobotKind,
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
                f"{kind}.{each} ({source if each in own else BUILT_IN_OF[robot]})"
                for each in (before, name)
            ]
            problems.append(
                f'"{one}" is bound twice, by {where[0]} and {where[1]}; '
                "give one of them another, or [] for none"
                + (_NOT_FOR_ARMS if robot is RobotKind.ARM else "")
            )
    return bound, problems
