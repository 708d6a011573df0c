"""The robot's end of the video: each camera's packets go to every viewer, encoded once.

One event loop on one thread; the methods marked so are called from others. A viewer's request for a
key frame arrives in `RTCRtpSender._send_keyframe`, which aiortc does not publish: it is replaced on
each sender, and tests/links/test_video_link.py holds it.

A viewer loses its place when it has not confirmed within `CONFIRM_MS` of the answer: with a wrong
fingerprint one end fails while the other believes to be connected, and only word over the
authenticated channel tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.stats import RTCTransportStats

from transport.clock import now_ns
from transport.errors import LinkError
from transport.h264 import EncodedFrame
from transport.ice_gathering import IceGathering
from transport.ice_servers import NO_SERVERS, IceServers
from transport.messages import (
    VideoAnswer,
    VideoConfirm,
    VideoConfirmed,
    VideoOffer,
    ViewerMessage,
)
from transport.peer_connection import LoopThread, new_connection
from transport.rate_limit import RateLimit
from transport.sdp_check import DescriptionRefused, check_offer
from transport.viewers import OFFERS_AT_ONCE, OFFERS_PER_S, ViewerId, no_place, place_lost

log = logging.getLogger("video")

VIEWER_QUEUE: Final = 8  # packets; a viewer further behind than this waits for a key frame
TIDY_MS: Final = 250  # how often the places are looked over
CLOSE_S: Final = 2.0  # what closing a connection may take; it sends one datagram and waits for none


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


@dataclass(eq=False)
class _Viewer:
    connection: RTCPeerConnection
    tracks: list[_ViewerTrack]
    request_id: int  # of the offer it came of
    answered_ns: int
    confirmed: bool = False
    heard_ns: int = 0  # when it was heard last
    packets: int = 0  # received from it until then


class VideoSender:
    """The robot's end: serves each camera's packets to every viewer that asks."""

    def __init__(
        self,
        cameras: Sequence[str],
        need_key_frame: Callable[[str], None],
        *,
        bind_host: str,
        ice: IceServers = NO_SERVERS,
    ) -> None:
        """`need_key_frame(camera)` is called on the link's thread when a viewer needs one.

        ICE uses `bind_host` only, and the servers of `ice`.
        """
        self._cameras = tuple(cameras)
        self._need_key_frame = need_key_frame
        self._bind_host = bind_host
        self._gathering = IceGathering(ice, bind_host, whose="the robot's")
        self._viewers: dict[ViewerId, _Viewer] = {}
        self._rate = RateLimit(OFFERS_PER_S, OFFERS_AT_ONCE)
        self._thread = LoopThread("video-sender")
        self._tidying: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Start the link's thread."""
        self._thread.start()
        self._thread.call(self._start_tidying(), 5.0)

    def close(self) -> None:
        """Close every connection and the thread; idempotent."""
        if self._thread.loop.is_closed():
            return
        if self._tidying is not None:
            self._thread.call(self._drop_all_but(frozenset(), "the robot leaves"), 2 * CLOSE_S)
        self._thread.close()

    def publish(self, camera: str, packet: EncodedFrame) -> None:
        """Hand one encoded frame to all viewers of `camera`; the encoder's thread calls this."""
        if self._viewers:
            self._thread.loop.call_soon_threadsafe(self._publish, camera, packet)

    def viewers(self, camera: str) -> int:
        """How many connections show `camera`."""
        return sum(t.camera == camera for v in list(self._viewers.values()) for t in v.tracks)

    def hear(
        self, key: str, message: ViewerMessage, *, may_drive: bool
    ) -> VideoAnswer | VideoConfirmed:
        """Answer whatever a viewer sent; `key` is the one its socket has authenticated."""
        if isinstance(message, VideoConfirm):
            return self.confirm(key, message)
        return self.answer(key, message, may_drive=may_drive)

    def answer(self, key: str, offer: VideoOffer, *, may_drive: bool) -> VideoAnswer:
        """Answer a viewer's offer; the former connection of the same key and session is replaced.

        Args:
            key: the viewer's public key, as its socket has authenticated it.
            offer: what it sent.
            may_drive: whether that key may drive; some places are kept for those who may.
        """
        viewer = ViewerId(key, offer.session)
        if not self._rate.admits(key, now_ns()):  # not logged: a flood would fill the log, too
            return _refused(offer, "too many offers; wait a second and try again")
        try:
            self._check_cameras(offer.cameras)
            full = no_place(tuple(self._viewers), viewer, may_drive=may_drive)
            if full:
                raise LinkError(full)
            check_offer(offer.sdp, cameras=len(offer.cameras), bind_host=self._bind_host)
            sdp = self._thread.call(self._answer(viewer, offer), 10.0)
        except DescriptionRefused as error:
            reason = f"the offer is not one this robot answers: {error}"
        except LinkError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - whatever else an offer breaks in aiortc
            log.warning("offer of %r broke the video link: %r", viewer.session, error)
            reason = "the offer cannot be used; do both ends run the same version?"
        else:
            return VideoAnswer(request_id=offer.request_id, ok=True, sdp=sdp)
        log.warning("offer of %r refused: %s", viewer.session, reason)
        return _refused(offer, reason)

    def confirm(self, key: str, confirm: VideoConfirm) -> VideoConfirmed:
        """Take a viewer's word that pictures reach it; `ok` when this end is connected, too."""
        try:
            reason = self._thread.call(
                self._confirm(ViewerId(key, confirm.session), confirm.request_id), 5.0
            )
        except TimeoutError:
            reason = "the robot's video link does not answer"
        return VideoConfirmed(request_id=confirm.request_id, ok=not reason, reason=reason)

    def keep_only(self, keys: Collection[str]) -> None:
        """Cut every viewer whose key is not among `keys`: the roster has changed.

        No further packet goes to them when this returns.
        """
        self._thread.call(
            self._drop_all_but(frozenset(keys), "its key is no longer admitted"), 2 * CLOSE_S
        )

    def _check_cameras(self, cameras: Sequence[str]) -> None:
        unknown = [camera for camera in cameras if camera not in self._cameras]
        have = ", ".join(self._cameras)
        if unknown or not cameras:
            raise LinkError(f"no camera {', '.join(unknown) or 'named'}; there are: {have}")
        if len(set(cameras)) < len(cameras):
            raise LinkError(f"a camera is named twice; there are: {have}")

    # --- the link's thread ---

    def _publish(self, camera: str, packet: EncodedFrame) -> None:
        for viewer in self._viewers.values():
            for track in viewer.tracks:
                if track.camera == camera:
                    track.offer(packet)

    async def _answer(self, viewer: ViewerId, offer: VideoOffer) -> str:
        connection = new_connection(relay_only=self._gathering.relay_only)
        try:
            tracks = await self._negotiate(connection, offer)
        except BaseException:
            await _close(connection)
            raise

        @connection.on("connectionstatechange")
        async def on_change() -> None:
            if connection.connectionState == "connected":
                for camera in offer.cameras:
                    self._need_key_frame(camera)
            elif connection.connectionState in ("failed", "closed"):
                held = self._viewers.get(viewer)
                if held is not None and held.connection is connection:
                    await self._drop(viewer, f"its connection has {connection.connectionState}")

        former = self._viewers.pop(viewer, None)
        self._viewers[viewer] = _Viewer(connection, tracks, offer.request_id, now_ns())
        if former is not None:
            await _close(former.connection)
        return str(connection.localDescription.sdp)

    async def _negotiate(
        self, connection: RTCPeerConnection, offer: VideoOffer
    ) -> list[_ViewerTrack]:
        await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        self._gathering.arrange(connection)
        tracks = []
        for transceiver, camera in zip(connection.getTransceivers(), offer.cameras, strict=True):
            track = _ViewerTrack(camera, self._need_key_frame)
            transceiver.sender.replaceTrack(track)
            transceiver.direction = "sendonly"

            def key_frame_wanted(camera: str = camera) -> None:
                self._need_key_frame(camera)

            sender: Any = transceiver.sender
            sender._send_keyframe = key_frame_wanted
            tracks.append(track)
        await connection.setLocalDescription(await connection.createAnswer())
        return tracks

    async def _confirm(self, viewer: ViewerId, request_id: int) -> str:
        """Why the viewer is not confirmed; empty when it is."""
        held = self._viewers.get(viewer)
        if held is None or held.request_id != request_id:
            return "the robot has ended that connection; offer again"
        if held.connection.connectionState != "connected":
            return "the robot's end of the connection is not up; offer again"
        if not held.confirmed:
            held.confirmed, held.heard_ns = True, now_ns()
        return ""

    async def _start_tidying(self) -> None:
        self._tidying = asyncio.ensure_future(self._tidy())

    async def _tidy(self) -> None:
        """Take their places from viewers that did not confirm, or have fallen silent."""
        while True:
            await asyncio.sleep(TIDY_MS / 1000)
            try:
                await asyncio.gather(*(self._look_at(viewer) for viewer in tuple(self._viewers)))
            except Exception:  # the top of a task: without it nobody would ever lose a place
                log.exception("looking over the viewers failed")

    async def _look_at(self, viewer: ViewerId) -> None:
        held = self._viewers.get(viewer)
        if held is None:
            return
        if held.confirmed:
            await _listen(held)
        lost = place_lost(
            answered_ns=held.answered_ns,
            confirmed=held.confirmed,
            heard_ns=held.heard_ns,
            now_ns=now_ns(),
        )
        if lost and self._viewers.get(viewer) is held:
            await self._drop(viewer, lost)

    async def _drop_all_but(self, keys: Collection[str], why: str) -> None:
        gone = [viewer for viewer in self._viewers if viewer.key not in keys]
        await asyncio.gather(*(self._drop(viewer, why) for viewer in gone))

    async def _drop(self, viewer: ViewerId, why: str) -> None:
        held = self._viewers.pop(viewer, None)  # from here on no packet reaches its tracks
        if held is not None:
            log.info("viewer %r is gone: %s", viewer.session, why)
            await _close(held.connection)


def _refused(offer: VideoOffer, reason: str) -> VideoAnswer:
    # What a Text carries; a reason may quote the names of cameras that do not exist.
    return VideoAnswer(request_id=offer.request_id, ok=False, reason=reason[:400])


async def _close(connection: RTCPeerConnection) -> None:
    """Close, but never wait for ever: the next viewer's place depends on it."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await connection.close()
    except TimeoutError:
        log.error("a viewer's connection did not close within %s s", CLOSE_S)


async def _listen(viewer: _Viewer) -> None:
    """Note when something of the viewer has arrived since."""
    report = await viewer.connection.getStats()
    packets = sum(
        part.packetsReceived for part in report.values() if isinstance(part, RTCTransportStats)
    )
    if packets != viewer.packets:
        viewer.packets, viewer.heard_ns = packets, now_ns()
