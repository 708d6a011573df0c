"""Which cameras a window shows when nobody has named them: those that the robot says it has.

The window is made for its cameras, so this is asked before there is one, and for a moment only: a
robot that does not answer yet is shown with the usual names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from teleop.operator_view import LinkView
from transport import clock
from transport.clock import NS_PER_MS

USUAL: Final = ("front", "ceiling")  # the bundled rover's
# A robot on the line says it five times a second, once the connection stands.
PATIENCE_NS: Final = 1_500 * NS_PER_MS
LOOK_NS: Final = 20 * NS_PER_MS


class Viewed(Protocol):
    """What is looked at."""

    def view(self, stamp_ns: int) -> LinkView: ...


def first_cameras(
    link: Viewed,
    *,
    now_ns: Callable[[], int] = clock.now_ns,
    sleep_until: Callable[[int], None] = clock.sleep_until,
) -> tuple[str, ...]:
    """The robot's cameras in its order, the first in the main view."""
    until_ns = now_ns() + PATIENCE_NS
    while (stamp_ns := now_ns()) < until_ns:
        media = link.view(stamp_ns).media
        if media is not None and media.cameras:
            return tuple(camera.name for camera in media.cameras)
        sleep_until(stamp_ns + LOOK_NS)
    return USUAL
