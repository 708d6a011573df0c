"""The arm's scripted operators: they see, steer by keys, judge honestly, and solve their tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest

from recorder.provenance import CameraSettings
from teleop.arm_kinematics import HandPose
from teleop.arm_script import (
    GIVE_UP_NS,
    THERE_M,
    ArmOperator,
    Hand,
    Spot,
    Stage,
    keys_towards,
    manner,
    place_of,
)
from teleop.input_profile import default_profile
from teleop.pick_script import Doing as Picking
from teleop.pick_script import Picker
from teleop.push_script import Doing as Pushing
from teleop.push_script import Pusher
from teleop.rescue_script import READ_NS, SETTLE_NS, Hands, Seen
from teleop.robot import Image, RobotError
from teleop.sim_arm import ArmCameras, SimArm
from teleop.table_view import Colour
from tests.arm_desk import Demonstration, demonstrate
from tests.console.fakes import robot_state
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Hand as ReportedHand
from transport.messages import Mode, RobotKind, RobotState

LOOK_NS = 33 * NS_PER_MS
HERE = HandPose(0.3, 0.0, 0.1, 0.0)
BLACK: Image = np.zeros((24, 32, 3), np.uint8)
PEOPLE = 3


def arm_state(mode: Mode = Mode.READY) -> RobotState:
    return msgspec.structs.replace(
        robot_state(), mode=mode, x_m=0.3, y_m=0.0, heading_rad=0.0, hand=ReportedHand(0.1, 0.0, 0)
    )


@dataclass(frozen=True)
class Task:
    """Work that ends after so many looks."""

    looks: int
    success: bool | None = None
    outcome: bool = True

    def step(self, hand: Hand, picture: Image | None, now_ns: int) -> tuple[Task, Hands]:
        left = self.looks - 1
        done = self.outcome if left <= 0 else None
        return replace(self, looks=left, success=done), Hands(held=frozenset({"W"}))


# --- the session --------------------------------------------------------------------------------


def session(work: Task, limit_s: float = 90.0) -> tuple[ArmOperator, list[str], float]:
    """The operator's taps, and how long it worked, at a robot that grants whatever is asked."""
    operator, taps, yours, worked = ArmOperator(work), list[str](), False, 0
    for look in range(round(limit_s * NS_PER_S / LOOK_NS)):
        seen = Seen(arm_state(), yours, 40.0, 90.0, picture=BLACK)
        operator, hands = operator.act(seen, look * LOOK_NS)
        worked += bool(hands.held)
        if hands.tap:
            taps.append(hands.tap)
            yours = {"F2": True, "Return": False}.get(hands.tap, yours)
        if operator.done:
            break
    return operator, taps, worked * LOOK_NS / NS_PER_S


@pytest.mark.parametrize(("outcome", "mark"), [(True, "Y"), (False, "Backspace")])
def test_it_takes_the_robot_does_the_work_marks_what_it_saw_and_hands_back(
    outcome: bool, mark: str
) -> None:
    operator, taps, worked_s = session(Task(60, outcome=outcome))
    assert operator.done
    assert taps == ["F2", mark, "Return"]
    assert worked_s == pytest.approx(2.0, abs=0.1)


def test_work_without_an_end_is_given_up_and_marked_a_failure() -> None:
    _, taps, worked_s = session(Task(10**9))
    assert taps == ["F2", "Backspace", "Return"]
    assert worked_s == pytest.approx(GIVE_UP_NS / NS_PER_S, abs=0.1)


def test_it_asks_for_nothing_before_it_sees_the_robot_and_a_picture() -> None:
    operator = ArmOperator(Task(1))
    for seen in (
        Seen(None, False, None, 0.0, picture=BLACK),
        Seen(robot_state(), False, 40.0, 0.0, picture=BLACK),  # a rover: it has no hand
        Seen(arm_state(), False, None, 0.0),
    ):
        assert operator.act(seen, 10 * NS_PER_S)[1] == Hands()
    assert operator.waiting


def test_it_keeps_its_hands_off_until_the_self_test_is_through_and_half_a_second_longer() -> None:
    operator, untested = ArmOperator(Task(1), Stage.SETTLE), replace_seen(tested=False)
    for look in range(60):
        operator, hands = operator.act(untested, look * LOOK_NS)
        assert hands == Hands()
    tested_ns = 59 * LOOK_NS
    operator, _ = operator.act(replace_seen(), tested_ns + SETTLE_NS - 1)
    assert operator.driving_since_ns is None
    busy, _ = operator.act(replace_seen(mode=Mode.HOLD), tested_ns + SETTLE_NS)
    assert busy.driving_since_ns is None
    operator, _ = operator.act(replace_seen(), tested_ns + SETTLE_NS)
    assert operator.driving_since_ns == tested_ns + SETTLE_NS


def replace_seen(*, tested: bool = True, mode: Mode = Mode.READY) -> Seen:
    return Seen(arm_state(mode), True, 40.0, 90.0, tested, BLACK)


def test_it_taps_a_key_no_faster_than_a_person_reads() -> None:
    operator, taps = ArmOperator(Task(1)), []
    for look in range(100):
        operator, hands = operator.act(
            Seen(arm_state(), False, 40.0, 90.0, picture=BLACK), look * LOOK_NS
        )
        if hands.tap:
            taps.append(look * LOOK_NS)
    assert min(np.diff(taps)) >= READ_NS


# --- steering -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spot", "keys"),
    [
        (Spot(x_m=0.36), {"W"}),
        (Spot(x_m=0.24), {"S"}),
        (Spot(y_m=0.06), {"A"}),
        (Spot(y_m=-0.06), {"D"}),
        (Spot(z_m=0.16), {"R"}),
        (Spot(z_m=0.04), {"F"}),
        (Spot(yaw_rad=0.5), {"Q"}),
        (Spot(yaw_rad=-0.5), {"E"}),
        (Spot(0.36, -0.06, 0.16, 0.5), {"W", "D", "R", "Q"}),
        (Spot(x_m=0.31), {"W", "Ctrl"}),
        (Spot(yaw_rad=0.1), {"Q", "Ctrl"}),
        (Spot(x_m=0.3 + THERE_M * 0.9, yaw_rad=0.01), set()),
        (Spot(), set()),
    ],
)
def test_the_keys_lead_towards_the_spot_and_slowly_close_to_it(spot: Spot, keys: set[str]) -> None:
    assert keys_towards(HERE, spot, hasty=False) == keys


def test_only_the_hasty_hold_shift_and_only_on_long_ways() -> None:
    far, near = Spot(x_m=0.45), Spot(x_m=0.36)
    assert keys_towards(HERE, far, hasty=True) == {"W", "Shift"}
    assert keys_towards(HERE, far, hasty=False) == {"W"}
    assert keys_towards(HERE, near, hasty=True) == {"W"}
    assert keys_towards(HERE, far, hasty=True, precise=True) == {"W", "Ctrl"}


def test_every_key_that_is_held_drives_an_arm_by_the_built_in_profile() -> None:
    keys = default_profile(RobotKind.ARM).keys
    assert {*"WASDQERFGT", "Shift", "Ctrl"} <= set(keys)


def test_no_two_people_work_alike_and_everybody_always_the_same() -> None:
    people = [manner(number) for number in range(40)]
    assert people == [manner(number) for number in range(40)]
    assert len(set(people)) == 40
    assert {one.hasty for one in people} == {True, False}
    assert 5 < sum(one.detour_m == (0.0, 0.0) for one in people) < 35
    assert all(0 <= pause < 2 for one in people for pause in one.pause_s)


# --- what they do when it goes wrong ------------------------------------------------------------

CAMERA = CameraSettings(
    position_m=(0.33, 0.0, 1.45),
    rotation_wxyz=(math.sqrt(0.5), 0.0, 0.0, -math.sqrt(0.5)),
    focal_px=(500.0, 500.0),
    centre_px=(160.0, 120.0),
)
CALM = replace(manner(0), pause_s=(0.0,), detour_m=(0.0, 0.0), hasty=False)


def painted(*things: tuple[float, float, tuple[int, int, int]]) -> Image:
    """Squares of 14 px with the middle at u, v."""
    picture = np.full((240, 320, 3), 45, np.uint8)
    for u, v, colour in things:
        picture[round(v) - 7 : round(v) + 7, round(u) - 7 : round(u) + 7] = colour
    return picture


RED, GREEN, BLUE = (190, 30, 25), (30, 130, 50), (30, 80, 200)


def test_a_picture_that_is_fetched_small_shows_things_at_the_same_places() -> None:
    full = painted((200, 80, RED))
    small = np.ascontiguousarray(full[::2, ::2])
    seen, seen_small = (place_of(one, CAMERA, Colour.RED, 0.04) for one in (full, small))
    assert seen is not None
    assert seen_small is not None
    assert (seen_small.x_m, seen_small.y_m) == pytest.approx((seen.x_m, seen.y_m), abs=0.003)


def test_fingers_that_close_on_nothing_are_opened_and_the_cube_is_looked_for_again() -> None:
    work = Picker(CAMERA, CALM, Picking.CLOSE, since_ns=0)
    work, _ = work.step(Hand(HERE, 0.95, 0.0), None, NS_PER_S)
    assert work.doing is Picking.RISE


@pytest.mark.parametrize("doing", [Picking.LIFT, Picking.CARRY])
def test_a_cube_that_slipped_is_looked_for_again(doing: Picking) -> None:
    work = Picker(CAMERA, CALM, doing, since_ns=0)
    work, hands = work.step(Hand(HERE, 0.95, 0.0), None, NS_PER_S)
    assert work.doing is Picking.LOOK
    assert hands == Hands()


def test_going_on_takes_a_firm_grip_not_the_first_touch() -> None:
    work, now_ns = Picker(CAMERA, CALM, Picking.CLOSE, since_ns=0), NS_PER_S
    for grip_n in (0.0, 3.0, 5.0):
        work, hands = work.step(Hand(HERE, 0.5, grip_n), None, now_ns)
        assert "G" in hands.held
        now_ns += LOOK_NS
    work, _ = work.step(Hand(HERE, 0.5, 6.0), None, now_ns + NS_PER_S)
    assert work.doing is Picking.LIFT


def test_a_cube_beside_the_tray_is_no_success() -> None:
    picture = painted((160, 120, RED), (220, 120, GREEN))
    look = Picker(CAMERA, CALM, Picking.LOOK, since_ns=0)
    judging = replace(look.step(Hand(HERE, 0, 0), picture, 1)[0], doing=Picking.JUDGE, since_ns=0)
    beside, _ = judging.step(Hand(HERE, 0, 0), picture, NS_PER_S)
    assert (beside.success, beside.doing) == (None, Picking.LOOK)
    inside, _ = judging.step(Hand(HERE, 0, 0), painted((218, 122, RED)), NS_PER_S)
    assert inside.success is True
    unseen, _ = judging.step(Hand(HERE, 0, 0), BLACK, NS_PER_S)
    assert (unseen.success, unseen.doing) == (None, Picking.JUDGE)


def test_a_puck_outside_the_circle_is_pushed_again() -> None:
    picture = painted((160, 120, BLUE), (160, 80, GREEN))
    look = Pusher(CAMERA, CALM, Pushing.LOOK, since_ns=0)
    looked, _ = look.step(Hand(HERE, 0, 0), picture, 1)
    assert looked.line == pytest.approx((1.0, 0.0), abs=0.02)
    judging = replace(looked, doing=Pushing.JUDGE, since_ns=0)
    outside, _ = judging.step(Hand(HERE, 0, 0), picture, NS_PER_S)
    assert (outside.success, outside.doing) == (None, Pushing.LOOK)
    inside, _ = judging.step(Hand(HERE, 0, 0), painted((160, 81, BLUE)), NS_PER_S)
    assert inside.success is True


def test_pushing_steers_back_behind_the_puck_and_gives_up_when_it_is_far_aside() -> None:
    picture = painted((160, 120, BLUE), (160, 60, GREEN))  # the way leads along +x
    looked, _ = Pusher(CAMERA, CALM, Pushing.LOOK, since_ns=0).step(Hand(HERE, 0, 0), picture, 1)
    pushing = replace(looked, doing=Pushing.PUSH, since_ns=0)
    for y_m, keys in ((0.0, {"W"}), (0.012, {"W", "D"}), (-0.012, {"W", "A"})):
        behind = Hand(HandPose(0.28, y_m, 0.02, 0.0), 0.5, 0.0)
        _, hands = pushing.step(behind, picture, NS_PER_S)
        assert hands.held - {"Ctrl"} == keys
    aside, hands = pushing.step(Hand(HandPose(0.28, 0.03, 0.02, 0), 0.5, 0.0), picture, NS_PER_S)
    assert aside.doing is Pushing.BACK
    assert hands == Hands()


# --- whole demonstrations -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def has_graphics() -> None:
    rig = ArmCameras("push", 0, width=320, height=240)
    try:
        rig.open()
    except RobotError as error:
        pytest.skip(str(error))
    rig.close()


def demonstration(task: str, seed: int) -> tuple[SimArm, Demonstration]:
    arm, rig = SimArm(task, seed), ArmCameras(task, seed, width=320, height=240)
    try:
        return arm, demonstrate(arm, rig, who=seed)
    finally:
        rig.close()


def check(arm: SimArm, done: Demonstration) -> None:
    """Solved, so judged by the one who did it, and replayed to the very same end."""
    assert done.solved
    assert done.operator.success
    arm.restore(done.start)
    rolled = arm.rollout(done.told)
    assert arm.snapshot() == done.end
    assert np.array_equal(rolled.told, done.told)
    assert rolled.solved[-10:].all()
    assert not rolled.solved[0]


@pytest.mark.usefixtures("has_graphics")
@pytest.mark.parametrize("task", ["pick-place", "push"])
@pytest.mark.parametrize("seed", range(PEOPLE))
def test_a_demonstration_solves_its_task_and_replays_to_the_last_bit(task: str, seed: int) -> None:
    check(*demonstration(task, seed))


@pytest.mark.long
@pytest.mark.usefixtures("has_graphics")
@pytest.mark.parametrize("task", ["pick-place", "push"])
def test_ninety_five_of_a_hundred_demonstrations_solve_their_task(task: str) -> None:
    seconds, failed = [], []
    for seed in range(100):
        arm, done = demonstration(task, seed)
        seconds.append(done.seconds)
        if done.solved and done.operator.success:
            check(arm, done)
        else:
            failed.append(seed)
    print(f"{task}: {100 - len(failed)} of 100, median {np.median(seconds):.1f} s, not {failed}")
    assert len(failed) <= 5
    assert 6 <= np.median(seconds) <= 12
