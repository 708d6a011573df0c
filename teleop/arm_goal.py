"""When the arm's tasks are solved, for many states at once. Pure; positions and velocities decide.

`positions` are (n, 14): five joints in rad, two fingers in m, then x, y, z in m and a quaternion of
the object; `velocities` are (n, 13): the same without the quaternion's fourth number, m/s, rad/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from teleop.arm_kinematics import fingertips

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Sizes of the scene; a test holds them together with arm.xml.
CUBE_HALF_M: Final = 0.02
TRAY_HALF_M: Final = 0.069  # inside its walls
PUCK_M: Final = (0.035, 0.015)  # radius, half height
TARGET_M: Final = 0.06  # its radius

AT_REST: Final = (0.01, 0.1)  # m/s and rad/s: slower than anything a hand that touches it does
FLAT_M: Final = (
    0.004  # how far above its resting height it may lie: no edge, no wall, no pads below
)
AWAY_M: Final = 0.06  # from the middle of a cube to the fingertips: none can touch it


@dataclass(frozen=True)
class Goal:
    """Where tray or target are: centre, and how they are turned."""

    x_m: float
    y_m: float
    turn_rad: float


@dataclass(frozen=True)
class Goodness:
    """A task's predicate, for people."""

    name: str
    sentence: str


SUCCESS: Final = {
    "pick-place": Goodness(
        "cube-in-tray",
        f"The cube rests flat inside the tray, and the fingertips are {AWAY_M * 100:.0f} cm or "
        "more from it",
    ),
    "push": Goodness(
        "puck-in-circle",
        f"The whole puck rests flat inside the circle of {TARGET_M * 200:.0f} cm",
    ),
}


def solved_at(task: str, goal: Goal, positions: Numbers, velocities: Numbers) -> Flags:
    """Whether the goal of `task` holds in each state."""
    place, turning = positions[:, 7:10], velocities[:, 10:13]
    resting = (np.linalg.norm(velocities[:, 7:10], axis=1) < AT_REST[0]) & (
        np.linalg.norm(turning, axis=1) < AT_REST[1]
    )
    if task == "push":
        off_m = np.hypot(place[:, 0] - goal.x_m, place[:, 1] - goal.y_m)
        return np.asarray(resting & _flat(place, PUCK_M[1]) & (off_m <= TARGET_M - PUCK_M[0]))
    cos, sin = np.cos(goal.turn_rad), np.sin(goal.turn_rad)
    x, y = place[:, 0] - goal.x_m, place[:, 1] - goal.y_m
    room_m = TRAY_HALF_M - CUBE_HALF_M
    inside = (np.abs(cos * x + sin * y) <= room_m) & (np.abs(cos * y - sin * x) <= room_m)
    away_m = np.linalg.norm(fingertips(positions[:, :5]) - place, axis=1)
    return np.asarray(resting & _flat(place, CUBE_HALF_M) & inside & (away_m >= AWAY_M))


def _flat(place: Numbers, half_m: float) -> Flags:
    """Whether its middle is as high as it lies flat on the table."""
    return np.asarray(np.abs(place[:, 2] - half_m) <= FLAT_M)
