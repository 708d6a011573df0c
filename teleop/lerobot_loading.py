"""Makes a LeRobot robot of a class that is named, and a configuration from a TOML file.

tick_hz = 30

[robot]                     # fields of the class's own configuration
port = "/dev/ttyACM0"
id = "black"

[units]                     # for the record; nothing is converted
"shoulder_pan.pos" = "deg"
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import pkgutil
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teleop.lerobot_robot import KIND, TICK_HZ, LeRobotLike, LeRobotRobot
from teleop.robot import RobotError
from teleop.robot_names import LeRobotName


def load_robot(name: LeRobotName, config: Path | None) -> LeRobotRobot:
    """The robot of a class, not connected yet.

    Raises:
        RobotError: there is no such class here, or it does not take this configuration.
    """
    facts = read_config(config) if config else RobotConfig({}, {}, TICK_HZ)
    robot = _made(name, facts.robot, str(config or "no configuration"))
    kind = f"{KIND}{name.module}:{name.class_name}"
    return LeRobotRobot(robot, units=facts.units, tick_hz=facts.tick_hz, robot_type=kind)


@dataclass(frozen=True)
class RobotConfig:
    """What a TOML file says about a robot."""

    robot: dict[str, Any]  # [robot]: fields of the class's own configuration
    units: dict[str, str]  # [units]: joint to unit
    tick_hz: int  # tick_hz


def read_config(path: Path) -> RobotConfig:
    """The tables `[robot]` and `[units]`, and `tick_hz`.

    Raises:
        RobotError: it cannot be read, or says something else.
    """
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RobotError(f"The configuration {path} cannot be read: {error}") from error
    tick_hz, unknown = (
        facts.get("tick_hz", TICK_HZ),
        sorted({*facts} - {"robot", "units", "tick_hz"}),
    )
    if unknown:
        raise RobotError(f"{path} says {', '.join(unknown)}; it may say robot, units and tick_hz.")
    if type(tick_hz) is not int or tick_hz < 1:
        raise RobotError(f"{path}: tick_hz is {tick_hz!r}; it has to be a whole number, 1 or more.")
    for table in ("robot", "units"):
        if not isinstance(facts.get(table, {}), dict):
            raise RobotError(f"{path}: {table} has to be a table, [{table}].")
    return RobotConfig(facts.get("robot", {}), facts.get("units", {}), tick_hz)


def _made(name: LeRobotName, fields: dict[str, Any], where: str) -> LeRobotLike:
    try:
        kind = getattr(importlib.import_module(name.module), name.class_name)
    except (ImportError, AttributeError) as error:
        raise RobotError(
            f"There is no {name.class_name} in {name.module} here ({error}). Install what it is "
            "part of, with this program, in an environment of their own."
        ) from error
    try:
        wanted = getattr(kind, "config_class", None)
        robot = kind(_filled(wanted, fields)) if wanted else kind(**fields)
    except (TypeError, ValueError, KeyError, ImportError) as error:
        raise RobotError(f"{name.class_name} does not take {where}: {error}") from error
    missing = [word for word in _NEEDED if not hasattr(robot, word)]
    if missing:
        raise RobotError(f"{name.class_name} is no LeRobot robot: it has no {', '.join(missing)}.")
    return typing.cast(LeRobotLike, robot)


_NEEDED: Final = (
    *("connect", "disconnect", "is_connected", "get_observation", "send_action"),
    *("observation_features", "action_features"),
)


def _filled(wanted: Any, value: Any) -> Any:
    """`value` from TOML as what a field of a configuration wants: nested ones, choices, paths."""
    if isinstance(value, dict) and hasattr(wanted, "get_choice_class") and "type" in value:
        chosen = _choice(wanted, value["type"])
        return _filled(chosen, {k: v for k, v in value.items() if k != "type"})
    if isinstance(value, dict) and dataclasses.is_dataclass(wanted):
        hints = typing.get_type_hints(wanted)
        return typing.cast(Any, wanted)(**{k: _filled(hints.get(k), v) for k, v in value.items()})
    inner = typing.get_args(wanted)
    if isinstance(value, dict) and typing.get_origin(wanted) is dict:
        return {key: _filled(inner[1], item) for key, item in value.items()}
    if isinstance(value, str) and (wanted is Path or Path in inner):
        return Path(value)
    return value


def _choice(registry: Any, name: str) -> Any:
    """What is registered as `name`, like a kind of camera.

    LeRobot registers a kind when its module is imported; that module lies beside the registry and
    bears its name or a part of it. Others are not imported: nobody knows what they do.
    """
    with contextlib.suppress(KeyError):
        return registry.get_choice_class(name)
    if package := registry.__module__.rpartition(".")[0]:
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if found.name in name:
                importlib.import_module(f"{package}.{found.name}")
    with contextlib.suppress(KeyError):
        return registry.get_choice_class(name)
    raise ValueError(f"there is no {registry.__name__} of the type {name!r}")
