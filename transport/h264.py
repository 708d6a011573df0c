"""The stream's H.264 encoder: one per camera, whatever the number of viewers.

One thread calls an encoder. The settings are for latency: no B-frames, no look-ahead, one slice
thread, so that a picture leaves as soon as it is encoded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from transport.frame_stamp import FrameStamp, stamped

EncodedFrame: TypeAlias = "av.Packet[Any]"

RTP_CLOCK: Final = Fraction(1, 90_000)  # RFC 6184: the H.264 payload's clock
_KEY_FRAME_EVERY_S: Final = 4  # joins and losses ask for their own; this is the last resort


class StreamEncoder:
    """Encodes RGB pictures of one camera into stamped packets for WebRTC."""

    def __init__(self, width: int, height: int, fps: int, bitrate: int = 2_500_000) -> None:
        self.width = width
        self.height = height
        codec = av.CodecContext.create("libx264", "w")
        codec.width = width
        codec.height = height
        codec.pix_fmt = "yuv420p"
        codec.time_base = RTP_CLOCK
        codec.framerate = Fraction(fps, 1)
        codec.bit_rate = bitrate
        codec.thread_count = 1
        codec.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            # The buffer of half a second keeps a key frame from bursting over the link.
            "x264-params": f"keyint={fps * _KEY_FRAME_EVERY_S}:scenecut=0:repeat-headers=1"
            f":vbv-maxrate={bitrate // 1000}:vbv-bufsize={bitrate // 2000}",
        }
        self._codec = codec
        self._reformatter = VideoReformatter()  # kept: making one for each frame costs 0.4 ms

    def encode(
        self, rgb: npt.NDArray[np.uint8], stamp: FrameStamp, *, key_frame: bool
    ) -> EncodedFrame | None:
        """One stamped packet for a picture (height, width, 3); None if x264 held it back."""
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(rgb, format="rgb24"), format="yuv420p"
        )
        pts = stamp.captured_ns * 9 // 100_000  # ns to the 90 kHz clock
        picture.pts = pts
        picture.time_base = RTP_CLOCK
        if key_frame:
            picture.pict_type = av.video.frame.PictureType.I
        parts = self._codec.encode(picture)
        if not parts:
            return None
        encoded = b"".join(bytes(part) for part in parts)
        packet: EncodedFrame = av.Packet(stamped(encoded, stamp))
        packet.pts = pts
        packet.time_base = RTP_CLOCK
        packet.is_keyframe = any(part.is_keyframe for part in parts)  # also x264's own
        return packet
