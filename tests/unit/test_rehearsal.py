"""Whole rescues in lockstep: each trouble has an operator who frees the robot through keys only."""

from __future__ import annotations

import pytest

from teleop.home_scene import SCENARIOS
from teleop.rehearsal import Rescue, rehearse
from teleop.rescue_script import Operator, Slack
from teleop.robot import RobotError
from teleop.sim_rover import SimCameras, SimRover
from transport.messages import STILL, Outcome

SEEDS = 50
ENOUGH = 0.95


def rescue(scenario: str, seed: int) -> Rescue:
    return rehearse(SimRover(scenario, seed), seed, Operator(Slack.of(seed)))


def worked(done: Rescue) -> bool:
    marked = done.outcome is Outcome.SUCCESS and done.handed_back
    return marked and not done.solved[0] and done.solved_at_the_end


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_operator_frees_the_robot_marks_it_and_hands_it_back(scenario: str, seed: int) -> None:
    assert worked(rescue(scenario, seed))


def test_what_the_motors_were_told_leads_from_the_takeover_to_the_same_end() -> None:
    done, again = rescue("high-centred", 1), SimRover("high-centred", 1)
    again.restore(done.states[0])
    for before, action in zip(done.states, done.actions, strict=True):
        assert again.snapshot() == before
        assert again.apply(action) == action
    assert again.solved()


def test_the_same_person_and_seed_give_the_same_rescue_and_another_person_another() -> None:
    def driven(person: int) -> Rescue:
        return rehearse(SimRover("loose-rug", 0), 0, Operator(Slack.of(person)))

    assert driven(5) == driven(5)
    assert driven(5).actions != driven(6).actions


def test_the_rescue_begins_with_hands_off_and_stays_within_the_gates_ramps() -> None:
    done = rescue("loose-rug", 0)
    assert done.actions[:30] == [STILL] * 30
    steps = [
        abs(after.forward_mps - before.forward_mps)
        for before, after in zip(done.actions, done.actions[1:], strict=False)
    ]
    assert max(steps) < 0.04  # 2 m/s2 of braking in a tick


def test_the_operator_looks_at_the_picture_before_it_marks() -> None:
    looks: list[bytes] = []

    def dark(state: bytes) -> float:
        looks.append(state)
        return 10.0

    rover = SimRover("wedged-under-sofa", 0)
    done = rehearse(rover, 0, Operator(), light=dark)
    assert looks
    assert done.outcome is Outcome.FAILURE


def test_a_robot_that_is_not_stuck_in_time_is_left_alone() -> None:
    done = rehearse(SimRover("loose-rug", 0), 0, Operator(), limit_s=2)
    assert done.call is None
    assert done.actions == []
    assert not done.solved_at_the_end


@pytest.mark.long
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nearly_every_seed_is_freed(scenario: str) -> None:
    done = [rescue(scenario, seed) for seed in range(SEEDS)]
    assert sum(map(worked, done)) >= ENOUGH * SEEDS


@pytest.mark.long
def test_under_the_sofa_the_pictures_themselves_tell_the_operator_that_it_is_out() -> None:
    cameras = SimCameras("wedged-under-sofa", 0)
    rover = SimRover("wedged-under-sofa", 0)
    try:
        cameras.render("front", rover.snapshot())
    except RobotError as error:
        pytest.skip(str(error))
    light = lambda state: float(cameras.render("front", state).mean())  # noqa: E731
    assert worked(rehearse(rover, 0, Operator(), light=light))
    cameras.close()
