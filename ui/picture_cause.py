"""Why no new picture comes: the link, the robot's cameras, this camera, or the way. Pure.

The robot says five times a second how many pictures each camera has taken. A count that stands
while those reports arrive is a frozen camera; one that runs while no picture comes is the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from teleop.operator_view import LinkView, Reach
from transport.channels import MEDIA_STATE_HZ
from transport.clock import NS_PER_MS

# Three reports without a new picture: one of 30 per second is due six times between two.
FROZEN_MS: Final = 3 * 1000 / MEDIA_STATE_HZ
UNSURE_MS: Final = 2 * 1000 / MEDIA_STATE_HZ  # a report is missing
SILENT_MS: Final = 5 * 1000 / MEDIA_STATE_HZ  # so many that it is no loss on the way


class Cause(StrEnum):
    """Where pictures end, seen from here."""

    LINK = "link"  # the robot is not heard at all
    CAMERAS = "cameras"  # the robot is heard, its cameras' process is not
    ABSENT = "absent"  # the robot has no camera of this name
    CAMERA = "camera"  # it takes no new picture
    WAY = "way"  # it does, and none gets here
    UNSURE = "unsure"  # the report that would tell is missing


@dataclass(frozen=True)
class Standing:
    """How many pictures a camera had taken, and when the robot said so for the first time."""

    captured: int
    since_ns: int  # the robot's clock


def standings(before: Mapping[str, Standing], link: LinkView) -> Mapping[str, Standing]:
    """What is remembered of the cameras, with the newest report taken in."""
    media = link.media
    if media is None:
        return before
    seen: dict[str, Standing] = {}
    for camera in media.cameras:
        last = before.get(camera.name)
        unchanged = last is not None and last.captured == camera.captured
        seen[camera.name] = (
            last if last and unchanged else Standing(camera.captured, media.stamp_ns)
        )
    return seen


def cause_of(link: LinkView, camera: str, standing: Mapping[str, Standing]) -> Cause:
    """Why nothing new of `camera` comes, when nothing does."""
    media = link.media
    if link.reach is not Reach.CONNECTED:
        return Cause.LINK
    if media is None or link.media_silent_ms > SILENT_MS:
        return Cause.CAMERAS
    if camera not in {each.name for each in media.cameras}:
        return Cause.ABSENT
    known = standing.get(camera)
    if known is not None and (media.stamp_ns - known.since_ns) / NS_PER_MS >= FROZEN_MS:
        return Cause.CAMERA
    return Cause.WAY if link.media_silent_ms <= UNSURE_MS else Cause.UNSURE
