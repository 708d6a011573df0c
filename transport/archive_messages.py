"""What a console may fetch from a robot that it does not drive: looks, a rewind, pages of its log.

Closed schemas, like those in `transport.messages`. Every answer fits `channels.ARCHIVE`; what is
larger comes in parts, one for each request, so that whoever asks sets the pace.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Final

from msgspec import Meta

from transport.messages import Count, Name, Stamp, Text, Wire

ASK_BYTES: Final = 1024  # of a request, at most
# Of one key; what comes faster is not answered.
ASKS_PER_S: Final = 40.0
ASKS_AT_ONCE: Final = 80

THUMBNAIL_WIDTHS: Final = (160, 320)  # pixels that are made; what is asked for is rounded up
THUMBNAIL_LEAST: Final = 16
THUMBNAIL_BYTES: Final = 30 * 1024
PART_BYTES: Final = 64 * 1024  # half a second of a line of 1 Mbit/s: others get through in between
MOST_PARTS: Final = 512  # of one camera's rewind, 32 MiB; ten seconds of 640x480 take one or two
MOST_FRAMES: Final = 700  # of one camera's rewind, twice what ten seconds and a key frame need
MOST_EVENTS: Final = 100  # newest ones
LINE_BYTES: Final = 256 * 1024  # of the audit log, at most
MOST_DAYS: Final = 1000  # newest ones

Width = Annotated[int, Meta(ge=THUMBNAIL_LEAST, le=THUMBNAIL_WIDTHS[-1])]
Part = Annotated[int, Meta(ge=0, lt=MOST_PARTS)]
Number = Annotated[float, Meta(ge=-1e6, le=1e6)]  # also rejects NaN and infinities
Series = Annotated[tuple[Number | None, ...], Meta(max_length=MOST_FRAMES)]  # None: not measured


# --- console to robot ---


class ThumbnailRequest(Wire, frozen=True, tag="thumbnail_request"):
    """The newest picture of a camera, small."""

    request_id: Count
    camera: Name
    width: Width  # pixels; no picture is made larger than the camera's


class RewindRequest(Wire, frozen=True, tag="rewind_request"):
    """A part of what a camera saw before the present call; the first part brings the index."""

    request_id: Count
    call_id: Count
    camera: Name
    part: Part = 0


class AuditRequest(Wire, frozen=True, tag="audit_request"):
    """Lines of the audit log of one day, from a line's beginning on."""

    request_id: Count
    day: datetime.date | None = None  # None: only which days there are
    offset: Count = 0  # bytes


ArchiveRequest = ThumbnailRequest | RewindRequest | AuditRequest


# --- robot to console ---


class ThumbnailAnswer(Wire, frozen=True, tag="thumbnail"):
    """One JPEG."""

    request_id: Count
    camera: Name
    captured_ns: Stamp
    age_ms: Annotated[float, Meta(ge=0.0)]  # when this was sent
    jpeg: Annotated[bytes, Meta(max_length=THUMBNAIL_BYTES)]


class RewindFrame(Wire, frozen=True, array_like=True):
    """One frame; its bytes follow those of the frame before."""

    before_ms: Number  # the call minus the frame's row
    size: Annotated[int, Meta(ge=1, le=MOST_PARTS * PART_BYTES)]  # bytes
    key: bool  # can be decoded by itself
    repeated: bool  # the picture before, because none came in time


class RewindEvent(Wire, frozen=True, array_like=True):
    """Something that happened before the call, and the call itself."""

    before_ms: Number
    kind: Name
    text: Text = ""
    by: str = ""


class Traces(Wire, frozen=True):
    """What was measured before the call, each series with a value for each of `before_ms`.

    A series is empty where the robot has no such sensor.
    """

    before_ms: Annotated[tuple[Number, ...], Meta(max_length=MOST_FRAMES)]
    speed_mps: Series  # measured; + forward, of a hand its magnitude
    asked_mps: Series  # by whatever was in control, the policy as a rule; signed likewise
    motor_a: Series  # drive motors, sum of magnitudes
    bumper: Annotated[tuple[bool, ...], Meta(max_length=MOST_FRAMES)]
    events: Annotated[tuple[RewindEvent, ...], Meta(max_length=MOST_EVENTS)]


class RewindIndex(Wire, frozen=True):
    """What the parts are, oldest frame first; the first one is a key frame."""

    called_ns: Stamp  # when the robot called, its clock; as in its state
    frames: Annotated[tuple[RewindFrame, ...], Meta(min_length=1, max_length=MOST_FRAMES)]
    traces: Traces


class RewindPart(Wire, frozen=True, tag="rewind_part"):
    """So many bytes of the frames (H.264, start codes), from `part * PART_BYTES` on."""

    request_id: Count
    call_id: Count
    camera: Name
    part: Part
    parts: Annotated[int, Meta(ge=1, le=MOST_PARTS)]
    frames: Annotated[bytes, Meta(min_length=1, max_length=PART_BYTES)]
    index: RewindIndex | None = None  # in the first part


class AuditPiece(Wire, frozen=True, tag="audit_piece"):
    """Whole lines of one day, each with its line end; none when there are no more yet."""

    request_id: Count
    days: Annotated[tuple[datetime.date, ...], Meta(max_length=MOST_DAYS)]  # newest first
    lines: Annotated[bytes, Meta(max_length=LINE_BYTES)] = b""
    next_offset: Count = 0  # where to go on
    size: Count = 0  # bytes of that day so far


class NotInArchive(Wire, frozen=True, tag="not_in_archive"):
    """Why there is none; a sentence for the operator."""

    request_id: Count
    reason: Text
    soon: bool = False  # it may be there in a moment


ArchiveAnswer = ThumbnailAnswer | RewindPart | AuditPiece | NotInArchive
