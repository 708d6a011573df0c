"""On a sill, among chair legs, on a loose rug: stuck by driving, and freed by driving only."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from teleop.home_scene import SCENARIOS
from teleop.mujoco_loading import mujoco
from teleop.patrol import Patrol
from teleop.policy import Diagnosis
from teleop.sim_rover import MAX_MPS, SimRover
from teleop.stuck import StuckDetector
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import STILL, Mode, Twist

LIMIT_S = 20.0  # within which a patrol gets stuck and calls
SEEDS = 50
ENOUGH = 0.95
REASONS = {
    "high-centred": "High-centred on a sill",
    "chair-legs": "Caught between chair legs",
    "loose-rug": "Wheels spin on a loose rug",
}
AHEAD = Twist(forward_mps=0.3, turn_radps=0.0)
BACK = Twist(forward_mps=-MAX_MPS, turn_radps=0.0)
WEIGHT_N = 3.5 * 9.81


@dataclass(frozen=True)
class Stuck:
    """A rover that has called."""

    rover: SimRover
    state: bytes
    patrol: Patrol
    diagnosis: Diagnosis

    def anew(self) -> SimRover:
        """The rover as it was when it called."""
        self.rover.restore(self.state)
        return self.rover


def patrol_until_stuck(scenario: str, seed: int) -> Stuck | None:
    rover, patrol, detector = SimRover(scenario, seed), Patrol(seed), StuckDetector()
    for tick in range(round(LIMIT_S * TICK_HZ)):
        now_ns, seen = tick * NS_PER_S // TICK_HZ, rover.observe()
        asked = patrol.act(seen)
        detector.observe(now_ns, Mode.AUTONOMY, asked, seen)
        if diagnosis := detector.diagnosis(now_ns):
            return Stuck(rover, rover.snapshot(), patrol, diagnosis)
        rover.apply(asked)
    return None


@functools.cache
def stuck(scenario: str) -> Stuck:
    """The first seed's; tests return to its state before they use it."""
    found = patrol_until_stuck(scenario, 0)
    assert found is not None
    return found


def solved_within(rover: SimRover, drive: Callable[[int], Twist], limit_s: float) -> bool:
    for tick in range(round(limit_s * TICK_HZ)):
        if rover.solved():
            return True
        rover.apply(drive(tick))
    return rover.solved()


def loads_n(rover: SimRover, *names: str) -> float:
    """The vertical force between the named geoms of the rover and whatever carries them."""
    model, data, total = rover._model, rover._data, 0.0
    for number in range(data.ncon):
        contact, force = data.contact[number], np.zeros(6)
        touching = {model.geom(int(geom)).name for geom in contact.geom}
        if touching & set(names):
            mujoco.mj_contactForce(model, data, number, force)
            total += abs(float(contact.frame.reshape(3, 3)[:, 2] @ force[:3]))
    return total


each = pytest.mark.parametrize("scenario", REASONS)


@each
def test_patrolling_it_gets_stuck_and_calls_in_words_that_fit(scenario: str) -> None:
    assert stuck(scenario).diagnosis.reason == REASONS[scenario]
    assert not stuck(scenario).anew().solved()


@each
def test_waiting_does_not_solve_the_task(scenario: str) -> None:
    assert not solved_within(stuck(scenario).anew(), lambda _: STILL, 30)


@pytest.mark.parametrize("scenario", ["high-centred", "loose-rug"])
def test_driving_on_moves_it_nowhere_and_backing_out_frees_it(scenario: str) -> None:
    rover = stuck(scenario).anew()
    before = rover.observe()
    assert not solved_within(rover, lambda _: AHEAD, 10)
    after = rover.observe()
    assert math.hypot(after.x_m - before.x_m, after.y_m - before.y_m) < 0.05
    assert solved_within(rover, lambda _: BACK, 6)


def test_on_the_sill_the_body_bears_what_the_wheels_bear_elsewhere() -> None:
    """Averaged over the hopping of its wheels."""
    rover = SimRover("high-centred", 0)
    for _ in range(30):
        rover.apply(AHEAD)
    assert loads_n(rover, "left_wheel", "right_wheel") > 0.7 * WEIGHT_N
    rover = stuck("high-centred").anew()
    belly, tilt = [], []
    for _ in range(2 * TICK_HZ):
        rover.apply(AHEAD)
        belly.append(loads_n(rover, "belly"))
        tilt.append(rover.observe().tilt_rad)
    assert np.mean(belly) > 0.3 * WEIGHT_N
    assert np.mean(tilt) > 0.15


def test_the_loose_rug_slides_away_below_the_wheels_and_gathers_before_the_nose() -> None:
    rover = SimRover("loose-rug", 0)
    names = [part.name for part in rover.state_parts()]
    flat = np.frombuffer(rover.snapshot(), "<f8")
    rucked = np.frombuffer(stuck("loose-rug").state, "<f8")
    cloth, fold = names.index("loose_rug/cloth"), names.index("loose_rug/fold_1")
    assert rucked[cloth] - flat[cloth] < -0.05
    assert rucked[fold] - flat[fold] > 0.05


def test_among_the_chair_legs_the_policy_bumps_on_and_does_not_get_out() -> None:
    found = stuck("chair-legs")
    rover = found.anew()
    bumps = 0
    for _ in range(4 * TICK_HZ):
        seen = rover.observe()
        bumps += seen.bumper
        rover.apply(found.patrol.act(seen))
        assert not rover.solved()
    assert bumps > 0


@each
def test_goes_on_bit_by_bit_from_the_call(scenario: str) -> None:
    rover, other = stuck(scenario).anew(), SimRover(scenario, 0)
    other.restore(stuck(scenario).state)
    for tick in range(2 * TICK_HZ):
        action = Twist(forward_mps=-0.4, turn_radps=1.0 if tick // 30 % 2 else -1.0)
        rover.apply(action)
        other.apply(action)
        assert other.snapshot() == rover.snapshot()
        assert other.observe() == rover.observe()


@each
def test_its_description_names_goal_task_and_every_file(scenario: str) -> None:
    told = SimRover(scenario, 0).describe("boot")
    known = SCENARIOS[scenario]
    assert (told.scenario, told.task) == (scenario, known.task)
    assert told.success is not None
    assert told.success.name == known.goal.name
    assert set(told.assets_sha256) == {"home.xml"} | (
        {f"{known.adds}.xml"} if known.adds else set()
    )
    again = SimRover.from_description(told)
    assert again.snapshot() == SimRover(scenario, 0).snapshot()


@pytest.mark.long
@each
def test_nearly_every_seed_gets_stuck_and_only_driving_frees_it(scenario: str) -> None:
    found = [patrol_until_stuck(scenario, seed) for seed in range(SEEDS)]
    called = [one for one in found if one is not None]
    fits = [one for one in called if one.diagnosis.reason == REASONS[scenario]]
    assert len(fits) >= ENOUGH * SEEDS
    for one in fits:
        assert not one.rover.solved()
        assert not solved_within(one.anew(), lambda _: STILL, 15)
