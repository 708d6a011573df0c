"""The path in the picture is where the robot goes, in the simulated rover's own view as well."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from transport.messages import Sight
from ui.path_arc import HORIZON_M, PathArc, path_arc

# Level, 0.1 m above the floor, at the very front of the base; y up and looking along +x.
LEVEL = Sight(
    focal_px=(400.0, 400.0),
    centre_px=(320.0, 240.0),
    position_m=(0.2, 0.0, 0.1),
    rotation_wxyz=(0.5, 0.5, -0.5, -0.5),
    width_px=640,
    body_m=0.3,
    front_m=0.2,
)


def arc(forward: float = 0.4, turn: float = 0.0, blind_m: float = 0.0) -> PathArc:
    found = path_arc(LEVEL, forward, turn, blind_m, followed=True)
    assert found is not None
    return found


def test_a_mark_lies_where_a_pinhole_sees_it() -> None:
    half_metre = next(mark for mark in arc().marks if mark.name == "0.5 m")
    down = 240 + 400 * 0.1 / 0.5
    assert half_metre.left == pytest.approx((320 - 400 * 0.15 / 0.5, down))
    assert half_metre.right == pytest.approx((320 + 400 * 0.15 / 0.5, down))


@given(st.floats(0.05, 0.5), st.floats(0.1, 1.5))
def test_a_turn_to_the_left_bends_to_the_left_and_mirrors_the_one_to_the_right(
    forward: float, turn: float
) -> None:
    left = path_arc(LEVEL, forward, turn, 0.0, followed=True)
    right = path_arc(LEVEL, forward, -turn, 0.0, followed=True)
    assert (left is None) == (right is None)
    if left is None or right is None:
        return
    mirrored = [(640 - x, y) for x, y in right.right]
    assert list(left.left) == [pytest.approx(spot) for spot in mirrored]


def test_standing_turning_in_place_and_backing_have_no_path_ahead() -> None:
    assert path_arc(LEVEL, 0.0, 1.0, 0.0, followed=True) is None
    assert path_arc(LEVEL, -0.3, 0.0, 0.0, followed=True) is None


def test_a_slow_robot_has_a_short_path_and_a_fast_one_no_endless_one() -> None:
    assert [mark.name for mark in arc(0.1).marks] == ["0.25 m"]
    far = path_arc(LEVEL, 50.0, 0.0, 0.0, followed=True)
    assert far is not None
    assert far.left[-1][1] >= 240 + 400 * 0.1 / (HORIZON_M + 0.05)


def test_what_is_passed_blindly_is_counted_from_the_bumper() -> None:
    assert arc(blind_m=0.0).blind <= 1
    assert arc(blind_m=0.4).blind > 5
    assert arc(blind_m=9.0).blind == len(arc().left)


def test_a_camera_that_looks_up_sees_nothing_of_it() -> None:
    up = structs.replace(LEVEL, rotation_wxyz=(0.0, 0.0, 1.0, 0.0))  # looks along +z
    assert path_arc(up, 0.4, 0.0, 0.0, followed=True) is None


def test_whether_the_robot_carries_it_out_goes_with_it() -> None:
    assert replace(arc(), followed=False) == path_arc(LEVEL, 0.4, 0.0, 0.0, followed=False)


def test_the_simulated_rover_is_where_its_path_said() -> None:
    """Its front camera's pose and the projection agree with the simulator's own geometry."""
    from teleop.mujoco_loading import GL_PROBLEM

    if GL_PROBLEM:
        pytest.skip(f"no OpenGL: {GL_PROBLEM}")
    from teleop.sim_rover import SimCameras

    cameras = SimCameras("loose-rug", 0)
    sight = cameras.sight("front")
    assert cameras.sight("ceiling") is None
    assert sight is not None
    found = path_arc(sight, 0.4, 0.0, 0.0, followed=True)
    assert found is not None
    mark = next(mark for mark in found.marks if mark.name == "1 m")
    # By hand: 1 m before the bumper is 0.994 m before the lens, which is 0.0642 m high and looks
    # 9 degrees down.
    tilt = math.atan2(0.1564, 0.9877)
    ahead, down = 1.194 - 0.2, 0.0642 - 0.0002
    depth = ahead * math.cos(tilt) + down * math.sin(tilt)
    below = down * math.cos(tilt) - ahead * math.sin(tilt)
    focal = 240 / math.tan(math.radians(65) / 2)
    assert mark.left[1] == pytest.approx(240 + focal * below / depth, abs=0.5)
    assert mark.left[0] == pytest.approx(320 - focal * 0.168 / depth, abs=0.5)
