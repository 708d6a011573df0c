"""The axes of a robot: those of a `Twist` that it has, and what is reckoned with them.

Pure. A base has forward and turn, a hand all five. The three linear axes are one velocity, bounded
and ramped along its direction; turn and grip stand for themselves. What a robot lacks is zero.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from transport.messages import RobotKind, Twist

ALL: Final = Twist.__struct_fields__
PLANAR: Final = ("forward_mps", "turn_radps")
LINEAR: Final = ("forward_mps", "left_mps", "up_mps")
GRIP: Final = "grip_ps"

Vector = tuple[float, float, float]  # forward, left, up: m/s, or a direction
NOWHERE: Final[Vector] = (0.0, 0.0, 0.0)


def kind_of(axes: Collection[str]) -> RobotKind:
    """What is driven: whatever grips is an arm to whoever drives it."""
    return RobotKind.ARM if GRIP in axes else RobotKind.ROVER


def only(twist: Twist, axes: Collection[str]) -> Twist:
    """`twist` on these axes; the others stand."""
    lacking = {name: 0.0 for name in ALL if name not in axes and getattr(twist, name) != 0.0}
    return replace(twist, **lacking) if lacking else twist


def is_finite(twist: Twist) -> bool:
    """Whether every axis is a number."""
    return all(math.isfinite(getattr(twist, name)) for name in ALL)


def linear(twist: Twist) -> Vector:
    """The velocity of the body."""
    return twist.forward_mps, twist.left_mps, twist.up_mps


def with_linear(twist: Twist, velocity: Vector) -> Twist:
    """`twist` with another velocity of the body."""
    forward, left, up = velocity
    return replace(twist, forward_mps=forward, left_mps=left, up_mps=up)


def size(vector: Vector) -> float:
    """Its length."""
    return math.hypot(*vector)


def speed_mps(twist: Twist) -> float:
    """How fast the body goes, whichever way."""
    return size(linear(twist))


def of_size(vector: Vector, length: float) -> Vector:
    """The same direction, so long; `vector` has one."""
    now = size(vector)
    forward, left, up = vector
    return forward / now * length, left / now * length, up / now * length


def exceeds(told: Twist, asked: Twist, full: Twist, tolerance: float) -> bool:
    """Whether an axis was told more than was asked of it, by `tolerance` of its full speed."""
    return any(
        abs(getattr(told, name)) > abs(getattr(asked, name)) + tolerance * getattr(full, name)
        for name in ALL
    )
