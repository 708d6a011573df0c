"""The pictures of one robot for the window: begins as soon as it is known which cameras there are.

A window must open at once, and a robot may be away for hours: until it has said which cameras it
has, there is nothing to receive. The window's thread only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from transport.mailbox import Mailbox
from transport.picture import Picture
from transport.video_figures import VideoFigures
from transport.video_receiver import VideoReceiver

WAITS: Final = "waits for the robot to name its cameras"

Opener = Callable[[tuple[str, ...]], VideoReceiver]


class RobotPictures:
    """A receiver for the cameras of the robot, another one when it has others (a `VideoFeed`)."""

    def __init__(self, opened: Opener, cameras: Sequence[str] = ()) -> None:
        """`opened` makes a receiver for some cameras; `cameras` are those that somebody has asked
        for: then the robot is not asked which it has."""
        self._opened = opened
        self._asked_for = bool(cameras)
        self._cameras: tuple[str, ...] = ()
        self._receiver: VideoReceiver | None = None
        self._on_wake: Callable[[], None] = lambda: None
        self._started = self._closed = False
        if cameras:
            self._receive(tuple(cameras))

    @property
    def mailboxes(self) -> dict[str, Mailbox[Picture]]:
        """One for each camera; empty before the robot has named them."""
        return self._receiver.mailboxes if self._receiver is not None else {}

    @property
    def figures(self) -> dict[str, VideoFigures]:
        """How each camera comes in."""
        return self._receiver.figures if self._receiver is not None else {}

    @property
    def problem(self) -> str:
        """Why there is no video connection; empty while there is."""
        return self._receiver.problem if self._receiver is not None else WAITS

    @property
    def way(self) -> str:
        """How the pictures come: "direct" or "relayed"."""
        return self._receiver.way if self._receiver is not None else ""

    @property
    def server_trouble(self) -> str:
        """What this console's servers lack; empty when there is nothing to say."""
        return self._receiver.server_trouble if self._receiver is not None else ""

    def expect(self, cameras: Sequence[str]) -> bool:
        """The robot has these cameras; whether other ones are received from now on."""
        wanted = tuple(cameras)
        if not wanted or wanted == self._cameras or self._asked_for or self._closed:
            return False
        self._receive(wanted)
        return True

    def subscribe(self, on_wake: Callable[[], None]) -> None:
        """Call `on_wake`, from any thread, when an empty mailbox got a picture."""
        self._on_wake = on_wake
        if self._receiver is not None:
            self._receiver.subscribe(on_wake)

    def show_at(self, camera: str, width_px: int) -> None:
        """A camera is shown so wide: no more of it has to be fetched."""
        if self._receiver is not None:
            self._receiver.show_at(camera, width_px)

    def start(self) -> None:
        """Begin to receive, now or as soon as the cameras are known."""
        self._started = True
        if self._receiver is not None:
            self._receiver.start()

    def close(self) -> None:
        """End; idempotent."""
        self._closed = True
        if self._receiver is not None:
            self._receiver.close()

    def _receive(self, cameras: tuple[str, ...]) -> None:
        if self._receiver is not None:  # its goodbye takes a moment, which no window has
            threading.Thread(target=self._receiver.close, name="video-goodbye", daemon=True).start()
        self._cameras = cameras
        self._receiver = self._opened(cameras)
        self._receiver.subscribe(self._on_wake)
        if self._started:
            self._receiver.start()
