"""The scripted operator against a toy robot: it accepts, backs out, rocks, marks honestly."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from teleop.rescue_script import (
    AWAY_M,
    BRIGHT,
    GIVE_UP_NS,
    SETTLE_NS,
    Hands,
    Operator,
    Seen,
    Stage,
)
from tests.console.fakes import CALL, robot_state
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Mode

LOOK_NS = 20 * NS_PER_MS


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
