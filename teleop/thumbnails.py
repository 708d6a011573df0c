"""Small pictures for those who look at many robots: made when asked for, of what was filmed anyway.

At most two a second of each camera and size, however many ask. Cameras and encoders never wait: a
camera's newest picture is only remembered here, and everything else happens on the asker's thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from teleop.camera_watch import LEAST_PIXELS, Shot
from transport.archive_messages import THUMBNAIL_BYTES, THUMBNAIL_WIDTHS
from transport.clock import NS_PER_MS
from transport.i420 import I420

GOOD_NS: Final = 500 * NS_PER_MS  # how long one is shown to others, too
_QUALITIES: Final = (4, 8, 16, 31)  # MJPEG's quantiser: 4 looks untouched, 31 is as coarse as it is
_FORMAT: Final = "yuvj420p"  # JPEG's luma goes from 0 to 255, a camera's from 16 to 235


@dataclass(frozen=True)
class Thumbnail:
    """One JPEG of at most `THUMBNAIL_BYTES`, and when its picture was captured."""

    captured_ns: int
    jpeg: bytes


class Thumbnails:
    """Of all cameras of one robot."""

    def __init__(self) -> None:
        self._newest: dict[str, Shot] = {}
        self._made: dict[tuple[str, int], tuple[int, Thumbnail]] = {}  # and when

    def saw(self, shot: Shot) -> None:
        """A camera's newest picture; from the thread that films."""
        self._newest[shot.camera] = shot

    def of(self, camera: str, width: int, now_ns: int) -> Thumbnail | None:
        """The camera's newest one that is at least `width` pixels wide, or as wide as its picture.

        None while the camera has given nothing.
        """
        shot = self._newest.get(camera)
        if shot is None:
            return None
        size = next((known for known in THUMBNAIL_WIDTHS if known >= width), THUMBNAIL_WIDTHS[-1])
        made_ns, made = self._made.get((camera, size), (0, None))
        if made is None or now_ns - made_ns >= GOOD_NS:
            made = Thumbnail(shot.captured_ns, jpeg_of(shot.picture, size))
            self._made[camera, size] = (now_ns, made)
        return made


def jpeg_of(picture: I420, most_px: int) -> bytes:
    """A JPEG of at most `THUMBNAIL_BYTES`, neither wider nor higher than `most_px`.

    A picture of noise comes out coarser than others, or smaller.
    """
    from av.video.reformatter import ColorRange, VideoReformatter

    share = min(1.0, most_px / max(picture.width, picture.height))
    sides = picture.width, picture.height
    width, height = (max(LEAST_PIXELS, round(side * share)) for side in sides)
    frame = VideoReformatter().reformat(
        picture.frame(),
        width - width % 2,
        height - height % 2,
        format=_FORMAT,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    for quality in _QUALITIES:
        jpeg = _encoded(frame, quality)
        if len(jpeg) <= THUMBNAIL_BYTES:
            return jpeg
    return jpeg_of(picture, most_px // 2)


def _encoded(frame: Any, quality: int) -> bytes:
    import av

    codec: Any = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, _FORMAT
    codec.time_base = Fraction(1, 1)  # it wants one; a single picture has no time
    codec.thread_count = 1
    codec.qmin = codec.qmax = quality
    frame.pts = 0
    return b"".join(bytes(packet) for packet in codec.encode(frame))
