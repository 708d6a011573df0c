"""The stream's H.264 encoder: one per camera, whatever the number of viewers.

One thread calls an encoder. The settings are for latency: no B-frames, no look-ahead, one slice
thread, so that a picture leaves as soon as it is encoded.

The rate changes while it runs. FFmpeg hands a new `bit_rate` on to x264 with the next frame
(libx264.c, `reconfig_encoder`); it would do the same for the VBV's rate and size, but PyAV cannot
set those once the encoder is open. So each encoder has a *gear*, the rate of its VBV: a little less
than that is told to x264 while it runs; for more, or much less, the encoder is opened anew (5 to
20 ms), with a key frame. The VBV keeps any frame, key frames too, below `BURST_S` of the gear's
rate: nothing bursts over a narrow line.
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
BITRATE_BPS: Final = 2_500_000
_HIGHER: Final = 1.25  # a gear's headroom when the rate goes up; going down there is none
_LEAST: Final = 0.75  # of a gear's rate; below that x264's average takes seconds to follow
BURST_S: Final = 0.12  # between two and four frames' worth at 30 Hz; less blurs every key frame
_KEY_FRAME_EVERY_S: Final = 4  # joins and losses ask for their own; this is the last resort


class StreamEncoder:
    """Encodes RGB pictures of one camera into stamped packets for WebRTC."""

    def __init__(self, width: int, height: int, fps: int, bitrate: int = BITRATE_BPS) -> None:
        self.width = width
        self.height = height
        self.opened = 0  # how often an encoder was opened, each time with a key frame
        self._fps = fps
        self._nominal_bps = bitrate
        self._gear_bps = bitrate
        self._pts = -1
        self._codec = self._open()
        self._reformatter = VideoReformatter()  # kept: making one for each frame costs 0.4 ms

    def adapt(self, bitrate_bps: int, fps: float) -> None:
        """From the next frame on, so many bits per second in so many frames per second."""
        # x264 gives each frame its share of the nominal frame rate (`zerolatency` implies that all
        # frames last as long), so fewer frames may each have more.
        self._nominal_bps = int(bitrate_bps * self._fps / fps)
        if _LEAST * self._gear_bps <= self._nominal_bps <= self._gear_bps:
            self._codec.bit_rate = self._nominal_bps
            return
        up = self._nominal_bps > self._gear_bps
        self._gear_bps = int(self._nominal_bps * _HIGHER) if up else self._nominal_bps
        self._codec = self._open()

    def encode(
        self, rgb: npt.NDArray[np.uint8], stamp: FrameStamp, *, key_frame: bool
    ) -> EncodedFrame | None:
        """One stamped packet for a picture (height, width, 3); None if x264 held it back.

        A picture of another size than the last begins with a key frame.
        """
        height, width = rgb.shape[:2]
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self._codec = self._open()
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(rgb, format="rgb24"), format="yuv420p"
        )
        # ns to the 90 kHz clock; it only grows, also when a picture is sent twice.
        pts = max(stamp.captured_ns * 9 // 100_000, self._pts + 1)
        self._pts = pts
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

    def _open(self) -> Any:
        self.opened += 1
        codec = av.CodecContext.create("libx264", "w")
        codec.width = self.width
        codec.height = self.height
        codec.pix_fmt = "yuv420p"
        codec.time_base = RTP_CLOCK
        codec.framerate = Fraction(self._fps, 1)
        codec.bit_rate = self._nominal_bps
        codec.thread_count = 1
        codec.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "maxrate": str(self._gear_bps),
            "bufsize": str(int(self._gear_bps * BURST_S)),
            "x264-params": f"keyint={self._fps * _KEY_FRAME_EVERY_S}:scenecut=0:repeat-headers=1",
        }
        return codec
