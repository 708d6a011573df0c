"""What an operator prefers, and the file it is kept in. No Qt: it is read before Qt is loaded.

`preferences.toml` lies beside the keys. It states what differs from the defaults; a value that
cannot be is told and its default counts, for nobody is kept from driving by a colour. What this
version does not know is told, and stays in the file for the version that wrote it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import tomli_w

from recorder.durable import write_atomically
from teleop.input_profile import nearest
from teleop.safety import ConfigError
from ui.speech import Language
from ui.text_scale import TextScale, text_scale, type_percent

FILE: Final = "preferences.toml"
LIMIT_BYTES: Final = 64 << 10
PERCENTS: Final = (100, 125, 150, 175, 200)
MODE: Final = 0o600
_HEADING: Final = (
    "# What this operator prefers; Edit, Preferences… in the console. Only what differs.\n\n"
)


class Colours(StrEnum):
    """Which theme."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


class Sound(StrEnum):
    """What can be heard, the most severe first."""

    STOPPED = "stopped"
    HOLD = "hold"
    ASKED = "asked"  # somebody wants to take over
    CALL = "call"
    GO = "go"
    READY = "ready"  # 3, 2, 1 before GO
    STALE = "stale"


@dataclass(frozen=True)
class Preferences:
    """All of them."""

    colours: Colours = Colours.SYSTEM
    text_percent: int = 100
    language: Language = Language.SYSTEM
    volume: int = 60  # 0 .. 100
    silent: frozenset[Sound] = frozenset()  # what is not to be heard
    voice: bool = False
    notify: bool = True  # by the desktop, of calls, while the window is not in front
    screen: tuple[int, int] = (0, 0)  # px, where the size of text was chosen; (0, 0): never
    unknown: Mapping[str, Any] = field(default_factory=dict)  # of another version

    @property
    def scale(self) -> TextScale:
        """How its size of text is made at the next start."""
        return text_scale(self.text_percent, *self.screen)

    def type_percent(self, zoom: float) -> int:
        """Of the type in a window that was started with `zoom`."""
        return type_percent(self.text_percent, zoom)

    def hears(self, sound: Sound) -> bool:
        """Whether this sound is wanted."""
        return self.volume > 0 and sound not in self.silent

    def with_sound(self, sound: Sound, wanted: bool) -> Preferences:
        """The same with one sound on or off."""
        return replace(self, silent=self.silent - {sound} if wanted else self.silent | {sound})


def parse(text: str, source: str) -> tuple[Preferences, tuple[str, ...]]:
    """What `text` says, and all that is wrong with it in words that name `source`."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Preferences(), (f"{source}: this is not TOML: {error}. The defaults count",)
    problems: list[str] = []
    taken: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name, value in found.items():
        if name not in _KINDS:
            unknown[name] = value
            problems.append(f"{source}: {name} is not known{nearest(name, _KINDS)}")
            continue
        try:
            taken[_KINDS[name][0]] = _KINDS[name][1](value)
        except (ValueError, TypeError):
            default = _plain(Preferences())[name]
            problems.append(
                f"{source}: {name} = {value!r} cannot be; it is {_KINDS[name][2]}. "
                f"{_said(default)} counts"
            )
    return Preferences(**taken, unknown=unknown), tuple(problems)


def as_text(preferences: Preferences) -> str:
    """The file: what differs from the defaults, and what this version did not know."""
    default = _plain(Preferences())
    differs = {name: value for name, value in _plain(preferences).items() if value != default[name]}
    return _HEADING + tomli_w.dumps(differs | dict(preferences.unknown))


def read(folder: Path) -> tuple[Preferences, tuple[str, ...]]:
    """Those kept in a folder, and what is wrong with them; the defaults when there are none."""
    path = folder / FILE
    try:
        with path.open("rb") as stream:
            content = stream.read(LIMIT_BYTES + 1)
        text = content.decode()
    except FileNotFoundError:
        return Preferences(), ()
    except OSError as error:
        return Preferences(), (f"{path} cannot be read: {error.strerror}. The defaults count",)
    except UnicodeDecodeError:
        return Preferences(), (f"{path} is no text. The defaults count",)
    if len(content) > LIMIT_BYTES:
        return Preferences(), (f"{path} is larger than 64 KiB. The defaults count",)
    return parse(text, str(path))


def write(folder: Path, preferences: Preferences) -> None:
    """Keep them; a crash leaves the old ones or these.

    Raises:
        ConfigError: the disk refuses.
    """
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, as_text(preferences).encode(), MODE)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def _plain(preferences: Preferences) -> dict[str, Any]:
    return {
        "colours": str(preferences.colours),
        "text_percent": preferences.text_percent,
        "language": str(preferences.language),
        "volume": preferences.volume,
        "silent": sorted(map(str, preferences.silent)),
        "voice": preferences.voice,
        "notify": preferences.notify,
        "screen": list(preferences.screen),
    }


def _said(value: Any) -> str:
    return tomli_w.dumps({"x": value}).removeprefix("x = ").strip()


def _percent(value: Any) -> int:
    return _whole(value, PERCENTS[0], PERCENTS[-1])


def _whole(value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _sounds(value: Any) -> frozenset[Sound]:
    if not isinstance(value, list):
        raise TypeError
    return frozenset(Sound(each) for each in value)


def _screen(value: Any) -> tuple[int, int]:
    width, height = value
    return _whole(width, 0, 100_000), _whole(height, 0, 100_000)


# By name in the file: the attribute, how it is read, and what it may be, in words.
_KINDS: Final = {
    "colours": ("colours", Colours, '"system", "dark" or "light"'),
    "text_percent": ("text_percent", _percent, "a number from 100 to 200"),
    "language": ("language", Language, '"system", "en" or "de"'),
    "volume": ("volume", lambda value: _whole(value, 0, 100), "a number from 0 to 100"),
    "silent": ("silent", _sounds, f"a list of some of {', '.join(Sound)}"),
    "voice": ("voice", _switch, "true or false"),
    "notify": ("notify", _switch, "true or false"),
    "screen": ("screen", _screen, "a width and a height in px"),
}
