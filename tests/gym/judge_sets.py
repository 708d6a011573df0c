"""`unstick validate` on data sets of real environments, as somebody else would have written them.

Run by `run.py`. A script drives the environment itself, without our adapter; what it did is written
as a LeRobot v3 set without states, and validated by the command line.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from tests.foreign_set import Written, write_set

FETCH = "FetchPickAndPlace-v4"
PUSHT = "gym_pusht/PushT-v0"
METAWORLD = "Meta-World/MT1"


def made(env_id: str, **options: Any) -> Any:
    for module in ("gymnasium_robotics", "gym_pusht", "metaworld"):
        importlib.import_module(module)
    return gymnasium.make(env_id, disable_env_checker=True, **options)


class PickAndPlace:
    """Above the block, down, close, to the goal."""

    def __init__(self) -> None:
        self.above, self.closing = False, 0  # steps

    def __call__(self, seen: dict[str, Any]) -> list[float]:
        hand, block, goal = seen["observation"][:3], seen["achieved_goal"], seen["desired_goal"]
        away = block - hand
        self.above = self.above or bool(np.linalg.norm(away[:2]) < 0.008)
        if not self.above:
            return [*np.clip(10 * (away + np.array([0, 0, 0.1])), -1, 1), 1.0]
        if not self.closing and np.linalg.norm(away) > 0.01:
            return [*np.clip(10 * away, -1, 1), 1.0]
        self.closing += 1
        if self.closing < 4:
            return [0.0, 0.0, 0.0, -1.0]
        return [*np.clip(10 * (goal - block), -1, 1), -1.0]


def late(actions: Any) -> Any:
    """Every action one row too late."""
    return np.concatenate([actions[:1], actions[:-1]])


def driven(
    env: Any, seed: int, steps: int, script: Callable[[Any], Any], *, old_seed: bool = False
) -> tuple[np.ndarray[Any, Any], list[bool]]:
    """(actions in single precision, whether it was solved after each)."""
    if old_seed:
        env.unwrapped.seed(seed)
    seen, _ = env.reset(seed=seed)
    actions, solved = [], []
    for _ in range(steps):
        action = np.asarray(script(seen), np.float32)
        seen, _, _, _, info = env.step(action)
        actions.append(action)
        solved.append(bool(info.get("is_success", info.get("success"))))
    return np.array(actions), solved


def written(actions: Any, solved: list[bool], **said: Any) -> Written:
    return Written(
        actions,
        rows={"next.success": np.array(solved)},
        said={"success": solved[-1], **said},
        task="as scripted",
    )


def validate(path: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, report, standard error)."""
    command = [sys.executable, "-m", "teleop", "validate", str(path), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def verdicts(report: dict[str, Any]) -> list[str]:
    return [one["verdict"] for one in report["verdicts"]]


@pytest.fixture(scope="module")
def fetch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pick-and-places that succeed, and one that does nothing and says so."""
    env = made(FETCH)
    episodes = [written(*driven(env, 100 + i, 50, PickAndPlace())) for i in range(3)]
    assert all(one.said["success"] for one in episodes)
    episodes.append(written(*driven(env, 103, 50, lambda _: np.zeros(4))))
    assert not episodes[-1].said["success"]
    env.close()
    return write_set(tmp_path_factory.mktemp("fetch") / "set", episodes, fps=25)


def test_scripted_fetch_is_proved_from_its_seeds_and_goes_on_where_it_stopped(
    fetch: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    words = ("--robot", f"gym:{FETCH}", "--start", "seed:100", "--html", str(page))
    code, report, _ = validate(fetch, *words)
    # The honest failure proves no solution, so it cannot be judged.
    assert verdicts(report) == ["SEMANTIC"] * 3 + ["UNVERIFIABLE"]
    assert code == 2
    for one in report["verdicts"]:
        assert one["evidence"]["controls"]["recorded_states_solved"] is None
        assert one["evidence"]["controls"]["null_actions_solved"] is False
        assert one["versions_recorded"] == {}
    assert "SEMANTIC" in page.read_text()

    journal = fetch.parent / "set.verdicts.jsonl"
    before = journal.read_bytes()
    code, again, _ = validate(fetch, *words)
    assert code == 2
    assert again["verdicts"] == report["verdicts"]  # time and date included: nothing was replayed
    assert journal.read_bytes() == before


def test_wrong_seeds_diverge(fetch: Path) -> None:
    code, report, _ = validate(fetch, "--robot", f"gym:{FETCH}", "--start", "seed:200")
    assert verdicts(report)[:3] == ["DIVERGED"] * 3
    assert "no states were recorded" in report["verdicts"][0]["sentence"]
    assert code == 2  # one of them is an honest failure


def test_another_robot_is_told_and_nothing_passes(fetch: Path) -> None:
    code, report, _ = validate(fetch, "--robot", f"gym:{PUSHT}", "--start", "seed:100")
    assert code == 2
    assert verdicts(report) == ["UNVERIFIABLE"] * 4
    assert "Its actions have 4 numbers, the robot takes 2" in report["verdicts"][0]["sentence"]


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ("FetchNoSuch-v0", "gymnasium cannot make FetchNoSuch-v0"),
        ("no_such:Env-v0", "no_such:Env-v0 is not installed"),
        (f"{FETCH}?no_such_option=1", "gymnasium cannot make"),
    ],
)
def test_an_environment_that_is_not_there_is_told(fetch: Path, env: str, sentence: str) -> None:
    code, report, _ = validate(fetch, "--robot", f"gym:{env}", "--start", "seed")
    assert code == 2
    assert all(sentence in one["sentence"] for one in report["verdicts"])


@pytest.mark.parametrize(
    ("seed", "damage", "expected"),
    [
        # No states: what still solves the task passes, though every label is a row late.
        (101, late, "SEMANTIC"),
        (100, late, "DIVERGED"),
        (100, lambda a: a * np.float32(0.9), "SEMANTIC"),
        (100, lambda a: a * np.float32(0.3), "DIVERGED"),
        (100, lambda a: a * np.array([-1, -1, 1, 1], np.float32), "DIVERGED"),
    ],
    ids=["late and solved", "late and not", "a little scaled", "scaled", "turned round"],
)
def test_damage_shows_only_as_far_as_success_does(
    tmp_path: Path, seed: int, damage: Callable[[Any], Any], expected: str
) -> None:
    env = made(FETCH)
    actions, solved = driven(env, seed, 50, PickAndPlace())
    env.close()
    damaged = write_set(tmp_path / "set", [written(damage(actions), solved)], fps=25)
    code, report, _ = validate(damaged, "--robot", f"gym:{FETCH}", "--start", f"seed:{seed}")
    assert verdicts(report) == [expected]
    assert code == (0 if expected == "SEMANTIC" else 1)


def test_metaworld_takes_its_seed_from_the_set_and_its_options_from_the_name(
    tmp_path: Path,
) -> None:
    from metaworld.policies import SawyerReachV3Policy

    env = made(METAWORLD, env_name="reach-v3", seed=42)
    policy = SawyerReachV3Policy()

    def script(seen: Any) -> Any:
        return np.clip(policy.get_action(seen), -1, 1)

    episodes = [
        written(*driven(env, seed, 120, script, old_seed=True), seed=seed) for seed in (7, 5)
    ]
    env.close()
    assert all(one.said["success"] for one in episodes)
    data = write_set(tmp_path / "set", episodes, fps=80)
    robot = f"gym:{METAWORLD}?env_name=reach-v3&seed=42"
    code, report, _ = validate(data, "--robot", robot, "--start", "seed", "--workers", "2")
    assert (code, verdicts(report)) == (0, ["SEMANTIC"] * 2)

    _, rate, _ = validate(data, "--robot", f"gym:{PUSHT}", "--start", "seed")
    assert set(verdicts(rate)) == {"UNVERIFIABLE"}


def test_pusht_is_asked_to_stay_and_not_to_go_to_the_corner(tmp_path: Path) -> None:
    """Positions: the first one is nothing, zero is a journey."""
    env = made(PUSHT)
    rng = np.random.default_rng(4)
    held = np.repeat(rng.uniform(100, 400, (10, 2)), 10, axis=0)
    steps = iter(held)
    actions, solved = driven(env, 3, 100, lambda _: next(steps))
    env.close()
    assert not any(solved)  # nobody pushes a T by chance
    data = write_set(tmp_path / "set", [written(actions, solved)], fps=10)
    words = ("--robot", f"gym:{PUSHT}", "--start", "seed:3")
    code, report, _ = validate(data, *words)
    assert (code, verdicts(report)) == (2, ["UNVERIFIABLE"])
    assert "does not solve the task either" in report["verdicts"][0]["sentence"]

    claimed = write_set(tmp_path / "claimed", [Written(actions)], fps=10)
    code, report, _ = validate(claimed, *words)
    assert (code, verdicts(report)) == (1, ["DIVERGED"])

    code, report, _ = validate(write_set(tmp_path / "rate", [Written(actions)], fps=30), *words)
    assert code == 2
    assert "30 rows a second, the robot takes 10" in report["verdicts"][0]["sentence"]
