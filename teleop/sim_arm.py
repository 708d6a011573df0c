"""The bundled arm: it picks a cube into a tray, or pushes a puck into a circle, on a table.

A twist moves the hand in the frame of the base, inverse kinematics tells the servos, the rest is
contact. The complete state is MuJoCo's integration state: the servos' set-points (`ctrl`) are all
that the controller remembers, the target of the hand is where they would put it. The solver starts
each step anew, without the warm start that `mujoco.rollout` would not tell; so many actions can be
carried out in C and end in the very bytes that one `apply` after the other ends in. Nothing is
derived from the state inside MuJoCo's data between two ticks: what is observed, and whether the
task is solved, is computed from its positions and velocities alone.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.replayable import Numbers, Rollout
from recorder.verdict import SOLVED_HOLD_STEPS
from teleop.arm_goal import SUCCESS, solved_at
from teleop.arm_kinematics import (
    BOX_M,
    REACH_M,
    ROLL_RAD,
    STROKE_M,
    Joints,
    Motion,
    Target,
    advanced,
    fingertips,
    hand_at,
    hand_velocity,
    joints_for,
)
from teleop.arm_paint import paint
from teleop.arm_scene import ArmScene, build, start
from teleop.mujoco_cameras import MujocoCameras
from teleop.mujoco_loading import mujoco
from teleop.mujoco_robot import HARDWARE, MujocoRobot, simulator_versions
from teleop.policy import NO_POLICY
from teleop.robot import ArmObservation, RobotError
from transport.channels import TICK_HZ
from transport.messages import STILL, Description, Success, Twist

MAX_MPS: Final = 0.25  # ISO 10218-1: reduced speed, at which a person can get out of the way
MAX_RADPS: Final = 1.5
MAX_GRIP_PS: Final = 2.0  # half a second from open to closed, usual for small grippers
SUBSTEPS: Final = 3  # of 1/180 s, in which contacts are stable; one control tick is 1/60 s
ROUNDING: Final = 1e-9  # of a speed: what is scaled to the limit once must not be again
JOINTS: Final = 5
LAG_M: Final = 0.03  # of the hand behind its target; free, at full speed, it lags by half of it
FINGERS: Final = slice(JOINTS, JOINTS + 2)  # in positions, velocities and controls
DRIVEN: Final = JOINTS + 2

ACTIONS: Final = Motion._fields
CAMERAS: Final = ("top", "front")  # the first is the main view: hands are led from above
UNITS: Final = {
    **ArmObservation.units(JOINTS),
    "forward_mps": "m/s, base, + away from it",
    "left_mps": "m/s, base, + left",
    "up_mps": "m/s, base, + up",
    "grip_ps": "strokes of the gripper per second, + closes",
}
PHYSICS: Final = mujoco.mjtState.mjSTATE_FULLPHYSICS
WARM_START: Final = mujoco.mjtState.mjSTATE_WARMSTART


class SimArm(MujocoRobot):
    """A `Robot` and `Restorable`, `Rolling` and `Movable`. One thread uses it, any may `hold`.

    A hand that is held stays where it is told to be, and its gripper keeps its force.
    """

    def __init__(self, task: str, seed: int, scene_path: Path | None = None) -> None:
        scene = self._scene = build(task, seed, scene_path, looks=False)
        super().__init__(scene.model, scene.sha256)
        model = scene.model
        if model.nu != DRIVEN or model.nq != DRIVEN + 7 or model.na:
            raise RobotError(
                f"The scene's arm needs {JOINTS} joints and two fingers, each with a position "
                "servo, before the object; compare with the bundled arm.xml."
            )
        if round(1 / (TICK_HZ * SUBSTEPS * model.opt.timestep), 6) != 1:
            raise RobotError(f"The scene's timestep must be 1/{TICK_HZ * SUBSTEPS} s.")
        self.reset(0)

    @classmethod
    def from_description(
        cls, description: Description, *, scene_path: Path | None = None
    ) -> SimArm:
        """The arm that made a recording; another scene is refused."""
        arm = cls(description.scenario, description.seed, scene_path)
        arm.check_recorded(description)
        return arm

    @property
    def scene(self) -> ArmScene:
        """The table this arm stands on."""
        return self._scene

    def describe(self, boot_id: str) -> Description:
        """What this arm is; see `Description`."""
        model, scene = self._model, self._scene
        success = SUCCESS[scene.task_name]
        return Description(
            robot="arm-03",
            robot_type="sim-arm",
            site="lab-1 · table by the window",
            boot_id=boot_id,
            scenario=scene.task_name,
            seed=scene.seed,
            scene_sha256=scene.sha256,
            task=scene.task.task,
            tick_hz=TICK_HZ,
            observation_names=ArmObservation.names(JOINTS),
            action_names=ACTIONS,
            controller={
                "max_mps": MAX_MPS,
                "max_radps": MAX_RADPS,
                "max_grip_ps": MAX_GRIP_PS,
                "substeps": float(SUBSTEPS),
                "timestep_s": float(model.opt.timestep),
                "stroke_m": STROKE_M,
                "servo_nm_rad": float(model.actuator_gainprm[0, 0]),
                "servo_nm_s": float(-model.actuator_biasprm[0, 2]),
                "servo_nm": float(model.actuator_forcerange[0, 1]),
                "finger_n_m": float(model.actuator_gainprm[JOINTS, 0]),
                "finger_n_s": float(-model.actuator_biasprm[JOINTS, 2]),
                "finger_n": float(model.actuator_forcerange[JOINTS, 1]),
                "reach_min_m": REACH_M[0],
                "reach_max_m": REACH_M[1],
                "roll_rad": ROLL_RAD,
                **{
                    f"{axis}_{end}_m": BOX_M[number][side]
                    for number, axis in enumerate("xyz")
                    for side, end in enumerate(("min", "max"))
                },
            },
            policy=NO_POLICY,
            versions=simulator_versions(),
            cameras=CAMERAS,
            units=UNITS,
            success=Success(
                name=success.name,
                version=1,
                held_ticks=SOLVED_HOLD_STEPS,
                sentence=success.sentence,
                judge="simulator",
            ),
            hardware=HARDWARE,
            assets_sha256=scene.assets_sha256,
            randomness={
                "physics": "draws none",
                "policy": "there is none",
                "scene": "drawn once from task and seed, then part of scene_sha256",
                "start": "drawn from the seed and how often the scene was put back; in the state",
            },
        )

    def observe(self) -> ArmObservation:
        """Measurements of the present state; nothing in the simulation is touched."""
        joints, rates = _five(self._data.qpos), _five(self._data.qvel)
        hand = hand_at(joints)
        *velocity, turn_radps = hand_velocity(joints, rates)
        fingers = self._data.qpos[FINGERS]
        closed = 1.0 - float(fingers.mean()) / STROKE_M
        return ArmObservation(
            x_m=hand.x_m,
            y_m=hand.y_m,
            z_m=hand.z_m,
            yaw_rad=math.remainder(hand.yaw_rad, 2 * math.pi),
            grip=min(1.0, max(0.0, closed)),
            grip_n=self._grip_n(),
            speed_mps=math.hypot(*velocity),
            turn_radps=turn_radps,
            joints_rad=joints,
        )

    def apply(self, action: Twist) -> Twist:
        """One control tick of 1/60 s at `action`, within the arm's limits and its workspace.

        What comes back is how the hand's target moved; told again from the same state it moves it
        to the same place, bit by bit, also at the workspace's edge.
        """
        target, told = advanced(self._given_up(action), clipped(as_motion(action)))
        self._data.ctrl[:] = _controls(target)
        mujoco.mj_step(self._model, self._data, SUBSTEPS)
        self._data.qacc_warmstart[:] = 0.0  # never read; it would only tell states apart
        self._set_point = as_twist(told)
        if not np.isfinite(self._data.qvel).all():
            raise RobotError("The simulation has diverged; restart the robot, and check its scene.")
        return self._set_point

    def rollout(self, actions: Numbers) -> Rollout:
        """Carry out `actions`, (n, 5) in the order of `ACTIONS`; exactly n times `apply`."""
        if actions.ndim != 2 or actions.shape[1] != len(ACTIONS):
            raise RobotError(
                f"Actions of shape {actions.shape}; the arm takes (n, {len(ACTIONS)})."
            )
        target, told, controls = self._target(), list[Motion](), []
        for action in actions.tolist():
            target, motion = advanced(target, clipped(Motion(*action)))
            told.append(motion)
            controls.append(_controls(target))
        begin = self.snapshot()
        states = self._rolled(np.array(controls).reshape(len(actions), DRIVEN))
        if self._pushed(states, actions):  # then where it is told to go depends on where it is
            self.restore(begin)
            return self._stepped(actions)
        if not np.isfinite(states).all():
            raise RobotError("The simulation has diverged; restart the robot, and check its scene.")
        self.restore(states[-1].astype("<f8").tobytes())
        if told:
            self._set_point = as_twist(told[-1])
        return Rollout(
            np.array(told).reshape(actions.shape), states, self._solved(states[:, : self._moving])
        )

    def _given_up(self, action: Twist) -> Target:
        """What the servos are told, or where the hand is when it is asked to stand but cannot.

        A hand that pushes against something lags behind its target. Once it is told nothing any
        more it holds where it is measured, and pushes no longer; the gripper keeps its force.
        """
        target = self._target()
        if any(as_motion(action)[:4]):
            return target
        measured = _five(self._data.qpos)
        lag_m = math.dist(hand_at(measured)[:3], hand_at(target.joints)[:3])
        return Target(measured, target.finger_m) if lag_m > LAG_M else target

    def _pushed(self, states: Numbers, actions: Numbers) -> bool:
        """Whether `_given_up` would have meant another target anywhere in a rollout."""
        standing = ~actions[:, :4].any(axis=1)
        before = states[:-1][standing]
        told = sum(mujoco.mj_stateSize(self._model, part) for part in (PHYSICS, WARM_START))
        lag = fingertips(before[:, 1 : 1 + JOINTS]) - fingertips(before[:, told : told + JOINTS])
        return bool((np.linalg.norm(lag, axis=1) > LAG_M).any())

    def _stepped(self, actions: Numbers) -> Rollout:
        """The same as `rollout`, one `apply` after the other."""
        told, states = [], [np.frombuffer(self.snapshot(), "<f8")]
        for action in actions.tolist():
            told.append(as_motion(self.apply(as_twist(Motion(*action)))))
            states.append(np.frombuffer(self.snapshot(), "<f8"))
        every = np.array(states)
        return Rollout(
            np.array(told).reshape(actions.shape), every, self._solved(every[:, : self._moving])
        )

    def reset(self, count: int) -> None:
        """Begin anew: object and hand where seed and `count` put them, all else at rest."""
        begin = start(self._scene, count)
        joints = joints_for(begin.hand)
        assert joints is not None, "starts lie inside the workspace"
        mujoco.mj_resetData(self._model, self._data)
        controls = _controls(Target(joints, STROKE_M))
        self._data.qpos[:DRIVEN] = controls
        self._data.ctrl[:] = controls
        half = begin.object_turn_rad / 2
        self._data.qpos[DRIVEN : DRIVEN + 2] = begin.object_x_m, begin.object_y_m
        self._data.qpos[DRIVEN + 3 :] = math.cos(half), 0.0, 0.0, math.sin(half)
        self._set_point = STILL

    def moved(self, state: bytes, forward_m: float, left_m: float) -> bytes:
        """`state` with the cube or the puck moved so far; all else as it was."""
        numbers = np.frombuffer(state, "<f8").copy()
        if len(numbers) != len(self.state_parts()):
            raise RobotError("This state is not one of this scene; use the recorded task and seed.")
        numbers[1 + DRIVEN] += forward_m  # the time stands before the positions
        numbers[2 + DRIVEN] += left_m
        return numbers.tobytes()

    def solved(self) -> bool:
        """Whether the task's goal holds in the present state; see `teleop.arm_goal`."""
        now = np.concatenate([[self._data.time], self._data.qpos, self._data.qvel])
        return bool(self._solved(now[None])[0])

    @property
    def _moving(self) -> int:
        """How many numbers of a state are time, positions and velocities."""
        return int(1 + self._model.nq + self._model.nv)

    def _solved(self, motion: Numbers) -> npt.NDArray[np.bool_]:
        """For states cut to time, positions and velocities: (n, m) to (n,)."""
        after = 1 + self._model.nq
        return solved_at(
            self._scene.task_name, self._scene.goal, motion[:, 1:after], motion[:, after:]
        )

    def _target(self) -> Target:
        """What the servos are told at present."""
        return Target(_five(self._data.ctrl), float(self._data.ctrl[JOINTS]))

    def _rolled(self, controls: Numbers) -> Numbers:
        """The complete states from the present one on, one tick with each row of controls."""
        model, data = self._model, self._data
        before = np.frombuffer(self.snapshot(), "<f8")
        states = np.tile(before, (len(controls) + 1, 1))
        if not len(controls):
            return states
        physics = mujoco.mj_stateSize(model, PHYSICS)
        steps = np.repeat(controls, SUBSTEPS, axis=0)
        rolled, _ = mujoco.rollout.rollout(model, data, before[None, :physics], steps[None])
        states[1:, :physics] = rolled[0, SUBSTEPS - 1 :: SUBSTEPS]
        after = physics + mujoco.mj_stateSize(model, WARM_START)
        states[1:, after : after + DRIVEN] = controls
        return states

    def _grip_n(self) -> float:
        """What the fingers' servos push with, as MuJoCo reckons it from positions and speeds."""
        model, data = self._model, self._data
        force = (
            model.actuator_gainprm[FINGERS, 0] * data.ctrl[FINGERS]
            + model.actuator_biasprm[FINGERS, 1] * data.qpos[FINGERS]
            + model.actuator_biasprm[FINGERS, 2] * data.qvel[FINGERS]
        )
        low, high = model.actuator_forcerange[FINGERS].T
        return max(0.0, -float(np.clip(force, low, high).mean()))


class ArmCameras(MujocoCameras):
    """The two cameras of a `SimArm`: beside its shoulder, and straight down on the table."""

    def __init__(
        self,
        task: str,
        seed: int,
        scene_path: Path | None = None,
        width: int = 640,
        height: int = 480,
    ) -> None:
        model = build(task, seed, scene_path, looks=True).model
        super().__init__(model, CAMERAS, lambda drawn: paint(drawn, seed), width, height)


def clipped(wish: Motion) -> Motion:
    """`wish` within the arm's speed limits; the hand keeps its direction.

    Raises:
        RobotError: one of its numbers is none.
    """
    if not all(map(math.isfinite, wish)):
        raise RobotError(f"{wish} is none: all five rates must be finite numbers.")
    forward, left, up, turn, grip = wish
    speed_mps = math.hypot(forward, left, up)
    if speed_mps > MAX_MPS * (1 + ROUNDING):
        forward, left, up = (part / speed_mps * MAX_MPS for part in (forward, left, up))
    return Motion(
        forward,
        left,
        up,
        min(MAX_RADPS, max(-MAX_RADPS, turn)),
        min(MAX_GRIP_PS, max(-MAX_GRIP_PS, grip)),
    )


def as_twist(motion: Motion) -> Twist:
    """The same as a message."""
    return Twist(**motion._asdict())


def as_motion(twist: Twist) -> Motion:
    """The same for the kinematics."""
    return Motion(twist.forward_mps, twist.left_mps, twist.up_mps, twist.turn_radps, twist.grip_ps)


def _controls(target: Target) -> tuple[float, ...]:
    return (*target.joints, target.finger_m, target.finger_m)


def _five(numbers: Any) -> Joints:
    base, shoulder, elbow, wrist, roll = (float(part) for part in numbers[:JOINTS])
    return base, shoulder, elbow, wrist, roll
