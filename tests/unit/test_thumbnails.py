"""Thumbnails: small, as old as they say, and made twice a second at most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from teleop.camera_watch import Shot
from teleop.thumbnail_pictures import bgra_of_jpeg
from teleop.thumbnails import GOOD_NS, Thumbnails, jpeg_of
from transport.archive_messages import THUMBNAIL_BYTES
from transport.i420 import I420, ToI420, black


def coloured(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Red on the left, green on the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = picture[:, width // 2 :, 1] = 200
    return picture


def noise(width: int, height: int) -> I420:
    random = np.random.default_rng(0).integers(0, 255, (height * 3 // 2, width), np.uint8)
    return I420(random)


def shot(number: int, captured_ns: int) -> Shot:
    return Shot("front", captured_ns, number, ToI420()(np.full((48, 64, 3), number, np.uint8)))


def test_it_shows_the_picture_with_its_colours() -> None:
    shown = bgra_of_jpeg(jpeg_of(ToI420()(coloured(640, 480)), 160))
    assert shown.shape == (120, 160, 4)
    assert np.abs(shown[60, 20, :3].astype(int) - (0, 0, 200)).max() < 12
    assert np.abs(shown[60, 140, :3].astype(int) - (0, 200, 0)).max() < 12


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((640, 480), (320, 240)),
        ((64, 48), (64, 48)),
        ((480, 640), (240, 320)),
        ((16, 320), (16, 320)),
    ],
)
def test_it_keeps_its_aspect_and_is_never_larger_than_the_picture(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    height, width, _ = bgra_of_jpeg(jpeg_of(black(*size), 320)).shape
    assert (width, height) == shown


@pytest.mark.parametrize("size", [(320, 240), (320, 320), (1920, 1080)])
def test_not_even_noise_is_larger_than_is_promised(size: tuple[int, int]) -> None:
    assert len(jpeg_of(noise(*size), 320)) <= THUMBNAIL_BYTES


def test_it_is_made_again_after_half_a_second_and_not_before() -> None:
    thumbnails = Thumbnails()
    thumbnails.saw(shot(1, captured_ns=7))
    first = thumbnails.of("front", 160, GOOD_NS)
    thumbnails.saw(shot(200, captured_ns=8))
    assert first is not None
    assert thumbnails.of("front", 100, 2 * GOOD_NS - 1) is first
    later = thumbnails.of("front", 160, 2 * GOOD_NS)
    assert later is not None
    assert (first.captured_ns, later.captured_ns) == (7, 8)
    assert later.jpeg != first.jpeg


def test_a_small_one_for_somebody_is_no_small_one_for_everybody() -> None:
    thumbnails = Thumbnails()
    thumbnails.saw(Shot("front", 1, 1, black(640, 480)))
    small, large = (thumbnails.of("front", width, GOOD_NS) for width in (16, 320))
    assert small is not None
    assert large is not None
    assert [bgra_of_jpeg(one.jpeg).shape[1] for one in (small, large)] == [160, 320]


def test_a_camera_that_has_given_nothing_has_none() -> None:
    assert Thumbnails().of("front", 160, 0) is None
