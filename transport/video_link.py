"""WebRTC, both ends: the only module that imports aiortc and asyncio.

Each link runs one event loop on one thread of its own; other threads hand over through the methods
marked so. Three places reach below aiortc's public interface, each held by a test:
the jitter buffer that gives a frame out at its RTP marker (`_MarkerBuffer`), the key-frame request
(`RTCRtpSender._send_keyframe`), and the host addresses that ICE may use (`_bind_ice`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError

from transport.clock import NS_PER_MS, now_ns
from transport.frame_stamp import FrameStamp, stamp_of
from transport.h264 import EncodedFrame
from transport.mailbox import Mailbox
from transport.messages import VideoAnswer
from transport.picture import Picture

log = logging.getLogger("video")

VIEWER_QUEUE: Final = 8  # packets; a viewer further behind than this waits for a key frame
NO_PICTURE_MS: Final = 2_000  # without a frame for so long the connection is made anew
RETRY_MS: Final = 500  # between two attempts to connect
JITTER_CAPACITY: Final = 512  # packets, aiortc's own figure for video

T = TypeVar("T")


class VideoLinkError(Exception):
    """The video link cannot be made; the message says why."""


class _LoopThread:
    """One event loop on one named thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Run `work` on the loop and wait for its result; any other thread may call this."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self.call(self._cancel_all(), 5.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5.0)
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _new_connection() -> RTCPeerConnection:
    # An empty list: aiortc's default asks a public STUN server.
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def _h264_only() -> list[Any]:
    """H.264 and its retransmission; what is offered decides, the robot's packets are H.264."""
    capabilities = RTCRtpReceiver.getCapabilities("video")
    codecs = capabilities.codecs if capabilities else []
    return [c for c in codecs if c.mimeType in ("video/H264", "video/rtx")]


def _bind_ice(connection: RTCPeerConnection, bind_host: str) -> None:
    """Let ICE use `bind_host` only; aioice never offers 127.0.0.1 by itself."""
    if bind_host in ("", "0.0.0.0"):
        return
    for transceiver in connection.getTransceivers():
        ice: Any = transceiver.receiver.transport.transport.iceGatherer._connection
        gather = ice.get_component_candidates

        async def only_here(*, _gather: Callable[..., Any] = gather, **kwargs: Any) -> list[Any]:
            kwargs["addresses"] = [bind_host]
            found: list[Any] = await _gather(**kwargs)
            return found

        ice.get_component_candidates = only_here


# --- robot ---


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
        try:
            self._packets.put_nowait(packet)
        except asyncio.QueueFull:
            self.skipped += 1
            self._waiting_for_key = True
            self._need_key_frame(self.camera)

    async def recv(self) -> EncodedFrame:
        return await self._packets.get()


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
        self._thread = _LoopThread("video-sender")

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
        await self._drop(session)
        connection = _new_connection()
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        _bind_ice(connection, self._bind_host)
        transceivers = connection.getTransceivers()
        if len(transceivers) != len(cameras):
            await connection.close()
            raise VideoLinkError(
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
        self._viewers[session] = _Viewer(connection, tracks)
        return str(connection.localDescription.sdp)

    async def _drop(self, session: str) -> None:
        viewer = self._viewers.pop(session, None)
        if viewer is not None:
            await viewer.connection.close()


# --- console ---


class _MarkerBuffer(JitterBuffer):
    """Gives a frame out when its last packet (RTP marker, RFC 6184 5.1) and all before are there.

    aiortc's own buffer waits for the first packet of the *next* frame, a whole frame interval.
    """

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        assert self._origin is not None
        packets = []
        for count in range(self.capacity):
            packet = self._packets[(self._origin + count) % self._capacity]
            if packet is None:
                return None
            packets.append(packet)
            if packet.marker:
                self.remove(count + 1)
                data = b"".join(p._data for p in packets)  # type: ignore[attr-defined]
                return JitterFrame(data=data, timestamp=packet.timestamp)
        return None


class VideoReceiver:
    """The console's end: keeps a connection to the robot and fills one mailbox for each camera."""

    def __init__(
        self,
        cameras: Sequence[str],
        exchange: Callable[[str, Sequence[str]], VideoAnswer],
        *,
        bind_host: str,
        at_marker: bool = True,
    ) -> None:
        """`exchange(offer_sdp, cameras)` brings an offer to the robot and returns its answer; it is
        called on a worker thread and may block for a few seconds or raise `VideoLinkError`.
        `at_marker=False` leaves aiortc's own jitter buffer in place, for comparison."""
        self.mailboxes: dict[str, Mailbox[Picture]] = {camera: Mailbox() for camera in cameras}
        self.problem = ""  # why there is no connection; empty while there is one
        self._cameras = tuple(cameras)
        self._exchange = exchange
        self._bind_host = bind_host
        self._at_marker = at_marker
        self._wake: Callable[[], None] = lambda: None
        self._thread = _LoopThread("video-receiver")
        self._newest_ns = 0
        self._keeper: asyncio.Future[None] | None = None
        self._receiving: list[asyncio.Future[None]] = []

    def subscribe(self, on_wake: Callable[[], None]) -> None:
        """`on_wake` is called on the link's thread when an empty mailbox got a picture."""
        self._wake = on_wake

    def start(self) -> None:
        """Start the link's thread; it connects, and connects again, until closed."""
        self._thread.start()
        self._thread.call(self._start_keeping(), 5.0)

    def close(self) -> None:
        """Close the connection and the thread; idempotent."""
        if not self._thread.loop.is_closed():
            if self._keeper is not None:
                self._thread.call(self._stop_keeping(), 5.0)
            self._thread.close()

    async def _stop_keeping(self) -> None:
        assert self._keeper is not None
        self._keeper.cancel()
        await asyncio.gather(self._keeper, *self._receiving, return_exceptions=True)

    async def _start_keeping(self) -> None:
        self._keeper = asyncio.ensure_future(self._keep_connected())

    async def _keep_connected(self) -> None:
        while True:
            connection = _new_connection()
            try:
                await self._connect(connection)
                self._newest_ns = now_ns()
                while now_ns() - self._newest_ns < NO_PICTURE_MS * NS_PER_MS:
                    if connection.connectionState in ("failed", "closed"):
                        break
                    await asyncio.sleep(0.05)
                self.problem = "the picture has stopped"
            except VideoLinkError as error:
                if self.problem != str(error):
                    log.info("no video: %s", error)
                self.problem = str(error)
            finally:
                await connection.close()
            await asyncio.sleep(RETRY_MS / 1000)

    async def _connect(self, connection: RTCPeerConnection) -> None:
        receivers = []
        for camera in self._cameras:
            transceiver = connection.addTransceiver("video", direction="recvonly")
            transceiver.setCodecPreferences(_h264_only())
            if self._at_marker:
                receiver: Any = transceiver.receiver
                receiver._RTCRtpReceiver__jitter_buffer = _MarkerBuffer(
                    JITTER_CAPACITY, is_video=True
                )
            receivers.append((camera, transceiver.receiver))
        _bind_ice(connection, self._bind_host)
        await connection.setLocalDescription(await connection.createOffer())
        offer = connection.localDescription.sdp
        answer = await asyncio.to_thread(self._exchange, offer, self._cameras)
        if not answer.ok:
            raise VideoLinkError(answer.reason)
        await connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        self.problem = ""
        # A receiving task ends by itself: closing the connection ends its track.
        self._receiving = [
            asyncio.ensure_future(self._receive(camera, receiver.track))
            for camera, receiver in receivers
        ]

    async def _receive(self, camera: str, track: MediaStreamTrack) -> None:
        mailbox = self.mailboxes[camera]
        stamp = FrameStamp(0, -1)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if not isinstance(frame, av.VideoFrame):
                continue
            received_ns = now_ns()
            self._newest_ns = received_ns
            stamp = _stamp_in(frame) or FrameStamp(stamp.captured_ns, stamp.number)
            if track._queue.qsize() > 0:  # type: ignore[attr-defined]
                mailbox.skipped(1)  # a newer one is decoded already: this one is never converted
                continue
            bgra = frame.to_ndarray(format="bgra")
            picture = Picture(
                camera=camera,
                number=stamp.number,
                captured_ns=stamp.captured_ns,
                received_ns=received_ns,
                decoded_ns=now_ns(),
                bgra=np.ascontiguousarray(bgra),
            )
            if mailbox.put(picture):
                self._wake()


def _stamp_in(frame: av.VideoFrame) -> FrameStamp | None:
    blocks: Any = frame.side_data  # PyAV's stubs describe it as a mapping of names
    for side_data in blocks:
        if side_data.type.name == "SEI_UNREGISTERED":
            stamp = stamp_of(bytes(side_data))
            if stamp is not None:
                return stamp
    return None
