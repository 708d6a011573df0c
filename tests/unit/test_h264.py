"""The stream's encoder: its rate follows, no frame bursts, and a picture may change its size."""

from __future__ import annotations

import av
import numpy as np
import pytest

from transport.frame_stamp import FrameStamp
from transport.h264 import EncodedFrame, StreamEncoder
from transport.h264_encoders import BURST_S
from transport.i420 import I420, ToI420

WIDTH, HEIGHT, FPS = 320, 240, 30


def moving_noise(count: int, width: int = WIDTH, height: int = HEIGHT) -> list[I420]:
    """Pictures that cost whatever rate there is."""
    coarse = np.random.default_rng(1).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    noise = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    to_i420 = ToI420()
    return [to_i420(np.roll(noise, 3 * n, axis=1)) for n in range(count)]


def encoded(
    encoder: StreamEncoder, pictures: list[I420], first: int = 0, key_at: int = -1
) -> list[EncodedFrame]:
    frames = []
    for number, picture in enumerate(pictures):
        stamp = FrameStamp((first + number) * 33_333_333, first + number)
        frame = encoder.encode(picture, stamp, key_frame=number == key_at)
        assert frame is not None
        frames.append(frame)
    return frames


def rate_bps(frames: list[EncodedFrame], fps: float = FPS) -> float:
    return sum(frame.size for frame in frames) * 8 * fps / len(frames)


@pytest.mark.parametrize(
    ("bitrate_bps", "fps"), [(60_000, 10.0), (150_000, 15.0), (400_000, 30.0), (2_000_000, 30.0)]
)
def test_the_rate_follows_whatever_is_told_while_it_runs(bitrate_bps: int, fps: float) -> None:
    encoder = StreamEncoder(WIDTH, HEIGHT, FPS, 800_000)
    pictures = moving_noise(90)
    encoded(encoder, pictures)
    encoder.adapt(bitrate_bps, fps)
    frames = encoded(encoder, pictures, 90)
    assert 0.6 * bitrate_bps < rate_bps(frames[15:], fps) < 1.2 * bitrate_bps


def test_within_a_gear_the_encoder_goes_on_without_a_key_frame() -> None:
    encoder = StreamEncoder(WIDTH, HEIGHT, FPS, 800_000)
    pictures = moving_noise(30)
    encoded(encoder, pictures)
    encoder.adapt(700_000, FPS)
    assert not any(frame.is_keyframe for frame in encoded(encoder, pictures, 30))
    assert encoder.opened == 1


def test_into_another_gear_it_is_opened_anew_with_a_key_frame() -> None:
    encoder = StreamEncoder(WIDTH, HEIGHT, FPS, 800_000)
    pictures = moving_noise(10)
    encoded(encoder, pictures)
    for bitrate_bps in (300_000, 500_000):
        encoder.adapt(bitrate_bps, FPS)
        keys = [frame.is_keyframe for frame in encoded(encoder, pictures, 10)]
        assert keys == [True] + [False] * 9
    assert encoder.opened == 3


@pytest.mark.parametrize("bitrate_bps", [150_000, 400_000, 2_000_000])
def test_not_even_a_key_frame_is_longer_than_the_burst_that_is_allowed(bitrate_bps: int) -> None:
    encoder = StreamEncoder(WIDTH, HEIGHT, FPS, bitrate_bps)
    frames = encoded(encoder, moving_noise(60), key_at=30)
    assert frames[30].is_keyframe
    largest = max(frame.size for frame in frames) * 8
    assert largest <= 1.25 * BURST_S * bitrate_bps + 1000  # headers and stamp come on top


def test_a_picture_of_another_size_begins_with_a_key_frame_that_decodes() -> None:
    encoder = StreamEncoder(WIDTH, HEIGHT, FPS, 800_000)
    encoded(encoder, moving_noise(3))
    frames = encoded(encoder, moving_noise(3, 160, 120), 3)
    assert [frame.is_keyframe for frame in frames] == [True, False, False]
    decoder = av.CodecContext.create("h264", "r")
    shown = [p for f in frames for p in decoder.decode(av.Packet(bytes(f)))]  # type: ignore[attr-defined]
    shown += decoder.decode(None)  # type: ignore[attr-defined]
    assert {(picture.width, picture.height) for picture in shown} == {(160, 120)}


@pytest.mark.parametrize(("size", "slices"), [((640, 480), 1), ((1280, 720), 2)])
def test_large_pictures_leave_at_once_too_in_slices_that_are_encoded_side_by_side(
    size: tuple[int, int], slices: int
) -> None:
    encoder = StreamEncoder(*size, FPS)
    for frame in encoded(encoder, moving_noise(3, *size)):
        kinds = [nal[0] & 31 for nal in bytes(frame).split(b"\0\0\1")[1:]]
        assert sum(kind in (1, 5) for kind in kinds) == slices  # H.264 table 7-1: coded slices
