"""The detection table is made of real demonstrations of the bundled robots."""

from __future__ import annotations

import pytest

from recorder.label_faults import FAULTS
from teleop.bench_replay import Made, detections, made, replays_a_second, stale_cameras
from teleop.mujoco_loading import GL_PROBLEM

pytestmark = pytest.mark.skipif(bool(GL_PROBLEM), reason=f"no OpenGL: {GL_PROBLEM}")


def quiet(_: str) -> None:
    """Says nothing."""


@pytest.fixture(scope="module")
def pushed() -> list[Made]:
    return made("push", 2, quiet)


def test_demonstrations_are_of_different_people_and_solve_their_task(pushed: list[Made]) -> None:
    one, two = (m.demonstration for m in pushed)
    assert (len(one), one.start) != (len(two), two.start)


def test_every_fault_is_found_and_named_and_right_labels_are_left_in_peace(
    pushed: list[Made],
) -> None:
    found, false_alarms = detections(pushed, quiet)
    assert [d.fault for d in found] == [fault.name for fault in FAULTS]
    assert [d.fault for d in found if d.named < d.tried] == []
    assert false_alarms == 0
    assert sum(d.by_success for d in found) < sum(d.tried for d in found)


def test_videos_late_and_early_are_named_and_right_ones_left_in_peace(pushed: list[Made]) -> None:
    filmed = stale_cameras(pushed, quiet)
    assert (filmed.tried, filmed.named, filmed.alarms) == (4, 8, 0)


def test_the_rate_is_counted(pushed: list[Made]) -> None:
    assert replays_a_second(pushed[0], 0.1) > 1


@pytest.mark.long
@pytest.mark.parametrize("task", ["pick-place", "wedged-under-sofa", "loose-rug", "chair-legs"])
def test_faults_of_other_tasks_are_named_as_well(task: str) -> None:
    found, false_alarms = detections(made(task, 10, quiet), quiet)
    assert {d.fault: (d.named, d.tried) for d in found if d.named < 0.9 * d.tried} == {}
    assert false_alarms == 0
