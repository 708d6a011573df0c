"""How robots are named on the command line, and what to install for each.

Pure. A name is a kind, and after a colon what is of that kind: `sim-rover`,
`gym:FetchPickAndPlace-v4`, `lerobot:lerobot.robots.so_follower:SOFollower`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from teleop.robot import RobotError

SIMULATED: Final = ("sim-rover", "sim-arm")
FORMS: Final = (
    *SIMULATED,
    "gym:ID (a Gymnasium environment)",
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
    if kind == "gym" and rest:
        return GymName(rest)
    if kind == "lerobot":
        module, _, class_name = rest.partition(":")
        if all(word.isidentifier() for word in (*module.split("."), class_name)):
            return LeRobotName(module, class_name)
        raise RobotError(
            f"{name!r} does not name a class: write lerobot:MODULE:CLASS, for example "
            "lerobot:lerobot.robots.so_follower:SOFollower."
        )
    raise RobotError(f"There is no robot called {name!r}. There are: {', '.join(FORMS)}.")


def provider_of(env_id: str) -> Provider:
    """Who registers the environment `env_id`, as far as that is known here."""
    if ":" in env_id:
        module = env_id.partition(":")[0]
        return Provider(module, module.replace("_", "-"))
    for beginning, provider in _PROVIDERS:
        if env_id.startswith(beginning):
            return provider
    return Provider("", "the package that registers it")
