"""Which spheres a camera sees, and which pixels they may cover: never too little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.lens import ALIGNED, Lens, Window

WIDTH, HEIGHT = 640, 480
LENS = Lens(left=-0.8, right=0.8, bottom=-0.6, top=0.6)
WHOLE = Window(0, 0, WIDTH, HEIGHT)

lengths = st.floats(-4, 4)
sizes = st.floats(0.001, 2)


def sees(at: tuple[float, float, float], radius: float, lens: Lens = LENS) -> bool:
    return bool(lens.sees(np.array([at]), np.array([radius]))[0])


def covered(*spheres: tuple[float, float, float, float]) -> Window | None:
    numbers = np.array(spheres).reshape(-1, 4)
    return LENS.covered(numbers[:, :3], numbers[:, 3], WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("at", "seen"),
    [
        ((0, 0, -1), True),
        ((0, 0, 1), False),  # behind
        ((0, 0, 0.05), True),  # around the camera
        ((0.85, 0, -1), True),  # reaches in from the right
        ((1.0, 0, -1), False),
        ((-1.0, 0, -1), False),
        ((0, 0.65, -1), True),
        ((0, 0.8, -1), False),
        ((0, -0.8, -1), False),
    ],
)
def test_a_sphere_is_seen_where_it_reaches_into_the_picture(
    at: tuple[float, float, float], seen: bool
) -> None:
    assert sees(at, 0.1) is seen


def test_what_is_seen_covers_the_pixels_around_it_and_no_more_than_tiles_need() -> None:
    window = covered((0.0, 0.0, -2.0, 0.1))  # 20 px to each side of the middle
    assert window is not None
    assert window.left in range(320 - 20 - 2 - ALIGNED, 320 - 20 - 1)
    assert window.left + window.width in range(320 + 20 + 2, 320 + 20 + 3 + ALIGNED)
    assert not any(part % ALIGNED for part in (window.left, window.bottom, window.width))


def test_several_are_covered_by_one_window() -> None:
    left, right = covered((-0.5, 0, -1, 0.01)), covered((0.5, 0.3, -1, 0.01))
    both = covered((-0.5, 0, -1, 0.01), (0.5, 0.3, -1, 0.01))
    assert left is not None
    assert right is not None
    assert both == Window(
        left.left,
        left.bottom,
        right.left + right.width - left.left,
        right.bottom + right.height - left.bottom,
    )


@pytest.mark.parametrize("spheres", [(), ((0, 0, 3, 0.1),), ((5, 0, -1, 0.1), (0, 9, -2, 0.1))])
def test_what_is_out_of_sight_covers_nothing(
    spheres: tuple[tuple[float, float, float, float], ...],
) -> None:
    assert covered(*spheres) is None


def test_what_is_around_the_camera_covers_everything() -> None:
    assert covered((0.0, 0.0, 0.05, 0.1)) == WHOLE


def test_a_picture_of_no_whole_tiles_is_covered_to_its_edge() -> None:
    window = LENS.covered(np.array([[0.0, 0.0, 0.0]]), np.array([1.0]), 250, 130)
    assert window == Window(0, 0, 250, 130)


def test_a_part_of_the_picture_is_seen_through_a_part_of_the_lens() -> None:
    assert LENS.part(WHOLE, WIDTH, HEIGHT) == LENS
    part = LENS.part(Window(320, 0, 320, 240), WIDTH, HEIGHT)
    assert (part.left, part.right) == pytest.approx((0.0, 0.8))
    assert (part.bottom, part.top) == pytest.approx((-0.6, 0.0))
    assert sees((0.3, -0.2, -1), 0.01, part)
    assert not sees((-0.3, -0.2, -1), 0.01, part)


@given(
    centre=st.tuples(lengths, lengths, lengths),
    radius=sizes,
    towards=st.tuples(lengths, lengths, lengths),
)
def test_no_point_of_a_sphere_is_missed(
    centre: tuple[float, float, float], radius: float, towards: tuple[float, float, float]
) -> None:
    length = math.hypot(*towards)
    x, y, z = (c + t / max(length, 1e-9) * radius for c, t in zip(centre, towards, strict=True))
    if z > -1e-3:
        return  # not before the camera
    across, up = x / -z, y / -z
    if not (LENS.left < across < LENS.right and LENS.bottom < up < LENS.top):
        return
    assert sees(centre, radius)
    window = covered((*centre, radius))
    assert window is not None
    column = (across - LENS.left) / (LENS.right - LENS.left) * WIDTH
    row = (up - LENS.bottom) / (LENS.top - LENS.bottom) * HEIGHT
    assert window.left <= column <= window.left + window.width
    assert window.bottom <= row <= window.bottom + window.height
