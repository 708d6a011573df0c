"""What the video bench makes of stamps: ages, and how long the picture was young. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

from transport.clock import NS_PER_MS, NS_PER_S


@dataclass(frozen=True)
class Shown:
    """One frame: when it was captured and when it came out of the decoder, one clock."""

    captured_ns: int
    decoded_ns: int


class Frames(Sequence[Shown]):
    """Many of them in 16 bytes each: a long run measures the receiver's memory, not these notes."""

    def __init__(self) -> None:
        self._stamps_ns = array("q")

    def append(self, frame: Shown) -> None:
        """Note one more."""
        self._stamps_ns.extend((frame.captured_ns, frame.decoded_ns))

    def __len__(self) -> int:
        return len(self._stamps_ns) // 2

    @overload
    def __getitem__(self, index: int) -> Shown: ...
    @overload
    def __getitem__(self, index: slice) -> list[Shown]: ...
    def __getitem__(self, index: int | slice) -> Shown | list[Shown]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = 2 * range(len(self))[index]
        return Shown(*self._stamps_ns[place : place + 2])


def ages_ms(frames: Sequence[Shown]) -> list[float]:
    """Capture to decoded, of each frame."""
    return [(frame.decoded_ns - frame.captured_ns) / NS_PER_MS for frame in frames]


def share_younger(frames: Sequence[Shown], limit_ms: float, until_ns: int) -> float | None:
    """The share of the time from the first frame to `until_ns` in which the newest picture was
    younger than `limit_ms`; None without a frame."""
    ordered = sorted(frames, key=lambda frame: frame.decoded_ns)
    if not ordered or until_ns <= ordered[0].decoded_ns:
        return None
    young_ns = 0
    newest_ns = 0
    ends = [frame.decoded_ns for frame in ordered[1:]] + [until_ns]
    for frame, end_ns in zip(ordered, ends, strict=True):
        newest_ns = max(newest_ns, frame.captured_ns)
        old_ns = newest_ns + round(limit_ms * NS_PER_MS)
        young_ns += max(0, min(end_ns, old_ns) - frame.decoded_ns)
    return young_ns / (until_ns - ordered[0].decoded_ns)


def rate_hz(frames: Sequence[Shown]) -> float:
    """Frames per second between the first and the last."""
    if len(frames) < 2:
        return 0.0
    return (len(frames) - 1) * NS_PER_S / (frames[-1].decoded_ns - frames[0].decoded_ns)


def longest_gap_ms(frames: Sequence[Shown]) -> float:
    """The longest time without a new frame."""
    gaps = [after.decoded_ns - before.decoded_ns for before, after in pairwise(frames)]
    return max(gaps, default=0) / NS_PER_MS
