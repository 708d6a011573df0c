"""`unstick keys`: what is shown and changed of the files of keys. No secret is ever printed."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, ROBOT_KEY, KnownRobots, load
from teleop.public_key import fingerprint
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.validation import table_console


def list_members(state: Path, *, json: bool) -> int:
    """Print whom the robot admits.

    Raises:
        ConfigError: the list cannot be used.
    """
    members = RosterFile(state / AUTHORIZED_KEYS).read().members
    rows = [
        {
            "name": one.name,
            "role": one.role.value,
            "words": fingerprint(one.key),
            "added": one.added.isoformat() if one.added else "",
            "key": one.key,
        }
        for one in members
    ]
    nobody = "Nobody is admitted yet. Let somebody in with: unstick pair"
    _print("members", rows, ("name", "role", "words", "added"), nobody, json=json)
    return 0


def revoke(state: Path, name: str) -> int:
    """Take somebody off the robot's list.

    Raises:
        ConfigError: there is nobody of that name, or the list cannot be used.
    """
    gone = RosterFile(state / AUTHORIZED_KEYS).revoke(name)
    sys.stderr.write(
        f"{gone.name} ({gone.role}) is admitted no more; a running agent knows within a second.\n"
    )
    return 0


def list_robots(config: Path, *, json: bool) -> int:
    """Print the robots this console has paired with.

    Raises:
        ConfigError: the list cannot be used.
    """
    rows = [
        {
            "robot": one.name,
            "address": one.address,
            "words": fingerprint(one.key),
            "added": one.added.isoformat(),
            "key": one.key,
        }
        for one in KnownRobots(config / KNOWN_ROBOTS).read()
    ]
    none = "No robot is known yet. Run `unstick pair` on one, then here with the link it shows."
    _print("robots", rows, ("robot", "address", "words", "added"), none, json=json)
    return 0


def forget(config: Path, address: str) -> int:
    """Trust no robot at `address` any more.

    Raises:
        ConfigError: none is known there, or the list cannot be used.
    """
    gone = KnownRobots(config / KNOWN_ROBOTS).forget(address)
    sys.stderr.write(
        f"{gone.name} at {gone.address} is forgotten here. The robot still admits this console, "
        f"until there: unstick keys revoke\n"
    )
    return 0


def show_own(state: Path, config: Path, *, json: bool) -> int:
    """Print the fingerprints of this machine's own keys.

    Raises:
        ConfigError: a key cannot be used.
    """
    rows = []
    for what, path in (("robot", state / ROBOT_KEY), ("console", config / CONSOLE_KEY)):
        pair = load(path)
        if pair is not None:
            rows.append({"as": what, "words": fingerprint(pair.public), "key": pair.public})
    none = "This machine has no key yet; the first use of `unstick pair` makes one."
    _print("own", rows, ("as", "words"), none, json=json)
    return 0


def _print(
    what: str,
    rows: list[dict[str, Any]],
    columns: tuple[str, ...],
    nothing: str,
    *,
    json: bool,
) -> None:
    if json:
        sys.stdout.write(json_format.dumps({what: rows}) + "\n")
        return
    if not rows:
        table_console().print(nothing)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.capitalize(), no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[column]) for column in columns))  # names are no markup
    table_console().print(table)
