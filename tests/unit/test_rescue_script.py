"""Scripted operators against toy robots: they accept, get the robot out, and mark honestly."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from teleop.home_troubles import SCENARIOS
from teleop.rescue_script import (
    DRIVING,
    GIVE_UP_NS,
    OUT_M,
    PLANS,
    SETTLE_NS,
    Hands,
    Operator,
    Seen,
    Slack,
    Stage,
    plan_for,
)
from tests.console.fakes import CALL, robot_state
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Mode

LOOK_NS = 20 * NS_PER_MS
SOFA = PLANS["wedged-under-sofa"]
AWAY_M, BRIGHT = SOFA.away_m, SOFA.bright


@dataclass
class Robot:
    """Backs at 0.3 m/s when it is free, and is free after `rocks_needed` swings to a side."""

    rocks_needed: int = 0
    moves: bool = True
    x_m: float = 0.0
    rocked: int = 0
    rocking: bool = False
    yours: bool = False
    marked: str = ""
    handed_back: bool = False
    bright: float = BRIGHT + 20

    def feel(self, hands: Hands) -> float:
        """The robot's speed after what the hands do."""
        side = bool(hands.held & {"A", "D"})
        self.rocked += side and not self.rocking
        self.rocking = side
        if hands.tap == "Return":
            if self.yours:
                self.handed_back = True
            self.yours = not self.yours
        elif hands.tap:
            self.marked = hands.tap
        free = self.moves and self.rocked >= self.rocks_needed
        speed = -0.3 if "S" in hands.held and free else 0.0
        self.x_m += speed * LOOK_NS / NS_PER_S
        return speed


def rescue(robot: Robot, limit_s: float = 120.0) -> Operator:
    operator, now_ns, speed = Operator(), 0, 0.0
    while operator.stage is not Stage.DONE and now_ns < limit_s * NS_PER_S:
        now_ns += LOOK_NS
        state = replace(
            robot_state(),
            call=None if robot.yours else CALL,
            mode=Mode.READY,
            x_m=robot.x_m,
            y_m=0.0,
            speed_mps=speed,
        )
        operator, hands = operator.act(Seen(state, robot.yours, 40.0, robot.bright), now_ns)
        speed = robot.feel(hands)
    return operator


def test_a_robot_that_comes_free_is_marked_a_success_and_handed_back() -> None:
    robot = Robot()
    assert rescue(robot).stage is Stage.DONE
    assert robot.marked == "Y"
    assert robot.handed_back
    assert -robot.x_m >= AWAY_M


def test_a_robot_that_sticks_is_rocked_to_alternating_sides() -> None:
    robot = Robot(rocks_needed=3)
    rescue(robot)
    assert robot.rocked >= 3
    assert robot.marked == "Y"


def test_a_robot_that_never_moves_is_marked_a_failure() -> None:
    robot = Robot(moves=False)
    assert rescue(robot, limit_s=GIVE_UP_NS / NS_PER_S + 30).stage is Stage.DONE
    assert robot.marked == "Backspace"


def test_a_dark_picture_is_no_success_whatever_telemetry_says() -> None:
    robot = Robot(bright=BRIGHT - 1)
    rescue(robot)
    assert robot.marked == "Backspace"


def test_without_a_robot_it_keeps_its_hands_still() -> None:
    operator, hands = Operator().act(Seen(None, False, None, 0.0), 0)
    assert operator == Operator()
    assert hands == Hands()


def test_it_does_not_accept_a_call_it_cannot_see() -> None:
    operator = Operator()
    state = replace(robot_state(), call=CALL)
    for look in range(200):
        operator, hands = operator.act(Seen(state, False, None, 0.0), look * LOOK_NS)
        assert hands == Hands()


def test_it_keeps_its_hands_off_until_the_self_test_is_through_and_half_a_second_longer() -> None:
    state = replace(robot_state(), mode=Mode.READY)
    operator = Operator(stage=Stage.SETTLE)
    for look in range(100):  # two seconds
        operator, hands = operator.act(
            Seen(state, True, 40.0, BRIGHT, tested=False), look * LOOK_NS
        )
        assert hands == Hands()
    tested_ns = 100 * LOOK_NS
    operator, hands = operator.act(
        Seen(state, True, 40.0, BRIGHT), tested_ns + SETTLE_NS - 2 * LOOK_NS
    )
    assert operator.stage is Stage.SETTLE
    operator, hands = operator.act(Seen(state, True, 40.0, BRIGHT), tested_ns + SETTLE_NS)
    assert operator.stage is Stage.BACK


# --- plans and people ---------------------------------------------------------------------------


def test_every_scenario_has_a_plan_that_its_task_chooses() -> None:
    assert set(PLANS) == set(SCENARIOS)
    for name, scenario in SCENARIOS.items():
        assert plan_for(scenario.task) is PLANS[name]


def test_a_task_nobody_knows_is_tried_by_backing_out() -> None:
    assert plan_for("Fetch the slippers").first is Stage.BACK


@dataclass
class Ring:
    """A robot within a ring that it can push through ahead, at one heading only."""

    gap_rad: float
    heading_rad: float = 0.0
    x_m: float = 0.0
    y_m: float = 0.0
    pressed: frozenset[str] = frozenset()

    def feel(self, hands: Hands) -> float:
        """The robot's speed after what the hands do."""
        self.pressed = hands.held
        turn = 0.9 * (("A" in hands.held) - ("D" in hands.held))
        self.heading_rad += turn * LOOK_NS / NS_PER_S
        off_rad = abs(math.remainder(self.heading_rad - self.gap_rad, math.tau))
        through = math.hypot(self.x_m, self.y_m) > 0.2 or off_rad < math.radians(20)
        speed = 0.5 if "W" in hands.held and through else 0.0
        self.x_m += speed * math.cos(self.heading_rad) * LOOK_NS / NS_PER_S
        self.y_m += speed * math.sin(self.heading_rad) * LOOK_NS / NS_PER_S
        return speed


def pushed_out(ring: Ring, slack: Slack) -> tuple[Operator, list[Stage]]:
    """An operator who drives from the start, until it marks."""
    operator, stages = Operator(slack=slack, stage=Stage.SETTLE), [Stage.SETTLE]
    now_ns, speed = 0, 0.0
    task = SCENARIOS["chair-legs"].task
    while operator.stage is not Stage.LABEL and now_ns < GIVE_UP_NS + 10 * NS_PER_S:
        now_ns += LOOK_NS
        state = replace(
            robot_state(),
            task=task,
            mode=Mode.READY,
            x_m=ring.x_m,
            y_m=ring.y_m,
            heading_rad=math.remainder(ring.heading_rad, math.tau),
            speed_mps=speed,
        )
        operator, hands = operator.act(Seen(state, True, 40.0, 100.0), now_ns)
        if operator.stage is not stages[-1]:
            stages.append(operator.stage)
        speed = ring.feel(hands)
    return operator, stages


@pytest.mark.parametrize("gap_deg", [0, 50, 140, 180, 260])
@pytest.mark.parametrize("person", range(3))
def test_a_ring_is_tried_all_round_until_the_robot_comes_through(gap_deg: int, person: int) -> None:
    ring = Ring(math.radians(gap_deg))
    operator, stages = pushed_out(ring, Slack.of(person))
    assert operator.success
    assert math.hypot(ring.x_m, ring.y_m) >= PLANS["chair-legs"].away_m
    assert Stage.BACK not in stages


def test_once_out_it_drives_straight_away_from_where_it_was_stuck() -> None:
    ring = Ring(0.0)
    operator, stages = pushed_out(ring, Slack())
    assert operator.out
    assert stages[:4] == [Stage.SETTLE, Stage.PUSH, Stage.TURN, Stage.PUSH]
    assert PLANS["chair-legs"].away_m > OUT_M


def test_who_has_seen_it_come_in_pushes_there_first() -> None:
    operator = Operator()
    for x_m in (1.0, 0.7, 0.4, 0.0):
        state = replace(robot_state(), call=None, x_m=x_m, y_m=0.0)
        operator, hands = operator.act(Seen(state, False, 40.0, 100.0), 0)
        assert hands == Hands()
    state = replace(
        robot_state(),
        task=SCENARIOS["chair-legs"].task,
        mode=Mode.READY,
        x_m=0.0,
        y_m=0.0,
        heading_rad=2.0,
    )
    operator = dataclasses.replace(operator, stage=Stage.SETTLE)
    operator, _ = operator.act(Seen(state, True, 40.0, 100.0), 2 * SETTLE_NS)
    assert (operator.stage, operator.aim_rad) == (Stage.TURN, 0.0)
    operator, hands = operator.act(Seen(state, True, 40.0, 100.0), 2 * SETTLE_NS + LOOK_NS)
    assert hands.held == {"D"}


def test_a_ring_without_a_gap_is_given_up_and_marked_a_failure() -> None:
    ring = Ring(0.0)
    ring.feel = lambda hands: 0.0  # type: ignore[method-assign, assignment]
    operator, _ = pushed_out(ring, Slack())
    assert operator.stage is Stage.LABEL
    assert not operator.success


def test_a_person_is_the_same_for_the_same_seed_and_never_hastier_than_the_robot_allows() -> None:
    people = [Slack.of(seed) for seed in range(100)]
    assert people == [Slack.of(seed) for seed in range(100)]
    assert len(set(people)) == 100
    assert all(person.pause >= 1.0 for person in people)
    assert {person.right_first for person in people} == {True, False}


def test_it_says_since_when_it_drives_and_when_it_is_done() -> None:
    for stage in Stage:
        operator = Operator(stage=stage, began_ns=7)
        assert operator.waiting == (stage in (Stage.WAIT_CALL, Stage.ACCEPT))
        assert operator.driving_since_ns == (7 if stage in DRIVING else None)
        assert operator.done == (stage is Stage.DONE)
