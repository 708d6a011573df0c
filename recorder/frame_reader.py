"""Any frame of one camera's video, by its row: what somebody scrubbing through an episode sees.

Rows in order are decoded one after the other; a jump begins at the key frame before it, so it costs
at most `GOP_ROWS` frames. One thread uses a reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recorder.episode import GOP_ROWS, EpisodeError
from recorder.video_track import Image
from transport.channels import ROW_HZ


class FrameReader:
    """Decodes the video at `path`; `close` it."""

    def __init__(self, path: Path) -> None:
        """Raises `EpisodeError` when it cannot be opened."""
        import av

        self._path = path
        try:
            # What probing would find out stands in Matroska's header.
            self._container: Any = av.open(
                str(path), "r", "matroska", options={"analyzeduration": "1"}
            )
        except (av.FFmpegError, OSError) as error:
            raise self._bad(f"Video cannot be opened ({error})") from error
        if not self._container.streams.video:
            self._container.close()
            raise self._bad("File holds no video")
        self._video: Any = self._container.streams.video[0]
        self._video.thread_count = 1
        self._frames: Iterator[Any] = iter(())
        self._next = -1  # the row that `_frames` gives next; -1: not known

    def frame(self, row: int) -> Image:
        """The picture of `row`, (height, width, 3) RGB.

        Raises:
            EpisodeError: the video is damaged, or has no such row.
        """
        import av

        group = row - row % GOP_ROWS
        if not group <= self._next <= row:
            self._seek(group)
        try:
            for found in self._frames:
                # Matroska keeps milliseconds; half a row is more than they are off.
                at = round(found.time * ROW_HZ)
                self._next = at + 1
                if at == row:
                    image: Image = found.to_ndarray(format="rgb24")
                    return image
                if at > row:
                    break
        except av.FFmpegError as error:
            self._next = -1
            raise self._bad(f"Video is damaged ({error})") from error
        self._next = -1
        raise self._bad(f"Video has no row {row}")

    def close(self) -> None:
        """Close the file; idempotent."""
        self._container.close()

    def _seek(self, row: int) -> None:
        import av

        try:
            # A little beyond the key frame, whose stamp was rounded down to a millisecond.
            wanted = round((row + 0.25) / ROW_HZ / self._video.time_base)
            self._container.seek(wanted, stream=self._video, backward=True)
        except av.FFmpegError as error:
            raise self._bad(f"Video cannot be searched ({error})") from error
        self._frames = self._container.decode(self._video)
        self._next = row

    def _bad(self, what: str) -> EpisodeError:
        return EpisodeError(what, self._path, "Restore the file from a copy.")
