"""A thumbnail as pixels for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from transport.archive_messages import THUMBNAIL_WIDTHS
from transport.picture_maker import bgra_of


def bgra_of_jpeg(jpeg: bytes) -> npt.NDArray[np.uint8]:
    """The pixels, (height, width, 4) uint8, ready for QImage.Format_RGB32.

    Raises:
        ValueError: it is no JPEG, or larger than any that a robot makes.
    """
    import av
    from av.video.reformatter import VideoReformatter

    codec: Any = av.CodecContext.create("mjpeg", "r")
    codec.thread_count = 1
    try:
        frames = [*codec.decode(av.Packet(jpeg)), *codec.decode(None)]
    except FFmpegError as error:
        raise ValueError(f"no JPEG: {error}") from None
    most = THUMBNAIL_WIDTHS[-1]
    if len(frames) != 1 or not 0 < frames[0].width <= most or not 0 < frames[0].height <= most:
        raise ValueError("not the one small picture that was asked for")
    return bgra_of(VideoReformatter().reformat(frames[0], format="bgra", threads=1))
