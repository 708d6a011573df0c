"""The bundled robot: it wedges itself, a person can free it, and its state is its whole state."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from recorder.replayable import Movable
from teleop import home_scene, mujoco_cameras
from teleop.home_scene import SCENARIOS
from teleop.home_troubles import Footprint
from teleop.patrol import Patrol
from teleop.policy import Diagnosis
from teleop.robot import CameraRig, Image, Robot, RobotError, RoverObservation, camera_settings
from teleop.sim_rover import MAX_MPS, MAX_RADPS, SimCameras, SimRover
from teleop.stuck import StuckDetector
from tests.conformance import ResettableConformance
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, Twist

ROOT = Path(__file__).parents[2]
SCENARIO = "wedged-under-sofa"
BACK = Twist(forward_mps=-MAX_MPS, turn_radps=0.0)
AHEAD = Twist(forward_mps=0.3, turn_radps=0.0)


@dataclass(frozen=True)
class Wedged:
    """A rover that has just called, with how it came to that."""

    rover: SimRover
    state: bytes
    call_s: float  # simulated time of the call
    wedged_s: float  # since when it had not moved
    bumps: int
    diagnosis: Diagnosis


def patrol_until_stuck(seed: int, limit_s: float = 25.0) -> Wedged:
    rover, patrol, detector, bumps = SimRover(SCENARIO, seed), Patrol(seed), StuckDetector(), 0
    track: list[RoverObservation] = []
    for tick in range(round(limit_s * TICK_HZ)):
        now_ns, seen = tick * NS_PER_S // TICK_HZ, rover.observe()
        track.append(seen)
        bumps += seen.bumper
        asked = patrol.act(seen)
        detector.observe(now_ns, Mode.AUTONOMY, asked, seen)
        if diagnosis := detector.diagnosis(now_ns):
            end = track[-1]
            still = next(
                at
                for at, then in enumerate(track)
                if math.hypot(end.x_m - then.x_m, end.y_m - then.y_m) < 0.05
            )
            state = rover.snapshot()
            return Wedged(rover, state, tick / TICK_HZ, still / TICK_HZ, bumps, diagnosis)
        rover.apply(asked)
    raise AssertionError(f"seed {seed} is not stuck after {limit_s} s")


def seconds_until_solved(
    rover: SimRover, drive: Callable[[int], Twist], limit_s: float
) -> float | None:
    for tick in range(round(limit_s * TICK_HZ)):
        if rover.solved():
            return tick / TICK_HZ
        rover.apply(drive(tick))
    return None


def rocking(tick: int) -> Twist:
    """Full power back, swinging to either side for half a second each."""
    return Twist(forward_mps=-MAX_MPS, turn_radps=MAX_RADPS if tick // 30 % 2 else -MAX_RADPS)


@pytest.fixture(scope="module")
def wedged() -> Wedged:
    return patrol_until_stuck(0)


class TestSimRoverConforms(ResettableConformance):
    begins_solved = True
    scenario = SCENARIO

    def make_robot(self) -> SimRover:
        return SimRover(self.scenario, 0)

    def set_point(self, robot: Robot) -> Twist:
        assert isinstance(robot, SimRover)
        return robot.set_point


class TestOnASillItConforms(TestSimRoverConforms):
    scenario = "high-centred"


class TestAmongChairLegsItConforms(TestSimRoverConforms):
    scenario = "chair-legs"


class TestOnALooseRugItConforms(TestSimRoverConforms):
    scenario = "loose-rug"


# --- the wedge ----------------------------------------------------------------------------------


def check_wedge(wedged: Wedged) -> None:
    assert 3 <= wedged.wedged_s <= 12
    assert wedged.bumps == 0
    assert wedged.diagnosis.reason == "Wedged under furniture"
    assert wedged.diagnosis.detail.startswith("Wheels turn 4 s, moved 0.0")
    assert not wedged.rover.solved()


def test_patrolling_it_wedges_itself_without_touching_its_bumper(wedged: Wedged) -> None:
    check_wedge(wedged)


def test_wedged_its_wheels_turn_and_its_body_does_not_move(wedged: Wedged) -> None:
    rover = wedged.rover
    rover.restore(wedged.state)
    before, rolled_m = rover.observe(), 0.0
    for _ in range(2 * TICK_HZ):
        rover.apply(AHEAD)
        seen = rover.observe()
        rolled_m += max(seen.left_wheel_mps, seen.right_wheel_mps) / TICK_HZ
    assert math.hypot(seen.x_m - before.x_m, seen.y_m - before.y_m) < 0.03
    assert rolled_m > 0.3
    assert seen.motor_a > 2
    assert not seen.bumper


@pytest.mark.parametrize("action", [STILL, AHEAD], ids=["nothing", "the policy's wish"])
def test_neither_waiting_nor_driving_on_solves_the_task(wedged: Wedged, action: Twist) -> None:
    wedged.rover.restore(wedged.state)
    assert seconds_until_solved(wedged.rover, lambda _: action, 60) is None


def test_backing_out_at_full_power_takes_effort_and_works(wedged: Wedged) -> None:
    wedged.rover.restore(wedged.state)
    needed_s = seconds_until_solved(wedged.rover, lambda _: BACK, 15)
    assert needed_s is not None
    assert needed_s > 2


def test_rocking_while_backing_works_too(wedged: Wedged) -> None:
    wedged.rover.restore(wedged.state)
    assert seconds_until_solved(wedged.rover, rocking, 15) is not None


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_every_seed_wedges_and_can_be_freed(seed: int) -> None:
    wedged = patrol_until_stuck(seed)
    check_wedge(wedged)
    rover = wedged.rover
    for drive in (lambda _: BACK, rocking):
        rover.restore(wedged.state)
        assert seconds_until_solved(rover, drive, 15) is not None
    rover.restore(wedged.state)
    assert seconds_until_solved(rover, lambda _: STILL, 60) is None
    # It is no easier, and no harder, for an operator who comes late.
    needed_s = seconds_until_solved(rover, lambda _: BACK, 15)
    assert needed_s is not None
    assert needed_s > 2


# --- state --------------------------------------------------------------------------------------


def test_goes_on_bit_by_bit_from_a_state_within_the_wedge(wedged: Wedged) -> None:
    rover = wedged.rover
    rover.restore(wedged.state)
    for tick in range(20):
        rover.apply(rocking(tick))
    middle = rover.snapshot()
    went_on = [(rover.apply(rocking(tick)), rover.snapshot()) for tick in range(120)]
    again = SimRover(SCENARIO, 0)
    again.restore(middle)
    assert [(again.apply(rocking(tick)), again.snapshot()) for tick in range(120)] == went_on


def test_every_tick_of_a_run_can_be_redone_from_its_own_state(wedged: Wedged) -> None:
    rover, other = wedged.rover, SimRover(SCENARIO, 0)
    rover.restore(wedged.state)
    for tick in range(120):
        before = rover.snapshot()
        rover.apply(rocking(tick))
        other.restore(before)
        other.apply(rocking(tick))
        assert other.snapshot() == rover.snapshot()
        assert other.observe() == rover.observe()


def test_a_hold_between_two_ticks_does_not_change_what_follows(wedged: Wedged) -> None:
    rover = wedged.rover
    rover.restore(wedged.state)
    rover.apply(BACK)
    plain = rover.snapshot()
    rover.restore(wedged.state)
    rover.hold()
    rover.apply(BACK)
    assert rover.snapshot() == plain


def test_a_state_is_little_endian_numbers_that_begin_with_the_time() -> None:
    rover = SimRover(SCENARIO, 0)
    for _ in range(6):
        rover.apply(AHEAD)
    numbers = np.frombuffer(rover.snapshot(), "<f8")
    assert numbers[0] == pytest.approx(6 / TICK_HZ)
    assert np.isfinite(numbers).all()


def test_a_state_with_numbers_that_are_none_is_refused() -> None:
    rover = SimRover(SCENARIO, 0)
    numbers = np.frombuffer(rover.snapshot(), "<f8").copy()
    numbers[1] = np.nan
    with pytest.raises(RobotError, match="damaged"):
        rover.restore(numbers.tobytes())


# --- motion and goal ----------------------------------------------------------------------------


@pytest.mark.parametrize("turn_radps", [-1.5, 1.5])
def test_turns_on_the_spot_as_fast_as_it_is_told(turn_radps: float) -> None:
    rover = SimRover(SCENARIO, 0)
    start = rover.observe()
    for _ in range(TICK_HZ):
        rover.apply(Twist(forward_mps=0.0, turn_radps=turn_radps))
    seen = rover.observe()
    assert seen.turn_radps == pytest.approx(turn_radps, rel=0.05)
    assert math.hypot(seen.x_m - start.x_m, seen.y_m - start.y_m) < 0.02


def test_drives_straight_as_fast_as_it_is_told_and_uses_its_battery() -> None:
    rover = SimRover(SCENARIO, 0)
    start = rover.observe()
    for _ in range(2 * TICK_HZ):
        rover.apply(AHEAD)
    seen = rover.observe()
    assert seen.speed_mps == pytest.approx(0.3, rel=0.03)
    assert math.hypot(seen.x_m - start.x_m, seen.y_m - start.y_m) == pytest.approx(0.6, rel=0.1)
    assert seen.heading_rad == pytest.approx(start.heading_rad, abs=0.02)
    assert seen.tilt_rad < 0.01
    assert seen.battery_pct < start.battery_pct


def test_the_bumper_is_pressed_by_what_stands_in_front() -> None:
    rover = SimRover(SCENARIO, 0)
    for _ in range(round(1.5 * TICK_HZ)):  # about half a turn: to the wall opposite
        rover.apply(Twist(forward_mps=0.0, turn_radps=MAX_RADPS))
    pressed = []
    for _ in range(8 * TICK_HZ):
        rover.apply(AHEAD)
        pressed.append(rover.observe().bumper)
    assert not pressed[0]
    assert pressed[-1]


def test_it_starts_on_open_floor() -> None:
    assert SimRover(SCENARIO, 0).solved()


def test_a_footprint_measures_the_distance_to_its_nearest_edge() -> None:
    turned = Footprint(1.0, 1.0, math.pi / 2, half_length_m=2.0, half_depth_m=0.5)
    assert turned.distance_m(1.0, 1.0) == 0
    assert turned.distance_m(1.0, 3.5) == pytest.approx(0.5)
    assert turned.distance_m(2.5, 1.0) == pytest.approx(1.0)
    assert turned.distance_m(1.5 + 3, 3.0 + 4) == pytest.approx(5.0)


# --- scenes and descriptions --------------------------------------------------------------------


def test_a_seed_always_gives_the_same_home_and_another_seed_another() -> None:
    first, again, other = (home_scene.build(SCENARIO, seed) for seed in (5, 5, 6))
    assert first.sha256 == again.sha256
    assert first.assets_sha256 == again.assets_sha256
    assert first.sha256 != other.sha256


def test_a_description_builds_the_same_rover_again() -> None:
    rover = SimRover(SCENARIO, 4)
    again = SimRover.from_description(rover.describe("boot"))
    assert again.snapshot() == rover.snapshot()
    assert again.describe("boot") == rover.describe("boot")


def test_a_description_says_what_every_number_means_and_when_the_task_is_solved() -> None:
    told = SimRover(SCENARIO, 3).describe("boot")
    assert set(told.units) == {*told.observation_names, *told.action_names}
    assert told.success is not None
    assert (told.success.name, told.success.held_ticks) == ("open-floor", 10)
    assert len(told.policy_sha256) == 64
    assert set(told.assets_sha256) == {"home.xml"}
    assert told.randomness["physics"] == "draws none"
    assert "torque" in told.controller_type
    assert "scenario and seed" in told.reset


def test_every_file_that_a_scene_loads_is_hashed(tmp_path: Path) -> None:
    def assets(mesh: str) -> dict[str, str]:
        (tmp_path / "rock.obj").write_text(mesh, encoding="utf-8")
        scene = tmp_path / "rocky.xml"
        text = (
            (ROOT / "resources" / "scenes" / "home.xml")
            .read_text()
            .replace("</asset>", '<mesh name="rock" file="rock.obj"/></asset>', 1)
        )
        scene.write_text(text, encoding="utf-8")
        return SimRover(SCENARIO, 0, scene).describe("boot").assets_sha256

    corners = ["v 0 0 0", "v 1 0 0", "v 0 1 0", "v 0 0 1"]
    faces = ["f 1 3 2", "f 1 2 4", "f 2 3 4", "f 1 4 3"]
    before = assets("\n".join(corners + faces) + "\n")
    after = assets("\n".join([*corners[:3], "v 0 0 2", *faces]) + "\n")
    assert set(before) == {"rocky.xml", "rock.obj"}
    assert before["rock.obj"] != after["rock.obj"]
    assert before["rocky.xml"] == after["rocky.xml"]


def test_another_scene_than_the_recorded_one_is_refused() -> None:
    import msgspec

    described = SimRover(SCENARIO, 4).describe("boot")
    other = msgspec.structs.replace(described, scene_sha256="0" * 64)
    with pytest.raises(RobotError, match="not the one that was recorded"):
        SimRover.from_description(other)


def test_the_versions_that_decide_motion_are_described() -> None:
    assert {"mujoco", "numpy", "python"} <= set(SimRover(SCENARIO, 0).describe("b").versions)


@pytest.mark.parametrize(
    ("scenario", "seed", "words"),
    [("on-the-moon", 0, "Known: wedged-under-sofa"), (SCENARIO, -1, "from 0")],
)
def test_an_unknown_scenario_or_seed_is_an_error_that_helps(
    scenario: str, seed: int, words: str
) -> None:
    with pytest.raises(RobotError, match=words):
        SimRover(scenario, seed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("<worldbody>", "<worldbody><geom type='spoon'/>"), "spoon"),
        (("</worldbody>", ""), "mine.xml"),
        (('name="sofa"', 'name="couch"'), "no body named 'sofa'"),
        (('name="turret"', 'name="hat"'), "no geom named 'turret'"),
    ],
)
def test_an_error_in_a_users_scene_names_the_file_and_the_fault(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    text = (ROOT / "resources" / "scenes" / "home.xml").read_text()
    scene = tmp_path / "mine.xml"
    scene.write_text(text.replace(*change))
    with pytest.raises(RobotError, match=words) as caught:
        SimRover(SCENARIO, 0, scene)
    assert "mine.xml" in str(caught.value)
    assert "bundled" in str(caught.value)


def test_a_users_own_copy_of_the_scene_can_be_driven(tmp_path: Path) -> None:
    scene = tmp_path / "mine.xml"
    scene.write_text((ROOT / "resources" / "scenes" / "home.xml").read_text())
    assert SimRover(SCENARIO, 3, scene).scene_sha256 == SimRover(SCENARIO, 3).scene_sha256


def test_a_scene_that_is_not_there_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(RobotError, match=r"nowhere\.xml"):
        SimRover(SCENARIO, 0, tmp_path / "nowhere.xml")


def test_an_unknown_scenario_is_answered_with_all_there_are() -> None:
    with pytest.raises(RobotError) as caught:
        SimRover("nonsense", 0)
    assert all(name in str(caught.value) for name in SCENARIOS)
    assert len(SCENARIOS) == 4


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_only_seen_changes_no_motion(scenario: str) -> None:
    """To the last bit: the cameras' model and the one that is driven are the same home."""
    full, rover = SimRover(scenario, 1), SimRover(scenario, 1)
    full._model = home_scene.build(scenario, 1, drawn=True).model
    full._data = home_scene.mujoco.MjData(full._model)
    home_scene.mujoco.mj_forward(full._model, full._data)
    full._rover = full._model.body("rover").id
    for robot in (full, rover):
        for tick in range(TICK_HZ):
            robot.apply(rocking(tick))
    assert full.snapshot() == rover.snapshot()
    assert full._model.ngeom > 2 * rover._model.ngeom


def test_a_moved_start_differs_by_the_rovers_place_alone() -> None:
    rover = SimRover("loose-rug", 0)
    for _ in range(5):
        rover.apply(AHEAD)
    state = rover.snapshot()
    moved = rover.moved(state, 0.02, -0.01)
    difference = np.frombuffer(moved, "<f8") - np.frombuffer(state, "<f8")
    names = [part.name for part in rover.state_parts()]
    there = {name: d for name, d in zip(names, difference, strict=True) if d}
    assert there == {"rover x": pytest.approx(0.02), "rover y": pytest.approx(-0.01)}
    rover.restore(moved)
    assert rover.snapshot() == moved
    assert isinstance(rover, Movable)


# --- cameras ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cameras() -> Iterator[SimCameras]:
    rig = SimCameras(SCENARIO, 0)
    try:
        rig.render("ceiling", SimRover(SCENARIO, 0).snapshot())
    except RobotError as error:
        pytest.skip(str(error))
    yield rig
    rig.close()


def test_a_picture_is_rgb_with_the_top_row_first(cameras: SimCameras) -> None:
    rig: CameraRig = cameras
    picture = rig.render("front", SimRover(SCENARIO, 0).snapshot())
    assert picture.shape == (480, 640, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    # The wall above is grey, the wooden floor below is not.
    colourful = picture.max(2).astype(int) - picture.min(2)
    assert colourful[-40:].mean() > colourful[:40].mean()


def test_a_camera_says_how_it_sees_and_what_it_is_mounted_on(cameras: SimCameras) -> None:
    front = camera_settings(cameras, "front")
    assert front.frame == "rover"
    assert front.centre_px == (320.0, 240.0)
    assert front.focal_px is not None
    assert 200 < front.focal_px[0] == front.focal_px[1] < 600
    assert front.rotation_wxyz is not None
    assert sum(part**2 for part in front.rotation_wxyz) == pytest.approx(1.0)
    assert camera_settings(cameras, "ceiling").frame == "world"


def test_the_ceiling_camera_shows_the_state_it_is_given(
    cameras: SimCameras, wedged: Wedged
) -> None:
    start = cameras.render("ceiling", SimRover(SCENARIO, 0).snapshot())
    under = cameras.render("ceiling", wedged.state)
    again = cameras.render("ceiling", SimRover(SCENARIO, 0).snapshot())
    assert np.array_equal(start, again)
    # Only where the rover was and where it is now.
    changed = (np.abs(start.astype(int) - under).max(2) > 20).mean()
    assert 0.001 < changed < 0.03


def test_it_is_darker_under_the_sofa(cameras: SimCameras, wedged: Wedged) -> None:
    outside = brightness(cameras.render("front", SimRover(SCENARIO, 0).snapshot()))
    assert brightness(cameras.render("front", wedged.state)) < 0.6 * outside


def brightness(picture: Image) -> float:
    return float(picture.mean())


def test_an_unknown_camera_or_state_is_an_error(cameras: SimCameras) -> None:
    with pytest.raises(RobotError, match="periscope"):
        cameras.render("periscope", SimRover(SCENARIO, 0).snapshot())
    with pytest.raises(RobotError, match="does not belong"):
        cameras.render("front", b"")


def test_closing_cameras_twice_or_unused_is_harmless() -> None:
    rig = SimCameras(SCENARIO, 0)
    rig.close()
    rig.close()


def test_missing_graphics_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mujoco_cameras, "GL_PROBLEM", "MUJOCO_GL=egl: OSError: libEGL.so.1")
    rig = SimCameras(SCENARIO, 0)
    with pytest.raises(RobotError, match="libegl1 and libgl1-mesa-dri, or libosmesa6"):
        rig.render("front", SimRover(SCENARIO, 0).snapshot())
    rig.close()


def test_physics_runs_where_the_graphics_libraries_are_missing() -> None:
    """In a process of its own: MuJoCo chooses its OpenGL once, while it is imported."""
    code = """
import ctypes
load = ctypes.CDLL.__init__
def refuse(self, name, *rest, **more):
    if "EGL" in str(name):
        raise OSError(f"{name}: cannot open shared object file")
    load(self, name, *rest, **more)
ctypes.CDLL.__init__ = refuse
from teleop.robot import RobotError
from teleop.sim_rover import SimCameras, SimRover
from transport.messages import STILL
rover = SimRover("wedged-under-sofa", 0)
rover.apply(STILL)
try:
    SimCameras("wedged-under-sofa", 0).render("front", rover.snapshot())
except RobotError as error:
    assert "libegl1" in str(error), error
    print("said so")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        env={"MUJOCO_GL": "egl", "PYTHONPATH": str(ROOT)},
    )
    assert (done.stdout.strip(), done.returncode) == ("said so", 0), done.stderr


def test_a_scene_that_was_put_back_is_drawn_as_if_it_had_never_been_otherwise(
    cameras: SimCameras,
) -> None:
    rover = SimRover(SCENARIO, 0)
    before = cameras.render("ceiling", rover.snapshot())
    rover.reset(1)
    after = cameras.render("ceiling", rover.snapshot())
    assert (before != after).any(), "the rover stands somewhere else"
    fresh = SimCameras(SCENARIO, 0)
    try:
        assert (fresh.render("ceiling", rover.snapshot()) == after).all()
    finally:
        fresh.close()
