"""A scripted operator's shift: one call after the other, from any number of robots.

Pure. `Shift.step` is told what is known of every robot and what is seen of the one that is served;
it says which robot to sit down at (`at`) and what the hands do there. The rescue itself is
`teleop.rescue_script`. Two who want the same call are settled by the robot's lease: whoever does
not get it goes on to the next. What came of each call is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from teleop.call_queue import queued
from teleop.glimpse import RobotGlimpse
from teleop.rescue_script import SETTLE_NS, Hands, Operator, Seen, Slack, Stage
from transport.clock import NS_PER_S
from transport.messages import HoldReason, Outcome, RobotState

ACCEPT_NS: Final = 20 * NS_PER_S  # for pictures and the lease; a robot without them has to wait
RESCUE_NS: Final = 150 * NS_PER_S  # a minute of driving, labels, holds in between
REST_NS: Final = 15 * NS_PER_S  # before a call that was given up is tried again
RELEASE: Final = "F2"


class CallId(NamedTuple):
    """One call, as everybody names it."""

    robot: str
    boot_id: str
    number: int


NO_CALL: Final = CallId("", "", 0)


class End(StrEnum):
    """What came of a call that an operator went to."""

    SERVED = "handed back"
    TAKEN = "somebody else has it"
    WITHDRAWN = "the robot calls no more"
    LOST = "the lease ended without a hand-back"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Served:
    """One call in an operator's list."""

    call: CallId
    end: End
    outcome: Outcome  # as marked; unlabelled unless it was handed back
    intervention: int  # the robot's number; -1: never had the lease
    seconds: float  # from sitting down to getting up


def next_call(
    fleet: Iterable[RobotGlimpse], resting: Mapping[CallId, int], now_ns: int
) -> str | None:
    """Where the robot was paired to go to: the first of a console's queue that is free to take.

    A call at which somebody looks, or that was passed on to somebody else, is left; so is a robot
    that was stopped, which a person has to look at. `resting`: not to be tried before some time.
    """
    free = [
        robot
        for robot in fleet
        if robot.answers
        and robot.state is not None
        and robot.state.call is not None
        and not robot.state.lease.session
        and not robot.state.stopped_by
        and not robot.state.latched_for
        and resting.get(call_of(robot.state), 0) <= now_ns
    ]
    return next((call.key.paired for call in queued(free) if call.free and not call.skipped), None)


def call_of(state: RobotState) -> CallId:
    """The call of a robot that calls."""
    assert state.call is not None
    return CallId(state.robot, state.boot_id, state.call.call_id)


@dataclass(frozen=True)
class Shift:
    """A scripted operator's memory from one call to the next."""

    slack: Slack = field(default_factory=Slack)
    calls: int | None = None  # so many are served, then nothing more is accepted; None: no end
    until_ns: int | None = None  # nothing is accepted after that; None: no end
    served: tuple[Served, ...] = ()
    at: str = ""  # where the robot that is served was paired; empty: none
    _call: CallId = NO_CALL
    _operator: Operator = field(default_factory=Operator)
    _since_ns: int = 0  # of sitting down
    _leased_ns: int | None = None
    _intervention: int = -1
    _hands_off_ns: int = -SETTLE_NS  # when the robot last asked for that
    _watched: Mapping[str, Operator] = field(default_factory=dict)  # with their ground tracks
    _resting: Mapping[CallId, int] = field(default_factory=dict)

    def over(self, now_ns: int) -> bool:
        """Whether nothing more is accepted and nobody is served."""
        return not self.at and self._closed(now_ns)

    def step(
        self, fleet: Sequence[RobotGlimpse], seen: Seen | None, now_ns: int
    ) -> tuple[Shift, Hands]:
        """The shift after a look, and what the hands do until the next one.

        `fleet` is every robot as it is known; `seen` what is seen of the one at `at`, None while
        that is nothing.
        """
        if not self.at:
            return self._watching(fleet)._next(fleet, now_ns), Hands()
        return self._serve(seen or Seen(None, False, None, 0.0), now_ns)

    def _closed(self, now_ns: int) -> bool:
        done = sum(one.end is End.SERVED for one in self.served)
        late = self.until_ns is not None and now_ns >= self.until_ns
        return late or (self.calls is not None and done >= self.calls)

    def _watching(self, fleet: Iterable[RobotGlimpse]) -> Shift:
        """With each robot's ground track, as a console draws it for what was before the call."""
        new = Operator(self.slack)
        states = {robot.paired: robot.state for robot in fleet if robot.state is not None}
        watched = {a: self._watched.get(a, new).watching(s) for a, s in states.items()}
        return replace(self, _watched=watched)

    def _next(self, fleet: Sequence[RobotGlimpse], now_ns: int) -> Shift:
        at = None if self._closed(now_ns) else next_call(fleet, self._resting, now_ns)
        found = next((robot.state for robot in fleet if robot.paired == at), None)
        if at is None or found is None:
            return self
        return replace(
            self,
            at=at,
            _call=call_of(found),
            _operator=self._watched[at],
            _since_ns=now_ns,
            _leased_ns=None,
            _intervention=-1,
            _hands_off_ns=-SETTLE_NS,
            _resting={call: until for call, until in self._resting.items() if until > now_ns},
        )

    def _serve(self, seen: Seen, now_ns: int) -> tuple[Shift, Hands]:
        state = seen.state
        if self._leased_ns is None:
            return self._ask(seen, now_ns)
        operator = self._operator
        if operator.done:
            back = state is not None and state.call is None
            return self._ended(End.SERVED if back else End.LOST, now_ns), Hands()
        if state is not None and not seen.yours and operator.stage is not Stage.HAND_BACK:
            return self._ended(End.LOST, now_ns), Hands()
        if now_ns - self._leased_ns > RESCUE_NS:  # the robot calls again, for somebody else
            return self._ended(End.GIVEN_UP, now_ns), Hands(tap=RELEASE if seen.yours else "")
        return self._act(seen, now_ns)

    def _ask(self, seen: Seen, now_ns: int) -> tuple[Shift, Hands]:
        """From sitting down to the lease."""
        state = seen.state
        if state is not None and seen.yours:
            return replace(self, _leased_ns=now_ns, _intervention=state.intervention), Hands()
        if state is not None and state.lease.session:
            return self._ended(End.TAKEN, now_ns), Hands()
        if state is not None and (state.call is None or call_of(state) != self._call):
            return self._ended(End.WITHDRAWN, now_ns), Hands()
        if now_ns - self._since_ns > ACCEPT_NS:
            return self._ended(End.GIVEN_UP, now_ns), Hands()
        return self._act(seen, now_ns)

    def _act(self, seen: Seen, now_ns: int) -> tuple[Shift, Hands]:
        hold = seen.state.hold if seen.state is not None else None
        me = self
        if hold is not None and hold.reason is HoldReason.NOT_NEUTRAL:
            me = replace(self, _hands_off_ns=now_ns)
        if now_ns - me._hands_off_ns < SETTLE_NS:  # as the robot asks of any operator
            return me, Hands()
        operator, hands = me._operator.act(seen, now_ns)
        return replace(me, _operator=operator), hands

    def _ended(self, end: End, now_ns: int) -> Shift:
        marked = Outcome.SUCCESS if self._operator.success else Outcome.FAILURE
        one = Served(
            call=self._call,
            end=end,
            outcome=marked if end is End.SERVED else Outcome.UNLABELLED,
            intervention=self._intervention,
            seconds=round((now_ns - self._since_ns) / NS_PER_S, 2),
        )
        rests = {self._call: now_ns + REST_NS} if end is End.GIVEN_UP else {}
        return replace(
            self,
            served=(*self.served, one),
            at="",
            _watched={a: o for a, o in self._watched.items() if a != self.at},
            _resting={**self._resting, **rests},
        )
