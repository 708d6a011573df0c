"""The only place where other threads meet Qt, and what the window asks of the link and the video.

A wake carries nothing: the window takes the newest picture when it paints. Signals with a frame in
them would queue up behind a slow paint, and the operator would drive by the past.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal

from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from transport.mailbox import Mailbox
from transport.messages import Outcome, RequestBody
from transport.picture import Picture
from transport.video_figures import VideoFigures


class Link(Protocol):
    """The robot as the window uses it. No call blocks."""

    def view(self, now_ns: int) -> LinkView:
        """What is known now."""

    def set_input(self, inp: OperatorInput) -> None:
        """What the hands do from now on."""

    def set_pad(self, pad: OperatorInput | None) -> None:
        """The gamepad as it is now, None when there is none; on the pad's thread."""

    def set_focus(self, focused: bool) -> None:
        """Whether this window has the focus: without it nothing drives."""

    def let_go(self) -> None:
        """Motion to zero, until keys and gamepad were released and are pressed again."""

    def request(self, body: RequestBody) -> None:
        """Ask the robot; a refusal shows up in `view().refused`."""

    def stop(self) -> None:
        """STOP, repeated until the robot has answered."""

    def judge(self, outcome: Outcome) -> None:
        """What the operator says of a replay that was played to its end; else it says nothing."""

    def alive(self, now_ns: int) -> None:
        """The window's own thread runs: without this the lease is not renewed."""

    def touched(self, now_ns: int) -> None:
        """Somebody has used keys or mouse here: the console is not unattended."""

    def painted(self, captured_ns: int) -> None:
        """Capture stamp of the newest picture painted in the main view."""

    def close(self) -> None:
        """Let go of the robot; idempotent."""


class VideoFeed(Protocol):
    """Pictures of all cameras, decoded on a thread of their own."""

    @property
    def mailboxes(self) -> dict[str, Mailbox[Picture]]:
        """One for each camera; others, and another dictionary, when the robot has others."""

    @property
    def figures(self) -> dict[str, VideoFigures]:
        """How each camera comes in; looked at anew each time."""

    @property
    def problem(self) -> str:
        """Why there is no video connection; empty while there is."""

    @property
    def way(self) -> str:
        """ "direct" or "relayed"; counts while there is no `problem`."""

    @property
    def server_trouble(self) -> str:
        """What a server that helps pictures on their way lacks, also while they come without it."""

    def expect(self, cameras: Sequence[str]) -> bool:
        """The robot says that it has these cameras; whether that changes what is received."""

    def subscribe(self, on_wake: Callable[[], None]) -> None:
        """Call `on_wake`, from any thread, when an empty mailbox got a picture."""

    def show_at(self, camera: str, width_px: int) -> None:
        """A camera is shown so wide: no more of it has to be fetched."""

    def start(self) -> None:
        """Begin to receive."""

    def close(self) -> None:
        """End; idempotent."""


class Wake(QObject):
    """Calls `on_wake` in the window's thread after `poke` was called in any thread."""

    _poked = Signal()

    def __init__(self, on_wake: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_wake = on_wake
        self._open = True
        self._poked.connect(self._woken, Qt.ConnectionType.QueuedConnection)

    def poke(self) -> None:
        """Any thread: something new lies in a mailbox."""
        if self._open:
            self._poked.emit()

    def close(self) -> None:
        """Nothing is delivered any more; a late poke is ignored."""
        self._open = False

    def _woken(self) -> None:
        if self._open:
            self._on_wake()


class Presses(QObject):
    """Brings what a gamepad's buttons are bound to from its thread to the window's."""

    pressed = Signal(str)

    def press(self, action: str) -> None:
        """Any thread: a button that is bound to `action` went down."""
        self.pressed.emit(action)
