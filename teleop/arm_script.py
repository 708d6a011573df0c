"""A scripted operator at the arm: what a person does with keys and two eyes, as a pure function.

It knows what a person at the console knows: where the robot says that its hand is, how far the
gripper is closed and how hard it pushes, and the painted picture of the top camera. It answers
with the keys of the built-in profile for arms; it has no other way to the robot. `Picker` and
`Pusher` do the work, this holds what they share: taking the robot and giving it back, steering by
keys, and the slack that people have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

import numpy as np

from recorder.provenance import CameraSettings
from teleop.arm_kinematics import HandPose
from teleop.rescue_script import READ_NS, SETTLE_NS, Hands, Seen
from teleop.robot import Image
from teleop.table_view import Colour, find_colour, on_table
from transport.clock import NS_PER_S
from transport.messages import Mode, RobotState

FAR_M: Final = 0.10  # further away than this a hasty person holds Shift
NEAR_M: Final = 0.030  # nearer than this everybody holds Ctrl: 0.075 m/s stops within 4 mm
FAR_RAD: Final = 0.15  # nearer than this a turn is done with Ctrl
THERE_M: Final = 0.005  # the gripper is 8 cm wide and the cube 4: a person would let go here
THERE_RAD: Final = 0.04
GIVE_UP_NS: Final = 45 * NS_PER_S  # of work; then it is marked a failure


@dataclass(frozen=True)
class Manner:
    """How somebody works; drawn once, so that no two demonstrations are alike."""

    hasty: bool  # holds Shift on long ways
    pause_s: tuple[float, ...]  # before each move, in turn
    hover_m: float  # the height at which things are approached
    detour_m: tuple[float, float]  # aside from the straight way, x and y; zero: none
    aside_m: tuple[float, float]  # from the middle of where something is put down
    lift_m: float  # the height at which things are carried

    def pauses(self, move: int, passed_ns: int) -> bool:
        """Whether somebody still waits before this move, so long after the one before ended."""
        return passed_ns < self.pause_s[move % len(self.pause_s)] * NS_PER_S


def manner(seed: int) -> Manner:
    """The manner of the person with this number."""
    rng = np.random.default_rng([seed, 3])

    def within(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    detour = (within(-0.03, 0.03), within(-0.04, 0.04)) if rng.random() < 0.5 else (0.0, 0.0)
    return Manner(
        hasty=bool(rng.random() < 0.6),
        pause_s=tuple(float(pause) for pause in rng.gamma(1.5, 0.12, 12)),
        hover_m=within(0.08, 0.12),
        detour_m=detour,
        aside_m=(within(-0.02, 0.02), within(-0.02, 0.02)),
        lift_m=within(0.09, 0.13),
    )


@dataclass(frozen=True)
class Hand:
    """What the robot says of its hand."""

    pose: HandPose
    grip: float  # 0 open .. 1 closed
    grip_n: float


def hand_in(state: RobotState | None) -> Hand | None:
    """What it says there; None when there is no state, or it is not an arm's."""
    if state is None or state.hand is None:
        return None
    pose = HandPose(state.x_m, state.y_m, state.hand.z_m, state.heading_rad)
    return Hand(pose, state.hand.grip, state.hand.grip_n)


class Work(Protocol):
    """Doing one task, from the first look to the last."""

    def step(self, hand: Hand, picture: Image | None, now_ns: int) -> tuple[Work, Hands]:
        """The worker after a look, and what the hands do until the next one."""

    @property
    def success(self) -> bool | None:
        """Whether it is done, judged by eye; None: not finished."""


class Stage(StrEnum):
    """Where the operator is with the session."""

    ACCEPT = "take the robot"
    SETTLE = "hands off"
    WORK = "do the task"
    LABEL = "mark the outcome"
    HAND_BACK = "hand back"
    LEAVE = "see that it is handed back"
    DONE = "done"


@dataclass(frozen=True)
class ArmOperator:
    """The scripted operator's memory."""

    work: Work
    stage: Stage = Stage.ACCEPT
    since_ns: int = 0  # when the stage began
    success: bool = False

    @property
    def waiting(self) -> bool:
        """Whether it has not taken over yet."""
        return self.stage is Stage.ACCEPT

    @property
    def driving_since_ns(self) -> int | None:
        """Since when it drives; None while it does not."""
        return self.since_ns if self.stage is Stage.WORK else None

    @property
    def done(self) -> bool:
        """Whether it has handed back."""
        return self.stage is Stage.DONE

    def act(self, seen: Seen, now_ns: int) -> tuple[ArmOperator, Hands]:
        """The operator after a look at `seen`, and what the hands do until the next look."""
        hand, read = hand_in(seen.state), now_ns - self.since_ns >= READ_NS
        if seen.state is None or hand is None:
            return self, Hands()
        match self.stage:
            case Stage.ACCEPT if seen.yours:
                return self._now(Stage.SETTLE, now_ns), Hands()
            case Stage.ACCEPT if read and seen.picture is not None:
                return replace(self, since_ns=now_ns), Hands(tap="F2")
            case Stage.SETTLE if not seen.tested:
                return replace(self, since_ns=now_ns), Hands()
            case Stage.SETTLE if seen.state.mode is Mode.READY and self._waited(now_ns):
                return self._now(Stage.WORK, now_ns), Hands()
            case Stage.WORK:
                return self._working(hand, seen.picture, now_ns)
            case Stage.LABEL if read:
                tap = "Y" if self.success else "Backspace"
                return self._now(Stage.HAND_BACK, now_ns), Hands(tap=tap)
            case Stage.HAND_BACK if read:
                return self._now(Stage.LEAVE, now_ns), Hands(tap="Return")
            case Stage.LEAVE if read and not seen.yours:
                return self._now(Stage.DONE, now_ns), Hands()
            case Stage.LEAVE if read:
                return self._now(Stage.HAND_BACK, now_ns), Hands()
        return self, Hands()

    def _working(self, hand: Hand, picture: Image | None, now_ns: int) -> tuple[ArmOperator, Hands]:
        work, hands = self.work.step(hand, picture, now_ns)
        success = work.success
        if success is None and now_ns - self.since_ns > GIVE_UP_NS:
            success = False
        if success is None:
            return replace(self, work=work), hands
        return replace(self._now(Stage.LABEL, now_ns), work=work, success=success), Hands()

    def _waited(self, now_ns: int) -> bool:
        return now_ns - self.since_ns >= SETTLE_NS

    def _now(self, stage: Stage, now_ns: int) -> ArmOperator:
        return replace(self, stage=stage, since_ns=now_ns)


@dataclass(frozen=True)
class Spot:
    """Where the hand should go; None: leave that as it is."""

    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    yaw_rad: float | None = None


def keys_towards(
    pose: HandPose, spot: Spot, *, hasty: bool, precise: bool = False
) -> frozenset[str]:
    """The keys that a person holds to get there; none: it is there."""
    linear = (
        (spot.x_m, pose.x_m, "W", "S"),
        (spot.y_m, pose.y_m, "A", "D"),
        (spot.z_m, pose.z_m, "R", "F"),
    )
    keys, furthest_m, off_rad = set(), 0.0, 0.0
    for wanted, now, more, less in linear:
        off_m = 0.0 if wanted is None else wanted - now
        if abs(off_m) > THERE_M:
            keys.add(more if off_m > 0 else less)
            furthest_m = max(furthest_m, abs(off_m))
    if spot.yaw_rad is not None:
        off_rad = spot.yaw_rad - pose.yaw_rad
        if abs(off_rad) > THERE_RAD:
            keys.add("Q" if off_rad > 0 else "E")
    if not keys:
        return frozenset()
    if precise or (furthest_m < NEAR_M and abs(off_rad) < FAR_RAD):
        keys.add("Ctrl")
    elif hasty and furthest_m > FAR_M:
        keys.add("Shift")
    return frozenset(keys)


@dataclass(frozen=True)
class Place:
    """Where something lies on the table."""

    x_m: float
    y_m: float
    turn_rad: float
    area_px: int

    def distance_m(self, other: Place) -> float:
        """Between the middles of two things."""
        return math.hypot(self.x_m - other.x_m, self.y_m - other.y_m)


def place_of(
    picture: Image | None, camera: CameraSettings, colour: Colour, z_m: float
) -> Place | None:
    """Where the thing of this colour lies, whose top is `z_m` above the table.

    The picture may be smaller than the camera's own, as one that is shown small is.
    """
    blob = None if picture is None else find_colour(picture, colour)
    if picture is None or blob is None or camera.centre_px is None:
        return None
    scale = 2 * camera.centre_px[0] / picture.shape[1]
    x_m, y_m = on_table(camera, blob.u_px * scale, blob.v_px * scale, z_m)
    return Place(x_m, y_m, blob.turn_rad, blob.area_px)
