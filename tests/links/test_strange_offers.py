"""Offers that no console of ours makes, to a robot that films and records a drive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from aiortc import RTCRtpReceiver

from tests.links.test_camera_faults import GOOD, TwoCameras, Watched
from tests.links.test_media_viewers import MediaProcess, asking, watching
from tests.links.video_support import offered, wait_until
from transport.clock import NS_PER_MS, now_ns
from transport.messages import Mode, RecorderPhase, Role
from transport.peer_connection import h264_only
from transport.video_sender import TIDY_MS
from transport.viewers import CONFIRM_MS

LATE_MS = 500  # of a thread on a busy machine


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A driver sees both cameras, and is recorded."""
    rig = TwoCameras()
    with (
        closing(MediaProcess(tmp_path_factory.mktemp("robot"), rig)) as process,
        watching(process, "driver", Role.OPERATOR, rig.names) as receiver,
    ):
        watched = Watched(process, rig, receiver)
        process.mode = Mode.TELEOP
        wait_until(
            lambda: process.media._recorder_status[0] is RecorderPhase.RECORDING,
            "the drive is not recorded",
        )
        yield watched


def offer_of(codec: str) -> str:
    """An offer with `codec` and nothing else; aiortc itself has no AV1."""
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    vp8 = [known for known in capabilities.codecs if known.mimeType == "video/VP8"]
    return asyncio.run(offered(vp8)).replace(" VP8/90000", f" {codec}/90000")


@pytest.mark.parametrize("codec", ["VP8", "AV1"])
def test_who_asks_for_another_codec_is_told_which_and_the_drive_goes_on(
    drive: Watched, codec: str
) -> None:
    with asking(drive.process, codec, Role.OPERATOR) as channel:
        answer = channel.exchange_video(offer_of(codec), drive.rig.names)
    assert not answer.ok
    assert answer.reason == (
        f"the offer is not one this robot answers: it is for {codec}; pictures here are H.264 only"
    )
    assert drive.process.viewers() == 1
    drive.assert_all_else_goes_on()


def test_who_sends_something_else_than_an_offer_is_told_so_and_the_drive_goes_on(
    drive: Watched,
) -> None:
    with asking(drive.process, "chatty", Role.OPERATOR) as channel:
        answer = channel.exchange_video("GET / HTTP/1.1\r\n\r\n", drive.rig.names)
    assert not answer.ok
    assert answer.reason == (
        "the offer is not one this robot answers: it is no description of pictures (SDP)"
    )
    assert drive.process.viewers() == 1
    drive.assert_all_else_goes_on()


@pytest.mark.long
def test_who_offers_and_never_answers_keeps_a_place_for_five_seconds_only(drive: Watched) -> None:
    sdp = asyncio.run(offered(h264_only()))
    with asking(drive.process, "silent", Role.OPERATOR) as channel:
        asked_ns = now_ns()
        assert channel.exchange_video(sdp, drive.rig.names).ok
        answered_ns = now_ns()
        assert drive.process.viewers() == 2
        drive.assert_all_else_goes_on()
        wait_until(lambda: drive.process.viewers() == 1, "the place was kept")
        freed_ns = now_ns()
    assert freed_ns - asked_ns >= CONFIRM_MS * NS_PER_MS
    assert freed_ns - answered_ns <= (CONFIRM_MS + TIDY_MS + LATE_MS) * NS_PER_MS
    drive.assert_all_else_goes_on()
    assert drive.status(GOOD).viewers == 1
