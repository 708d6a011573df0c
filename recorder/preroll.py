"""The last ten seconds in memory, so that an episode begins before anybody asked for help.

Kept in groups of `GOP_ROWS` rows and dropped whole groups at a time: an episode that starts with
the ring starts with a key frame in every camera and with the tick of that very row. One thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from recorder.episode import GOP_ROWS
from recorder.log import CameraRow
from recorder.video_track import VideoPacket
from transport.channels import ROW_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S
from transport.messages import Tick

PREROLL_NS: Final = 10 * NS_PER_S
# Stamps decide; this bound holds even when stamps stand still: 10 s and a group of slack, doubled.
_MAX_GROUPS: Final = 2 * (10 * ROW_HZ // GOP_ROWS + 1)


@dataclass(frozen=True)
class EncodedRow:
    """One row with a frame of every camera. `row` counts from the recorder's start."""

    row: int
    tick: int
    stamp_ns: int
    cameras: Mapping[str, tuple[CameraRow, VideoPacket]]


@dataclass
class _Group:
    """The ticks and rows that begin with one key frame."""

    first_row: int
    first_ns: int
    ticks: list[Tick] = field(default_factory=list)
    rows: list[EncodedRow] = field(default_factory=list)


@dataclass(frozen=True)
class Content:
    """What an episode begins with; `first_row` is a key frame in every camera."""

    first_row: int
    ticks: tuple[Tick, ...]
    rows: tuple[EncodedRow, ...]


class PrerollRing:
    """Ticks and encoded rows of at least the last `length_ns`, once that long has passed."""

    def __init__(self, length_ns: int = PREROLL_NS) -> None:
        self._length_ns = length_ns
        self._groups: deque[_Group] = deque()

    def add_tick(self, tick: Tick, row: int | None) -> None:
        """Keep a tick; `row` is the number of the row that begins with it, if one does."""
        if row is not None and row % GOP_ROWS == 0:
            self._groups.append(_Group(row, tick.stamp_ns))
        if not self._groups:
            return  # before the first key frame: no episode can begin here
        if len(self._groups[-1].ticks) < 4 * GOP_ROWS * TICKS_PER_ROW:  # rows stopped coming
            self._groups[-1].ticks.append(tick)
        self._trim(tick.stamp_ns)

    def add_row(self, row: EncodedRow) -> None:
        """Keep a row; it arrives some ticks after the tick it began with."""
        for group in reversed(self._groups):
            if group.first_row <= row.row:
                group.rows.append(row)
                return

    def content(self) -> Content | None:
        """Everything kept, oldest first; None before the first key frame."""
        if not self._groups:
            return None
        return Content(
            first_row=self._groups[0].first_row,
            ticks=tuple(tick for group in self._groups for tick in group.ticks),
            rows=tuple(row for group in self._groups for row in group.rows),
        )

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()

    def _trim(self, now_ns: int) -> None:
        while len(self._groups) > 1 and (
            now_ns - self._groups[1].first_ns >= self._length_ns or len(self._groups) > _MAX_GROUPS
        ):
            self._groups.popleft()
