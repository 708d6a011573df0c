"""Replays an episode on a robot of its own and collects the evidence for a verdict.

The robot is made fresh by the caller's `make_robot`, never shared with a live one. What is replayed
is the intervention, from the state of the takeover's tick to the hand-back, and up to
`SOLVED_HOLD_STEPS` ticks of post-roll to see whether the task stays solved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from recorder.contents import between, lost_before
from recorder.durable import write_atomically
from recorder.episode import VERDICT_FILE, sealed_json
from recorder.library import Episode
from recorder.verdict import (
    ONE_STEP_TOLERANCE,
    OTHER_VERSION_TOLERANCE,
    PASSING,
    SOLVED_HOLD_STEPS,
    VERDICT_FORMAT,
    Controls,
    Evidence,
    Observations,
    OneStep,
    OpenLoop,
    Verdict,
    held,
    judge,
)
from recorder.versions import recording_versions
from transport.clock import NS_PER_S, now_ns, wall_time
from transport.messages import STILL, Description, Tick, Twist

MAX_CHECKS: Final = 600  # one-step checks for each episode; longer ones are sampled evenly
_SHIFT_CHECKS: Final = 40  # failing steps on which the neighbours' actions are tried
_ACTION_TOLERANCE: Final = 1e-9  # m/s, rad/s: what a robot may round

_INCOMPARABLE: Final = 1e308  # JSON has no infinity
_SMALLEST: Final = 5e-324


class Replayable(Protocol):
    """A robot whose complete state can be saved and restored."""

    def apply(self, action: Twist) -> Twist:
        """Carry out one control tick and return what the motors were really told."""

    def snapshot(self) -> bytes:
        """The complete state before the next `apply`."""

    def restore(self, state: bytes) -> None:
        """Return to `state`, so that `snapshot()` gives the same bytes again."""

    def solved(self) -> bool:
        """Whether the task's goal holds in the present state."""

    def close(self) -> None:
        """Let go of everything; idempotent."""


class Measurements(Protocol):
    """What a robot's own sensors say."""

    def values(self) -> tuple[float, ...]:
        """All of it, in the order of `Description.observation_names`."""


@runtime_checkable
class Measuring(Protocol):
    """A robot that measures; what it sees in recorded states is compared with the record."""

    def observe(self) -> Measurements:
        """The measurements in the present state."""


@runtime_checkable
class Described(Protocol):
    """A robot that can say what it is; its scene and versions are then compared with the record."""

    def describe(self, boot_id: str) -> Description:
        """What this robot is."""


class CannotReplay(Exception):
    """Raised by `make_robot` when there is no robot for this description; the message says why."""


MakeRobot = Callable[[Description], Replayable]


@dataclass
class ReplayResult:
    """What a replay found."""

    evidence: Evidence
    deviations: npt.NDArray[np.float64]  # (steps,): max |state - recorded| after each action
    replays: int = 0
    steps: int = 0  # actions applied in all
    wall_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)


@dataclass
class _Range:
    """The replayed part of an episode."""

    ticks: list[Tick]
    end: int  # index of the hand-back's tick in `ticks`
    lost: int
    seams: frozenset[int]  # indices after which a trim has taken ticks out

    @property
    def window(self) -> range:
        """Indices whose goal test decides whether the task was solved and stayed solved."""
        return range(max(0, self.end - SOLVED_HOLD_STEPS + 1), len(self.ticks))


class _Replay:
    """One robot and the counters around it."""

    def __init__(self, robot: Replayable, part: _Range) -> None:
        self.robot = robot
        self.part = part
        self.steps = 0
        self.applied = 0
        self.altered = 0
        self.deviations: list[float] = []

    def open_loop(self) -> OpenLoop:
        part, robot = self.part, self.robot
        robot.restore(part.ticks[0].state)
        solved: dict[int, bool] = {}
        first = -1
        for i in range(len(part.ticks) - 1):
            if i in part.window:
                solved[i] = robot.solved()
            told = part.ticks[i].applied
            done = robot.apply(told)
            self.steps += 1
            self.applied += 1
            self.altered += _differs(told, done)
            self.deviations.append(_deviation(robot.snapshot(), part.ticks[i + 1].state))
            if first < 0 and self.deviations[-1] > 0:
                first = i
        solved[len(part.ticks) - 1] = robot.solved()
        return OpenLoop(
            solved=held(solved, part.end),
            exact=first < 0,
            max_deviation=max(self.deviations, default=0.0),
            first_divergent_step=first,
            first_divergent_tick=part.ticks[first].tick if first >= 0 else -1,
        )

    def null_actions_solved(self) -> bool:
        part, robot = self.part, self.robot
        robot.restore(part.ticks[0].state)
        solved: dict[int, bool] = {}
        for i in range(len(part.ticks)):
            if i in part.window:
                solved[i] = robot.solved()
            if i + 1 < len(part.ticks):
                robot.apply(STILL)
                self.steps += 1
        return held(solved, part.end)

    def recorded_states_solved(self) -> bool:
        solved: dict[int, bool] = {}
        for i in self.part.window:
            self.robot.restore(self.part.ticks[i].state)
            solved[i] = self.robot.solved()
        return held(solved, self.part.end)

    def observations(
        self, names: tuple[str, ...], tolerance: float, max_checks: int
    ) -> Observations | None:
        robot = self.robot
        if not isinstance(robot, Measuring):
            return None
        ticks = self.part.ticks[:: max(1, -(-len(self.part.ticks) // max_checks))]
        failed, worst, most = 0, "", 0.0
        for tick in ticks:
            robot.restore(tick.state)
            measured = robot.observe().values()
            off = [abs(a - b) for a, b in zip(measured, tick.observation, strict=True)]
            failed += not max(off) <= tolerance
            if max(off) > most:
                most, worst = max(off), names[off.index(max(off))]
        return Observations(checked=len(ticks), failed=failed, max_deviation=most, worst=worst)

    def one_step(self, tolerance: float, max_checks: int) -> OneStep:
        last = len(self.part.ticks) - 1
        stride = max(1, -(-last // max_checks))
        # What happened at a seam was taken out: its action does not lead to the next tick here.
        checked = [i for i in range(0, last, stride) if i not in self.part.seams]
        residuals = [self._residual(i, i) for i in checked]
        failing = [i for i, r in zip(checked, residuals, strict=True) if not r <= tolerance]
        return OneStep(
            checked=len(checked),
            failed=len(failing),
            max_deviation=max(residuals, default=0.0),
            tolerance=tolerance,
            shift=self._shift(failing, tolerance),
        )

    def _shift(self, failing: list[int], tolerance: float) -> int:
        """Which neighbour's action explains most of the failing steps; 0: none does."""
        for shift in (-1, 1):
            tried = [i for i in failing if 0 <= i + shift < len(self.part.ticks)][:_SHIFT_CHECKS]
            fits = sum(self._residual(i, i + shift) <= tolerance for i in tried)
            if tried and fits > len(tried) // 2:
                return shift
        return 0

    def _residual(self, at: int, action_of: int) -> float:
        self.robot.restore(self.part.ticks[at].state)
        self.robot.apply(self.part.ticks[action_of].applied)
        self.steps += 1
        return _deviation(self.robot.snapshot(), self.part.ticks[at + 1].state)


def replay(
    episode: Episode,
    make_robot: MakeRobot,
    *,
    max_checks: int = MAX_CHECKS,
    robot_errors: tuple[type[Exception], ...] = (
        OSError,
        RuntimeError,
        ValueError,
        ArithmeticError,
    ),
) -> ReplayResult:
    """Replay `episode`; `robot_errors` are what the robot raises when it cannot carry on."""
    started_ns = now_ns()
    result = _replay(episode, make_robot, max_checks, robot_errors)
    result.wall_s = (now_ns() - started_ns) / NS_PER_S
    return result


def verdict_of(episode: Episode, result: ReplayResult) -> Verdict:
    """The verdict on a replay."""
    kind, sentence = judge(result.evidence)
    return Verdict(
        format=VERDICT_FORMAT,
        episode=episode.id,
        verdict=kind,
        passed=kind in PASSING,
        sentence=sentence,
        evidence=result.evidence,
        replays=result.replays,
        steps=result.steps,
        wall_s=result.wall_s,
        replayed_wall=wall_time().isoformat(timespec="milliseconds"),
        manifest_sha256=episode.manifest_sha256,
        versions_recorded=episode.manifest.description.versions,
        versions_replayed=result.versions,
    )


def validate(
    episode: Episode,
    make_robot: MakeRobot,
    *,
    robot_errors: tuple[type[Exception], ...] = (
        OSError,
        RuntimeError,
        ValueError,
        ArithmeticError,
    ),
) -> Verdict:
    """Verify the files, replay, judge, and write verdict.json beside the episode."""
    episode.verify()
    verdict = verdict_of(episode, replay(episode, make_robot, robot_errors=robot_errors))
    write_atomically(episode.path / VERDICT_FILE, sealed_json(verdict))
    return verdict


def _replay(
    episode: Episode,
    make_robot: MakeRobot,
    max_checks: int,
    robot_errors: tuple[type[Exception], ...],
) -> ReplayResult:
    label = episode.labels.outcome
    description = episode.manifest.description
    result = ReplayResult(Evidence(label=label), np.empty(0), versions=recording_versions())
    part = _range_of(episode)
    if isinstance(part, str):
        result.evidence = Evidence(label=label, problem=part)
        return result
    evidence = Evidence(label=label, recorded_steps=len(part.ticks) - 1, lost_ticks=part.lost)
    cannot: tuple[type[Exception], ...] = (CannotReplay, *robot_errors)
    try:
        robot = make_robot(description)
    except cannot as error:
        result.evidence = Evidence(label=label, problem=f"No robot to replay it: {error}")
        return result
    run = _Replay(robot, part)
    try:
        same, problem = _compare(robot, description, result.versions)
        evidence = msgspec.structs.replace(evidence, same_versions=same)
        robot.restore(part.ticks[0].state)
        if not problem and robot.snapshot() != part.ticks[0].state:
            problem = "The robot does not return to the recorded start state."
        if problem:
            result.evidence = msgspec.structs.replace(evidence, problem=problem)
            return result
        tolerance = ONE_STEP_TOLERANCE if same else OTHER_VERSION_TOLERANCE
        evidence = msgspec.structs.replace(
            evidence,
            open_loop=run.open_loop(),
            one_step=run.one_step(tolerance, max_checks),
            observations=run.observations(description.observation_names, tolerance, max_checks),
            controls=Controls(
                null_actions_solved=run.null_actions_solved(),
                recorded_states_solved=run.recorded_states_solved(),
            ),
        )
        result.replays = 2
    except robot_errors as error:
        evidence = msgspec.structs.replace(evidence, fault=str(error) or repr(error))
        if run.applied == evidence.recorded_steps:  # the actions were applied; a check was not
            evidence = msgspec.structs.replace(evidence, problem=f"The robot failed: {error}")
    finally:
        robot.close()
    result.evidence = msgspec.structs.replace(
        evidence, applied_steps=run.applied, altered_steps=run.altered
    )
    result.deviations = np.array(run.deviations)
    result.steps = run.steps
    return result


def _range_of(episode: Episode) -> _Range | str:
    """The part to replay, or a sentence why there is none."""
    ending = episode.manifest.ending
    if ending.start_tick < 0:
        return "Nobody took over in this episode: there is nothing to replay."
    ticks: list[Tick] = []
    seams: set[int] = set()
    end = lost = 0
    removed = episode.manifest.removed
    for tick in episode.ticks():
        if tick.tick < ending.start_tick:
            continue
        if ticks:
            lost += lost_before(ticks[-1].tick, tick, removed)
            if between(ticks[-1].tick, tick, removed):
                seams.add(len(ticks) - 1)
        if tick.tick <= ending.end_tick:
            end = len(ticks)
        elif len(ticks) - end >= SOLVED_HOLD_STEPS:
            break
        ticks.append(tick)
    if not ticks or ticks[0].tick != ending.start_tick or end == 0:
        return "The intervention is not in the record: there is no start to replay from."
    if not all(tick.state for tick in ticks):
        return "This robot recorded no complete state: there is no start to replay from."
    return _Range(ticks, end, lost, frozenset(seams))


def _compare(
    robot: Replayable, recorded: Description, versions: dict[str, str]
) -> tuple[bool, str]:
    """Whether versions are the recorded ones, and a sentence when the scene is another."""
    if not isinstance(robot, Described):
        return True, ""
    present = robot.describe("replay")
    versions.update(present.versions)
    if present.scene_sha256 != recorded.scene_sha256:
        return False, "The robot's scene is another than the recorded one (other SHA-256)."
    same = present.versions == recorded.versions and present.controller == recorded.controller
    return same, ""


def _differs(told: Twist, done: Twist) -> bool:
    return not (
        abs(told.forward_mps - done.forward_mps) <= _ACTION_TOLERANCE
        and abs(told.turn_radps - done.turn_radps) <= _ACTION_TOLERANCE
    )


def _deviation(state: bytes, recorded: bytes) -> float:
    """Largest difference of any number; `_INCOMPARABLE` for another size, NaN or infinity."""
    if state == recorded:
        return 0.0
    if len(state) != len(recorded) or len(state) % 8:
        return _INCOMPARABLE
    found, wanted = np.frombuffer(state, "<f8"), np.frombuffer(recorded, "<f8")
    deviation = float(np.max(np.abs(found - wanted)))
    if deviation == 0.0:
        return _SMALLEST  # bytes differ though numbers do not (-0.0): not exact either
    return deviation if deviation < _INCOMPARABLE else _INCOMPARABLE  # NaN compares as false
