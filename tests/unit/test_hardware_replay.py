"""A demonstration played on the simulated rover as if it were real: measured, never put back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from recorder.demonstration import Demonstration, NothingToReplay
from teleop.axes import speed_mps
from teleop.hardware_replay import (
    APPROACH_SHARE,
    LEAVES_BEYOND,
    Player,
    Stage,
    plan_of,
    played,
)
from teleop.safety import ConfigError
from teleop.sim_rover import MAX_MPS, MAX_RADPS, SimRover
from tests.point_arm import AXES, PointArm
from tests.point_arm import MAX_GRIP_PS as ARM_GRIP_PS
from tests.point_arm import MAX_MPS as ARM_MPS
from tests.point_arm import MAX_RADPS as ARM_RADPS
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Outcome, Twist

TICK_NS = NS_PER_S // TICK_HZ
NAMES = ("forward_mps", "turn_radps")
BACK = Twist(forward_mps=-0.2, turn_radps=0.0)


def rover() -> SimRover:
    """On open floor."""
    return SimRover("wedged-under-sofa", 0)


@pytest.fixture(scope="module")
def recorded() -> Demonstration:
    """Four seconds of driving: ahead slowly, a curve, a stop."""
    robot, actions, seen, states = rover(), [], [], []
    for tick in range(4 * TICK_HZ):
        ramp = min(1.0, tick / 30, (4 * TICK_HZ - tick) / 30)
        action = (0.1 * ramp, 0.4 * ramp * math.sin(tick / 30))
        seen.append(robot.observe().values())
        states.append(robot.snapshot())
        robot.apply(Twist(forward_mps=action[0], turn_radps=action[1]))
        actions.append(action)
    seen.append(robot.observe().values())
    states.append(robot.snapshot())
    return Demonstration(
        name="curve",
        description=robot.describe("boot"),
        label=Outcome.SUCCESS,
        actions=np.array(actions),
        states=None,
        start=states[0],
        end=len(actions),
        numbers=np.arange(len(seen)),
        observations=np.array(seen),
    )


class Stand:
    """A robot, a clock and a hand on the deadman."""

    def __init__(self, player: Player, robot: SimRover) -> None:
        self.player, self.robot, self.now_ns = player, robot, NS_PER_S
        self.asked: list[tuple[float, ...]] = []

    def look(self) -> list[float]:
        seen = self.robot.observe()
        return [float(getattr(seen, name)) for name in self.player.plan.tracked]

    def run(self, seconds: float, deadman: bool = True) -> None:
        for _ in range(round(seconds * TICK_HZ)):
            self.now_ns += TICK_NS
            self.player, rates = self.player.step(self.look(), deadman, self.now_ns)
            self.robot.apply(Twist(**dict(zip(NAMES, rates, strict=True))))
            self.asked.append(rates)


def test_played_where_it_was_recorded_it_tracks_and_waits_for_a_judgement(
    recorded: Demonstration,
) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(6.0)
    assert stand.player.stage is Stage.JUDGE
    assert not stand.player.approached
    assert "Nobody has judged" in stand.player.sentence
    done = stand.player.judge(Outcome.SUCCESS, "op-1")
    assert done.stage is Stage.ENDED
    assert "240 of 240 actions" in done.sentence
    assert "op-1 judged it a success" in done.sentence
    assert played(done).worst["x_m"] < 0.002


def test_every_action_is_played_once_at_full_speed(recorded: Demonstration) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(6.0)
    moving = [rates for rates in stand.asked if any(rates)]
    wanted = [tuple(action) for action in recorded.actions if any(action)]
    np.testing.assert_allclose(moving, wanted, atol=1e-12)


def test_half_the_speed_takes_twice_as_long_and_leads_to_the_same_place(
    recorded: Demonstration,
) -> None:
    stand = Stand(Player(plan_of(recorded), speed=0.5), rover())
    stand.run(10.0)
    assert stand.player.stage is Stage.JUDGE
    assert max(abs(rates[0]) for rates in stand.asked) <= 0.5 * 0.1 + 1e-9
    assert "at 50% speed" in stand.player.sentence
    assert played(stand.player).worst["y_m"] < 0.02


def test_elsewhere_it_goes_to_the_start_first_at_a_tenth_of_the_speed(
    recorded: Demonstration,
) -> None:
    robot = rover()
    for _ in range(60):
        robot.apply(Twist(forward_mps=-0.12, turn_radps=0.2))
    stand = Stand(Player(plan_of(recorded)), robot)
    stand.run(1.0)
    assert stand.player.stage is Stage.APPROACH
    while stand.player.stage in (Stage.APPROACH, Stage.SETTLE) and stand.now_ns < 80 * NS_PER_S:
        stand.run(0.1)
    approach = np.abs(stand.asked[: -round(0.1 * TICK_HZ)])
    assert approach[:, 0].max() <= APPROACH_SHARE * MAX_MPS + 1e-9
    assert approach[:, 1].max() <= APPROACH_SHARE * MAX_RADPS + 1e-9
    stand.run(6.0)
    assert stand.player.stage is Stage.JUDGE, stand.player.sentence
    assert stand.player.approached


def test_letting_go_of_the_deadman_ends_it_and_the_robot_stands(recorded: Demonstration) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(2.0)
    assert stand.player.stage is Stage.PLAY
    stand.run(0.1, deadman=False)
    assert stand.player.stage is Stage.ENDED
    assert "deadman was let go" in stand.player.sentence
    assert "actions" in stand.player.sentence
    stand.run(1.0)
    assert stand.asked[-1] == (0.0, 0.0)


def test_nothing_moves_before_the_deadman_is_held(recorded: Demonstration) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(3.0, deadman=False)
    assert stand.player.stage is Stage.CHECK
    assert not any(any(rates) for rates in stand.asked)


def test_a_robot_that_leaves_the_recorded_path_ends_it_with_the_measurement(
    recorded: Demonstration,
) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(2.0)
    for _ in range(40):
        stand.robot.apply(BACK)  # somebody pushes it
    stand.run(0.1)
    assert stand.player.stage is Stage.ENDED
    assert f"limit {LEAVES_BEYOND['m']}" in stand.player.sentence
    assert stand.player.judge(Outcome.SUCCESS, "op-1").judged is Outcome.UNLABELLED


def test_a_start_that_cannot_be_reached_is_given_up(recorded: Demonstration) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.robot = rover()
    for _ in range(60):
        stand.robot.apply(Twist(forward_mps=-0.3, turn_radps=0.0))
    held = stand.look()
    now_ns = NS_PER_S
    player = stand.player
    for _ in range(62 * TICK_HZ):
        now_ns += TICK_NS
        player, _ = player.step(held, True, now_ns)
    assert player.stage is Stage.ENDED
    assert player.sentence.startswith("Nothing was played: the start was not reached")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_measurement_that_is_none_ends_it(recorded: Demonstration, bad: float) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(2.0)
    player, rates = stand.player.step([bad, *stand.look()[1:]], True, stand.now_ns + TICK_NS)
    assert player.stage is Stage.ENDED
    assert rates == (0.0, 0.0)


@pytest.mark.parametrize("speed", [0.0, -1.0, 1.5, math.nan])
def test_a_speed_out_of_range_is_refused(recorded: Demonstration, speed: float) -> None:
    with pytest.raises(ConfigError):
        Player(plan_of(recorded), speed=speed)


def test_a_demonstration_without_a_place_cannot_be_played(recorded: Demonstration) -> None:
    with pytest.raises(NothingToReplay):
        plan_of(replace(recorded, observations=None))


def reach() -> Demonstration:
    """Two seconds of an arm that goes out, up and to the left, turns and closes its gripper."""
    arm, actions, seen = PointArm(), [], []
    for _ in range(2 * TICK_HZ):
        action = (0.06, 0.05, 0.04, 0.3, 0.2)
        seen.append(arm.observe().values())
        arm.apply(Twist(**dict(zip(AXES, action, strict=True))))
        actions.append(action)
    seen.append(arm.observe().values())
    return Demonstration(
        name="reach",
        description=arm.describe("boot"),
        label=Outcome.SUCCESS,
        actions=np.array(actions),
        states=None,
        start=b"",
        end=len(actions),
        numbers=np.arange(len(seen)),
        observations=np.array(seen),
    )


def test_an_arm_is_tracked_by_hand_yaw_and_grip_within_its_own_limits() -> None:
    plan = plan_of(reach())
    assert plan.tracked == ("x_m", "y_m", "z_m", "yaw_rad", "grip")
    assert plan.units == ("m", "m", "m", "rad", "1")
    assert dict(zip(plan.action_names, plan.most, strict=True)) == {
        "forward_mps": ARM_MPS,
        "left_mps": ARM_MPS,
        "up_mps": ARM_MPS,
        "turn_radps": ARM_RADPS,
        "grip_ps": ARM_GRIP_PS,
    }


def test_the_limits_that_the_gate_enforced_count_before_the_robots_own() -> None:
    slower = {"max_mps": 0.1, "max_radps": 0.5, "max_grip_ps": 0.7}
    demonstration = reach()
    description = structs.replace(demonstration.description, limits=slower)
    plan = plan_of(replace(demonstration, description=description))
    assert tuple(plan.most) == (0.1, 0.1, 0.1, 0.5, 0.7)
    assert plan.full_grip_ps == 0.7


def test_an_arm_elsewhere_is_brought_to_the_start_slowly_and_plays_from_there() -> None:
    arm = PointArm()
    for _ in range(40):
        arm.apply(Twist(0.1, -0.5, left_mps=0.1, up_mps=0.1, grip_ps=0.6))
    player, now_ns, approach = Player(plan_of(reach())), NS_PER_S, []
    while player.stage not in (Stage.JUDGE, Stage.ENDED):
        now_ns += TICK_NS
        measured = [float(getattr(arm.observe(), name)) for name in player.plan.tracked]
        player, rates = player.step(measured, True, now_ns)
        told = arm.apply(Twist(**dict(zip(AXES, rates, strict=True))))
        if player.stage is Stage.APPROACH:
            approach.append(told)
    assert player.stage is Stage.JUDGE, player.sentence
    assert max(map(speed_mps, approach)) <= APPROACH_SHARE * ARM_MPS + 1e-9
    assert max(abs(told.turn_radps) for told in approach) <= APPROACH_SHARE * ARM_RADPS + 1e-9
    assert max(abs(told.grip_ps) for told in approach) <= APPROACH_SHARE * ARM_GRIP_PS + 1e-9
    worst = played(player).worst
    assert max(worst["x_m"], worst["y_m"], worst["z_m"]) < 0.02
    assert worst["grip"] < 0.1


def test_actions_that_nobody_can_drive_live_are_refused() -> None:
    demonstration = reach()
    names = ("j1_radps", *AXES[1:])
    description = structs.replace(demonstration.description, action_names=names)
    with pytest.raises(NothingToReplay, match="j1_radps"):
        plan_of(replace(demonstration, description=description))


def test_what_ends_it_from_outside_stays_and_changes_nothing_that_is_over(
    recorded: Demonstration,
) -> None:
    stand = Stand(Player(plan_of(recorded)), rover())
    stand.run(2.0)
    ended = stand.player.end("STOP was pressed", stand.now_ns)
    assert "It ended early: STOP was pressed" in ended.sentence
    assert ended.end("something else", stand.now_ns).why == "STOP was pressed"
