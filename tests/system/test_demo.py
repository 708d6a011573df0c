"""The headless demo, run once as a user runs it, and everything it must leave behind.

Each stage has its own check: without video, commands, recording or replay one of these fails.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from recorder.episode import POLICY_STATE
from recorder.library import open_episode
from tests.system.rig import unstick
from transport.messages import Phase, Source

SEED = 3

pytestmark = pytest.mark.timeout(300)  # the whole product once, for all of these tests


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture(scope="module")
def facts(out: Path) -> dict[str, Any]:
    done = unstick("demo", "--headless", "--json", "--seed", str(SEED), "--out", str(out))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1, "standard output carries one object and nothing else"
    found: dict[str, Any] = json.loads(lines[0])
    return found


def pixels(path: str) -> np.ndarray:
    with av.open(path) as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24")


def test_the_facts_are_complete(facts: dict[str, Any]) -> None:
    assert facts["outcome"] == "success"
    assert facts["seed"] == SEED
    for percentiles in (facts["video_age_ms"], facts["command_ms"]):
        assert 0 < percentiles["p50"] <= percentiles["p95"] <= percentiles["p99"]
    assert 0 < facts["time_to_first_motion_s"] < facts["time_to_hand_back_s"]
    assert facts["commands_applied"] > 60


def test_the_replay_is_exact_and_both_controls_behave(facts: dict[str, Any]) -> None:
    assert facts["verdict"] == "EXACT"
    assert facts["replays"] >= 2
    assert facts["controls"] == {"null_actions_solved": False, "recorded_states_solved": True}


def test_pictures_of_both_cameras_were_painted(facts: dict[str, Any]) -> None:
    # Half of 30 per second over the shortest possible rescue; a stalled stream paints a handful.
    assert all(count > 150 for count in facts["frames_painted"].values())
    assert set(facts["frames_painted"]) == {"front", "ceiling"}


def test_the_video_pane_is_not_blank_and_changes(facts: dict[str, Any]) -> None:
    shots = {Path(path).stem: pixels(path) for path in facts["screenshots"]}
    assert sorted(shots) == ["1-call", "2-drive", "3-verdict"]
    panes = []
    for shot in shots.values():
        height, width, _ = shot.shape
        assert (width, height) == (1920, 1080)
        # The middle of the video, clear of tag, numbers and banner.
        panes.append(shot[250:550, 450:1250].astype(float))
    for pane in panes[:2]:  # the last may face a bare wall, which the encoder draws in one colour
        assert len(np.unique(pane.reshape(-1, 3), axis=0)) > 100, "blank"
    for before, after in pairwise(panes):
        assert np.abs(before - after).mean() > 2.0, "frozen"


def test_the_episode_tells_the_whole_story(facts: dict[str, Any]) -> None:
    episode = open_episode(Path(facts["episode"]))
    episode.verify()
    ticks = list(episode.ticks())
    kinds = [event.kind for tick in ticks for event in tick.events if event.kind != "mode"]
    assert kinds == ["call", "takeover", POLICY_STATE, "outcome", "hand_back"]
    assert episode.manifest.ending.operator == "op-1"
    numbers = [tick.tick for tick in ticks]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no hidden jumps"
    called = next(t for t in ticks if any(e.kind == "call" for e in t.events))
    assert called.stamp_ns - ticks[0].stamp_ns > 4 * 10**9, "it begins before the call"
    driven = [tick for tick in ticks if tick.source is Source.HUMAN]
    assert any(tick.applied.forward_mps < 0 for tick in driven)
    assert {Phase.AUTONOMOUS, Phase.HANDOVER, Phase.RECOVERY} <= {tick.phase for tick in ticks}
    assert all(tick.state for tick in ticks), "every tick carries the complete state"
    description = episode.manifest.description
    assert description.scene_sha256
    assert description.controller
    assert "mujoco" in description.versions


def test_the_robot_was_wedged_when_it_called_and_free_when_handed_back(
    facts: dict[str, Any],
) -> None:
    episode = open_episode(Path(facts["episode"]))
    ticks = {tick.tick: tick for tick in episode.ticks()}
    ending = episode.manifest.ending
    x, y = (episode.manifest.description.observation_names.index(n) for n in ("x_m", "y_m"))
    start, end = ticks[ending.start_tick].observation, ticks[ending.end_tick].observation
    assert np.hypot(end[x] - start[x], end[y] - start[y]) > 0.5


def test_rows_equal_frames_in_episode_and_data_set(facts: dict[str, Any]) -> None:
    episode = open_episode(Path(facts["episode"]))
    dataset = Path(facts["dataset"])
    info = json.loads((dataset / "meta" / "info.json").read_text())
    rows = sum(pq.read_metadata(f).num_rows for f in dataset.glob("data/*/*.parquet"))
    assert rows == info["total_frames"] == episode.manifest.rows
    for camera in ("front", "ceiling"):
        assert sum(1 for _ in episode.frames(camera)) == rows
        videos = list(dataset.glob(f"videos/observation.images.{camera}/*/*.mp4"))
        frames = 0
        for video in videos:
            with av.open(str(video)) as container:
                for index, frame in enumerate(container.decode(video=0)):
                    assert frame.time == pytest.approx(index / info["fps"], abs=1e-4)
                    frames += 1
        assert frames == rows


def test_the_data_set_says_who_drove(facts: dict[str, Any]) -> None:
    (table,) = [pq.read_table(f) for f in Path(facts["dataset"]).glob("data/*/*.parquet")]
    intervention = table["intervention"].to_pylist()
    assert any(intervention)
    assert not all(intervention)
    assert table["next.success"].to_pylist()[-1] or any(table["next.success"].to_pylist())


def test_validate_agrees_and_names_the_episode(facts: dict[str, Any]) -> None:
    done = unstick("validate", facts["episode"], "--json")
    assert done.returncode == 0, done.stderr
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert verdict["verdict"] == "EXACT"
    assert verdict["episode"] == Path(facts["episode"]).name


def test_a_second_demo_replaces_its_own_folder_only(out: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = unstick("demo", "--headless", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(20))
def test_twenty_seeds_end_in_success_and_exact(seed: int, tmp_path: Path) -> None:
    done = unstick(
        "demo", "--headless", "--json", "--seed", str(seed), "--out", str(tmp_path / "o")
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found["outcome"], found["verdict"]) == (0, "success", "EXACT")
