"""The ten seconds before a call, as a console has fetched them: frames still encoded, and traces.

Pure. What a robot sends is checked until it fits together; what does not is its fault.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from transport.archive_messages import PART_BYTES, RewindFrame, RewindIndex, RewindPart, Traces
from transport.messages import MalformedMessage

MS_PER_S: Final = 1000.0


@dataclass(frozen=True, eq=False)
class Rewind:
    """Of one camera; the first frame is a key frame, the last one the newest before the call."""

    call_id: int
    camera: str
    called_ns: int  # as in the robot's state: its clock
    frames: tuple[RewindFrame, ...]  # oldest first
    packets: tuple[bytes, ...]  # H.264 with start codes, one for each frame
    traces: Traces

    def before_s(self, index: int) -> float:
        """How long before the call the frame is."""
        return self.frames[index].before_ms / MS_PER_S

    def index_at(self, before_s: float) -> int:
        """The frame that was shown then; the oldest one for what lies before all."""
        asked = -before_s * MS_PER_S
        return max(0, bisect_right(self.frames, asked, key=lambda frame: -frame.before_ms) - 1)


class Gathering:
    """The parts of one rewind that have come, in order."""

    def __init__(self) -> None:
        self._first: RewindPart | None = None
        self._parts: list[bytes] = []

    @property
    def next_part(self) -> int:
        """The one to ask for."""
        return len(self._parts)

    def take(self, part: RewindPart) -> Rewind | None:
        """The next part; the whole once it is the last.

        Raises:
            MalformedMessage: it does not fit to those before.
        """
        first = self._first or part
        self._first = first
        last = part.part == first.parts - 1
        told = (part.part, part.parts, part.call_id, part.camera)
        if told != (self.next_part, first.parts, first.call_id, first.camera):
            raise MalformedMessage("a part of a rewind is not the one that was asked for")
        if (part.index is None) is (part.part == 0) or (
            not last and len(part.frames) != PART_BYTES
        ):
            raise MalformedMessage("a part of a rewind has no index or the wrong length")
        self._parts.append(part.frames)
        if not last:
            return None
        assert first.index is not None
        return _whole(first, first.index, b"".join(self._parts))


def _whole(first: RewindPart, index: RewindIndex, data: bytes) -> Rewind:
    traces = index.traces
    measured = (traces.speed_mps, traces.asked_mps, traces.motor_a, traces.bumper)
    if any(len(series) not in (0, len(traces.before_ms)) for series in measured):
        raise MalformedMessage("the traces of a rewind differ in length")
    if sum(frame.size for frame in index.frames) != len(data) or not index.frames[0].key:
        raise MalformedMessage("the frames of a rewind are not those of its index")
    times = [frame.before_ms for frame in index.frames]
    if any(later > earlier for earlier, later in pairwise(times)):
        raise MalformedMessage("the frames of a rewind are not in order")
    packets, at = [], 0
    for frame in index.frames:
        packets.append(data[at : at + frame.size])
        at += frame.size
    return Rewind(
        first.call_id, first.camera, index.called_ns, index.frames, tuple(packets), traces
    )
