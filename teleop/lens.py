"""What a pinhole camera sees of spheres: which are in its sight, and which pixels they may cover.

Pure. Both answers err on the side of seeing too much. Coordinates are the camera's: x to the right,
y up, z towards whoever looks at the picture, so that what is seen has a negative z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]  # (n, 3)
Mask = npt.NDArray[np.bool_]  # (n,)

ALIGNED: Final = 16  # pixels: a part is drawn of the same tiles as the whole, so it looks the same
MARGIN_PX: Final = 2.0  # for what rounding does to an edge


@dataclass(frozen=True)
class Window:
    """Part of a picture, in pixels; as OpenGL has it, from the lower left."""

    left: int
    bottom: int
    width: int
    height: int


@dataclass(frozen=True)
class Lens:
    """The four sides of what is seen, as tangents: where they are one metre before the camera."""

    left: float
    right: float
    bottom: float
    top: float

    def part(self, window: Window, width: int, height: int) -> Lens:
        """What is seen in `window` of a picture of `width` x `height`."""
        across = (self.right - self.left) / width
        up = (self.top - self.bottom) / height
        return Lens(
            left=self.left + window.left * across,
            right=self.left + (window.left + window.width) * across,
            bottom=self.bottom + window.bottom * up,
            top=self.bottom + (window.bottom + window.height) * up,
        )

    def sees(self, centres: Points, radii: Any) -> Mask:
        """Whether any of each sphere may be in sight."""
        x, y, ahead = centres[:, 0], centres[:, 1], -centres[:, 2]
        seen: Mask = ahead > -radii
        for along, low, high in ((x, self.left, self.right), (y, self.bottom, self.top)):
            seen &= along - high * ahead < radii * np.hypot(1, high)
            seen &= low * ahead - along < radii * np.hypot(1, low)
        return seen

    def covered(self, centres: Points, radii: Any, width: int, height: int) -> Window | None:
        """The pixels that spheres may cover in a picture of `width` x `height`; None: none."""
        seen = self.sees(centres, radii)
        if not seen.any():
            return None
        x, y, ahead = centres[seen, 0], centres[seen, 1], -centres[seen, 2]
        sides: list[tuple[int, int]] = []
        for along, low, high, size in (
            (x, self.left, self.right, width),
            (y, self.bottom, self.top, height),
        ):
            least, most = _shadow(along, ahead, radii[seen])
            to_px = size / (high - low)
            begin = max(0, _down((least - low) * to_px - MARGIN_PX, size))
            end = min(size, -_down(-(most - low) * to_px - MARGIN_PX, size))
            if begin >= end:
                return None
            sides.append((begin, end))
        (left, right), (bottom, top) = sides
        return Window(left, bottom, right - left, top - bottom)


def _shadow(along: Any, ahead: Any, radii: Any) -> tuple[float, float]:
    """Least and largest tangent under which discs are seen from the origin; may be infinite."""
    far = np.hypot(along, ahead)
    middle = np.arctan2(along, ahead)
    half = np.arcsin(np.clip(radii / np.maximum(far, 1e-12), 0, 1))
    around = far <= radii  # the camera is within
    least, most = middle - half, middle + half
    right_angle = np.pi / 2 - 1e-9
    low = np.where(around | (least <= -right_angle), -np.inf, np.tan(least))
    high = np.where(around | (most >= right_angle), np.inf, np.tan(most))
    return float(low.min()), float(high.max())


def _down(pixels: float, size: int) -> int:
    """The next multiple of `ALIGNED` below; what is far outside comes near."""
    return int(np.floor(np.clip(pixels, -2 * size, 2 * size) / ALIGNED)) * ALIGNED
