"""A Gymnasium environment is trusted with a proof only as far as it was seen to come back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from recorder.demonstration import Demonstration
from recorder.judge import judge
from recorder.replay import replay
from recorder.replayable import CannotReplay, Described, Measuring, Named
from recorder.verdict import Kind
from teleop import gym_robot
from teleop.engines import Derived
from teleop.environment import Start
from teleop.gym_robot import GymRobot, Judging
from teleop.replay_robots import make_robot
from teleop.replay_worker import ERRORS
from teleop.robot import RobotError
from tests.replay_conformance import (
    CannotReturnConformance,
    ReplayConformance,
    SeedConformance,
)
from tests.unit import gym_environments as environments
from transport.messages import Outcome

FACTORIES = "tests.unit.gym_environments"


class TestGust(ReplayConformance, SeedConformance):
    """Random numbers in the dynamics."""

    factory = f"{FACTORIES}:gust"


class TestDelayed(ReplayConformance):
    """The state of a controller below."""

    factory = f"{FACTORIES}:delayed"


class TestArm(ReplayConformance, SeedConformance):
    """MuJoCo: stale poses, a model that resets change."""

    factory = f"{FACTORIES}:arm"


class TestTelling(ReplayConformance):
    """A state that only the environment itself can give."""

    factory = f"{FACTORIES}:telling"


class TestStepping(ReplayConformance):
    """Choices instead of numbers."""

    factory = f"{FACTORIES}:stepping"
    low, high = 0.0, 2.0


class TestHidden(ReplayConformance, SeedConformance):
    """A state where Python cannot look: the episode is gone through again."""

    factory = f"{FACTORIES}:hidden"


class TestWorn(SeedConformance):
    """A reset that leaves something behind."""

    factory = f"{FACTORIES}:worn"


class TestEntropic(CannotReturnConformance):
    """Neither a state nor a start."""

    factory = f"{FACTORIES}:entropic"


def test_is_what_a_replay_asks_for() -> None:
    robot = environments.cart()
    assert isinstance(robot, Named)
    assert isinstance(robot, Measuring)
    assert isinstance(robot, Described)


def test_a_hidden_state_is_told_with_the_number_that_differs() -> None:
    robot = environments.hidden()
    assert robot.proven.layout.means.again
    assert "x_m" in robot.proven.why_not
    assert "is off by" in robot.proven.why_not
    assert "generator" in robot.proven.why_not  # where it may be


def test_what_shows_in_one_step_of_an_episode_only_is_found() -> None:
    robot = environments.rare()
    assert robot.proven.layout.means.again
    assert "1 step after step" in robot.proven.why_not


def test_an_episode_is_gone_through_again_only_where_it_has_to_be() -> None:
    robot = environments.hidden()
    states = []
    for _ in range(5):
        states.append(robot.snapshot())
        robot.apply((1.0,))
    episodes = []
    robot._running.env.reset = lambda **_: (
        episodes.append(1) or environments.Hidden.reset(robot._running.env, seed=3)
    )
    robot.restore(states[2])  # back: once more from the start
    robot.apply((1.0,))
    robot.restore(states[3])  # where it is
    robot.restore(states[4])  # ahead on the same way
    assert episodes == [1]


def test_an_episode_too_long_to_be_remembered_is_told() -> None:
    robot = environments.hidden()
    for _ in range(robot.proven.layout.actions[0]):
        robot.apply((0.0,))
    robot.snapshot()
    robot.apply((0.0,))
    with pytest.raises(CannotReplay, match="longer than 1000 steps"):
        robot.snapshot()


def test_a_seed_that_leads_nowhere_is_told() -> None:
    robot = environments.entropic()
    with pytest.raises(CannotReplay, match="A seed does not say where an episode"):
        robot.start_from_seed(1)
    assert not robot.restores
    with pytest.raises(CannotReplay, match="cannot be brought back to a state"):
        robot.restore(robot.snapshot())


def test_what_a_seed_takes_is_found_out() -> None:
    assert environments.cart().proven.start is Start.RESET
    assert environments.old_seed().proven.start is Start.SEED
    assert environments.worn().proven.start is Start.FRESH
    assert "own seed" in environments.old_seed().describe("boot").randomness["start"]


def test_the_means_are_the_smallest_that_suffice() -> None:
    assert environments.arm().proven.layout.means.derived is Derived.POSES
    assert environments.fresh_arm().proven.layout.means.derived is Derived.NONE
    assert not environments.cart().proven.layout.means.own
    assert environments.telling().proven.layout.means.own


@pytest.mark.parametrize("name", ["Cart", "Gust", "Delayed", "Counting", "Telling", "Arm"])
def test_no_episode_is_gone_through_again_where_the_state_can_be_put_back(name: str) -> None:
    assert not environments.robot_of(name).proven.layout.means.again


def test_the_model_that_a_reset_changed_comes_back() -> None:
    robot, other = environments.arm(), environments.arm()
    other.start_from_seed(99)
    assert goal_of(other) != goal_of(robot)
    other.restore(robot.snapshot())
    assert goal_of(other) == goal_of(robot)


def test_what_has_not_happened_while_it_was_tried_is_state_all_the_same() -> None:
    robot, other = environments.counting(), environments.counting()
    for _ in range(400):
        robot.apply((1.0,))
    robot._running.env.x_m = 6.0
    robot.apply((1.0,))
    assert robot._running.env.tasks == {"leave"}
    other.restore(robot.snapshot())
    assert other._running.env.tasks == {"leave"}
    robot.start_from_seed(3)
    other.restore(robot.snapshot())
    assert other._running.env.tasks == {"reach", "leave"}


def test_a_log_and_a_serial_number_are_no_state() -> None:
    robot = environments.counting()
    names = " ".join(part.name for part in robot.state_parts())
    cells = {cell.path[-1][1] for cell in robot.proven.layout.cells}
    assert {"log", "instance"} & cells == set()
    assert "env.x_m" in names


def test_two_names_for_one_array_stay_two_names_for_one_array() -> None:
    robot = environments.delayed()
    for _ in range(20):
        robot.apply((0.7,))
    robot.restore(robot.snapshot())
    env = robot._running.env
    assert env.filter is env.controller.filtered


def test_one_that_says_nothing_about_success_proves_nothing() -> None:
    robot = environments.silent()
    assert robot.describe("boot").success is None
    with pytest.raises(CannotReplay, match="name the reward"):
        robot.solved()


def test_a_reward_counts_as_success_only_when_the_user_names_it() -> None:
    robot = environments.silent_with_reward()
    assert robot.solved() is False
    success = robot.describe("boot").success
    assert success is not None
    assert success.sentence == "A reward of -0.95 or more"
    solved = []
    for _ in range(100):  # past the goal
        robot.apply((1.0,))
        solved.append(robot.solved())
    assert True in solved
    assert solved[-1] is False


def test_success_is_what_the_environment_says() -> None:
    robot = environments.counting()
    assert robot.solved() is False
    robot._running.env.tasks.clear()
    robot.apply((0.0,))
    assert robot.solved() is True


def test_an_action_is_told_in_the_precision_in_which_it_was_carried_out() -> None:
    robot = environments.cart()
    (told,) = robot.apply((0.1,))
    assert told == float(np.float32(0.1))
    assert told != 0.1
    precise = environments.robot_of("Cart", environments.Judging(action_dtype="float64"))
    assert precise.apply((0.1,)) == (0.1,)


def test_a_choice_beyond_the_last_is_told_as_the_last() -> None:
    assert environments.stepping().apply((7.4,)) == (2.0,)


def test_describes_how_it_can_be_made_again() -> None:
    robot = environments.arm()
    description = robot.describe("boot")
    assert description.robot_type == "gym:Arm"
    assert description.seed == 3
    assert description.tick_hz == 50
    assert description.controller["step_s"] == 0.02  # by MuJoCo's clock
    assert description.observation_names == ("tip.0", "tip.1", "tip.2")  # and no picture
    assert description.action_names == ("a0", "a1")
    assert "mujoco" in description.versions
    assert len(description.assets_sha256["tests"]) == 64


def test_a_state_of_another_kind_is_refused() -> None:
    with pytest.raises(RobotError):
        environments.gust().restore(environments.cart().snapshot())


def test_a_simulation_that_has_diverged_is_told() -> None:
    robot = environments.arm()
    robot._running.env.data.qpos[0] = math.nan
    with pytest.raises(CannotReplay, match="diverged"):
        robot.snapshot()


def test_one_that_does_not_take_a_state_it_took_before_is_found_out() -> None:
    robot = environments.telling()
    state = robot.snapshot()
    robot.apply((1.0,))
    robot._running.env.set_env_state = lambda _: None
    with pytest.raises(CannotReplay, match="is in another one"):
        robot.restore(state)


def test_both_environments_that_were_tried_are_closed() -> None:
    made = []

    def make() -> environments.Cart:
        made.append(environments.Cart())
        return made[-1]

    environments.GymRobot("Cart", make=make).close()
    assert [env.closed for env in made] == [1, 1, 1]


def test_one_that_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(RobotError, match="Install gymnasium and gym-pusht"):
        environments.GymRobot("gym_pusht/PushT-v0")


def test_is_made_again_as_it_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gym_robot, "_made", lambda name, _: environments.KINDS[name]())
    judging = Judging(solved_reward=-0.95, action_dtype="float64")
    description = environments.robot_of("Silent", judging).describe("boot")
    again = GymRobot.from_description(description)
    assert again.describe("boot") == description
    assert again.apply((0.1,)) == (0.1,)
    assert not again.solved()


def test_a_demonstration_recorded_on_an_environment_is_replayed_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gym_robot, "_made", lambda name, _: environments.KINDS[name]())
    robot = environments.robot_of("Delayed")
    states = [robot.snapshot()]
    solved = []
    for _ in range(200):
        robot.apply((1.0,))
        states.append(robot.snapshot())
        solved.append(robot.solved())
    assert all(solved[-11:])
    demonstration = Demonstration(
        name="pushed",
        description=robot.describe("boot"),
        label=Outcome.SUCCESS,
        actions=np.ones((200, 1)),
        states=np.frombuffer(b"".join(states), "<f8").reshape(201, -1),
        start=states[0],
        end=195,
        numbers=np.arange(201),
    )
    evidence = replay(demonstration, make_robot, errors=ERRORS).evidence
    assert judge(evidence)[0] is Kind.EXACT
    with pytest.raises(RobotError, match="leave --scene out"):
        make_robot(demonstration.description, Path("home.xml"))


def goal_of(robot: environments.GymRobot) -> list[float]:
    return [float(value) for value in robot._running.env.model.body("goal").pos]
