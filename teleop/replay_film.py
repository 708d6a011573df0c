"""What the replay of an episode did and what it looked like, for somebody who compares the two.

A process of its own, because a simulator and its graphics may be slow or fail: it is asked one
thing at a time, a line of JSON each, and answers with a block of MessagePack after its length. It
replays an episode once, keeps the states, and draws the picture of any of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from recorder.demonstration import Demonstration, NothingToReplay, demonstration_of
from recorder.episode import EpisodeError
from recorder.label_check import check_labels, tolerances
from recorder.library import open_episode
from recorder.replayable import CannotReplay, Described, Named, Numbers, Replayable
from recorder.series import runs
from recorder.stepping import Run, run
from teleop.child import give_way
from teleop.replay_robots import make_robot
from teleop.robot import CameraRig, RobotError
from teleop.safety import ConfigError
from teleop.scenarios import scenario
from transport.i420 import I420
from transport.messages import Description, Wire

ERRORS: Final = (RobotError, OSError, RuntimeError, ValueError, ArithmeticError)
LENGTH_BYTES: Final = 4  # little-endian, before each answer


class Replay(Wire, frozen=True, tag="replay"):
    """Replay this episode, and forget the one before."""

    path: str
    scene: str = ""  # the MJCF file it was recorded with, if not the bundled one
    labels: bool = False  # find the steps whose action does not lead to the next state


class Draw(Wire, frozen=True, tag="draw"):
    """The picture of a camera before this action of the replay."""

    camera: str
    step: int


class Replayed(Wire, frozen=True, tag="replayed"):
    """What came of a `Replay`."""

    path: str
    problem: str = ""  # a sentence: why there is no replay
    no_pictures: str = ""  # a sentence: why there is a replay and nobody can draw it
    first_tick: int = -1  # the recorded tick of step 0
    steps: int = 0
    axes: tuple[str, ...] = ()  # action names, in the order of the columns of `told`
    told: bytes = b""  # (steps, axes) little-endian float64: what the motors were told
    cameras: tuple[str, ...] = ()
    failing: tuple[tuple[int, int], ...] = ()  # first and last step of each run of wrong labels
    # (steps,) little-endian float64: how far the worst position is off after each action, m; empty:
    # this robot does not say which numbers of its state are positions.
    off: bytes = b""

    def off_m(self) -> Numbers:
        """(steps,): how far the worst position is off after each action, m; may be empty."""
        return np.frombuffer(self.off, "<f8")

    def actions(self) -> Numbers:
        """(steps, axes): what the motors were told in the replay."""
        return np.frombuffer(self.told, "<f8").reshape(-1, max(1, len(self.axes)))


class Drawn(Wire, frozen=True, tag="drawn"):
    """What came of a `Draw`."""

    path: str
    camera: str
    step: int
    width: int = 0  # px
    height: int = 0
    rgb: bytes = b""  # (height, width, 3); empty: see `problem`
    problem: str = ""


Question = Replay | Draw
Answer = Replayed | Drawn

_encode = msgspec.json.Encoder().encode
_question: msgspec.json.Decoder[Question] = msgspec.json.Decoder(Question)
_pack = msgspec.msgpack.Encoder().encode
_answer: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def line_of(question: Question) -> bytes:
    """One line, its end included."""
    return _encode(question) + b"\n"


def answer_in(block: bytes) -> Answer:
    """Raises `msgspec.DecodeError` for anything else."""
    return _answer.decode(block)


class Film:
    """The replay that is looked at; one thread uses it, which owns the graphics."""

    def __init__(self) -> None:
        self._path = ""
        self._states: Numbers = np.empty((0, 0))
        self._rig: CameraRig | None = None

    def answer(self, question: Question) -> Answer:
        """Whatever is wrong with an episode is told, not raised."""
        if isinstance(question, Draw):
            return self._drawn(question)
        self.close()
        self._path = question.path
        try:
            return self._replayed(question)
        except (EpisodeError, NothingToReplay, CannotReplay, *ERRORS) as error:
            return Replayed(path=question.path, problem=str(error))

    def close(self) -> None:
        """Let go of the graphics; idempotent."""
        rig, self._rig = self._rig, None
        self._states = np.empty((0, 0))
        if rig is not None:
            rig.close()

    def _replayed(self, question: Replay) -> Replayed:
        episode = open_episode(Path(question.path))
        demonstration = demonstration_of(episode)
        scene = Path(question.scene) if question.scene else None
        robot = make_robot(demonstration.description, scene)
        try:
            done = run(robot, demonstration.start, demonstration.actions, errors=ERRORS)
            failing = _failing(robot, demonstration) if question.labels else ()
            off = _off_m(robot, demonstration, done)
        finally:
            robot.close()
        self._states = done.states
        rig, no_pictures = _rig(demonstration.description, scene)
        self._rig = rig
        return Replayed(
            path=question.path,
            problem=_ended(done, len(demonstration)),
            no_pictures=no_pictures,
            first_tick=int(demonstration.numbers[0]),
            steps=len(done),
            axes=demonstration.action_names,
            told=np.ascontiguousarray(done.told, "<f8").tobytes(),
            cameras=tuple(rig.names) if rig is not None else (),
            failing=failing,
            off=np.ascontiguousarray(off, "<f8").tobytes(),
        )

    def _drawn(self, question: Draw) -> Drawn:
        asked = Drawn(path=self._path, camera=question.camera, step=question.step)
        rig = self._rig
        if rig is None or not 0 <= question.step < len(self._states):
            return msgspec.structs.replace(asked, problem="This step was not replayed.")
        if question.camera not in rig.names:
            problem = f"Nobody draws the camera {question.camera}."
            return msgspec.structs.replace(asked, problem=problem)
        state: bytes = self._states[question.step].astype("<f8").tobytes()
        try:
            picture = rig.render(question.camera, state)
        except ERRORS as error:
            return msgspec.structs.replace(asked, problem=f"It cannot be drawn: {error}")
        if not isinstance(picture, np.ndarray):
            kind = "planes" if isinstance(picture, I420) else "nothing"
            return msgspec.structs.replace(asked, problem=f"Its camera gives {kind}, no picture.")
        height, width = picture.shape[:2]
        return msgspec.structs.replace(asked, width=width, height=height, rgb=picture.tobytes())


def _ended(done: Run, steps: int) -> str:
    if not done.fault:
        return ""
    return f"The replay ended after {len(done)} of {steps} actions: {done.fault}"


def _off_m(robot: Replayable, demonstration: Demonstration, done: Run) -> Numbers:
    """(n,): the largest difference of a position after each action, m; empty: not known."""
    recorded = demonstration.states
    if recorded is None or not isinstance(robot, Named):
        return np.empty(0)
    parts = robot.state_parts()
    places = [i for i, part in enumerate(parts) if part.unit == "m" and part.counts]
    if len(parts) != recorded.shape[1] or not places:
        return np.empty(0)
    n = len(done)
    off = np.abs(done.states[1 : n + 1, places] - recorded[1 : n + 1, places])
    worst: Numbers = np.where(np.isfinite(off), off, 0.0).max(axis=1)
    return worst


def _failing(robot: Replayable, demonstration: Demonstration) -> tuple[tuple[int, int], ...]:
    """Runs of steps that do not lead to the next recorded state, as the verdict judges them."""
    same = True
    if isinstance(robot, Described):
        here, recorded = robot.describe("review"), demonstration.description
        same = here.versions == recorded.versions and here.controller == recorded.controller
    check = check_labels(robot, demonstration, tolerances(robot, demonstration, same))
    wrong = np.zeros(len(demonstration), np.bool_)
    wrong[check.failing] = True
    return tuple(runs(wrong))


def _rig(description: Description, scene: Path | None) -> tuple[CameraRig | None, str]:
    """The cameras of the robot, or a sentence why there are none."""
    try:
        rig = scenario(description.scenario).make_cameras(description.seed, scene)
        rig.open()
    except ConfigError:
        return None, f"Nobody here can draw the scene {description.scenario!r}."
    except (ImportError, *ERRORS) as error:
        return None, f"No graphics here: {error}"
    return rig, ""


def work() -> None:
    """Answer the questions on standard input until it ends."""
    give_way(10)  # behind everything that somebody drives by
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a simulator prints must not stand between the answers
    film = Film()
    try:
        for line in sys.stdin.buffer:
            block = _pack(film.answer(_question.decode(line)))
            answers.write(len(block).to_bytes(LENGTH_BYTES, "little") + block)
            answers.flush()
    finally:
        film.close()
