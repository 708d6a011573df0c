"""The cameras of `unstick bench record`: made beforehand, moving, with a sensor's noise.

A smooth background in colour, a bright square that swings across it, and fresh noise in every
picture (two grey levels), so that an encoder has what a camera gives it: details that move, and
details that are worth nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from teleop.bench_operator import CAMERAS
from teleop.robot import Capture
from transport.clock import now_ns
from transport.i420 import I420, ToI420

PICTURES: Final = 31  # made once and shown over and over; in step with no group of pictures
NOISE: Final = 2.0  # grey levels, standard deviation
SWING: Final = PICTURES / 2  # pictures from one side to the other, so that the loop closes

_SQUARE: Final = (230, 60, 40)  # RGB


def film(width: int, height: int, count: int = PICTURES, seed: int = 0) -> list[I420]:
    """`count` pictures in a row; the same seed gives the same film."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [120 + 80 * np.sin(x / 40 + k) * np.cos(y / 55 + seed) for k in range(3)]
    background = np.stack(waves, axis=-1)
    side = height // 6
    convert = ToI420()
    pictures = []
    for number in range(count):
        noise = dice.standard_normal((height, width, 1), np.float32) * NOISE
        picture = background + noise
        left = round((width - side) * (0.5 - 0.5 * np.cos(np.pi * number / SWING)))
        picture[height // 3 : height // 3 + side, left : left + side] = _SQUARE
        pictures.append(convert(picture.clip(0, 255).astype(np.uint8)))
    return pictures


class BenchCameras:
    """Two cameras of any size that give a picture whenever they are asked (a `CameraRig`)."""

    names: tuple[str, ...] = CAMERAS
    noisy: bool = True

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._film: Sequence[I420] = film(width, height)
        self._given = {name: place * 7 for place, name in enumerate(self.names)}  # not in step

    @classmethod
    def of(cls, size: str) -> BenchCameras:
        """Those of a size like 640x480."""
        width, height = map(int, size.split("x"))
        return cls(width, height)

    def open(self) -> None:
        """Nothing is taken."""

    def render(self, camera: str, state: bytes) -> Capture:
        """The next picture; a copy, as a driver gives one."""
        self._given[camera] += 1
        picture = I420(self._film[self._given[camera] % len(self._film)].planes.copy())
        return Capture(picture, now_ns())

    def close(self) -> None:
        """Nothing is held."""
