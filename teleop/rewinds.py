"""What a robot saw and measured in the ten seconds before it called, kept while the call waits.

Pure but for one hand-over: the recorder's thread says when a call begins and ends, another thread
serves what is kept: of one call, as robots have no more, of at most `KEPT_BYTES`, and gone with it.
The frames are those of the recording's pre-roll, which goes on and forgets them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recorder.preroll import PREROLL_NS, Content, EncodedRow
from teleop.axes import kind_of
from transport.archive_messages import (
    MOST_EVENTS,
    MOST_FRAMES,
    MOST_PARTS,
    PART_BYTES,
    NotInArchive,
    RewindEvent,
    RewindFrame,
    RewindIndex,
    RewindPart,
    RewindRequest,
    Traces,
)
from transport.channels import TICKS_PER_ROW
from transport.clock import NS_PER_MS
from transport.messages import Call, Calling, Description, RobotKind, Tick, Twist

KEPT_BYTES: Final = 32 * 1024 * 1024  # of all cameras; two of 640x480 take one or two
_MOST: Final = 1e6  # what the wire carries of a number


@dataclass(frozen=True)
class Kept:
    """What is kept of one call."""

    boot_id: str
    call: Call
    rows: tuple[EncodedRow, ...]  # from a key frame on
    traces: Traces


class Rewinds:
    """The rewind of the present call."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self._cameras = tuple(cameras)
        self._kept: Kept | None = None
        self._newest = ("", 0)  # boot and number of the newest call heard of

    def hear(
        self, calling: Calling, content: Content | None, description: Description | None
    ) -> None:
        """Whether the robot calls now; `content` is what was recorded until now."""
        call = calling.call
        if call is None:
            self._kept = None
        elif (calling.boot_id, call.call_id) != self._newest:
            self._kept = kept(calling.boot_id, call, content, description)
            self._newest = (calling.boot_id, call.call_id)

    def part(self, request: RewindRequest) -> RewindPart | NotInArchive:
        """One part of one camera's; from any thread."""
        now, (_, newest) = self._kept, self._newest
        reason, soon = "", False
        if request.camera not in self._cameras:
            reason = f"No camera {request.camera}; there are: {', '.join(self._cameras)}."
        elif now is None or now.call.call_id != request.call_id:
            soon = request.call_id > newest
            reason = "This call is not known here yet." if soon else "The call is over."
        elif not now.rows:
            reason = "No pictures were taken before this call."
        else:
            return part_of(now, request) or NotInArchive(
                request_id=request.request_id, reason="The rewind has no such part."
            )
        return NotInArchive(request_id=request.request_id, reason=reason[:400], soon=soon)


def kept(
    boot_id: str, call: Call, content: Content | None, description: Description | None
) -> Kept:
    """What belongs to `call` of a recording that goes on."""
    rows = () if content is None else _before(content.rows, call.stamp_ns)
    # A call between two ticks is told in the second.
    first_ns = rows[0].stamp_ns if rows else call.stamp_ns
    ticks = [] if content is None else [t for t in content.ticks if t.stamp_ns >= first_ns]
    return Kept(boot_id, call, rows, traces_of(ticks, description, call.stamp_ns))


def _before(rows: Sequence[EncodedRow], called_ns: int) -> tuple[EncodedRow, ...]:
    """Ten seconds up to the call, from a key frame on, the newest that `KEPT_BYTES` hold."""
    until = [row for row in rows if row.stamp_ns <= called_ns][-MOST_FRAMES:]
    first, size = len(until), 0
    for number in reversed(range(len(until))):
        packets = [packet for _, packet in until[number].cameras.values()]
        size += sum(len(packet.data) for packet in packets)
        if size > KEPT_BYTES:
            break
        if packets and all(packet.key for packet in packets):
            first = number
            if called_ns - until[number].stamp_ns >= PREROLL_NS:
                break
    return tuple(until[first:])


def part_of(now: Kept, request: RewindRequest) -> RewindPart | None:
    """The part that is asked for; None when there is none of that number."""
    shown = [row.cameras[request.camera] for row in now.rows]
    total = sum(len(packet.data) for _, packet in shown)
    parts = -(-total // PART_BYTES)
    if not request.part < parts <= MOST_PARTS:
        return None
    index = None
    if request.part == 0:
        frames = tuple(
            RewindFrame(
                before_ms=_before_ms(now.call.stamp_ns, row.stamp_ns),
                size=len(packet.data),
                key=packet.key,
                repeated=said.repeated,
            )
            for row, (said, packet) in zip(now.rows, shown, strict=True)
        )
        index = RewindIndex(called_ns=now.call.stamp_ns, frames=frames, traces=now.traces)
    begin = request.part * PART_BYTES
    return RewindPart(
        request_id=request.request_id,
        call_id=request.call_id,
        camera=request.camera,
        part=request.part,
        parts=parts,
        frames=_cut([packet.data for _, packet in shown], begin, begin + PART_BYTES),
        index=index,
    )


def _cut(pieces: Sequence[bytes], begin: int, end: int) -> bytes:
    """`b"".join(pieces)[begin:end]`, without putting all of them together."""
    found, at = [], 0
    for piece in pieces:
        found.append(piece[max(0, begin - at) : max(0, end - at)])
        at += len(piece)
    return b"".join(found)


def traces_of(ticks: Sequence[Tick], description: Description | None, called_ns: int) -> Traces:
    """What was measured, a value for each row; a series is empty where there is no such sensor."""
    names = () if description is None else description.observation_names
    hand = description is not None and kind_of(description.action_names) is RobotKind.ARM
    taken = [tick for tick in ticks if tick.tick % TICKS_PER_ROW == 0][-MOST_FRAMES:]
    events = [
        RewindEvent(
            before_ms=_before_ms(called_ns, tick.stamp_ns),
            kind=event.kind,
            text=event.text[:200],
            by=event.by,
        )
        for tick in ticks
        for event in tick.events
    ]

    def measured(name: str) -> tuple[float | None, ...]:
        if name not in names:
            return ()
        at = names.index(name)
        return tuple(_number(t.observation[at] if at < len(t.observation) else None) for t in taken)

    return Traces(
        before_ms=tuple(_before_ms(called_ns, tick.stamp_ns) for tick in taken),
        speed_mps=measured("speed_mps"),
        asked_mps=tuple(_number(_speed(tick.requested, hand=hand)) for tick in taken),
        motor_a=measured("motor_a"),
        bumper=tuple(bool(value) for value in measured("bumper")),
        events=tuple(events[-MOST_EVENTS:]),
    )


def _speed(twist: Twist, *, hand: bool) -> float:
    if not hand:
        return twist.forward_mps
    return math.hypot(twist.forward_mps, twist.left_mps, twist.up_mps)


def _number(value: float | None) -> float | None:
    """None for what is no number: a sensor that is broken has measured nothing."""
    return value if value is not None and abs(value) <= _MOST else None


def _before_ms(called_ns: int, stamp_ns: int) -> float:
    return round((called_ns - stamp_ns) / NS_PER_MS, 1)
