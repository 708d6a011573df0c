"""A robot's name on the command line says what it is, and an error says what there is."""

from __future__ import annotations

import pytest

from teleop.robot import RobotError
from teleop.robot_names import GymName, LeRobotName, SimulatedName, parse, provider_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sim-rover", SimulatedName("sim-rover")),
        ("sim-arm", SimulatedName("sim-arm")),
        ("gym:FetchPickAndPlace-v4", GymName("FetchPickAndPlace-v4")),
        ("gym:gym_pusht/PushT-v0", GymName("gym_pusht/PushT-v0")),
        ("gym:my_envs:Push-v0", GymName("my_envs:Push-v0")),
        ("lerobot:pkg.mod:Arm", LeRobotName("pkg.mod", "Arm")),
    ],
)
def test_a_name_says_what_it_is(name: str, expected: object) -> None:
    assert parse(name) == expected


@pytest.mark.parametrize("name", ["", "rover", "gym:", "gym", "sim-rover:2", "GYM:Fetch"])
def test_an_unknown_name_is_answered_with_what_there_is(name: str) -> None:
    with pytest.raises(RobotError, match=r"sim-rover, sim-arm, gym:ID .*, lerobot:MODULE:CLASS"):
        parse(name)


@pytest.mark.parametrize("name", ["lerobot:", "lerobot:module", "lerobot:a b:C", "lerobot:m:C()"])
def test_a_class_that_cannot_be_one_is_answered_with_an_example(name: str) -> None:
    with pytest.raises(RobotError, match=r"lerobot:lerobot\.robots\.so_follower:SOFollower"):
        parse(name)


@pytest.mark.parametrize(
    ("env_id", "module", "package"),
    [
        ("FetchPush-v4", "gymnasium_robotics", "gymnasium-robotics"),
        ("gym_aloha/AlohaInsertion-v0", "gym_aloha", "gym-aloha"),
        ("my_envs:Push-v0", "my_envs", "my-envs"),
        ("CartPole-v1", "", "the package that registers it"),
    ],
)
def test_who_registers_an_environment_is_known(env_id: str, module: str, package: str) -> None:
    found = provider_of(env_id)
    assert (found.module, found.package) == (module, package)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "gym:Meta-World/MT1?env_name=reach-v3&seed=42",
            GymName("Meta-World/MT1", {"env_name": "reach-v3", "seed": 42}),
        ),
        ("gym:a/B-v0?dense=true&word=", GymName("a/B-v0", {"dense": True, "word": ""})),
        (
            "gym:B-v0?solved_reward=0.95&action_dtype=float64",
            GymName("B-v0", {}, 0.95, "float64"),
        ),
    ],
)
def test_options_of_an_environment_follow_its_name(name: str, expected: object) -> None:
    assert parse(name) == expected


@pytest.mark.parametrize("query", ["x", "a=1&b", "solved_reward=much", "action_dtype=int8"])
def test_options_that_are_none_are_answered_with_an_example(query: str) -> None:
    with pytest.raises(RobotError, match=r"solved_reward=0\.95|there are float32 and float64"):
        parse(f"gym:B-v0?{query}")
