"""Whether a camera gives pictures, and what is wrong with it; as a sentence for the operator.

Pure: time is handed in. The capture stamp decides: a camera whose stamps stand still is frozen,
whatever it shows. Equal bytes count only for cameras that say that their pictures have noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from teleop.robot import Capture, Image
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import CameraCondition

MISSED_MS: Final = 1_000  # without a new picture: the age on screen is STALE by then, this says why
RETRY_MS: Final = 500  # between two tries of a camera that fails
BLACK_LEVEL: Final = 16  # of 255; a sensor's noise in the dark is below
LEAST_PIXELS: Final = 16  # H.264's macroblock; less is no picture
_SPARSE: Final = 8  # every 8th pixel of every 8th line is enough to see light
_WORDS: Final = 300  # of a rig's own words; a sentence has room for that


@dataclass
class CameraCounts:
    """Pictures of one camera by what they were."""

    captured: int = 0  # new ones
    unusable: int = 0
    black: int = 0
    repeated: int = 0


class CameraWatch:
    """One camera of the rig, told of everything that came of it."""

    def __init__(self, name: str, *, noisy: bool, now_ns: int) -> None:
        self.name = name
        self.counts = CameraCounts()
        self.width = self.height = 0  # of the newest picture
        self._noisy = noisy
        self._new_ns = now_ns  # when the newest new picture came, or the watch began
        self._captured_ns = -1
        self._last: Image | None = None
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

    def took(self, taken: Image | Capture | None, stamp_ns: int, now_ns: int) -> Capture | None:
        """What the camera gave, as a new RGB picture; None when there is none.

        Args:
            taken: what `CameraRig.render` returned.
            stamp_ns: the stamp of the state it was asked for; counts if it has none of its own.
            now_ns: the same clock.
        """
        if taken is None:
            return None
        image, captured_ns = (
            (taken.rgb, taken.captured_ns) if isinstance(taken, Capture) else (taken, stamp_ns)
        )
        rgb = as_rgb(image)
        if rgb is None or captured_ns > now_ns:
            self.counts.unusable += 1
            self._words = "its pictures cannot be used" if rgb is None else "its clock is ahead"
            return None
        if captured_ns <= self._captured_ns or self._is_copy(rgb):
            self.counts.repeated += 1
            self._repeats = True
            return None
        self._captured_ns, self._new_ns, self._last = captured_ns, now_ns, rgb
        self._words, self._repeats = "", False
        self.height, self.width = rgb.shape[:2]
        self._dark = int(rgb[::_SPARSE, ::_SPARSE].max()) < BLACK_LEVEL
        self.counts.black += self._dark
        self.counts.captured += 1
        return Capture(rgb, captured_ns)

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
                return ""
            case CameraCondition.BLACK:
                return f"The picture from {self.name} is black: is the lens covered, or no light?"
            case CameraCondition.FROZEN:
                return f"Camera {self.name} repeats one picture since {for_s}: restart it."
        why = f" ({self._words})" if self._words else ""
        return f"No picture from {self.name} since {for_s}{why}: check its cable and power."

    def _is_copy(self, rgb: Image) -> bool:
        last = self._last
        return self._noisy and last is not None and np.array_equal(rgb, last)


def as_rgb(image: npt.NDArray[np.generic]) -> Image | None:
    """The picture as (height, width, 3) bytes of even size; None when it cannot be one.

    Grey pictures and those with transparency are taken, too: a camera may change its format.
    """
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
    rgb: Image = np.ascontiguousarray(image)
    return rgb
