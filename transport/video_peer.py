"""Stock aiortc, as its examples use it: the peer that `unstick bench video` measures beside ours.

Not part of the product's video path. The frame's number is drawn into the picture as 16-pixel
blocks, because a stock sender has no stamp of its own; capture times are kept by the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from transport.clock import NS_PER_S, now_ns
from transport.h264_encoders import RTP_CLOCK
from transport.i420 import I420
from transport.peer_connection import LoopThread, bind_ice

BITS: Final = 20
BLOCK: Final = 16  # pixels
DARK, LIGHT = 16, 235

Image = npt.NDArray[np.uint8]


def draw_number(image: Image, number: int) -> None:
    """Draw `number` into the top left corner of an RGB picture or of luma; most blocks survive any
    bitrate."""
    for bit in range(BITS):
        value = LIGHT if (number >> bit) & 1 else DARK
        image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = value


def read_number(grey: Image) -> int:
    """The number drawn into a picture, from its luma plane."""
    number = 0
    for bit in range(BITS):
        block = grey[4 : BLOCK - 4, bit * BLOCK + 4 : (bit + 1) * BLOCK - 4]
        number |= int(block.mean() > 128) << bit
    return number


class _StockTrack(MediaStreamTrack):
    kind = "video"

    def __init__(self, picture: Callable[[int], I420], fps: int) -> None:
        super().__init__()
        self._picture = picture
        self._fps = fps
        self._start_ns = now_ns()
        self._number = 0
        self.captured_ns: dict[int, int] = {}

    async def recv(self) -> av.VideoFrame:
        due_ns = self._start_ns + self._number * NS_PER_S // self._fps
        await asyncio.sleep(max(0.0, (due_ns - now_ns()) / NS_PER_S))
        picture = self._picture(self._number)
        self.captured_ns[self._number] = stamp_ns = now_ns()
        frame: av.VideoFrame = picture.frame()
        frame.pts = stamp_ns * 9 // 100_000
        frame.time_base = RTP_CLOCK
        self._number += 1
        return frame


class StockSender:
    """Stock peer connections that send one synthetic camera; each encodes it again."""

    def __init__(self, picture: Callable[[int], I420], fps: int, bind_host: str) -> None:
        self._track_args = (picture, fps)
        self._bind_host = bind_host
        self._thread = LoopThread("stock-sender")
        self._tracks: list[_StockTrack] = []
        self._connections: list[RTCPeerConnection] = []

    def start(self) -> None:
        """Start the loop's thread."""
        self._thread.start()

    def answer(self, sdp: str) -> str:
        """Answer one offer."""
        return self._thread.call(self._answer(sdp), 10.0)

    def close(self) -> list[dict[int, int]]:
        """End; return the capture stamp of each frame by its number, for each viewer."""
        for connection in self._connections:
            self._thread.call(connection.close(), 5.0)
        self._thread.close()
        return [track.captured_ns for track in self._tracks]

    async def _answer(self, sdp: str) -> str:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.append(connection)
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        bind_ice(connection, self._bind_host)
        self._tracks.append(_StockTrack(*self._track_args))
        connection.addTrack(self._tracks[-1])
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)


class StockReceiver:
    """One stock peer connection that receives it and notes when each frame was decoded."""

    def __init__(self, exchange: Callable[[str], str], bind_host: str) -> None:
        self.decoded_ns: dict[int, int] = {}
        self._exchange = exchange
        self._bind_host = bind_host
        self._thread = LoopThread("stock-receiver")
        self._connection: RTCPeerConnection | None = None

    def start(self) -> None:
        """Connect and receive."""
        self._thread.start()
        self._thread.call(self._connect(), 20.0)

    def close(self) -> None:
        """End."""
        if self._connection is not None:
            self._thread.call(self._connection.close(), 5.0)
        self._thread.close()

    async def _connect(self) -> None:
        self._connection = connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = connection.addTransceiver("video", direction="recvonly")
        capabilities = RTCRtpReceiver.getCapabilities("video")
        codecs = capabilities.codecs if capabilities else []
        transceiver.setCodecPreferences([c for c in codecs if c.mimeType == "video/H264"])
        bind_ice(connection, self._bind_host)
        await connection.setLocalDescription(await connection.createOffer())
        offer = connection.localDescription.sdp
        answer = await asyncio.to_thread(self._exchange, offer)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._task = asyncio.ensure_future(self._receive(transceiver.receiver.track))

    async def _receive(self, track: Any) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            stamp_ns = now_ns()
            plane = frame.planes[0]
            grey = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            self.decoded_ns[read_number(grey)] = stamp_ns
