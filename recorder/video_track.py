"""One camera's video: encoder, Matroska writer and reader. The only owner of PyAV in recording.

Encoding: libx264 without look-ahead or B-frames, so that one frame in is one packet out, and a key
frame every `GOP_ROWS` rows counted from the recorder's start, the same row in every camera.
Matroska keeps milliseconds; a frame's number is therefore its place, never its stamp.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.durable import DiskStream
from recorder.episode import GOP_ROWS, EpisodeError
from transport.channels import ROW_HZ
from transport.i420 import I420, black

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB

CODEC: Final = "h264"
ROW_TIME: Final = Fraction(1, ROW_HZ)
# superfast without adaptive quantisation: 1.7 ms a frame at 640x480 where veryfast takes 2.8, for
# the same bits.
_OPTIONS: Final = {
    "preset": "superfast",
    "tune": "zerolatency",
    "crf": "23",
    "x264-params": (
        f"keyint={GOP_ROWS}:min-keyint={GOP_ROWS}:scenecut=0:bframes=0:open-gop=0"
        ":aq-mode=0:sliced-threads=0:repeat-headers=1"
    ),
}
ENCODER: Final = f"libx264 {' '.join(f'{name}={value}' for name, value in _OPTIONS.items())}"
_CLUSTER_MS: Final = 200  # Matroska keeps a cluster in memory: so much of the video a kill costs


@dataclass(frozen=True)
class VideoPacket:
    """One encoded frame (H.264, start codes; key frames carry their parameter sets)."""

    data: bytes
    key: bool

    @property
    def crc32(self) -> int:
        """Checksum of the bytes, which come back from a file as they went in."""
        return zlib.crc32(self.data)


class VideoTrack:
    """Encodes one camera, one frame for each row without exception."""

    def __init__(self, width: int, height: int) -> None:
        import av
        from av.video.frame import PictureType

        if width % 2 or height % 2 or width <= 0 or height <= 0:
            raise ValueError(f"camera size must be even and positive, not {width}x{height}")
        self.width = width
        self.height = height
        self._rows = 0
        self._key_type, self._free_type = PictureType.I, PictureType.NONE
        context = av.CodecContext.create("libx264", "w")
        context.width = width
        context.height = height
        context.pix_fmt = "yuv420p"
        context.time_base = ROW_TIME
        context.framerate = 1 / ROW_TIME
        context.gop_size = GOP_ROWS
        context.max_b_frames = 0
        context.thread_count = 1
        context.options = dict(_OPTIONS)
        self._context = context
        self._shown = black(width, height).frame()

    def fits(self, picture: I420) -> bool:
        """Whether a picture has this track's size."""
        return (picture.width, picture.height) == (self.width, self.height)

    def encode(self, picture: I420 | None) -> VideoPacket:
        """The packet of the next row; None repeats the picture before (black at first)."""
        if picture is not None:
            self._shown = picture.frame()
        frame = self._shown
        frame.pts = self._rows
        frame.time_base = ROW_TIME
        key = self._rows % GOP_ROWS == 0
        frame.pict_type = self._key_type if key else self._free_type
        self._rows += 1
        packets = self._context.encode(frame)
        if len(packets) != 1 or packets[0].is_keyframe != key:
            raise RuntimeError(f"encoder broke the grid: {len(packets)} packets for one frame")
        return VideoPacket(bytes(packets[0]), key)


class VideoWriter:
    """Writes packets to one Matroska file; raises `OSError`, then only `abandon` is allowed."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        import av

        self.frames = 0
        self._stream = DiskStream(path)
        self._container: Any = av.open(
            self._stream,
            "w",
            format="matroska",
            container_options={
                "flush_packets": "1",
                "cluster_time_limit": str(_CLUSTER_MS),
                "fflags": "+bitexact",  # no random ids: the same packets give the same file
            },
        )
        self._video: Any = self._container.add_mux_stream(
            "libx264", rate=ROW_HZ, width=width, height=height
        )
        self._video.time_base = Fraction(1, 1000)

    def add(self, packet: VideoPacket) -> None:
        """Append the next frame; the first one must be a key frame."""
        with _as_os_error(self._stream.path):
            self._container.mux_one(_timed(packet, self.frames, self._video))
        self.frames += 1

    def sync(self) -> None:
        """Return once everything in complete clusters lies on the disk."""
        self._stream.sync()

    def finish(self) -> None:
        """Write index and duration; nothing may be added after."""
        with _as_os_error(self._stream.path):
            self._container.close()

    def close(self) -> None:
        """Sync and close a finished video."""
        self._stream.sync()
        self._stream.close()

    def abandon(self) -> None:
        """Close as it is; idempotent."""
        self._stream.close()


def read_packets(path: Path) -> Iterator[VideoPacket]:
    """Packets of a video in order, with start codes as the encoder gave them; ends at a tear."""
    import av
    from av.bitstream import BitStreamFilterContext

    with _opened(path) as container:
        video = container.streams.video[0]
        try:
            annex_b = BitStreamFilterContext("h264_mp4toannexb", in_stream=video)
            for packet in container.demux(video):
                if packet.size:
                    for filtered in annex_b.filter(packet):
                        yield VideoPacket(bytes(filtered), filtered.is_keyframe)
        except av.FFmpegError:
            return


def count_frames(path: Path) -> int:
    """How many frames a sealed video holds; checks the key frames' grid on the way."""
    import av

    frames = 0
    with _opened(path) as container:
        try:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    if frames % GOP_ROWS == 0 and not packet.is_keyframe:
                        raise _bad(path, f"Video frame {frames} should be a key frame")
                    frames += 1
        except av.FFmpegError as error:
            raise _bad(path, f"Video is damaged ({error})") from error
    return frames


def read_frames(path: Path) -> Iterator[Image]:
    """Decoded frames in order, RGB; ends at the first one that cannot be decoded."""
    import av

    with _opened(path) as container:
        container.streams.video[0].thread_count = 1
        try:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
        except av.FFmpegError:
            return


def good_packets(path: Path, crc32s: Iterable[int]) -> Iterator[VideoPacket]:
    """Packets from the start for as long as they are the ones that these checksums are of.

    Nothing when the file is no video at all. A damaged frame decodes without a complaint, and what
    follows a lost one shows the wrong row; so a torn video is trusted this far and no further.
    """
    with suppress(EpisodeError):
        for packet, crc32 in zip(read_packets(path), crc32s, strict=False):
            if packet.crc32 != crc32:
                return
            yield packet


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av

    try:
        container = av.open(str(path), "r", metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise _bad(path, f"Video cannot be opened ({error})") from error
    try:
        if not container.streams.video:
            raise _bad(path, "File holds no video")
        yield container
    finally:
        container.close()


@contextmanager
def _as_os_error(path: Path) -> Iterator[None]:
    """FFmpeg has errors of its own; callers know one kind: the file could not be written."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OSError(f"{path.name} cannot be written: {error}") from error


def _timed(packet: VideoPacket, number: int, stream: Any) -> Any:
    import av

    timed = av.Packet(packet.data)
    timed.time_base = ROW_TIME
    timed.pts = timed.dts = number
    timed.duration = 1
    timed.is_keyframe = packet.key
    timed.stream = stream
    return timed


def _bad(path: Path, what: str) -> EpisodeError:
    return EpisodeError(what, path, "Restore the file from a copy, or leave the episode out.")
