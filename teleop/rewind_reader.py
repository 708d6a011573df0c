"""The pictures of a rewind, in order or in whatever order somebody scrubs.

Frames stay encoded, 10 s of 640x480 are one or two MB instead of 276: a jump decodes from the key
frame before, at most half a second of video. A reader belongs to one thread; `Scrubber` has one of
its own, so that a window only says which picture it wants.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from teleop.rewind import Rewind
from transport.channels import ROW_HZ
from transport.mailbox import Mailbox
from transport.picture_maker import bgra_of

log = logging.getLogger("archive")

Pixels = npt.NDArray[np.uint8]  # (height, width, 4), BGRA, ready for QImage.Format_RGB32
_ROW_TIME: Final = Fraction(1, ROW_HZ)
MOST_PIXELS: Final = 4096 * 2304  # of a frame; a camera that is used for driving has fewer


class RewindReader:
    """Decodes one rewind; one thread uses it."""

    def __init__(self, rewind: Rewind) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self._rewind = rewind
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1
        self._decoder.options = {"max_pixels": str(MOST_PIXELS)}
        self._reformatter = VideoReformatter()
        self._next = -1  # the frame that the decoder needs next; -1: a key frame
        self._shown: tuple[int, Pixels] | None = None

    def picture(self, index: int) -> Pixels:
        """The picture of a frame.

        Raises:
            ValueError: it cannot be decoded.
            IndexError: there is no such frame.
        """
        if not 0 <= index < len(self._rewind.frames):
            raise IndexError(f"no frame {index} of {len(self._rewind.frames)}")
        if self._shown is not None and self._shown[0] == index:
            return self._shown[1]
        key = next(at for at in range(index, -1, -1) if self._rewind.frames[at].key)
        if not key <= self._next <= index:
            self._decoder.flush_buffers()
            self._next = key
        frame = None
        while self._next <= index:
            frame = self._decoded(self._next)
            self._next += 1
        if frame is None:
            raise ValueError(f"frame {index} of the rewind is damaged")
        pixels = bgra_of(self._reformatter.reformat(frame, format="bgra", threads=1))
        self._shown = (index, pixels)
        return pixels

    def _decoded(self, index: int) -> Any | None:
        import av

        packet: Any = av.Packet(self._rewind.packets[index])
        packet.pts = packet.dts = index
        packet.time_base = _ROW_TIME
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:
            return None
        return next((frame for frame in frames if frame.pts == index), None)


def rewind_pictures(rewind: Rewind) -> Iterator[tuple[float, Pixels]]:
    """(seconds before the call, picture) from the oldest on; damaged ones are left out."""
    reader = RewindReader(rewind)
    for index in range(len(rewind.frames)):
        try:
            yield rewind.before_s(index), reader.picture(index)
        except ValueError:
            continue


class Scrubber:
    """Shows the picture that was asked for last, from a thread of its own; `close` it."""

    def __init__(self, rewind: Rewind, shown: Callable[[int, Pixels], None]) -> None:
        """`shown(index, picture)` is called on the thread."""
        self._rewind = rewind
        self._show = shown
        self._wanted: Mailbox[int] = Mailbox()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rewind", daemon=True)
        self._thread.start()

    def show(self, index: int) -> None:
        """Ask for a frame; one that was asked for before and is not shown yet is left out."""
        self._wanted.put(index)

    def close(self) -> None:
        """End the thread; nothing is shown afterwards. Idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        reader = RewindReader(self._rewind)
        while not self._leaving.is_set():
            index = self._wanted.wait(0.1)
            if index is None:
                continue
            try:
                pixels = reader.picture(index)
            except (ValueError, IndexError) as error:
                log.info("a picture of the rewind is not shown: %s", error)
                continue
            self._show(index, pixels)
