"""The bench of the review scrubs a real episode; its figures are no test of the machine."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from recorder.library import open_episode
from ui.bench_episode import long_episode
from ui.bench_review import measure_review


def test_the_long_episode_is_sound(tmp_path: Path) -> None:
    episode = open_episode(long_episode(tmp_path, 12.0, 64, 48))
    episode.verify()
    assert episode.manifest.rows == 360
    assert [camera.frames for camera in episode.manifest.cameras] == [360, 360]


def test_a_drag_shows_pictures_and_ends_with_the_one_asked_for(
    qtbot: QtBot, tmp_path: Path
) -> None:
    long_episode(tmp_path, 12.0, 64, 48)
    found = measure_review(drag_s=1.0, root=tmp_path)
    assert found.episode_s > 11.9
    assert found.shown_hz > 0
    assert 0 < found.shown_p50_ms <= found.shown_p99_ms
    assert 0 <= found.stall_p99_ms <= found.stall_max_ms
