"""An exported data set holds the episodes' rows, frame by frame, and only proved ones."""

import json
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from recorder.episode import EpisodeError
from recorder.export_lerobot import export_lerobot
from recorder.library import Episode
from recorder.replay import validate
from tests.unit.recorder_support import Rover, number_of, record
from transport.messages import Outcome


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> list[Episode]:
    root = tmp_path_factory.mktemp("episodes")
    good = record(root), record(root, drive=200)
    for episode in good:
        assert validate(episode, lambda _: Rover()).passed
    failed = record(root, drive=60, outcome=Outcome.FAILURE)
    assert not validate(failed, lambda _: Rover()).passed
    return [*good, failed, record(root)]


@pytest.fixture(scope="module")
def exported(episodes: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "set"
    summary = export_lerobot(episodes, out)
    assert summary.episodes == (episodes[0].id, episodes[1].id)
    reasons = dict(summary.skipped)
    assert "UNVERIFIABLE" in reasons[episodes[2].id]
    assert "not replayed" in reasons[episodes[3].id]
    return out


def test_rows_carry_what_was_recorded(exported: Path, episodes: list[Episode]) -> None:
    for index, episode in enumerate(episodes[:2]):
        table = pq.read_table(exported / f"data/chunk-000/file-{index:03d}.parquet")
        rows = {row.tick for row in episode.rows()}
        ticks = [tick for tick in episode.ticks() if tick.tick in rows]
        assert table["unstick.tick"].to_pylist() == [t.tick for t in ticks]
        action = np.array(table["action"].to_pylist(), np.float32)
        assert np.array_equal(
            action, np.array([(t.applied.forward_mps, t.applied.turn_radps) for t in ticks], "f4")
        )
        assert table["intervention"].to_pylist() == [t.source == "human" for t in ticks]
        assert table["next.done"].to_pylist() == [False] * (len(ticks) - 1) + [True]
        assert table["next.success"].to_pylist()[-1] is True
        assert table["unstick.capture_ns.front"].to_pylist() == [t.stamp_ns for t in ticks]


def test_video_sits_exactly_on_the_grid_and_shows_the_rows_picture(
    exported: Path, episodes: list[Episode]
) -> None:
    path = exported / "videos/observation.images.rear/chunk-000/file-001.mp4"
    ticks = [row.tick for row in episodes[1].rows()]
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == len(ticks)
    for k, frame in enumerate(frames):
        assert frame.pts is not None
        assert frame.time_base is not None
        assert frame.pts * frame.time_base * 30 == k
        assert number_of(frame.to_ndarray(format="rgb24")) == ticks[k] // 2


def test_meta_adds_up(exported: Path, episodes: list[Episode]) -> None:
    info = json.loads((exported / "meta/info.json").read_text())
    table = pq.read_table(exported / "meta/episodes/chunk-000/file-001.parquet")
    row = table.to_pylist()[0]
    assert info["total_episodes"] == 2
    assert info["total_frames"] == sum(e.manifest.rows for e in episodes[:2])
    assert row["dataset_from_index"] == episodes[0].manifest.rows
    assert (row["success"], row["replay/verdict"], row["operator"]) == (True, "EXACT", "ada")
    tasks = pq.read_table(exported / "meta/tasks.parquet")
    assert tasks.to_pylist() == [{"task_index": 0, "task": "Reach open floor"}]
    stats = json.loads((exported / "meta/stats.json").read_text())
    assert np.shape(stats["observation.images.front"]["mean"]) == (3, 1, 1)
    assert stats["action"]["count"] == [info["total_frames"]]


def test_exporting_again_gives_the_same_bytes(
    exported: Path, episodes: list[Episode], tmp_path: Path
) -> None:
    again = export_lerobot(episodes, tmp_path / "again").path
    assert _files(again) == _files(exported)
    assert [p.name for p in tmp_path.iterdir()] == ["again"]


def test_all_episodes_on_request(episodes: list[Episode], tmp_path: Path) -> None:
    summary = export_lerobot(episodes, tmp_path / "all", include_unverified=True)
    assert len(summary.episodes) == 4
    row = pq.read_table(tmp_path / "all/meta/episodes/chunk-000/file-003.parquet").to_pylist()[0]
    assert row["replay/verdict"] == "NOT_REPLAYED"


def test_an_existing_target_is_refused_and_untouched(
    episodes: list[Episode], tmp_path: Path
) -> None:
    with pytest.raises(EpisodeError, match="Target exists"):
        export_lerobot(episodes, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_export_says_why(episodes: list[Episode], tmp_path: Path) -> None:
    with pytest.raises(EpisodeError, match="not replayed"):
        export_lerobot(episodes[3:], tmp_path / "set")
    with pytest.raises(EpisodeError, match="at least one"):
        export_lerobot([], tmp_path / "set")


def test_an_export_that_died_is_cleared_away(episodes: list[Episode], tmp_path: Path) -> None:
    left = tmp_path / ".set.unstick-tmp" / "data"
    left.mkdir(parents=True)
    export_lerobot(episodes, tmp_path / "set")
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
