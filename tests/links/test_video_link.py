"""Real WebRTC on loopback: stamps arrive, viewers join and leave, frames come at their marker."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Iterator, Sequence

import av
import numpy as np
import pytest
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpreceiver import NackGenerator
from aiortc.rtp import RtpPacket

from tests.links.video_support import CAMERAS, LOOPBACK, Channel, Robot, pictures_of, wait_until
from transport import video_intake
from transport.clock import NS_PER_MS
from transport.errors import LinkError
from transport.frame_stamp import FrameStamp
from transport.h264 import EncodedFrame, StreamEncoder
from transport.i420 import ToI420
from transport.messages import VideoAnswer, VideoConfirmed
from transport.peer_connection import new_connection
from transport.rate_control import ViewerLine, limits_for
from transport.reassembly import START_CODE
from transport.video_figures import VideoFigures
from transport.video_intake import FrameIntake
from transport.video_receiver import VideoReceiver
from transport.viewer_track import VIEWER_QUEUE, ViewerTrack


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()
    yield made
    made.close()


def test_pictures_of_every_camera_arrive_with_their_stamps(robot: Robot) -> None:
    receiver = VideoReceiver(CAMERAS, Channel(robot, "a"), bind_host=LOOPBACK)
    receiver.start()
    try:
        for camera in CAMERAS:
            seen = pictures_of(receiver, camera, 10)
            numbers = [p.number for p in seen]
            assert numbers == sorted(set(numbers))
            for picture in seen:
                assert picture.bgra.shape == (120, 160, 4)
                assert 0 < picture.captured_ns <= picture.received_ns <= picture.decoded_ns
                expected = 40 + picture.number % 150
                assert abs(float(picture.bgra[..., :3].mean()) - expected) < 6
        assert robot.sender.viewers("front") == 1
    finally:
        receiver.close()


def test_a_second_viewer_gets_a_picture_at_once_and_leaves_the_first_alone(robot: Robot) -> None:
    first = VideoReceiver(("front",), Channel(robot, "a"), bind_host=LOOPBACK)
    second = VideoReceiver(("front",), Channel(robot, "b"), bind_host=LOOPBACK)
    first.start()
    pictures_of(first, "front", 3)
    second.start()
    try:
        pictures_of(second, "front", 3)
        pictures_of(first, "front", 3)
        assert robot.sender.viewers("front") == 2
    finally:
        second.close()
        first.close()


def test_a_picture_that_stopped_comes_back_by_itself(robot: Robot) -> None:
    receiver = VideoReceiver(("front",), Channel(robot, "a"), bind_host=LOOPBACK)
    receiver.start()
    try:
        wait_until(lambda: receiver.problem == "", "it was not confirmed")
        robot.paused.set()
        wait_until(lambda: receiver.problem != "", "a stopped picture was not noticed")
        robot.paused.clear()
        receiver.mailboxes["front"].take()
        pictures_of(receiver, "front", 3)
    finally:
        receiver.close()


def test_an_unknown_camera_is_refused_with_those_there_are(robot: Robot) -> None:
    answer = Channel(robot, "a").exchange_video("v=0", ["rear"])
    assert not answer.ok
    assert "front, ceiling" in answer.reason


def test_an_offer_that_is_no_sdp_is_refused(robot: Robot) -> None:
    answer = Channel(robot, "a").exchange_video("this is not SDP", ["front"])
    assert not answer.ok
    assert "not one this robot answers" in answer.reason
    assert robot.sender.viewers("front") == 0


class NobodyThere:
    """A channel to a robot that is away."""

    def __init__(self) -> None:
        self.tries = 0

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        self.tries += 1
        raise LinkError("no answer")

    def confirm_video(self, request_id: int, within_ms: int) -> VideoConfirmed:
        raise AssertionError("nothing to confirm")


def test_a_robot_that_does_not_answer_is_tried_again() -> None:
    nobody = NobodyThere()
    receiver = VideoReceiver(("front",), nobody, bind_host=LOOPBACK)
    receiver.start()
    try:
        wait_until(lambda: nobody.tries >= 2, "it was not tried again")
        assert receiver.problem == "no answer"
    finally:
        receiver.close()


def first_figures(robot: Robot, session: str) -> VideoFigures:
    """The first that a new receiver gives of a camera, once pictures of all have come."""
    receiver = VideoReceiver(CAMERAS, Channel(robot, session), bind_host=LOOPBACK)
    receiver.start()
    made: dict[str, VideoFigures] = {}

    def come() -> bool:
        made.update(receiver.figures)  # new ones every second, so those that were looked at
        return all(made[camera].received_fps > 1.0 for camera in CAMERAS)

    try:
        wait_until(come, "no figures came")
    finally:
        receiver.close()
    return made[CAMERAS[0]]


def test_figures_tell_how_the_video_comes_in(robot: Robot) -> None:
    for session in "abc":  # a decoder that the machine held up has left something out
        made = first_figures(robot, session)
        if made.lost_fraction == made.abandoned == made.undecoded == 0:
            break
    assert made.width > 0
    assert made.bitrate_bps > 0.0
    assert 0.0 < made.decode_ms < 1000.0
    assert made.lost_fraction == 0.0
    assert (made.abandoned, made.undecoded) == (0, 0)


# --- what reaches below aiortc's public interface ---


def packet(sequence: int, timestamp: int, data: bytes, *, marker: bool) -> RtpPacket:
    made = RtpPacket(sequence_number=sequence, timestamp=timestamp, marker=int(marker))
    made._data = data  # type: ignore[attr-defined]
    return made


def test_aiortc_itself_still_waits_for_the_next_frame() -> None:
    buffer = JitterBuffer(16, is_video=True)
    assert buffer.add(packet(1, 100, b"", marker=True))[1] is None
    assert buffer.add(packet(2, 200, b"", marker=False))[1] is not None


def test_aiortc_still_has_the_parts_that_are_replaced() -> None:
    async def parts_of_a_receiver() -> dict[str, object]:
        connection = new_connection()
        receiver = connection.addTransceiver("video", direction="recvonly").receiver
        await connection.close()
        return vars(receiver)

    parts = asyncio.run(parts_of_a_receiver())
    assert isinstance(parts["_RTCRtpReceiver__jitter_buffer"], JitterBuffer)
    assert isinstance(parts["_RTCRtpReceiver__decoder_queue"], queue.Queue)
    generator = parts["_RTCRtpReceiver__nack_generator"]
    assert isinstance(generator, NackGenerator)
    assert generator.missing == set()


def fill(intake: FrameIntake, *packets: RtpPacket) -> list[bool]:
    """Whether each packet made frames whole; their signs wake the decoder, as in aiortc."""
    signs = [intake.add(packet)[1] for packet in packets]
    for sign in filter(None, signs):
        intake.put(("h264", sign))
    return [sign is not None for sign in signs]


class Screen:
    """Notes what a decoder shows; ends it after so many frames."""

    def __init__(self, frames: int) -> None:
        self.seen: list[tuple[int, bool]] = []
        self.intake = FrameIntake(self.show)
        self._frames = frames

    def show(self, frame: av.VideoFrame, *, newest: bool) -> None:
        self.seen.append((frame.opaque.number, newest))
        if len(self.seen) == self._frames:
            self.intake.put(None)


def test_a_frame_is_decoded_with_its_last_packet() -> None:
    screen = Screen(frames=1)
    key = bytes(encoded(StreamEncoder(64, 48, 30), 0))
    first, rest = key[:40], key[40:]
    assert fill(
        screen.intake,
        packet(1, 100, first, marker=False),
        packet(2, 100, rest, marker=True),
    ) == [False, True]
    screen.intake.get()
    assert screen.seen == [(0, True)]
    assert (screen.intake.counts.packets, screen.intake.counts.frames) == (2, 1)


def test_of_frames_behind_a_filled_hole_only_the_last_is_for_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(video_intake, "now_ns", lambda: 0)  # nothing is overdue
    screen, encoder = Screen(frames=3), StreamEncoder(64, 48, 30)
    a, b, c = (bytes(encoded(encoder, number)) for number in range(3))
    fill(
        screen.intake,
        packet(1, 100, a, marker=True),
        packet(3, 300, c, marker=True),
        packet(2, 200, b, marker=True),
    )
    screen.intake.get()
    assert screen.seen == [(0, False), (1, False), (2, True)]


def test_a_decoder_that_is_always_behind_still_shows_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen, encoder = Screen(frames=4), StreamEncoder(64, 48, 30)
    time_ns = itertools.count(0, 30 * NS_PER_MS)  # three looks at the clock for each frame
    monkeypatch.setattr(video_intake, "now_ns", lambda: next(time_ns))
    frames = [bytes(encoded(encoder, number)) for number in range(4)]
    packets = [packet(n, 100 * n, frames[n], marker=True) for n in (0, 3, 2, 1)]
    fill(screen.intake, *packets)
    screen.intake.get()
    assert [newest for _, newest in screen.seen] == [False, True, False, True]


def test_a_frame_that_cannot_be_decoded_asks_for_a_key_frame_and_the_next_one_is_shown() -> None:
    screen, encoder = Screen(frames=1), StreamEncoder(64, 48, 30)
    damaged = START_CODE + b"\x67sets" + START_CODE + b"\x65nothing"
    fill(screen.intake, packet(1, 100, damaged, marker=True))
    decoding = threading.Thread(target=screen.intake.get, daemon=True)
    decoding.start()
    wait_until(lambda: screen.intake.counts.undecodable == 1, "the damaged frame was not noticed")
    wants_key, sign = screen.intake.add(packet(2, 200, bytes(encoded(encoder, 0)), marker=True))
    screen.intake.put(("h264", sign))
    decoding.join(5.0)
    assert wants_key
    assert screen.seen == [(0, True)]
    assert not screen.intake.add(packet(3, 300, bytes(encoded(encoder, 1)), marker=True))[0]


def test_a_receiver_that_ends_lets_its_decoder_go() -> None:
    screen = Screen(frames=1)
    screen.intake.put(None)
    screen.intake.get()
    assert screen.seen == []


# --- one viewer must not cost the others ---


def encoded(encoder: StreamEncoder, number: int, *, key_frame: bool = False) -> EncodedFrame:
    picture = ToI420()(np.full((48, 64, 3), number % 200, np.uint8))
    made = encoder.encode(picture, FrameStamp(number * 33_000_000, number), key_frame=key_frame)
    assert made is not None
    return made


def test_a_viewer_that_never_reads_asks_for_no_key_frames() -> None:
    asked: list[str] = []
    track = ViewerTrack("front", ViewerLine(limits_for(640, 480, 30.0), 0), asked.append)
    encoder = StreamEncoder(64, 48, 30)
    for number in range(60):
        track.offer(encoded(encoder, number, key_frame=number % 10 == 0), number * 33_000_000)
    assert asked == []
    assert track.skipped > 40


def test_a_viewer_that_catches_up_asks_for_one() -> None:
    asked: list[str] = []
    track = ViewerTrack("front", ViewerLine(limits_for(640, 480, 30.0), 0), asked.append)
    encoder = StreamEncoder(64, 48, 30)
    for number in range(20):
        track.offer(encoded(encoder, number, key_frame=number == 0), number * 33_000_000)

    async def read_all() -> None:
        for _ in range(VIEWER_QUEUE):
            await track.recv()

    asyncio.run(read_all())
    assert asked == ["front"]


def test_a_key_frame_of_the_encoders_own_is_recognised() -> None:
    encoder = StreamEncoder(64, 48, 30)
    keys = [n for n in range(125) if encoded(encoder, n).is_keyframe]
    assert keys == [0, 120]
