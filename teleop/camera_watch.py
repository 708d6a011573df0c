"""Whether a camera gives pictures, and what is wrong with it; as a sentence for the operator.

Pure: time is handed in. The capture stamp decides: a camera whose stamps stand still, or come
again, is frozen, whatever it shows. One whose stamps go back to a time that was not there yet had
its clock set back: from then on a picture is as old as its arrival says. Equal bytes count only for
cameras that say that their pictures have noise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from teleop.robot import Capture, Image
from transport.clock import NS_PER_MS, NS_PER_S
from transport.i420 import I420, ToI420
from transport.messages import CameraCondition

MISSED_MS: Final = 1_000  # without a new picture: the age on screen is STALE by then, this says why
RETRY_MS: Final = 500  # between two tries of a camera that fails
BLACK_LEVEL: Final = 30  # of luma, which begins at 16; a sensor's noise in the dark is below
LEAST_PIXELS: Final = 16  # H.264's macroblock; less is no picture
_REMEMBERED: Final = 64  # stamps, two seconds; more buffers than a driver hands out in turn
_SPARSE: Final = 8  # every 8th pixel of every 8th line is enough to see light
_WORDS: Final = 300  # of a rig's own words; a sentence has room for that


@dataclass(frozen=True, eq=False)
class Shot:
    """One new picture as it was taken."""

    camera: str
    captured_ns: int
    number: int  # of the camera's new pictures
    picture: I420


@dataclass
class CameraCounts:
    """Pictures of one camera by what they were."""

    captured: int = 0  # new ones
    unusable: int = 0
    black: int = 0
    repeated: int = 0
    jumped: int = 0  # new ones whose stamp lay before the one of the picture before


class CameraWatch:
    """One camera of the rig, told of everything that came of it."""

    def __init__(self, name: str, *, noisy: bool, recorded: tuple[int, int], now_ns: int) -> None:
        """`recorded` are width and height of the pictures that an episode takes."""
        self.name = name
        self.counts = CameraCounts()
        self.width = self.height = 0  # of the newest picture
        self._noisy = noisy
        self._recorded = recorded
        self._new_ns = now_ns  # when the newest new picture came, or the watch began
        self._stamp_ns = -1  # of the newest new picture, by the camera's clock
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)  # the stamps before
        self._by_arrival = False  # that clock was set back
        self._last: I420 | None = None
        self._to_i420 = ToI420()
        self._dark = False
        self._words = ""  # of what it failed with last
        self._repeats = False  # whether it gave something since, but nothing new
        self._retry_ns = 0

    def due(self, now_ns: int) -> bool:
        """Whether to ask the camera now; one that fails is asked less often."""
        return now_ns >= self._retry_ns

    def not_asked(self, for_ns: int) -> None:
        """Nobody wanted a picture for so long: that is not the camera's fault."""
        self._new_ns += for_ns

    def failed(self, words: str, now_ns: int) -> None:
        """It raised."""
        self._words = words[:_WORDS]
        self._repeats = False
        self._retry_ns = now_ns + RETRY_MS * NS_PER_MS

    def took(self, taken: Image | I420 | Capture | None, stamp_ns: int, now_ns: int) -> Shot | None:
        """What the camera gave, if it is a new picture.

        Args:
            taken: what `CameraRig.render` returned.
            stamp_ns: the stamp of the state it was asked for; counts if it has none of its own.
            now_ns: the same clock.
        """
        if taken is None:
            return None
        captured_ns = taken.captured_ns if isinstance(taken, Capture) else stamp_ns
        given = taken.picture if isinstance(taken, Capture) else taken
        if captured_ns > now_ns:
            self.counts.unusable += 1
            self._words = "its clock is ahead"
            return None
        back = captured_ns < self._stamp_ns
        again = captured_ns in self._recent or (back and not isinstance(taken, Capture))
        picture = None if again else as_i420(given, self._to_i420)
        if again or (picture and self._is_copy(picture)):
            self.counts.repeated += 1
            self._repeats = True
            return None
        if picture is None:
            self.counts.unusable += 1
            self._words = "its pictures cannot be used"
            return None
        self.counts.jumped += back
        self._by_arrival |= back
        self._recent.append(captured_ns)
        self._stamp_ns, self._new_ns, self._last = captured_ns, now_ns, picture
        self._words, self._repeats = "", False
        self.width, self.height = picture.width, picture.height
        self._dark = int(picture.luma[::_SPARSE, ::_SPARSE].max()) < BLACK_LEVEL
        self.counts.black += self._dark
        self.counts.captured += 1
        shown_ns = now_ns if self._by_arrival else captured_ns
        return Shot(self.name, shown_ns, self.counts.captured, picture)

    def since_s(self, now_ns: int) -> float:
        """Since the newest new picture."""
        return max(0, now_ns - self._new_ns) / NS_PER_S

    def condition(self, now_ns: int) -> CameraCondition:
        """Whether it gives pictures."""
        if now_ns - self._new_ns < MISSED_MS * NS_PER_MS:
            return CameraCondition.BLACK if self._dark else CameraCondition.LIVE
        return CameraCondition.FROZEN if self._repeats else CameraCondition.MISSING

    def problem(self, now_ns: int) -> str:
        """What is wrong and what to do, as a sentence; empty while nothing is."""
        for_s = f"{self.since_s(now_ns):.0f} s"
        match self.condition(now_ns):
            case CameraCondition.LIVE:
                return self._other_size()
            case CameraCondition.BLACK:
                return f"The picture from {self.name} is black: is the lens covered, or no light?"
            case CameraCondition.FROZEN:
                return f"Camera {self.name} repeats one picture since {for_s}: restart it."
        why = f" ({self._words})" if self._words else ""
        return f"No picture from {self.name} since {for_s}{why}: check its cable and power."

    def _other_size(self) -> str:
        """What its pictures are good for, when they have not the size that is recorded."""
        if not self.width or (self.width, self.height) == self._recorded:
            return ""
        width, height = self._recorded
        return (
            f"Camera {self.name} gives {self.width}x{self.height}, recorded are {width}x{height}: "
            "its pictures are shown, not recorded."
        )

    def _is_copy(self, picture: I420) -> bool:
        last = self._last
        return self._noisy and last is not None and np.array_equal(picture.planes, last.planes)


def as_i420(image: npt.NDArray[np.generic] | I420, to_i420: Callable[[Image], I420]) -> I420 | None:
    """The picture in I420, of even size; None when it cannot be one.

    Grey pictures and those with transparency are taken, too: a camera may change its format.
    """
    if isinstance(image, I420):
        return image if _is_i420(image.planes) else None
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3):
        return None
    if image.ndim == 2:
        image = image[..., None]
    height, width, channels = image.shape
    if min(height, width) < LEAST_PIXELS or channels not in (1, 3, 4):
        return None
    image = image[: height - height % 2, : width - width % 2, :3]
    if channels == 1:
        image = np.repeat(image, 3, axis=2)
    rgb: Image = image.astype(np.uint8, copy=False)
    return to_i420(rgb)


def _is_i420(planes: object) -> bool:
    return (
        isinstance(planes, np.ndarray)
        and planes.dtype == np.uint8
        and planes.ndim == 2
        and planes.shape[0] % 3 == 0
        and planes.shape[1] % 2 == 0
        and min(planes.shape[0] * 2 // 3, planes.shape[1]) >= LEAST_PIXELS
        and planes.flags.c_contiguous
    )
