"""Messages that Foxglove shows without being told how: names and fields of its own schemas. Pure.

Foxglove knows a schema by its name. JSON carries bytes as base64; a chunk's compression takes the
third that this adds away again. https://docs.foxglove.dev/docs/sdk/schemas
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from transport.clock import NS_PER_S
from transport.messages import Wire

WORLD: Final = "world"
ROBOT: Final = "robot"

Whole = Annotated[int, Meta(ge=0)]


class Time(Wire, frozen=True):
    """A stamp of the robot's monotonic clock."""

    sec: Whole
    nsec: Annotated[int, Meta(ge=0, le=NS_PER_S - 1)]


Timestamp = Annotated[Time, Meta(title="time")]  # by this title Foxglove knows a time


class Vector3(Wire, frozen=True):
    """Metres."""

    x: float
    y: float
    z: float


class Quaternion(Wire, frozen=True):
    """An orientation."""

    x: float
    y: float
    z: float
    w: float


class Pose(Wire, frozen=True):
    """Where something is and how it is turned."""

    position: Vector3
    orientation: Quaternion


class CompressedVideo(Wire, frozen=True):
    """One frame, with start codes; a key frame carries its parameter sets."""

    timestamp: Timestamp
    frame_id: str
    data: bytes
    format: str


class PoseInFrame(Wire, frozen=True):
    """A pose, in a frame of reference."""

    timestamp: Timestamp
    frame_id: str
    pose: Pose


class FrameTransform(Wire, frozen=True):
    """Where a frame of reference lies in another one."""

    timestamp: Timestamp
    parent_frame_id: str
    child_frame_id: str
    translation: Vector3
    rotation: Quaternion


class Log(Wire, frozen=True):
    """One line of a log."""

    timestamp: Timestamp
    level: int  # 2 info, 3 warning, 4 error
    message: str
    name: str  # of whoever said it
    file: str
    line: Whole


INFO: Final = 2
WARNING: Final = 3
ERROR: Final = 4


def time_of(stamp_ns: int) -> Time:
    """A stamp as Foxglove has it."""
    return Time(sec=stamp_ns // NS_PER_S, nsec=stamp_ns % NS_PER_S)


def planar_pose(x_m: float, y_m: float, heading_rad: float) -> Pose:
    """A pose on the floor; the heading is counter-clockwise from +x."""
    half = heading_rad / 2
    return Pose(
        position=Vector3(x=x_m, y=y_m, z=0.0),
        orientation=Quaternion(x=0.0, y=0.0, z=math.sin(half), w=math.cos(half)),
    )


def schema_name(message: type[Wire]) -> str:
    """What Foxglove calls the schema."""
    return f"foxglove.{message.__name__}"


def schema_of(message: type[Wire], name: str) -> bytes:
    """The JSON schema of a message, in one piece."""
    schema = msgspec.json.schema(message)
    body = _in_one_piece(schema, schema.get("$defs", {}))
    return _encoded({**body, "title": name})


def numbers_schema(names: tuple[str, ...], name: str) -> bytes:
    """The JSON schema of an object of numbers; one that was not a number is left out of it."""
    properties = {number: {"type": "number"} for number in names}
    return _encoded({"title": name, "type": "object", "properties": properties})


def _in_one_piece(schema: Any, parts: dict[str, Any]) -> Any:
    """Put each part in the place of its reference."""
    if isinstance(schema, list):
        return [_in_one_piece(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    whole = {key: value for key, value in schema.items() if key not in ("$defs", "$ref", "allOf")}
    for reference in (schema, *schema.get("allOf", ())):
        if "$ref" in reference:
            whole = {**parts[reference["$ref"].rpartition("/")[2]], **whole}
    return {key: _in_one_piece(value, parts) for key, value in whole.items()}


def _encoded(schema: dict[str, Any]) -> bytes:
    return msgspec.json.encode(schema, order="deterministic")
