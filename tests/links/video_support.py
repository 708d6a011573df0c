"""A robot that films, a console's channel to it, and waiting for what has to happen."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from transport.clock import now_ns
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.i420 import ToI420
from transport.ice_servers import NO_SERVERS, IceServers
from transport.messages import (
    Rendition,
    VideoAnswer,
    VideoChoose,
    VideoChosen,
    VideoConfirm,
    VideoConfirmed,
    VideoOffer,
)
from transport.peer_connection import bind_ice, new_connection
from transport.picture import Picture
from transport.video_receiver import VideoReceiver
from transport.video_sender import VideoSender
from transport.viewers import CONFIRM_MS

LOOPBACK = "127.0.0.1"
CAMERAS = ("front", "ceiling")
HANG_S = 20.0


def grey(number: int) -> npt.NDArray[np.uint8]:
    """A picture whose brightness is the frame's number."""
    return np.full((120, 160, 3), 40 + number % 150, np.uint8)


class Robot:
    """A sender that films two cameras."""

    def __init__(
        self,
        picture: Callable[[int], npt.NDArray[np.uint8]] = grey,
        ice: IceServers = NO_SERVERS,
    ) -> None:
        self.picture = picture
        self.encoded: deque[bytes] = deque(maxlen=1_000)
        self.key_frames: set[str] = set()
        self.sender = VideoSender(CAMERAS, self.key_frames.add, bind_host=LOOPBACK, ice=ice)
        self.leaving = threading.Event()
        self.paused = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.sender.start()
        self.thread.start()

    def run(self) -> None:
        encoders = {camera: StreamEncoder(160, 120, 30) for camera in CAMERAS}
        to_i420 = ToI420()
        number = 0
        while not self.leaving.wait(1 / 30):
            if self.paused.is_set():
                continue
            number += 1
            for camera, encoder in encoders.items():
                picture = to_i420(self.picture(number))
                key = camera in self.key_frames
                self.key_frames.discard(camera)
                packet = encoder.encode(picture, FrameStamp(now_ns(), number), key_frame=key)
                assert packet is not None
                self.encoded.append(bytes(packet))
                self.sender.publish(camera, packet)

    def close(self) -> None:
        self.leaving.set()
        self.thread.join(5.0)
        self.sender.close()


class Channel:
    """The authenticated channel between one console and the robot, in one process."""

    def __init__(self, robot: Robot, session: str, key: str = "key") -> None:
        self.sender = robot.sender
        self.session = session
        self.key = key
        self.offers = 0

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        self.offers += 1
        return self.sender.answer(self.key, self.offer(sdp, cameras), may_drive=True)

    def confirm_video(self, request_id: int, within_ms: int) -> VideoConfirmed:
        assert 0 < within_ms <= CONFIRM_MS
        confirm = VideoConfirm(request_id=request_id, session=self.session)
        return self.sender.confirm(self.key, confirm)

    def choose_video(self, camera: str, rendition: Rendition) -> VideoChosen:
        wish = VideoChoose(
            request_id=self.offers, session=self.session, camera=camera, rendition=rendition
        )
        return self.sender.choose(self.key, wish)

    def offer(self, sdp: str, cameras: Sequence[str]) -> VideoOffer:
        return VideoOffer(
            request_id=self.offers, session=self.session, sdp=sdp, cameras=tuple(cameras)
        )


async def offered(codecs: Sequence[Any]) -> str:
    """An offer to receive both cameras, by somebody who has gone when it is read."""
    connection = new_connection()
    for _ in CAMERAS:
        transceiver = connection.addTransceiver("video", direction="recvonly")
        transceiver.setCodecPreferences(codecs)
    bind_ice(connection, LOOPBACK)
    await connection.setLocalDescription(await connection.createOffer())
    sdp = str(connection.localDescription.sdp)
    await connection.close()
    return sdp


def wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + HANG_S
    while not reached():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def pictures_of(receiver: VideoReceiver, camera: str, count: int) -> list[Picture]:
    seen: list[Picture] = []
    deadline = time.monotonic() + HANG_S
    while len(seen) < count:
        assert time.monotonic() < deadline, f"{len(seen)} of {count} pictures of {camera} came"
        picture = receiver.mailboxes[camera].wait(0.5)
        if picture is not None:
            seen.append(picture)
    return seen
