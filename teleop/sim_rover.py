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
import platform
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.provenance import CameraSettings
from recorder.replayable import StatePart
from recorder.verdict import SOLVED_HOLD_STEPS
from teleop import patrol
from teleop.home_paint import paint
from teleop.home_scene import GL_PROBLEM, HomeScene, build, mujoco
from teleop.mujoco_state import set_state, state_bytes, state_parts
from teleop.patrol import POLICY
from teleop.robot import Image, RobotError, RoverObservation
from teleop.safety import Pose
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, now_ns, sleep_until
from transport.messages import STILL, Description, Twist

MAX_MPS: Final = 0.5  # a brisk household robot; 30 % above what vacuums drive at
MAX_RADPS: Final = 1.5
SUBSTEPS: Final = 8  # of 1/480 s: stiff contacts stay stable, one control tick is 1/60 s
WHEEL_RADIUS_M: Final = 0.036  # of the scene's wheels
TRACK_M: Final = 0.25  # between the wheels
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
# Drawing in software takes every core. The picture drawn before has them first, for its way to the
# screen, which takes 6 to 7 ms: its age falls by 5 ms, that of the next grows by 1 to 2 (measured
# on two cores).
GO_FIRST_NS: Final = 8 * NS_PER_MS
SLOW_NS: Final = 10 * NS_PER_MS  # drawing that takes as long has no time for that


class SimRover:
    """A `Robot`, `Restorable`, `Movable`. One thread uses it, any may call `hold`; it has none."""

    def __init__(self, scenario: str, seed: int, scene_path: Path | None = None) -> None:
        self._scene = build(scenario, seed, scene_path)
        model = self._model = self._scene.model
        self._data = mujoco.MjData(model)
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
        self._set_point = STILL

    @classmethod
    def from_description(
        cls,
        description: Description,
        *,
        scene_path: Path | None = None,
    ) -> SimRover:
        """The rover that made a recording; another scene is refused."""
        rover = cls(description.scenario, description.seed, scene_path)
        if rover.scene_sha256 != description.scene_sha256:
            raise RobotError(
                f"The scene of {description.scenario!r}, seed {description.seed}, is not the one "
                f"that was recorded: {rover.scene_sha256[:12]} here, "
                f"{description.scene_sha256[:12]} there. Replay with the version that recorded it."
            )
        return rover

    @property
    def set_point(self) -> Twist:
        """What the wheels are told to do now."""
        return self._set_point

    @property
    def scene_sha256(self) -> str:
        """Hash of the compiled scene's XML."""
        return self._scene.sha256

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
            versions={
                "mujoco": str(mujoco.__version__),
                "numpy": np.__version__,
                "python": platform.python_version(),
                "machine": platform.machine(),
            },
            cameras=CAMERAS,
            units=UNITS,
            success=self._scene.scenario.goal.success(SOLVED_HOLD_STEPS),
            policy_sha256=hashlib.sha256(Path(patrol.__file__).read_bytes()).hexdigest(),
            hardware={"model": "bundled MJCF", "serial": "simulated", "firmware": "none"},
            assets_sha256=self._scene.assets_sha256,
            randomness={
                "physics": "draws none",
                "policy": "seed and counter, in the event policy_state at the takeover",
                "scene": "drawn once from scenario and seed, then part of scene_sha256",
            },
            controller_type="wheel speeds, proportional, limited in torque; no filter",
            reset="none: the scene is built from scenario and seed when control starts",
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

    def hold(self) -> None:
        """Ask both wheels to stand still.

        MuJoCo's data is left alone: a step may be using it, and its control belongs to the tick
        that was applied. The simulated wheels never turn between two ticks.
        """
        self._set_point = STILL

    def snapshot(self) -> bytes:
        """MuJoCo's integration state, little-endian float64."""
        return state_bytes(self._model, self._data)

    def restore(self, state: bytes) -> None:
        """Return to a `snapshot` of this scene."""
        set_state(self._model, self._data, state)
        mujoco.mj_forward(self._model, self._data)

    def moved(self, state: bytes, forward_m: float, left_m: float) -> bytes:
        """`state` with the rover so far along the world's x and y; all else as it was."""
        numbers = np.frombuffer(state, "<f8").copy()
        names = [part.name for part in self.state_parts()]
        numbers[names.index("rover x")] += forward_m
        numbers[names.index("rover y")] += left_m
        return numbers.tobytes()

    def state_parts(self) -> tuple[StatePart, ...]:
        """What each number of a snapshot is."""
        return state_parts(self._model)

    def solved(self) -> bool:
        """Whether the scenario's goal holds in the present state."""
        tilt_rad = _tilt_rad(self._data.xmat[self._rover].reshape(3, 3))
        in_the_way = {name: self._pose(body) for name, body in self._in_the_way.items()}
        return self._scene.scenario.goal.reached(self._pose(self._rover), tilt_rad, in_the_way)

    def close(self) -> None:
        """Nothing to release; the wheels are told to stand still."""
        self.hold()

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


class SimCameras:
    """The two cameras of a `SimRover`, drawn from the states it is handed (a `CameraRig`).

    The graphics context belongs to the thread of the first `render`; call `close` there too.
    """

    names: tuple[str, ...] = CAMERAS
    noisy: bool = False  # where nothing moves, two pictures are the same

    def __init__(
        self,
        scenario: str,
        seed: int,
        scene_path: Path | None = None,
        width: int = 640,
        height: int = 480,
    ) -> None:
        self.width = width
        self.height = height
        self._seed = seed
        self._model = build(scenario, seed, scene_path, drawn=True).model
        self._data = mujoco.MjData(self._model)
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._option = mujoco.MjvOption()
        self._option.geomgroup[3] = 0  # collision shapes of the rover
        self._scene = mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 50)
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._gl: Any = None
        self._context: Any = None
        self._drawn_ns = self._took_ns = 0

    def render(self, camera: str, state: bytes) -> Image:
        """The picture of `camera` for a rover's snapshot."""
        if self._took_ns < SLOW_NS:
            sleep_until(self._drawn_ns + GO_FIRST_NS)
        begin_ns = now_ns()
        self._view.fixedcamid = _id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, camera)
        set_state(self._model, self._data, state)
        # Poses of bodies, cameras and lights; contacts and forces cannot be seen.
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        if self._context is None:
            self.open()
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self._model,
            self._data,
            self._option,
            None,
            self._view,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        mujoco.mjr_render(self._rect, self._scene, self._context)
        bottom_up = np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_readPixels(bottom_up, None, self._rect, self._context)
        picture = np.ascontiguousarray(bottom_up[::-1])
        self._drawn_ns = now_ns()
        self._took_ns = self._drawn_ns - begin_ns
        return picture

    def settings(self, camera: str) -> CameraSettings:
        """Of the simulated camera: an exact pinhole."""
        number = _id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, camera)
        body = self._model.body(self._model.cam_bodyid[number]).name
        focal_px = self.height / 2 / math.tan(math.radians(self._model.cam_fovy[number]) / 2)
        x, y, z = (float(v) for v in self._model.cam_pos[number])
        qw, qx, qy, qz = (float(v) for v in self._model.cam_quat[number])
        return CameraSettings(
            serial="simulated",
            frame=body,
            position_m=(x, y, z),
            rotation_wxyz=(qw, qx, qy, qz),
            focal_px=(focal_px, focal_px),
            centre_px=(self.width / 2, self.height / 2),
        )

    def close(self) -> None:
        """Release the graphics context; idempotent."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
            self._context = None
        if self._gl is not None:
            self._gl.free()
            self._gl = None

    def open(self) -> None:
        """Make a graphics context in this thread and upload the painted scene."""
        if GL_PROBLEM:
            raise RobotError(_no_graphics(GL_PROBLEM))
        self._model.vis.global_.offwidth = self.width
        self._model.vis.global_.offheight = self.height
        paint(self._model, self._seed)
        try:
            self._gl = mujoco.GLContext(self.width, self.height)
            self._gl.make_current()
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except (ImportError, AttributeError, OSError, RuntimeError, mujoco.FatalError) as error:
            self.close()
            raise RobotError(_no_graphics(f"{type(error).__name__}: {error}")) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        _use_one_mipmap(self._context)


def _use_one_mipmap(context: Any) -> None:
    """Sample one mipmap level instead of blending two: a fifth of the time of software GL."""
    from OpenGL import GL  # only where there is a context: the import itself loads libraries

    for texture in context.texture[: context.ntexture]:
        GL.glBindTexture(GL.GL_TEXTURE_2D, int(texture))
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_MIN_FILTER, GL.GL_LINEAR_MIPMAP_NEAREST)
    GL.glBindTexture(GL.GL_TEXTURE_2D, 0)


def _no_graphics(problem: str) -> str:
    return (
        f"The cameras have no OpenGL ({problem}). On Debian install libegl1 and libgl1-mesa-dri, "
        "or libosmesa6 and set MUJOCO_GL=osmesa."
    )
