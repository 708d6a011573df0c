"""What a viewer's receiver reports reaches the rate control, and one viewer does not cost others.

Holds what `transport.viewer_track` relies on below aiortc's public interface.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import numpy as np
import pytest
from aioice.turn import TurnTransport
from aiortc import RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    pack_remb_fci,
)

from tests.links.video_support import (
    CAMERAS,
    LOOPBACK,
    Channel,
    Robot,
    pictures_of,
    wait_until,
)
from transport import viewer_track
from transport.clock import now_ns, wall_time
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.i420 import ToI420
from transport.peer_connection import new_connection
from transport.rate_control import ViewerLine, limits_for
from transport.video_receiver import VideoReceiver
from transport.video_sender import VideoSender, _Viewer
from transport.viewer_track import ViewerTrack, heed_feedback, unsent_bytes
from transport.viewers import ViewerId


class Viewed:
    """A sender of aiortc's with our track on it, and what a receiver reports to it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heard: list[str] = []
        self.repeated: list[int] = []
        self.line = ViewerLine(limits_for(640, 480, 30.0), now_ns())
        self.track = ViewerTrack("front", self.line, self.asked.append)
        transceiver = new_connection().addTransceiver(self.track, direction="sendonly")
        self.sender = transceiver.sender
        inside: Any = self.sender

        async def repeat(sequence_number: int) -> None:
            self.repeated.append(sequence_number)

        assert inspect.iscoroutinefunction(inside._retransmit)
        inside._retransmit = repeat
        heed_feedback(self.sender, self.track, self.heard.append)

    async def hear(self, packet: Any) -> None:
        """As aiortc's transport hands a report on."""
        inside: Any = self.sender
        for part in RtcpPacket.parse(bytes(packet)):
            await inside._handle_rtcp_packet(part)

    @property
    def source(self) -> int:
        inside: Any = self.sender
        return int(inside._ssrc)


def test_a_receivers_estimate_reaches_the_line() -> None:
    async def run() -> None:
        viewed = Viewed()
        before = viewed.line.rate_bps(now_ns())
        viewed.line.sent(2_000_000, now_ns())
        estimate = pack_remb_fci(300_000, [viewed.source])
        await viewed.hear(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=estimate))
        assert viewed.line.rate_bps(now_ns()) < 300_000 < before
        assert viewed.heard == ["front"]
        somebody = pack_remb_fci(60_000, [viewed.source + 1])
        after = viewed.line.rate_bps(now_ns())
        await viewed.hear(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=somebody))
        assert viewed.line.rate_bps(now_ns()) == after

    asyncio.run(run())


def test_a_receivers_report_of_loss_and_of_a_standing_queue_reaches_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen = wall_time()  # so that a round trip is what the report says, and no more
    monkeypatch.setattr(viewer_track, "wall_time", lambda: frozen)

    async def run() -> None:
        viewed = Viewed()
        inside: Any = viewed.sender

        async def report(lost: int, rtt_s: float) -> None:
            inside._RTCRtpSender__lsr = 7  # what aiortc notes when it sends its own report
            inside._RTCRtpSender__lsr_time = frozen.timestamp() - rtt_s - 1.0
            info = RtcpReceiverInfo(
                ssrc=viewed.source,
                fraction_lost=lost,
                packets_lost=0,
                highest_sequence=1,
                jitter=0,
                lsr=7,
                dlsr=65536,
            )
            await viewed.hear(RtcpRrPacket(ssrc=1, reports=[info]))

        await report(0, 0.05)
        before = viewed.line.rate_bps(now_ns())
        await report(128, 0.05)
        lossy = viewed.line.rate_bps(now_ns())
        assert lossy == pytest.approx(0.75 * before, rel=0.01)
        await report(0, -0.3)  # reckoned from a later report of aiortc's own: says nothing
        assert not viewed.line.holds(now_ns())
        await report(0, 0.12)
        assert not viewed.line.holds(now_ns())
        await report(0, 0.45)
        assert viewed.line.rate_bps(now_ns()) < lossy
        assert viewed.line.holds(now_ns())

    asyncio.run(run())


def test_aiortc_still_keeps_what_a_round_trip_is_reckoned_from() -> None:
    source = inspect.getsource(RTCRtpSender._run_rtcp)
    assert "self.__lsr = " in source
    assert "self.__lsr_time = time.time()" in source


def test_a_receiver_that_asks_for_a_key_frame_gets_one() -> None:
    async def run() -> None:
        viewed = Viewed()
        await viewed.hear(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=viewed.source))
        assert viewed.asked == ["front"]

    asyncio.run(run())


def test_lost_packets_are_sent_again_but_not_without_bound() -> None:
    async def run() -> None:
        viewed = Viewed()
        lost = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=viewed.source)
        lost.lost = list(range(5))
        await viewed.hear(lost)
        assert viewed.repeated == [0, 1, 2, 3, 4]
        lost.lost = list(range(5, 200))
        await viewed.hear(lost)
        assert len(viewed.repeated) < 30

    asyncio.run(run())


def test_what_the_system_does_not_take_is_seen_and_nothing_more_is_queued() -> None:
    robot = Robot()
    receiver = VideoReceiver(("front",), Channel(robot, "a"), bind_host=LOOPBACK)
    receiver.start()
    try:
        pictures_of(receiver, "front", 3)
        (viewer,) = robot.sender._viewers.values()
        (transceiver,) = viewer.connection.getTransceivers()
        (track,) = viewer.tracks
        assert unsent_bytes(transceiver.sender) == 0
        ice: Any = transceiver.sender.transport.transport
        socket = ice._connection._nominated[1].protocol.transport
        socket.get_write_buffer_size = lambda: 1000
        skipped = track.skipped
        wait_until(lambda: track.skipped > skipped + 5, "it queues on")
        assert "self.__inner_protocol = " in inspect.getsource(TurnTransport)
    finally:
        receiver.close()
        robot.close()


# --- one viewer must not cost the others ---


def test_a_bystander_on_a_bad_line_is_sent_whole_stretches_from_key_frames_on() -> None:
    asked: list[str] = []
    line = ViewerLine(limits_for(640, 480, 30.0), 0, start_bps=400_000)
    track = ViewerTrack("front", line, asked.append)
    track.followed = False
    encoder = StreamEncoder(160, 120, 30, 1_000_000)
    noise = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
    to_i420 = ToI420()
    sent: list[bool] = []

    async def run() -> None:
        for number in range(240):
            stamp = FrameStamp(number * 33_000_000, number)
            picture = to_i420(np.roll(noise, number, 0))
            packet = encoder.encode(picture, stamp, key_frame=number % 60 == 0)
            assert packet is not None
            track.offer(packet, stamp.captured_ns)
            if not track._packets.empty():
                sent.append((await track.recv()).is_keyframe)

    asyncio.run(run())
    assert asked == []
    assert track.skipped > 120
    assert sum(sent) >= 2
    assert len(sent) > sum(sent)


def test_a_bystander_may_ask_for_a_key_frame_every_two_seconds_only() -> None:
    asked: list[str] = []
    track = ViewerTrack("front", ViewerLine(limits_for(640, 480, 30.0), 0), asked.append)
    track.followed = False
    for _ in range(20):
        track.ask_for_key_frame()
    assert asked == ["front"]
    track.followed = True
    track.ask_for_key_frame()
    assert asked == ["front", "front"]


def test_the_encoder_follows_those_who_may_drive_and_not_who_watches() -> None:
    sender = VideoSender(CAMERAS, lambda _: None, bind_host=LOOPBACK)
    driver, watcher = (
        ViewerTrack("front", ViewerLine(limits_for(640, 480, 30.0), 0, rate), lambda _: None)
        for rate in (3_000_000, 100_000)
    )
    sender._viewers[ViewerId("w", "1")] = _Viewer(new_connection(), [watcher], False, 1, 0)
    sender._plan("front")
    assert sender.plan("front").bitrate_bps == 100_000
    sender._viewers[ViewerId("d", "1")] = _Viewer(new_connection(), [driver], True, 1, 0)
    sender._plan("front")
    assert sender.plan("front").bitrate_bps == 3_000_000
    assert (driver.followed, watcher.followed) == (True, False)
    sender._thread.loop.close()
