"""The bundled arm: its state is its whole state, in C as in Python, and its tasks are real."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.replayable import Movable, Named, Numbers, Rolling
from teleop import arm_kinematics, arm_scene
from teleop.arm_goal import (
    AWAY_M,
    CUBE_HALF_M,
    PUCK_M,
    SUCCESS,
    TARGET_M,
    TRAY_HALF_M,
    Goal,
    solved_at,
)
from teleop.arm_kinematics import HandPose, Motion, hand_at, joints_for
from teleop.arm_scene import TASKS
from teleop.mujoco_cameras import MujocoCameras
from teleop.robot import ArmObservation, CameraRig, Resettable, Robot, RobotError, camera_settings
from teleop.sim_arm import (
    ACTIONS,
    CAMERAS,
    DRIVEN,
    LAG_M,
    MAX_GRIP_PS,
    MAX_MPS,
    ArmCameras,
    SimArm,
    clipped,
)
from tests.conformance import ResettableConformance
from transport.channels import TICK_HZ
from transport.messages import STILL, Twist

ROOT = Path(__file__).parents[2]
SCENE = ROOT / "resources" / "scenes" / "arm.xml"
PICK, PUSH = "pick-place", "push"
DOWN = Twist(forward_mps=0.0, turn_radps=0.0, up_mps=-0.15)
UP = Twist(forward_mps=0.0, turn_radps=0.0, up_mps=0.15)
CLOSE = Twist(forward_mps=0.0, turn_radps=0.0, grip_ps=1.0)
OPEN = Twist(forward_mps=0.0, turn_radps=0.0, grip_ps=-1.0)


class TestSimArmConforms(ResettableConformance):
    def make_robot(self) -> SimArm:
        return SimArm(PICK, 0)

    def set_point(self, robot: Robot) -> Twist:
        assert isinstance(robot, SimArm)
        return robot.set_point


def twist(row: Numbers) -> Twist:
    return Twist(**dict(zip(ACTIONS, row.tolist(), strict=True)))


def ticks(arm: SimArm, action: Twist, seconds: float) -> None:
    for _ in range(round(seconds * TICK_HZ)):
        arm.apply(action)


def put(arm: SimArm, x_m: float, y_m: float, z_m: float, hand: HandPose | None = None) -> None:
    """Lay the object somewhere, at rest, and the open hand away from it or at `hand`."""
    joints = joints_for(hand or HandPose(0.2, 0.0, 0.2, 0.0))
    assert joints is not None
    numbers = np.frombuffer(arm.snapshot(), "<f8").copy()
    parts = [part.name for part in arm.state_parts()]
    numbers[1 : 1 + DRIVEN] = (*joints, 0.04, 0.04)
    numbers[1 + DRIVEN : 1 + DRIVEN + 7] = (x_m, y_m, z_m, 1.0, 0.0, 0.0, 0.0)
    control = parts.index("control 0")
    numbers[1 + DRIVEN + 7 : control] = 0.0
    numbers[control : control + DRIVEN] = (*joints, 0.04, 0.04)
    arm.restore(numbers.tobytes())


def behind_the_puck(arm: SimArm) -> None:
    """Half closed on the table, four centimetres before it touches."""
    put(arm, 0.30, 0.0, 0.015, HandPose(0.22, 0.0, 0.02, 0.0))
    ticks(arm, CLOSE, 0.5)


def pose(arm: SimArm) -> HandPose:
    seen = arm.observe()
    return HandPose(seen.x_m, seen.y_m, seen.z_m, seen.yaw_rad)


def place(arm: SimArm) -> Numbers:
    """x, y, z of the object."""
    return np.frombuffer(arm.snapshot(), "<f8")[1 + DRIVEN : 4 + DRIVEN]


# --- many ticks at once -------------------------------------------------------------------------


def wild(seed: int, ticks_each: int, count: int = 600) -> Numbers:
    """Actions that lead into the object, the table and every edge: held for a while, beyond all
    limits now and then, and every third of them with a gripper that is left alone.
    """
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-1, 1, (count // ticks_each + 1, 5)) * (0.3, 0.3, 0.3, 2.0, 2.5)
    rows[::2, 2] = -np.abs(rows[::2, 2]) / 3  # down to where there is something to touch
    actions = np.repeat(rows, ticks_each, axis=0)[:count]
    actions[::3, 4] = 0.0
    return actions


def one_by_one(arm: SimArm, actions: Numbers) -> tuple[Numbers, Numbers, list[bool]]:
    told, states, solved = [], [arm.snapshot()], [arm.solved()]
    for row in actions:
        done = arm.apply(twist(row))
        told.append([getattr(done, name) for name in ACTIONS])
        states.append(arm.snapshot())
        solved.append(arm.solved())
    numbers = np.stack([np.frombuffer(state, "<f8") for state in states])
    return np.array(told).reshape(-1, 5), numbers, solved


@pytest.mark.parametrize("task", [PICK, PUSH])
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**31), ticks_each=st.integers(1, 40))
def test_a_rollout_is_bit_by_bit_what_one_apply_after_the_other_does(
    task: str, seed: int, ticks_each: int
) -> None:
    actions = wild(seed, ticks_each)
    slow, fast = SimArm(task, 1), SimArm(task, 1)
    told, states, solved = one_by_one(slow, actions)
    rolled = fast.rollout(actions)
    assert np.array_equal(rolled.told, told)
    assert np.array_equal(rolled.states, states)
    assert rolled.solved.tolist() == solved
    assert fast.snapshot() == slow.snapshot()
    assert fast.observe() == slow.observe()
    assert fast.set_point == slow.set_point
    assert isinstance(fast, Rolling)


@pytest.mark.parametrize("task", [PICK, PUSH])
def test_what_was_told_leads_to_the_very_same_states_again_also_at_the_edges(task: str) -> None:
    arm = SimArm(task, 2)
    start, actions = arm.snapshot(), wild(5, 25)
    first = arm.rollout(actions)
    assert (np.abs(first.told - actions).max(axis=1) > 1e-6).mean() > 0.2  # edges and limits
    arm.restore(start)
    again = arm.rollout(first.told)
    assert np.array_equal(again.told, first.told)
    assert np.array_equal(again.states, first.states)


def test_a_rollout_goes_on_from_the_middle_of_contact_exactly_as_the_whole_did() -> None:
    arm = SimArm(PUSH, 3)
    behind_the_puck(arm)
    whole = arm.rollout(np.tile([0.1, 0.0, 0.0, 0.0, 0.0], (90, 1)))
    assert whole.states[-1][1 + DRIVEN] > 0.32  # pushed
    arm.restore(whole.states[45].tobytes())
    rest = arm.rollout(whole.told[45:])
    assert np.array_equal(rest.states, whole.states[45:])


def test_a_rollout_of_nothing_is_where_it_begins() -> None:
    arm = SimArm(PICK, 0)
    before = arm.snapshot()
    rolled = arm.rollout(np.empty((0, 5)))
    assert rolled.told.shape == (0, 5)
    assert rolled.states.tobytes() == before == arm.snapshot()
    assert rolled.solved.tolist() == [False]


@pytest.mark.parametrize("actions", [np.zeros((3, 2)), np.zeros(5)])
def test_actions_of_another_shape_are_refused(actions: Numbers) -> None:
    with pytest.raises(RobotError, match="takes"):
        SimArm(PICK, 0).rollout(actions)


def test_numbers_that_are_none_are_refused_in_a_rollout_too() -> None:
    arm = SimArm(PICK, 0)
    before, actions = arm.snapshot(), np.zeros((3, 5))
    actions[1, 4] = np.nan
    with pytest.raises(RobotError, match="finite"):
        arm.rollout(actions)
    assert arm.snapshot() == before


# --- state --------------------------------------------------------------------------------------


def test_every_tick_can_be_redone_from_its_own_state_also_in_contact() -> None:
    arm, other = SimArm(PUSH, 3), SimArm(PUSH, 3)
    behind_the_puck(arm)
    for tick in range(60):
        before = arm.snapshot()
        action = Twist(forward_mps=0.12, turn_radps=0.2, left_mps=0.05 * math.sin(tick / 9))
        arm.apply(action)
        other.restore(before)
        other.apply(action)
        assert other.snapshot() == arm.snapshot()
        assert other.observe() == arm.observe()


def test_each_number_of_a_state_has_a_name_and_warm_starts_are_none() -> None:
    arm = SimArm(PICK, 0)
    ticks(arm, Twist(forward_mps=0.2, turn_radps=1.0), 0.5)
    parts, numbers = arm.state_parts(), np.frombuffer(arm.snapshot(), "<f8")
    assert isinstance(arm, Named)
    assert len(parts) == len(numbers)
    named = {part.name: value for part, value in zip(parts, numbers, strict=True)}
    assert {"base", "shoulder", "elbow", "wrist", "roll", "cube x", "cube qw"} <= set(named)
    assert [named[f"warm start {i}"] for i in range(13)] == [0.0] * 13
    assert named["time"] == pytest.approx(0.5)


def test_moving_the_object_moves_nothing_else() -> None:
    arm = SimArm(PICK, 0)
    before = arm.snapshot()
    moved = arm.moved(before, 0.01, -0.02)
    change = np.frombuffer(moved, "<f8") - np.frombuffer(before, "<f8")
    at = {part.name: i for i, part in reversed(list(enumerate(arm.state_parts())))}
    assert change[at["cube x"]] == pytest.approx(0.01)
    assert change[at["cube y"]] == pytest.approx(-0.02)
    assert np.count_nonzero(change) == 2
    assert isinstance(arm, Movable)
    with pytest.raises(RobotError, match="not one of this scene"):
        arm.moved(before[:-8], 0.0, 0.0)


@pytest.mark.parametrize("task", [PICK, PUSH])
def test_starts_differ_by_count_repeat_and_leave_the_model_alone(task: str) -> None:
    arm = SimArm(task, 4)
    first, sha256 = arm.snapshot(), arm.scene_sha256
    ticks(arm, CLOSE, 0.2)
    arm.reset(1)
    second = arm.snapshot()
    assert arm.set_point == STILL
    assert second != first
    arm.reset(0)
    assert arm.snapshot() == first
    assert arm.scene_sha256 == sha256
    assert SimArm(task, 5).snapshot() != first
    assert isinstance(arm, Resettable)


@pytest.mark.parametrize("task", [PICK, PUSH])
@pytest.mark.parametrize("seed", range(6))
def test_nothing_moves_and_nothing_is_solved_when_nothing_is_done(task: str, seed: int) -> None:
    arm = SimArm(task, seed)
    for count in range(3):
        arm.reset(count)
        ticks(arm, STILL, 0.5)  # the arm sinks into its servos by a millimetre or two
        settled, there = pose(arm), place(arm)
        rolled = arm.rollout(np.zeros((5 * TICK_HZ, 5)))
        assert not rolled.solved.any()
        assert hand_at(tuple(rolled.states[-1][1:6])).z_m == pytest.approx(settled.z_m, abs=5e-4)
        assert place(arm) == pytest.approx(there, abs=5e-4)


# --- motion -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "moved"),
    [
        (Twist(forward_mps=0.1, turn_radps=0.0), (0.1, 0.0, 0.0, 0.0)),
        (Twist(forward_mps=0.0, turn_radps=0.0, left_mps=-0.1), (0.0, -0.1, 0.0, 0.0)),
        (Twist(forward_mps=0.0, turn_radps=0.0, up_mps=-0.1), (0.0, 0.0, -0.1, 0.0)),
        (Twist(forward_mps=0.0, turn_radps=0.8), (0.0, 0.0, 0.0, 0.8)),
    ],
    ids=["forward", "left", "up", "turn"],
)
def test_the_hand_goes_where_it_is_told_as_fast_as_it_is_told(
    action: Twist, moved: tuple[float, ...]
) -> None:
    arm = SimArm(PICK, 0)
    ticks(arm, STILL, 0.5)
    before = pose(arm)
    ticks(arm, action, 1.0)
    seen = arm.observe()
    # A servo is told anew in each tick, and slows down towards its end: at most a quarter.
    assert seen.speed_mps == pytest.approx(math.hypot(*moved[:3]), rel=0.25, abs=0.01)
    assert seen.turn_radps == pytest.approx(moved[3], rel=0.25, abs=0.02)
    ticks(arm, STILL, 0.5)
    after = pose(arm)
    way = (
        after.x_m - before.x_m,
        after.y_m - before.y_m,
        after.z_m - before.z_m,
        after.yaw_rad - before.yaw_rad,
    )
    assert way == pytest.approx(moved, abs=0.002)


def test_a_diagonal_is_no_faster_than_a_straight_way() -> None:
    told = SimArm(PICK, 0).apply(Twist(forward_mps=9.0, turn_radps=0.0, left_mps=9.0, up_mps=9.0))
    assert math.hypot(told.forward_mps, told.left_mps, told.up_mps) == pytest.approx(MAX_MPS)
    assert told.forward_mps == told.left_mps == told.up_mps


@given(st.tuples(*[st.floats(-10, 10)] * 5))
def test_what_was_clipped_once_is_left_alone(rates: tuple[float, ...]) -> None:
    once = clipped(Motion(*rates))
    assert clipped(once) == once
    assert math.hypot(*once[:3]) <= MAX_MPS * (1 + 1e-12)


def test_a_gripper_closes_no_faster_than_it_can_and_opens_again() -> None:
    arm = SimArm(PICK, 0)
    assert arm.apply(Twist(forward_mps=0.0, turn_radps=0.0, grip_ps=99.0)).grip_ps == MAX_GRIP_PS
    ticks(arm, CLOSE, 1.2)
    assert arm.observe().grip > 0.95
    assert arm.observe().grip_n < 1.0  # there is nothing between the fingers
    ticks(arm, OPEN, 1.2)
    assert arm.observe().grip < 0.05


def test_the_hand_that_is_driven_into_the_table_stops_above_it() -> None:
    arm = SimArm(PICK, 0)
    ticks(arm, DOWN, 3.0)
    assert 0.004 < pose(arm).z_m < 0.02
    assert arm.apply(DOWN).up_mps == pytest.approx(0.0, abs=1e-6)


# --- the tasks ----------------------------------------------------------------------------------


def test_a_cube_is_held_by_friction_alone_and_keeps_being_held_by_zero() -> None:
    arm = SimArm(PICK, 0)
    put(arm, 0.30, 0.1, 0.02, HandPose(0.30, 0.1, 0.02, 0.0))
    ticks(arm, CLOSE, 1.0)
    assert arm.observe().grip == pytest.approx(0.5, abs=0.06)
    assert arm.observe().grip_n > 5
    ticks(arm, UP, 0.8)
    ticks(arm, STILL, 3.0)
    assert place(arm)[2] > 0.09
    assert arm.observe().grip_n > 5
    ticks(arm, OPEN, 1.0)
    assert place(arm)[2] == pytest.approx(0.02, abs=0.003)


def test_a_puck_is_pushed_by_contact_and_stops_by_friction() -> None:
    arm = SimArm(PUSH, 0)
    behind_the_puck(arm)
    ticks(arm, Twist(forward_mps=0.1, turn_radps=0.0), 1.0)
    pushed = place(arm)
    assert pushed[0] > 0.33
    ticks(arm, Twist(forward_mps=-0.1, turn_radps=0.0), 0.5)
    assert place(arm)[0] == pytest.approx(pushed[0], abs=0.02)


def test_a_cube_at_rest_in_the_tray_with_the_hand_away_is_the_goal_and_nothing_less() -> None:
    arm = SimArm(PICK, 3)
    goal = arm.scene.goal
    put(arm, goal.x_m, goal.y_m, 0.02)
    ticks(arm, STILL, 0.3)
    assert arm.solved()
    above = HandPose(goal.x_m, goal.y_m, 0.02 + AWAY_M - 0.01, 0.0)
    for x_m, y_m, z_m, hand in (
        (goal.x_m - 0.12, goal.y_m, 0.02, None),  # before the tray
        (goal.x_m, goal.y_m, 0.03, None),  # not lying on its floor
        (goal.x_m, goal.y_m, 0.02, above),  # the hand still there
    ):
        put(arm, x_m, y_m, z_m, hand)
        assert not arm.solved()
    put(arm, goal.x_m, goal.y_m, 0.02)
    state = np.frombuffer(arm.snapshot(), "<f8").copy()
    for velocity in (0, 3):  # sliding, and tumbling
        moving = state.copy()
        moving[1 + DRIVEN + 7 + DRIVEN + velocity] = 0.5
        arm.restore(moving.tobytes())
        assert not arm.solved()


def test_a_puck_at_rest_that_is_whole_inside_the_circle_is_the_goal() -> None:
    arm = SimArm(PUSH, 3)
    goal = arm.scene.goal
    put(arm, goal.x_m - 0.024, goal.y_m, 0.015)
    ticks(arm, STILL, 0.3)
    assert arm.solved()
    for off_m, z_m in ((0.027, 0.015), (0.0, 0.03)):
        put(arm, goal.x_m - off_m, goal.y_m, z_m)
        assert not arm.solved()


def test_a_turned_tray_is_measured_along_its_own_walls() -> None:
    goal = Goal(0.34, 0.17, math.radians(45))
    states = np.zeros((2, 14))
    states[:, :5] = joints_for(HandPose(0.2, 0.0, 0.2, 0.0))
    # 6 cm along a wall it stands in it, 6 cm along the diagonal it does not.
    states[0, 7:10] = (0.34 + 0.06, 0.17, 0.02)
    states[1, 7:10] = (0.34 + 0.06 * math.sqrt(0.5), 0.17 + 0.06 * math.sqrt(0.5), 0.02)
    assert solved_at(PICK, goal, states, np.zeros((2, 13))).tolist() == [True, False]


# --- scenes and descriptions --------------------------------------------------------------------


def test_a_seed_always_gives_the_same_table_and_another_seed_another() -> None:
    first, again, other = (arm_scene.build(PICK, seed, looks=False) for seed in (5, 5, 6))
    assert first.sha256 == again.sha256
    assert first.goal == again.goal
    assert first.sha256 != other.sha256


@pytest.mark.parametrize("task", [PICK, PUSH])
def test_leaving_out_what_is_only_looked_at_changes_no_number_of_the_motion(task: str) -> None:
    bare, full = (arm_scene.build(task, 2, looks=looks) for looks in (False, True))
    assert bare.sha256 == full.sha256
    assert bare.model.ngeom < full.model.ngeom / 3
    arm, dressed = SimArm(task, 2), SimArm(task, 2)
    dressed._model, start = full.model, arm.snapshot()
    actions = wild(3, 30, 240)
    import mujoco

    dressed._data = mujoco.MjData(full.model)
    dressed.restore(start)
    assert np.array_equal(dressed.rollout(actions).states, arm.rollout(actions).states)


def test_the_links_are_as_long_as_the_kinematics_believes() -> None:
    model = SimArm(PICK, 0).scene.model
    lengths = {
        "SHOULDER_M": model.body("turret").pos[2] + model.body("upper_arm").pos[2],
        "UPPER_M": model.body("forearm").pos[0],
        "FOREARM_M": model.body("wrist").pos[0],
        "HAND_M": model.body("left_finger").pos[0],
    }
    for name, length in lengths.items():
        assert getattr(arm_kinematics, name) == pytest.approx(length)


def test_things_are_as_large_as_the_goals_believe() -> None:
    pick = arm_scene.build(PICK, 0, looks=False).model
    wall = pick.geom("tray_back")
    assert pick.geom("cube").size.tolist() == [CUBE_HALF_M] * 3
    assert wall.pos[0] - wall.size[0] == pytest.approx(TRAY_HALF_M)
    push = arm_scene.build(PUSH, 0, looks=True).model
    assert push.geom("puck").size[:2].tolist() == list(PUCK_M)
    assert push.geom("circle").size[0] == TARGET_M


@pytest.mark.parametrize("task", [PICK, PUSH])
def test_a_description_builds_the_same_arm_again(task: str) -> None:
    arm = SimArm(task, 4)
    again = SimArm.from_description(arm.describe("boot"))
    assert again.snapshot() == arm.snapshot()
    assert again.describe("boot") == arm.describe("boot")


@pytest.mark.parametrize("task", [PICK, PUSH])
def test_a_description_says_what_every_number_means_and_when_the_task_is_solved(task: str) -> None:
    arm = SimArm(task, 3)
    told = arm.describe("boot")
    assert set(told.units) == {*told.observation_names, *told.action_names}
    assert len(arm.observe().values()) == len(told.observation_names)
    assert told.observation_names == ArmObservation.names(5)
    assert told.action_names == ACTIONS
    assert told.success is not None
    assert (told.success.name, told.success.held_ticks) == (SUCCESS[task].name, 10)
    assert set(told.assets_sha256) == {"arm.xml"}
    assert {"mujoco", "numpy", "python", "machine"} <= set(told.versions)
    assert told.controller["substeps"] * told.controller["timestep_s"] == pytest.approx(1 / 60)


def test_another_scene_than_the_recorded_one_is_refused() -> None:
    described = SimArm(PICK, 4).describe("boot")
    other = msgspec.structs.replace(described, scene_sha256="0" * 64)
    with pytest.raises(RobotError, match="not the one that was recorded"):
        SimArm.from_description(other)


@pytest.mark.parametrize(
    ("task", "seed", "words"),
    [("juggle", 0, "Known: pick-place, push"), (PICK, -1, "from 0")],
)
def test_an_unknown_task_or_seed_is_an_error_that_helps(task: str, seed: int, words: str) -> None:
    with pytest.raises(RobotError, match=words):
        SimArm(task, seed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("<worldbody>", "<worldbody><geom type='spoon'/>"), "spoon"),
        (('body name="tray"', 'body name="plate"'), "no body named 'tray'"),
        (('geom name="cube"', 'geom name="die"'), "no geom named 'cube'"),
        (('timestep="0.005555555555555556"', 'timestep="0.002"'), "timestep must be 1/180 s"),
    ],
)
def test_an_error_in_a_users_scene_names_the_fault(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    scene = tmp_path / "mine.xml"
    text = SCENE.read_text()
    assert change[0] in text
    scene.write_text(text.replace(*change))
    with pytest.raises(RobotError, match=words):
        SimArm(PICK, 0, scene)


def test_a_users_own_copy_of_the_scene_can_be_driven(tmp_path: Path) -> None:
    scene = tmp_path / "mine.xml"
    scene.write_text(SCENE.read_text())
    assert SimArm(PUSH, 3, scene).scene_sha256 == SimArm(PUSH, 3).scene_sha256


def test_a_scene_that_is_not_there_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(RobotError, match=r"nowhere\.xml"):
        SimArm(PICK, 0, tmp_path / "nowhere.xml")


# --- cameras ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cameras() -> Iterator[ArmCameras]:
    rig = ArmCameras(PICK, 0, width=320, height=240)
    try:
        rig.render("top", SimArm(PICK, 0).snapshot())
    except RobotError as error:
        pytest.skip(str(error))
    yield rig
    rig.close()


def test_the_cameras_draw_the_state_they_are_given(cameras: ArmCameras) -> None:
    rig: CameraRig = cameras
    assert rig.names == CAMERAS
    assert isinstance(rig, MujocoCameras)
    arm = SimArm(PICK, 0)
    start = arm.snapshot()
    ticks(arm, Twist(forward_mps=0.2, turn_radps=0.0), 0.5)
    for camera in CAMERAS:
        before, after = rig.render(camera, start), rig.render(camera, arm.snapshot())
        assert isinstance(before, np.ndarray)
        assert isinstance(after, np.ndarray)
        assert before.shape == (240, 320, 3)
        assert (np.abs(before.astype(int) - after).max(2) > 20).mean() > 0.005


def test_the_top_camera_is_the_pinhole_that_it_says_it_is(cameras: ArmCameras) -> None:
    """The cube is seen where calibration and state say it has to be, wherever it lies."""
    from teleop.arm_script import place_of
    from teleop.table_view import Colour

    settings_ = camera_settings(cameras, "top")
    assert (settings_.frame, settings_.centre_px) == ("world", (160.0, 120.0))
    arm = SimArm(PICK, 0)
    for x_m, y_m in ((0.30, 0.0), (0.42, 0.2), (0.42, -0.2), (0.25, 0.25)):
        put(arm, x_m, y_m, 0.02, HandPose(0.2, -0.2 if y_m > 0 else 0.2, 0.2, 0.0))
        found = place_of(cameras.render("top", arm.snapshot()), settings_, Colour.RED, 0.04)
        assert found is not None
        assert (found.x_m, found.y_m) == pytest.approx((x_m, y_m), abs=0.003)


def test_there_is_a_task_for_each_goal() -> None:
    assert set(TASKS) == set(SUCCESS) == {PICK, PUSH}


def shoved(arm: SimArm, angle_rad: float) -> bytes:
    """A state in which the hand is not where it is told to be, as when something is in its way."""
    numbers = np.frombuffer(arm.snapshot(), "<f8").copy()
    numbers[1] += angle_rad  # the base's joint; the time stands before the positions
    return numbers.tobytes()


def test_a_hand_that_is_told_nothing_holds_where_it_is_measured() -> None:
    arm = SimArm("push", 0)
    arm.restore(shoved(arm, 0.3))
    before = arm.observe()
    arm.apply(STILL)
    for _ in range(60):
        arm.apply(STILL)
    after = arm.observe()
    assert math.dist((before.x_m, before.y_m), (after.x_m, after.y_m)) < 0.005
    assert after.speed_mps < 0.002


def test_a_hand_that_is_led_goes_on_towards_its_target() -> None:
    arm = SimArm("push", 0)
    told = arm.observe()
    arm.restore(shoved(arm, 0.3))
    for _ in range(60):
        arm.apply(Twist(forward_mps=0.0, turn_radps=0.0, up_mps=0.001))
    seen = arm.observe()
    assert math.dist((told.x_m, told.y_m), (seen.x_m, seen.y_m)) < 0.01


@pytest.mark.parametrize("angle_rad", [0.3, 0.01])
def test_a_rollout_gives_a_target_up_exactly_as_single_ticks_do(angle_rad: float) -> None:
    arm, other = SimArm("push", 0), SimArm("push", 0)
    start = shoved(arm, angle_rad)
    actions = np.zeros((30, 5))
    actions[10:20, 0] = 0.05
    arm.restore(start)
    rolled = arm.rollout(actions)
    other.restore(start)
    for number, action in enumerate(actions.tolist()):
        assert other.snapshot() == rolled.states[number].astype("<f8").tobytes()
        other.apply(Twist(**dict(zip(ACTIONS, action, strict=True))))
    assert other.snapshot() == rolled.states[-1].astype("<f8").tobytes() == arm.snapshot()


def test_full_speed_through_the_air_gives_no_target_up() -> None:
    arm = SimArm("push", 0)
    fast, moved = Twist(forward_mps=0.0, turn_radps=0.0, left_mps=0.25), []
    for _ in range(30):
        arm.apply(fast)
        moved.append(
            math.dist(
                *(hand_at(j)[:3] for j in (tuple(arm._data.qpos[:5]), tuple(arm._data.ctrl[:5])))
            )
        )
    assert max(moved) < LAG_M
