"""Demonstrations collected in lockstep are episodes like any other, and prove themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.demonstration import demonstration_of
from recorder.library import list_episodes, open_episode
from recorder.verdict import Kind
from teleop.collecting import collect
from teleop.mujoco_loading import GL_PROBLEM
from teleop.replay_jobs import ReplayJob
from teleop.replay_worker import judged
from teleop.robot import CameraRig
from teleop.scenarios import SCENARIOS, scenario
from teleop.sim_arm import ArmCameras
from transport.messages import Outcome

pytestmark = pytest.mark.skipif(bool(GL_PROBLEM), reason=f"no OpenGL: {GL_PROBLEM}")


def small(seed: int) -> CameraRig:
    return ArmCameras("push", seed, None, width=320, height=240)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("library")
    for one in collect(scenario("push"), 2, root, make_rig=small):
        assert one.outcome is Outcome.SUCCESS
    return root


def test_each_session_is_one_sealed_episode_that_verifies(library: Path) -> None:
    episodes = [open_episode(path) for path in list_episodes(library)]
    assert len(episodes) == 2
    for episode in episodes:
        episode.verify()
        assert episode.manifest.ending.outcome is Outcome.SUCCESS
        assert episode.manifest.counts.dropped_records == 0
        assert episode.manifest.rows > 0


def test_no_two_are_alike(library: Path) -> None:
    one, two = (demonstration_of(open_episode(path)) for path in list_episodes(library))
    assert one.start != two.start
    assert len(one) != len(two) or (one.actions != two.actions).any()


def test_each_is_proved_and_its_pictures_belong_to_its_states(library: Path) -> None:
    for path in list_episodes(library):
        answer = judged(ReplayJob(path=str(path), margins=True, prefix=True, pictures=True))
        assert answer.verdict is not None, answer.error
        assert answer.verdict.verdict is Kind.EXACT, answer.verdict.sentence
        evidence = answer.verdict.evidence
        assert evidence.pictures > 0
        assert evidence.margins
        assert 0 < evidence.shortest_prefix < evidence.recorded_steps


@pytest.mark.long
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_task_gives_demonstrations(name: str, tmp_path: Path) -> None:
    done = list(collect(scenario(name), 5, tmp_path))
    proved = 0
    for one in done:
        assert one.episode is not None
        answer = judged(ReplayJob(path=str(one.episode)))
        proved += answer.verdict is not None and answer.verdict.passed
    assert proved >= 4
