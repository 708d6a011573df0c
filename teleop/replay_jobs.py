"""What a replay worker is asked and what it answers: one line of JSON each way.

Pure. A job names what to replay and what to find out; workers share nothing but these lines, so a
worker may be another process, another Python, or another machine.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from recorder.replay import Wanted
from recorder.verdict import Verdict
from transport.messages import Wire


class ReplayJob(Wire, frozen=True):
    """One demonstration to be judged."""

    path: str  # of the episode, or of the data set
    episode: int = -1  # of a data set
    robot: str = ""  # "gym:ID" or the like; empty: what the recording says
    start: str = ""  # where each episode of a data set begins; see `teleop.set_starts`
    rest: str = ""  # which action asks for nothing; see `teleop.set_starts`
    scene: str = ""  # the MJCF file it was recorded with, if not the bundled one
    repeats: int = 0
    margins: bool = False
    prefix: bool = False
    pictures: bool = False
    again: bool = False  # also when there is a verdict that is up to date
    keep: bool = True  # write the verdict beside the episode

    @property
    def wanted(self) -> Wanted:
        """What is to be found out beside labels, open loop and controls."""
        return Wanted(
            repeats=self.repeats,
            margins=self.margins,
            prefix=self.prefix,
            pictures=self.pictures,
        )

    @property
    def name(self) -> str:
        """For people."""
        return Path(self.path).name + (f"#{self.episode}" if self.episode >= 0 else "")


class ReplayAnswer(Wire, frozen=True):
    """What became of a job: a verdict, or a sentence why there is none."""

    job: ReplayJob
    verdict: Verdict | None = None
    error: str = ""
    kept: bool = False  # it was up to date; nothing was replayed
    attempts: int = 1


_encoder = msgspec.json.Encoder()
_job = msgspec.json.Decoder(ReplayJob)
_answer = msgspec.json.Decoder(ReplayAnswer)


def line_of(message: ReplayJob | ReplayAnswer) -> bytes:
    """One line, its end included."""
    return _encoder.encode(message) + b"\n"


def job_of(line: bytes) -> ReplayJob:
    """Raises `msgspec.DecodeError` for anything else."""
    return _job.decode(line)


def answer_of(line: bytes) -> ReplayAnswer:
    """Raises `msgspec.DecodeError` for anything else."""
    return _answer.decode(line)


def covers(verdict: Verdict, wanted: Wanted) -> bool:
    """Whether a verdict has all that is wanted; one that has no solution has no margins either.

    What kept it from being replayed may be over by now: a package that was not installed, a robot
    that failed. It is tried again.
    """
    evidence = verdict.evidence
    if evidence.problem or evidence.fault:
        return False
    solved = evidence.open_loop is not None and evidence.open_loop.solved
    runs = evidence.repeats.runs if evidence.repeats is not None else 0
    return (
        runs >= wanted.repeats
        and (evidence.pictures != 0 or not wanted.pictures)
        and (bool(evidence.margins) or not (wanted.margins and solved))
        and (evidence.shortest_prefix >= 0 or not (wanted.prefix and solved))
    )
