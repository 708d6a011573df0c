"""What you implement to bring a robot to Unstick, and the values that cross that line.

A `Robot` has no threads, no network and no clock: the control process ticks it. One thread calls
all of it; `hold` alone is also called by the actuator watchdog (`teleop.actuator_watchdog`) from a
thread of its own. A robot whose complete state can be saved and restored (`Restorable`) can have
its episodes proved by replay.
`tests/conformance.py` holds what every robot is tested for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from recorder.provenance import CameraSettings
from teleop.safety import Pose
from transport.i420 import I420
from transport.messages import Description, Sight, Twist

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB; grey and RGBA are taken, too


class RobotError(Exception):
    """The robot, its scene or its driver cannot do what was asked; the message says what to try."""


class Observation(Protocol):
    """What the control process has to know of a robot's own sensors, whatever kind it is.

    What the robot has beyond that is in `values`, for the record.
    """

    def values(self) -> tuple[float, ...]:
        """Every measurement, in the order of `Description.observation_names`."""

    @property
    def pose(self) -> Pose:
        """Where the driven body is, world frame, and which way its + forward leads."""

    @property
    def heading_rad(self) -> float:
        """Which way the driven body looks, counter-clockwise from +x, within -pi .. pi."""

    @property
    def speed_mps(self) -> float:
        """Of the driven body; a base's + forward, a hand's magnitude."""

    @property
    def turn_radps(self) -> float:
        """Around the vertical, + left."""

    @property
    def tilt_rad(self) -> float:
        """The angle between the base's up and the world's."""

    @property
    def motor_a(self) -> float:
        """Current of the drive motors, sum of magnitudes; 0 where it is not measured."""

    @property
    def battery_pct(self) -> float:
        """100 on mains."""

    @property
    def bumper(self) -> bool:
        """Whether something touches that should not be touched."""


@dataclass(frozen=True)
class RoverObservation:
    """What a rover's own sensors say, world frame where a pose is meant."""

    x_m: float
    y_m: float
    heading_rad: float  # counter-clockwise from +x
    speed_mps: float  # of the body, + forward
    turn_radps: float  # of the body, + left
    left_wheel_mps: float  # rim speed, + forward
    right_wheel_mps: float
    tilt_rad: float
    motor_a: float  # sum of magnitudes of both drive motors
    battery_pct: float
    bumper: bool

    NAMES: ClassVar = (
        "x_m",
        "y_m",
        "heading_rad",
        "speed_mps",
        "turn_radps",
        "left_wheel_mps",
        "right_wheel_mps",
        "tilt_rad",
        "motor_a",
        "battery_pct",
        "bumper",
    )

    @property
    def pose(self) -> Pose:
        """Where the base is; it drives the way it looks."""
        return Pose(self.x_m, self.y_m, self.heading_rad)

    def values(self) -> tuple[float, ...]:
        """All fields in the order of `NAMES`."""
        return tuple(float(getattr(self, name)) for name in self.NAMES)


@dataclass(frozen=True)
class ArmObservation:
    """What an arm's own sensors say. The hand's pose is in the frame of the arm's base.

    + forward, + left and + up of a `Twist` are that frame's x, y and z, whichever way the hand is
    turned: whoever looks at the table sees the hand go where the key says.
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float  # of the hand around the vertical, counter-clockwise, within -pi .. pi
    grip: float  # 0 open .. 1 closed
    grip_n: float  # force of the fingers on what is between them
    speed_mps: float  # of the hand, magnitude
    turn_radps: float  # of the hand around the vertical, + left
    joints_rad: tuple[float, ...]  # from the base to the hand

    # An arm bolted to a table has none of these; control asks every robot.
    tilt_rad: ClassVar[float] = 0.0
    motor_a: ClassVar[float] = 0.0
    battery_pct: ClassVar[float] = 100.0
    bumper: ClassVar[bool] = False

    UNITS: ClassVar = {
        "x_m": "m, base",
        "y_m": "m, base",
        "z_m": "m, base",
        "yaw_rad": "rad, base, counter-clockwise around the vertical",
        "grip": "fraction of the stroke, 0 open, 1 closed",
        "grip_n": "N, of the fingers on what is between them",
        "speed_mps": "m/s, hand, magnitude",
        "turn_radps": "rad/s, hand, + left",
    }

    @classmethod
    def names(cls, joints: int) -> tuple[str, ...]:
        """The order of `values` of an arm with so many joints."""
        return (*cls.UNITS, *(f"j{number}_rad" for number in range(1, joints + 1)))

    @classmethod
    def units(cls, joints: int) -> dict[str, str]:
        """The unit of each of `names`."""
        return {name: cls.UNITS.get(name, "rad, joint") for name in cls.names(joints)}

    @property
    def pose(self) -> Pose:
        """Where the hand is; + forward is the base's x, so that the heading is zero."""
        return Pose(self.x_m, self.y_m, 0.0, self.z_m)

    @property
    def heading_rad(self) -> float:
        """The hand's yaw."""
        return self.yaw_rad

    def values(self) -> tuple[float, ...]:
        """All measurements in the order of `names`."""
        return (*(float(getattr(self, name)) for name in self.UNITS), *self.joints_rad)


@runtime_checkable
class Gripping(Protocol):
    """An observation of a hand: what the operator is shown instead of a place on the floor."""

    @property
    def grip(self) -> float:
        """0 open .. 1 closed."""

    @property
    def grip_n(self) -> float:
        """Force of the fingers."""


class Robot(Protocol):
    """A robot as the control process drives it: one `apply` for each control tick.

    It is told the axes that it names in `Description.action_names`; the others are always zero.

    No `apply` for 250 ms means that the motors stand: the process wraps every robot in a
    `WatchedRobot` for that. It ends with the process, so a motor that would go on turning when
    nobody speaks to it any more needs a watchdog in its own firmware as well.
    """

    def describe(self, boot_id: str) -> Description:
        """What this robot is; usable before anything moves."""

    def observe(self) -> Observation:
        """The newest measurements; never blocks."""

    def apply(self, action: Twist) -> Twist:
        """Carry out one control tick; return what the motors were really told. Must not block."""

    def hold(self) -> None:
        """Zero the set-points now. Always safe, never raises, does not wait.

        From any thread at any time, also while `apply` runs or hangs in another: it must not wait
        for that `apply` (no lock in common that `apply` keeps while it speaks to the motors), and
        what that `apply` still tells the motors afterwards is held again once it returns.
        """

    def snapshot(self) -> bytes:
        """The complete state before the next `apply`, or b"" when the robot cannot give one."""

    def close(self) -> None:
        """Stop and let go; idempotent."""


@runtime_checkable
class Restorable(Protocol):
    """What a replay needs besides `apply`: to go back, and to say whether the task is solved.

    The robot's time passes in `apply` only. A `hold` between two of them, or during one, is no
    part of the state: it changes neither `snapshot` nor `observe` nor where the ticks lead.
    """

    def restore(self, state: bytes) -> None:
        """Return to `state`, so that `snapshot()` gives the same bytes again."""

    def solved(self) -> bool:
        """Whether the task's goal holds in the present state."""


@runtime_checkable
class Resettable(Protocol):
    """A simulated robot whose scene can be put back, so that its task can be done once more.

    A real robot has no such thing: there a person puts the scene back.
    """

    def reset(self, count: int) -> None:
        """Begin anew at a start drawn from the robot's seed and `count`, 1 for the first reset.

        The set-point is zero afterwards. Called between two ticks, while nobody has the robot.
        """


@runtime_checkable
class Watched(Protocol):
    """A robot whose watchdog says when it had to hold the motors by itself."""

    @property
    def trips(self) -> int:
        """How often no `apply` came in time; it only grows."""


@dataclass(frozen=True, eq=False)
class Capture:
    """A picture whose camera says itself when it was taken."""

    picture: Image | I420  # a camera that gives YUV saves the robot a conversion
    captured_ns: int  # this machine's monotonic clock (`transport.clock.now_ns`)


class CameraRig(Protocol):
    """The cameras of one robot; one thread calls all of it, it owns the graphics context.

    A camera that fails or falls silent is noticed, told to the operator and asked again; the others
    go on. So `render` may raise whenever it likes, but must not block for longer than a frame: a
    driver that waits for its device belongs on a thread of the rig's own.
    """

    names: tuple[str, ...]
    width: int  # of the pictures that are recorded, even; others are shown, but not recorded
    height: int
    # Whether no two pictures are alike, byte for byte, as with every real sensor: then a picture
    # that is repeated means a camera that hangs. A simulated one may draw the same scene twice.
    noisy: bool

    def open(self) -> None:
        """Take the devices, or the graphics, for the calling thread; also again after `close`.

        Raises:
            RobotError: they cannot be had; the message says what to install.
        """

    def render(self, camera: str, state: bytes) -> Image | I420 | Capture | None:
        """The newest picture of `camera`, 30 times a second; the rig does not write to it again.

        A simulated rig draws `state`, and the picture is as old as that. A real one ignores it and
        returns a `Capture`, or None as long as there is nothing new.

        Raises:
            RobotError: the camera is unplugged or broken; the message is shown to the operator.
        """

    def close(self) -> None:
        """Release the devices; idempotent."""


@runtime_checkable
class Calibrated(Protocol):
    """A rig that knows how its cameras are mounted and how they see."""

    def settings(self, camera: str) -> CameraSettings:
        """Of one camera, for the record."""


@runtime_checkable
class Mounted(Protocol):
    """A rig on a base that drives, which knows where the floor is in its pictures."""

    def sight(self, camera: str) -> Sight | None:
        """Of one camera; None for one that is not on the base."""


def camera_sight(rig: CameraRig, camera: str) -> Sight | None:
    """How a camera of the rig sees the floor; None when that is not known."""
    return rig.sight(camera) if isinstance(rig, Mounted) else None


def camera_settings(rig: CameraRig, camera: str) -> CameraSettings:
    """What the rig knows of one of its cameras; all unknown when it cannot say."""
    return rig.settings(camera) if isinstance(rig, Calibrated) else CameraSettings()
