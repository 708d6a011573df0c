"""A part of `unstick bench replay`: is a camera noticed whose video stands beside other rows?

Of each demonstration the seconds in which it is told to move most are drawn anew, encoded as the
recorder does and read back; then its pictures are put beside the states of other rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, cast

import numpy as np

from recorder.demonstration import Demonstration
from recorder.stale_camera import AT_LEAST, SHORTEST, Small, shift_of, shrunk
from recorder.video_track import VideoTrack, VideoWriter, read_frames
from teleop.robot import CameraRig, Image
from transport.channels import ROW_HZ, TICKS_PER_ROW
from transport.i420 import ToI420

ROWS: Final = 4 * ROW_HZ  # that are looked at
SHIFT: Final = 3  # rows


@dataclass(frozen=True)
class Looked:
    """What was said of one camera's video, and whether it was right."""

    late: bool  # by SHIFT rows, and called so
    early: bool
    alarm: bool  # a shift was seen where there is none


def looked_at(demonstration: Demonstration, rig: CameraRig, camera: str) -> Looked | None:
    """The video of `camera` as it is, late and early; None: too short to say anything."""
    states = busiest(demonstration, ROWS + 2 * SHIFT)
    rows = len(states) - 2 * SHIFT
    if rows < SHORTEST:
        return None

    @cache
    def drawn(index: int) -> Image:
        return cast(Image, rig.render(camera, demonstration.state(index)))

    film = _filmed([drawn(index) for index in states])

    def found(behind: int) -> int:
        first = SHIFT - behind
        return shift_of(film[first : first + rows], lambda row: drawn(states[SHIFT + row]))[0]

    return Looked(
        late=found(SHIFT) == SHIFT,
        early=found(-SHIFT) == -SHIFT,
        alarm=abs(found(0)) >= AT_LEAST,
    )


def busiest(demonstration: Demonstration, rows: int) -> range:
    """A state for each of so many rows on end, or of all, during which the actions are largest."""
    told = np.abs(demonstration.actions).sum(axis=1)
    length = rows * TICKS_PER_ROW
    if len(told) < length:
        return range(0, len(told), TICKS_PER_ROW)
    begins = np.convolve(told, np.ones(length), "valid")
    first = int(np.argmax(begins))
    return range(first, first + length, TICKS_PER_ROW)


def _filmed(pictures: Sequence[Image]) -> Small:
    """(rows, height, width), `shrunk`, after they have been through the recorder's video."""
    height, width = pictures[0].shape[:2]
    track, convert = VideoTrack(width, height), ToI420()
    with tempfile.TemporaryDirectory(prefix="unstick-bench-") as folder:
        path = Path(folder) / "film.mkv"
        writer = VideoWriter(path, width, height)
        for picture in pictures:
            writer.add(track.encode(convert(picture)))
        writer.finish()
        writer.close()
        return np.stack(list(_shrunk_frames(path)))


def _shrunk_frames(path: Path) -> Iterator[Small]:
    for frame in read_frames(path):
        yield shrunk(frame)
