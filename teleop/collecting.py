"""Collects demonstrations of a task by a scripted operator, as fast as the simulator allows.

`unstick demo --task NAME --episodes N`. The session is rehearsed in lockstep (`rehearsal`), through
the commands' schemas, the gate and its limits; the recorder, its encoder and its files are the
robot's own. Each episode is another person and, of the same table, another start, or another room.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track

from recorder.episode import CameraFormat
from recorder.episode_recorder import EpisodeRecorder
from recorder.verdict import PASSING
from teleop.demo import prepare
from teleop.media import gate_sha256
from teleop.mujoco_cameras import MujocoCameras
from teleop.policy import NO_POLICY
from teleop.rehearsal import PICTURE_TICKS, Rehearsal, Rescue, RestorableRobot
from teleop.replay_jobs import ReplayJob
from teleop.replay_worker import judged
from teleop.robot import CameraRig, Image, Resettable, RobotError, camera_settings
from teleop.scenarios import Scenario
from transport.channels import TICK_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S
from transport.i420 import ToI420
from transport.messages import Outcome, Tick, encode

PREROLL_S: Final = 2.0  # a robot that waits for its operator; one that patrols calls later
AFTER_S: Final = 1.6  # the recorder's second after a hand-back, and its last pictures
LIMIT_S: Final = 150.0  # a session that takes longer is given up


@dataclass(frozen=True)
class Collected:
    """One session."""

    seed: int
    person: int
    episode: Path | None  # None: nothing was recorded, it never got that far
    outcome: Outcome
    seconds: float  # simulated


def collect(
    asked: Scenario,
    episodes: int,
    root: Path,
    *,
    seed: int = 0,
    make_rig: Callable[[int], CameraRig] | None = None,
) -> Iterator[Collected]:
    """Record `episodes` sessions into the library `root`; `make_rig` replaces the scenario's own.

    Raises:
        RobotError: there is no simulator or no graphics here.
    """
    make = make_rig or (lambda number: asked.make_cameras(number, None))
    drawn: tuple[int, CameraRig] | None = None
    try:
        for count in range(episodes):
            robot, number = starts(asked, seed, count)
            if drawn is None or drawn[0] != number:
                if drawn is not None:
                    drawn[1].close()
                rig = make(number)
                if isinstance(rig, MujocoCameras):
                    rig.gives_way = False  # nothing is on its way to a screen
                rig.open()
                drawn = (number, rig)
            try:
                yield _session(asked, robot, drawn[1], number, seed + count, root)
            finally:
                robot.close()
    finally:
        if drawn is not None:
            drawn[1].close()


def starts(asked: Scenario, seed: int, count: int) -> tuple[RestorableRobot, int]:
    """A robot at its start, and the seed of its scene: another start of one, or another scene."""
    robot = cast(RestorableRobot, asked.make_robot(seed, None))
    if asked.one_scene and isinstance(robot, Resettable):
        robot.reset(count)
        return robot, seed
    if count:
        robot.close()
        robot = cast(RestorableRobot, asked.make_robot(seed + count, None))
    return robot, seed + count


def _session(
    asked: Scenario,
    robot: RestorableRobot,
    rig: CameraRig,
    seed: int,
    person: int,
    root: Path,
) -> Collected:
    description = robot.describe(f"lockstep-{seed}-{person}")
    recorder = EpisodeRecorder(
        root,
        description,
        [
            CameraFormat(
                name=name, width=rig.width, height=rig.height, settings=camera_settings(rig, name)
            )
            for name in rig.names
        ],
        versions=description.versions,
        gate_sha256=gate_sha256(),
        config_sha256=hashlib.sha256(encode(description)).hexdigest(),
        disk=Inline(),
        syncs=Inline(),
    )
    film = _Film(rig, recorder)
    room = Rehearsal(
        asked,
        robot,
        asked.make_script(person),
        seed,
        look=film.newest,
        heard=film.heard,
        boot_id=description.boot_id,
    )
    if description.policy == NO_POLICY:
        room.wait(PREROLL_S)
    ticks = 0
    while ticks < LIMIT_S * TICK_HZ and not room.operator.done:
        room.tick()
        ticks += 1
    room.wait(AFTER_S)
    recorder.close(room.now_ns + NS_PER_S)
    sealed = recorder.sealed()
    done: Rescue = room.rescue
    return Collected(seed, person, sealed[-1] if sealed else None, done.outcome, ticks / TICK_HZ)


def run_collecting(asked: Scenario, episodes: int, out: Path, *, seed: int, json: bool) -> int:
    """Collect into `out`/episodes, replay each at once, print what came of it; the exit code.

    0 when every demonstration was marked a success and proved, else 1.
    """
    terminal = Console(stderr=True, highlight=False)
    prepare(out)
    library = out / "episodes"
    done: list[Collected] = []
    verdicts: dict[str, str] = {}
    sessions = collect(asked, episodes, library, seed=seed)
    for one in track(sessions, description=asked.name, total=episodes, console=terminal):
        done.append(one)
        if one.episode is None:
            continue
        answer = judged(ReplayJob(path=str(one.episode)))
        verdict = answer.verdict
        verdicts[one.episode.name] = str(verdict.verdict) if verdict else answer.error
        if verdict is None or not verdict.passed:
            why = verdict.sentence if verdict else answer.error
            terminal.print(f"{one.episode.name}: {why}", markup=False)
    solved = sum(one.outcome is Outcome.SUCCESS for one in done)
    proved = sum(verdict in PASSING for verdict in verdicts.values())
    facts = {
        "task": asked.name,
        "asked": episodes,
        "recorded": len(verdicts),
        "success": solved,
        "proved": proved,
        "seconds": round(sum(one.seconds for one in done), 1),
        "library": str(library),
        "verdicts": verdicts,
    }
    if json:
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        terminal.print(
            f"{asked.name}: {episodes} sessions, {solved} marked a success, {proved} proved by "
            f"replay. They are in {library}",
            markup=False,
        )
    return 0 if solved == proved == episodes else 1


class _Film:
    """Draws every row of every camera for the recorder; the operator sees the main one."""

    def __init__(self, rig: CameraRig, recorder: EpisodeRecorder) -> None:
        self._rig, self._recorder = rig, recorder
        self._to_i420 = ToI420()
        self._main: Image | None = None

    def heard(self, tick: Tick) -> None:
        """A control tick, as it is recorded."""
        self._recorder.tick(tick)
        if tick.tick % TICKS_PER_ROW == 0:
            for name in self._rig.names:
                picture = self._rig.render(name, tick.state)
                if not isinstance(picture, np.ndarray):
                    raise RobotError(f"The camera {name} draws no picture of a state.")
                self._recorder.picture(name, tick.stamp_ns, self._to_i420(picture))
                if name == self._rig.names[0]:
                    self._main = picture
        self._recorder.poll(tick.stamp_ns)

    def newest(self, _: bytes) -> Image | None:
        """The main camera's picture, drawn for the record."""
        return self._main


class Inline(Executor):
    """Runs a job at once, in the caller: there is no clock that it could be late for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  handed to whoever asks for the result
            future.set_exception(error)
        return future


assert PICTURE_TICKS % TICKS_PER_ROW == 0  # the operator's picture is one of the recorded ones
