"""How robots are named on the command line, and what to install for each.

Pure. A name is a kind, and after a colon what is of that kind: `sim-rover`,
`gym:FetchPickAndPlace-v4`, `lerobot:lerobot.robots.so_follower:SOFollower`. Options of an
environment follow it as in a web address: `gym:Meta-World/MT1?env_name=reach-v3&seed=42`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from teleop.robot import RobotError

SIMULATED: Final = ("sim-rover", "sim-arm")
FORMS: Final = (
    *SIMULATED,
    "gym:ID or gym:ID?option=value&... (a Gymnasium environment)",
    "lerobot:MODULE:CLASS (a LeRobot robot)",
)


@dataclass(frozen=True)
class SimulatedName:
    """A robot that comes with this program."""

    name: str


@dataclass(frozen=True)
class GymName:
    """A Gymnasium environment."""

    env_id: str  # as `gymnasium.make` takes it, `module:ID` included
    options: Mapping[str, Any] = field(default_factory=dict)  # of `gymnasium.make`
    solved_reward: float | None = None  # the task is solved where the reward is at least this
    action_dtype: str = ""  # in which actions are carried out; empty: as the environment says


@dataclass(frozen=True)
class LeRobotName:
    """A class with LeRobot's interface of a robot."""

    module: str
    class_name: str


RobotName = SimulatedName | GymName | LeRobotName


@dataclass(frozen=True)
class Provider:
    """Who registers environments."""

    module: str  # importing it registers them; "" when nothing needs to be imported
    package: str  # to install


# Beginnings of environments' names. Others are looked for where gymnasium itself looks.
_PROVIDERS: Final = (
    ("gym_pusht/", Provider("gym_pusht", "gym-pusht")),
    ("gym_aloha/", Provider("gym_aloha", "gym-aloha")),
    ("gym_xarm/", Provider("gym_xarm", "gym-xarm")),
    ("Meta-World/", Provider("metaworld", "metaworld")),
    ("Panda", Provider("panda_gym", "panda-gym")),
    *(
        (beginning, Provider("gymnasium_robotics", "gymnasium-robotics"))
        for beginning in ("Fetch", "AdroitHand", "FrankaKitchen", "Hand", "PointMaze", "AntMaze")
    ),
)


def parse(name: str) -> RobotName:
    """What `name` names.

    Raises:
        RobotError: it has no form that is known; the message says which there are.
    """
    kind, colon, rest = name.strip().partition(":")
    if kind in SIMULATED and not colon:
        return SimulatedName(kind)
    if kind == "gym" and rest.partition("?")[0]:
        return _gym_name(rest)
    if kind == "lerobot":
        module, _, class_name = rest.partition(":")
        if all(word.isidentifier() for word in (*module.split("."), class_name)):
            return LeRobotName(module, class_name)
        raise RobotError(
            f"{name!r} does not name a class: write lerobot:MODULE:CLASS, for example "
            "lerobot:lerobot.robots.so_follower:SOFollower."
        )
    raise RobotError(f"There is no robot called {name!r}. There are: {', '.join(FORMS)}.")


def _gym_name(rest: str) -> GymName:
    env_id, _, query = rest.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        options = {key: _value(text) for key, text in pairs}
        reward = options.pop("solved_reward", None)
        dtype = str(options.pop("action_dtype", ""))
        solved_reward = None if reward is None else float(reward)
    except (ValueError, TypeError) as error:
        raise RobotError(
            f"{query!r} are no options of {env_id} ({error}): write option=value, with & between, "
            "for example solved_reward=0.95&action_dtype=float64."
        ) from None
    if dtype not in ("", "float32", "float64"):
        raise RobotError(f"action_dtype={dtype} is not known; there are float32 and float64.")
    return GymName(env_id, options, solved_reward, dtype)


def _value(text: str) -> Any:
    """As JSON where it is that: numbers, true, null, lists; else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def provider_of(env_id: str) -> Provider:
    """Who registers the environment `env_id`, as far as that is known here."""
    if ":" in env_id:
        module = env_id.partition(":")[0]
        return Provider(module, module.replace("_", "-"))
    for beginning, provider in _PROVIDERS:
        if env_id.startswith(beginning):
            return provider
    return Provider("", "the package that registers it")
