"""Which camera was in which place when the window was closed, for the next time, robot by robot.

A choice that cannot be read or written costs the operator two key presses, so it is told in the log
and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

log = logging.getLogger("ui")

FILE: Final = "console.json"
LIMIT_BYTES: Final = 64 << 10  # hundreds of robots
ROBOTS: Final = 200  # the oldest are forgotten


class KeptChoice:
    """The file, and the robot that this window is for."""

    def __init__(self, folder: Path, robot: str) -> None:
        self._path = folder / FILE
        self._robot = robot

    def read(self) -> tuple[str, ...]:
        """Cameras, the main view first; empty when nothing was kept."""
        places = self._all().get(self._robot, [])
        if isinstance(places, list) and all(isinstance(each, str) for each in places):
            return tuple(places)
        return ()

    def write(self, places: Sequence[str]) -> None:
        """Keep it."""
        kept = self._all()
        kept.pop(self._robot, None)
        kept[self._robot] = list(places)
        newest = dict(list(kept.items())[-ROBOTS:])
        beside = self._path.with_name(f"{FILE}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"cameras": newest}, indent=2) + "\n", encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            log.warning("the choice of cameras is not kept: %s", error)

    def _all(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as stream:
                found = json.loads(stream.read(LIMIT_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("%s is not used: %s", self._path, error)
            return {}
        robots = found.get("cameras") if isinstance(found, dict) else None
        return robots if isinstance(robots, dict) else {}
