"""The self-test at the start of each session: is STOP answered, does the robot hold on silence?

Pure; `teleop.operator_link` carries out what this decides, with the lease just granted, hands off
and the robot standing. STOP: a test request takes the real way through socket, thread and control
tick. Link loss: no command is sent until the robot reports that it holds for want of commands.
A robot that does not answer STOP is not driven; nor is one that was seen to ignore silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from transport.clock import NS_PER_MS
from transport.messages import STILL, HoldReason, Mode, RobotState, Timing

STOP_WITHIN_MS: Final = 1000.0  # a later answer is none; the next attempt begins
# Beyond the robot's own `hold_ms`: a tick, the report's way here, jitter. Whatever the round trip,
# the robot hears commands again before it would call the link lost.
SPARE_MS: Final = 300.0
REPORT_MS: Final = 2000.0  # within which the report of the hold has to come
RESUMED_MS: Final = 1000.0  # within which the robot hears commands again
AGAIN_MS: Final = 2000.0  # until a link loss test that failed is repeated

# Modes in which silence makes the robot hold, or keeps it holding. In the other ones it stands
# whatever is sent, and the test waits until it is armed.
TESTABLE: Final = frozenset({Mode.READY, Mode.HOLD, Mode.LINK_LOST})
SILENT: Final = frozenset({HoldReason.GAP, HoldReason.STALE, HoldReason.REFUSED})


class Stage(StrEnum):
    """How far one part of the self-test is."""

    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True)
class Seen:
    """What the link knows when it asks what to do. Stamps are this console's clock."""

    state: RobotState | None  # None: not heard lately
    heard_ns: int  # when that state came
    hands_off: bool
    sent_ns: int  # when the last command went out; 0: none yet
    stop_ms: float | None  # answer to the present attempt at STOP; None: none yet


@dataclass(frozen=True)
class SelfTest:
    """The self-test of one lease."""

    epoch: int = 0  # of the lease; 0: there is none
    stop: Stage = Stage.WAITING
    stop_sent_ns: int = 0  # when the present attempt began
    stop_ms: float | None = None  # request to answer
    loss: Stage = Stage.WAITING
    loss_began_ns: int = 0  # the last command before the silence
    resume_ns: int = 0  # when commands go out again, whatever was reported
    loss_ms: float | None = None  # last command sent to the hold's report, at this console
    robot_loss_ms: float | None = None  # last command accepted to set-point zero, on the robot
    released: bool = False  # hands were off since nothing stood in the way

    @property
    def passed(self) -> bool:
        """Whether both parts are through."""
        return self.stop is Stage.PASSED and self.loss is Stage.PASSED

    @property
    def losing(self) -> bool:
        """Whether the link is silent, or just was, for the test's sake."""
        return self.loss is Stage.RUNNING

    @property
    def may_drive(self) -> bool:
        """Whether a held deadman may be told to the robot."""
        return not self._blocked and self.released

    @property
    def _blocked(self) -> bool:
        return self.stop is not Stage.PASSED or self.loss in (Stage.RUNNING, Stage.FAILED)

    def withholds(self, now_ns: int) -> bool:
        """Whether no command may go out at this moment."""
        return self.losing and self.loss_ms is None and now_ns < self.resume_ns


def step(test: SelfTest, epoch: int, seen: Seen, now_ns: int) -> SelfTest:
    """The self-test after one look; another epoch begins another one."""
    if epoch != test.epoch:
        test = SelfTest(epoch=epoch)
    if not epoch:
        return test
    test = _stop(test, seen, now_ns)
    test = _loss(test, seen, now_ns)
    if test._blocked:
        return replace(test, released=False)
    return replace(test, released=test.released or seen.hands_off)


def _stop(test: SelfTest, seen: Seen, now_ns: int) -> SelfTest:
    if test.stop is Stage.PASSED:
        return test
    if test.stop is Stage.WAITING:
        # Only a standing robot answers a test; its ramp would be measured, too.
        if seen.state is None or seen.state.applied != STILL:
            return test
        return replace(test, stop=Stage.RUNNING, stop_sent_ns=now_ns)
    if seen.stop_ms is not None and seen.stop_ms <= STOP_WITHIN_MS:
        return replace(test, stop=Stage.PASSED, stop_ms=seen.stop_ms)
    if now_ns - test.stop_sent_ns > STOP_WITHIN_MS * NS_PER_MS:
        return replace(test, stop=Stage.FAILED, stop_sent_ns=now_ns)  # and once more
    return test


def _loss(test: SelfTest, seen: Seen, now_ns: int) -> SelfTest:
    state = seen.state
    if test.loss is Stage.PASSED:
        return test
    if test.loss is Stage.RUNNING:
        return _loss_running(test, seen, now_ns)
    again_ns = test.loss_began_ns + (REPORT_MS + AGAIN_MS) * NS_PER_MS
    if test.loss is Stage.FAILED and now_ns < again_ns:
        return test
    if state is None or not _can_lose(state, test.epoch) or not seen.hands_off or not seen.sent_ns:
        return test
    return replace(
        test,
        loss=Stage.RUNNING,
        loss_began_ns=seen.sent_ns,
        resume_ns=seen.sent_ns + silence_ns(state.timing),
        loss_ms=None,
        robot_loss_ms=None,
    )


def _can_lose(state: RobotState, epoch: int) -> bool:
    """Whether a silence can be told from what is anyway: the robot stands and hears this lease."""
    silent = state.hold is not None and state.hold.reason in SILENT
    heard = state.lease.epoch == epoch and state.command_seq >= 0
    return heard and not silent and state.mode in TESTABLE and state.applied == STILL


def silence_ns(timing: Timing) -> int:
    """How long commands are withheld at most: never so long that the link counts as lost."""
    middle_ms = (timing.hold_ms + timing.lost_ms) / 2
    return round(min(timing.hold_ms + SPARE_MS, middle_ms) * NS_PER_MS)


def _loss_running(test: SelfTest, seen: Seen, now_ns: int) -> SelfTest:
    state = seen.state
    since_ns = now_ns - test.loss_began_ns
    if state is None or seen.heard_ns < test.loss_began_ns:
        holds = False
    elif state.mode not in TESTABLE:
        return replace(test, loss=Stage.WAITING)  # STOP, or a policy: the test comes later
    else:
        holds = state.hold is not None and state.hold.reason is HoldReason.GAP
        if holds and test.loss_ms is None:
            measured = state.mode is Mode.HOLD and state.loss_to_zero_ms >= 0
            return replace(
                test,
                loss_ms=since_ns / NS_PER_MS,
                robot_loss_ms=state.loss_to_zero_ms if measured else None,
                resume_ns=now_ns,
            )
    if test.loss_ms is not None:
        late = since_ns > (test.loss_ms + RESUMED_MS) * NS_PER_MS
        return replace(test, loss=Stage.PASSED) if late or not holds else test
    if since_ns > REPORT_MS * NS_PER_MS:
        # A robot that is not heard at all has said nothing about its holding.
        return replace(test, loss=Stage.WAITING if state is None else Stage.FAILED)
    return test
