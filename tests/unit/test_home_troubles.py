"""The rover's troubles without a simulator: what is drawn from the seed, and when it is free."""

from __future__ import annotations

import math

import numpy as np
import pytest

from teleop.home_troubles import (
    AHEAD_M,
    BODY_RADIUS_M,
    ROVER,
    SCENARIOS,
    UPRIGHT_RAD,
    Goal,
    Outline,
    Scenario,
)
from teleop.safety import Pose

STAND = {
    "sofa": Pose(0.5, 1.5, 0.0),
    "dining_table": Pose(-1.6, 0.0, 0.0),
    "chair_1": Pose(-1.9, 0.62, 0.0),
    "chair_2": Pose(-1.3, 0.62, 0.0),
    "sill/step": Pose(0.0, 0.0, 0.0),
    "loose_rug/cloth": Pose(0.0, 0.0, 0.0),
}
every_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


def arranged(scenario: Scenario, seed: int) -> dict[str, Pose]:
    rng = np.random.default_rng(seed)
    placed = scenario.arrange(STAND, rng)
    return {**placed, ROVER: scenario.begin({**STAND, **placed}, rng)}


def standing(scenario: Scenario, seed: int) -> dict[str, Pose]:
    """Where the goal's bodies stand once the scenario has been arranged."""
    placed = arranged(scenario, seed)
    on = {"loose_rug/cloth": "loose_rug/place"}  # the cloth lies where its place is
    return STAND | placed | {body: placed[at] for body, at in on.items() if at in placed}


@every_scenario
def test_a_seed_always_draws_the_same_and_seeds_differ(scenario: Scenario) -> None:
    assert arranged(scenario, 3) == arranged(scenario, 3)
    starts = {arranged(scenario, seed)[ROVER] for seed in range(10)}
    assert len(starts) == 10


@every_scenario
def test_the_rover_starts_free_inside_the_room(scenario: Scenario) -> None:
    for seed in range(200):
        start, bodies = arranged(scenario, seed)[ROVER], standing(scenario, seed)
        assert scenario.goal.reached(start, 0.0, bodies)
        assert abs(start.x_m) < 2.5 - BODY_RADIUS_M - AHEAD_M
        assert abs(start.y_m) < 2.0 - BODY_RADIUS_M - AHEAD_M


@every_scenario
def test_the_rover_starts_on_the_way_into_its_trouble(scenario: Scenario) -> None:
    for seed in range(50):
        start, bodies = arranged(scenario, seed)[ROVER], standing(scenario, seed)
        ways = [
            Pose(
                start.x_m + way_m * math.cos(start.heading_rad),
                start.y_m + way_m * math.sin(start.heading_rad),
                start.heading_rad,
            )
            for way_m in np.arange(0.0, 2.4, 0.05)
        ]
        assert any(not scenario.goal.reached(way, 0.0, bodies) for way in ways)


@every_scenario
def test_a_tilted_rover_is_not_free_wherever_it_stands(scenario: Scenario) -> None:
    start, bodies = arranged(scenario, 0)[ROVER], standing(scenario, 0)
    assert scenario.goal.reached(start, UPRIGHT_RAD, bodies)
    assert not scenario.goal.reached(start, UPRIGHT_RAD + 1e-6, bodies)


def test_free_is_as_much_floor_around_the_body_as_the_goal_asks_for() -> None:
    goal = Goal("off", 0.1, "it", (Outline("it", 0.5, 0.2),))
    at = {"it": Pose(0.0, 0.0, 0.0)}
    edge_m = 0.2 + BODY_RADIUS_M + 0.1
    assert goal.reached(Pose(0.0, edge_m + 1e-6 - AHEAD_M, math.pi / 2), 0.0, at)
    assert not goal.reached(Pose(0.0, edge_m - 1e-6 - AHEAD_M, math.pi / 2), 0.0, at)
    # The body's middle lies before the axle: turned away from it, the axle may be nearer.
    assert not goal.reached(Pose(0.0, edge_m, -math.pi / 2), 0.0, at)


def test_every_outline_has_to_be_clear() -> None:
    goal = Goal("off", 0.1, "both", (Outline("one", 0.1, 0.1), Outline("two", 0.1, 0.1)))
    bodies = {"one": Pose(0.0, 0.0, 0.0), "two": Pose(1.0, 0.0, 0.0)}
    assert goal.reached(Pose(-1.0, 0.0, 0.0), 0.0, bodies)
    assert not goal.reached(Pose(1.3, 0.0, 0.0), 0.0, bodies)


def test_an_outline_turns_and_moves_with_its_body() -> None:
    outline = Outline("step", 0.5, 0.1, ahead_m=0.3)
    assert outline.at(Pose(1.0, 1.0, 0.0)).distance_m(1.0, 1.3) == 0
    turned = outline.at(Pose(1.0, 1.0, math.pi))
    assert turned.distance_m(1.0, 0.7) == 0
    assert turned.distance_m(1.0, 1.0) == pytest.approx(0.2)


def test_names_of_goals_tasks_and_words_are_one_for_each_scenario() -> None:
    assert len({scenario.goal.name for scenario in SCENARIOS.values()}) == len(SCENARIOS)
    assert len({scenario.task for scenario in SCENARIOS.values()}) == len(SCENARIOS)


def test_success_is_told_in_units() -> None:
    told = SCENARIOS["high-centred"].goal.success(10)
    assert (told.name, told.version, told.held_ticks) == ("off-the-sill", 1, 10)
    assert told.sentence == ("Upright within 6°, and 15 cm of floor between the body and the sill")
