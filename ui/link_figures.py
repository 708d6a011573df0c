"""The figures of the video link as text, a column for each camera. Pure: no Qt, no clock.

What was not measured is "–", never nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from teleop.operator_view import LinkView, PictureView, Reach
from transport.messages import CameraStatus
from transport.video_figures import VideoFigures
from ui import words
from ui.reason_rows import MEDIA_TTL_MS

UNKNOWN: Final = "–"
CODEC: Final = "H.264"  # the only one that both ends offer
MAX_MS: Final = 9_999.0  # more is no age of a picture that anybody looks at


@dataclass(frozen=True)
class CameraFigures:
    """What is known of one camera, from its sensor to the screen."""

    number: int
    picture: PictureView
    ages_ms: tuple[float, ...]  # at their paint, of the last seconds
    received: VideoFigures
    overwritten: int  # decoded, and a newer one came before the paint


@dataclass(frozen=True)
class Way:
    """How the pictures of all cameras come."""

    kind: str = ""  # "direct" or "relayed"; empty: they do not
    trouble: str = ""  # what a server that helps them lacks, also while they come without it


@dataclass(frozen=True)
class Figures:
    """A table: `rows` are a name and a value for each of `cameras`."""

    link: str
    cameras: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    trouble: str = ""  # a sentence


NO_WAY: Final = Way()


def figures_of(cameras: Sequence[CameraFigures], link: LinkView, way: Way = NO_WAY) -> Figures:
    """The table; `cameras` in the order of their numbers."""
    columns = [_column(camera, status_of(link, camera.picture.camera)) for camera in cameras]
    names = [name for name, _ in columns[0]] if columns else []
    return Figures(
        link=f"{_link(link)} · pictures {way.kind}" if way.kind else _link(link),
        cameras=tuple(f"{each.number} {words.camera(each.picture.camera)}" for each in cameras),
        rows=tuple(
            (name, tuple(column[row][1] for column in columns)) for row, name in enumerate(names)
        ),
        trouble=_sentence(way.trouble),
    )


def status_of(link: LinkView, camera: str) -> CameraStatus | None:
    """What the robot says of a camera; None when it does not, or said it too long ago."""
    if link.media is None or link.media_silent_ms > MEDIA_TTL_MS:
        return None
    return next((each for each in link.media.cameras if each.name == camera), None)


def percentile_ms(ages: Sequence[float], percent: int) -> str:
    """The nearest-rank percentile in whole ms."""
    if not ages:
        return UNKNOWN
    rank = max(1, ceil(percent / 100 * len(ages)))
    return f"{min(sorted(ages)[rank - 1], MAX_MS):.0f}"


def _link(link: LinkView) -> str:
    if link.reach is not Reach.CONNECTED:
        return f"no link for {words.short(link.silent_ms / 1000)}"
    if link.round_trip_ms is None:
        return f"round trip {UNKNOWN}"
    worst = "" if link.round_trip_p95_ms is None else f", p95 {link.round_trip_p95_ms:.0f} ms"
    return f"round trip {link.round_trip_ms:.0f} ms{worst}"


def _sentence(trouble: str) -> str:
    """The receiver's words begin small: they are told within sentences elsewhere."""
    return trouble[:1].upper() + trouble[1:]


def _column(camera: CameraFigures, status: CameraStatus | None) -> list[tuple[str, str]]:
    came, picture = camera.received, camera.picture
    comes = came.width > 0  # the receiver has measured, and pictures come
    captured = UNKNOWN if status is None else f"{status.fps:.0f}"
    received = f"{came.received_fps:.0f}" if comes else UNKNOWN
    p50, p99 = percentile_ms(camera.ages_ms, 50), percentile_ms(camera.ages_ms, 99)
    busy, full, unsent, unrecorded = _dropped_there(status)

    def here(value: float, decimals: int = 0) -> str:
        return f"{value:.{decimals}f}" if comes else UNKNOWN

    return [
        (f"Picture, {CODEC}", f"{came.width}x{came.height}" if comes else UNKNOWN),
        ("Captured / received / painted, fps", f"{captured} / {received} / {picture.fps:.0f}"),
        ("Bitrate, Mbit/s", here(came.bitrate_bps / 1e6, 2)),
        ("Loss, %", here(came.lost_fraction * 100, 1)),
        ("Jitter / decoding, ms", f"{here(came.jitter_ms, 1)} / {here(came.decode_ms, 1)}"),
        ("Age p50 / p99, ms", f"{p50} / {p99}"),
        ("Dropped by robot: busy / line full / unsent", f"{busy} / {full} / {unsent}"),
        ("Not recorded by robot", unrecorded),
        (
            "Dropped: not whole / not decodable",
            f"{here(came.abandoned)} / {here(came.undecodable)}",
        ),
        (
            "Dropped: decoder behind / not painted",
            f"{here(came.undecoded)} / {camera.overwritten}",
        ),
        ("Key frames asked for", here(came.key_requests)),
    ]


def _dropped_there(status: CameraStatus | None) -> tuple[str, str, str, str]:
    if status is None:
        return (UNKNOWN,) * 4
    counts = (status.skipped, status.left_out, status.unsent, status.unrecorded)
    busy, full, unsent, unrecorded = map(str, counts)
    return busy, full, unsent, unrecorded
