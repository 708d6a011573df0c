"""Age of the picture: capture to decoded and capture to painted, beside stock aiortc.

Sender and receiver are two processes on loopback, as robot and console are. The sender here is a
synthetic camera (a moving pattern), so that rendering a scene does not count; everything from the
capture stamp on is the product's own path. All clocks are the machine's monotonic one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from teleop.bench import Row, percentile, row
from teleop.both_ends import acquaint
from teleop.child import end_child, leave_with_parent, say_ready, start_child, wait_ready
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.robot import Image
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from transport.channels import VIDEO
from transport.clock import NS_PER_S, now_ns, sleep_until
from transport.control_link import LOOPBACK, Asker, Requests, free_base_port
from transport.curve import Credentials
from transport.errors import LinkError
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.messages import (
    VideoAnswer,
    VideoConfirm,
    VideoConfirmed,
    VideoOffer,
    ViewerMessage,
    decoder_of,
    encode,
)
from transport.video_peer import StockReceiver, StockSender, draw_number
from transport.video_receiver import VideoReceiver
from transport.video_sender import VideoSender

CAMERA = "front"
FPS = 30
WARM_UP = 30  # frames: the connection, the first key frame
SIZES = ((640, 480), (1280, 720))

_decode_offer = decoder_of(VideoOffer)
_decode_viewer: Callable[[bytes], ViewerMessage] = decoder_of(ViewerMessage)  # type: ignore[arg-type]
_decode_answer = decoder_of(VideoAnswer)
_decode_confirmed = decoder_of(VideoConfirmed)


def measure(seconds: float) -> list[Row]:
    """All rows of the video bench."""
    rows = []
    for width, height in SIZES:
        size = f"{width}x{height}@{FPS}"
        stock = _stock(width, height, seconds)
        ours = _decoded(width, height, seconds)
        painted = _painted(width, height, seconds)
        for percent in (50, 95, 99):
            rows.append(
                row(
                    f"capture to decoded, {size}, p{percent}",
                    percentile(ours, percent),
                    "ms",
                    peer=percentile(stock, percent),
                )
            )
        for percent in (50, 95, 99):
            rows.append(
                row(f"capture to painted, {size}, p{percent}", percentile(painted, percent), "ms")
            )
    return rows


def pattern(width: int, height: int) -> Callable[[int], Image]:
    """A picture that moves: every frame differs from the one before everywhere."""
    y, x = np.mgrid[0:height, 0:width]
    base = (128 + 60 * np.sin(x / 23.0) + 40 * np.cos(y / 17.0)).astype(np.uint8)

    def picture(number: int) -> Image:
        rolled = np.roll(base, number * 4, axis=1)
        rgb = np.ascontiguousarray(np.repeat(rolled[:, :, None], 3, axis=2))
        draw_number(rgb, number)
        return rgb

    return picture


def run_sender(keys: Path, port: int, width: int, height: int, *, stock: bool) -> None:
    """The sender's process: serve one viewer until the parent leaves."""
    leaving = leave_with_parent()
    picture = pattern(width, height)
    with closing(
        robot_door(load_or_make(keys / ROBOT_KEY), RosterFile(keys / AUTHORIZED_KEYS))
    ) as door:
        offers = Requests(VIDEO, door, LOOPBACK, port)
        if stock:
            _run_stock(leaving, offers, picture)
        else:
            _run_ours(leaving, offers, picture, width, height)
        offers.close()


def _run_stock(leaving: threading.Event, offers: Requests, picture: Callable[[int], Image]) -> None:
    sender = StockSender(picture, FPS, LOOPBACK)
    sender.start()
    say_ready()
    while not leaving.is_set():
        asked = offers.receive(50)
        if asked is not None:
            offer = _decode_offer(asked.message)
            answer = VideoAnswer(request_id=offer.request_id, ok=True, sdp=sender.answer(offer.sdp))
            offers.reply(asked.who, encode(answer))
    sys.stdout.write(json.dumps(sender.close()) + "\n")
    sys.stdout.flush()


def _run_ours(
    leaving: threading.Event,
    offers: Requests,
    picture: Callable[[int], Image],
    width: int,
    height: int,
) -> None:
    key_frame = threading.Event()
    sender = VideoSender((CAMERA,), lambda _: key_frame.set(), bind_host=LOOPBACK)
    sender.start()

    def film() -> None:
        encoder = StreamEncoder(width, height, FPS)
        number, due_ns = 0, now_ns()
        while not leaving.is_set():
            rgb = picture(number)
            sleep_until(due_ns)
            stamp = FrameStamp(now_ns(), number)
            if sender.viewers(CAMERA):
                wanted = key_frame.is_set()
                key_frame.clear()
                packet = encoder.encode(rgb, stamp, key_frame=wanted)
                if packet is not None:
                    sender.publish(CAMERA, packet)
            number += 1
            due_ns += NS_PER_S // FPS

    filming = threading.Thread(target=film, name="camera", daemon=True)
    filming.start()
    say_ready()
    while not leaving.is_set():
        asked = offers.receive(50)
        if asked is not None:
            reply = sender.hear(asked.key, _decode_viewer(asked.message), may_drive=True)
            offers.reply(asked.who, encode(reply))
    filming.join(2.0)
    sender.close()


class BenchExchange:
    """How a receiver of this bench reaches the sender at `port`."""

    def __init__(self, credentials: Credentials, port: int) -> None:
        self._credentials = credentials
        self._port = port

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        """Bring an offer to the sender."""
        offer = VideoOffer(request_id=1, session="bench", sdp=sdp, cameras=tuple(cameras))
        return _decode_answer(self._ask(offer, 10_000))

    def confirm_video(self, request_id: int, within_ms: int) -> VideoConfirmed:
        """Confirm to the sender."""
        confirm = VideoConfirm(request_id=request_id, session="bench")
        return _decode_confirmed(self._ask(confirm, within_ms))

    def _ask(self, message: ViewerMessage, within_ms: int) -> bytes:
        asker = Asker(VIDEO, self._credentials, LOOPBACK, self._port)
        try:
            return asker.ask(encode(message), within_ms)
        finally:
            asker.close()


@contextmanager
def _keys(port: int) -> Iterator[tuple[Path, Credentials]]:
    """A folder with keys of both ends, for the length of one measurement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield folder, acquaint(folder, folder, f"{LOOPBACK}:{port}", "bench")


def _sender(
    keys: Path, port: int, width: int, height: int, *, stock: bool
) -> subprocess.Popen[str]:
    options = ["bench-sender", str(keys), str(port), str(width), str(height)]
    child = start_child([*options, "--stock"] if stock else options)
    if not wait_ready(child, 20.0):
        end_child(child)
        raise LinkError("the bench's sender did not start")
    return child


def _decoded(width: int, height: int, seconds: float) -> list[float]:
    port = free_base_port()
    ages: list[float] = []
    with _keys(port) as (folder, credentials):
        sender = _sender(folder, port, width, height, stock=False)
        receiver = VideoReceiver((CAMERA,), BenchExchange(credentials, port), bind_host=LOOPBACK)
        try:
            receiver.start()
            end_ns = now_ns() + round(seconds * NS_PER_S)
            while now_ns() < end_ns:
                picture = receiver.mailboxes[CAMERA].wait(0.5)
                if picture is not None:
                    ages.append((picture.decoded_ns - picture.captured_ns) / 1e6)
        finally:
            receiver.close()
            end_child(sender)
    return ages[WARM_UP:]


def _stock(width: int, height: int, seconds: float) -> list[float]:
    port = free_base_port()
    with _keys(port) as (folder, credentials):
        sender = _sender(folder, port, width, height, stock=True)
        exchange = BenchExchange(credentials, port)
        receiver = StockReceiver(lambda sdp: exchange.exchange_video(sdp, (CAMERA,)).sdp, LOOPBACK)
        try:
            receiver.start()
            time.sleep(seconds)
            receiver.close()
        finally:
            assert sender.stdin is not None
            assert sender.stdout is not None
            sender.stdin.close()
            line = sender.stdout.readline()
            end_child(sender)
    captured = {int(number): stamp_ns for number, stamp_ns in json.loads(line or "{}").items()}
    both = sorted(captured.keys() & receiver.decoded_ns.keys())
    return [(receiver.decoded_ns[n] - captured[n]) / 1e6 for n in both][WARM_UP:]


def _painted(width: int, height: int, seconds: float) -> list[float]:
    """Ages at paint, from the console's own video widget in a real window."""
    port = free_base_port()
    environment = dict(os.environ)
    if sys.platform == "linux" and not environment.get("DISPLAY"):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with _keys(port) as (folder, _):
        sender = _sender(folder, port, width, height, stock=False)
        options = [str(folder), str(port), str(width), str(height), str(seconds)]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "ui.paint_bench", *options],
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds + 60,
                check=False,
            )
        finally:
            end_child(sender)
    if done.returncode:
        sys.stderr.write(done.stderr)
        return []
    ages: list[float] = json.loads(done.stdout)
    return ages[WARM_UP:]
