"""How packets become decoded frames inside aiortc's receiver, in our way.

`FrameIntake` takes the place of three of the receiver's parts: its jitter buffer, which would hold
each frame until the next one begins; its queue to the decoder, which has no bound; and what asks
for lost packets, which asks again only when another is lost. They are found by name in
`RTCRtpReceiver`; tests/links/test_video_link.py holds that they are there and used as here. The
decisions are in `transport.arrivals` and `transport.reassembly`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame

from transport.arrivals import Arrivals
from transport.clock import NS_PER_MS, now_ns
from transport.reassembly import Backlog, Piece, Reassembly

MOST_UNDECODED: Final = 4  # frames, 130 ms at 30 Hz: beyond, the decoder jumps to a key frame


@dataclass(frozen=True)
class IntakeCounts:
    """What has come in since the connection was made."""

    packets: int = 0
    bytes: int = 0  # of H.264, without headers
    frames: int = 0  # whole ones
    abandoned: int = 0  # not whole, and jumped over
    undecoded: int = 0  # whole, but the decoder was too far behind
    key_requests: int = 0
    decode_ms: float = 0.0  # of the newest frame


class _Requests:
    """As a NACK generator: `missing` is what to ask for when `add` says so."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.missing: list[int] = []
        self._arrivals = arrivals

    def add(self, packet: Any) -> bool:
        stamp_ns = now_ns()
        self._arrivals.arrived(packet.sequence_number, stamp_ns)
        self.missing = self._arrivals.due(stamp_ns)
        return bool(self.missing)


class FrameIntake:
    """Jitter buffer and decoder queue of one receiver: filled on the link's thread, emptied on the
    decoder's."""

    def __init__(self) -> None:
        self._arrivals = Arrivals()
        self._reassembly = Reassembly(self._arrivals)
        self._backlog = Backlog(MOST_UNDECODED)
        self._more = threading.Condition()
        self._codec: Any = None
        self._ended = False
        self._packets = self._bytes = self._frames = 0
        self._handed_ns = 0
        self._decode_ms = 0.0

    def serve(self, receiver: RTCRtpReceiver) -> None:
        """Take the place of the receiver's own parts; before it starts."""
        inside: Any = receiver
        inside._RTCRtpReceiver__nack_generator = _Requests(self._arrivals)
        inside._RTCRtpReceiver__jitter_buffer = self
        inside._RTCRtpReceiver__decoder_queue = self

    @property
    def counts(self) -> IntakeCounts:
        """As of now; any thread."""
        with self._more:
            return IntakeCounts(
                packets=self._packets,
                bytes=self._bytes,
                frames=self._frames,
                abandoned=self._reassembly.abandoned,
                undecoded=self._backlog.dropped,
                key_requests=self._reassembly.requests,
                decode_ms=self._decode_ms,
            )

    # --- as a jitter buffer ---

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """(whether to ask for a key frame, something to decode if frames are whole now).

        aiortc takes one frame at a time; what it hands on is only a sign that there are some.
        """
        piece = Piece(
            packet.sequence_number, packet.timestamp, bool(packet.marker), packet._data or b""
        )
        with self._more:
            self._packets += 1
            self._bytes += len(piece.data)
            frames, wants_key = self._reassembly.add(piece, now_ns())
            for frame in frames:
                self._frames += 1
                wants_key |= self._backlog.put(frame)
        return wants_key, JitterFrame(b"", packet.timestamp) if frames else None

    # --- as the queue to the decoder ---

    def put(self, task: tuple[Any, JitterFrame] | None) -> None:
        """Wake the decoder; None ends it."""
        with self._more:
            if task is None:
                self._ended = True
            else:
                self._codec = task[0]
            self._more.notify()

    def get(self) -> tuple[Any, JitterFrame] | None:
        """The next frame to decode; waits for it. None: there will be no more."""
        with self._more:
            if self._handed_ns:
                self._decode_ms = (now_ns() - self._handed_ns) / NS_PER_MS
                self._handed_ns = 0
            self._more.wait_for(lambda: self._ended or (self._codec and len(self._backlog)))
            if self._ended:
                return None
            frame = self._backlog.take()
            assert frame is not None
            self._handed_ns = now_ns()
            return self._codec, JitterFrame(frame.data, frame.timestamp)
