"""A robot with LeRobot's interface is driven as it is, and nothing is claimed about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder.replayable import CannotReplay
from teleop.lerobot_loading import load_robot, read_config
from teleop.lerobot_robot import LeRobotRobot
from teleop.robot import RobotError
from teleop.robot_names import LeRobotName
from tests.replay_conformance import CannotReturnConformance


class CameraConfig:
    """A choice by its `type`, as draccus makes them."""

    @classmethod
    def get_choice_class(cls, name: str) -> type[CameraConfig]:
        return {"opencv": OpenCVCameraConfig}[name]


@dataclass
class OpenCVCameraConfig(CameraConfig):
    index: int
    width: int = 640


@dataclass
class FollowerConfig:
    """As LeRobot's: fields with nested choices."""

    port: str
    id: str | None = None
    calibration_dir: Path | None = None
    cameras: dict[str, CameraConfig] = field(default_factory=dict)


class Follower:
    """Two joints in degrees and a gripper in percent, clipped to 20 a step; one camera."""

    config_class = FollowerConfig
    name = "follower"
    is_calibrated = True

    def __init__(self, config: FollowerConfig) -> None:
        self.config = config
        self.id = config.id
        self.is_connected = False
        self.at = {"pan.pos": 0.0, "lift.pos": 0.0, "gripper.pos": 50.0}
        self.said: list[str] = []

    @property
    def action_features(self) -> Mapping[str, Any]:
        return dict.fromkeys(self.at, float)

    @property
    def observation_features(self) -> Mapping[str, Any]:
        return {**dict.fromkeys(self.at, float), "wrist": (48, 64, 3)}

    def connect(self, calibrate: bool = True) -> None:
        self.said.append(f"connect calibrate={calibrate}")
        self.is_connected = True

    def disconnect(self) -> None:
        self.said.append("disconnect")
        self.is_connected = False

    def get_observation(self) -> Mapping[str, Any]:
        return {**self.at, "wrist": np.zeros((48, 64, 3), np.uint8)}

    def send_action(self, action: dict[str, Any]) -> Mapping[str, Any]:
        for name, wanted in action.items():
            self.at[name] += min(20.0, max(-20.0, wanted - self.at[name]))
        return dict(sorted(self.at.items()))  # in another order than it was asked


def follower() -> LeRobotRobot:
    robot = LeRobotRobot(Follower(FollowerConfig("/dev/null")), units={"pan.pos": "deg"})
    robot.connect()
    return robot


class TestFollower(CannotReturnConformance):
    factory = "tests.unit.test_lerobot_robot:follower"


def test_says_in_a_sentence_that_it_cannot_be_put_back_nor_judge() -> None:
    robot = follower()
    with pytest.raises(CannotReplay, match="neither it nor what stands around it"):
        robot.restore(b"")
    with pytest.raises(CannotReplay, match="whoever watches does"):
        robot.solved()


def test_returns_what_the_robot_says_that_it_did_in_the_order_of_the_actions() -> None:
    assert follower().apply((10.0, -5.0, 90.0)) == (10.0, -5.0, 70.0)


def test_measures_numbers_and_keeps_cameras_apart() -> None:
    robot = follower()
    assert robot.observe().values() == (0.0, 0.0, 50.0)
    description = robot.describe("boot")
    assert description.observation_names == ("pan.pos", "lift.pos", "gripper.pos")
    assert description.cameras == ("wrist",)
    assert description.units == {"pan.pos": "deg"}
    assert description.robot_type == "lerobot:follower"


def test_no_calibration_is_begun_and_a_missing_one_is_told() -> None:
    inner = Follower(FollowerConfig("/dev/null"))
    inner.is_calibrated = False
    with pytest.raises(RobotError, match="lerobot-calibrate"):
        LeRobotRobot(inner).connect()
    assert inner.said == ["connect calibrate=False", "disconnect"]


def test_lets_go_once() -> None:
    inner = Follower(FollowerConfig("/dev/null"))
    robot = LeRobotRobot(inner)
    robot.connect()
    robot.close()
    robot.close()
    assert inner.said[1:] == ["disconnect"]


def test_a_robot_that_does_not_say_what_it_did_is_not_believed() -> None:
    class Silent(Follower):
        def send_action(self, action: dict[str, Any]) -> Any:
            return None

    class Partial(Follower):
        def send_action(self, action: dict[str, Any]) -> Any:
            return {"pan.pos": 1.0}

    for kind in (Silent, Partial):
        with pytest.raises(RobotError, match="does not say what"):
            LeRobotRobot(kind(FollowerConfig("x"))).apply((0.0, 0.0, 0.0))


def test_an_action_that_is_more_than_a_number_is_refused() -> None:
    class Base(Follower):
        @property
        def action_features(self) -> Mapping[str, Any]:
            return {"wheels": (2,)}

    with pytest.raises(RobotError, match="wheels as more than one number"):
        LeRobotRobot(Base(FollowerConfig("x")))


def test_a_unit_of_a_joint_that_is_not_there_is_told() -> None:
    with pytest.raises(RobotError, match=r"has no elbow\.pos"):
        LeRobotRobot(Follower(FollowerConfig("x")), units={"elbow.pos": "deg"})


CONFIG = """
tick_hz = 50
[robot]
port = "/dev/ttyACM0"
id = "black"
calibration_dir = "calibrations"
[robot.cameras.wrist]
type = "opencv"
index = 2
[units]
"pan.pos" = "deg"
"""
FOLLOWER = LeRobotName("tests.unit.test_lerobot_robot", "Follower")


def test_a_class_is_made_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "robot.toml"
    path.write_text(CONFIG)
    robot = load_robot(FOLLOWER, path)
    description = robot.describe("boot")
    assert description.tick_hz == 50
    assert description.units == {"pan.pos": "deg"}
    assert description.hardware["serial"] == "black"
    config = robot._robot.config  # type: ignore[attr-defined]
    assert config.calibration_dir == Path("calibrations")
    # By name: the module is loaded once for pytest and once by its name.
    assert type(config.cameras["wrist"]).__name__ == "OpenCVCameraConfig"
    assert config.cameras["wrist"].index == 2


def test_a_kind_of_camera_whose_module_nobody_imported_yet_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In LeRobot importing `lerobot.cameras.opencv` is what registers `opencv`."""
    package = tmp_path / "rig"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "configs.py").write_text(
        "from dataclasses import dataclass, field\n"
        "KINDS = {}\n"
        "class CameraConfig:\n"
        "    @classmethod\n"
        "    def get_choice_class(cls, name):\n"
        "        return KINDS[name]\n"
        "@dataclass\n"
        "class RigConfig:\n"
        "    cameras: dict[str, CameraConfig] = field(default_factory=dict)\n"
    )
    (package / "thermal.py").write_text(
        "from dataclasses import dataclass\n"
        "from rig.configs import KINDS, CameraConfig\n"
        "@dataclass\n"
        "class ThermalConfig(CameraConfig):\n"
        "    index: int\n"
        "KINDS['flir_thermal'] = ThermalConfig\n"
    )
    (package / "moves_the_robot.py").write_text("raise SystemExit\n")
    (package / "arm.py").write_text(
        "from tests.unit.test_lerobot_robot import Follower\n"
        "from rig.configs import RigConfig\n"
        "class Rig(Follower):\n"
        "    config_class = RigConfig\n"
        "    def __init__(self, config):\n"
        "        self.config = config\n"
        "        self.at = {'pan.pos': 0.0}\n"
        "        self.is_connected = False\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "robot.toml"
    path.write_text("[robot.cameras.wrist]\ntype = 'flir_thermal'\nindex = 2\n")
    robot = load_robot(LeRobotName("rig.arm", "Rig"), path)
    camera = robot._robot.config.cameras["wrist"]  # type: ignore[attr-defined]
    assert (type(camera).__name__, camera.index) == ("ThermalConfig", 2)


def test_a_robot_without_an_id_has_no_serial_number() -> None:
    robot = LeRobotRobot(Follower(FollowerConfig("/dev/null")))
    assert robot.describe("boot").hardware["serial"] == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[robot]\nbaud = 1\n", "Follower does not take"),
        (
            "[robot]\nport = 'x'\n[robot.cameras.wrist]\ntype = 'zed'\n",
            "no CameraConfig of the type 'zed'",
        ),
        ("speed = 2\n", "it may say robot, units and tick_hz"),
        ("tick_hz = 0\n", "tick_hz is 0"),
        ("units = 3\n", "has to be a table"),
        ("[robot\n", "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "robot.toml"
    path.write_text(text)
    with pytest.raises(RobotError, match=message):
        load_robot(FOLLOWER, path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RobotError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("module", "class_name", "message"),
    [
        ("no.such.module", "Arm", "Install what it is part of"),
        ("tests.unit.test_lerobot_robot", "NoSuch", "There is no NoSuch"),
        ("datetime", "datetime", "does not take no configuration"),
        ("collections", "OrderedDict", "is no LeRobot robot"),
    ],
)
def test_a_class_that_is_none_is_told(module: str, class_name: str, message: str) -> None:
    with pytest.raises(RobotError, match=message):
        load_robot(LeRobotName(module, class_name), None)
