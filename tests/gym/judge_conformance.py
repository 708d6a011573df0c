"""Real environments pass what every robot for replay is tested for. Run by `run.py`."""

from __future__ import annotations

import msgspec
import pytest

from recorder.replayable import CannotReplay
from teleop.engines import Derived
from teleop.environment import Start
from teleop.gym_robot import GymRobot
from teleop.robot import RobotError
from tests.gym import judged
from tests.replay_conformance import ReplayConformance, SeedConformance


class TestFetch(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:fetch"

    def test_goes_on_from_stale_poses(self) -> None:
        assert judged.fetch().proven.layout.means.derived is Derived.POSES


class TestAdroitDoor(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:adroit_door"

    def test_a_reset_moves_the_door_in_the_model(self) -> None:
        cells = judged.adroit_door().proven.layout.cells
        assert any(cell.path[-1] == ("@", "body_pos") for cell in cells)


class TestKitchen(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:kitchen"

    def test_the_last_noisy_measurement_is_state(self) -> None:
        cells = judged.kitchen().proven.layout.cells
        assert any(cell.path[-1] == (".", "_last_robot_qpos") for cell in cells)


class TestMetaWorld(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:metaworld"

    def test_its_own_seed_has_to_be_called(self) -> None:
        assert judged.metaworld().proven.start is Start.SEED


class TestAloha(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:aloha"


class TestPushT(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:pusht"
    low, high = 0.0, 512.0

    def test_pymunk_remembers_contacts_so_the_episode_is_gone_through_again(self) -> None:
        assert judged.pusht().proven.layout.means.again


class TestPanda(ReplayConformance, SeedConformance):
    factory = "tests.gym.judged:panda"
    steps, moments = 40, (0, 1, 13, 37)

    def test_begins_again_in_a_new_environment_only(self) -> None:
        assert judged.panda().proven.layout.means.again
        assert judged.panda().proven.start is Start.FRESH


def test_is_made_again_from_its_description() -> None:
    first = judged.metaworld()
    again = GymRobot.from_description(first.describe("boot"))
    again.restore(first.snapshot())
    assert again.describe("boot") == first.describe("boot")


def test_another_source_under_the_same_name_is_refused() -> None:
    description = judged.pusht().describe("boot")
    changed = msgspec.structs.replace(description, assets_sha256={"gym_pusht": "0" * 64})
    with pytest.raises(RobotError, match="is not the one that was recorded"):
        GymRobot.from_description(changed)


def test_one_that_ignores_seeds_comes_back_but_begins_nowhere() -> None:
    robot = GymRobot("Meta-World/MT1", 3, {"env_name": "reach-v3"})
    assert robot.restores
    with pytest.raises(CannotReplay, match="A seed does not say where an episode"):
        robot.start_from_seed(3)


@pytest.mark.parametrize(
    ("env_id", "options"),
    [("FetchNoSuch-v0", {}), ("no_such/Env-v0", {}), ("PandaPush-v3", {"no_such_option": 1})],
)
def test_what_gymnasium_cannot_make_is_told(env_id: str, options: dict[str, int]) -> None:
    with pytest.raises(RobotError, match="gymnasium cannot make"):
        GymRobot(env_id, 3, options)
