"""One camera on its way to one viewer: its packets, and what its receiver reports about them.

Everything here runs on the video sender's loop. `heed_feedback` reaches below aiortc's public
interface in three places of `RTCRtpSender`, replaced on each instance: `_send_keyframe`, where a
receiver's wish for a key frame arrives, `_handle_rtcp_packet`, where its reports do, and
`_retransmit`, which has no bound of its own; `unsent_bytes` looks into its ICE connection.
tests/links/test_viewer_feedback.py holds all four.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import av
from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from transport.clock import NS_PER_MS, now_ns, wall_time
from transport.h264 import EncodedFrame
from transport.messages import Rendition
from transport.rate_control import ViewerLine

VIEWER_QUEUE: Final = 8  # packets; a viewer further behind than this waits for a key frame
# A viewer whom the encoder does not follow may cost the others a key frame this often; on a bad
# line it would ask all the time.
BYSTANDERS_KEY_FRAME_MS: Final = 2_000
_SMALL: Final = "/small"  # behind a camera's name; a key of our own, never on the wire
_PACKET_BITS: Final = 1200 * 8  # aiortc's payloads have up to 1200 bytes


def stream_of(camera: str, rendition: Rendition) -> str:
    """What a rendition of a camera is called inside the robot; the full one as the camera."""
    return camera if rendition is Rendition.FULL else camera + _SMALL


class ViewerTrack(MediaStreamTrack):
    """Hands one camera's packets to one viewer; behind by too much, it waits for a key frame."""

    kind = "video"

    def __init__(
        self, camera: str, line: ViewerLine, need_key_frame: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.camera = camera
        self.stream = camera  # which of the camera's renditions is sent
        self.wanted = camera  # which one is to be, from its next key frame on
        self.line = line
        self.followed = True  # whether the encoder keeps to this viewer's line
        self.skipped = 0
        self.unsent_bytes: Callable[[], int] = lambda: 0  # what the system did not take yet
        self._need_key_frame = need_key_frame
        self._packets: asyncio.Queue[EncodedFrame] = asyncio.Queue(VIEWER_QUEUE)
        self._waiting_for_key = True
        self._asked_ns: int | None = None
        self._stamp = -1  # of the newest packet, on RTP's clock

    def choose(self, stream: str) -> None:
        """Another rendition from its next key frame on; until then the present one goes on."""
        self.wanted = stream
        if stream != self.stream:
            self._need_key_frame(stream)

    def offer_of(self, stream: str, packet: EncodedFrame, now_ns: int) -> None:
        """Queue a packet of one of the renditions, skip it, or leave it to other viewers."""
        if stream == self.wanted != self.stream and packet.is_keyframe:
            self.stream = stream
            self._waiting_for_key = True
        if stream == self.stream:
            self.offer(self._later(packet), now_ns)

    def offer(self, packet: EncodedFrame, now_ns: int) -> None:
        """Queue a packet, or skip it."""
        if self._packets.full() or self.unsent_bytes():
            # A key frame is asked for when the viewer has caught up, not before: it would find the
            # queue full again, and every other viewer would pay for it.
            if not self._waiting_for_key:
                self.line.overflowed(now_ns)
            self._skip()
            return
        if self._waiting_for_key and not packet.is_keyframe:
            self._skip()
            return
        if not self.followed and (self.line.overrun(now_ns) or self.line.holds(now_ns)):
            self._skip()  # without asking for a key frame: the others do not pay for its line
            return
        self._waiting_for_key = False
        self.line.sent(packet.size * 8, now_ns)
        self._packets.put_nowait(packet)

    async def recv(self) -> EncodedFrame:
        """The next packet; aiortc calls this."""
        packet = await self._packets.get()
        if self._waiting_for_key and self._packets.empty():
            self.ask_for_key_frame()
        return packet

    def ask_for_key_frame(self) -> None:
        """The viewer can show nothing before the next one."""
        stamp_ns = now_ns()
        asked_ns = self._asked_ns
        gap_ns = BYSTANDERS_KEY_FRAME_MS * NS_PER_MS
        if not self.followed and asked_ns is not None and stamp_ns - asked_ns < gap_ns:
            return
        self._asked_ns = stamp_ns
        self._need_key_frame(self.stream)

    def _later(self, packet: EncodedFrame) -> EncodedFrame:
        """The packet, with a time that is not the last one's: two renditions share theirs."""
        last, stamp = self._stamp, packet.pts or 0
        self._stamp = max(stamp, last + 1)
        if self._stamp == stamp:
            return packet
        copy: EncodedFrame = av.Packet(bytes(packet))
        copy.pts, copy.time_base = self._stamp, packet.time_base
        copy.is_keyframe = packet.is_keyframe
        return copy

    def _skip(self) -> None:
        self.skipped += 1
        self._waiting_for_key = True


def heed_feedback(sender: RTCRtpSender, track: ViewerTrack, heard: Callable[[str], None]) -> None:
    """Let `track` and its line hear what the viewer's receiver reports to `sender`.

    `heard(stream)` is called after each report that tells something about the line.
    """
    private: Any = sender
    handle, retransmit = private._handle_rtcp_packet, private._retransmit

    async def hear(packet: Any) -> None:
        await handle(packet)
        if _tell(track.line, packet, private, now_ns()):
            heard(track.stream)

    async def repeat(sequence_number: int) -> None:
        if track.line.may_repeat(_PACKET_BITS, now_ns()):
            await retransmit(sequence_number)

    track.unsent_bytes = lambda: unsent_bytes(sender)
    private._send_keyframe = track.ask_for_key_frame
    private._handle_rtcp_packet = hear
    private._retransmit = repeat


def unsent_bytes(sender: RTCRtpSender) -> int:
    """What waits inside asyncio because the socket is full; it would wait there without bound."""
    ice: Any = sender.transport.transport
    pair = ice._connection._nominated.get(1)  # component 1 is all there is (RFC 8445, rtcp-mux)
    if pair is None:
        return 0
    socket = pair.protocol.transport
    relay = getattr(socket, "_TurnTransport__inner_protocol", None)  # through TURN: its connection
    waiting: int = (relay.transport if relay is not None else socket).get_write_buffer_size()
    return waiting


def _tell(line: ViewerLine, packet: Any, sender: Any, stamp_ns: int) -> bool:
    if isinstance(packet, (RtcpRrPacket, RtcpSrPacket)):
        reports = [report for report in packet.reports if report.ssrc == sender._ssrc]
        for report in reports:
            line.reported(report.fraction_lost / 256, _round_trip_ms(sender, report), stamp_ns)
        return bool(reports)
    if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
        try:
            bitrate, sources = unpack_remb_fci(packet.fci)
        except ValueError:
            return False
        if sender._ssrc in sources:
            line.estimated(bitrate, stamp_ns)
            return True
    return False


def _round_trip_ms(sender: Any, report: Any) -> float | None:
    """Of this report alone (RFC 3550 6.4.1); aiortc publishes a mean of many, which lags behind."""
    if not report.dlsr or sender._RTCRtpSender__lsr != report.lsr:
        return None
    since_s: float = wall_time().timestamp() - sender._RTCRtpSender__lsr_time
    held_s: float = report.dlsr / 65536  # at the receiver
    # Below zero: aiortc has sent a report since, and what it noted is that one's time.
    return (since_s - held_s) * 1e3 if since_s > held_s else None
