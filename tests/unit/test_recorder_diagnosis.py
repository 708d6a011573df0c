"""Each way to damage labels is found and called by its name; right labels are left in peace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recorder.demonstration import Demonstration
from recorder.inverse import recovered
from recorder.judge import judge
from recorder.label_check import check_labels, tolerances
from recorder.label_faults import FAULTS, LabelFault, clipped, scaled, shifted
from recorder.replay import replay
from recorder.verdict import Fault, Kind
from tests.unit.recorder_support import Rover
from tests.unit.replay_support import demonstration, robots

OTHER = demonstration("other", style=1.0, start=np.array([0.05, 0.02, 0.1, 0.0, 0.0]))


def judged(damaged: Demonstration, **options: float) -> tuple[Kind, str, Fault | None]:
    evidence = replay(damaged, robots(**options), others=(OTHER,)).evidence
    found = evidence.diagnosis
    return *judge(evidence), found.fault if found is not None else None


def test_right_labels_are_proved_and_nothing_is_diagnosed() -> None:
    kind, _, fault = judged(demonstration())
    assert (kind, fault) == (Kind.EXACT, None)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_damaged_demonstration_is_a_label_fault_with_its_name(fault: LabelFault) -> None:
    kind, sentence, found = judged(fault.damage(demonstration(), OTHER))
    assert kind is Kind.LABEL_FAULT, sentence
    assert found is fault.expected, sentence


def test_actions_of_somebody_who_does_the_same_a_little_later_are_those_of_another() -> None:
    mine = demonstration()
    theirs = replace(shifted(mine, 6), name="theirs")
    evidence = replay(replace(mine, actions=theirs.actions), robots(), others=(theirs,)).evidence
    assert evidence.diagnosis is not None
    assert evidence.diagnosis.fault is Fault.OTHER_EPISODE
    assert "those of theirs" in evidence.diagnosis.sentence


@pytest.mark.parametrize("rows", [-10, -4, 2, 7])
def test_a_shift_is_told_in_rows(rows: int) -> None:
    evidence = replay(shifted(demonstration(), rows), robots()).evidence
    assert evidence.diagnosis is not None
    assert evidence.diagnosis.rows == rows
    assert f"{abs(rows)} steps {'late' if rows > 0 else 'early'}" in evidence.diagnosis.sentence


@pytest.mark.parametrize("factor", [0.5, 0.99, 57.29577951308232])
def test_a_scale_is_told_as_a_factor(factor: float) -> None:
    evidence = replay(scaled(demonstration(), factor), robots()).evidence
    assert evidence.diagnosis is not None
    assert evidence.diagnosis.fault is Fault.SCALED
    assert evidence.diagnosis.factor == pytest.approx(factor)


def test_one_axis_in_another_unit_is_named() -> None:
    right = demonstration()
    actions = right.actions.copy()
    actions[:, 1] = np.degrees(actions[:, 1])
    evidence = replay(replace(right, actions=actions), robots()).evidence
    assert evidence.diagnosis is not None
    assert evidence.diagnosis.axes == ("turn_radps",)


def test_what_was_cut_off_is_told_with_its_limit() -> None:
    evidence = replay(clipped(demonstration(), 0.6), robots()).evidence
    assert evidence.diagnosis is not None
    assert "0.3" in evidence.diagnosis.sentence


def test_a_single_wrong_step_is_enough_with_the_recorded_versions() -> None:
    right = demonstration()
    actions = right.actions.copy()
    actions[70] += 0.01
    kind, sentence, fault = judged(replace(right, actions=actions))
    assert kind is Kind.LABEL_FAULT
    assert "1 of 192" in sentence
    assert fault is Fault.UNEXPLAINED


def test_another_robot_is_no_fault_that_could_be_undone() -> None:
    kind, _, fault = judged(demonstration(), gain=0.02)
    assert kind is Kind.LABEL_FAULT
    assert fault is not Fault.SHIFTED


def test_the_action_that_really_led_on_is_found() -> None:
    right, robot = demonstration(), robots()(demonstration().description)
    wrong = replace(right, actions=right.actions * 0.3 + 0.05)
    steps = np.arange(0, 180, 20)
    found = recovered(robot, wrong, steps)
    assert np.abs(found - right.actions[steps]).max() < 1e-6


def test_every_step_is_tried_and_a_wrong_one_hides_none_after_it() -> None:
    right, robot = demonstration(), robots()(demonstration().description)
    actions = right.actions.copy()
    wrong = [0, 1, 2, 40, 41, 100, 191]
    actions[wrong] += 0.2
    check = check_labels(robot, replace(right, actions=actions), tolerances(robot, right, True))
    assert list(check.failing) == wrong
    assert len(check.checked) == len(right)


def test_a_seam_of_a_trim_is_no_failing_step() -> None:
    right = demonstration()
    keep = np.array([i for i in range(193) if not 60 <= i < 90])
    states = right.states
    assert states is not None
    trimmed = replace(
        right,
        actions=right.actions[keep[:-1]],
        states=states[keep],
        end=150,
        numbers=right.numbers[keep],
        ages_s=right.ages_s[keep[:-1]],
        seams=frozenset({59}),
    )
    robot = robots()(right.description)
    check = check_labels(robot, trimmed, tolerances(robot, trimmed, True))
    assert list(check.failing) == []
    assert 59 not in check.checked


def test_rows_that_hold_an_action_for_two_steps_are_no_fault() -> None:
    """A set of 30 rows a second, of a robot that was told the same twice, at its own rate."""
    rover = Rover()
    slow = demonstration("slow", rover=rover)
    states, actions = [Rover().snapshot()], slow.actions[::2]
    robot = robots()(slow.description)
    robot.restore(states[0])
    for action in actions:
        robot.apply(action)
        robot.apply(action)
        states.append(robot.snapshot())
    held = replace(
        slow,
        actions=actions,
        states=np.frombuffer(b"".join(states), "<f8").reshape(len(states), -1).copy(),
        end=90,
        numbers=np.arange(len(states)),
        ages_s=slow.ages_s[::2],
        steps_per_action=2,
    )
    kind, sentence, fault = judged(held, goal_m=0.4)
    assert (kind, fault) == (Kind.EXACT, None), sentence
