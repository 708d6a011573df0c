"""Our adapter drives what really derives from LeRobot's `Robot`. Run by `run.py`, where that is.

LeRobot's SO-101, with motors of ours on its bus: they go where they are told, at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from lerobot.robots import Robot
from lerobot.robots.so_follower import SOFollower, SOFollowerRobotConfig

from teleop.lerobot_loading import load_robot
from teleop.lerobot_robot import LeRobotRobot
from teleop.robot import RobotError
from teleop.robot_names import parse
from tests.replay_conformance import CannotReturnConformance

NAME = "lerobot:lerobot.robots.so_follower:SO101Follower"
LEROBOT = "0.6.1"


class Motors:
    """What LeRobot's robot asks of its bus."""

    def __init__(self, names: list[str]) -> None:
        self.motors = dict.fromkeys(names, "sts3215")
        self.at = dict.fromkeys(names, 0.0)
        self.is_connected = False
        self.is_calibrated = True

    def connect(self) -> None:
        self.is_connected = True

    def disconnect(self, disable_torque: bool) -> None:
        self.is_connected = False

    @contextmanager
    def torque_disabled(self) -> Iterator[None]:
        yield

    def configure_motors(self) -> None:
        """There is nothing to set."""

    def write(self, name: str, motor: str, value: int) -> None:
        """There is nothing to set."""

    def sync_read(self, name: str, num_retry: int) -> dict[str, float]:
        return dict(self.at)

    def sync_write(self, name: str, values: Mapping[str, float]) -> None:
        self.at.update(values)


def real() -> SOFollower:
    """Not connected yet; moves by 20 degrees at most with each action."""
    robot = SOFollower(SOFollowerRobotConfig(port="/dev/null", max_relative_target=20.0))
    robot.bus = Motors(list(robot.bus.motors))
    return robot


def so_follower() -> LeRobotRobot:
    """Connected."""
    inner = real()
    assert isinstance(inner, Robot)
    robot = LeRobotRobot(inner)
    robot.connect()
    return robot


class TestSOFollower(CannotReturnConformance):
    factory = "tests.lerobot.judge_robot:so_follower"


def test_returns_what_lerobot_made_of_an_action() -> None:
    told = so_follower().apply((90.0, -90.0, 5.0, 0.0, 0.0, 50.0))
    assert told == (20.0, -20.0, 5.0, 0.0, 0.0, 20.0)


def test_measures_where_it_went() -> None:
    robot = so_follower()
    told = robot.apply((1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert robot.observe().values() == told


def test_one_that_is_not_calibrated_is_let_go_and_told() -> None:
    inner = real()
    inner.bus.is_calibrated = False
    with pytest.raises(RobotError, match="lerobot-calibrate"):
        LeRobotRobot(inner).connect()
    assert not inner.is_connected


def test_lets_go_once() -> None:
    robot = so_follower()
    robot.close()
    robot.close()


def test_a_real_class_is_made_from_a_file_with_a_camera(tmp_path: Path) -> None:
    config = tmp_path / "robot.toml"
    config.write_text(
        "[robot]\n"
        "port = '/dev/null'\n"
        "id = 'black'\n"
        f"calibration_dir = '{tmp_path}'\n"
        "[robot.cameras.wrist]\n"
        "type = 'opencv'\n"
        "index_or_path = '/dev/video2'\n"
        "width = 640\n"
        "height = 480\n"
        "fps = 30\n"
        "[units]\n"
        "'shoulder_pan.pos' = 'deg'\n"
    )
    described = load_robot(parse(NAME), config).describe("boot")
    assert described.cameras == ("wrist",)
    assert described.action_names == described.observation_names
    assert described.action_names[0] == "shoulder_pan.pos"
    assert described.hardware == {"model": "so_follower", "serial": "black"}
    assert described.versions["lerobot"] == LEROBOT
