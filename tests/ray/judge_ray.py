"""Replays spread by Ray over a real local cluster; run by `tests/ray/run.py`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from recorder.library import open_episode
from recorder.verdict import Kind
from teleop.collecting import collect
from teleop.replay_jobs import ReplayJob
from teleop.replay_ray import judged_by_ray
from teleop.scenarios import scenario
from teleop.sim_arm import ArmCameras
from teleop.validation import Asked, run_validation

# What Ray itself leaves open at its end is its own matter.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("library")
    rig = lambda seed: ArmCameras("push", seed, None, width=320, height=240)  # noqa: E731
    assert len(list(collect(scenario("push"), 3, root, make_rig=rig))) == 3
    return root


def jobs(library: Path) -> list[ReplayJob]:
    return [
        ReplayJob(path=str(path), again=True) for path in sorted(library.iterdir()) if path.is_dir()
    ]


def test_every_demonstration_is_judged_once_and_keeps_its_verdict(library: Path) -> None:
    answers = list(judged_by_ray(jobs(library), workers=2))
    assert {a.job.path for a in answers} == {job.path for job in jobs(library)}
    assert [a.verdict.verdict for a in answers if a.verdict] == [Kind.EXACT] * 3
    for job in jobs(library):
        assert open_episode(Path(job.path)).verdict() is not None


def test_the_command_does_so_with_the_same_call(library: Path) -> None:
    asked = Asked(engine="ray", workers=2, again=True)
    assert run_validation(library, json=False, background=False, asked=asked) == 0


def test_a_worker_that_is_killed_costs_its_jobs_retry_and_nothing_else(library: Path) -> None:
    many = jobs(library) * 20
    answers = judged_by_ray(many, workers=2)
    first = next(answers)
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        if b"ray::_judged_line" in stat.read_bytes():
            os.kill(int(stat.parent.name), signal.SIGKILL)
            break
    else:
        pytest.fail("no worker was found to kill")
    rest = list(answers)
    assert len(rest) + 1 == len(many)
    assert all(a.verdict is not None and a.verdict.passed for a in (first, *rest))


def test_an_episode_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (answer,) = judged_by_ray([ReplayJob(path=str(tmp_path / "none"))], workers=1)
    assert answer.verdict is None
    assert "none" in answer.error
