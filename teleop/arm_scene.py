"""The bundled table: `resources/scenes/arm.xml` for one task, varied by a seed and compiled.

A seed decides where tray or target are, frictions and colours: the model. Where the object and the
hand start is drawn from the seed and a count, and is part of the state, so that one model serves
any number of attempts. Metres and radians, frame of the arm's base, unless a name says otherwise.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from teleop.arm_goal import Goal
from teleop.arm_kinematics import HandPose
from teleop.robot import RobotError
from teleop.scene_file import SceneFile, opened

SCENE_FILE: Final = "arm.xml"
LOOK_GROUP: Final = 1  # of geoms that are only looked at

# What a seed varies, and why in these ranges.
TRAY_AT_M: Final = ((0.30, 0.38), (0.15, 0.19))  # x, and y to either side: reached from above
TRAY_TURN_RAD: Final = 0.2
TARGET_AT_M: Final = ((0.40, 0.43), (-0.08, 0.08))  # a push away from the base, and aside
TABLE_FRICTION: Final = (0.30, 0.45)  # wood and plastic on laminate
RUBBER_FRICTION: Final = (0.9, 1.2)  # silicone pads
# What a start varies.
CUBE_AT_M: Final = ((0.28, 0.40), (0.07, 0.20))  # beside the arm at rest, away from the tray
PUCK_AT_M: Final = ((0.27, 0.31), (-0.10, 0.10))
HAND_AT_M: Final = ((0.185, 0.215), (-0.03, 0.03), (0.18, 0.22))
HAND_TURN_RAD: Final = 0.15


@dataclass(frozen=True)
class ArmTask:
    """What is to be done, and which bodies of the scene it needs."""

    task: str
    object: str  # the body that is moved
    goal: str  # the body that says where to


TASKS: Final[dict[str, ArmTask]] = {
    "pick-place": ArmTask("Put the cube into the tray", "cube", "tray"),
    "push": ArmTask("Push the puck into the circle", "puck", "target"),
}


@dataclass(frozen=True)
class ArmScene:
    """A compiled table with the arm and what one task needs."""

    task_name: str
    seed: int
    task: ArmTask
    model: Any  # mujoco.MjModel
    sha256: str  # of the randomised scene's XML, looks included
    assets_sha256: dict[str, str]
    goal: Goal


@dataclass(frozen=True)
class Start:
    """Where an attempt begins."""

    object_x_m: float
    object_y_m: float
    object_turn_rad: float
    hand: HandPose


def build(task: str, seed: int, scene_path: Path | None = None, *, looks: bool) -> ArmScene:
    """The table of (`task`, `seed`); `scene_path` replaces the bundled scene file.

    Physics needs no `looks`: leaving out what touches nothing makes a step a third faster and
    changes no number of it. The hash is that of the whole scene either way.
    """
    if task not in TASKS:
        raise RobotError(f"There is no task {task!r}. Known: {', '.join(TASKS)}.")
    if seed < 0:
        raise RobotError(f"The seed is {seed}; use a whole number from 0.")
    place, needed_by = "table", "the arm's tasks"
    with opened(scene_path, SCENE_FILE, place=place, needed_by=needed_by) as file:
        goal = _randomise(file, task, np.random.default_rng([seed, 0]))
        model = file.spec.compile()
        sha256 = hashlib.sha256(file.spec.to_xml().encode()).hexdigest()
        if not looks:
            model = _bare(file.spec).compile()
    assets = {Path(file.name).name: file.sha256}
    return ArmScene(task, seed, TASKS[task], model, sha256, assets, goal)


def start(scene: ArmScene, count: int) -> Start:
    """The `count`-th start of this scene, 0 being the first."""
    rng = np.random.default_rng([scene.seed, 2, count])
    x, y, z = (float(rng.uniform(*span)) for span in HAND_AT_M)
    hand = HandPose(x, y, z, float(rng.uniform(-HAND_TURN_RAD, HAND_TURN_RAD)))
    if scene.task.object == "puck":
        along, across = (float(rng.uniform(*span)) for span in PUCK_AT_M)
        return Start(along, across, float(rng.uniform(-math.pi, math.pi)), hand)
    along, across = (float(rng.uniform(*span)) for span in CUBE_AT_M)
    turn = float(rng.uniform(-math.pi / 4, math.pi / 4))
    return Start(along, math.copysign(across, -scene.goal.y_m), turn, hand)


def _bare(spec: Any) -> Any:
    """The scene without what is only looked at."""
    for geom in list(spec.geoms):
        if geom.group == LOOK_GROUP:
            spec.delete(geom)
    for part in (*list(spec.lights), *list(spec.cameras)):
        spec.delete(part)
    return spec


def _randomise(file: SceneFile, task: str, rng: np.random.Generator) -> Goal:
    """Vary the table; every draw happens in a fixed order, whatever the task."""
    along, across = (float(rng.uniform(*span)) for span in TRAY_AT_M)
    tray = Goal(
        along,
        across if rng.integers(2) else -across,
        float(rng.uniform(-TRAY_TURN_RAD, TRAY_TURN_RAD)),
    )
    along, across = (float(rng.uniform(*span)) for span in TARGET_AT_M)
    goals = {"tray": tray, "target": Goal(along, across, 0.0)}
    for wanted, goal in goals.items():
        body = file.body(wanted)
        body.pos = [goal.x_m, goal.y_m, float(body.pos[2])]
        body.quat = [math.cos(goal.turn_rad / 2), 0.0, 0.0, math.sin(goal.turn_rad / 2)]

    slides, grips = rng.uniform(*TABLE_FRICTION), rng.uniform(*RUBBER_FRICTION)
    for wanted, friction in (
        ("table", slides),
        ("cube", slides),
        ("puck", slides),
        *((f"{side}_pad_{number}", grips) for side in ("left", "right") for number in (1, 2)),
    ):
        file.rub(wanted, friction)
    _recolour(file, rng)
    for other in TASKS.values():
        for wanted in (other.object, other.goal):
            body = file.body(wanted)
            if task != next(key for key, value in TASKS.items() if value is other):
                file.spec.delete(body)
    return goals[TASKS[task].goal]


# Hues stay, so that a task is found by colour; how light and how pure they are varies.
MATERIALS: Final = {
    "cube": (0.82, 0.13, 0.10),
    "tray": (0.30, 0.33, 0.36),
    "tray_floor": (0.12, 0.50, 0.22),
    "puck": (0.10, 0.30, 0.78),
    "target": (0.12, 0.55, 0.22),
}


def _recolour(file: SceneFile, rng: np.random.Generator) -> None:
    for material, colour in MATERIALS.items():
        light = float(rng.uniform(0.88, 1.12))
        file.paint(material, tuple(min(1.0, part * light) for part in colour))
