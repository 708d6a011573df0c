"""An episode of somebody else's data set, with the robot and the start that the user names."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from recorder.demonstration import Demonstration, NothingToReplay
from recorder.lerobot_demonstration import foreign_demonstration
from recorder.lerobot_set import LeRobotSet, SetEpisode
from recorder.replayable import CannotReplay, Numbers
from teleop.gym_robot import GymRobot, Judging
from teleop.replay_jobs import ReplayJob
from teleop.robot import RobotError
from teleop.robot_names import GymName, parse
from teleop.safety import ConfigError
from teleop.set_starts import (
    RESTS,
    FromColumn,
    FromLibrary,
    FromSeed,
    parse_start,
    rest_of,
    seed_of,
    state_of,
)

MEASURED: Final = "observation.state"
_WRONG: Final = (CannotReplay, RobotError, OSError, RuntimeError, ValueError, ArithmeticError)


def check_names(robot: str, start: str, rest: str) -> None:
    """Whether these words can mean anything together, before a long run.

    Raises:
        ConfigError: they cannot, in the words of the command line.
    """
    began = parse_start(start)
    if rest and rest not in RESTS:
        raise ConfigError(f"--rest {rest}: there are {' and '.join(RESTS)}")
    if isinstance(began, FromLibrary):
        if robot or rest:
            raise ConfigError(
                "--robot and --rest are for --start seed or column:NAME: episodes of a library "
                "know their robot"
            )
        if not began.path.is_dir():
            raise ConfigError(
                f"--start {start}: no such folder. Give the folder of episodes it was exported "
                "from, seed[:FIRST] or column:NAME"
            )
        return
    if not robot:
        raise ConfigError(f"--start {start} needs the robot: --robot gym:ID")
    _environment(robot)


def _environment(robot: str) -> GymName:
    try:
        name = parse(robot)
    except RobotError as error:
        raise ConfigError(f"--robot {robot}: {error}") from None
    if not isinstance(name, GymName):
        raise ConfigError(
            f"--robot {robot} does not start from a seed or a column; what does is gym:ID. For "
            "our own sets give --start LIBRARY alone"
        )
    return name


def named_demonstration(
    job: ReplayJob, data_set: LeRobotSet, episode: SetEpisode, start: FromSeed | FromColumn
) -> Demonstration:
    """The episode of `job`, for the environment and from the start that it names.

    Nobody says which versions recorded it, so its description names none.

    Raises:
        EpisodeError: it cannot be read.
        NothingToReplay: environment, start and set do not fit; the message says what to try.
    """
    name = _environment(job.robot)
    seed = seed_of(start, episode) if isinstance(start, FromSeed) else 0
    try:
        robot = GymRobot(
            name.env_id,
            seed,
            name.options,
            judging=Judging(name.solved_reward, name.action_dtype),
        )
    except _WRONG as error:
        raise NothingToReplay(f"No robot to replay it: {_sentence(error)}") from error
    try:
        if isinstance(start, FromColumn):
            robot.restore(state_of(start, data_set, episode))
        else:
            robot.start_from_seed(seed)
        state, description, limits = robot.snapshot(), robot.describe("replay"), robot.limits
    except _WRONG as error:
        raise NothingToReplay(f"No start to replay from: {_sentence(error)}") from error
    finally:
        robot.close()
    found = foreign_demonstration(
        data_set, episode, msgspec.structs.replace(description, versions={}), state
    )
    told = found.actions[: episode.rows]
    return replace(found, rest=rest_of(job.rest, told, limits, _measured(data_set, episode)))


def _measured(data_set: LeRobotSet, episode: SetEpisode) -> Numbers | None:
    rows = data_set.columns(episode, (MEASURED,)).get(MEASURED)
    return None if rows is None else np.asarray(rows, np.float64).reshape(len(rows), -1)


def _sentence(error: Exception) -> str:
    return str(error) or repr(error)
