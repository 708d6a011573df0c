"""An operator, keys, ramps and the bundled arm in lockstep: what a session does, without a session.

Keys become fractions of the limits as in a console, the fractions a wish as in the gate, the wish
is ramped as the gate's limits ramp it, and the arm does it. A tick is a sixtieth of a second; the
operator looks thirty times a second, at a picture that is painted ten times a second and is a
tenth of a second old by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from recorder.replayable import Numbers
from teleop.arm_kinematics import HandPose
from teleop.arm_script import ArmOperator, Hand, Manner, Seen, Stage, manner
from teleop.operator_input import Speeds
from teleop.pick_script import Picker
from teleop.push_script import Pusher
from teleop.robot import Image
from teleop.sim_arm import ACTIONS, MAX_MPS, MAX_RADPS, ArmCameras, SimArm
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Twist

KEYS = {
    "W": (0, 1), "S": (0, -1),
    "A": (1, 1), "D": (1, -1),
    "R": (2, 1), "F": (2, -1),
    "Q": (3, 1), "E": (3, -1),
    "N": (4, 1), "M": (4, -1),
}  # fmt: skip
FULL = np.array([MAX_MPS, MAX_MPS, MAX_MPS, MAX_RADPS, 1.0])  # the gate's default for the gripper
UP = np.array([1.0, 1.0, 1.0, 6.0, 10.0]) / TICK_HZ  # its ramps, away from zero and towards it
DOWN = 2 * UP
LOOK_TICKS, PICTURE_TICKS = 2, 6


@dataclass
class Demonstration:
    """What came of it."""

    operator: ArmOperator
    solved: bool
    seconds: float
    start: bytes
    told: Numbers
    end: bytes
    stages: list[str] = field(default_factory=list)


def wished(held: frozenset[str]) -> Numbers:
    """What the keys ask for, in the order of `ACTIONS`."""
    speed = Speeds().chosen(turbo="Shift" in held, precise="Ctrl" in held)
    wish = np.zeros(5)
    for key in held & KEYS.keys():
        axis, sign = KEYS[key]
        wish[axis] += sign * speed
    return wish * FULL


def ramped(before: Numbers, wish: Numbers) -> Numbers:
    """One tick from `before` to `wish`, each axis for itself: slower is quicker than faster."""
    back = before * wish < 0
    goal = np.where(back, 0.0, wish)
    most = np.where(back | (np.abs(goal) < np.abs(before)), DOWN, UP)
    return before + np.clip(goal - before, -most, most)


def worker(task: str, rig: ArmCameras, who: Manner) -> Picker | Pusher:
    camera = rig.settings("top")
    return Picker(camera, who) if task == "pick-place" else Pusher(camera, who)


def demonstrate(
    arm: SimArm, rig: ArmCameras, seed: int, limit_s: float = 50.0, watch: Callable[..., None] | None = None
) -> Demonstration:
    """One demonstration from the arm's present state on, by the person with number `seed`."""
    task = arm.scene.task_name
    operator = ArmOperator(worker(task, rig, manner(seed)), stage=Stage.WORK)
    start, told, held = arm.snapshot(), [], frozenset[str]()
    before, painted, taken = np.zeros(5), None, None
    doing: list[str] = []
    for tick in range(round(limit_s * TICK_HZ)):
        now_ns = tick * NS_PER_S // TICK_HZ
        if tick % PICTURE_TICKS == 0:
            painted, taken = taken, rig.render("top", arm.snapshot())
        if tick % LOOK_TICKS == 0:
            operator, hands = operator.act(look(arm, painted), now_ns)
            held = hands.held
            if not doing or doing[-1] != operator.work.doing:
                doing.append(operator.work.doing)
        if operator.stage is not Stage.WORK:
            break
        before = ramped(before, wished(held))
        done = arm.apply(Twist(**dict(zip(ACTIONS, before.tolist(), strict=True))))
        told.append([getattr(done, name) for name in ACTIONS])
        if watch:
            watch(tick, operator, held, arm)
    return Demonstration(
        operator, arm.solved(), len(told) / TICK_HZ, start, np.array(told), arm.snapshot(), doing
    )


def look(arm: SimArm, picture: Image | None) -> Seen:
    """What the console would show of the arm."""
    seen = arm.observe()
    pose = HandPose(seen.x_m, seen.y_m, seen.z_m, seen.yaw_rad)
    return Seen(Hand(pose, seen.grip, seen.grip_n), picture)
