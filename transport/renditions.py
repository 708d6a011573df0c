"""Which rendition of a camera a console asks for: the small one where it is shown small."""

from __future__ import annotations

from typing import Final

from transport.messages import Rendition

SMALL_SCALE: Final = 2  # a small rendition has half the width and height
SMALL_BELOW: Final = 0.6  # shown at so much of the full width, the small one has nearly all of it
FULL_ABOVE: Final = 0.7  # apart from it, so that a window that is resized does not toggle


def rendition_for(shown_px: int, full_px: int, now: Rendition) -> Rendition:
    """What to ask for where a camera of `full_px` is shown `shown_px` wide; `now` is what comes."""
    if shown_px <= 0 or full_px <= 0:
        return now
    share = shown_px / full_px
    if now is Rendition.FULL:
        return Rendition.SMALL if share < SMALL_BELOW else now
    return Rendition.FULL if share > FULL_ABOVE else now
