"""The bundled robot: a vacuum-like rover in a simulated home, and its two cameras.

`SimRover` is stepped by the control process, `SimCameras` draws the states it is sent in whatever
thread calls `render`. The complete state is MuJoCo's integration state: the wheel controller has
no memory, nothing random happens after the start, and everything observed is derived anew from
the state, so that a restored rover cannot be told from the one that went on. Time passes in `apply`
only, so the set-point that a `hold` zeroes in between lies outside that state.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.verdict import SOLVED_HOLD_STEPS
from teleop import patrol
from teleop.home_paint import paint
from teleop.home_scene import HomeScene, build
from teleop.mujoco_cameras import MujocoCameras
from teleop.mujoco_loading import mujoco
from teleop.mujoco_robot import HARDWARE, MujocoRobot, simulator_versions
from teleop.patrol import POLICY
from teleop.robot import RobotError, RoverObservation
from teleop.safety import Pose
from transport.channels import TICK_HZ
from transport.messages import STILL, Description, Sight, Twist

MAX_MPS: Final = 0.5  # a brisk household robot; 30 % above what vacuums drive at
MAX_RADPS: Final = 1.5
SUBSTEPS: Final = 8  # of 1/480 s: stiff contacts stay stable, one control tick is 1/60 s
WHEEL_RADIUS_M: Final = 0.036  # of the scene's wheels
TRACK_M: Final = 0.25  # between the wheels
BODY_M: Final = 0.336  # across the shell
FRONT_M: Final = 0.194  # from the axle to the bumper
TORQUE_PER_AMPERE: Final = 0.25  # Nm/A after the gears; stall 0.8 Nm = 3.2 A, usual for such drives
IDLE_A: Final = 0.08  # both motors, no load, while the wheels are driven
BATTERY_START_PCT: Final = 82.0
BATTERY_PCT_PER_S: Final = 100.0 / 5400.0  # an hour and a half of driving

UNITS: Final = {
    "x_m": "m, world",
    "y_m": "m, world",
    "heading_rad": "rad, world, counter-clockwise from +x",
    "speed_mps": "m/s, body, + forward",
    "turn_radps": "rad/s, body, + left",
    "left_wheel_mps": "m/s at the rim, + forward",
    "right_wheel_mps": "m/s at the rim, + forward",
    "tilt_rad": "rad, body's up to the world's",
    "motor_a": "A, both drive motors, magnitudes",
    "battery_pct": "%",
    "bumper": "1 pressed, 0 free",
    "forward_mps": "m/s, body, + forward",
}
CAMERAS: Final = ("front", "ceiling")


class SimRover(MujocoRobot):
    """A `Robot`, `Restorable`, `Movable`, `Resettable`.

    One thread uses it, any may call `hold`; it has none.
    """

    def __init__(self, scenario: str, seed: int, scene_path: Path | None = None) -> None:
        scene = self._scene = build(scenario, seed, scene_path)
        super().__init__(scene.model, scene.sha256)
        model = scene.model
        self._rover = _id(model, mujoco.mjtObj.mjOBJ_BODY, "rover")
        self._bumper = _id(model, mujoco.mjtObj.mjOBJ_GEOM, "bumper")
        if model.nu != 2 or model.nq < 9:
            raise RobotError("The scene's rover needs a free joint and two wheel actuators.")
        goal = self._scene.scenario.goal
        self._in_the_way = {
            outline.body: _id(model, mujoco.mjtObj.mjOBJ_BODY, outline.body)
            for outline in goal.outlines
        }
        mujoco.mj_forward(model, self._data)

    @classmethod
    def from_description(
        cls,
        description: Description,
        *,
        scene_path: Path | None = None,
    ) -> SimRover:
        """The rover that made a recording; another scene is refused."""
        rover = cls(description.scenario, description.seed, scene_path)
        rover.check_recorded(description)
        return rover

    @property
    def scene(self) -> HomeScene:
        """The home this rover drives in."""
        return self._scene

    def describe(self, boot_id: str) -> Description:
        """What this rover is; see `Description`."""
        return Description(
            robot="rover-07",
            robot_type="sim-rover",
            site="home-3 · living room",
            boot_id=boot_id,
            scenario=self._scene.name,
            seed=self._scene.seed,
            scene_sha256=self._scene.sha256,
            task=self._scene.scenario.task,
            tick_hz=TICK_HZ,
            observation_names=RoverObservation.NAMES,
            action_names=("forward_mps", "turn_radps"),
            controller={
                "max_mps": MAX_MPS,
                "max_radps": MAX_RADPS,
                "substeps": float(SUBSTEPS),
                "timestep_s": float(self._model.opt.timestep),
                "wheel_radius_m": WHEEL_RADIUS_M,
                "track_m": TRACK_M,
                "wheel_gain_nm_s": float(self._model.actuator_gainprm[0, 0]),
                "wheel_torque_nm": float(self._model.actuator_forcerange[0, 1]),
            },
            policy=POLICY,
            versions=simulator_versions(),
            cameras=CAMERAS,
            units=UNITS,
            success=self._scene.scenario.goal.success(SOLVED_HOLD_STEPS),
            policy_sha256=hashlib.sha256(Path(patrol.__file__).read_bytes()).hexdigest(),
            hardware=HARDWARE,
            assets_sha256=self._scene.assets_sha256,
            randomness={
                "physics": "draws none",
                "policy": "seed and counter, in the event policy_state at the takeover",
                "scene": "drawn once from scenario and seed, then part of scene_sha256",
            },
            controller_type="wheel speeds, proportional, limited in torque; no filter",
            reset="the scene is built from scenario and seed when control starts; where control "
            "puts it back, the rover's start is drawn from seed and count, see scene_reset",
        )

    def observe(self) -> RoverObservation:
        """Measurements of the present state."""
        data = self._data
        rotation = data.xmat[self._rover].reshape(3, 3)
        torque = np.abs(data.actuator_force[:2]).sum()
        turning = bool(np.any(data.ctrl[:2]))
        wheels = data.qvel[6:8] * WHEEL_RADIUS_M
        return RoverObservation(
            x_m=float(data.qpos[0]),
            y_m=float(data.qpos[1]),
            heading_rad=math.atan2(rotation[1, 0], rotation[0, 0]),
            speed_mps=float(rotation[:, 0] @ data.qvel[0:3]),
            turn_radps=float(data.qvel[5]),
            left_wheel_mps=float(wheels[0]),
            right_wheel_mps=float(wheels[1]),
            tilt_rad=_tilt_rad(rotation),
            motor_a=float(torque / TORQUE_PER_AMPERE + (IDLE_A if turning else 0.0)),
            battery_pct=max(0.0, BATTERY_START_PCT - BATTERY_PCT_PER_S * float(data.time)),
            bumper=self._bumper_pressed(),
        )

    def apply(self, action: Twist) -> Twist:
        """One control tick of 1/60 s at `action`, clipped to the rover's limits."""
        if not (math.isfinite(action.forward_mps) and math.isfinite(action.turn_radps)):
            raise RobotError(f"{action} is not a motion: both speeds must be finite numbers.")
        told = Twist(
            forward_mps=min(MAX_MPS, max(-MAX_MPS, action.forward_mps)),
            turn_radps=min(MAX_RADPS, max(-MAX_RADPS, action.turn_radps)),
        )
        self._set_point = told
        self._turn_wheels(told)
        mujoco.mj_step(self._model, self._data, SUBSTEPS)
        # Contacts, poses and motor forces are those of before the last substep until now.
        mujoco.mj_forward(self._model, self._data)
        if not np.isfinite(self._data.qvel).all():
            raise RobotError("The simulation has diverged; restart the robot, and check its scene.")
        return told

    def restore(self, state: bytes) -> None:
        """Return to a `snapshot` of this scene."""
        super().restore(state)
        mujoco.mj_forward(self._model, self._data)

    def reset(self, count: int) -> None:
        """Begin anew: the rover where seed and `count` put it, everything else as it was first."""
        begin, data = self._scene.begin(count), self._data
        mujoco.mj_resetData(self._model, data)
        data.qpos[:2] = begin.x_m, begin.y_m  # the rover's joint is the first
        half_rad = begin.heading_rad / 2
        data.qpos[3:7] = math.cos(half_rad), 0.0, 0.0, math.sin(half_rad)
        mujoco.mj_forward(self._model, data)
        self._set_point = STILL

    def moved(self, state: bytes, forward_m: float, left_m: float) -> bytes:
        """`state` with the rover so far along the world's x and y; all else as it was."""
        numbers = np.frombuffer(state, "<f8").copy()
        names = [part.name for part in self.state_parts()]
        numbers[names.index("rover x")] += forward_m
        numbers[names.index("rover y")] += left_m
        return numbers.tobytes()

    def solved(self) -> bool:
        """Whether the scenario's goal holds in the present state."""
        tilt_rad = _tilt_rad(self._data.xmat[self._rover].reshape(3, 3))
        in_the_way = {name: self._pose(body) for name, body in self._in_the_way.items()}
        return self._scene.scenario.goal.reached(self._pose(self._rover), tilt_rad, in_the_way)

    def _turn_wheels(self, twist: Twist) -> None:
        """Differential drive: rim speed of each wheel, as rad/s."""
        spread_mps = twist.turn_radps * TRACK_M / 2
        self._data.ctrl[0] = (twist.forward_mps - spread_mps) / WHEEL_RADIUS_M
        self._data.ctrl[1] = (twist.forward_mps + spread_mps) / WHEEL_RADIUS_M

    def _pose(self, body: int) -> Pose:
        rotation = self._data.xmat[body]
        x_m, y_m, _ = (float(value) for value in self._data.xpos[body])
        return Pose(x_m, y_m, math.atan2(rotation[3], rotation[0]))

    def _bumper_pressed(self) -> bool:
        """Whether anything touches the bumper, which stands proud of the shell in front only."""
        pairs = self._data.contact.geom
        return bool(np.any(pairs == self._bumper))


def _tilt_rad(rotation: Any) -> float:
    """Angle between the body's up and the world's."""
    return math.acos(min(1.0, max(-1.0, float(rotation[2, 2]))))


def _id(model: Any, kind: Any, name: str) -> int:
    found = int(mujoco.mj_name2id(model, kind, name))
    if found < 0:
        raise RobotError(f"The scene has no {name!r}; compare with the bundled home.xml.")
    return found


class SimCameras(MujocoCameras):
    """The two cameras of a `SimRover`."""

    def __init__(
        self,
        scenario: str,
        seed: int,
        scene_path: Path | None = None,
        width: int = 640,
        height: int = 480,
    ) -> None:
        model = build(scenario, seed, scene_path, drawn=True).model
        super().__init__(model, CAMERAS, lambda drawn: paint(drawn, seed), width, height)

    def sight(self, camera: str) -> Sight | None:
        """Of the camera on the rover, while that stands level."""
        seen = self.settings(camera)
        if seen.frame != "rover" or seen.position_m is None or seen.rotation_wxyz is None:
            return None
        if seen.focal_px is None or seen.centre_px is None:
            return None
        x, y, z = seen.position_m  # from the axle, which is a wheel's radius above the floor
        return Sight(
            focal_px=seen.focal_px,
            centre_px=seen.centre_px,
            position_m=(x, y, z + WHEEL_RADIUS_M),
            rotation_wxyz=seen.rotation_wxyz,
            width_px=self.width,
            body_m=BODY_M,
            front_m=FRONT_M,
        )
