"""The list of scenarios: all that takes part in one is made from it, and fits together."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from teleop.axes import kind_of
from teleop.cli import app
from teleop.replay_robots import ROBOTS
from teleop.robot import Robot
from teleop.safety import ConfigError
from teleop.scenarios import DEFAULT_SCENARIO, LIMITS, SCENARIOS, Scenario, scenario
from transport.messages import RobotKind

every = pytest.mark.parametrize("asked", SCENARIOS.values(), ids=list(SCENARIOS))


@pytest.fixture
def robot(asked: Scenario) -> Robot:
    return asked.make_robot(0, None)


@every
def test_the_robot_is_what_the_list_says(asked: Scenario, robot: Robot) -> None:
    description = robot.describe("boot")
    assert scenario(asked.name) is asked
    assert description.scenario == asked.name
    assert description.robot_type == asked.robot_type
    assert description.task == asked.task
    assert description.cameras == asked.cameras
    assert kind_of(description.action_names) is asked.kind
    assert len(robot.observe().values()) == len(description.observation_names)
    assert asked.story.endswith(".")


@every
def test_its_limits_are_within_what_the_robot_carries_out(asked: Scenario, robot: Robot) -> None:
    controller = robot.describe("boot").controller
    for name in ("max_mps", "max_radps", "max_grip_ps"):
        assert getattr(asked.limits, name) <= controller.get(name, float("inf"))


@every
def test_its_cameras_policy_watch_and_operator_can_be_made(asked: Scenario, robot: Robot) -> None:
    assert asked.make_cameras(0, None).names == asked.cameras
    policy, stuck, script = asked.make_policy(0), asked.make_stuck(), asked.make_script(0)
    policy.act(robot.observe())
    assert stuck.diagnosis(0) is None
    assert (script.waiting, script.driving_since_ns, script.done) == (True, None, False)


@every
def test_its_episodes_can_be_replayed(asked: Scenario, robot: Robot) -> None:
    assert asked.robot_type in ROBOTS
    ROBOTS[asked.robot_type](robot.describe("boot"), None)


def test_the_list_loads_no_simulator() -> None:
    code = "import sys, teleop.scenarios; print('mujoco' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_name_that_is_not_on_the_list_is_told_what_is() -> None:
    with pytest.raises(ConfigError) as caught:
        scenario("wedged-under-the-sofa")
    assert str(caught.value).endswith("did you mean wedged-under-sofa?")
    with pytest.raises(ConfigError) as caught:
        scenario("x")
    assert f"there are {', '.join(SCENARIOS)}" in str(caught.value)


@pytest.mark.parametrize("command", ["agent", "demo"])
def test_the_commands_list_the_scenarios_and_refuse_others_before_they_start(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout
    assert all(name in shown for name in SCENARIOS)
    done = CliRunner().invoke(app, [command, "--scenario", "none"])
    assert isinstance(done.exception, ConfigError)


def test_an_arm_is_limited_to_a_speed_at_which_people_get_out_of_its_way() -> None:
    assert LIMITS[RobotKind.ARM].max_mps == 0.25
    assert scenario(DEFAULT_SCENARIO).kind is RobotKind.ROVER
