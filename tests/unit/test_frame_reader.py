"""Any frame of a video by its row, in whatever order somebody scrubs."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from recorder.episode import GOP_ROWS, EpisodeError, camera_file
from recorder.frame_reader import FrameReader
from recorder.library import Episode
from tests.unit.recorder_support import record


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    return record(tmp_path_factory.mktemp("one"))


@pytest.mark.parametrize("seed", range(3))
def test_a_frame_is_that_of_its_row_in_any_order(episode: Episode, seed: int) -> None:
    frames = list(episode.frames("front"))
    rows = [0, 1, 2, GOP_ROWS - 1, GOP_ROWS, GOP_ROWS + 1, len(frames) - 1, 0]
    rows += random.Random(seed).choices(range(len(frames)), k=40)
    reader = FrameReader(episode.path / camera_file("front"))
    for row in rows:
        assert np.array_equal(reader.frame(row), frames[row]), row
    reader.close()


def test_a_row_beyond_the_end_is_told_and_the_next_one_is_found(episode: Episode) -> None:
    reader = FrameReader(episode.path / camera_file("front"))
    with pytest.raises(EpisodeError, match="no row 9999"):
        reader.frame(9999)
    assert reader.frame(3).shape == (48, 64, 3)
    reader.close()


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cam_front.mkv"
    path.write_bytes(b"no video")
    with pytest.raises(EpisodeError, match="cannot be opened"):
        FrameReader(path)
