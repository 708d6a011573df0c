"""What a site decides about a robot: its limits, read from a TOML file at the start.

A name that does not exist, a value of another type or outside its range fails the start; nothing is
replaced by a default in silence. Names and ranges are those of `teleop.safety.Limits`.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path

import msgspec

from teleop.safety import ConfigError, Limits

TABLE = "limits"


def load_limits(path: Path | None) -> Limits:
    """The limits of a site, those that the file does not name at their defaults.

    Raises:
        ConfigError: the file is missing, no TOML, or says what no limit can be.
    """
    if path is None:
        return Limits()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    _check_names(path, "", set(content), {TABLE})
    table = content.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{TABLE}] must be a table of limits")
    _check_names(path, f"{TABLE}.", set(table), {field.name for field in fields(Limits)})
    try:
        return msgspec.convert(table, Limits)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _check_names(path: Path, within: str, found: set[str], known: set[str]) -> None:
    for name in sorted(found - known):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; do you mean {within}{near[0]}?" if near else ""
        raise ConfigError(f"{path}: there is no {within}{name}{hint}")
