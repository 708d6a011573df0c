"""One camera of a robot on its way to the viewers: the encoder that all of them share."""

from __future__ import annotations

import logging
import threading
from typing import Final

from teleop.camera_watch import Shot
from teleop.robot import CameraRig
from transport.channels import ROW_HZ
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.h264_encoders import encoder_here
from transport.i420 import black
from transport.mailbox import Mailbox
from transport.messages import Rendition
from transport.rate_control import SMALL_FPS
from transport.video_sender import VideoSender
from transport.viewer_track import stream_of

log = logging.getLogger("video")

EARLY_NS: Final = 8 * NS_PER_MS  # a quarter of a frame at 30 Hz: what a camera may be unsteady
# A camera that gives nothing is no lost link: its last picture is sent again, with its old stamp,
# before a console would connect anew (2 s). What is seen there is a picture that grows old.
KEEP_ALIVE_NS: Final = 500 * NS_PER_MS
KEY_FRAME_GAP_NS: Final = 250 * NS_PER_MS  # several viewers' wishes at once are one key frame


class StreamedCamera:
    """Encodes one camera for all its viewers, on a thread of its own.

    The encoder exists only while somebody watches. A small rendition is another `StreamedCamera`.
    """

    def __init__(
        self,
        rig: CameraRig,
        camera: str,
        sender: VideoSender,
        rendition: Rendition = Rendition.FULL,
    ) -> None:
        self.camera = camera
        self.name = stream_of(camera, rendition)
        self._small = rendition is Rendition.SMALL
        self.width, self.height = rig.width, rig.height
        self.shots: Mailbox[Shot] = Mailbox()
        self.encoded = 0
        self.left_out = 0  # not encoded, because the viewers' lines carry no more
        self.failure: Exception | None = None  # what ended the thread; the process then ends, too
        self._sender = sender
        self._key_frame = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"encode-{self.name}", daemon=True)

    def start(self) -> None:
        """Start the encoder's thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def need_key_frame(self) -> None:
        """The next frame has to be decodable by itself; any thread."""
        self._key_frame.set()

    def _run(self) -> None:
        try:
            self._encode()
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            self.failure = error

    def _encoder(self) -> StreamEncoder:
        chosen, rate_bps = encoder_here(), self._sender.plan(self.name).bitrate_bps
        log.info("stream %s is encoded by %s (%s)", self.name, chosen.name, chosen.what)
        size = (self.width, self.height)
        if self._small:
            return StreamEncoder(*size, int(SMALL_FPS), rate_bps, chosen, divisor=2)
        return StreamEncoder(*size, ROW_HZ, rate_bps, chosen)

    def _encode(self) -> None:
        encoder: StreamEncoder | None = None
        # Shown until there is a picture, with the age that it has by then.
        newest = Shot(self.camera, now_ns(), 0, black(self.width, self.height))
        due_ns = sent_ns = key_ns = 0
        while not self._leaving.is_set():
            shot = self.shots.wait(0.1)
            newest = shot or newest
            stamp_ns = now_ns()
            if not self._sender.viewers(self.name):
                encoder = None
                continue
            encoder = encoder or self._encoder()
            plan = self._sender.plan(self.name)
            idle = shot is None and stamp_ns - sent_ns < KEEP_ALIVE_NS
            if idle and not self._key_frame.is_set():
                continue
            if stamp_ns < max(due_ns - EARLY_NS, plan.hold_until_ns):
                self.left_out += shot is not None
                continue
            period_ns = int(NS_PER_S / plan.fps)
            due_ns = max(due_ns, stamp_ns - period_ns) + period_ns
            key_frame = self._key_frame.is_set() and stamp_ns - key_ns >= KEY_FRAME_GAP_NS
            encoder.adapt(plan.bitrate_bps, plan.fps)
            stamp = FrameStamp(newest.captured_ns, newest.number)
            packet = encoder.encode(newest.picture, stamp, key_frame=key_frame)
            sent_ns = stamp_ns
            if packet is not None:
                if packet.is_keyframe:  # also one of the encoder's own, for a new rate or size
                    self._key_frame.clear()
                    key_ns = stamp_ns
                self._sender.publish(self.name, packet)
                self.encoded += shot is not None
