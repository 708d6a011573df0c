"""What can be read off a camera's picture of the table: where a colour is, and where that lies.

Pure. This is how a scripted operator finds things: like a person it has the picture and knows how
the camera is mounted, and nothing else of the scene.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from recorder.provenance import CameraSettings
from teleop.robot import Image

PURE: Final = 1.8  # how far a channel stands above both others; wood has 1.6, our objects 2.2 to 6
BRIGHT: Final = 50  # of 255; darker, a colour is noise
TOP: Final = 0.75  # of the brightest part: the top of a thing, not its sides


class Colour(IntEnum):
    """A channel of a picture that a thing is painted in."""

    RED = 0
    GREEN = 1
    BLUE = 2


@dataclass(frozen=True)
class Blob:
    """Where a colour is in a picture."""

    u_px: float  # from the left edge; 0 is the left edge of the first pixel
    v_px: float  # from the top
    area_px: int
    turn_rad: float  # of a square, counter-clockwise, within +-pi/4; of other shapes meaningless


def find_colour(picture: Image, colour: Colour, least_px: int = 40) -> Blob | None:
    """The place of a pure `colour`, or None when there is less of it than `least_px` pixels."""
    channel = picture[..., colour]
    others = np.maximum(picture[..., colour - 1], picture[..., colour - 2])
    found = (channel > BRIGHT) & (channel > PURE * others)
    if np.count_nonzero(found) < least_px:
        return None
    found &= channel > TOP * float(np.percentile(channel[found], 90))
    v, u = np.nonzero(found)
    u_px, v_px = float(u.mean()) + 0.5, float(v.mean()) + 0.5
    # The fourth moment of a square points along its diagonals, four times around.
    corners = complex((((u + 0.5 - u_px) - 1j * (v + 0.5 - v_px)) ** 4).mean())
    return Blob(u_px, v_px, len(u), cmath.phase(-corners) / 4)


def on_table(camera: CameraSettings, u_px: float, v_px: float, z_m: float) -> tuple[float, float]:
    """x and y of what is seen at a pixel, when it is known to be `z_m` above the table.

    Raises:
        ValueError: the camera is not calibrated, or does not look down there.
    """
    if (
        camera.position_m is None
        or camera.rotation_wxyz is None
        or camera.focal_px is None
        or camera.centre_px is None
    ):
        raise ValueError("This camera does not say where it is and how it sees.")
    right = (u_px - camera.centre_px[0]) / camera.focal_px[0]
    up = (camera.centre_px[1] - v_px) / camera.focal_px[1]
    x, y, z = _turned(camera.rotation_wxyz, (right, up, -1.0))
    way = (z_m - camera.position_m[2]) / z if z else math.nan
    if not way > 0:
        raise ValueError(f"The camera does not see {z_m} m above the table at {u_px}, {v_px}.")
    return camera.position_m[0] + way * x, camera.position_m[1] + way * y


def _turned(
    quat: tuple[float, float, float, float], v: tuple[float, float, float]
) -> tuple[float, float, float]:
    """`v` turned by a unit quaternion, w first."""
    w, *axis = quat
    across = 2 * np.cross(axis, v)
    x, y, z = (float(part) for part in np.asarray(v) + w * across + np.cross(axis, across))
    return x, y, z
