"""Where the robot goes at the present command, as lines in its camera's picture: pure, no Qt.

The base turns about a point on its axle's line (a unicycle): at v m/s forward and w rad/s to the
left its circle has the radius v / w. Both edges of what has to pass are followed over the floor and
projected through the camera's pinhole. A slope or a wrong calibration moves the lines only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from transport.messages import Sight

HORIZON_S: Final = 3.0  # of travel that is drawn
HORIZON_M: Final = 1.5  # at most
STEP_M: Final = 0.04  # between two points of an edge
MARKS_M: Final = (0.25, 0.5, 1.0)  # from the foremost point of the base
SLOWEST_MPS: Final = 0.02  # slower, and backwards, has no path ahead
NEAREST_M: Final = 0.02  # before the lens; what is nearer is not in the picture

Spot = tuple[float, float]  # px of the full picture: to the right, down


@dataclass(frozen=True)
class Mark:
    """A line across the path, and how far away it is."""

    name: str
    left: Spot
    right: Spot


@dataclass(frozen=True)
class PathArc:
    """The edges of the path, nearest point first, each as long as the other."""

    width_px: float  # of the picture that the spots are in
    left: tuple[Spot, ...]
    right: tuple[Spot, ...]
    marks: tuple[Mark, ...]
    blind: int  # so many points from the nearest are passed before a picture of now is answered
    followed: bool  # whether the robot carries this command out


def path_arc(
    sight: Sight, forward_mps: float, turn_radps: float, blind_m: float, followed: bool
) -> PathArc | None:
    """The path of a command; None when nothing of it is in the picture.

    Args:
        blind_m: what the base covers before the operator's answer to a picture of now reaches it.
    """
    if forward_mps < SLOWEST_MPS:
        return None
    length = min(HORIZON_M, HORIZON_S * forward_mps)
    bend = turn_radps / forward_mps  # 1/m, + to the left
    steps = [STEP_M * n for n in range(1 + math.ceil(length / STEP_M))]
    both = [(s, _edge(sight, bend, s, +1), _edge(sight, bend, s, -1)) for s in steps]
    seen = [(s, left, right) for s, left, right in both if left is not None and right is not None]
    if len(seen) < 2:
        return None
    marks = []
    for metres in MARKS_M:
        left, right = _edge(sight, bend, metres, +1), _edge(sight, bend, metres, -1)
        if metres <= length and left is not None and right is not None:
            marks.append(Mark(f"{metres:g} m", left, right))
    return PathArc(
        width_px=float(sight.width_px),
        left=tuple(left for _, left, _ in seen),
        right=tuple(right for _, _, right in seen),
        marks=tuple(marks),
        blind=sum(s <= blind_m for s, _, _ in seen),
        followed=followed,
    )


def _edge(sight: Sight, bend: float, ahead_m: float, side: int) -> Spot | None:
    """The floor below one end of the base's front after `ahead_m` of its path; `side` + left."""
    turned = bend * ahead_m
    if abs(turned) < 1e-6:
        x, y = ahead_m, 0.0
    else:
        x, y = math.sin(turned) / bend, (1.0 - math.cos(turned)) / bend
    front, out = sight.front_m, side * sight.body_m / 2
    return _projected(
        sight,
        x + front * math.cos(turned) - out * math.sin(turned),
        y + front * math.sin(turned) + out * math.cos(turned),
    )


def _projected(sight: Sight, x_m: float, y_m: float) -> Spot | None:
    """A point of the floor in the picture; None behind the lens."""
    w, a, b, c = sight.rotation_wxyz
    dx, dy, dz = x_m - sight.position_m[0], y_m - sight.position_m[1], -sight.position_m[2]
    # Into the camera's frame: the inverse rotation, written out.
    right = (1 - 2 * (b * b + c * c)) * dx + 2 * (a * b + w * c) * dy + 2 * (a * c - w * b) * dz
    up = 2 * (a * b - w * c) * dx + (1 - 2 * (a * a + c * c)) * dy + 2 * (b * c + w * a) * dz
    back = 2 * (a * c + w * b) * dx + 2 * (b * c - w * a) * dy + (1 - 2 * (a * a + b * b)) * dz
    depth = -back
    if depth < NEAREST_M:
        return None
    return (
        sight.centre_px[0] + sight.focal_px[0] * right / depth,
        sight.centre_px[1] - sight.focal_px[1] * up / depth,
    )
