"""A decoded picture on its way to the screen, with the stamps that make its age honest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded frame. `bgra` is (height, width, 4) uint8, ready for QImage.Format_RGB32."""

    camera: str
    number: int  # counts the camera's captures; gaps are drops
    captured_ns: int  # the robot's clock, at capture
    received_ns: int  # this console's clock, when the decoder gave the frame out
    decoded_ns: int  # this console's clock, when `bgra` was ready
    bgra: npt.NDArray[np.uint8]
