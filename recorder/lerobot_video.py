"""Copies an episode's Matroska video into an MP4 whose frame k stands at exactly k/30 s."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.episode import EpisodeError
from recorder.video_track import ROW_TIME, Image, read_packets
from transport.channels import ROW_HZ

_SAMPLES: Final = 30  # frames whose pixels go into the statistics


def copy_video(source: Path, target: Path, width: int, height: int) -> None:
    """Copy the packets of `source` without decoding them."""
    import av

    container: Any = av.open(
        str(target), "w", format="mp4", container_options={"fflags": "+bitexact"}
    )
    try:
        stream: Any = container.add_mux_stream("libx264", rate=ROW_HZ, width=width, height=height)
        # MP4 refines 1/30 to 1/15360: k/30 stays exact, unlike Matroska's milliseconds.
        stream.time_base = ROW_TIME
        for number, encoded in enumerate(read_packets(source)):
            packet: Any = av.Packet(encoded.data)
            packet.time_base = ROW_TIME
            packet.pts = packet.dts = number
            packet.duration = 1
            packet.is_keyframe = encoded.key
            packet.stream = stream
            container.mux_one(packet)
    finally:
        container.close()


def check_video(path: Path, rows: int) -> list[Image]:
    """Decode all of `path`: `rows` frames, each on the grid. Returns frames sampled evenly."""
    import av

    stride = max(1, rows // _SAMPLES)
    samples: list[Image] = []
    count = 0
    with av.open(str(path), "r") as container:
        container.streams.video[0].thread_count = 1
        try:
            for frame in container.decode(video=0):
                if frame.pts is None or frame.time_base is None:
                    raise EpisodeError(f"Frame {count} has no stamp", path, "Report this fault.")
                if frame.pts * frame.time_base != count * ROW_TIME:
                    raise EpisodeError(
                        f"Frame {count} stands at {float(frame.pts * frame.time_base)} s",
                        path,
                        "Report this fault.",
                    )
                if count % stride == 0:
                    samples.append(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
                count += 1
        except av.FFmpegError as error:
            raise EpisodeError(
                f"Frame {count} cannot be decoded ({error})", path, "Leave the episode out."
            ) from error
    if count != rows:
        raise EpisodeError(f"{count} frames for {rows} rows", path, "Leave the episode out.")
    return samples
