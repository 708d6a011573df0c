"""Where an episode came from: the program, the cameras, the start, whose data it is.

Pure: closed schemas of the manifest, besides those of `recorder.episode`. What is not known is
empty or None, never guessed.
"""

from __future__ import annotations

from msgspec import field

from transport.messages import Wire


class Code(Wire, frozen=True):
    """The program that recorded."""

    version: str  # of unstick
    commit: str  # of the working copy it ran from; empty: it was installed as a package
    dirty: bool  # the working copy was not what that commit holds
    source_sha256: str  # over all of its modules and bundled data
    lock_sha256: str  # of the working copy's requirements.lock; empty: none was there


class CameraSettings(Wire, frozen=True):
    """How a camera sees, as far as its driver or its calibration knows."""

    serial: str = ""
    frame: str = ""  # the body it is mounted on; its pose is relative to that
    position_m: tuple[float, float, float] | None = None
    # Unit quaternion, w first; the camera looks along its own -z with y up (as MuJoCo has it).
    rotation_wxyz: tuple[float, float, float, float] | None = None
    focal_px: tuple[float, float] | None = None  # fx, fy of a pinhole
    centre_px: tuple[float, float] | None = None  # cx, cy; (0, 0) is the corner of the first pixel
    # Exposure, gain, white balance, as the driver names them.
    driver: dict[str, str] = field(default_factory=dict)


class Start(Wire, frozen=True):
    """Where a replay starts; the state itself is in the log, at this tick."""

    tick: int
    state_sha256: str  # empty: the robot gives no state
    state_bytes: int
    policy: str  # what the policy remembers, its random numbers included; empty: not told


class Driver(Wire, frozen=True):
    """Somebody who had the robot for a stretch of the episode, its pre-roll included."""

    name: str  # on the robot's list; a pseudonym, if the site chose one
    consent: str  # under which he was recorded, as that list says; empty: none is noted
    first_tick: int
    last_tick: int


class Custody(Wire, frozen=True):
    """What may be done with the data, as the site says."""

    retention: str = ""  # class of how long it is kept, in the site's own words
    licence: str = ""
