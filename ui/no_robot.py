"""What the window shows while this console knows no robot: nothing is heard, nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView, Reach
from teleop.self_test import SelfTest
from transport.mailbox import Mailbox
from transport.messages import Outcome, RequestBody
from transport.picture import Picture
from transport.video_figures import VideoFigures

NOBODY: Final = LinkView(
    address="",
    name="",
    role=None,
    session="",
    reach=Reach.SEARCHING,
    silent_ms=0.0,
    trouble=None,
    state=None,
    media=None,
    media_silent_ms=0.0,
    round_trip_ms=None,
    round_trip_p95_ms=None,
    clock_offset_ns=None,
    yours=False,
    command_hz=0.0,
    command_ms=(),
    stop=None,
    refused=None,
    self_test=SelfTest(),
    unattended_s=None,
    let_go_ns=None,
    input_device="Keyboard",
    deadman=False,
)


class NoRobot:
    """In the place of a link, and of its pictures."""

    def __init__(self) -> None:
        self.mailboxes: dict[str, Mailbox[Picture]] = {}
        self.figures: dict[str, VideoFigures] = {}
        self.problem = "no robot is known"
        self.way = ""
        self.server_trouble = ""

    def view(self, now_ns: int) -> LinkView:
        return NOBODY

    def expect(self, cameras: Sequence[str]) -> bool:
        return False

    # Nobody is there to be told anything.

    def set_input(self, inp: OperatorInput) -> None:
        pass

    def set_pad(self, pad: OperatorInput | None) -> None:
        pass

    def set_focus(self, focused: bool) -> None:
        pass

    def let_go(self) -> None:
        pass

    def request(self, body: RequestBody) -> None:
        pass

    def stop(self) -> None:
        pass

    def judge(self, outcome: Outcome) -> None:
        pass

    def alive(self, now_ns: int) -> None:
        pass

    def touched(self, now_ns: int) -> None:
        pass

    def painted(self, captured_ns: int) -> None:
        pass

    def subscribe(self, on_wake: object) -> None:
        pass

    def show_at(self, camera: str, width_px: int) -> None:
        pass

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass
