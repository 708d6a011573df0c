"""The stream's H.264 encoder: one per camera, whatever the number of viewers.

One thread calls an encoder. The settings are for latency: no B-frames, no look-ahead, no
frame waits for another, so that a picture leaves as soon as it is encoded.

The rate changes while it runs. FFmpeg hands a new `bit_rate` on to x264 with the next frame
(libx264.c, `reconfig_encoder`); it would do the same for the VBV's rate and size, but PyAV cannot
set those once the encoder is open. So each encoder has a *gear*, the rate of its VBV: less than
that is told to x264 while it runs; for more, or much less, the encoder is opened anew (5 to 20 ms),
with a key frame. Upwards a gear has room, so that a rate that grows costs few of these. The VBV's
size keeps any frame, key frames too, below `BURST_S` of the rate: nothing bursts over a line.
"""

from __future__ import annotations

import logging
from typing import Any, Final, TypeAlias

import av
from av.video.reformatter import VideoReformatter

from transport.frame_stamp import FrameStamp, stamped
from transport.h264_encoders import RTP_CLOCK, SOFTWARE, H264Encoder, opened
from transport.i420 import I420

log = logging.getLogger("video")

EncodedFrame: TypeAlias = "av.Packet[Any]"

BITRATE_BPS: Final = 2_500_000
_HIGHER: Final = 2.0  # a gear's room when the rate goes up; going down there is none
_LEAST: Final = (
    0.75  # of the rate it was opened for; x264's average takes seconds to follow further
)
_HARDLY: Final = 0.1  # more or less, of an encoder that keeps to the rate it was opened with


class StreamEncoder:
    """Encodes the pictures of one camera into stamped packets for WebRTC."""

    def __init__(
        self,
        width: int,
        height: int,
        fps: int,
        bitrate: int = BITRATE_BPS,
        encoder: H264Encoder = SOFTWARE,
        divisor: int = 1,
    ) -> None:
        """`bitrate` in bits per second, until `adapt` says another.

        Width and height are those of the pictures that come; what is sent has a `divisor`-th of
        them, and is even.
        """
        self._divisor = divisor
        self.encoder = encoder  # software from the moment on when a chip fails
        self.width = width
        self.height = height
        self.opened = 0  # how often an encoder was opened, each time with a key frame
        self._fps = fps
        self._nominal_bps = bitrate
        self._gear_bps = int(bitrate * _HIGHER)
        self._opened_bps = bitrate
        self._pts = -1
        self._codec = self._open()
        self._reformatter = VideoReformatter()  # kept: making one for each frame costs 0.4 ms

    def adapt(self, bitrate_bps: int, fps: float) -> None:
        """From the next frame on, so many bits per second in so many frames per second."""
        # x264 gives each frame its share of the nominal frame rate (`zerolatency` implies that all
        # frames last as long), so fewer frames may each have more.
        self._nominal_bps = int(bitrate_bps * self._fps / fps)
        nominal_bps, opened_bps = self._nominal_bps, self._opened_bps
        if self.encoder.follows:
            stays = _LEAST * opened_bps <= nominal_bps <= self._gear_bps
        else:
            stays = abs(nominal_bps - opened_bps) <= _HARDLY * opened_bps
        if stays:
            self._codec.bit_rate = nominal_bps
            return
        self._gear_bps = int(nominal_bps * (_HIGHER if nominal_bps > opened_bps else 1.0))
        self._codec = self._open()

    def encode(self, picture: I420, stamp: FrameStamp, *, key_frame: bool) -> EncodedFrame | None:
        """One stamped packet for a picture; None if the encoder held it back.

        A picture of another size than the last begins with a key frame.
        """
        if (picture.width, picture.height) != (self.width, self.height):
            self.width, self.height = picture.width, picture.height
            self._codec = self._open()
        frame = picture.frame()
        if self._divisor > 1 or self.encoder.pix_fmt != frame.format.name:
            frame = self._reformatter.reformat(
                frame, *self._sent_size(), format=self.encoder.pix_fmt, threads=1
            )
        # ns to the 90 kHz clock; it only grows, also when a picture is sent twice.
        pts = max(stamp.captured_ns * 9 // 100_000, self._pts + 1)
        self._pts = pts
        frame.pts = pts
        frame.time_base = RTP_CLOCK
        if key_frame:
            frame.pict_type = av.video.frame.PictureType.I
        try:
            parts = self._codec.encode(frame)
        except Exception as error:
            if self.encoder is SOFTWARE:
                raise
            self._give_up_on_hardware(error)
            self._codec = self._open()
            return None  # the next picture begins with a key frame
        if not parts:
            return None
        encoded = b"".join(bytes(part) for part in parts)
        packet: EncodedFrame = av.Packet(stamped(encoded, stamp))
        packet.pts = pts
        packet.time_base = RTP_CLOCK
        packet.is_keyframe = any(part.is_keyframe for part in parts)  # also x264's own
        return packet

    def _sent_size(self) -> tuple[int, int]:
        if self._divisor == 1:
            return self.width, self.height
        width, height = self.width // self._divisor, self.height // self._divisor
        return width - width % 2, height - height % 2

    def _open(self) -> Any:
        self.opened += 1
        self._opened_bps = self._nominal_bps
        arguments = (*self._sent_size(), self._fps, self._nominal_bps, self._gear_bps)
        if self.encoder is not SOFTWARE:
            try:
                return opened(self.encoder, *arguments)
            except Exception as error:  # noqa: BLE001 - a driver's own; a chip serves a few only
                self._give_up_on_hardware(error)
        return opened(SOFTWARE, *arguments)

    def _give_up_on_hardware(self, error: Exception) -> None:
        log.warning("%s fails: %r; going on in software", self.encoder.name, error)
        self.encoder = SOFTWARE
