"""What every robot for replay is tested for: inherit a class below and name what makes one.

    class TestMyRobot(ReplayConformance):
        factory = "tests.unit.my_robots:pusher"  # module:function, without arguments

`ReplayConformance` is for robots that can be brought back to any state, `SeedConformance` for those
whose episodes begin with a seed, `CannotReturnConformance` for robots that cannot be brought back
and have to say so. The function is called in another process, too, so it has no memory.
"""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from recorder.replayable import Action, CannotReplay
from teleop.robot import RobotError

ROOT = Path(__file__).parents[1]
Robot = Any  # Replayable, Measuring, Described, and what the class below asks for

# Run in a process of its own: goes on from a state, and prints the state after each action.
_ELSEWHERE = """
import importlib, json, sys
facts = json.load(sys.stdin)
module, name = facts["factory"].split(":")
robot = getattr(importlib.import_module(module), name)()
if facts["seed"] is None:
    robot.restore(bytes.fromhex(facts["state"]))
else:
    robot.start_from_seed(facts["seed"])
states = [robot.snapshot().hex()]
for action in facts["actions"]:
    robot.apply(action)
    states.append(robot.snapshot().hex())
robot.close()
sys.stdout.write("\\n" + json.dumps(states))
"""


class DescribedConformance:
    """What any robot for replay owes, whether it can return to a state or not."""

    factory: str
    low: float = -1.0  # of actions that are tried
    high: float = 1.0
    steps: int = 60  # of an episode that is tried

    @pytest.fixture
    def robot(self) -> Iterator[Robot]:
        robot = self.make_robot()
        yield robot
        robot.close()

    def make_robot(self) -> Robot:
        """A new robot, like any other that this makes."""
        module, _, name = self.factory.partition(":")
        return getattr(importlib.import_module(module), name)()

    def actions(self, robot: Robot, count: int, seed: int = 0) -> list[Action]:
        """Random actions, each held for up to ten steps."""
        rng = np.random.default_rng(seed)
        size = len(robot.describe("boot").action_names)
        actions: list[Action] = []
        while len(actions) < count:
            action = tuple(float(v) for v in rng.uniform(self.low, self.high, size))
            actions += [action] * int(rng.integers(1, 11))
        return actions[:count]

    def test_describes_itself_and_the_same_while_it_moves(self, robot: Robot) -> None:
        before = robot.describe("boot")
        assert before.boot_id == "boot"
        assert before.tick_hz > 0
        assert before.action_names
        assert len(set(before.action_names)) == len(before.action_names)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(before))
        for action in self.actions(robot, 12):
            robot.apply(action)
        assert robot.describe("boot") == before

    def test_measures_what_its_description_names(self, robot: Robot) -> None:
        robot.apply(self.actions(robot, 1)[0])
        seen = robot.observe().values()
        assert len(seen) == len(robot.describe("boot").observation_names)
        assert all(math.isfinite(value) for value in seen)
        assert robot.observe().values() == seen

    def test_an_action_of_another_size_is_refused(self, robot: Robot) -> None:
        action = self.actions(robot, 1)[0]
        for wrong in ((), action[:-1], (*action, 0.0)):
            with pytest.raises(RobotError):
                robot.apply(wrong)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_a_number_that_is_none_is_refused(self, robot: Robot, bad: float) -> None:
        before = robot.snapshot()
        action = self.actions(robot, 1)[0]
        with pytest.raises(RobotError):
            robot.apply((bad, *action[1:]))
        assert robot.snapshot() == before

    def test_close_is_idempotent(self, robot: Robot) -> None:
        robot.close()
        robot.close()


class SnapshotConformance(DescribedConformance):
    """Of robots whose snapshots are numbers."""

    def run(self, robot: Robot, actions: list[Action]) -> list[bytes]:
        """The state before each action and after the last."""
        states = [robot.snapshot()]
        for action in actions:
            robot.apply(action)
            states.append(robot.snapshot())
        return states

    def test_a_state_is_numbers_of_one_count_and_each_has_a_name(self, robot: Robot) -> None:
        states = self.run(robot, self.actions(robot, self.steps))
        assert {len(state) for state in states} == {len(states[0])}
        assert all(np.isfinite(np.frombuffer(state, "<f8")).all() for state in states)
        assert len(robot.state_parts()) == len(states[0]) // 8
        assert len(set(states)) == len(states)

    def test_looking_changes_nothing(self, robot: Robot) -> None:
        robot.apply(self.actions(robot, 1)[0])
        before = robot.snapshot()
        robot.observe()
        robot.describe("boot")
        robot.state_parts()
        assert robot.snapshot() == before

    def test_bytes_that_are_no_state_are_refused(self, robot: Robot) -> None:
        before = robot.snapshot()
        not_finite = before[:8] + b"\xff" * 8 + before[16:]
        foreign = bytes([before[0] ^ 1]) + before[1:]
        for state in (b"", b"\0" * 8, before[:-8], before + b"\0" * 8, not_finite, foreign):
            with pytest.raises(RobotError):
                robot.restore(state)
        assert robot.snapshot() == before


class ReplayConformance(SnapshotConformance):
    """Of robots that can be brought back to any state."""

    moments = (0, 1, 13, 37)  # of an episode, in steps

    def brought_elsewhere(self, robot: Robot) -> None:
        """Into the middle of something else, from which it is brought back."""
        for action in self.actions(robot, 9, seed=9):
            robot.apply(action)

    def test_a_restored_state_gives_the_same_bytes(self, robot: Robot) -> None:
        states = self.run(robot, self.actions(robot, self.steps))
        for moment in self.moments:
            robot.restore(states[moment])
            assert robot.snapshot() == states[moment]

    def test_a_restored_robot_sees_and_judges_the_same(self, robot: Robot) -> None:
        seen = []
        for action in self.actions(robot, self.steps):
            seen.append((robot.snapshot(), robot.observe().values(), robot.solved()))
            robot.apply(action)
        for moment in self.moments:
            state, observed, solved = seen[moment]
            robot.restore(state)
            assert robot.observe().values() == observed
            assert robot.solved() == solved

    def test_goes_on_from_a_restored_state_exactly_as_before(self, robot: Robot) -> None:
        actions = self.actions(robot, self.steps)
        states = self.run(robot, actions)
        for moment in self.moments:
            self.brought_elsewhere(robot)
            robot.restore(states[moment])
            assert self.run(robot, actions[moment:]) == states[moment:]

    def test_another_one_goes_on_exactly_alike(self, robot: Robot) -> None:
        actions = self.actions(robot, self.steps)
        states = self.run(robot, actions)
        other = self.make_robot()
        for moment in self.moments:
            self.brought_elsewhere(other)
            other.restore(states[moment])
            assert self.run(other, actions[moment:]) == states[moment:]
        other.close()

    def test_one_of_another_process_goes_on_exactly_alike(self, robot: Robot) -> None:
        actions = self.actions(robot, self.steps)
        states = self.run(robot, actions)
        moment = self.moments[-1]
        assert (
            in_another_process(self.factory, actions[moment:], state=states[moment])
            == (states[moment:])
        )

    def test_what_it_says_it_was_told_is_what_moved_it(self, robot: Robot) -> None:
        """Whoever sends what was told gets the same motion, and is told the same."""
        for action in self.actions(robot, 10, seed=3):
            state = robot.snapshot()
            told = robot.apply(action)
            moved = robot.snapshot()
            robot.restore(state)
            assert robot.apply(told) == told
            assert robot.snapshot() == moved


class SeedConformance(SnapshotConformance):
    """Of robots whose episodes begin with a seed."""

    seed = 5

    def outcome(self, robot: Robot, state: bytes) -> bytes:
        """The part of a state that says where the episode is."""
        return np.frombuffer(state, "<f8")[robot.proven.layout.outcome()].tobytes()

    def test_the_same_seed_leads_to_the_same_episode(self, robot: Robot) -> None:
        actions = self.actions(robot, self.steps)
        robot.start_from_seed(self.seed)
        first = [self.outcome(robot, state) for state in self.run(robot, actions)]
        robot.start_from_seed(self.seed + 1)
        assert self.outcome(robot, self.run(robot, actions)[0]) != first[0]
        robot.start_from_seed(self.seed)
        assert [self.outcome(robot, state) for state in self.run(robot, actions)] == first

    def test_the_same_seed_leads_to_the_same_episode_in_another_process(self, robot: Robot) -> None:
        actions = self.actions(robot, self.steps)
        robot.start_from_seed(self.seed)
        here = [self.outcome(robot, state) for state in self.run(robot, actions)]
        there = in_another_process(self.factory, actions, seed=self.seed)
        assert [self.outcome(robot, state) for state in there] == here


class CannotReturnConformance(DescribedConformance):
    """Of robots that cannot be brought back to anything: they have to say so, in a sentence."""

    def test_says_that_it_cannot_return(self, robot: Robot) -> None:
        state = robot.snapshot()
        for action in self.actions(robot, 9):
            robot.apply(action)
        with pytest.raises(CannotReplay) as caught:
            robot.restore(state)
        assert len(str(caught.value).split()) > 5
        assert str(caught.value).endswith(".")


def in_another_process(
    factory: str, actions: list[Action], *, state: bytes = b"", seed: int | None = None
) -> list[bytes]:
    """The states of a robot that another Python makes: at first, and after each action."""
    facts = {"factory": factory, "actions": actions, "state": state.hex(), "seed": seed}
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE],
        input=json.dumps(facts),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [bytes.fromhex(word) for word in json.loads(done.stdout.splitlines()[-1])]
