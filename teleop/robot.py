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
from transport.i420 import I420
from transport.messages import Description, Twist

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB; grey and RGBA are taken, too


class RobotError(Exception):
    """The robot, its scene or its driver cannot do what was asked; the message says what to try."""


@dataclass(frozen=True)
class Observation:
    """What the robot's own sensors say, world frame where a pose is meant."""

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

    def values(self) -> tuple[float, ...]:
        """All fields in the order of `NAMES`."""
        return tuple(float(getattr(self, name)) for name in self.NAMES)


class Robot(Protocol):
    """A mobile robot as the control process drives it: one `apply` for each control tick.

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


def camera_settings(rig: CameraRig, camera: str) -> CameraSettings:
    """What the rig knows of one of its cameras; all unknown when it cannot say."""
    return rig.settings(camera) if isinstance(rig, Calibrated) else CameraSettings()
