"""The console's end of the video: keeps a connection and fills one mailbox for each camera.

One event loop on one thread, and one thread for each camera that decodes and converts; the methods
marked so are called from others. From packets to decoded frames it is `transport.video_intake`.

A picture is given out only while DTLS is connected: then the robot has the certificate whose
fingerprint came over the authenticated channel. The robot sends only once ours has been found
right there, too. What remains is the end that believes to be connected alone, so both must say that
they are within `CONFIRM_MS`; otherwise the connection is closed at both ends and made anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import av
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.stats import RTCInboundRtpStreamStats

from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.errors import LinkError
from transport.ice_gathering import IceGathering, way_of
from transport.ice_servers import NO_SERVERS, IceServers
from transport.mailbox import Mailbox
from transport.messages import Rendition, VideoAnswer, VideoChosen, VideoConfirmed
from transport.peer_connection import LoopThread, h264_only, new_connection
from transport.picture import Picture
from transport.picture_maker import PictureMaker
from transport.renditions import Wishes
from transport.sdp_check import DescriptionRefused, check_answer
from transport.video_connection import Pictures
from transport.video_figures import OVER_S, Sample, VideoFigures, figures_of
from transport.video_intake import FrameIntake
from transport.viewers import CONFIRM_MS

log = logging.getLogger("video")

REACH_MS: Final = 5_000  # how long one attempt to reach the robot may take
CHOOSE_MS: Final = 300  # from one look at how large cameras are shown to the next
RETRY_MS: Final = 500  # from one attempt to connect to the next, at least


class VideoExchange(Protocol):
    """The authenticated channel to the robot. All methods are called on worker threads and may
    block for a few seconds or raise `LinkError`."""

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        """Bring an offer to the robot and return its answer."""

    def confirm_video(self, request_id: int, within_ms: int) -> VideoConfirmed:
        """Tell the robot that the pictures of the offer `request_id` came; return its word."""

    def choose_video(self, camera: str, rendition: Rendition) -> VideoChosen:
        """Ask the robot to send a camera of the confirmed connection larger or smaller."""


class VideoReceiver:
    """The console's end: keeps a connection to the robot and fills one mailbox for each camera."""

    def __init__(
        self,
        cameras: Sequence[str],
        exchange: VideoExchange,
        *,
        bind_host: str,
        ice: IceServers = NO_SERVERS,
        reach_robot: Callable[[int], object] = lambda within_ms: None,
    ) -> None:
        """ICE uses `bind_host` only (empty: every address here), and the servers of `ice`.

        `reach_robot(within_ms)` returns when an exchange would find the robot, or raises
        `LinkError`. It is called on a worker thread before candidates are gathered, which go stale
        while a link is down. Without it each attempt is made blindly.
        """
        self.mailboxes: dict[str, Mailbox[Picture]] = {camera: Mailbox() for camera in cameras}
        self.problem = "connecting"  # why there is no confirmed connection; empty while there is
        # How each camera comes in, anew each second while connected; any thread may look.
        self.figures: dict[str, VideoFigures] = {camera: VideoFigures() for camera in cameras}
        self._cameras = tuple(cameras)
        self._exchange = exchange
        self.way = ""  # how the pictures come: "direct" or "relayed"
        self._bind_host = bind_host
        self._reach_robot = reach_robot
        self._gathering = IceGathering(ice, bind_host, whose="this console's")
        self._closing: set[asyncio.Future[None]] = set()
        self._wake: Callable[[], None] = lambda: None
        self._shown_px: dict[str, int] = {}
        self._thread = LoopThread("video-receiver")
        self._keeper: asyncio.Future[None] | None = None

    def subscribe(self, on_wake: Callable[[], None]) -> None:
        """`on_wake` is called on a decoder's thread when an empty mailbox got a picture."""
        self._wake = on_wake

    def show_at(self, camera: str, width_px: int) -> None:
        """A camera is shown so wide; where that is little, less of it is fetched. Any thread.

        0 is for one that is wanted as large as there is.
        """
        self._shown_px[camera] = width_px

    @property
    def server_trouble(self) -> str:
        """Why this console's servers gave nothing, also while the pictures come without them;
        empty when there is nothing to say."""
        return self._gathering.trouble

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
        await asyncio.gather(self._keeper, return_exceptions=True)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _start_keeping(self) -> None:
        self._keeper = asyncio.ensure_future(self._keep_connected())

    async def _keep_connected(self) -> None:
        """Connect, and connect again.

        A connection that has fallen silent is kept until the robot can be reached: after a short
        blackout its pictures are back before a new one could be made.
        """
        shown: Pictures | None = None
        try:
            while True:
                begin_ns = now_ns()
                try:
                    revived = await self._reached(shown)
                    if shown is None or not revived:
                        former, shown = shown, Pictures(self._new_connection())
                        self._retire(former)
                        await self._connect(shown)
                    self.problem = ""
                    self.way = way_of(shown.connection)
                    await shown.until_it_stops(now_ns() if revived else 0)
                    self.problem = "the picture has stopped"
                    continue
                except LinkError as error:
                    if self.problem != str(error):
                        log.info("no video: %s", error)
                    self.problem = str(error)
                except Exception as error:  # the top of the link: whatever aiortc met, try again
                    log.exception("the video link failed")
                    self.problem = f"the video link failed: {error}"
                if shown is not None and not shown.confirmed:
                    self._retire(shown)
                    shown = None
                pause_ns = RETRY_MS * NS_PER_MS - (now_ns() - begin_ns)
                await asyncio.sleep(max(0.0, pause_ns / NS_PER_S))
        finally:
            self._retire(shown)

    def _new_connection(self) -> RTCPeerConnection:
        return new_connection(relay_only=self._gathering.relay_only)

    async def _reached(self, shown: Pictures | None) -> bool:
        """Wait until the robot can be reached; True when the pictures have come back meanwhile.

        Raises:
            LinkError: the robot cannot be reached, for the time being.
        """
        since_ns = now_ns()
        reaching = asyncio.ensure_future(asyncio.to_thread(self._reach_robot, REACH_MS))
        try:
            while True:
                if shown is not None and shown.all_newer_than(since_ns):
                    return True
                if reaching.done():
                    await reaching
                    return False
                await asyncio.wait({reaching}, timeout=0.02)
        finally:
            reaching.cancel()

    def _retire(self, pictures: Pictures | None) -> None:
        """Close a connection beside everything else: a relay that has died takes half a minute."""
        if pictures is None:
            return
        pictures.retire()
        closing = asyncio.ensure_future(pictures.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _connect(self, pictures: Pictures) -> None:
        """Offer, check the answer, and confirm once the pictures have come.

        Raises:
            LinkError: the robot refuses, its answer is not usable, or no picture came in time.
        """
        connection = pictures.connection
        receivers = self._add_receivers(pictures)
        self._gathering.arrange(connection)
        await connection.setLocalDescription(await connection.createOffer())
        offer = connection.localDescription.sdp
        answer = await asyncio.to_thread(self._exchange.exchange_video, offer, self._cameras)
        if not answer.ok:
            raise LinkError(answer.reason)
        deadline_ns = now_ns() + CONFIRM_MS * NS_PER_MS
        try:
            check_answer(answer.sdp, cameras=len(self._cameras), bind_host=self._bind_host)
        except DescriptionRefused as error:
            raise LinkError(f"the robot's answer about the video is not usable: {error}") from None
        await connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        pictures.tending = [
            asyncio.ensure_future(self._measure(pictures, camera, receiver))
            for camera, receiver in zip(self._cameras, receivers, strict=True)
        ]
        await self._see_every_camera(pictures, deadline_ns)
        await self._confirm(answer.request_id, deadline_ns)
        pictures.confirmed = True
        pictures.tending.append(asyncio.ensure_future(self._choose_renditions(pictures)))

    def _add_receivers(self, pictures: Pictures) -> list[RTCRtpReceiver]:
        receivers = []
        for camera in self._cameras:
            transceiver = pictures.connection.addTransceiver("video", direction="recvonly")
            transceiver.setCodecPreferences(h264_only())
            show = partial(self._show, pictures, PictureMaker(camera))
            pictures.intakes[camera] = FrameIntake(show)
            pictures.intakes[camera].serve(transceiver.receiver)
            receivers.append(transceiver.receiver)
        return receivers

    async def _see_every_camera(self, pictures: Pictures, deadline_ns: int) -> None:
        while len(pictures.newest_ns) < len(self._cameras):
            state = pictures.connection.connectionState
            if state == "closed":
                raise LinkError("the robot has closed the video connection")
            ice_state = pictures.connection.iceConnectionState
            if state == "failed" and ice_state == "failed":
                raise LinkError(self._no_way())
            if state == "failed":
                raise LinkError(
                    "the robot has another video key than it named: is somebody in between?"
                )
            if now_ns() >= deadline_ns:
                if ice_state in ("new", "checking"):
                    raise LinkError(self._no_way())
                missing = [c for c in self._cameras if c not in pictures.newest_ns]
                raise LinkError(f"no picture of {', '.join(missing)} within {CONFIRM_MS // 1000} s")
            await asyncio.sleep(0.01)

    def _no_way(self) -> str:
        trouble = self._gathering.trouble
        return (
            f"the pictures find no way between the robot and here within {CONFIRM_MS // 1000} s: "
            f"UDP seems to be blocked; "
            + (trouble or "name a TURN server with ?transport=tcp in the --ice file of both ends")
        )

    async def _confirm(self, request_id: int, deadline_ns: int) -> None:
        left_ms = max(1, (deadline_ns - now_ns()) // NS_PER_MS)
        try:
            # Not wait_for: before Python 3.12 it may swallow the cancellation that `close` sends.
            async with asyncio.timeout(left_ms / 1000):
                confirmed = await asyncio.to_thread(
                    self._exchange.confirm_video, request_id, left_ms
                )
        except TimeoutError:
            raise LinkError(
                f"the robot did not confirm the video within {CONFIRM_MS // 1000} s"
            ) from None
        if not confirmed.ok:
            raise LinkError(f"the robot does not confirm the video: {confirmed.reason}")

    async def _choose_renditions(self, pictures: Pictures) -> None:
        """Ask for each camera as large as it is shown, as long as the connection is used."""
        wishes = Wishes(self._cameras)
        while True:
            await asyncio.sleep(CHOOSE_MS / 1000)
            if pictures.stand_still(now_ns()):
                continue  # whatever reconnects must not wait for this
            wish = wishes.next(self._shown_px, {c: w for c, (w, _) in pictures.size.items()})
            if wish is None:
                continue
            wishes.asked(wish[0])
            try:
                chosen = await asyncio.to_thread(self._exchange.choose_video, *wish)
            except LinkError as error:
                log.info("%s %s is not answered: %s", *wish, error)
                continue
            wishes.answered(*wish, granted=chosen.ok)
            if not chosen.ok:
                log.info("%s %s is refused: %s", *wish, chosen.reason)

    def _show(
        self, pictures: Pictures, maker: PictureMaker, frame: av.VideoFrame, *, newest: bool
    ) -> None:
        """Put a decoded frame into its camera's mailbox; the decoder's thread calls this."""
        if pictures.retired or pictures.connection.connectionState != "connected":
            return  # left in the decoder when the connection failed
        received_ns = now_ns()
        camera = maker.camera
        pictures.newest_ns[camera] = received_ns
        pictures.size[camera] = (frame.width, frame.height)
        maker.note(frame)
        if not newest:
            self.mailboxes[camera].skipped(1)  # never converted
            return
        picture = maker.picture(frame, received_ns)
        with pictures.showing:
            if not pictures.retired and self.mailboxes[camera].put(picture):
                self._wake()

    async def _measure(self, pictures: Pictures, camera: str, receiver: RTCRtpReceiver) -> None:
        before = await _sample(pictures.intakes[camera], receiver)
        try:
            while True:
                await asyncio.sleep(OVER_S)
                now = await _sample(pictures.intakes[camera], receiver)
                width, height = pictures.size.get(camera, (0, 0))
                self.figures[camera] = figures_of(before, now, width, height)
                before = now
        finally:
            self.figures[camera] = VideoFigures()


async def _sample(intake: FrameIntake, receiver: RTCRtpReceiver) -> Sample:
    counts = intake.counts
    report = (await receiver.getStats()).values()
    streams = [part for part in report if isinstance(part, RTCInboundRtpStreamStats)]
    return Sample(
        stamp_ns=now_ns(),
        packets=counts.packets,
        lost=sum(part.packetsLost for part in streams),
        bytes=counts.bytes,
        frames=counts.frames,
        abandoned=counts.abandoned,
        undecoded=counts.undecoded,
        undecodable=counts.undecodable,
        key_requests=counts.key_requests,
        jitter_rtp=max((part.jitter for part in streams), default=0),
        decode_ms=counts.decode_ms,
    )
