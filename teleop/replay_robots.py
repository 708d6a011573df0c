"""Which robot a demonstration is replayed on, by `Description.robot_type`.

Simulators are imported when one is made: a console has none.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from recorder.driven import Driven
from recorder.replayable import Eye, Replayable
from teleop.gym_robot import KIND, GymRobot
from teleop.robot import RobotError
from teleop.scenarios import SCENARIOS
from transport.messages import Description

MakeRobot = Callable[[Description, Path | None], Replayable]


def _sim_rover(description: Description, scene: Path | None) -> Replayable:
    try:
        from teleop.sim_rover import SimRover
    except ModuleNotFoundError as error:
        raise _no_simulator(error) from None
    rover = SimRover.from_description(description, scene_path=scene)
    return Driven(rover, description.action_names)


def _sim_arm(description: Description, scene: Path | None) -> Replayable:
    try:
        from teleop.sim_arm import SimArm
    except ModuleNotFoundError as error:
        raise _no_simulator(error) from None
    arm = SimArm.from_description(description, scene_path=scene)
    return Driven(arm, description.action_names)


def _environment(description: Description, scene: Path | None) -> Replayable:
    if scene is not None:
        raise RobotError("an environment brings its own scene: leave --scene out")
    return GymRobot.from_description(description)


ROBOTS: Final[dict[str, MakeRobot]] = {"sim-rover": _sim_rover, "sim-arm": _sim_arm}

SIMULATORS: Final = ("teleop.sim_rover", "teleop.sim_arm")


def make_robot(description: Description, scene: Path | None = None) -> Replayable:
    """A fresh robot like the recorded one; `scene` is the file it was recorded with, if another.

    Raises:
        RobotError: there is none of this type here.
    """
    gym = description.robot_type.startswith(KIND)
    make = _environment if gym else ROBOTS.get(description.robot_type)
    if make is None:
        raise RobotError(
            f"no robot of type {description.robot_type!r} can be replayed here; "
            f"there are: {', '.join(ROBOTS)}, {KIND}ID"
        )
    return make(description, scene)


def make_eye(description: Description, scene: Path | None = None) -> Eye | None:
    """What draws the cameras of a bundled robot in any of its states; None for other robots.

    Raises:
        RobotError: there are no graphics here.
    """
    known = SCENARIOS.get(description.scenario)
    if known is None or known.robot_type != description.robot_type:
        return None
    rig = known.make_cameras(description.seed, scene)
    from teleop.mujoco_cameras import MujocoCameras

    if isinstance(rig, MujocoCameras):
        rig.gives_way = False  # nothing is on its way to a screen
    rig.open()
    return cast(Eye, rig)


def preload() -> None:
    """Import the simulators that are installed, which takes longer than most replays."""
    for module in SIMULATORS:
        with suppress(ModuleNotFoundError):
            importlib.import_module(module)


def _no_simulator(error: ModuleNotFoundError) -> RobotError:
    return RobotError(f"the simulator is not installed ({error}): pip install 'unstick[sim]'")
