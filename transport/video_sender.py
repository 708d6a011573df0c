"""The robot's end of the video: each camera's packets go to every viewer, encoded once.

One event loop on one thread; the methods marked so are called from others. What the viewers'
receivers report decides how many bits a camera gets (`rate_control.py`): its encoder follows the
slowest line to a viewer that may drive. To everybody else it sends what their lines take of that,
whole frames from a key frame on, so that nobody who only watches spoils the driver's picture.

A viewer loses its place when it has not confirmed within `CONFIRM_MS` of the answer: with a wrong
fingerprint one end fails while the other believes to be connected, and only word over the
authenticated channel tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.stats import RTCTransportStats

from transport.clock import NS_PER_MS, now_ns
from transport.errors import LinkError
from transport.h264 import EncodedFrame
from transport.ice_gathering import IceGathering
from transport.ice_servers import NO_SERVERS, IceServers
from transport.messages import (
    Rendition,
    VideoAnswer,
    VideoChoose,
    VideoChosen,
    VideoConfirm,
    VideoConfirmed,
    VideoOffer,
    ViewerMessage,
)
from transport.peer_connection import LoopThread, new_connection
from transport.rate_control import EncoderPlan, RateLimits, ViewerLine, limits_for, plan_for
from transport.rate_limit import RateLimit
from transport.sdp_check import DescriptionRefused, check_offer
from transport.viewer_track import ViewerTrack, heed_feedback, stream_of
from transport.viewers import OFFERS_AT_ONCE, OFFERS_PER_S, ViewerId, no_place, place_lost

log = logging.getLogger("video")

TIDY_MS: Final = 250  # how often the places are looked over
REMEMBER_MS: Final = 60_000  # how long a line that was lost is taken for the one it was
CLOSE_S: Final = 2.0  # what closing a connection may take; it sends one datagram and waits for none


@dataclass(eq=False)
class _Viewer:
    connection: RTCPeerConnection
    tracks: list[ViewerTrack]
    may_drive: bool
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
        limits: Mapping[str, RateLimits] | None = None,
    ) -> None:
        """`need_key_frame(camera)` is called on the link's thread when a viewer needs one.

        ICE uses `bind_host` only, and the servers of `ice`. `limits` are those of each camera's
        rate; without, those of 640x480 at 30 Hz.
        """
        self._cameras = tuple(cameras)
        self._need_key_frame = need_key_frame
        self._bind_host = bind_host
        self._gathering = IceGathering(ice, bind_host, whose="the robot's")
        limits = limits or {}
        self._limits = {c: limits.get(c, limits_for(640, 480, 30.0)) for c in self._cameras}
        self._limits |= {
            stream_of(camera, Rendition.SMALL): its.small() for camera, its in self._limits.items()
        }
        self._plans = {stream: plan_for((), its, 0) for stream, its in self._limits.items()}
        self._former: dict[tuple[ViewerId, str], tuple[int, int]] = {}  # rate of a line, and when
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

    def publish(self, stream: str, packet: EncodedFrame) -> None:
        """Hand one encoded frame to all viewers of a stream; the encoder's thread calls this.

        A stream is a camera, by its name, or its small rendition (`stream_of`).
        """
        if self._viewers:
            self._thread.loop.call_soon_threadsafe(self._publish, stream, packet)

    def viewers(self, stream: str) -> int:
        """How many connections show a stream, or will from its next key frame on."""
        tracks = [track for v in list(self._viewers.values()) for track in v.tracks]
        return sum(stream in (track.stream, track.wanted) for track in tracks)

    def connections(self, camera: str) -> int:
        """How many connections show `camera`, in whatever size."""
        return sum(t.camera == camera for v in list(self._viewers.values()) for t in v.tracks)

    def plan(self, stream: str) -> EncoderPlan:
        """What the encoder of a stream has to keep to now; the encoder's thread calls this."""
        return self._plans[stream]

    def skipped(self, camera: str) -> int:
        """Frames that single viewers of `camera` did not get, of the viewers there are."""
        viewers = list(self._viewers.values())
        return sum(t.skipped for v in viewers for t in v.tracks if t.camera == camera)

    def hear(
        self, key: str, message: ViewerMessage, *, may_drive: bool
    ) -> VideoAnswer | VideoConfirmed | VideoChosen:
        """Answer whatever a viewer sent; `key` is the one its socket has authenticated."""
        if isinstance(message, VideoConfirm):
            return self.confirm(key, message)
        if isinstance(message, VideoChoose):
            return self.choose(key, message)
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
            sdp = self._thread.call(self._answer(viewer, offer, may_drive=may_drive), 10.0)
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

    def choose(self, key: str, wish: VideoChoose) -> VideoChosen:
        """Send a viewer one of its cameras larger or smaller, from a key frame on."""
        try:
            reason = self._thread.call(self._choose(ViewerId(key, wish.session), wish), 5.0)
        except TimeoutError:
            reason = "the robot's video link does not answer"
        return VideoChosen(request_id=wish.request_id, ok=not reason, reason=reason[:400])

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

    def _publish(self, stream: str, packet: EncodedFrame) -> None:
        stamp_ns = now_ns()
        for viewer in self._viewers.values():
            for track in viewer.tracks:
                track.offer_of(stream, packet, stamp_ns)
        self._plan(stream)

    def _plan(self, stream: str) -> None:
        """Decide anew whom the encoder follows, and how many bits it has."""
        shown = [
            (viewer.may_drive, track)
            for viewer in self._viewers.values()
            for track in viewer.tracks
            if stream in (track.stream, track.wanted)
        ]
        drives = any(may_drive for may_drive, _ in shown)
        for may_drive, track in shown:
            track.followed = may_drive or not drives
        lines = [track.line for _, track in shown if track.followed]
        self._plans[stream] = plan_for(lines, self._limits[stream], now_ns())

    def _line(self, viewer: ViewerId, camera: str) -> ViewerLine:
        """A new line; one that is connected again goes on where it was."""
        rate_bps, _ = self._former.pop((viewer, camera), (0, 0))
        return ViewerLine(self._limits[camera], now_ns(), rate_bps)

    def _remember(self, viewer: ViewerId, held: _Viewer) -> None:
        stamp_ns = now_ns()
        for track in held.tracks:
            self._former[viewer, track.camera] = (track.line.rate_bps(stamp_ns), stamp_ns)
        for known, (_, noted_ns) in list(self._former.items()):
            if stamp_ns - noted_ns > REMEMBER_MS * NS_PER_MS:
                del self._former[known]

    async def _answer(self, viewer: ViewerId, offer: VideoOffer, *, may_drive: bool) -> str:
        connection = new_connection(relay_only=self._gathering.relay_only)
        former = self._viewers.get(viewer)
        if former is not None:
            self._remember(viewer, former)
        try:
            tracks = await self._negotiate(connection, viewer, offer)
        except BaseException:
            await _close(connection)
            raise

        @connection.on("connectionstatechange")
        async def on_change() -> None:
            if connection.connectionState == "connected":
                for track in tracks:
                    track.ask_for_key_frame()
            elif connection.connectionState in ("failed", "closed"):
                held = self._viewers.get(viewer)
                if held is not None and held.connection is connection:
                    await self._drop(viewer, f"its connection has {connection.connectionState}")

        former = self._viewers.pop(viewer, None)
        self._viewers[viewer] = _Viewer(connection, tracks, may_drive, offer.request_id, now_ns())
        for camera in offer.cameras:
            self._plan(camera)
        if former is not None:
            await _close(former.connection)
        return str(connection.localDescription.sdp)

    async def _negotiate(
        self, connection: RTCPeerConnection, viewer: ViewerId, offer: VideoOffer
    ) -> list[ViewerTrack]:
        await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        self._gathering.arrange(connection)
        tracks = []
        for transceiver, camera in zip(connection.getTransceivers(), offer.cameras, strict=True):
            track = ViewerTrack(camera, self._line(viewer, camera), self._need_key_frame)
            transceiver.sender.replaceTrack(track)
            transceiver.direction = "sendonly"
            heed_feedback(transceiver.sender, track, self._plan)
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

    async def _choose(self, viewer: ViewerId, wish: VideoChoose) -> str:
        """Why a viewer's wish is not granted; empty when it is."""
        held = self._viewers.get(viewer)
        tracks = [t for t in held.tracks if t.camera == wish.camera] if held is not None else []
        if not tracks:
            return f"no pictures of {wish.camera} go to this console; connect first"
        for track in tracks:
            track.choose(stream_of(wish.camera, wish.rendition))
            self._plan(track.wanted)
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
            self._remember(viewer, held)
            for track in held.tracks:
                self._plan(track.stream)
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
