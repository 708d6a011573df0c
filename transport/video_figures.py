"""How one camera's video comes in, in figures for the operator. Pure: samples are handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from transport.clock import NS_PER_S

RTP_CLOCK_HZ: Final = 90_000  # RFC 6184
OVER_S: Final = 1.0  # figures are of the last second or so


@dataclass(frozen=True)
class Sample:
    """Totals since the connection was made."""

    stamp_ns: int
    packets: int = 0  # received, retransmissions included
    lost: int = 0  # as RTP counts them: expected less received
    bytes: int = 0  # of H.264
    frames: int = 0  # whole
    abandoned: int = 0  # not whole, jumped over
    undecoded: int = 0  # whole, the decoder was behind
    undecodable: int = 0  # whole, the decoder could make nothing of it
    key_requests: int = 0
    jitter_rtp: int = 0  # RFC 3550 6.4.1, in RTP clock units
    decode_ms: float = 0.0  # of the newest frame


@dataclass(frozen=True)
class VideoFigures:
    """Of the last second; counts of drops are since the connection was made."""

    width: int = 0
    height: int = 0
    bitrate_bps: float = 0.0
    received_fps: float = 0.0
    lost_fraction: float = 0.0  # of the packets expected, before they were sent again
    jitter_ms: float = 0.0
    decode_ms: float = 0.0
    abandoned: int = 0
    undecoded: int = 0
    undecodable: int = 0
    key_requests: int = 0


def figures_of(before: Sample, now: Sample, width: int, height: int) -> VideoFigures:
    """What the time between two samples comes to; `width` and `height` are the newest picture's."""
    seconds = max((now.stamp_ns - before.stamp_ns) / NS_PER_S, 1e-3)
    received, lost = now.packets - before.packets, max(0, now.lost - before.lost)
    return VideoFigures(
        width=width,
        height=height,
        bitrate_bps=max(0, now.bytes - before.bytes) * 8 / seconds,
        received_fps=max(0, now.frames - before.frames) / seconds,
        lost_fraction=lost / (received + lost) if received + lost > 0 else 0.0,
        jitter_ms=now.jitter_rtp * 1000 / RTP_CLOCK_HZ,
        decode_ms=now.decode_ms,
        abandoned=now.abandoned,
        undecoded=now.undecoded,
        undecodable=now.undecodable,
        key_requests=now.key_requests,
    )
