"""Which rendition of a camera a console asks for: the small one where it is shown small. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from transport.messages import Rendition

SMALL_BELOW: Final = 0.6  # shown at so much of the full width, the small one has nearly all of it
FULL_ABOVE: Final = 0.7  # apart from it, so that a window that is resized does not toggle


def rendition_for(shown_px: int, full_px: int, now: Rendition) -> Rendition:
    """What to ask for where a camera of `full_px` is shown `shown_px` wide; `now` is what comes.

    `shown_px` 0 means as large as there is; `full_px` 0 that it is not known yet.
    """
    if shown_px <= 0:
        return Rendition.FULL
    if full_px <= 0:
        return now
    share = shown_px / full_px
    if now is Rendition.FULL:
        return Rendition.SMALL if share < SMALL_BELOW else now
    return Rendition.FULL if share > FULL_ABOVE else now


class Wishes:
    """What is asked for over one connection, and what is known to come."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self._coming = dict.fromkeys(cameras, Rendition.FULL)  # how every connection begins
        self._full_px = dict.fromkeys(cameras, 0)
        self._unsure: set[str] = set()  # asked, and not answered: it may have been done or not
        self._refused: dict[str, Rendition] = {}

    def next(
        self, shown_px: Mapping[str, int], received_px: Mapping[str, int]
    ) -> tuple[str, Rendition] | None:
        """(camera, rendition) to ask for now; larger ones first, somebody looks at those.

        Args:
            shown_px: how wide each camera is shown, 0 as large as there is.
            received_px: the width of each camera's newest picture.
        """
        wishes = []
        for camera, now in self._coming.items():
            self._full_px[camera] = max(self._full_px[camera], received_px.get(camera, 0))
            wanted = rendition_for(shown_px.get(camera, 0), self._full_px[camera], now)
            due = wanted is not now or camera in self._unsure
            if due and self._refused.get(camera) is not wanted:
                wishes.append((camera, wanted))
        return min(wishes, key=lambda wish: wish[1] is Rendition.SMALL, default=None)

    def asked(self, camera: str) -> None:
        """From now on either may come, until an answer says which."""
        self._unsure.add(camera)

    def answered(self, camera: str, rendition: Rendition, *, granted: bool) -> None:
        """The robot's word. What it refuses is not asked for again before another wish."""
        self._unsure.discard(camera)
        self._refused.pop(camera, None)
        if granted:
            self._coming[camera] = rendition
        else:
            self._refused[camera] = rendition
