"""A picture as codecs and most cameras have it: luma, and both chroma planes at half the size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class I420:
    """One picture in the layout of that FourCC, BT.601, luma 16 to 235.

    `planes` is (height * 3 / 2, width) uint8, contiguous: luma, then U, then V, each row after row
    without gaps. Width and height are even.
    """

    planes: npt.NDArray[np.uint8]

    @property
    def width(self) -> int:
        return int(self.planes.shape[1])

    @property
    def height(self) -> int:
        return int(self.planes.shape[0]) * 2 // 3

    @property
    def luma(self) -> npt.NDArray[np.uint8]:
        """(height, width), a view."""
        return self.planes[: self.height]

    def frame(self) -> Any:
        """A new `av.VideoFrame` of the same memory; it must not be written to."""
        import av

        if self.height % 4:  # the chroma planes end amid a row: without a copy PyAV misplaces them
            return av.VideoFrame.from_ndarray(self.planes, format="yuv420p")
        # Not from_ndarray: its copy costs 0.5 ms at 640x480, 1.6 ms at 1280x720 (RGB, measured).
        return av.VideoFrame.from_numpy_buffer(self.planes, format="yuv420p")


def black(width: int, height: int) -> I420:
    """A picture without any light."""
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = 16
    return I420(planes)


class ToI420:
    """Turns RGB pictures into I420; kept for a camera, as making one costs 0.4 ms."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> I420:
        """A (height, width, 3) picture of even size."""
        import av

        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(rgb), format="rgb24")
        yuv: Any = self._reformatter.reformat(
            frame, format="yuv420p", interpolation="BILINEAR", threads=1
        )
        return I420(yuv.to_ndarray())
