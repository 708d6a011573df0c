"""What the link is told to do while it has a lease: test STOP, and give a forgotten lease back."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from teleop.attendance import UNATTENDED_S, WARNING_S
from teleop.hearing import Hearing
from teleop.operator_input import OperatorInput
from teleop.operator_view import StopView
from teleop.self_test import STOP_WITHIN_MS, Stage
from teleop.session_watch import Demands, SessionWatch
from tests.console.fakes import SESSION, driven, robot_state
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import STILL, Lease, Mode, RobotState

START = 10**12
STANDING = driven(mode=Mode.READY, applied=STILL)
NOTHING = Demands(test_stop=False, release=False)


@dataclass
class Desk:
    """A watch on a virtual clock; the robot is heard at each look."""

    now_ns: int = START
    watch: SessionWatch = field(default_factory=lambda: SessionWatch(START))
    heard: Hearing = field(default_factory=lambda: Hearing(SESSION, START))
    answer: StopView | None = None

    def look(self, ms: float = 1.0, state: RobotState = STANDING) -> Demands:
        self.now_ns += round(ms * NS_PER_MS)
        self.heard.hear_state(state, self.now_ns)
        return self.watch.look(self.heard, OperatorInput(), self.now_ns, self.answer, self.now_ns)


def test_a_new_lease_demands_one_test_of_stop() -> None:
    desk = Desk()
    assert desk.look(state=robot_state()) == NOTHING
    assert desk.look() == Demands(test_stop=True, release=False)
    assert desk.look() == NOTHING


def test_an_attempt_without_an_answer_demands_the_next() -> None:
    desk = Desk()
    desk.look()
    assert desk.look(STOP_WITHIN_MS) == NOTHING
    assert desk.look() == Demands(test_stop=True, release=False)


def test_an_answer_to_the_attempt_before_does_not_count() -> None:
    desk = Desk()
    desk.answer = StopView(sent_ns=START - NS_PER_S, acked_ns=START)
    desk.look()
    desk.look()
    assert desk.watch.self_test.stop is Stage.RUNNING
    desk.answer = StopView(sent_ns=desk.now_ns, acked_ns=desk.now_ns + 21 * NS_PER_MS)
    desk.look(30.0)
    assert desk.watch.self_test.stop is Stage.PASSED
    assert desk.watch.self_test.stop_ms == 21.0


def test_an_old_state_is_none() -> None:
    desk = Desk()
    desk.look()
    desk.now_ns += 5 * NS_PER_S
    demands = desk.watch.look(desk.heard, OperatorInput(), desk.now_ns, None, desk.now_ns)
    assert demands.test_stop, "the attempt is over, and the next begins"
    assert desk.watch.self_test.loss is Stage.WAITING


def test_a_forgotten_lease_is_released_once() -> None:
    desk = Desk()
    desk.look()
    begun_s = desk.watch.unattended_s(desk.heard, desk.now_ns)
    assert begun_s == pytest.approx(UNATTENDED_S, abs=0.01)
    desk.look((UNATTENDED_S - WARNING_S) * 1e3)
    assert not desk.look().release
    left_s = desk.watch.unattended_s(desk.heard, desk.now_ns)
    assert left_s is not None
    assert left_s < WARNING_S
    assert desk.look(WARNING_S * 1e3).release
    assert desk.watch.let_go_ns == desk.now_ns
    assert not desk.look().release


def test_a_touch_keeps_it() -> None:
    desk = Desk()
    desk.look((UNATTENDED_S - 1) * 1e3)
    desk.watch.touched(desk.now_ns)
    assert not desk.look(2000.0).release
    assert desk.watch.let_go_ns is None


def test_without_a_lease_nothing_runs_out() -> None:
    desk = Desk()
    other = robot_state(lease=Lease(epoch=5, operator="op-2", session="session-2"))
    assert not desk.look(2 * UNATTENDED_S * 1e3, other).release
    assert desk.watch.unattended_s(desk.heard, desk.now_ns) is None
