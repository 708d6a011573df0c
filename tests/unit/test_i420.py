"""A picture keeps its place and its colours through I420, whatever its size."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
import pytest

from recorder.video_track import VideoTrack
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.i420 import I420, ToI420, black

Rgb = npt.NDArray[np.uint8]
SIZES = [(64, 48), (64, 50), (480, 270), (66, 34)]  # heights with and without half a row of chroma


def halves(width: int, height: int) -> Rgb:
    """Red above, blue below."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, :, 0] = 200
    rgb[height // 2 :, :, 2] = 200
    return rgb


def assert_alike(seen: Rgb, meant: Rgb) -> None:
    assert seen.shape == meant.shape
    off = np.abs(seen.astype(int) - meant.astype(int)).max(axis=2)
    middle = meant.shape[0] // 2
    off[middle - 2 : middle + 2] = 0  # two rows share their colour
    assert off.max() <= 24


def decoded(packet: bytes) -> Rgb:
    decoder = av.CodecContext.create("h264", "r")
    frames = [*decoder.decode(av.Packet(packet)), *decoder.decode(None)]
    rgb: Rgb = frames[0].to_ndarray(format="rgb24")
    return rgb


@pytest.mark.parametrize("size", SIZES)
def test_there_and_back(size: tuple[int, int]) -> None:
    picture = ToI420()(halves(*size))
    assert (picture.width, picture.height) == size
    assert_alike(picture.frame().to_ndarray(format="rgb24"), halves(*size))


@pytest.mark.parametrize("size", SIZES)
def test_through_the_stream(size: tuple[int, int]) -> None:
    encoder = StreamEncoder(*size, 30)
    packet = encoder.encode(ToI420()(halves(*size)), FrameStamp(0, 0), key_frame=True)
    assert packet is not None
    assert_alike(decoded(bytes(packet)), halves(*size))


@pytest.mark.parametrize("size", SIZES)
def test_through_the_recorder(size: tuple[int, int]) -> None:
    packet = VideoTrack(*size).encode(ToI420()(halves(*size)))
    assert_alike(decoded(packet.data), halves(*size))


def test_rows_that_are_upside_down_in_memory_are_taken_as_they_are_meant() -> None:
    rgb = halves(64, 48)[::-1]
    assert_alike(ToI420()(rgb).frame().to_ndarray(format="rgb24"), rgb)


def test_a_frame_looks_at_the_pictures_own_memory() -> None:
    picture = black(64, 48)
    assert isinstance(picture, I420)
    assert np.shares_memory(np.frombuffer(picture.frame().planes[0], np.uint8), picture.planes)
