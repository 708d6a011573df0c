"""Which H.264 encoder this machine has: hardware where it really works, libx264 otherwise.

An encoder counts as working when it opens and turns a few test pictures into frames at once, each
picture into one, with a key frame where one was asked for. Being listed by FFmpeg says nothing:
most are, on machines that have no such chip.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.codec.hwaccel import HWAccel

RTP_CLOCK: Final = Fraction(1, 90_000)  # RFC 6184: the H.264 payload's clock
BURST_S: Final = 0.12  # between two and four frames' worth at 30 Hz; less blurs every key frame
# A stricter average than x264's own: else it hardly forgets while the VBV has room (ratecontrol.c).
X264_PARAMS: Final = "scenecut=0:repeat-headers=1:ratetol=0.5"
# Deblocking is all that `ultrafast` misses: with it the PSNR is that of `superfast` at the same
# rate, 0.2 to 2.5 Mbit/s, with and without sensor noise, in 0.5 to 0.7 of the time (measured).
DEBLOCK: Final = ":no-deblock=0"
# Pixels; above, time counts for more than that. Two slices at once and no deblocking: 1.0 of 5 ms
# less at 1280x720 on two cores, capture to decoded. At 640x480 slices gain nothing (measured).
LARGE: Final = 800 * 600
KEY_FRAME_EVERY_S: Final = 4  # joins and losses ask for their own; this is the last resort


@dataclass(frozen=True)
class H264Encoder:
    """One of FFmpeg's encoders, and how it is told to hold nothing back."""

    name: str
    what: str  # for people
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    device: str = ""  # of FFmpeg's hardware contexts, if pictures have to be brought there
    follows: bool = False  # a new bit rate counts without opening it again


SOFTWARE: Final = H264Encoder(
    "libx264",
    "software",
    options={"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"},
    follows=True,  # libx264.c, reconfig_encoder
)
# In this order; options as `ffmpeg -h encoder=NAME` lists them. Baseline throughout, as is offered.
HARDWARE: Final = (
    H264Encoder(
        "h264_nvenc",
        "NVIDIA NVENC",
        options={
            "preset": "p2",
            "tune": "ull",
            "profile": "baseline",
            "rc": "cbr",
            "delay": "0",
            "zerolatency": "1",
            "forced-idr": "1",
        },
        follows=True,  # nvenc.c, reconfig_encoder
    ),
    H264Encoder(
        "h264_qsv",
        "Intel Quick Sync",
        pix_fmt="nv12",
        options={
            "preset": "veryfast",
            "profile": "baseline",
            "async_depth": "1",
            "low_delay_brc": "1",
            "forced_idr": "1",
        },
        follows=True,  # qsvenc.c, update_parameters
    ),
    H264Encoder(
        "h264_vaapi",
        "VA-API",
        pix_fmt="nv12",
        options={"profile": "constrained_baseline", "rc_mode": "CBR", "async_depth": "1"},
        device="vaapi",
    ),
    H264Encoder(
        "h264_videotoolbox",
        "VideoToolbox",
        pix_fmt="nv12",
        options={"profile": "baseline", "realtime": "1", "prio_speed": "1"},
    ),
)


def opened(
    encoder: H264Encoder, width: int, height: int, fps: int, bitrate_bps: int, gear_bps: int
) -> Any:
    """A codec context, open; `gear_bps` is the most that `bitrate_bps` may be set to later.

    Raises:
        Exception: of many kinds, the drivers' own; it is not there or does not open.
    """
    accel = {"hwaccel": HWAccel(encoder.device)} if encoder.device else {}
    codec: Any = av.CodecContext.create(encoder.name, "w", **accel)
    codec.width, codec.height = width, height
    codec.pix_fmt = encoder.pix_fmt
    codec.time_base = RTP_CLOCK
    codec.framerate = Fraction(fps, 1)
    codec.bit_rate = bitrate_bps
    codec.gop_size = fps * KEY_FRAME_EVERY_S
    codec.max_b_frames = 0
    large = width * height > LARGE
    codec.thread_type, codec.thread_count = "SLICE", 2 if large and encoder is SOFTWARE else 1
    codec.options = {
        **encoder.options,
        "maxrate": str(gear_bps),
        "bufsize": str(int(bitrate_bps * BURST_S)),
    }
    if encoder is SOFTWARE:
        codec.options |= {"x264-params": X264_PARAMS + ("" if large else DEBLOCK)}
    codec.open()
    return codec


def trouble(encoder: H264Encoder, open_codec: Callable[..., Any] = opened) -> str:
    """Why an encoder cannot be used here; empty when it can."""
    try:
        codec = open_codec(encoder, 640, 480, 30, 1_000_000, 1_000_000)
        for number in range(4):
            grey = np.full((480, 640, 3), 60 * number, np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(
                format=encoder.pix_fmt
            )
            picture.pts, picture.time_base = number * 3000, RTP_CLOCK
            if number == 2:
                picture.pict_type = av.video.frame.PictureType.I
            packets = codec.encode(picture)
            if not packets:
                return "holds pictures back"
            if any(packet.is_keyframe for packet in packets) != (number in (0, 2)):
                return "makes no key frame when asked, or others"
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, it is not to be used
        return str(error) or type(error).__name__
    return ""


def choose(
    troubles: Callable[[H264Encoder], str] = trouble,
    candidates: Sequence[H264Encoder] = HARDWARE,
) -> tuple[H264Encoder, dict[str, str]]:
    """The first of `candidates` that works, else software; and why those before it do not."""
    why: dict[str, str] = {}
    for encoder in candidates:
        reason = troubles(encoder)
        if not reason:
            return encoder, why
        why[encoder.name] = reason
    return SOFTWARE, why


@functools.cache
def encoder_here() -> H264Encoder:
    """The one for this machine; found out once per process."""
    return choose()[0]


def described() -> str:
    """The choice for people, with what was tried in vain.

    Raises:
        RuntimeError: not even software encodes.
    """
    encoder, why = choose()
    reason = trouble(encoder)
    if reason:
        raise RuntimeError(f"{encoder.name} does not encode: {reason}")
    tried = "".join(f"; no {name}" for name in why)
    return f"{encoder.name} ({encoder.what}), PyAV {av.__version__}{tried}"
