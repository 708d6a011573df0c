"""Finding things in a picture of the table by their colour, and where on the table they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.provenance import CameraSettings
from teleop.robot import Image
from teleop.table_view import Colour, find_colour, on_table

WOOD, MAT = (200, 128, 80), (45, 48, 52)
RED, GREEN, BLUE = (190, 30, 25), (30, 130, 50), (30, 80, 200)
# Straight down from 1.45 m, up in the picture is the table's +x.
TOP = CameraSettings(
    position_m=(0.33, 0.0, 1.45),
    rotation_wxyz=(math.sqrt(0.5), 0.0, 0.0, -math.sqrt(0.5)),
    focal_px=(1000.0, 1000.0),
    centre_px=(320.0, 240.0),
)


def table(*squares: tuple[float, float, float, float, tuple[int, int, int]]) -> Image:
    """Half wood, half mat, and squares on it: u, v, half side in px, turn, colour."""
    picture = np.empty((240, 320, 3), np.uint8)
    picture[:, :160], picture[:, 160:] = WOOD, MAT
    v, u = np.mgrid[0:240, 0:320] + 0.5
    for at_u, at_v, half_px, turn, colour in squares:
        right, up = u - at_u, at_v - v
        along = np.cos(turn) * right + np.sin(turn) * up
        across = np.cos(turn) * up - np.sin(turn) * right
        picture[np.maximum(np.abs(along), np.abs(across)) <= half_px] = colour
    return picture


@pytest.mark.parametrize(
    ("colour", "paint"), [(Colour.RED, RED), (Colour.GREEN, GREEN), (Colour.BLUE, BLUE)]
)
def test_a_colour_is_found_where_it_is_and_not_where_another_is(
    colour: Colour, paint: tuple[int, int, int]
) -> None:
    others = [one for one in (RED, GREEN, BLUE) if one != paint]
    picture = table(
        (200.0, 60.0, 10.0, 0.0, paint),
        (60.0, 60.0, 20.0, 0.0, others[0]),
        (60.0, 160.0, 20.0, 0.0, others[1]),
    )
    found = find_colour(picture, colour)
    assert found is not None
    assert (found.u_px, found.v_px) == pytest.approx((200.0, 60.0), abs=0.5)
    assert found.area_px == pytest.approx(400, rel=0.05)


@pytest.mark.parametrize("colour", list(Colour))
def test_wood_and_mat_are_no_colour(colour: Colour) -> None:
    assert find_colour(table(), colour) is None


def test_a_speck_is_no_thing() -> None:
    assert find_colour(table((200.0, 60.0, 2.0, 0.0, RED)), Colour.RED) is None


def test_the_darker_side_of_a_thing_does_not_draw_its_place_aside() -> None:
    dark = (110, 17, 14)
    picture = table((206.0, 60.0, 10.0, 0.0, dark), (200.0, 60.0, 10.0, 0.0, RED))
    found = find_colour(picture, Colour.RED)
    assert found is not None
    assert found.u_px == pytest.approx(200.0, abs=0.5)


@given(st.floats(-0.7, 0.7))
def test_a_square_shows_how_it_is_turned(turn_rad: float) -> None:
    found = find_colour(table((220.0, 120.0, 14.0, turn_rad, RED)), Colour.RED)
    assert found is not None
    assert found.turn_rad == pytest.approx(turn_rad, abs=0.04)


def test_below_the_camera_is_where_it_hangs_and_up_is_away_from_the_base() -> None:
    assert on_table(TOP, 320, 240, 0.0) == pytest.approx((0.33, 0.0))
    assert on_table(TOP, 320, 140, 0.0) == pytest.approx((0.33 + 0.145, 0.0))
    assert on_table(TOP, 220, 240, 0.0) == pytest.approx((0.33, 0.145))


def test_what_stands_higher_is_nearer_to_the_middle_than_it_seems() -> None:
    assert on_table(TOP, 220, 240, 0.45) == pytest.approx((0.33, 0.1))


def test_a_tilted_camera_sees_along_its_own_axis() -> None:
    tilt = math.radians(30) / 2  # from straight down up towards +y
    tilted = CameraSettings(
        position_m=(0.0, 0.0, 1.0),
        rotation_wxyz=(math.cos(tilt), math.sin(tilt), 0.0, 0.0),
        focal_px=(500.0, 500.0),
        centre_px=(160.0, 120.0),
    )
    assert on_table(tilted, 160, 120, 0.0) == pytest.approx((0.0, math.tan(math.radians(30))))


def test_a_camera_that_is_not_calibrated_or_looks_elsewhere_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not say where it is"):
        on_table(CameraSettings(), 0, 0, 0.0)
    with pytest.raises(ValueError, match=r"does not see 2\.0 m"):
        on_table(TOP, 320, 240, 2.0)
