"""Replays a demonstration on a robot of its own and collects the evidence for a verdict.

The robot is made fresh by the caller's `make_robot`, never shared with a live one. Always: the open
loop from the start state, both controls, and the labels, which an exact open loop has proved. On
request: repeats, margins, the shortest prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from recorder.demonstration import Demonstration
from recorder.diagnosis import diagnosed
from recorder.inverse import scales
from recorder.label_check import (
    LabelCheck,
    check_labels,
    deviations,
    distance,
    tolerances,
)
from recorder.margin import margins
from recorder.prefix import shortest_prefix
from recorder.replayable import (
    CannotReplay,
    Described,
    Measuring,
    Named,
    Numbers,
    Replayable,
    StatePart,
)
from recorder.stepping import RobotErrors, Run, alike, run
from recorder.verdict import (
    CURVE_POINTS,
    DIVERGED_BEYOND,
    Controls,
    Divergence,
    Evidence,
    Fault,
    Observations,
    OneStep,
    OpenLoop,
    Repeats,
    held,
)
from recorder.versions import recording_code, recording_versions
from transport.clock import NS_PER_S, now_ns
from transport.messages import Description

ROBOT_ERRORS: Final = (OSError, RuntimeError, ValueError, ArithmeticError)
CODE: Final = "source_sha256"  # among the versions of a verdict
MAX_MEASURED: Final = 200  # states in which the robot's own measurements are compared
ROUNDED_ACTION: Final = 2e-7  # of the largest action of an axis: three times single precision
_ACTION_TOLERANCE: Final = 1e-9  # m/s, rad/s: what a robot may round

UNNAMED: Final = StatePart("", "")

MakeRobot = Callable[[Description], Replayable]


@dataclass(frozen=True)
class Wanted:
    """What is to be found out beside labels, open loop and controls."""

    repeats: int = 0  # replays on robots made anew
    margins: bool = False
    prefix: bool = False
    pictures: bool = False  # whether they belong to their states


QUICK: Final = Wanted()


@dataclass
class ReplayResult:
    """What a replay found."""

    evidence: Evidence
    deviations: Numbers = field(default_factory=lambda: np.empty(0))  # (n,): of any number
    replays: int = 0
    steps: int = 0  # actions applied in all
    wall_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, **evidence: object) -> None:
        """Some more of the evidence, by its fields."""
        self.evidence = msgspec.structs.replace(self.evidence, **evidence)


def replay(
    demonstration: Demonstration,
    make_robot: MakeRobot,
    *,
    wanted: Wanted = QUICK,
    others: Iterable[Demonstration] = (),
    errors: RobotErrors = ROBOT_ERRORS,
) -> ReplayResult:
    """Replay `demonstration`; `errors` are what the robot raises when it cannot carry on.

    `others` are demonstrations that actions which do not fit might belong to.
    """
    started_ns = now_ns()
    evidence = Evidence(
        label=demonstration.label,
        recorded_steps=len(demonstration),
        lost_ticks=demonstration.lost,
    )
    result = ReplayResult(evidence, versions=replaying_versions())
    cannot: RobotErrors = (CannotReplay, *errors)
    try:
        robot = make_robot(demonstration.description)
    except cannot as error:
        result.add(problem=f"No robot to replay it: {error}")
    else:
        try:
            _Replay(robot, demonstration, result, errors).all(make_robot, wanted, others)
        finally:
            robot.close()
    result.wall_s = (now_ns() - started_ns) / NS_PER_S
    return result


def replaying_versions() -> dict[str, str]:
    """Of the programs that replay, and the hash of our own source: other code, another verdict."""
    return {**recording_versions(), CODE: recording_code().source_sha256}


class _Replay:
    """One robot, one demonstration, and what was found so far."""

    def __init__(
        self,
        robot: Replayable,
        demonstration: Demonstration,
        result: ReplayResult,
        errors: RobotErrors,
    ) -> None:
        self._robot = robot
        self._demonstration = demonstration
        self._result = result
        self._errors = errors

    def all(self, make_robot: MakeRobot, wanted: Wanted, others: Iterable[Demonstration]) -> None:
        """Everything that is `wanted`, as far as the robot goes along."""
        result = self._result
        try:
            same, problem = self._same_robot()
            result.add(same_versions=same)
            if problem := problem or self._wrong_start():
                result.add(problem=problem)
                return
            whole = self._open_loop()
            if whole.fault:
                result.add(fault=whole.fault)
                return
            self._labels(whole, same, others)
            self._observations(same)
            self._controls()
            solved = result.evidence.open_loop is not None and result.evidence.open_loop.solved
            if wanted.repeats:
                self._repeats(whole, make_robot, wanted.repeats)
            if wanted.margins and solved:
                found = tuple(margins(self._robot, self._demonstration, errors=self._errors))
                result.replays += sum(margin.replays for margin in found)
                result.add(margins=found)
            if wanted.prefix and solved:
                prefix = shortest_prefix(self._robot, self._demonstration, whole, self._errors)
                result.add(shortest_prefix=prefix)
        except CannotReplay as error:
            result.add(problem=str(error))
        except self._errors as error:
            result.add(fault=str(error) or repr(error))
            if result.evidence.applied_steps == len(self._demonstration):
                # The actions were applied; a check was not.
                result.add(problem=f"The robot failed: {error}")

    def _run(self, start: bytes, actions: Numbers) -> Run:
        done = run(
            self._robot,
            start,
            actions,
            steps_per_action=self._demonstration.steps_per_action,
            errors=self._errors,
        )
        self._result.replays += 1
        self._result.steps += len(done)
        return done

    def _same_robot(self) -> tuple[bool, str]:
        """Whether versions are the recorded ones, and a sentence when the scene is another."""
        robot, recorded = self._robot, self._demonstration.description
        if not isinstance(robot, Described):
            return True, ""
        present = robot.describe("replay")
        self._result.versions.update(present.versions)
        if present.scene_sha256 != recorded.scene_sha256:
            return False, "The robot's scene is another than the recorded one (other SHA-256)."
        same = present.versions == recorded.versions and present.controller == recorded.controller
        return same, ""

    def _wrong_start(self) -> str:
        start = self._demonstration.start
        self._robot.restore(start)
        if self._robot.snapshot() != start:
            return "The robot does not return to the recorded start state."
        return ""

    def _open_loop(self) -> Run:
        demonstration, result = self._demonstration, self._result
        whole = self._run(demonstration.start, demonstration.actions)
        told = demonstration.actions[: len(whole)]
        # Single precision may round an action that stood at a limit beyond it.
        allowed = ROUNDED_ACTION * scales(told) if demonstration.rounded else _ACTION_TOLERANCE
        altered = ~(np.abs(whole.told - told) <= allowed).all(axis=1)
        result.add(applied_steps=len(whole), altered_steps=int(altered.sum()))
        if whole.fault:
            return whole
        first = -1
        if demonstration.states is not None:
            result.deviations = deviations(whole.states[1:], demonstration.states[1:])
            apart = np.flatnonzero(result.deviations > 0.0)
            first = int(apart[0]) if len(apart) else -1
            self._where_it_diverges(whole)
        solved = {i: bool(whole.solved[i]) for i in demonstration.window}
        result.add(
            open_loop=OpenLoop(
                solved=held(solved, demonstration.end),
                exact=demonstration.states is not None and first < 0,
                max_deviation=float(result.deviations.max(initial=0.0)),
                first_divergent_step=first,
                first_divergent_tick=int(demonstration.numbers[first]) if first >= 0 else -1,
            ),
        )
        return whole

    def _where_it_diverges(self, whole: Run) -> None:
        """The first step beyond what can be seen, the part that is off, and a curve to draw."""
        demonstration, robot = self._demonstration, self._robot
        states = demonstration.states
        if states is None or not isinstance(robot, Named):
            return
        parts = robot.state_parts()
        if len(parts) != states.shape[1]:
            return
        limits = np.array(
            [DIVERGED_BEYOND.get(p.unit, np.inf) if p.counts else np.inf for p in parts]
        )
        watched = np.flatnonzero(np.isfinite(limits))
        if not len(watched):
            return
        off = distance(whole.states[1:, watched], states[1:, watched])
        places = np.array([parts[i].unit in ("m", "rad") for i in watched])
        if places.any():
            most = off[:, places].max(axis=1)
            pieces = np.array_split(most, min(CURVE_POINTS, len(most)))
            self._result.add(curve=tuple(float(piece.max()) for piece in pieces))
        beyond = np.flatnonzero((off > limits[watched]).any(axis=1))
        if not len(beyond):
            return
        step = int(beyond[0])
        worst = int((off[step] / limits[watched]).argmax())
        part = parts[watched[worst]]
        divergence = Divergence(
            step=step,
            tick=int(demonstration.numbers[step]),
            part=part.name,
            off_by=float(off[step, worst]),
            tolerance=float(limits[watched[worst]]),
            unit=part.unit,
        )
        self._result.add(divergence=divergence)

    def _labels(self, whole: Run, same: bool, others: Iterable[Demonstration]) -> None:
        demonstration, robot = self._demonstration.fine or self._demonstration, self._robot
        if demonstration.states is None:
            return
        loop = self._result.evidence.open_loop
        tolerance = tolerances(robot, demonstration, same)
        if loop is not None and loop.exact and demonstration is self._demonstration:
            # Each state followed from the one before by its action: nothing is left to try.
            check = LabelCheck(np.arange(len(demonstration)), np.empty(0, np.int64), 0.0)
        else:
            if same and not self._repeatable(whole):
                tolerance = tolerances(robot, demonstration, same_versions=False)
            check = check_labels(robot, demonstration, tolerance)
            self._result.steps += len(check.checked)
        parts = robot.state_parts() if isinstance(robot, Named) else ()
        named = 0 <= check.worst < len(parts) == demonstration.states.shape[1]
        worst = parts[check.worst] if named else UNNAMED
        fails: RobotErrors = (CannotReplay, *self._errors)
        try:
            found = diagnosed(robot, demonstration, tolerance, check, others)
        except fails:  # a robot that fails while explanations are tried
            found = None
        self._result.add(
            one_step=OneStep(
                checked=len(check.checked),
                failed=len(check.failing),
                max_deviation=check.max_deviation,
                tolerance=float(tolerance[np.isfinite(tolerance)].max(initial=0.0)),
                shift=found.rows if found is not None and found.fault is Fault.SHIFTED else 0,
                worst=worst.name,
                unit=worst.unit,
            ),
            diagnosis=found,
        )

    def _repeatable(self, whole: Run) -> bool:
        """Whether this robot does the same once more; one that draws by chance may miss some."""
        again = self._run(self._demonstration.start, self._demonstration.actions)
        return len(again) == len(whole) and bool(alike(again.states, whole.states).all())

    def _observations(self, same: bool) -> None:
        robot, demonstration = self._robot, self._demonstration
        seen = demonstration.observations
        if not isinstance(robot, Measuring) or demonstration.states is None or seen is None:
            return
        names = demonstration.description.observation_names
        tolerance = 1e-9 if same else 1e-4
        failed, worst, most = 0, "", 0.0
        checked = range(0, len(seen), max(1, -(-len(seen) // MAX_MEASURED)))
        for i in checked:
            robot.restore(demonstration.state(i))
            off = distance(np.array(robot.observe().values()), seen[i])
            failed += not off.max() <= tolerance
            if off.max() > most:
                most, worst = float(off.max()), names[int(off.argmax())]
        found = Observations(checked=len(checked), failed=failed, max_deviation=most, worst=worst)
        self._result.add(observations=found)

    def _controls(self) -> None:
        demonstration, robot = self._demonstration, self._robot
        idle = self._run(demonstration.start, np.tile(demonstration.still, (len(demonstration), 1)))
        if idle.fault:
            self._result.add(problem=f"The null control could not be carried out: {idle.fault}")
            return
        unmoved = {i: bool(idle.solved[i]) for i in demonstration.window if i < len(idle.solved)}
        reached: dict[int, bool] = {}
        if demonstration.states is not None:
            for i in demonstration.window:
                robot.restore(demonstration.state(i))
                reached[i] = robot.solved()
        self._result.add(
            controls=Controls(
                null_actions_solved=held(unmoved, demonstration.end),
                recorded_states_solved=(
                    held(reached, demonstration.end)
                    if demonstration.states is not None
                    else None  # nobody saw it
                ),
            ),
        )

    def _repeats(self, whole: Run, make_robot: MakeRobot, runs: int) -> None:
        demonstration = self._demonstration
        solved, same = 0, True
        for _ in range(runs):
            robot = make_robot(demonstration.description)
            try:
                done = run(
                    robot,
                    demonstration.start,
                    demonstration.actions,
                    steps_per_action=demonstration.steps_per_action,
                    errors=self._errors,
                )
            finally:
                robot.close()
            self._result.replays += 1
            self._result.steps += len(done)
            if done.fault:
                same = False
                continue
            solved += held(
                {i: bool(done.solved[i]) for i in demonstration.window}, demonstration.end
            )
            same = same and bool(alike(done.states, whole.states).all())
        self._result.add(repeats=Repeats(runs=runs, solved=solved, alike=same))
