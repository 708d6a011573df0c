"""Picking the red cube into the green tray: the moves of a person, pure. See `arm_script`."""

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
from transport.clock import NS_PER_MS

CUBE_TOP_M: Final = 0.04
GRASP_M: Final = 0.019  # the fingertips at half the cube's height
DROP_M: Final = 0.027  # a centimetre above the tray's floor
HELD_N: Final = 2.0  # the fingers push against something
MISSED: Final = 0.9  # closed so far there is nothing between them
OPEN: Final = 0.12  # opened so far they let go of anything
SQUEEZE_NS: Final = 300 * NS_PER_MS  # goes on closing after the first touch, for a firm grip
AWAY_X_M: Final = 0.22  # so far back the hand hides neither tray nor cube
WITHIN_M: Final = 0.045  # from the tray's middle: inside, by eye


class Doing(StrEnum):
    """The moves, in order."""

    LOOK = "look for cube and tray"
    DETOUR = "set out a little aside"
    OVER = "over the cube"
    DOWN = "down to it"
    CLOSE = "close"
    LIFT = "lift"
    CARRY = "over the tray"
    LOWER = "down into it"
    OPEN = "let go"
    RISE = "up"
    AWAY = "out of the picture"
    JUDGE = "look whether it lies there"


NEXT: Final = dict(zip(list(Doing), [*list(Doing)[1:], Doing.JUDGE], strict=True))


@dataclass(frozen=True)
class Picker:
    """A `Work`."""

    camera: CameraSettings
    manner: Manner
    doing: Doing = Doing.LOOK
    since_ns: int = -1  # when the move began; before that: not begun
    moves: int = 0
    touched_ns: int = 0  # when the fingers first pushed; 0: not yet
    cube: Place | None = None
    tray: Place | None = None
    yaw_rad: float = 0.0
    success: bool | None = None

    def step(self, hand: Hand, picture: Image | None, now_ns: int) -> tuple[Picker, Hands]:
        """See `Work`."""
        if self.since_ns < 0:
            return replace(self, since_ns=now_ns), Hands()
        if self.manner.pauses(self.moves, now_ns - self.since_ns):
            return self, Hands()
        match self.doing:
            case Doing.LOOK:
                return self._look(hand, picture, now_ns), Hands()
            case Doing.CLOSE:
                return self._close(hand, now_ns)
            case Doing.OPEN:
                if hand.grip > OPEN:
                    return self, Hands(held=frozenset({"T", "Shift"}))
                return self._next(now_ns), Hands()
            case Doing.JUDGE:
                return self._judge(picture, now_ns), Hands()
        if self.doing in (Doing.LIFT, Doing.CARRY) and hand.grip > MISSED:
            return replace(self._next(now_ns), doing=Doing.LOOK), Hands()  # it slipped: once more
        keys = keys_towards(
            hand.pose,
            self._spot(),
            hasty=self.manner.hasty and self.doing is not Doing.DOWN,
        )
        if self.doing is Doing.OVER and hand.grip > OPEN:
            keys |= {"T"}
        return (self, Hands(held=keys)) if keys else (self._next(now_ns), Hands())

    def _spot(self) -> Spot:
        """Where the present move leads."""
        manner, cube, tray = self.manner, self.cube, self.tray
        assert cube is not None, "looked for first"
        assert tray is not None, "looked for first"
        to_x, to_y = tray.x_m + manner.aside_m[0], tray.y_m + manner.aside_m[1]
        match self.doing:
            case Doing.DETOUR:
                aside_x, aside_y = manner.detour_m
                return Spot(cube.x_m + aside_x, cube.y_m + aside_y, manner.hover_m + 0.03)
            case Doing.OVER:
                return Spot(cube.x_m, cube.y_m, manner.hover_m, self.yaw_rad)
            case Doing.DOWN:
                return Spot(cube.x_m, cube.y_m, GRASP_M, self.yaw_rad)
            case Doing.LIFT:
                return Spot(z_m=manner.lift_m)
            case Doing.CARRY:
                return Spot(to_x, to_y, manner.lift_m)
            case Doing.LOWER:
                return Spot(to_x, to_y, DROP_M)
            case Doing.AWAY:
                return Spot(AWAY_X_M, to_y / 2)
            case _:
                return Spot(z_m=manner.lift_m)

    def _look(self, hand: Hand, picture: Image | None, now_ns: int) -> Picker:
        cube = place_of(picture, self.camera, Colour.RED, CUBE_TOP_M)
        tray = self.tray or place_of(picture, self.camera, Colour.GREEN, 0.0)
        if cube is None or tray is None:
            return self
        quarter = math.pi / 2  # a cube looks the same after one
        turns = round((hand.pose.yaw_rad - cube.turn_rad) / quarter)
        seen = replace(self, cube=cube, tray=tray, yaw_rad=cube.turn_rad + turns * quarter)
        straight = self.manner.detour_m == (0.0, 0.0)
        return replace(seen._next(now_ns), doing=Doing.OVER if straight else Doing.DETOUR)

    def _close(self, hand: Hand, now_ns: int) -> tuple[Picker, Hands]:
        closing = Hands(held=frozenset({"G", "Shift"}))
        if hand.grip > MISSED:
            return replace(self._next(now_ns), doing=Doing.RISE), Hands()
        if not self.touched_ns:
            touched = hand.grip_n >= HELD_N
            return replace(self, touched_ns=now_ns if touched else 0), closing
        if now_ns - self.touched_ns < SQUEEZE_NS:
            return self, closing
        return self._next(now_ns), Hands()

    def _judge(self, picture: Image | None, now_ns: int) -> Picker:
        cube = place_of(picture, self.camera, Colour.RED, CUBE_TOP_M)
        if cube is None or self.tray is None:
            return self
        if cube.distance_m(self.tray) <= WITHIN_M:
            return replace(self, success=True)
        return replace(self._next(now_ns), doing=Doing.LOOK)

    def _next(self, now_ns: int) -> Picker:
        return replace(
            self, doing=NEXT[self.doing], since_ns=now_ns, moves=self.moves + 1, touched_ns=0
        )
