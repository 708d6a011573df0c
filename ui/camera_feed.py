"""One camera as this window shows it, whichever view it is in: newest picture, its stamps, counts.

The views of the window exchange feeds when cameras are swapped. A stamp therefore never leaves its
camera: what a view shows and what it reports come from the same feed. The window's thread only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import Final

from PySide6.QtGui import QImage

from teleop.operator_view import PictureView
from transport import clock
from transport.mailbox import Mailbox
from transport.picture import Picture
from ui.picture_state import STALE_MS

RECENT_S: Final = 5  # of the percentiles of age
KEPT: Final = RECENT_S * 60  # paints remembered; no camera films faster
RECENT: Final = 30  # of them for the rate
SHOWN: Final = 15  # of them for the age in the tag


class CameraFeed:
    """Takes the newest picture of a camera and remembers what became of it."""

    def __init__(self, camera: str, mailbox: Mailbox[Picture], number: int = 1) -> None:
        """`number` is the key that brings this camera to the main view."""
        self.camera = camera
        self.mailbox = mailbox
        self.number = number
        self.picture: Picture | None = None
        self.image: QImage | None = None
        self.painted = 0
        self.last_painted_wall = ""
        self.stale_ms = STALE_MS
        self._offset_ns: int | None = None
        self._seen = -1
        self._painted_at: deque[int] = deque(maxlen=KEPT)
        self._lags_ns: deque[int] = deque(maxlen=KEPT)  # painted less captured, of two clocks

    @property
    def has_news(self) -> bool:
        """Whether something came since `take`."""
        return self.mailbox.delivered != self._seen

    def take(self) -> bool:
        """Take the newest picture; whether there was a new one."""
        self._seen = self.mailbox.delivered
        picture = self.mailbox.take()
        if picture is None:
            return False
        self.picture = picture
        height, width = picture.bgra.shape[:2]
        # No copy: the picture is kept as long as the image that looks at it.
        self.image = QImage(
            picture.bgra.data.cast("B"),
            width,
            height,
            picture.bgra.strides[0],
            QImage.Format.Format_RGB32,
        )
        return True

    def note_painted(self, painted_ns: int) -> None:
        """The picture taken last is on the screen for the first time."""
        assert self.picture is not None
        self._painted_at.append(painted_ns)
        self._lags_ns.append(painted_ns - self.picture.captured_ns)
        self.last_painted_wall = clock.wall_time().astimezone().strftime("%H:%M:%S")

    def quiet_ms(self, now_ns: int) -> float:
        """Since the newest paint of a new picture; infinite before the first."""
        if not self._painted_at:
            return float("inf")
        return (now_ns - self._painted_at[-1]) / clock.NS_PER_MS

    def is_fresh(self, now_ns: int) -> bool:
        """Whether what is on the screen may be taken for live, as far as is known here."""
        if self.picture is None:
            return False
        if self._offset_ns is None:
            # The robot's clock is not known: the age is at least the time since it came.
            return (now_ns - self.picture.received_ns) / clock.NS_PER_MS <= self.stale_ms
        age_ns = now_ns + self._offset_ns - self.picture.captured_ns
        return age_ns / clock.NS_PER_MS <= self.stale_ms

    @property
    def is_dated(self) -> bool:
        """Whether there is a picture, and its age is known in the robot's clock."""
        return self.picture is not None and self._offset_ns is not None

    def view(self, offset_ns: int | None, now_ns: int) -> PictureView:
        """What is shown of this camera now; ages need the robot's clock against this console's."""
        self._offset_ns = offset_ns
        age_ms: float | None = None
        ages: tuple[float, ...] = ()
        if offset_ns is not None and self.picture is not None:
            age_ms = max(0.0, (now_ns + offset_ns - self.picture.captured_ns) / 1e6)
            ages = self._ages_ms(list(self._lags_ns)[-SHOWN:])
        elif self._painted_at and self.quiet_ms(now_ns) > self.stale_ms:
            # Without the robot's clock the age is not known, but it is at least this much.
            age_ms = self.quiet_ms(now_ns)
        return PictureView(
            self.camera, age_ms, self.painted, self._fps(now_ns), self.last_painted_wall, ages
        )

    def recent_ages_ms(self, now_ns: int) -> tuple[float, ...]:
        """Ages at their paint of the pictures of the last `RECENT_S`; none without a clock."""
        return self.ages_since_ms(now_ns - RECENT_S * clock.NS_PER_S)

    def ages_since_ms(self, since_ns: int) -> tuple[float, ...]:
        """Ages at their paint of the pictures painted after `since_ns`; not those of long ago."""
        painted = zip(self._painted_at, self._lags_ns, strict=True)
        return self._ages_ms([lag_ns for at_ns, lag_ns in painted if at_ns > since_ns])

    def _ages_ms(self, lags_ns: Sequence[int]) -> tuple[float, ...]:
        offset_ns = self._offset_ns
        if offset_ns is None:
            return ()
        return tuple(max(0.0, (lag_ns + offset_ns) / 1e6) for lag_ns in lags_ns)

    def _fps(self, now_ns: int) -> float:
        stamps = list(self._painted_at)[-RECENT:]
        if len(stamps) < 2 or now_ns - stamps[-1] > clock.NS_PER_S:
            return 0.0
        return clock.NS_PER_S / max(1.0, fmean(b - a for a, b in pairwise(stamps)))
