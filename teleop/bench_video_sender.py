"""The sending process of `unstick bench video`: synthetic cameras, ours or stock aiortc's.

The pictures are drawn before anything is measured. A camera hands each over as a copy in I420, as
drivers do, with the stamp taken then; everything from there on is the product's own path.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from teleop.child import leave_with_parent, say_ready
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from transport.channels import VIDEO
from transport.clock import NS_PER_S, now_ns, sleep_until
from transport.control_link import LOOPBACK, Requests
from transport.frame_stamp import FrameStamp
from transport.h264 import BITRATE_BPS, StreamEncoder
from transport.i420 import I420, black
from transport.messages import VideoAnswer, VideoOffer, ViewerMessage, decoder_of, encode
from transport.rate_control import limits_for
from transport.video_peer import StockSender, draw_number
from transport.video_sender import VideoSender

FPS: Final = 30
PICTURES: Final = 24  # made beforehand; each differs from the one before everywhere

_decode_offer = decoder_of(VideoOffer)
_decode_viewer: Callable[[bytes], ViewerMessage] = decoder_of(ViewerMessage)  # type: ignore[arg-type]


def camera_names(count: int) -> tuple[str, ...]:
    """The bench's cameras."""
    return tuple(f"camera-{number}" for number in range(1, count + 1))


def pattern(width: int, height: int) -> Callable[[int], I420]:
    """A picture that moves, with its number drawn into it."""
    y, x = np.mgrid[0:height, 0:width]
    base = (128 + 60 * np.sin(x / 23.0) + 40 * np.cos(y / 17.0)).astype(np.uint8)
    colour = black(width, height).planes[height:]
    ring = [np.vstack((np.roll(base, place * 4, axis=1), colour)) for place in range(PICTURES)]

    def picture(number: int) -> I420:
        planes = ring[number % PICTURES].copy()
        draw_number(planes, number)
        return I420(planes)

    return picture


def run_sender(
    keys: Path, port: int, width: int, height: int, *, cameras: int = 1, stock: bool = False
) -> None:
    """Serve viewers until the parent leaves."""
    leaving = leave_with_parent()
    picture = pattern(width, height)
    with closing(
        robot_door(load_or_make(keys / ROBOT_KEY), RosterFile(keys / AUTHORIZED_KEYS))
    ) as door:
        offers = Requests(VIDEO, door, LOOPBACK, port)
        if stock:
            _run_stock(leaving, offers, picture)
        else:
            _run_ours(leaving, offers, camera_names(cameras), picture, (width, height))
        offers.close()


def _run_stock(leaving: threading.Event, offers: Requests, picture: Callable[[int], I420]) -> None:
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
    cameras: Sequence[str],
    picture: Callable[[int], I420],
    size: tuple[int, int],
) -> None:
    wanted = {camera: threading.Event() for camera in cameras}
    # One rate for every size, and for the peers, from the start; it only yields to a bad line.
    one_rate = replace(limits_for(*size, FPS), start_bps=BITRATE_BPS, ceiling_bps=BITRATE_BPS)
    limits = dict.fromkeys(cameras, one_rate)
    sender = VideoSender(
        cameras, lambda camera: wanted[camera].set(), bind_host=LOOPBACK, limits=limits
    )
    sender.start()

    def film(camera: str, offset_ns: int) -> None:
        encoder = StreamEncoder(*size, FPS)
        number, due_ns = 0, now_ns() + offset_ns
        while not leaving.is_set():
            sleep_until(due_ns)
            taken = picture(number)
            stamp = FrameStamp(now_ns(), number)
            plan = sender.plan(camera)
            if sender.viewers(camera) and stamp.captured_ns >= plan.hold_until_ns:
                encoder.adapt(plan.bitrate_bps, FPS)
                key_frame = wanted[camera].is_set()
                wanted[camera].clear()
                packet = encoder.encode(taken, stamp, key_frame=key_frame)
                if packet is not None:
                    sender.publish(camera, packet)
            number += 1
            due_ns += NS_PER_S // FPS

    filming = [
        # Cameras do not fire together, nor do these.
        threading.Thread(target=film, args=(camera, place * NS_PER_S // FPS // len(cameras)))
        for place, camera in enumerate(cameras)
    ]
    for thread in filming:
        thread.daemon = True
        thread.start()
    say_ready()
    while not leaving.is_set():
        asked = offers.receive(50)
        if asked is not None:
            reply = sender.hear(asked.key, _decode_viewer(asked.message), may_drive=True)
            offers.reply(asked.who, encode(reply))
    for thread in filming:
        thread.join(2.0)
    sender.close()
