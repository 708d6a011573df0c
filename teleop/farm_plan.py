"""Which robots a farm has, where they stand, and how many of them a machine carries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teleop.home_troubles import SCENARIOS
from teleop.safety import ConfigError

MOST_ROBOTS: Final = 64
PORTS_EACH: Final = 10  # a robot's channels, and some room
ROOMS: Final = ("kitchen", "living room", "hall", "study", "nursery", "sunroom")
HOMES: Final = 3  # the first home's number, then on from there

# Measured on a machine with two cores (README.md), with pictures of 320x240 at 15/s.
CORES_EACH: Final = 0.3  # of a robot, the replays of its rescues included
CORES_OPERATOR: Final = 0.15  # who always drives one of them
MEGABYTES_EACH: Final = 550
SHARE: Final = 0.95  # of a machine's cores that may be busy before ticks come late


@dataclass(frozen=True)
class Post:
    """One robot of the farm."""

    name: str
    site: str
    port: int
    scenario: str
    seed: int

    @property
    def address(self) -> str:
        """Where its console finds it."""
        return f"127.0.0.1:{self.port}"


def ports_from(base_port: int, robots: int) -> tuple[int, ...]:
    """The first port of each robot.

    Raises:
        ConfigError: there are no ports that high.
    """
    if base_port + PORTS_EACH * robots > 65_535:
        raise ConfigError(f"{robots} robots need {PORTS_EACH} ports each; choose a lower --port")
    return tuple(base_port + PORTS_EACH * number for number in range(robots))


def planned(ports: Sequence[int], seed: int, scenarios: Sequence[str]) -> tuple[Post, ...]:
    """The robots of a farm, one for each of `ports`; `scenarios` in turn, all of a rover's if none.

    Raises:
        ConfigError: no robot ever calls in one of the scenarios.
    """
    for name in scenarios:
        if name not in SCENARIOS:
            raise ConfigError(
                f"no robot of a farm gets stuck in {name!r}; choose among {', '.join(SCENARIOS)}"
            )
    tasks = tuple(scenarios) or tuple(SCENARIOS)
    return tuple(
        Post(
            name=f"rover-{number + 1:02d}",
            site=f"home-{HOMES + number // len(ROOMS)} · {ROOMS[number % len(ROOMS)]}",
            port=port,
            scenario=tasks[number % len(tasks)],
            seed=seed + number,
        )
        for number, port in enumerate(ports)
    )


def load_notice(robots: int, operators: int, cores: int) -> str:
    """What the farm takes of this machine, and what limits it; a sentence or two for people."""
    need = CORES_EACH * robots + CORES_OPERATOR * operators
    room = max(0, int((cores * SHARE - CORES_OPERATOR * operators) / CORES_EACH))
    takes = (
        f"{_count(robots, 'robot')} and {_count(operators, 'operator')} take about {need:.1f} of "
        f"{_count(cores, 'core')} and {robots * MEGABYTES_EACH / 1000:.1f} GB."
    )
    if need <= cores * SHARE:
        return takes
    return (
        f"{takes} The processor limits it: there is room for about {_count(room, 'robot')}; with "
        "more, control ticks and pictures come late, and the robots hold now and then."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
