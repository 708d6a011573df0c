"""Judges demonstrations one after the other: the inside of every engine of `unstick validate`.

`judged` is all of it, called by a worker process, by a Ray task, or directly. A robot is made anew
for each demonstration; nothing is shared between two.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from pathlib import Path
from typing import Final

from recorder.demonstration import NothingToReplay
from recorder.episode import EpisodeError
from recorder.lerobot_demonstration import name_of, own_demonstration
from recorder.lerobot_set import LeRobotSet, metadata_files, stamp_of
from recorder.library import Episode, open_episode
from recorder.replay import replay, replaying_versions
from recorder.replayable import CannotReplay, Described, Replayable
from recorder.validate import set_verdict, validate
from recorder.verdict import Verdict
from teleop.child import give_way
from teleop.foreign_sets import named_demonstration
from teleop.replay_jobs import ReplayAnswer, ReplayJob, covers, job_of, line_of
from teleop.replay_robots import make_eye, make_robot, preload
from teleop.robot import RobotError
from teleop.safety import ConfigError
from teleop.set_starts import FromLibrary, parse_start
from transport.messages import Description

log = logging.getLogger("replay")

ERRORS: Final = (RobotError, OSError, RuntimeError, ValueError, ArithmeticError)
BEHIND_ROBOT: Final = 10  # a replay must not disturb control and video on the same machine


def judged(job: ReplayJob) -> ReplayAnswer:
    """The verdict on one demonstration; whatever is wrong with it is told, not raised."""
    try:
        if job.episode >= 0:
            return ReplayAnswer(job=job, verdict=_of_set(job))
        episode = open_episode(Path(job.path))
        if (known := _up_to_date(job, episode)) is not None:
            return ReplayAnswer(job=job, verdict=known, kept=True)
        verdict = validate(
            episode,
            lambda d: _robot(job, d),
            wanted=job.wanted,
            make_eye=lambda d: make_eye(d, Path(job.scene) if job.scene else None),
            errors=ERRORS,
            keep=job.keep,
        )
        return ReplayAnswer(job=job, verdict=verdict)
    except (EpisodeError, ConfigError, OSError) as error:
        return ReplayAnswer(job=job, error=str(error))
    except Exception as error:  # one demonstration must not end a run of thousands
        log.exception("%s cannot be judged", job.name)
        why = f"{job.name} cannot be judged ({type(error).__name__}: {error})."
        return ReplayAnswer(job=job, error=why)


def _robot(job: ReplayJob, description: Description) -> Replayable:
    return make_robot(description, Path(job.scene) if job.scene else None)


def _up_to_date(job: ReplayJob, episode: Episode) -> Verdict | None:
    """The verdict that is there, when it says all that is asked, of this episode, by this robot.

    Raises:
        EpisodeError: the episode is not any more as it was sealed.
    """
    if job.again:
        return None
    try:
        verdict = episode.verdict()
        if verdict is None or episode.doubt(verdict) or not covers(verdict, job.wanted):
            return None
        robot = _robot(job, episode.manifest.description)
    except (EpisodeError, CannotReplay, *ERRORS):
        return None
    try:
        present = robot.describe("replay").versions if isinstance(robot, Described) else {}
    finally:
        robot.close()
    now = {**replaying_versions(), **present}
    if verdict.versions_replayed != now:
        return None
    episode.verify()
    return verdict


@functools.lru_cache(maxsize=1)
def _opened(path: Path, _stamps: tuple[tuple[int, int], ...]) -> LeRobotSet:
    return LeRobotSet(path)


def _set_at(path: Path) -> LeRobotSet:
    """The data set at `path`: metadata of many episodes take longer to read than one to replay."""
    return _opened(path, tuple(stamp_of(file) for file in metadata_files(path)))


def _of_set(job: ReplayJob) -> Verdict:
    data_set = _set_at(Path(job.path))
    (episode,) = (one for one in data_set.episodes if one.index == job.episode)
    digest = data_set.sha256(episode)
    start, contradiction = parse_start(job.start), None
    try:
        if isinstance(start, FromLibrary):
            demonstration, contradiction = own_demonstration(data_set, episode, start.path)
        else:
            demonstration = named_demonstration(job, data_set, episode, start)
    except NothingToReplay as nothing:
        return set_verdict(name_of(data_set, episode), digest, problem=str(nothing))
    result = replay(demonstration, lambda d: _robot(job, d), wanted=job.wanted, errors=ERRORS)
    return set_verdict(
        demonstration.name,
        digest,
        result=result,
        contradiction=contradiction,
        recorded=demonstration.description.versions,
    )


def work(*, ahead: bool = False) -> None:
    """Answer the jobs on standard input until it ends.

    `ahead`: beside a robot that drives, before there is a job; simulators are loaded meanwhile.
    """
    give_way(BEHIND_ROBOT if ahead else 5)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a simulator prints must not stand between the answers
    if ahead:
        preload()
    for line in sys.stdin.buffer:
        answers.write(line_of(judged(job_of(line))))
        answers.flush()
