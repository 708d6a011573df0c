"""The bundled home: `resources/scenes/home.xml` varied by a seed and compiled.

The same scenario, seed and scene file always give the same model, so a recording needs only those
and the hash. Metres and radians, world frame, unless a name says otherwise.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from teleop.home_troubles import ROVER, SCENARIOS, Scenario
from teleop.mujoco_loading import mujoco
from teleop.robot import RobotError
from teleop.safety import Pose
from teleop.scene_file import SceneFile, bundled_scene, opened

SCENE_FILE: Final = "home.xml"
WHEEL_FRICTION: Final = (0.70, 0.80)  # rubber on varnished wood
TURRET_FRICTION: Final = (0.45, 0.65)  # plastic on upholstery; above tan(6 deg) it jams by itself


@dataclass(frozen=True)
class HomeScene:
    """A compiled home with the rover at its start."""

    name: str
    scenario: Scenario
    seed: int
    model: Any  # mujoco.MjModel
    sha256: str  # of the randomised scene's XML
    assets_sha256: dict[str, str]  # of the scene's files and of each file that they load
    stand: dict[str, Pose]  # of what the start is drawn from

    def begin(self, count: int) -> Pose:
        """Where the rover stands at the `count`-th start, from 1 on; the scene's own is start 0."""
        return self.scenario.begin(self.stand, np.random.default_rng([self.seed, 2, count]))


def build(
    scenario: str, seed: int, scene_path: Path | None = None, *, drawn: bool = False
) -> HomeScene:
    """The home of (`scenario`, `seed`); `scene_path` replaces the bundled scene file.

    Only a model that is `drawn` has what can be seen but not touched. Motion does not depend on it,
    to the last bit, and is a quarter faster without.
    """
    found = SCENARIOS.get(scenario)
    if found is None:
        known = ", ".join(SCENARIOS)
        raise RobotError(f"There is no scenario {scenario!r}. Known: {known}.")
    if seed < 0:
        raise RobotError(f"The seed is {seed}; use a whole number from 0.")
    place, needed_by = "home", "the rover's scenarios"
    with opened(scene_path, SCENE_FILE, place=place, needed_by=needed_by) as file:
        spec = file.spec
        assets = {Path(file.name).name: file.sha256}
        if found.adds:
            part = bundled_scene(f"{found.adds}.xml")
            assets[f"{found.adds}.xml"] = hashlib.sha256(part).hexdigest()
            added = mujoco.MjSpec.from_string(part.decode())
            spec.attach(added, frame=spec.worldbody.add_frame(), prefix=f"{found.adds}/")
        stand = _randomise(file, found, np.random.default_rng([seed, 0]))
        model = spec.compile()
        sha256 = hashlib.sha256(spec.to_xml().encode()).hexdigest()
        assets |= _loaded(spec, Path(file.name))
        if not drawn:
            spec.compiler.discardvisual = True
            model = spec.compile()
    return HomeScene(scenario, found, seed, model, sha256, assets, stand)


def _loaded(spec: Any, scene: Path) -> dict[str, str]:
    """Hash of every mesh, texture and height field that the scene reads from a file."""
    files: dict[str, Path] = {}
    for kind, folder in (
        (spec.meshes, spec.meshdir),
        (spec.textures, spec.texturedir),
        (spec.hfields, spec.texturedir),
    ):
        files |= {part.file: scene.parent / folder / part.file for part in kind if part.file}
    return {name: hashlib.sha256(at.read_bytes()).hexdigest() for name, at in files.items()}


def _randomise(file: SceneFile, scenario: Scenario, rng: np.random.Generator) -> dict[str, Pose]:
    """Vary the home; every draw happens in a fixed order, whatever the scene looks like.

    Returns where the goal's bodies and the arranged ones stand.
    """
    body = file.body

    def place(part: Any, dx: float, dy: float, turn: float) -> None:
        """Move by up to `dx`, `dy`, and turn by up to `turn` beyond the heading in the file."""
        x, y, z = (float(value) for value in part.pos)
        heading = _heading(part)
        move = rng.uniform(-1, 1, 3) * (dx, dy, turn)
        part.pos = [x + move[0], y + move[1], z]
        part.quat = _upright(heading + move[2])

    place(body("sofa"), 0.08, 0.02, 0.025)
    for number in (1, 2, 3, 4):
        place(body(f"chair_{number}"), 0.05, 0.05, 0.2)
    for part, dx, dy, turn in (
        ("rug", 0.04, 0.04, 0.04),
        ("low_table", 0.03, 0.04, 0.08),
        ("toy_ball", 0.15, 0.2, 0.0),
        ("toy_box", 0.05, 0.05, 0.4),
        ("slippers", 0.1, 0.1, 1.0),
        ("plant", 0.03, 0.03, 3.0),
    ):
        place(body(part), dx, dy, turn)

    wheel_grip, turret_grip = rng.uniform(*WHEEL_FRICTION), rng.uniform(*TURRET_FRICTION)
    for wanted, grip in (
        ("left_wheel", wheel_grip),
        ("right_wheel", wheel_grip),
        ("turret", turret_grip),
    ):
        file.rub(wanted, grip)

    stand = {o.body: _pose(body(o.body)) for o in scenario.goal.outlines}
    arranged = scenario.arrange(stand, rng)
    arranged[ROVER] = scenario.begin({**stand, **arranged}, rng)
    for wanted, pose in arranged.items():
        part = body(wanted)
        part.pos = [pose.x_m, pose.y_m, float(part.pos[2])]
        part.quat = _upright(pose.heading_rad)
    _recolour(file, rng)
    return {**stand, **arranged}


def _pose(part: Any) -> Pose:
    return Pose(float(part.pos[0]), float(part.pos[1]), _heading(part))


def _heading(part: Any) -> float:
    return 2 * math.atan2(part.quat[3], part.quat[0])


def _upright(heading_rad: float) -> list[float]:
    return [math.cos(heading_rad / 2), 0.0, 0.0, math.sin(heading_rad / 2)]


SOFA_COLOURS: Final = (
    (0.25, 0.36, 0.50),
    (0.22, 0.36, 0.30),
    (0.42, 0.42, 0.44),
    (0.50, 0.30, 0.22),
    (0.44, 0.38, 0.50),
)
THROW_COLOURS: Final = ((0.75, 0.45, 0.2), (0.8, 0.7, 0.3), (0.75, 0.72, 0.66), (0.5, 0.16, 0.14))


def _recolour(file: SceneFile, rng: np.random.Generator) -> None:
    sofa = np.array(SOFA_COLOURS[int(rng.integers(len(SOFA_COLOURS)))])
    throw = THROW_COLOURS[int(rng.integers(len(THROW_COLOURS)))]
    for material, colour in (("sofa", sofa), ("sofa_cushion", sofa * 1.15), ("throw", throw)):
        file.paint(material, tuple(colour))
