"""The environments of `make test-gym`: what makes each, and what is expected of it.

Runs in the environment that `run.py` builds. Each function makes a robot in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from teleop.gym_robot import GymRobot


def fetch() -> GymRobot:
    return GymRobot("FetchPickAndPlace-v4", 3)


def adroit_door() -> GymRobot:
    return GymRobot("AdroitHandDoor-v1", 3)


def kitchen() -> GymRobot:
    return GymRobot("FrankaKitchen-v1", 3)


def metaworld() -> GymRobot:
    return GymRobot("Meta-World/MT1", 3, {"env_name": "pick-place-v3", "seed": 42})


def aloha() -> GymRobot:
    return GymRobot("gym_aloha/AlohaTransferCube-v0", 3, {"obs_type": "pixels_agent_pos"})


def pusht() -> GymRobot:
    return GymRobot("gym_pusht/PushT-v0", 3)


def panda() -> GymRobot:
    return GymRobot("PandaPush-v3", 3)


@dataclass(frozen=True)
class Judged:
    """One environment."""

    make: Callable[[], GymRobot]
    low: float = -1.0  # of its actions
    high: float = 1.0


ALL = {
    judged.make.__name__: judged
    for judged in (
        Judged(fetch),
        Judged(adroit_door),
        Judged(kitchen),
        Judged(metaworld),
        Judged(aloha),
        Judged(pusht, 0.0, 512.0),
        Judged(panda),
    )
}
