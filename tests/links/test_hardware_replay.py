"""A demonstration driven live, then played on the same robot: real control loop, real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import numpy as np
import pytest

from recorder.demonstration import Demonstration
from recorder.driven import values_of
from recorder.hardware_replays import HardwareReplay, read_replays
from teleop.axes import speed_mps
from teleop.control import Control
from teleop.hardware_replay import APPROACH_SHARE, Plan, Stage, plan_of
from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView, ReplayView
from teleop.policy import NeverStuck, NoPolicy
from teleop.replaying import Replaying
from teleop.robot import ArmObservation, RoverObservation
from teleop.scenarios import LIMITS
from teleop.sim_rover import SimRover
from tests.links.control_support import Console, console, controlled
from tests.point_arm import PointArm
from transport.clock import now_ns
from transport.messages import STILL, Mode, Outcome, ReleaseLease, RobotKind, Twist

AHEAD = OperatorInput(forward=0.4, turn=0.15, deadman=True)
REACH = OperatorInput(forward=0.3, left=0.3, up=0.3, grip=0.2, deadman=True)
AWAY = Twist(forward_mps=-0.5, turn_radps=0.0)
ATTEMPTS = 4
MOST_MISSED = 6  # ticks, of an attempt that says something: a tenth of a second


class WatchedRover(SimRover):
    """The bundled rover on open floor; somebody writes down what it does, and may push it."""

    kind, drive = RobotKind.ROVER, AHEAD

    def __init__(self) -> None:
        super().__init__("wedged-under-sofa", 0)
        self.seen: list[tuple[float, ...]] = []
        self.told: list[Twist] = []
        self.pushed: Twist | None = None

    def observe(self) -> RoverObservation:
        return super().observe()

    def apply(self, action: Twist) -> Twist:
        self.seen.append(self.observe().values())
        told = super().apply(action)
        if self.pushed is not None:  # its motors are told the same, it goes elsewhere
            super().apply(self.pushed)
            self._set_point = told
        self.told.append(told)
        return told


class WatchedArm(PointArm):
    """An arm whose hand is a point, watched."""

    kind, drive = RobotKind.ARM, REACH

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, ...]] = []
        self.did: list[Twist] = []

    def observe(self) -> ArmObservation:
        return super().observe()

    def apply(self, action: Twist) -> Twist:
        self.seen.append(self.observe().values())
        told = super().apply(action)
        self.did.append(told)
        return told

    def reset(self, count: int) -> None:
        """Nobody puts a real one back."""


Watched = WatchedRover | WatchedArm


def told_of(robot: Watched) -> list[Twist]:
    return robot.did if isinstance(robot, WatchedArm) else robot.told


def options(robot: Watched) -> dict[str, object]:
    return {"limits": LIMITS[robot.kind], "policy": NoPolicy(), "stuck": NeverStuck()}


class StoodStill(AssertionError):
    """What was found on a machine that stood still meanwhile."""


@contextmanager
def driven(folder: Path, robot: Watched) -> Iterator[Control]:
    """Its control loop. While that is late the robot goes on, as a real one does: a replay goes by
    the clock, and would be somewhere else."""
    with controlled(folder, robot, **options(robot)) as loop:
        tick, told = loop.tick, told_of(robot)

        def late_tick(missed: int = 0) -> None:
            for _ in range(missed if told else 0):
                robot.apply(told[-1])
            tick(missed)

        loop.tick = late_tick  # type: ignore[method-assign]
        try:
            yield loop
        except AssertionError as found:
            if loop._missed > MOST_MISSED:
                raise StoodStill(f"{loop._missed} ticks were missed") from found
            raise


def not_standing_still(test: Callable[..., None]) -> Callable[..., None]:
    """A replay ends where robot, link or window are late, as it should: then it is tried again."""

    @wraps(test)
    def tried(tmp_path: Path, **given: object) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            try:
                test(folder, **given)
            except StoodStill:
                if attempt == ATTEMPTS:
                    raise
            else:
                break

    return tried


def driven_live(loop: Control, robot: Watched, seconds: float = 1.2) -> Plan:
    """What an operator drove, recorded tick by tick."""
    with console(loop) as operator:
        operator.take()
        told = told_of(robot)
        first = len(told)
        operator.push(robot.drive, lambda _: told[-1] != STILL, "motion")
        operator.hold(seconds)
        operator.link.set_input(OperatorInput(input_ns=now_ns()))
        operator.wait(lambda _: told[-1] == STILL, "standing still")
        operator.hold(0.3)
        end = len(told) - 1
        while told[first] == STILL:
            first += 1
        operator.link.request(ReleaseLease(epoch=operator.epoch))
        operator.wait(lambda v: not v.yours, "the lease is free")
    description = robot.describe("boot")
    names = description.action_names
    return plan_of(
        Demonstration(
            name="01M8XY2K9Q",
            description=description,
            label=Outcome.SUCCESS,
            actions=np.array([values_of(each, names) for each in told[first:end]]),
            states=None,
            start=b"",
            end=end - first,
            numbers=np.arange(end - first + 1),
            observations=np.array(robot.seen[first : end + 1]),
        )
    )


def shown(view: LinkView) -> ReplayView:
    assert view.replay is not None
    return view.replay


def until(operator: Console, wanted: Stage) -> None:
    def there(view: LinkView) -> bool:
        found = shown(view)
        assert found.stage in (wanted, *BEFORE[wanted]), found.sentence
        return found.stage is wanted

    operator.wait(there, wanted)


_ORDER = (Stage.CHECK, Stage.APPROACH, Stage.SETTLE, Stage.PLAY, Stage.JUDGE)
BEFORE = {each: _ORDER[: _ORDER.index(each)] for each in _ORDER} | {Stage.ENDED: _ORDER}


def kept(library: Path) -> HardwareReplay:
    (one,) = read_replays(library)
    return one


def hold_deadman(operator: Console) -> None:
    """A hand that holds the deadman and asks for something quite different from the recording."""
    operator.link.set_input(OperatorInput(forward=-1.0, deadman=True, input_ns=now_ns()))


def played_until(operator: Console, wanted: Stage) -> None:
    operator.take()
    assert shown(operator.look()).stage is Stage.CHECK
    hold_deadman(operator)
    until(operator, wanted)


@pytest.mark.parametrize("kind", [WatchedRover, pytest.param(WatchedArm, marks=pytest.mark.long)])
@not_standing_still
def test_what_was_driven_live_is_played_from_its_start_and_judged_by_the_operator(
    tmp_path: Path, kind: type[Watched]
) -> None:
    robot = kind()
    with driven(tmp_path, robot) as loop:
        plan = driven_live(loop, robot)
        replaying = Replaying(plan, tmp_path, "f" * 64)
        with console(loop, replaying=replaying) as operator:
            first = len(told_of(robot))
            played_until(operator, Stage.SETTLE)
            approach = told_of(robot)[first:]
            until(operator, Stage.JUDGE)
            assert told_of(robot)[-1] != robot.drive
            operator.wait(lambda _: told_of(robot)[-1] == STILL, "it stands, the deadman held")
            operator.link.judge(Outcome.SUCCESS)
            assert "The operator judged it a success" in shown(operator.look()).sentence
        assert max(map(speed_mps, approach)) <= APPROACH_SHARE * LIMITS[robot.kind].max_mps + 1e-9
        assert max(map(speed_mps, approach)) > 0.0
    found = kept(tmp_path)
    assert (found.episode, found.judged) == ("01M8XY2K9Q", Outcome.SUCCESS)
    assert (found.played, found.actions, found.approached) == (len(plan), len(plan), True)
    assert found.manifest_sha256 == "f" * 64
    assert found.worst.keys() == set(plan.tracked)
    assert max(found.worst["x_m"], found.worst["y_m"]) < 0.05


@not_standing_still
def test_the_marker_in_the_robots_record_says_what_is_played(tmp_path: Path) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        replaying = Replaying(driven_live(loop, robot), tmp_path)
        events: list[tuple[str, str]] = []
        tell = loop._bus.send

        def listen(raw: bytes) -> None:
            if b"replay of 01M8XY2K9Q" in raw:
                events.append(("marker", "replay of 01M8XY2K9Q"))
            tell(raw)

        loop._bus.send = listen  # type: ignore[method-assign]
        with console(loop, replaying=replaying) as operator:
            played_until(operator, Stage.APPROACH)
            operator.wait(lambda _: events, "the marker")
            operator.hold(0.3)
        assert len(events) == 1


@pytest.mark.long
@not_standing_still
def test_letting_go_ends_it_and_pressed_again_the_hands_drive(tmp_path: Path) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        replaying = Replaying(driven_live(loop, robot), tmp_path)
        with console(loop, replaying=replaying) as operator:
            played_until(operator, Stage.PLAY)
            operator.wait(lambda v: shown(v).played > 10, "it plays")
            operator.link.set_input(OperatorInput(input_ns=now_ns()))
            until(operator, Stage.ENDED)
            assert "the deadman was let go" in shown(operator.look()).sentence
            operator.wait(lambda _: robot.told[-1] == STILL, "standing still")
            hold_deadman(operator)
            operator.wait(lambda _: robot.told[-1].forward_mps < -0.3, "the hands drive")
            assert operator.look().replay is None
    assert kept(tmp_path).judged is Outcome.UNLABELLED


@not_standing_still
def test_a_robot_pushed_off_its_path_ends_it_and_the_held_deadman_moves_nothing(
    tmp_path: Path,
) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        replaying = Replaying(driven_live(loop, robot), tmp_path)
        with console(loop, replaying=replaying) as operator:
            played_until(operator, Stage.PLAY)
            operator.wait(lambda v: shown(v).played > 10, "it plays")
            robot.pushed = AWAY
            until(operator, Stage.ENDED)
            robot.pushed = None
            assert "from the recording, limit" in shown(operator.look()).sentence
            operator.wait(lambda _: robot.told[-1] == STILL, "standing still")
            operator.hold(0.5)
            assert robot.told[-1] == STILL, "although the deadman is held"
            operator.link.judge(Outcome.SUCCESS)
    assert kept(tmp_path).judged is Outcome.UNLABELLED


@pytest.mark.long
@not_standing_still
def test_a_capped_speed_is_noticed_and_never_made_up_for(tmp_path: Path) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        plan = driven_live(loop, robot, 2.0)
        with console(loop, replaying=Replaying(plan, tmp_path)) as operator:
            played_until(operator, Stage.PLAY)
            before = len(robot.told)
            operator.picture_ms = 450
            until(operator, Stage.ENDED)
            assert "speed was capped at" in shown(operator.look()).sentence
    fastest = float(np.abs(plan.actions[:, 0]).max())
    assert max(map(speed_mps, robot.told[before:])) <= fastest + 1e-9


@not_standing_still
def test_a_hold_of_the_robot_ends_it_with_the_reason(tmp_path: Path) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        replaying = Replaying(driven_live(loop, robot), tmp_path)
        with console(loop, replaying=replaying) as operator:
            played_until(operator, Stage.APPROACH)
            operator.picture_ms = 2500
            until(operator, Stage.ENDED)
            assert "the robot held: the picture was too old" in shown(operator.look()).sentence


@not_standing_still
def test_stop_and_a_lost_focus_end_it(tmp_path: Path) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        plan = driven_live(loop, robot)
        with console(loop, replaying=Replaying(plan, tmp_path / "a")) as operator:
            (tmp_path / "a").mkdir()
            played_until(operator, Stage.APPROACH)
            operator.link.set_focus(False)
            until(operator, Stage.ENDED)
            assert "the window lost the focus" in shown(operator.look()).sentence
            operator.link.request(ReleaseLease(epoch=operator.epoch))
            operator.wait(lambda v: not v.yours, "the lease is free")
        with console(loop, replaying=Replaying(plan, tmp_path / "b")) as operator:
            played_until(operator, Stage.APPROACH)
            operator.link.stop()
            operator.wait_mode(Mode.ESTOP)
            until(operator, Stage.ENDED)
            assert "STOP was pressed" in shown(operator.look()).sentence
            operator.wait(lambda v: shown(v).trouble, "there is no folder b to write into")
    assert "the window lost the focus" in kept(tmp_path / "a").sentence


@pytest.mark.long
@not_standing_still
def test_a_console_that_closes_before_the_judgement_keeps_what_was_played(tmp_path: Path) -> None:
    robot = WatchedRover()
    with driven(tmp_path, robot) as loop:
        replaying = Replaying(driven_live(loop, robot), tmp_path, speed=0.5)
        with console(loop, replaying=replaying) as operator:
            played_until(operator, Stage.JUDGE)
    found = kept(tmp_path)
    assert found.judged is Outcome.UNLABELLED
    assert "at 50% speed" in found.sentence
    assert "Nobody has judged the outcome" in found.sentence
