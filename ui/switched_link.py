"""The link that keys, pads and buttons hold on to while the window goes from robot to robot."""

from __future__ import annotations

from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from transport.messages import Outcome, RequestBody
from ui.bridge import Link


class SwitchedLink:
    """Hands everything on to the robot that the window shows now (a `Link`).

    The gamepad's thread calls it, too: it meets the old robot or the new one, and the old one has
    been told by then that the hands are off.
    """

    def __init__(self, link: Link) -> None:
        self.now = link

    def to(self, link: Link) -> Link:
        """Another robot from here on; returns the link to the one before, for the caller to close.

        The hands are off on both: what is held has to be pressed anew.
        """
        before = self.now
        before.let_go()
        before.set_focus(False)
        link.let_go()
        self.now = link
        return before

    def view(self, now_ns: int) -> LinkView:
        return self.now.view(now_ns)

    def set_input(self, inp: OperatorInput) -> None:
        self.now.set_input(inp)

    def set_pad(self, inp: OperatorInput | None) -> None:
        self.now.set_pad(inp)

    def set_focus(self, focused: bool) -> None:
        self.now.set_focus(focused)

    def let_go(self) -> None:
        self.now.let_go()

    def request(self, body: RequestBody) -> None:
        self.now.request(body)

    def stop(self) -> None:
        self.now.stop()

    def judge(self, outcome: Outcome) -> None:
        self.now.judge(outcome)

    def alive(self, now_ns: int) -> None:
        self.now.alive(now_ns)

    def touched(self, now_ns: int) -> None:
        self.now.touched(now_ns)

    def painted(self, captured_ns: int) -> None:
        self.now.painted(captured_ns)

    def close(self) -> None:
        self.now.close()
