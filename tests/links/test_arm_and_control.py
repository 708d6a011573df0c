"""An arm behind the real control loop: driven without being stuck, again and again."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from teleop import scene_reset
from teleop.operator_input import OperatorInput
from teleop.policy import NeverStuck, NoPolicy
from teleop.safety import ConfigError
from teleop.scenarios import LIMITS
from tests.links.control_support import Console, console, control, controlled
from tests.point_arm import START_M, PointArm
from tests.point_robot import PointRobot
from transport.clock import NS_PER_S, now_ns
from transport.messages import (
    STILL,
    Description,
    Hand,
    HandBack,
    MarkOutcome,
    Mode,
    Outcome,
    Phase,
    RobotKind,
    Twist,
)

ARM = {
    "limits": LIMITS[RobotKind.ARM],
    "policy": NoPolicy(),
    "stuck": NeverStuck(),
}


def push() -> OperatorInput:
    """Away, up and closing, held."""
    return OperatorInput(forward=1.0, up=1.0, grip=1.0, deadman=True, input_ns=now_ns())


def drive_and_hand_back(operator: Console, arm: PointArm) -> None:
    operator.take()
    operator.push(push(), lambda _: arm.solved(), "the hand gets there")
    operator.link.set_input(OperatorInput(input_ns=now_ns()))
    operator.wait(lambda _: arm.told == STILL, "standing still")
    operator.link.request(MarkOutcome(epoch=operator.epoch, outcome=Outcome.SUCCESS))
    operator.link.request(HandBack(epoch=operator.epoch))
    operator.wait_mode(Mode.AUTONOMY)


def test_a_hand_is_driven_on_its_own_axes_and_tells_where_it_is(tmp_path: Path) -> None:
    did: list[Twist] = []

    class Noted(PointArm):
        def apply(self, action: Twist) -> Twist:
            did.append(super().apply(action))
            return did[-1]

    arm = Noted()
    with controlled(tmp_path, arm, **ARM) as loop, console(loop) as operator:
        operator.take()
        assert operator.state.kind is RobotKind.ARM
        assert operator.state.call is None
        operator.push(push(), lambda _: arm.solved(), "the hand gets there")
        told = max(did, key=lambda twist: twist.grip_ps)  # on a busy machine it may hold by now
        assert told.forward_mps == pytest.approx(told.up_mps)
        assert told.grip_ps == 1.0
        assert (told.left_mps, told.turn_radps) == (0.0, 0.0)
        operator.link.set_input(OperatorInput(input_ns=now_ns()))
        operator.wait(lambda _: arm.told == STILL, "standing still")
        operator.wait(lambda v: v.state is not None and v.state.applied == STILL, "it says so")
        seen, state = arm.observe(), operator.state
        assert state.hand == Hand(z_m=seen.z_m, grip=seen.grip, grip_n=seen.grip_n)
        assert (state.x_m, state.y_m, state.heading_rad) == (seen.x_m, seen.y_m, seen.yaw_rad)
        assert seen.grip > 0.5


def test_after_each_intervention_the_scene_is_put_back_and_nothing_calls(tmp_path: Path) -> None:
    arm = PointArm()
    with controlled(tmp_path, arm, **ARM) as loop, console(loop) as operator:
        for count in (1, 2):
            drive_and_hand_back(operator, arm)
            assert operator.state.task == "Reach far and high"
            operator.wait(lambda _, n=count: len(arm.resets) == n, "the scene is put back")
            assert arm.observe().x_m == START_M
            assert operator.state.phase is Phase.AUTONOMOUS
            assert operator.state.call is None
        operator.hold(1.3)
        assert arm.resets == [1, 2]


def test_while_somebody_has_the_robot_the_scene_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = PointArm()
    with controlled(tmp_path, arm, **ARM) as loop, console(loop) as operator:
        with monkeypatch.context() as patch:  # it must not be put back before it is taken again
            patch.setattr(scene_reset, "WAIT_NS", 60 * NS_PER_S)
            drive_and_hand_back(operator, arm)
            operator.take()
        operator.hold(1.5)
        assert arm.resets == []
        assert arm.solved()


def test_a_rover_is_told_no_axis_that_it_lacks_and_says_what_it_is(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.take()
        operator.push(push(), lambda _: robot.told.forward_mps > 0.4, "motion")
        assert (robot.told.up_mps, robot.told.grip_ps) == (0.0, 0.0)
        assert (operator.state.kind, operator.state.hand) == (RobotKind.ROVER, None)


@pytest.mark.parametrize(
    ("axes", "what"),
    [(("forward_mps", "j1_radps"), "j1_radps cannot be driven"), ((), "it names no axis")],
)
def test_a_robot_that_names_what_cannot_be_driven_is_not_started(
    tmp_path: Path, axes: tuple[str, ...], what: str
) -> None:
    class Odd(PointRobot):
        def describe(self, boot_id: str) -> Description:
            return replace(super().describe(boot_id), action_names=axes)

    with pytest.raises(ConfigError, match=what), controlled(tmp_path, Odd()):
        pass
