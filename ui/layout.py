"""Widths of docks and picture for a size of window. Pure.

The picture keeps its proportions and gets what its height allows; the docks share the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COMPACT_WIDTH: Final = 1600  # below either of these the small layout is used
COMPACT_HEIGHT: Final = 1000
# Height in the right dock that is not the camera's: titles, track, telemetry, self-test.
RIGHT_FIXED: Final = {True: 380, False: 444}
TRACK: Final = {True: 124, False: 148}  # of it, the ground track and its title
# Thumbnails of further cameras, px.
THUMBS_IN_ROW: Final = 3
THUMB_H: Final = {True: 66, False: 84}
THUMB_GAP: Final = 6
MIN_VIDEO: Final = 720  # px wide, while the docks are open
MARGIN: Final = 8
LABEL_BAR: Final = 48
ASPECT: Final = 4 / 3


@dataclass(frozen=True)
class Widths:
    """Px."""

    left: int
    right: int


def is_compact(width: int, height: int) -> bool:
    """Whether the small layout is used."""
    return width < COMPACT_WIDTH or height < COMPACT_HEIGHT


def shows_track(compact: bool, thumbs: int) -> bool:
    """Whether the ground track has room beside `thumbs` thumbnails."""
    return not compact or thumbs <= THUMBS_IN_ROW


def right_fixed(compact: bool, thumbs: int) -> int:
    """Height in the right dock that is not the second camera's, with `thumbs` thumbnails."""
    rows = -(-thumbs // THUMBS_IN_ROW)
    track = 0 if shows_track(compact, thumbs) else TRACK[compact]
    return RIGHT_FIXED[compact] + rows * (THUMB_H[compact] + THUMB_GAP) - track


def widths(
    width: int, body: int, *, compact: bool, left_open: bool, right_open: bool, thumbs: int = 0
) -> Widths:
    """Widths of both docks on a page of `width`, in px, whose part above the timeline is `body`
    high."""
    left_low, left_high = (176, 280) if compact else (272, 340)
    right_low, right_high = (304, 400) if compact else (340, max(600, width // 4))
    video = (body - LABEL_BAR - MARGIN) * ASPECT + 2 * MARGIN
    spare = width - max(video, MIN_VIDEO + 2 * MARGIN)
    share = round(spare * (0.43 if compact else 0.37))
    left = max(left_low, min(left_high, share, round(spare - right_low)))
    # The camera in the right dock must leave room for track and telemetry below it.
    fits = round((body - right_fixed(compact, thumbs)) * ASPECT) + 16
    right_high = max(right_low, min(right_high, fits))
    right = min(right_high, max(right_low, round(spare - left)))
    return Widths(left if left_open else 0, right if right_open else 0)
