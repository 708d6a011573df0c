"""Pushing the blue puck into the green circle: the moves of a person, pure. See `arm_script`.

The half-open fingers are turned across the way and set down behind the puck, so that it lies
between them and does not roll off to a side. While pushing, the eye stays on the puck: whenever
the hand is no longer straight behind it, it is steered back there, or lifted and set down anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from recorder.provenance import CameraSettings
from teleop.arm_script import Hand, Manner, Place, Spot, keys_towards, place_of
from teleop.rescue_script import Hands
from teleop.robot import Image
from teleop.table_view import Colour

PUCK_TOP_M: Final = 0.03
BEHIND_M: Final = 0.075  # from the puck's middle to the fingertips: 3 cm of air
TOUCH_M: Final = 0.018  # the fingertips at half the puck's height
SPREAD: Final = (0.40, 0.60)  # the gripper while pushing: 4 cm between the fingertips
ASIDE_M: Final = 0.004  # so far off the line the hand is steered back to it
LOST_M: Final = 0.022  # so far off, pushing would turn the puck away
CLOSE_M: Final = 0.021  # from the circle's middle: inside by eye; 25 mm would do
# Lets go so far before the middle, and so much of the way: the puck is carried on while it stops.
SHY_M: Final = (0.016, 1 / 3)
STRAIGHT_M: Final = 0.04  # so near the middle the way is not bent any more
HALF_TURN: Final = 1.1  # rad; further the forearm would be in the way of the eye
AWAY_X_M: Final = 0.25  # so far back the hand hides no puck that is near the circle
HIDDEN: Final = 0.55  # of the puck's area; when less is in sight its middle cannot be told


class Doing(StrEnum):
    """The moves, in order."""

    LOOK = "look for puck and circle"
    BEHIND = "over the place behind the puck"
    SPREAD = "half close the fingers"
    DOWN = "down behind it"
    PUSH = "push"
    BACK = "back off"
    AWAY = "up and out of the picture"
    JUDGE = "look whether it lies there"


NEXT: Final = dict(zip(list(Doing), [*list(Doing)[1:], Doing.JUDGE], strict=True))


@dataclass(frozen=True)
class Pusher:
    """A `Work`."""

    camera: CameraSettings
    manner: Manner
    doing: Doing = Doing.LOOK
    since_ns: int = -1
    moves: int = 0
    puck: Place | None = None
    whole_px: int = 0  # the puck's area when all of it was in sight
    circle: Place | None = None
    shy_m: float = SHY_M[0]
    line: tuple[float, float] = (1.0, 0.0)  # the way as it was when last looked for
    success: bool | None = None

    def step(self, hand: Hand, picture: Image | None, now_ns: int) -> tuple[Pusher, Hands]:
        """See `Work`."""
        if self.since_ns < 0:
            return replace(self, since_ns=now_ns), Hands()
        if self.manner.pauses(self.moves, now_ns - self.since_ns):
            return self, Hands()
        match self.doing:
            case Doing.LOOK:
                return self._look(picture, now_ns), Hands()
            case Doing.SPREAD:
                key = "G" if hand.grip < SPREAD[0] else "T" if hand.grip > SPREAD[1] else ""
                return (self, Hands(held=frozenset({key, "Shift"}))) if key else self._done(now_ns)
            case Doing.PUSH:
                return self._seeing(picture)._push(hand, now_ns)
            case Doing.JUDGE:
                return self._judge(picture, now_ns), Hands()
        keys = keys_towards(
            hand.pose,
            self._spot(hand),
            hasty=self.manner.hasty and self.doing in (Doing.BEHIND, Doing.AWAY),
            precise=self.doing is Doing.BACK,
        )
        return (self, Hands(held=keys)) if keys else self._done(now_ns)

    def _spot(self, hand: Hand) -> Spot:
        """Where the present move leads."""
        along_x, along_y = self._way()
        assert self.puck is not None, "looked for first"
        behind = (self.puck.x_m - BEHIND_M * along_x, self.puck.y_m - BEHIND_M * along_y)
        yaw_rad = max(-HALF_TURN, min(HALF_TURN, math.atan2(along_y, along_x)))
        match self.doing:
            case Doing.BEHIND:
                return Spot(*behind, self.manner.hover_m, yaw_rad)
            case Doing.DOWN:
                return Spot(*behind, TOUCH_M, yaw_rad)
            case Doing.BACK:
                return Spot(x_m=min(hand.pose.x_m, behind[0] + 0.01))
            case _:
                return Spot(x_m=AWAY_X_M, z_m=self.manner.lift_m)

    def _way(self) -> tuple[float, float]:
        """The direction from the puck to the circle's middle; close to it, as it was before."""
        assert self.puck is not None, "looked for first"
        assert self.circle is not None, "looked for first"
        x_m, y_m = self.circle.x_m - self.puck.x_m, self.circle.y_m - self.puck.y_m
        way_m = math.hypot(x_m, y_m)
        bends = way_m > STRAIGHT_M or self.doing is Doing.LOOK
        return (x_m / way_m, y_m / way_m) if way_m and bends else self.line

    def _push(self, hand: Hand, now_ns: int) -> tuple[Pusher, Hands]:
        assert self.puck is not None, "looked for first"
        assert self.circle is not None, "looked for first"
        along_x, along_y = self._way()
        to_x, to_y = self.puck.x_m - hand.pose.x_m, self.puck.y_m - hand.pose.y_m
        aside_m = along_x * to_y - along_y * to_x  # + : the puck lies to the left of the way
        left_m = along_x * (self.circle.x_m - self.puck.x_m) + along_y * (
            self.circle.y_m - self.puck.y_m
        )
        if left_m <= self.shy_m or abs(aside_m) > LOST_M or along_x * to_x + along_y * to_y < 0:
            return self._done(now_ns)
        # Along the way, and back onto the line behind the puck where the hand has left it.
        gain = 0.0 if abs(aside_m) < ASIDE_M else math.copysign(0.8, aside_m)
        want_x, want_y = along_x - gain * along_y, along_y + gain * along_x
        keys = set()
        # Eight directions are all that keys have; the nearest one.
        octant = round(math.atan2(want_y, want_x) / (math.pi / 4)) % 8
        if octant in (7, 0, 1):
            keys.add("W")
        if octant in (1, 2, 3):
            keys.add("A")
        if octant in (3, 4, 5):
            keys.add("S")
        if octant in (5, 6, 7):
            keys.add("D")
        if left_m < STRAIGHT_M or not self.manner.hasty:
            keys.add("Ctrl")
        return self, Hands(held=frozenset(keys))

    def _look(self, picture: Image | None, now_ns: int) -> Pusher:
        puck = place_of(picture, self.camera, Colour.BLUE, PUCK_TOP_M)
        circle = self.circle or place_of(picture, self.camera, Colour.GREEN, 0.0)
        if puck is None or circle is None:
            return self
        whole_px = max(self.whole_px, puck.area_px)
        seen = replace(self, puck=puck, circle=circle, whole_px=whole_px)
        shy_m = min(SHY_M[0], SHY_M[1] * puck.distance_m(circle))
        return replace(seen, line=seen._way(), shy_m=shy_m)._next(now_ns)

    def _seeing(self, picture: Image | None) -> Pusher:
        """With the puck where it is seen now; where it was, while most of it is hidden."""
        puck = place_of(picture, self.camera, Colour.BLUE, PUCK_TOP_M)
        if puck is None or puck.area_px < HIDDEN * self.whole_px:
            return self
        return replace(self, puck=puck)

    def _judge(self, picture: Image | None, now_ns: int) -> Pusher:
        puck = place_of(picture, self.camera, Colour.BLUE, PUCK_TOP_M)
        if puck is None or self.circle is None:
            return self
        if puck.distance_m(self.circle) <= CLOSE_M:
            return replace(self, puck=puck, success=True)
        return replace(self._next(now_ns), doing=Doing.LOOK)

    def _done(self, now_ns: int) -> tuple[Pusher, Hands]:
        return self._next(now_ns), Hands()

    def _next(self, now_ns: int) -> Pusher:
        return replace(self, doing=NEXT[self.doing], since_ns=now_ns, moves=self.moves + 1)
