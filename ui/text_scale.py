"""How large text is made: the whole window by a zoom, and what is left by the type alone. Pure.

A zoom makes everything larger, so that nothing in the window has to know of it; but Qt takes it
only while it starts, and a window that is zoomed too far has no room for its parts. So the zoom
goes as far as the small layout still fits the screen, and the rest is done by the type: at 200 % on
1920x1080 a zoom of 1.5 shows the 1280 layout, with type at 133 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

SMALL: Final = (1280, 720)  # the small layout, px
STEP: Final = 0.25  # of zooms: lines stay sharp


@dataclass(frozen=True)
class TextScale:
    """How a size of text is reached."""

    zoom: float  # of the whole window, from the next start on
    percent: int  # of the type in it


def text_scale(percent: int, width: int, height: int) -> TextScale:
    """How text of `percent` is made on a screen of so many px, its own scaling taken off; without
    a known screen (0) by the type alone."""
    room = min(width / SMALL[0], height / SMALL[1], percent / 100)
    zoom = max(1.0, math.floor(room / STEP) * STEP)
    return TextScale(zoom, type_percent(percent, zoom))


def type_percent(percent: int, zoom: float) -> int:
    """What is left for the type under a zoom."""
    return max(100, round(percent / zoom))
