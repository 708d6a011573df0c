"""Copies an episode's Matroska video into an MP4 whose frame k stands at exactly k/30 s.

Nothing is ever encoded again: a sealed video has one frame for each row and begins with a key
frame. Rows from the middle are copied from the key frame before them on; the frames that lead up
to the first row stay in the file, and the data set says at which time the episode begins in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.episode import GOP_ROWS, EpisodeError
from recorder.video_track import ROW_TIME, Image, VideoPacket, read_packets
from transport.channels import ROW_HZ

_SAMPLES: Final = 30  # frames at most whose pixels go into the statistics


def frames_before(rows: range) -> int:
    """How many frames of the copy lead up to the first of `rows`: back to its key frame."""
    return rows.start % GOP_ROWS


def copy_video(source: Path, target: Path, width: int, height: int, rows: range) -> None:
    """Copy the packets of `rows`, and of what they need before them, without decoding."""
    import av

    target.parent.mkdir(parents=True, exist_ok=True)
    container: Any = av.open(
        str(target), "w", format="mp4", container_options={"fflags": "+bitexact"}
    )
    try:
        stream: Any = container.add_mux_stream("libx264", rate=ROW_HZ, width=width, height=height)
        # MP4 refines 1/30 to 1/15360: k/30 stays exact, unlike Matroska's milliseconds.
        stream.time_base = ROW_TIME
        for number, encoded in enumerate(_packets(source, rows)):
            packet: Any = av.Packet(encoded.data)
            packet.time_base = ROW_TIME
            packet.pts = packet.dts = number
            packet.duration = 1
            packet.is_keyframe = encoded.key
            packet.stream = stream
            container.mux_one(packet)
    finally:
        container.close()


def check_video(source: Path, target: Path, rows: range) -> Image:
    """Read the copy back: the packets of `rows`, each on the grid, the first one a key frame.

    Returns key frames sampled evenly, of each every eighth pixel of every eighth line:
    (frames, height / 8, width / 8, 3) RGB. Raises `EpisodeError`.
    """
    import av

    wanted = len(rows) + frames_before(rows)
    stamps = _stamps(target)
    if stamps != [number * ROW_TIME for number in range(wanted)]:
        raise EpisodeError(
            f"{len(stamps)} frames for {wanted}, or not on the grid", target, "Report this fault."
        )
    keys = ceil(wanted / GOP_ROWS)
    stride = ceil(keys / _SAMPLES) * GOP_ROWS
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    decoder.options = {"flags": "low_delay"}
    samples: list[Any] = []
    copied = read_packets(target)
    for number, (meant, found) in enumerate(zip(_packets(source, rows), copied, strict=True)):
        if meant != found or (number == 0 and not found.key):
            raise EpisodeError(f"Frame {number} was not copied", target, "Leave the episode out.")
        if number % stride == 0:
            samples += _decoded(decoder, found, target)
    height = ceil(samples[0].height / 8)
    below_another = np.concatenate([_every_eighth(frame) for frame in samples])
    return _as_rgb(below_another, samples[0]).reshape(len(samples), height, -1, 3)


def _packets(source: Path, rows: range) -> Iterator[VideoPacket]:
    return islice(read_packets(source), rows.start - frames_before(rows), rows.stop)


def _stamps(path: Path) -> list[Any]:
    """Where each frame of a video stands, in seconds."""
    import av

    try:
        with av.open(str(path), "r") as container:
            packets = container.demux(container.streams.video[0])
            return [p.pts * p.time_base for p in packets if p.size and p.pts is not None]
    except av.FFmpegError as error:
        raise EpisodeError(
            f"Video cannot be read back ({error})", path, "Leave the episode out."
        ) from error


def _decoded(decoder: Any, packet: VideoPacket, where: Path) -> list[Any]:
    import av

    try:
        frames: list[Any] = decoder.decode(av.Packet(packet.data))
    except av.FFmpegError as error:
        raise EpisodeError(
            f"A key frame cannot be decoded ({error})", where, "Leave the episode out."
        ) from error
    return frames


def _every_eighth(frame: Any) -> Image:
    """Every eighth pixel of every eighth line, (height / 8, width / 8, 3) YUV."""
    luma, *chroma = (
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    )
    return np.stack([luma[::8, ::8], *(plane[::4, ::4] for plane in chroma)], axis=-1)


def _as_rgb(pixels: Image, like: Any) -> Image:
    """YUV as a decoder gives it to RGB; in one go, setting up a conversion takes a millisecond."""
    import av

    frame: Any = av.VideoFrame.from_ndarray(pixels, format="yuv444p", channel_last=True)
    frame.colorspace, frame.color_range = like.colorspace, like.color_range
    converted: Image = frame.to_ndarray(format="rgb24")
    return converted
