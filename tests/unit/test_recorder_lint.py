"""Lint finds what spoils an episode, and nothing where there is nothing to find."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.annotations import annotate
from recorder.driven import Driven
from recorder.episode import Ending, EpisodeError, Label, sealed_json
from recorder.finding import Finding, Rule
from recorder.labels import AnnotationKind
from recorder.library import open_episode
from recorder.lint import lint
from recorder.lint_labels import label_findings
from recorder.lint_motion import motion_findings
from recorder.lint_time import time_findings
from recorder.lint_video import Cells, Stretch, stretches
from recorder.log import CameraRow, RowRecord
from recorder.motion import idle_stretches, motion_of
from recorder.series import Series, as_series
from recorder.validate import validate
from recorder.verdict import Kind
from teleop.linting import run_lint
from tests.unit.recorder_support import (
    CAMERAS,
    HEIGHT,
    WIDTH,
    Rover,
    description,
    numbered,
    record,
    recorder,
    session,
    show,
    stamp,
)
from transport.channels import TICK_HZ, TICKS_PER_ROW
from transport.i420 import black
from transport.messages import STILL, Description, Mode, Outcome, Phase, Source, Tick, Twist

TAIL_S = 120.0  # somebody forgot to end the episode
WORK_S = 20.0
NAMES = ("x_m", "heading_rad", "speed_mps", "gripper")


def robot(grip: str = "gripper", **units: str) -> Description:
    return description(
        observation_names=(*NAMES[:3], grip),
        controller={"max_mps": 0.5, "max_radps": 1.5},
        cameras=("front",),
        units=units,
    )


def series(ticks: Iterable[Tick], cameras: tuple[str, ...] = ("front",), **shown: Any) -> Series:
    """Ticks with a row at every second one; `shown` changes what the camera shows in a row."""
    listed = list(ticks)
    rows = [
        RowRecord(
            row=k,
            tick=tick.tick,
            stamp_ns=tick.stamp_ns,
            cameras={
                name: CameraRow(captured_ns=tick.stamp_ns, repeated=False, frame_crc32=0)
                for name in cameras
            },
        )
        for k, tick in enumerate(listed[::TICKS_PER_ROW])
    ]
    return as_series([*listed, *rows], cameras, len(listed[0].observation))


def ticks_of(
    forward: "np.typing.NDArray[np.float64]",
    *,
    gripper: "np.typing.NDArray[np.float64] | None" = None,
    measured: "np.typing.NDArray[np.float64] | None" = None,
) -> list[Tick]:
    """A driven robot; `forward` and `measured` as parts of full speed."""
    speed = 0.5 * (forward if measured is None else measured)
    places = np.cumsum(speed) / TICK_HZ
    grip = np.zeros(len(forward)) if gripper is None else gripper
    return [
        tick(
            i,
            Twist(forward_mps=float(0.5 * forward[i]), turn_radps=0.0),
            (float(places[i]), 0.0, float(speed[i]), float(grip[i])),
        )
        for i in range(len(forward))
    ]


def tick(number: int, applied: Twist, observation: tuple[float, ...], **changes: Any) -> Tick:
    known: dict[str, Any] = {
        "tick": number,
        "stamp_ns": stamp(number),
        "boot_id": "boot",
        "mode": Mode.TELEOP,
        "source": Source.HUMAN,
        "phase": Phase.RECOVERY,
        "intervention": 0,
        "outcome": Outcome.UNLABELLED,
        "observation": observation,
        "policy": STILL,
        "human": applied,
        "requested": applied,
        "applied": applied,
        "deadman": True,
        "command_seq": number,
        "command_age_ms": 12.5,
        "picture_age_ms": 31.25,
        "observed_ns": stamp(number),
        "received_ns": stamp(number),
        "applied_ns": stamp(number),
        "input_ns": stamp(number),
        "sent_ns": stamp(number),
        "clock_offset_ns": 0,
        "clock_error_ns": -1,
        "missed_before": 0,
        "state": b"12345678",
    }
    return Tick(**{**known, **changes})


def work_and_tail() -> "tuple[np.typing.NDArray[np.float64], int]":
    """A drive that is never still, then a robot left alone: (command, first tick of the tail)."""
    working = round(WORK_S * TICK_HZ)
    command = np.zeros(working + round(TAIL_S * TICK_HZ))
    command[:working] = 0.5 + 0.4 * np.sin(np.arange(working) / 9.0)
    return command, working


def caught_and_wrong(found: Series, tail: int) -> tuple[float, int]:
    """(share of the tail that was found idle, ticks of the work that were)."""
    idle = np.zeros(len(found), np.bool_)
    for first, last in idle_stretches(found, robot()):
        idle[first : last + 1] = True
    return float(idle[tail:].mean()), int(idle[:tail].sum())


DISTURBANCES: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "exact zeros": lambda dice, n: np.zeros(n),
    "noise of 0.001": lambda dice, n: dice.normal(0.0, 0.001, n),
    "noise of 0.01": lambda dice, n: dice.normal(0.0, 0.01, n),
    "constant drift": lambda dice, n: np.full(n, 0.005),
    "drift with noise": lambda dice, n: 0.005 + dice.normal(0.0, 0.01, n),
}


@pytest.mark.parametrize("disturbance", DISTURBANCES)
@pytest.mark.parametrize("measured_too", [False, True], ids=["command", "command and motion"])
def test_a_forgotten_tail_is_found_whatever_the_stick_does(
    disturbance: str, measured_too: bool
) -> None:
    command, tail = work_and_tail()
    command[tail:] += DISTURBANCES[disturbance](np.random.default_rng(1), len(command) - tail)
    measured = command.copy()
    if not measured_too:
        measured[tail:] = 0.0
    caught, wrong = caught_and_wrong(series(ticks_of(command, measured=measured)), tail)
    assert caught > 0.99
    assert wrong == 0


def test_a_trembling_gripper_hides_no_tail() -> None:
    command, tail = work_and_tail()
    gripper = np.random.default_rng(2).uniform(-1.0, -0.9, len(command))
    gripper[tail // 2] = 1.0  # it was used once, so that its range is known
    caught, wrong = caught_and_wrong(series(ticks_of(command, gripper=gripper)), tail)
    assert caught > 0.99
    assert wrong == 0


def test_half_a_second_around_a_gripper_that_closes_is_never_idle() -> None:
    gripper = np.where(np.arange(1200) < 600, -1.0, 1.0)
    found = series(ticks_of(np.zeros(1200), gripper=gripper))
    assert idle_stretches(found, robot()) == [(0, 569), (631, 1199)]


def closing(*, to: float, tremble: float = 0.0) -> Series:
    """A robot that stands; its gripper goes from 0 to `to` at tick 600."""
    noise = np.random.default_rng(3).uniform(-tremble, tremble, 1200)
    return series(ticks_of(np.zeros(1200), gripper=np.where(np.arange(1200) < 600, 0, to) + noise))


@pytest.mark.parametrize(
    "described",
    [
        robot("left_gripper"),
        robot("left_gripper", left_gripper="of its stroke, 1 closed"),
        robot("left_gripper", left_gripper="1 closed, 0 open"),
        robot("gripper_a", gripper_a="fraction"),  # a name that looks like a current
    ],
)
@pytest.mark.parametrize("found", [closing(to=1.0), closing(to=0.3, tremble=0.02)])
def test_a_gripper_of_any_name_that_closes_around_something_is_never_idle(
    described: Description, found: Series
) -> None:
    assert idle_stretches(found, described) == [(0, 569), (631, 1199)]


@pytest.mark.parametrize(
    "described",
    [robot("motor_a"), robot("motor", motor="A, both motors"), robot("battery", battery="%")],
)
def test_what_has_another_unit_is_no_switch(described: Description) -> None:
    assert idle_stretches(closing(to=1.0), described) == [(0, 1199)]


def test_a_gripper_that_only_trembles_has_not_been_switched() -> None:
    for tremble in (0.005, 0.04, 0.2):
        assert idle_stretches(closing(to=0.0, tremble=tremble), robot()) == [(0, 1199)]


def test_a_place_is_known_by_its_unit_whatever_its_name() -> None:
    found = series(ticks_of(np.zeros(1200), gripper=np.arange(1200) / 1200))
    assert idle_stretches(found, robot("lift", lift="m, base, + up")) == []


def test_a_robot_that_is_pushed_is_not_idle() -> None:
    found = series(ticks_of(np.zeros(600), measured=np.full(600, 0.3)))
    assert idle_stretches(found, robot()) == []


def test_a_wedged_robot_that_is_told_to_drive_is_not_idle() -> None:
    found = series(ticks_of(np.full(600, 0.3), measured=np.zeros(600)))
    assert idle_stretches(found, robot()) == []


def test_one_short_push_keeps_the_half_seconds_around_it() -> None:
    command = np.zeros(1200)
    command[600:603] = 1.0
    (before, after) = idle_stretches(series(ticks_of(command)), robot())
    assert before[1] <= 600 - 30
    assert after[0] >= 602 + 30


def test_a_short_pause_belongs_to_the_work() -> None:
    command = np.full(1200, 0.5)
    command[600:660] = 0.0
    assert idle_stretches(series(ticks_of(command)), robot()) == []


@given(st.integers(0, 600), st.floats(0.1, 1.0))
def test_a_driven_second_is_never_called_idle(at: int, speed: float) -> None:
    command = np.zeros(720)
    command[at : at + 60] = speed
    for first, last in idle_stretches(series(ticks_of(command)), robot()):
        assert last < at or first > at + 59


# --- actions and measurements ---


def rules(findings: Iterable[Any]) -> set[Rule]:
    return {finding.rule for finding in findings}


def moving_in(found: Series, description: Description) -> list[Finding]:
    return motion_findings(found, description, motion_of(found, description))


def test_an_action_at_its_limit_throughout_is_saturated() -> None:
    found = moving_in(series(ticks_of(np.tile([1.0, 0.995], 150))), robot())
    (reason,) = [finding.reason for finding in found if finding.rule is Rule.SATURATED]
    assert "0.5 m/s for 100%" in reason


ARM_AXES = ("forward_mps", "up_mps", "grip_ps")


def of_an_arm(action: Twist, count: int) -> Series:
    ticks = [
        msgspec.structs.replace(tick, applied=action, human=action)
        for tick in ticks_of(np.full(count, 0.3))
    ]
    rows = [
        RowRecord(row=k, tick=tick.tick, stamp_ns=tick.stamp_ns, cameras={})
        for k, tick in enumerate(ticks[::2])
    ]
    return as_series([*ticks, *rows], (), len(ticks[0].observation), ARM_AXES)


def test_each_axis_of_an_arm_is_held_against_its_own_limit() -> None:
    arm = msgspec.structs.replace(
        robot(), action_names=ARM_AXES, controller={"max_mps": 0.25, "max_grip_ps": 2.0}
    )
    gripping = of_an_arm(Twist(forward_mps=0.0, turn_radps=0.0, up_mps=0.1, grip_ps=1.99), 600)
    assert gripping.applied.tolist()[0] == [0.0, 0.1, 1.99]
    found = moving_in(gripping, arm)
    (reason,) = [finding.reason for finding in found if finding.rule is Rule.SATURATED]
    assert reason.startswith("The grip action stands at its limit of 2 strokes/s for 100%")
    assert Rule.IDLE not in rules(found)


def test_an_action_that_does_not_change_by_a_bit_looks_stuck() -> None:
    found = moving_in(series(ticks_of(np.full(900, 0.31))), robot())
    assert [finding.rule for finding in found if "exactly" in finding.reason] == [Rule.CONSTANT]


def test_a_measurement_that_never_changes_while_the_robot_moves_is_dead() -> None:
    command, _ = work_and_tail()
    ticks = [
        msgspec.structs.replace(t, observation=(*t.observation[:2], 0.25, 0.0))
        for t in ticks_of(command[:900])
    ]
    reasons = [f.reason for f in moving_in(series(ticks), robot())]
    assert [r for r in reasons if "speed_mps is 0.25" in r]
    assert not [r for r in reasons if "x_m" in r]


# --- time ---


def standing(count: int, **of: dict[str, Any]) -> list[Tick]:
    """Ticks of a robot at rest; `of` maps `t<number>` to changes of that tick."""
    rest = {"observation": (0.0, 0.0, 0.0, 0.0)}
    return [tick(n, STILL, **{**rest, **of.get(f"t{n}", {})}) for n in range(count)]


def test_an_ordinary_stretch_of_time_has_no_findings() -> None:
    assert time_findings(series(standing(300)), TICK_HZ) == []


def test_skipped_periods_within_a_second_are_one_finding() -> None:
    late = {f"t{n}": {"missed_before": 2, "stamp_ns": stamp(n) + 2} for n in (100, 120)}
    found = time_findings(series(standing(300, **late)), TICK_HZ)
    assert [(f.rule, f.first_row, f.last_row, f.figures["ticks"]) for f in found] == [
        (Rule.MISSED_TICKS, 50, 60, 4)
    ]


def test_ticks_that_never_reached_the_record_are_counted() -> None:
    (finding,) = time_findings(series([t for t in standing(300) if t.tick not in (99, 100)]), 60)
    assert (finding.rule, finding.figures["ticks"]) == (Rule.LOST_TICKS, 2)


def test_what_a_trim_took_out_is_not_lost() -> None:
    left = [t for t in standing(600) if not 100 <= t.tick <= 399]
    assert time_findings(series(left), TICK_HZ, [(100, 399)]) == []
    assert rules(time_findings(series(left), TICK_HZ, [(100, 398)])) == {Rule.LOST_TICKS}


def test_a_clock_that_jumps_against_the_ticks_is_found() -> None:
    later = {f"t{n}": {"stamp_ns": stamp(n) + 250_000_000} for n in range(150, 300)}
    (finding,) = time_findings(series(standing(300, **later)), TICK_HZ)
    assert (finding.rule, finding.first_row) == (Rule.CLOCK, 74)
    assert finding.figures["jump_ms"] == pytest.approx(250, abs=1)


def test_a_stretch_without_states_and_one_without_numbers_are_found() -> None:
    gaps: dict[str, Any] = {"t10": {"state": b""}, "t20": {"observation": (float("nan"), 0, 0, 0)}}
    found = time_findings(series(standing(100, **gaps)), TICK_HZ)
    assert [(f.rule, f.first_row) for f in found] == [(Rule.NO_STATE, 5), (Rule.NOT_A_NUMBER, 10)]


def test_late_pictures_are_found_by_the_rows_own_flags() -> None:
    made = series(standing(300))
    made.rows.repeated["front"][40:46] = True
    (finding,) = time_findings(made, TICK_HZ)
    assert (finding.rule, finding.first_row, finding.last_row) == (Rule.LATE_PICTURES, 40, 45)


def test_a_single_late_picture_is_ordinary_life() -> None:
    made = series(standing(300))
    made.rows.repeated["front"][40] = True
    assert time_findings(made, TICK_HZ) == []


def test_late_pictures_within_a_second_are_one_finding() -> None:
    made = series(standing(300))
    made.rows.repeated["front"][[40, 50, 70, 120, 121]] = True
    (finding,) = time_findings(made, TICK_HZ)
    assert (finding.first_row, finding.last_row, finding.figures["rows"]) == (40, 70, 3)
    assert finding.reason.startswith("3 of 31 rows show a picture of camera front once more")


def test_a_camera_that_had_given_nothing_yet_is_black() -> None:
    made = series(standing(300))
    made.rows.captured_ns["front"][:40] = 0
    made.rows.repeated["front"][:40] = True
    (finding,) = time_findings(made, TICK_HZ)
    assert (finding.rule, finding.first_row, finding.last_row) == (Rule.BLACK, 0, 39)


# --- video ---


def shows(values: dict[range, float]) -> Callable[[int], Cells]:
    """Key frames: a number for each group, by itself or one for a range of groups."""

    def at(group: int) -> Cells:
        for groups, value in values.items():
            if group in groups:
                return np.full((4, 4), value, np.float32)
        return np.full((4, 4), 60 + (group * 37) % 120, np.float32)

    return at


def test_black_is_found_to_its_ends() -> None:
    found = stretches(shows({range(33, 58): 16.0}), range(120), lambda a, b: True)
    assert found == [Stretch(Rule.BLACK, 33, 57)]


def test_a_picture_that_stands_while_the_robot_moves_is_frozen() -> None:
    found = stretches(shows({range(25, 61): 240.0}), range(120), lambda a, b: True)
    assert found == [Stretch(Rule.FROZEN, 25, 60)]


def test_a_picture_that_stands_because_the_robot_does_is_not() -> None:
    assert stretches(shows({range(25, 61): 240.0}), range(120), lambda a, b: False) == []


def test_a_robot_that_comes_back_to_the_same_view_is_not_frozen() -> None:
    same_place = {range(number, 120, 10): 99.0 for number in range(10)}
    for number in range(10):  # one of them is looked at throughout
        only = {groups: value for groups, value in same_place.items() if groups.start == number}
        assert stretches(shows(only), range(120), lambda a, b: True) == []


@given(st.integers(0, 140), st.integers(10, 60), st.integers(0, 20), st.integers(10, 150))
def test_any_long_black_stretch_is_found_exactly(
    first: int, length: int, begin: int, count: int
) -> None:
    groups = range(begin, begin + count)
    first, last = begin + first, min(begin + first + length, groups.stop) - 1
    if last - first + 1 < 10:
        return
    found = stretches(shows({range(first, last + 1): 16.0}), groups, lambda a, b: True)
    assert found == [Stretch(Rule.BLACK, first, last)]


def test_a_camera_that_dies_shows_at_the_end() -> None:
    found = stretches(shows({range(118, 120): 16.0}), range(120), lambda a, b: True)
    assert found == [Stretch(Rule.BLACK, 118, 119)]


# --- labels ---


@pytest.fixture(scope="module")
def rescued(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return record(tmp_path_factory.mktemp("rescued"))


def with_ending(episode: Any, **changes: Any) -> Any:
    ending: Ending = msgspec.structs.replace(episode.manifest.ending, **changes)
    return msgspec.structs.replace(episode.manifest, ending=ending)


def reasons(episode: Any, manifest: Any, ticks: Iterable[Tick] | None = None) -> list[str]:
    read = series(ticks or episode.ticks(), ("front", "rear"))
    motion = motion_of(read, manifest.description)
    found = label_findings(read, manifest, manifest.ending.outcome, motion)
    return [finding.reason for finding in found]


def test_an_ordinary_rescue_has_no_doubtful_labels(rescued: Any) -> None:
    assert reasons(rescued, rescued.manifest) == []


def test_a_missing_outcome_is_said(rescued: Any) -> None:
    (reason,) = reasons(rescued, with_ending(rescued, outcome=Outcome.UNLABELLED))
    assert reason == "Nobody said whether the task was solved."


@pytest.mark.parametrize(
    ("outcome", "kind", "said"),
    [
        (Outcome.SUCCESS, Kind.DIVERGED, "Labelled success; the replay says DIVERGED: It went"),
        (Outcome.FAILURE, Kind.EXACT, "Labelled failure, yet the replay solves the task (EXACT)"),
        (Outcome.SUCCESS, Kind.EXACT, ""),
    ],
)
def test_an_outcome_that_the_replay_contradicts_is_said(
    rescued: Any, tmp_path: Path, outcome: Outcome, kind: Kind, said: str
) -> None:
    copy = tmp_path / rescued.id
    shutil.copytree(rescued.path, copy)
    verdict = validate(open_episode(copy), lambda _: Driven(Rover()))
    if outcome is not Outcome.SUCCESS:
        annotate(copy, verdict.manifest_sha256, AnnotationKind.OUTCOME, outcome.value, "eve")
    verdict = msgspec.structs.replace(
        verdict,
        verdict=kind,
        passed=kind is Kind.EXACT,
        sentence="It went elsewhere.",
        evidence=msgspec.structs.replace(verdict.evidence, label=outcome),
    )
    (copy / "verdict.json").write_bytes(sealed_json(verdict))
    told = [finding.reason for finding in lint(open_episode(copy))]
    assert [reason[: len(said)] for reason in told] == ([said] if said else [])


def test_a_verdict_of_another_outcome_is_said(rescued: Any, tmp_path: Path) -> None:
    copy = tmp_path / rescued.id
    shutil.copytree(rescued.path, copy)
    verdict = validate(open_episode(copy), lambda _: Driven(Rover()))
    annotate(copy, verdict.manifest_sha256, AnnotationKind.OUTCOME, "failure", "eve")
    (finding,) = lint(open_episode(copy))
    assert "was judged as success and is labelled failure now" in finding.reason


def test_a_takeover_in_which_nothing_moved_is_said(rescued: Any) -> None:
    still = [
        msgspec.structs.replace(t, applied=STILL, human=STILL, observation=(0.0, 0.0, 0.0))
        for t in rescued.ticks()
    ]
    (reason,) = reasons(rescued, rescued.manifest, still)
    assert "neither told to move nor did it" in reason


def test_a_label_outside_the_intervention_is_said(rescued: Any) -> None:
    early = (Label(tick=30, kind="marker"), Label(tick=9999, kind="marker"))
    found = reasons(rescued, with_ending(rescued, labels=early))
    assert ["outside the intervention" in found[0], "outside the episode" in found[1]] == [
        True,
        True,
    ]


def test_driving_with_the_deadman_released_is_said(rescued: Any) -> None:
    loose = [msgspec.structs.replace(t, deadman=False) for t in rescued.ticks()]
    (reason,) = reasons(rescued, rescued.manifest, loose)
    assert "deadman released" in reason


def test_an_episode_in_which_nobody_took_over_says_so(rescued: Any) -> None:
    manifest = with_ending(rescued, start_tick=-1, end_tick=-1)
    assert reasons(rescued, manifest) == ["Nobody took over in this episode."]


# --- whole episodes ---


def filmed(root: Path, pictures: Callable[[int], int]) -> Any:
    """A long rescue; `pictures` tells which numbered picture a tick gets, -1: a black one."""
    rec = recorder(root)
    for each in session(drive=1500):
        rec.tick(each)
        if each.tick % TICKS_PER_ROW == 0:
            number = pictures(each.tick)
            shown = black(WIDTH, HEIGHT) if number < 0 else numbered(number)
            for camera in CAMERAS:
                ordinary = camera.name != "front"
                picture = numbered(each.tick) if ordinary else shown
                rec.picture(camera.name, each.stamp_ns, picture)
        rec.poll(each.stamp_ns)
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    return open_episode(path)


def test_an_ordinary_episode_gives_no_findings_about_its_pictures(tmp_path: Path) -> None:
    episode = filmed(tmp_path, lambda tick: tick)
    assert lint(episode) == ()


def test_a_camera_that_turns_black_is_found_in_the_file(tmp_path: Path) -> None:
    episode = filmed(tmp_path, lambda tick: -1 if 600 <= tick < 1200 else tick)
    (finding,) = [f for f in lint(episode) if f.rule is Rule.BLACK]
    assert (finding.first_row, finding.last_row) == (300, 599)
    assert "front" in finding.reason


def test_a_camera_that_freezes_during_the_drive_is_found_in_the_file(tmp_path: Path) -> None:
    episode = filmed(tmp_path, lambda tick: min(tick, 600))
    (finding,) = [f for f in lint(episode) if f.rule is Rule.FROZEN]
    assert finding.first_row in (300, 315)
    assert "front" in finding.reason


def test_a_camera_that_gave_nothing_is_named_once(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    for each in session(drive=1500):
        rec.tick(each)
        if each.tick % TICKS_PER_ROW == 0:
            rec.picture("rear", each.stamp_ns, numbered(each.tick))
        rec.poll(each.stamp_ns)
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    (finding,) = lint(open_episode(path))
    assert finding.reason == "Camera front had given no picture yet."


def test_the_moment_in_which_cameras_open_is_no_finding(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    for each in session(drive=1500):
        rec.tick(each)
        if each.tick % TICKS_PER_ROW == 0 and each.tick > 20:
            show(rec, each)
        rec.poll(each.stamp_ns)
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    episode = open_episode(path)
    assert next(episode.rows()).cameras["front"].captured_ns == 0
    assert [found for found in lint(episode) if found.rule is Rule.BLACK] == []


def test_a_video_that_is_no_video_is_an_error_that_names_it(rescued: Any, tmp_path: Path) -> None:
    copy = tmp_path / rescued.id
    shutil.copytree(rescued.path, copy)
    (copy / "cam_front.mkv").write_bytes(b"nothing")
    with pytest.raises(EpisodeError, match=r"cam_front\.mkv"):
        lint(open_episode(copy))


def test_lint_changes_nothing(rescued: Any) -> None:
    before = {path: path.read_bytes() for path in rescued.path.iterdir()}
    lint(rescued)
    assert {path: path.read_bytes() for path in rescued.path.iterdir()} == before


# --- on the command line ---


def test_exit_codes_tell_clean_found_and_unreadable(
    rescued: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sad = tmp_path / rescued.id
    shutil.copytree(rescued.path, sad)
    (sad / "manifest.json").write_text("{")
    assert run_lint([rescued.path], json=True) == 0
    assert json.loads(capsys.readouterr().out)["episodes"][0]["findings"] == []
    idle = record(tmp_path / "idle", before=400)
    assert run_lint([idle.path], json=True) == 1
    (found,) = json.loads(capsys.readouterr().out)["episodes"][0]["findings"]
    assert found["rule"] == "idle"
    assert found["first_row"] == 0
    assert found["reason"].endswith("while nobody drove.")
    assert run_lint([sad, rescued.path], json=False) == 2
