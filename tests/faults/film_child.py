"""A robot that does nothing but film: the real video sender behind the real channel for offers.

`python -m tests.faults.film_child ADDRESS PORT STATE_FOLDER [ICE_FILE]`; the folder holds its key
and whom it admits. Says `{"ready": …}`, then every viewer that comes or goes; leaves when standard
input closes.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np

from teleop.ice_files import read_ice
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from tests.faults.child_lines import listen, say
from tests.faults.namespace import be_a_machine_of_its_own
from transport.channels import VIDEO
from transport.clock import now_ns
from transport.control_link import Requests
from transport.frame_stamp import FrameStamp
from transport.h264 import StreamEncoder
from transport.i420 import ToI420
from transport.ice_servers import NO_SERVERS
from transport.messages import ViewerMessage, decoder_of, encode
from transport.video_sender import VideoSender

CAMERA = "front"
WIDTH, HEIGHT, FPS = 320, 240, 30
LOOK_MS = 50

_decode = decoder_of(ViewerMessage)  # type: ignore[arg-type, var-annotated]


class Film:
    """One camera that shows a moving pattern, encoded once."""

    def __init__(self, address: str, ice: Path | None) -> None:
        self._key_frame = threading.Event()
        self._leaving = threading.Event()
        self.sender = VideoSender(
            (CAMERA,),
            lambda _: self._key_frame.set(),
            bind_host=address if address == "127.0.0.1" else "",
            ice=read_ice(ice) if ice is not None else NO_SERVERS,
        )
        self._thread = threading.Thread(target=self._film, daemon=True)

    def start(self) -> None:
        """Begin to film."""
        self.sender.start()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._leaving.set()
        self._thread.join()
        self.sender.close()

    def _film(self) -> None:
        encoder, to_i420 = StreamEncoder(WIDTH, HEIGHT, FPS), ToI420()
        # Not so smooth that a frame is one packet: a picture of a room has several.
        pattern = np.random.default_rng(7).integers(0, 255, (HEIGHT, 2 * WIDTH, 3), dtype=np.uint8)
        pattern //= 4
        number = 0
        while not self._leaving.wait(1 / FPS):
            number += 1
            at = number % WIDTH
            key_frame = self._key_frame.is_set()
            self._key_frame.clear()
            picture = to_i420(pattern[:, at : at + WIDTH])
            packet = encoder.encode(picture, FrameStamp(now_ns(), number), key_frame=key_frame)
            if packet is not None:
                self.sender.publish(CAMERA, packet)


def main(address: str, port: int, state: Path, ice: Path | None = None) -> None:
    """Film and answer viewers until standard input closes."""
    roster = RosterFile(state / AUTHORIZED_KEYS)
    door = robot_door(load_or_make(state / ROBOT_KEY), roster)
    asked = Requests(VIDEO, door, address, port)
    film = Film(address, ice)
    film.start()
    leaving = listen()
    say(ready=True)
    viewers = 0
    while not leaving.is_set():
        request = asked.receive(LOOK_MS)
        if request is not None:
            reply = film.sender.hear(request.key, _decode(request.message), may_drive=True)
            asked.reply(request.who, encode(reply))
        if film.sender.viewers(CAMERA) != viewers:
            viewers = film.sender.viewers(CAMERA)
            say(viewers=viewers, stamp_ns=now_ns())
    film.close()
    asked.close()
    door.close()


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *map(Path, sys.argv[4:]))
