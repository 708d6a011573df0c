"""PNGs, and the pictures of the first divergent step."""

import io
from pathlib import Path

import av
import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from recorder.library import Episode
from recorder.png import png_of, shrunk
from recorder.step_pictures import step_pictures
from recorder.verdict import Divergence, Kind
from tests.unit.recorder_support import HEIGHT, WIDTH, number_of, record
from tests.unit.report_support import verdict

Picture = npt.NDArray[np.uint8]


def decoded(png: bytes) -> Picture:
    with av.open(io.BytesIO(png)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (48, 64), (63, 7)])
def test_another_program_reads_the_same_pixels(size: tuple[int, int]) -> None:
    image = np.random.default_rng(7).integers(0, 256, (*size, 3), np.uint8)
    assert np.array_equal(decoded(png_of(image)), image)


def test_a_picture_is_shrunk_to_a_mean() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, ::2] = 100
    small = shrunk(image, 3)
    assert small.shape == (2, 3, 3)
    assert (small == 50).all()
    assert np.array_equal(shrunk(image, 6), image), "it is small enough already"


@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (47, 801), (1, 900), (900, 1)])
def test_it_is_never_wider_than_asked(size: tuple[int, int]) -> None:
    assert shrunk(np.zeros((*size, 3), np.uint8), 400).shape[1] <= 400


# --- of an episode -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    return record(tmp_path_factory.mktemp("recorded"))


class Draws:
    """An eye that sees the number in the state."""

    def render(self, camera: str, state: bytes) -> Picture:
        return np.full((HEIGHT, WIDTH, 3), state[0], np.uint8)

    def close(self) -> None:
        pass


def diverged_at(tick: int) -> Divergence:
    return Divergence(step=9, tick=tick, part="cube x", off_by=1.0, tolerance=0.1, unit="m")


@pytest.mark.parametrize(("ticks_later", "rows_later"), [(-1, 0), (0, 0), (1, 1)])
def test_the_recorded_picture_is_the_one_after_the_divergent_action(
    episode: Episode, ticks_later: int, rows_later: int
) -> None:
    row = list(episode.rows())[70]
    found = verdict(Kind.DIVERGED, divergence=diverged_at(row.tick + ticks_later))
    pictures = step_pictures(episode, found)
    assert pictures is not None
    assert number_of(decoded(pictures.recorded)) == row.tick // 2 + rows_later
    assert (pictures.camera, pictures.step, pictures.replayed) == ("front", 9, b"")


def test_the_replayed_picture_is_drawn_from_the_replays_state(episode: Episode) -> None:
    found = verdict(Kind.DIVERGED, divergence=diverged_at(150))
    pictures = step_pictures(episode, found, Draws(), bytes([77]))
    assert pictures is not None
    assert (decoded(pictures.replayed) == 77).all()


def test_where_nothing_diverged_there_is_nothing_to_show(episode: Episode) -> None:
    assert step_pictures(episode, verdict(Kind.EXACT)) is None
    assert step_pictures(episode, verdict(Kind.NOT_APPLIED)) is None


def test_an_episode_without_a_camera_shows_nothing(episode: Episode, tmp_path: Path) -> None:
    blind = Episode(
        episode.path,
        msgspec.structs.replace(episode.manifest, cameras=()),
        episode.manifest_sha256,
    )
    assert step_pictures(blind, verdict(Kind.DIVERGED)) is None
