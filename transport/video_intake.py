"""How packets become decoded frames inside aiortc's receiver, in our way.

`FrameIntake` takes the place of three of the receiver's parts: its jitter buffer, which would hold
each frame until the next one begins; its queue to the decoder, which has no bound; and what asks
for lost packets, which asks again only when another is lost. They are found by name in
`RTCRtpReceiver`; tests/links/test_video_link.py holds that they are there and used as here. The
decisions are in `transport.arrivals` and `transport.reassembly`.

Frames are decoded here, on the thread aiortc has for it, and go to the screen from there: through
its event loop they would be later by two changes of threads.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any, Final, Protocol

import av
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame

from transport.arrivals import Arrivals
from transport.clock import NS_PER_MS, now_ns
from transport.frame_stamp import stamp_in
from transport.reassembly import Backlog, Piece, Reassembly

log = logging.getLogger("video")

LONGEST_MS: Final = 100  # from one picture on the screen to the next, while there are any
UNDECODED_MS: Final = 130.0  # a frame that waits longer makes the decoder jump to a key frame


@dataclass(frozen=True)
class IntakeCounts:
    """What has come in since the connection was made."""

    packets: int = 0
    bytes: int = 0  # of H.264, without headers
    frames: int = 0  # whole ones
    abandoned: int = 0  # not whole, and jumped over
    undecoded: int = 0  # whole, but the decoder was too far behind
    undecodable: int = 0  # the decoder could make nothing of it
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


class Show(Protocol):
    """Takes each decoded frame, on the decoder's thread; `newest` if it is one for the screen."""

    def __call__(self, frame: av.VideoFrame, *, newest: bool) -> None: ...


class FrameIntake:
    """Jitter buffer and decoder of one receiver: filled on the link's thread, emptied on the
    decoder's."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._shown_ns = 0
        self._arrivals = Arrivals()
        self._reassembly = Reassembly(self._arrivals)
        self._backlog = Backlog(UNDECODED_MS)
        self._more = threading.Condition()
        self._ended = False
        self.undecodable = 0  # frames of which the decoder could make nothing
        self._heard_of = 0  # so many of them are followed by the wish for a key frame
        self._packets = self._bytes = self._frames = 0
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
                undecodable=self.undecodable,
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
        stamp_ns = now_ns()
        with self._more:
            self._packets += 1
            self._bytes += len(piece.data)
            frames, wants_key = self._reassembly.add(piece, stamp_ns)
            wants_key |= self.undecodable > self._heard_of
            self._heard_of = self.undecodable
            for frame in frames:
                self._frames += 1
                wants_key |= self._backlog.put(frame, stamp_ns)
        return wants_key, JitterFrame(b"", packet.timestamp) if frames else None

    # --- as the queue to the decoder ---

    def put(self, task: object | None) -> None:
        """Wake the decoder; None ends it."""
        with self._more:
            self._ended |= task is None
            self._more.notify()

    def get(self) -> None:
        """Decode and show until the end, on aiortc's thread for it; that has nothing else to do."""
        decoder = av.CodecContext.create("h264", "r")
        decoder.copy_opaque = True  # so that each frame has what its packet had: the stamp
        self._shown_ns = now_ns()
        while (encoded := self._next()) is not None:
            begin_ns = now_ns()
            packet = av.Packet(encoded)
            packet.opaque = stamp_in(encoded)
            try:
                frames: Any = decoder.decode(packet)
            except av.FFmpegError as error:
                # The decoder is kept: a new one could show nothing before the next key frame.
                log.info("a frame cannot be decoded: %s", error)
                self.undecodable += 1
                continue
            self._decode_ms = (now_ns() - begin_ns) / NS_PER_MS
            for frame in frames:
                self._hand_over(frame)

    def _hand_over(self, frame: av.VideoFrame) -> None:
        stamp_ns = now_ns()
        # A decoder that is always behind would never show anything.
        newest = not len(self._backlog) or stamp_ns - self._shown_ns > LONGEST_MS * NS_PER_MS
        if newest:
            self._shown_ns = stamp_ns
        try:
            self._show(frame, newest=newest)
        except Exception:  # the top of aiortc's thread: without it this camera would end
            log.exception("a picture cannot be shown")

    def _next(self) -> bytes | None:
        with self._more:
            self._more.wait_for(lambda: self._ended or len(self._backlog))
            frame = None if self._ended else self._backlog.take()
            return frame.data if frame else None
