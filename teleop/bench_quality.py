"""What a minute of recorded video takes at which quality, beside LeRobot's encoder.

The same film goes through both: ours as the recorder encodes it, and libsvtav1 as LeRobot's default
does (crf 30, a key frame every second frame, preset 12). Then the peer's crf is sought at which its
SSIM is ours. SSIM and PSNR are FFmpeg's, over luma and chroma, against the film itself.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from recorder.video_track import VideoTrack
from teleop.bench import Row, row
from teleop.bench_film import film
from transport.channels import ROW_HZ
from transport.i420 import I420

SIZE: Final = (640, 480)
FRAMES: Final = 150  # 5 s, each with noise of its own
CAMERAS: Final = 2
PEER: Final = "libsvtav1"
PEER_CRF: Final = 30
PEER_OPTIONS: Final = {"g": "2", "preset": "12"}
BEST_CRF, WORST_CRF = 1, 63

Packets = list[bytes]


@dataclass(frozen=True)
class Quality:
    """One encoder's result for the film."""

    bytes_per_frame: float
    ssim: float  # 1: the same picture
    psnr_db: float

    @property
    def mb_per_minute(self) -> float:
        """For both cameras."""
        return self.bytes_per_frame * ROW_HZ * 60 * CAMERAS / 1e6


def quality_rows(say: Callable[[str], None]) -> Iterator[Row]:
    """Size and quality of ours, of LeRobot's default, and of its encoder at our quality."""
    pictures = film(*SIZE, FRAMES)
    ours = judged(pictures, _ours(pictures), "h264")
    name = f"{CAMERAS} x {SIZE[0]}x{SIZE[1]}@{ROW_HZ}, video of a minute"
    yield row(f"{name}: SSIM", 100 * ours.ssim, "% of the same")
    yield row(f"{name}: PSNR", ours.psnr_db, "dB")
    if not peer_here():
        yield row(f"{name}: size ({PEER} is not here)", ours.mb_per_minute, "MB")
        return
    theirs = _theirs(pictures, PEER_CRF)
    yield row(
        f"{name}: size; peer: LeRobot's default at SSIM {theirs.ssim:.4f}",
        ours.mb_per_minute,
        "MB",
        peer=theirs.mb_per_minute,
    )
    say("LeRobot's encoder at our quality")
    crf, equal = at_quality(lambda crf: _theirs(pictures, crf), ours.ssim)
    yield row(
        f"{name}: size; peer: LeRobot's encoder at SSIM {equal.ssim:.4f} (crf {crf})",
        ours.mb_per_minute,
        "MB",
        peer=equal.mb_per_minute,
    )


def at_quality(encode: Callable[[int], Quality], ssim: float) -> tuple[int, Quality]:
    """The largest crf, and its result, that is at least as good as `ssim`; else the best there is.

    A larger crf is smaller and worse.
    """
    good, bad = BEST_CRF, WORST_CRF + 1
    found = encode(good)
    while bad - good > 1 and found.ssim >= ssim:
        middle = (good + bad) // 2
        tried = encode(middle)
        if tried.ssim >= ssim:
            good, found = middle, tried
        else:
            bad = middle
    return good, found


def peer_here() -> bool:
    """Whether this FFmpeg has the peer's encoder."""
    import av

    return PEER in av.codecs_available


def judged(pictures: Sequence[I420], packets: Packets, codec: str) -> Quality:
    """Decode `packets` and compare frame by frame."""
    import av

    decoder: Any = av.CodecContext.create(codec, "r")
    frames: list[Any] = []
    for data in (*packets, None):
        frames += decoder.decode(av.Packet(data) if data is not None else None)
    if len(frames) != len(pictures):
        raise RuntimeError(f"{len(frames)} frames of {len(pictures)} came back from {codec}")
    return Quality(
        bytes_per_frame=sum(map(len, packets)) / len(packets),
        ssim=_compared("ssim", "All", pictures, frames),
        psnr_db=_compared("psnr", "psnr_avg", pictures, frames),
    )


def _ours(pictures: Sequence[I420]) -> Packets:
    track = VideoTrack(*SIZE)
    return [track.encode(picture).data for picture in pictures]


def _theirs(pictures: Sequence[I420], crf: int) -> Quality:
    import av

    os.environ.setdefault("SVT_LOG", "1")  # it would tell its life on standard error
    context: Any = av.CodecContext.create(PEER, "w")
    context.width, context.height = SIZE
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, ROW_HZ)
    context.framerate = Fraction(ROW_HZ)
    context.options = {**PEER_OPTIONS, "crf": str(crf)}
    packets: Packets = []
    for number, picture in enumerate(pictures):
        frame = picture.frame()
        frame.pts, frame.time_base = number, context.time_base
        packets += [bytes(packet) for packet in context.encode(frame)]
    packets += [bytes(packet) for packet in context.encode(None)]
    return judged(pictures, packets, "libdav1d")


def _compared(test: str, key: str, pictures: Sequence[I420], frames: Sequence[Any]) -> float:
    """The mean of one of FFmpeg's comparisons, from the line that it writes for each frame."""
    import av

    with tempfile.TemporaryDirectory(prefix="unstick-bench-") as folder:
        path = Path(folder) / "stats"
        graph: Any = av.filter.Graph()
        sources = [
            graph.add_buffer(
                width=SIZE[0], height=SIZE[1], format="yuv420p", time_base=Fraction(1, ROW_HZ)
            )
            for _ in range(2)
        ]
        compare, sink = graph.add(test, f"stats_file={path}"), graph.add("buffersink")
        for place, source in enumerate(sources):
            source.link_to(compare, 0, place)
        compare.link_to(sink)
        graph.configure()
        for number, (picture, decoded) in enumerate(zip(pictures, frames, strict=True)):
            for source, frame in zip(sources, (decoded, picture.frame()), strict=True):
                frame.pts, frame.time_base = number, Fraction(1, ROW_HZ)
                source.push(frame)
            graph.pull()
        del graph, sources, compare, sink  # closes the file
        words = [line.split() for line in path.read_text().splitlines()]
    values = [float(word.split(":")[1]) for line in words for word in line if word.startswith(key)]
    return sum(values) / len(values)
