"""The robot's end of the video: each camera's packets go to every viewer, encoded once.

One event loop on one thread; the methods marked so are called from others. A viewer's request for a
key frame arrives in `RTCRtpSender._send_keyframe`, which aiortc does not publish: it is replaced on
each sender, and tests/links/test_video_link.py holds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from transport.errors import LinkError
from transport.h264 import EncodedFrame
from transport.messages import VideoAnswer
from transport.peer_connection import LoopThread, bind_ice, new_connection

log = logging.getLogger("video")

VIEWER_QUEUE: Final = 8  # packets; a viewer further behind than this waits for a key frame


class _ViewerTrack(MediaStreamTrack):
    """Hands one camera's packets to one viewer; behind by too much, it waits for a key frame."""

    kind = "video"

    def __init__(self, camera: str, need_key_frame: Callable[[str], None]) -> None:
        super().__init__()
        self.camera = camera
        self._need_key_frame = need_key_frame
        self._packets: asyncio.Queue[EncodedFrame] = asyncio.Queue(VIEWER_QUEUE)
        self._waiting_for_key = True
        self.skipped = 0

    def offer(self, packet: EncodedFrame) -> None:
        if self._waiting_for_key:
            if not packet.is_keyframe:
                self.skipped += 1
                return
            self._waiting_for_key = False
        if self._packets.full():
            # A key frame is asked for when the viewer has caught up, not before: it would find the
            # queue full again, and every other viewer would pay for it.
            self.skipped += 1
            self._waiting_for_key = True
            return
        self._packets.put_nowait(packet)

    async def recv(self) -> EncodedFrame:
        packet = await self._packets.get()
        if self._waiting_for_key and self._packets.empty():
            self._need_key_frame(self.camera)
        return packet


@dataclass
class _Viewer:
    connection: RTCPeerConnection
    tracks: list[_ViewerTrack]


class VideoSender:
    """The robot's end: serves each camera's packets to every viewer that asks."""

    def __init__(
        self,
        cameras: Sequence[str],
        need_key_frame: Callable[[str], None],
        *,
        bind_host: str,
    ) -> None:
        """`need_key_frame(camera)` is called on the link's thread when a viewer needs one."""
        self._cameras = tuple(cameras)
        self._need_key_frame = need_key_frame
        self._bind_host = bind_host
        self._viewers: dict[str, _Viewer] = {}
        self._thread = LoopThread("video-sender")

    def start(self) -> None:
        """Start the link's thread."""
        self._thread.start()

    def close(self) -> None:
        """Close every connection and the thread; idempotent."""
        if self._thread.loop.is_closed():
            return
        for session in list(self._viewers):
            self._thread.call(self._drop(session), 5.0)
        self._thread.close()

    def publish(self, camera: str, packet: EncodedFrame) -> None:
        """Hand one encoded frame to all viewers of `camera`; the encoder's thread calls this."""
        if self._viewers:
            self._thread.loop.call_soon_threadsafe(self._publish, camera, packet)

    def viewers(self, camera: str) -> int:
        """How many connections show `camera`."""
        return sum(t.camera == camera for v in list(self._viewers.values()) for t in v.tracks)

    def answer(
        self, session: str, request_id: int, sdp: str, cameras: Sequence[str]
    ) -> VideoAnswer:
        """Answer a viewer's offer; a session's former connection is replaced."""
        unknown = [camera for camera in cameras if camera not in self._cameras]
        if unknown or not cameras:
            have = ", ".join(self._cameras)
            return VideoAnswer(
                request_id=request_id, ok=False, reason=f"no camera {unknown}; there are: {have}"
            )
        try:
            answer = self._thread.call(self._answer(session, sdp, cameras), 10.0)
        except Exception as error:  # noqa: BLE001 - whatever an SDP of a stranger breaks in aiortc
            log.warning("offer of %s refused: %s", session, error)
            return VideoAnswer(
                request_id=request_id, ok=False, reason=f"offer not usable: {error}"[:300]
            )
        return VideoAnswer(request_id=request_id, ok=True, sdp=answer)

    def _publish(self, camera: str, packet: EncodedFrame) -> None:
        for viewer in self._viewers.values():
            for track in viewer.tracks:
                if track.camera == camera:
                    track.offer(packet)

    async def _answer(self, session: str, sdp: str, cameras: Sequence[str]) -> str:
        connection = new_connection()
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        bind_ice(connection, self._bind_host)
        transceivers = connection.getTransceivers()
        if len(transceivers) != len(cameras):
            await connection.close()
            raise LinkError(
                f"the offer has {len(transceivers)} video sections for {len(cameras)} cameras"
            )
        tracks = []
        for transceiver, camera in zip(transceivers, cameras, strict=True):
            track = _ViewerTrack(camera, self._need_key_frame)
            transceiver.sender.replaceTrack(track)
            transceiver.direction = "sendonly"

            def key_frame_wanted(camera: str = camera) -> None:
                self._need_key_frame(camera)

            sender: Any = transceiver.sender
            sender._send_keyframe = key_frame_wanted
            tracks.append(track)

        @connection.on("connectionstatechange")
        async def on_change() -> None:
            if connection.connectionState == "connected":
                for camera in cameras:
                    self._need_key_frame(camera)
            elif connection.connectionState in ("failed", "closed"):
                held = self._viewers.get(session)
                if held is not None and held.connection is connection:
                    await self._drop(session)

        await connection.setLocalDescription(await connection.createAnswer())
        await self._drop(session)
        self._viewers[session] = _Viewer(connection, tracks)
        return str(connection.localDescription.sdp)

    async def _drop(self, session: str) -> None:
        viewer = self._viewers.pop(session, None)
        if viewer is not None:
            await viewer.connection.close()
