"""The bundled arm's demonstration, played on it as if it were real: nobody puts the hand back."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from recorder.demonstration import Demonstration
from teleop.axes import speed_mps
from teleop.hardware_replay import APPROACH_SHARE, Player, Stage, plan_of, played
from teleop.robot import RobotError
from teleop.sim_arm import ACTIONS, MAX_GRIP_PS, MAX_MPS, MAX_RADPS, ArmCameras, SimArm
from tests.arm_desk import demonstrate
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Outcome, Twist

TICK_NS = NS_PER_S // TICK_HZ
ELSEWHERE = Twist(-0.05, 0.4, left_mps=0.06, up_mps=0.03, grip_ps=0.3)


@pytest.fixture(scope="module", params=["pick-place", "push"])
def recorded(request: pytest.FixtureRequest) -> Demonstration:
    """What a person at the keys did, until the task was solved."""
    arm = SimArm(request.param, 0)
    with closing(ArmCameras(request.param, 0, width=320, height=240)) as rig:
        try:
            rig.open()
        except RobotError as error:
            pytest.skip(str(error))
        done = demonstrate(arm, rig, who=0)
    assert done.solved
    arm.restore(done.start)
    seen = [arm.observe().values()]
    for action in done.told:
        arm.apply(Twist(**dict(zip(ACTIONS, action, strict=True))))
        seen.append(arm.observe().values())
    return Demonstration(
        name=request.param,
        description=arm.describe("boot"),
        label=Outcome.SUCCESS,
        actions=done.told,
        states=None,
        start=done.start,
        end=len(done.told),
        numbers=np.arange(len(seen)),
        observations=np.array(seen),
    )


def run(player: Player, arm: SimArm) -> tuple[Player, list[Twist]]:
    """Until it is over; with what the arm was told on the way to the start."""
    now_ns, approach = NS_PER_S, list[Twist]()
    while player.stage not in (Stage.JUDGE, Stage.ENDED):
        now_ns += TICK_NS
        seen = arm.observe()
        measured = [float(getattr(seen, name)) for name in player.plan.tracked]
        player, rates = player.step(measured, True, now_ns)
        told = arm.apply(Twist(**dict(zip(ACTIONS, rates, strict=True))))
        if player.stage is Stage.APPROACH:
            approach.append(told)
    return player, approach


def test_from_elsewhere_the_hand_goes_slowly_to_the_start_and_solves_the_task_again(
    recorded: Demonstration,
) -> None:
    arm = SimArm(recorded.name, 0)
    arm.restore(recorded.start)
    for _ in range(TICK_HZ):
        arm.apply(ELSEWHERE)
    player, approach = run(Player(plan_of(recorded)), arm)
    assert player.stage is Stage.JUDGE, player.sentence
    assert player.approached
    assert max(map(speed_mps, approach)) <= APPROACH_SHARE * MAX_MPS + 1e-9
    assert max(abs(told.turn_radps) for told in approach) <= APPROACH_SHARE * MAX_RADPS + 1e-9
    assert max(abs(told.grip_ps) for told in approach) <= APPROACH_SHARE * MAX_GRIP_PS + 1e-9
    worst = played(player).worst
    assert max(worst["x_m"], worst["y_m"], worst["z_m"]) < 0.02
    for _ in range(TICK_HZ):
        arm.apply(Twist(0.0, 0.0))
    assert arm.solved()


def test_a_hand_that_is_held_back_ends_it(recorded: Demonstration) -> None:
    slow = replace(recorded, actions=recorded.actions * 0.3)
    arm = SimArm(recorded.name, 0)
    arm.restore(recorded.start)
    player, _ = run(Player(plan_of(slow)), arm)
    assert player.stage is Stage.ENDED
    assert "from the recording, limit" in player.sentence
