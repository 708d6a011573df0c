"""Black and frozen video, from a few key frames of each camera.

One key frame every `LOOK_S` is decoded, luma only, and read as cells of eight pixels on every
eighth line. Where one is dark, or two that follow each other show the same although the robot moved
in between, the key frames beside them are decoded, too, until the ends are known to a group of
pictures. What lasts `LOOK_S` (black) or twice as long (frozen) is found for certain, anything
shorter by chance. A camera that repeats itself while the robot stands is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.episode import GOP_ROWS, EpisodeError
from recorder.finding import Finding, Rule
from recorder.series import Flags, Series
from transport.channels import ROW_HZ

Cells = npt.NDArray[np.float32]  # (height / 8, width / 8), luma

LOOK_S: Final = 5.0
DARK: Final = 30.0  # of luma, which begins at 16; a sensor's noise in the dark is below
SAME: Final = 12.0  # of luma in any cell: what encoding the same picture twice may change
MOVED_S: Final = 0.5  # of motion between two pictures, so that they have to differ
MOSTLY: Final = 0.5
_CELL: Final = 8  # pixels

GroupAt = Callable[[int], Cells]  # what the key frame of a group of pictures shows


@dataclass(frozen=True)
class Stretch:
    """Groups of pictures from `first` to `last`."""

    rule: Rule
    first: int
    last: int


@contextmanager
def key_frames(path: Path) -> Iterator[GroupAt]:
    """Decode single key frames of a video, by the number of their group; each once.

    Raises:
        EpisodeError: the video cannot be opened, or ends before a key frame that is asked for.
    """
    import av

    known: dict[int, Cells] = {}
    try:
        # What probing would find out stands in Matroska's header; it would decode a frame for it.
        open_video: Any = av.open  # whose stubs want stream_options to be a list of words
        container = open_video(
            str(path),
            "r",
            "matroska",
            options={"analyzeduration": "1", "probesize": "32"},
            stream_options=[{"skip_frame": "all"}],  # of the probe, not of what is decoded later
        )
    except (av.FFmpegError, OSError) as error:
        raise _bad(path, f"Video cannot be opened ({error})") from error
    with container:
        video = container.streams.video[0]
        video.thread_count = 1
        video.codec_context.options = {"skip_loop_filter": "all"}  # cells do not see the edges
        video.codec_context.flags |= av.codec.context.Flags.low_delay  # one in, one out

        def at(group: int) -> Cells:
            if group not in known:
                known[group] = _decoded(container, video, group, path)
            return known[group]

        yield at


def _decoded(container: Any, video: Any, group: int, path: Path) -> Cells:
    import av

    wanted_s = group * GOP_ROWS / ROW_HZ
    try:
        container.seek(round(wanted_s / video.time_base), stream=video, backward=True)
        for packet in container.demux(video):
            # Matroska keeps milliseconds; half a row is more than they are off.
            late_enough = packet.pts is not None and (
                packet.pts * video.time_base > wanted_s - 0.5 / ROW_HZ
            )
            if packet.is_keyframe and late_enough:
                for frame in video.codec_context.decode(packet):
                    return cells_of(frame)
    except av.FFmpegError as error:
        raise _bad(path, f"Video is damaged ({error})") from error
    raise _bad(path, f"Video has no key frame {group}")


def cells_of(frame: Any) -> Cells:
    """What a decoded frame shows: mean luma of eight pixels, on every eighth line."""
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height : _CELL]
    width = max(frame.width // _CELL, 1)
    cells: Cells = luma[:, : width * _CELL].reshape(len(luma), width, -1).mean(2, np.float32)
    return cells


def stretches(at: GroupAt, groups: range, moved: Callable[[int, int], bool]) -> list[Stretch]:
    """Black and frozen stretches among these groups of pictures.

    `moved(a, b)` tells whether the robot moved between the key frames of two groups.
    """
    step = max(1, round(LOOK_S * ROW_HZ / GOP_ROWS))
    looks = groups[::-1][::step][::-1]  # back from the last: a camera that dies shows at the end
    found: list[Stretch] = []
    for here, there in pairwise(looks):
        if dark(at(here)) and dark(at(there)):
            found.append(Stretch(Rule.BLACK, here, there))
        elif not dark(at(here)) and moved(here, there) and _unchanged(at, here, there):
            found.append(Stretch(Rule.FROZEN, here, there))
    alone = [look for look in looks if dark(at(look)) and not _covered(look, found, Rule.BLACK)]
    found += [Stretch(Rule.BLACK, look, look) for look in alone]
    return [_with_ends(stretch, at, groups, step) for stretch in _joined(found)]


def _unchanged(at: GroupAt, first: int, last: int) -> bool:
    """Both ends alike, and two places between: a robot that turns in circles comes back."""
    between = (last, first + 1, (first + last) // 2)
    return all(same(at(first), at(group)) for group in between)


def dark(cells: Cells) -> bool:
    """Whether nothing can be seen."""
    return float(cells.max()) <= DARK


def same(one: Cells, other: Cells) -> bool:
    """Whether two key frames show the same picture, encoded twice."""
    return float(np.abs(one - other).max()) <= SAME


def _covered(group: int, found: list[Stretch], rule: Rule) -> bool:
    return any(s.rule is rule and s.first <= group <= s.last for s in found)


def _joined(found: list[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for stretch in sorted(found, key=lambda s: (s.rule, s.first)):
        before = joined[-1] if joined else None
        if before and before.rule is stretch.rule and before.last == stretch.first:
            joined[-1] = Stretch(stretch.rule, before.first, stretch.last)
        else:
            joined.append(stretch)
    return sorted(joined, key=lambda s: s.first)


def _with_ends(stretch: Stretch, at: GroupAt, groups: range, step: int) -> Stretch:
    """The stretch to its last groups, found by halving."""
    inside = at(stretch.first)

    def belongs(group: int) -> bool:
        return dark(at(group)) if stretch.rule is Rule.BLACK else same(at(group), inside)

    first, below = stretch.first, max(stretch.first - step, groups.start - 1)
    while first - below > 1:
        middle = (first + below) // 2
        first, below = (middle, below) if belongs(middle) else (first, middle)
    last, above = stretch.last, min(stretch.last + step, groups.stop)
    while above - last > 1:
        middle = (last + above) // 2
        last, above = (middle, above) if belongs(middle) else (last, middle)
    return Stretch(stretch.rule, first, last)


def video_findings(
    series: Series, moving: Flags, path: Path, camera: str, tick_hz: int
) -> list[Finding]:
    """What a camera's video shows. `moving`: (n,), the robot measurably moved in this tick."""
    rows = len(series.rows)
    # Before its first picture a camera shows black; that is told by the rows.
    never = int(np.count_nonzero(series.rows.captured_ns[camera] == 0))
    groups = range(-(-never // GOP_ROWS), -(-rows // GOP_ROWS))

    def moved(first: int, last: int) -> bool:
        span = series.span_of(first * GOP_ROWS, min(last * GOP_ROWS, rows - 1))
        return bool(moving[span].sum() >= MOVED_S * tick_hz)

    with key_frames(path) as at:
        found = stretches(at, groups, moved)
    repeated = series.rows.repeated[camera]
    told = [_finding(stretch, camera, rows, series) for stretch in found]
    # Where no picture came in time, the rows say so themselves.
    return [f for f in told if repeated[f.first_row : f.last_row + 1].mean() < MOSTLY]


def _finding(stretch: Stretch, camera: str, rows: int, series: Series) -> Finding:
    first, last = stretch.first * GOP_ROWS, min((stretch.last + 1) * GOP_ROWS, rows) - 1
    for_s = float(series.rows.stamp_ns[last] - series.rows.stamp_ns[first]) / 1e9
    if stretch.rule is Rule.BLACK:
        reason = f"Camera {camera} is black for {for_s:.1f} s."
    else:
        reason = (
            f"Camera {camera} shows the same picture for {for_s:.1f} s, though the robot moves."
        )
    return Finding(
        rule=stretch.rule,
        first_row=first,
        last_row=last,
        reason=reason,
        figures={"rows": last - first + 1, "seconds": round(for_s, 2)},
    )


def _bad(path: Path, what: str) -> EpisodeError:
    return EpisodeError(what, path, "Restore the file from a copy, or leave the episode out.")
