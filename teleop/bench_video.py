"""`unstick bench video`: the age of the picture, beside stock aiortc and GStreamer's webrtcbin.

Sender and receiver are two processes on loopback, as robot and console are, with synthetic cameras
so that rendering a scene does not count. All clocks are the machine's monotonic one. "Decoded" is
when the decoder gives the frame out, "painted" the end of the console's own paint event. What
peers do is measured in the same run; a figure alone says little on a machine that is shared.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from teleop.bench import Row, percentile, row
from teleop.bench_lossy import Line
from teleop.bench_video_figures import ages_ms, share_younger
from teleop.bench_video_link import Watched, painted_ms, watch, watch_stock
from teleop.bench_video_sender import FPS
from transport.clock import NS_PER_S

WARM_UP: Final = 30  # frames: caches, the encoder's rate
ROUNDS: Final = 3  # of each size, in turn with the peers
YOUNG_MS: Final = 200.0
LOSSY_S: Final = 30.0  # at least: shorter runs on a bad line differ by a third
ROUND_TRIP_MS: Final = 50.0  # of the lossy line
VIEWERS: Final = 4
CAMERAS: Final = (1, 2, 4, 8)
CODECS: Final = ("H264", "VP8")  # of GStreamer: as ours, and should that not run here
FEWEST: Final = 60  # frames from which on a percentile of a peer is worth printing

# Size: p50, p99 decoded, times below stock, p50 painted; ms.
SIZES: Final = {(640, 480): (2.5, 5.0, 15.0, 4.0), (1280, 720): (5.0, 8.0, 8.0, 8.0)}
PAINTED_P99_MS: Final = 15.0
VIEWER_CORES: Final = 0.03
LOSSES: Final = {0.01: 99.0, 0.05: 95.0, 0.2: 60.0}  # loss: % of the time with a young picture
GSTREAMER_TIMES: Final = 1.2
SOAK_AGE, SOAK_GROWTH = 1.1, 5.0  # last minute to first; % of memory

Say = Callable[[str], None]


def measure(seconds: float, soak_min: float, say: Say) -> list[Row]:
    """All rows of the video bench."""
    rows: list[Row] = []
    for size in SIZES:
        say(f"{size[0]}x{size[1]}: decoded and painted, ours and the peers'")
        rows += _size_rows(size, seconds)
    say("further viewers")
    rows += _viewer_rows(seconds)
    for loss in LOSSES:
        say(f"loss {loss:.0%}")
        rows += _loss_rows(loss, max(seconds, LOSSY_S))
    for cameras in CAMERAS:
        say(f"{cameras} cameras")
        rows += _camera_rows(cameras, seconds)
    if soak_min:
        say(f"{soak_min:g} minutes")
        rows += _soak_rows(soak_min)
    return rows


@dataclass(frozen=True)
class _Round:
    """Ages in ms, all measured one after the other."""

    ours: list[float]
    stock: list[float]
    tuned: list[float]  # GStreamer's; empty where it is not installed
    painted: list[float]


def _size_rows(size: tuple[int, int], seconds: float) -> Iterator[Row]:
    name = f"{size[0]}x{size[1]}@{FPS}"
    p50_ms, p99_ms, times, painted_p50_ms = SIZES[size]
    codec, rounds = "", []
    for _ in range(ROUNDS):
        ours = ages_ms(watch(*size, seconds).first)[WARM_UP:]
        stock = ages_ms(watch_stock(*size, seconds).first)[WARM_UP:]
        codec, tuned = _gstreamer(size, seconds)
        painted = painted_ms(*size, seconds)[WARM_UP:]
        rounds.append(_Round(ours, stock, tuned, painted))

    def middle(of: Callable[[_Round], float | None]) -> float | None:
        """The median of the rounds: one that the machine disturbed does not count."""
        values = [value for value in map(of, rounds) if value is not None]
        return median(values) if values else None

    for percent, target in ((50, p50_ms), (95, None), (99, p99_ms)):
        yield row(
            f"capture to decoded, {name}, p{percent}",
            middle(lambda r, p=percent: percentile(r.ours, p)),  # type: ignore[misc]
            "ms",
            at_most=target,
            peer=middle(lambda r, p=percent: percentile(r.stock, p)),  # type: ignore[misc]
        )
    yield row(
        f"below stock aiortc, {name}, p50",
        middle(lambda r: _ratio(r.stock, r.ours)),
        "x",
        at_least=times,
    )
    yield row(
        f"to GStreamer webrtcbin{f' ({codec})' if codec else ', not here'}, {name}, p50",
        middle(lambda r: _ratio(r.ours, r.tuned)),
        "x",
        at_most=GSTREAMER_TIMES,
    )
    for percent, target in ((50, painted_p50_ms), (99, PAINTED_P99_MS)):
        yield row(
            f"capture to painted, {name}, p{percent}",
            middle(lambda r, p=percent: percentile(r.painted, p)),  # type: ignore[misc]
            "ms",
            at_most=target,
        )


def _ratio(ages: list[float], others: list[float]) -> float | None:
    """Of the two medians."""
    middle, other = percentile(ages, 50), percentile(others, 50)
    return middle / other if middle and other else None


def _gstreamer(size: tuple[int, int], seconds: float) -> tuple[str, list[float]]:
    """(codec, ages) of GStreamer's webrtcbin; no codec where it is not installed, or stalls."""
    script = Path(__file__).with_name("bench_gstreamer.py")
    for python in dict.fromkeys((sys.executable, shutil.which("python3"), "/usr/bin/python3")):
        if python is None or not Path(python).exists():
            continue
        for codec in CODECS:
            try:
                done = subprocess.run(
                    [python, "-P", str(script), *map(str, size), str(seconds + 1), codec],
                    capture_output=True,
                    text=True,
                    timeout=seconds + 60,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                continue
            if done.returncode:
                break  # no bindings in this Python
            ages: list[float] = json.loads(done.stdout.splitlines()[-1])
            if len(ages) >= FEWEST:
                return codec, ages
    return "", []


def _viewer_rows(seconds: float) -> Iterator[Row]:
    size = (640, 480)
    alone, crowd = watch(*size, seconds), watch(*size, seconds, viewers=VIEWERS)
    stock, stock_crowd = (
        watch_stock(*size, seconds),
        watch_stock(*size, seconds, viewers=VIEWERS),
    )
    yield row(
        "each further viewer, at the robot",
        _further(alone, crowd),
        "cores",
        at_most=VIEWER_CORES,
        peer=_further(stock, stock_crowd),
    )


def _further(alone: Watched, crowd: Watched) -> float | None:
    if alone.sender_cores is None or crowd.sender_cores is None:
        return None
    return max(0.0, crowd.sender_cores - alone.sender_cores) / (VIEWERS - 1)


def _loss_rows(loss: float, seconds: float) -> Iterator[Row]:
    line = Line(loss, ROUND_TRIP_MS)
    ours = watch(640, 480, seconds, line=line)
    stock = watch_stock(640, 480, seconds, line=line)
    yield row(
        f"loss {loss:.0%}, round trip {ROUND_TRIP_MS:.0f} ms: picture younger than "
        f"{YOUNG_MS:.0f} ms",
        _young(ours),
        "% of the time",
        at_least=LOSSES[loss],
        peer=_young(stock),
    )


def _young(seen: Watched) -> float | None:
    share = share_younger(seen.first, YOUNG_MS, seen.until_ns)
    return None if share is None else 100 * share


def _camera_rows(cameras: int, seconds: float) -> Iterator[Row]:
    seen = watch(640, 480, seconds, cameras=cameras)
    ages = [age for frames in seen.frames.values() for age in ages_ms(frames)[WARM_UP:]]
    what = f"{cameras} camera{'s' if cameras > 1 else ''} of 640x480@{FPS}"
    yield row(f"{what}, capture to decoded, p50", percentile(ages, 50), "ms")
    yield row(f"{what}, the robot's processor", seen.sender_cores, "cores")


def _soak_rows(minutes: float) -> Iterator[Row]:
    seen = watch(640, 480, minutes * 60.0)
    frames = seen.first
    first = [f for f in frames if f.decoded_ns < frames[0].decoded_ns + 60 * NS_PER_S]
    last = [f for f in frames if f.decoded_ns > frames[-1].decoded_ns - 60 * NS_PER_S]
    early, late = percentile(ages_ms(first), 50), percentile(ages_ms(last), 50)
    yield row(
        f"{minutes:g} minutes: age p50 of the last minute to the first's",
        late / early if early and late else None,
        "x",
        at_most=SOAK_AGE,
    )
    for who, warm_mb, end_mb in zip(("sender", "receiver"), seen.warm_mb, seen.end_mb, strict=True):
        yield row(
            f"{minutes:g} minutes: memory of the {who} grows by",
            max(0.0, end_mb / warm_mb - 1) * 100 if warm_mb and end_mb else None,
            "%",
            at_most=SOAK_GROWTH,
        )
