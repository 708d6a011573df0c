"""Whoever drives in the control bench: the real link and the real video, two cameras, no pixels.

A thread stands for the window: it gives signs of life, takes the pictures, notes what the robot
says. The bench's own thread pushes and waits. Stamps of both ends are of one clock, because both
are on one machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from teleop.operator_input import OperatorInput
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.errors import LinkError
from transport.messages import (
    Arm,
    HandBack,
    MarkOutcome,
    Mode,
    Outcome,
    RecorderPhase,
    ReleaseLease,
    RequestBody,
    RequestLease,
    ResetStop,
    RobotState,
    VerdictNotice,
)

CAMERAS: Final = ("front", "ceiling")
LOOK_S: Final = 0.005  # the window's pace
ASK_EVERY_NS: Final = NS_PER_S // 2
HANDS_OFF_S: Final = 0.7  # longer than the robot asks for
LIMIT_S: Final = 60.0  # what getting to drive may take on a slow machine
GENTLY: Final = 0.3  # of full deflection
PUSH_S: Final = 1.5  # more than the ramp to full speed


class Operator:
    """One operator at one robot."""

    def __init__(self, link: OperatorLink) -> None:
        self.link = link
        self.video = link.video(CAMERAS)
        self.pictures = dict.fromkeys(CAMERAS, 0)
        self.ages_ms: list[float] = []  # of the pictures of the front camera, when decoded
        self.obeyed: list[tuple[int, int]] = []  # (key event, motors told), as the robot says it
        self._asked_ns: dict[type, int] = {}
        self._leaving = threading.Event()
        self._window = threading.Thread(target=self._look, name="window", daemon=True)

    def __enter__(self) -> Operator:
        self.link.start()
        self.video.start()
        self.link.set_focus(True)
        self._window.start()
        return self

    def __exit__(self, *_: object) -> None:
        view = self.view()
        if view.yours and view.state is not None:
            self.link.request(ReleaseLease(epoch=view.state.lease.epoch))
        self._leaving.set()
        self._window.join(2.0)
        self.video.close()
        self.link.close()

    def view(self) -> LinkView:
        """What the operator knows."""
        return self.link.view(now_ns())

    def state(self) -> RobotState | None:
        """The robot's newest state."""
        return self.view().state

    def push(self, forward: float = 0.0, turn: float = 0.0) -> int:
        """Push the stick, or let go of it; the moment of the event."""
        stamp_ns = now_ns()
        pressed = forward != 0.0 or turn != 0.0
        self.link.set_input(
            OperatorInput(forward=forward, turn=turn, deadman=pressed, input_ns=stamp_ns)
        )
        return stamp_ns

    def wait(self, condition: Callable[[], object], limit_s: float) -> bool:
        """Whether `condition` came true in time."""
        end_ns = now_ns() + round(limit_s * NS_PER_S)
        while not condition():
            if now_ns() > end_ns:
                return False
            time.sleep(0.002)
        return True

    def take_over(self) -> None:
        """Lease, motors on, self-test passed, hands off long enough, and the robot records.

        Raises:
            LinkError: the robot could not be had.
        """
        self._expect(lambda: all(self.pictures.values()), "a picture of each camera")
        self._expect(self._ready, "the lease")
        self._expect(lambda: self.view().self_test.passed, "the self-test of STOP and link loss")
        self.wait(lambda: False, HANDS_OFF_S)
        self.push(turn=GENTLY)  # a recorder that missed the takeover begins with the first motion
        self._expect(self._records, "the recording")
        self.push()

    def drive(self, forward: float) -> None:
        """Push and wait until the robot drives as fast as it may; whatever is latched is reset.

        Raises:
            LinkError: it never did.
        """
        end_ns = now_ns() + round(LIMIT_S * NS_PER_S)
        while now_ns() < end_ns:
            if not self._ready():
                self.push()
                self.wait(self._ready, LIMIT_S)
                self.wait(lambda: False, HANDS_OFF_S)
            self.push(forward)
            if self.wait(lambda: self._drives(forward), PUSH_S):
                return
            self.push()
            self.wait(lambda: False, HANDS_OFF_S)
        raise LinkError("the bench's robot could not be driven")

    def hand_back(self, outcome: Outcome) -> None:
        """Mark how it went, then give the robot back to its policy.

        Raises:
            LinkError: the robot did not take it.
        """
        self.push()
        self._expect(lambda: self._marked(outcome), "the mark")
        self._expect(self._handed_back, "the hand-back")

    def verdict_on(self, episode: str) -> tuple[VerdictNotice, int]:
        """What the robot's replay of `episode` has proved, and when that was heard, by our clock.

        Raises:
            LinkError: nothing was heard of it.
        """

        def notice() -> VerdictNotice | None:
            media = self.view().media
            found = media.verdict if media is not None else None
            return found if found is not None and found.episode == episode else None

        self._expect(notice, "the verdict")
        found, heard_ns = notice(), now_ns()
        assert found is not None  # it stays until the next episode is judged
        return found, heard_ns

    def _marked(self, outcome: Outcome) -> bool:
        state = self.state()
        if state is not None and state.outcome is not outcome:
            self._ask(MarkOutcome(epoch=state.lease.epoch, outcome=outcome))
        return state is not None and state.outcome is outcome

    def _handed_back(self) -> bool:
        view = self.view()
        if view.yours and view.state is not None:
            self._ask(HandBack(epoch=view.state.lease.epoch))
        return not view.yours

    def keep_lease(self) -> None:
        """Ask for the lease again once it is lost; to be called over and over."""
        view = self.view()
        if view.state is not None and not view.yours and not view.state.lease.session:
            self._ask(RequestLease())

    def _expect(self, condition: Callable[[], object], what: str) -> None:
        if not self.wait(condition, LIMIT_S):
            raise LinkError(f"the bench has waited in vain for {what}")

    def _ready(self) -> bool:
        """One step towards a robot that obeys; whether it does."""
        view = self.view()
        state = view.state
        if state is None:
            return False
        if not view.yours:
            self.keep_lease()
            return False
        if state.mode is Mode.ESTOP:
            self._ask(ResetStop(epoch=state.lease.epoch, reason="bench"))
        elif state.mode is Mode.DISARMED:
            self._ask(Arm(epoch=state.lease.epoch))
        return state.mode in (Mode.READY, Mode.TELEOP)

    def _drives(self, forward: float) -> bool:
        state = self.state()
        if state is None or state.mode is not Mode.TELEOP:
            return False
        wished = forward * min(state.max_mps, state.cap_mps)
        return state.applied.forward_mps * wished > 0 and abs(
            state.applied.forward_mps
        ) >= 0.95 * abs(wished)

    def _records(self) -> bool:
        media = self.view().media
        return media is not None and media.recorder is RecorderPhase.RECORDING

    def _ask(self, body: RequestBody) -> None:
        if now_ns() - self._asked_ns.get(type(body), 0) >= ASK_EVERY_NS:
            self._asked_ns[type(body)] = now_ns()
            self.link.request(body)

    def _look(self) -> None:
        newest_ns = 0
        while not self._leaving.is_set():
            stamp_ns = now_ns()
            self.link.alive(stamp_ns)
            for camera in CAMERAS:
                picture = self.video.mailboxes[camera].take()
                if picture is None:
                    continue
                self.pictures[camera] += 1
                if camera == CAMERAS[0]:
                    self.link.painted(picture.captured_ns)
                    self.ages_ms.append((picture.decoded_ns - picture.captured_ns) / NS_PER_MS)
            state = self.state()
            if state is not None and state.command_input_ns not in (0, newest_ns):
                newest_ns = state.command_input_ns
                self.obeyed.append((state.command_input_ns, state.command_applied_ns))
            time.sleep(LOOK_S)
