"""What a site decides about a robot: limits, rates of video, custody of what is recorded.

From a file read at the start.
A name that does not exist, a value of another type or outside its range fails the start; nothing is
replaced by a default in silence. Names and ranges are those of `teleop.safety.Limits`,
`VideoRates` and `recorder.provenance.Custody`.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from recorder.provenance import Custody
from teleop.safety import ConfigError, Limits
from transport.channels import ROW_HZ
from transport.rate_control import CEILING_BPS, FLOOR_BPS, RateLimits, limits_for

LIMITS, VIDEO, RECORDING = "limits", "video", "recording"

T = TypeVar("T")


class VideoRates(msgspec.Struct, frozen=True):
    """Between what a camera's rate moves; of 640x480 at 30 Hz, other sizes in proportion."""

    floor_kbit: Annotated[int, msgspec.Meta(ge=30, le=2_000)] = FLOOR_BPS // 1000
    ceiling_kbit: Annotated[int, msgspec.Meta(ge=100, le=20_000)] = CEILING_BPS // 1000

    def __post_init__(self) -> None:
        if self.floor_kbit >= self.ceiling_kbit:
            raise ConfigError(
                f"video.floor_kbit ({self.floor_kbit}) must be below ceiling_kbit "
                f"({self.ceiling_kbit})"
            )

    def limits(self, width: int, height: int) -> RateLimits:
        """Those of a camera of another size, at the rate that all are filmed."""
        return limits_for(width, height, ROW_HZ, self.floor_kbit * 1000, self.ceiling_kbit * 1000)


def load_limits(path: Path | None, defaults: Limits | None = None) -> Limits:
    """The limits of a site, those that the file does not name at the robot's defaults.

    Raises:
        ConfigError: the file is missing, no TOML, or says what no limit can be.
    """
    known = {field.name for field in fields(Limits)}
    return _load(path, LIMITS, Limits, known, asdict(defaults or Limits()))


def load_video_rates(path: Path | None) -> VideoRates:
    """The rates of a site's cameras, likewise.

    Raises:
        ConfigError: as above.
    """
    return _load(path, VIDEO, VideoRates, set(VideoRates.__struct_fields__), {})


def load_custody(path: Path | None) -> Custody:
    """What the site says about the data that are recorded: `[recording]`, likewise.

    Raises:
        ConfigError: as above.
    """
    return _load(path, RECORDING, Custody, set(Custody.__struct_fields__), {})


def _load(
    path: Path | None, name: str, kind: type[T], known: set[str], defaults: dict[str, object]
) -> T:
    if path is None:
        return msgspec.convert(defaults, kind)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    _check_names(path, "", set(content), {LIMITS, VIDEO, RECORDING})
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{name}] must be a table of {name}")
    _check_names(path, f"{name}.", set(table), known)
    try:
        return msgspec.convert(defaults | table, kind)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _check_names(path: Path, within: str, found: set[str], known: set[str]) -> None:
    for name in sorted(found - known):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; do you mean {within}{near[0]}?" if near else ""
        raise ConfigError(f"{path}: there is no {within}{name}{hint}")
