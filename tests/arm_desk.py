"""An operator, keys, ramps and the bundled arm in lockstep: what a session does, without a session.

Held keys become an input by the built-in profile, the input a wish and the wish a set-point by the
gate's own limits and ramps, and the arm does it. A tick is a sixtieth of a second; the operator
looks thirty times a second, at a picture that is painted ten times a second and is a tenth of a
second old by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from recorder.replayable import Numbers
from teleop.arm_operators import worker
from teleop.arm_script import ArmOperator, Stage
from teleop.input_profile import default_profile
from teleop.operator_input import Drive, Keyboard
from teleop.rescue_script import Seen
from teleop.robot import Image
from teleop.safety import Limits, capped, ramped
from teleop.sim_arm import ACTIONS, MAX_MPS, ArmCameras, SimArm
from tests.console.fakes import robot_state
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import STILL, Hand, Mode, RobotKind, Twist

LIMITS = Limits(max_mps=MAX_MPS)
LOOK_TICKS, PICTURE_TICKS = 2, 6
PROFILE = default_profile(RobotKind.ARM)
Watch = Callable[[int, ArmOperator, frozenset[str]], None]


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What came of it."""

    operator: ArmOperator
    solved: bool
    seconds: float
    start: bytes
    told: Numbers  # (n, 5) in the order of `ACTIONS`
    end: bytes


def wished(held: frozenset[str]) -> Twist:
    """What these keys ask for."""
    down = frozenset((key, Drive(PROFILE.keys[key])) for key in held)
    asked = Keyboard(down).read(0, PROFILE.speeds)
    return Twist(
        forward_mps=asked.forward * LIMITS.max_mps,
        left_mps=asked.left * LIMITS.max_mps,
        up_mps=asked.up * LIMITS.max_mps,
        turn_radps=asked.turn * LIMITS.max_radps,
        grip_ps=asked.grip * LIMITS.max_grip_ps,
    )


def look(arm: SimArm, picture: Image | None) -> Seen:
    """What the console would show of the arm."""
    seen = arm.observe()
    state = replace(
        robot_state(),
        mode=Mode.READY,
        x_m=seen.x_m,
        y_m=seen.y_m,
        heading_rad=seen.yaw_rad,
        hand=Hand(seen.z_m, seen.grip, seen.grip_n),
    )
    return Seen(state, yours=True, picture_age_ms=100.0, brightness=0.0, picture=picture)


def demonstrate(
    arm: SimArm, rig: ArmCameras, who: int, watch: Watch | None = None, limit_s: float = 50.0
) -> Demonstration:
    """One demonstration from the arm's present state on, by the person with this number."""
    work = worker(arm.scene.task_name, rig.settings("top"), who)
    operator, held = ArmOperator(work, stage=Stage.WORK), frozenset[str]()
    start, before, told = arm.snapshot(), STILL, []
    painted: Image | None = None
    taken: Image | None = None
    for tick in range(round(limit_s * TICK_HZ)):
        if tick % PICTURE_TICKS == 0:
            painted, taken = taken, rig.render("top", arm.snapshot())
        if tick % LOOK_TICKS == 0:
            operator, hands = operator.act(look(arm, painted), tick * NS_PER_S // TICK_HZ)
            held = hands.held
        if operator.stage is not Stage.WORK:
            break
        wish = capped(wished(held), LIMITS, LIMITS.max_mps)
        before = ramped(wish, before, LIMITS, 1 / TICK_HZ)
        done = arm.apply(before)
        told.append([getattr(done, name) for name in ACTIONS])
        if watch:
            watch(tick, operator, held)
    seconds = len(told) / TICK_HZ
    return Demonstration(operator, arm.solved(), seconds, start, np.array(told), arm.snapshot())
