"""Why no new picture comes: the link, the robot's cameras, this camera, or the way. Pure.

Whether a camera gives pictures is the robot's to say, five times a second (`CameraStatus`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from teleop.operator_view import LinkView, Reach
from transport.channels import MEDIA_STATE_HZ
from transport.messages import CameraCondition, CameraStatus

UNSURE_MS: Final = 2 * 1000 / MEDIA_STATE_HZ  # a report is missing
SILENT_MS: Final = 5 * 1000 / MEDIA_STATE_HZ  # so many that it is no loss on the way


class Cause(StrEnum):
    """Where pictures end, seen from here."""

    LINK = "link"  # the robot is not heard at all
    CAMERAS = "cameras"  # the robot is heard, its cameras' process is not
    ABSENT = "absent"  # the robot has no camera of this name
    FROZEN = "frozen"  # the camera repeats itself
    MISSING = "missing"  # it fails, or gives nothing
    WAY = "way"  # it works, and no picture gets here
    UNSURE = "unsure"  # the report that would tell is missing


# What the camera itself is to blame for, in words.
OF_CAMERA: Final = {Cause.FROZEN: "camera frozen", Cause.MISSING: "camera gives nothing"}


def cause_of(link: LinkView, camera: str) -> Cause:
    """Why nothing new of `camera` comes, when nothing does."""
    if link.reach is not Reach.CONNECTED:
        return Cause.LINK
    if link.media is None or link.media_silent_ms > SILENT_MS:
        return Cause.CAMERAS
    status = status_of(link, camera)
    if status is None:
        return Cause.ABSENT
    if status.condition is CameraCondition.FROZEN:
        return Cause.FROZEN
    if status.condition is CameraCondition.MISSING:
        return Cause.MISSING
    return Cause.WAY if link.media_silent_ms <= UNSURE_MS else Cause.UNSURE


def is_black(link: LinkView, camera: str) -> bool:
    """Whether the pictures of `camera` come, and are black, as far as is known now."""
    status = status_of(link, camera)
    return _is_heard(link) and status is not None and status.condition is CameraCondition.BLACK


def unrecorded(link: LinkView) -> tuple[CameraStatus, ...]:
    """The cameras whose pictures come, and are not recorded, as far as is known now."""
    if link.media is None or not _is_heard(link):
        return ()
    return tuple(
        each
        for each in link.media.cameras
        if each.condition is CameraCondition.LIVE and each.problem
    )


def _is_heard(link: LinkView) -> bool:
    return link.reach is Reach.CONNECTED and link.media_silent_ms <= SILENT_MS


def status_of(link: LinkView, camera: str) -> CameraStatus | None:
    """What the robot says of one camera, None when it says nothing."""
    cameras = link.media.cameras if link.media is not None else ()
    return next((each for each in cameras if each.name == camera), None)
