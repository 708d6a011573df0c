"""The calls of all robots in the order in which they want an answer, and how each of them ended.

Pure: from what is known of the fleet at one moment to what a person is shown. Ages are the robots'
own; the time since a robot was heard is added, so that the call of one that vanished goes on to
age. Whether somebody gets a robot is settled by its lease alone; nothing here decides it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from teleop.glimpse import RobotGlimpse
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Call, Mode, RobotState

OLD_S: Final = 60.0  # a call that has waited for longer is HIGH, whatever it is about
# What robots say of themselves, `teleop.gate` and `teleop.control`; everything else is NORMAL.
HIGH_REASONS: Final = frozenset(
    {"Stopped for safety", "Operator is gone", "Restarted", "The policy is silent"}
)
LOW_REASONS: Final = frozenset({"Left without hand-back"})  # somebody let go of it, deliberately
HIGH_MODES: Final = frozenset({Mode.SAFE_STOP, Mode.FAULT, Mode.ESTOP, Mode.LINK_LOST})


class Severity(IntEnum):
    """How much a call wants somebody, the most severe first."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class CallKey(NamedTuple):
    """Which call it is: robots count theirs anew at each start."""

    paired: str  # `RobotGlimpse.paired`
    boot_id: str
    call_id: int


@dataclass(frozen=True)
class QueuedCall:
    """One call as this console shows it."""

    key: CallKey
    name: str  # of the robot
    site: str
    severity: Severity
    age_s: float
    reason: str
    detail: str
    x_m: float  # where the robot was when it called, world frame
    y_m: float
    looking: tuple[str, ...]  # who else looks at it now
    skipped: bool  # by this console's operator
    passed_to: str  # empty: it is everybody's
    passed_by: str
    note: str  # why it was passed on
    to_you: bool
    silent_s: float  # since the robot was heard, once it does not answer; 0 while it does
    intervention: int  # the robot's last one, by which help that nobody here has seen is noticed

    @property
    def free(self) -> bool:
        """Whether nobody else is at it: nobody looks, and it was left to nobody else."""
        return not self.looking and (self.to_you or not self.passed_to)


def queued(
    fleet: Iterable[RobotGlimpse], skipped: Collection[CallKey] = ()
) -> tuple[QueuedCall, ...]:
    """All calls of the fleet, sorted by severity and age; what you have skipped comes last.

    `skipped` is what this console has skipped and the robot has not confirmed yet.
    """
    calls = [
        _call(robot, robot.state, robot.state.call, skipped)
        for robot in fleet
        if robot.state is not None and robot.state.call is not None
    ]
    return tuple(sorted(calls, key=lambda c: (c.skipped, c.severity, -c.age_s, c.key)))


def _call(
    robot: RobotGlimpse, state: RobotState, call: Call, skipped: Collection[CallKey]
) -> QueuedCall:
    key = CallKey(robot.paired, state.boot_id, call.call_id)
    age_s = max(0.0, (robots_now_ns(robot, state) - call.stamp_ns) / NS_PER_S)
    passed_to = call.passed.to if call.passed is not None else ""
    to_you = bool(robot.you) and passed_to == robot.you
    looking = [one.name for one in call.looking if one.until_ns > robots_now_ns(robot, state)]
    return QueuedCall(
        key=key,
        name=robot.name,
        site=state.site,
        severity=severity_of(call.reason, state.mode, age_s),
        age_s=age_s,
        reason=call.reason,
        detail=call.detail,
        x_m=call.x_m,
        y_m=call.y_m,
        looking=tuple(name for name in looking if name != robot.you),
        skipped=not to_you and (key in skipped or robot.you in call.skipped),
        passed_to=passed_to,
        passed_by=call.passed.by if call.passed is not None else "",
        note=call.passed.note if call.passed is not None else "",
        to_you=to_you,
        silent_s=0.0 if robot.answers else robot.silent_ms / 1e3,
        intervention=state.intervention,
    )


def robots_now_ns(robot: RobotGlimpse, state: RobotState) -> float:
    """What a robot's clock says by now, whether it is heard or not."""
    return state.stamp_ns + (robot.late_ms + robot.silent_ms) * NS_PER_MS


def severity_of(reason: str, mode: Mode, age_s: float) -> Severity:
    """How much a call wants somebody: by what the robot says, or because it has waited long."""
    if age_s > OLD_S or reason in HIGH_REASONS or mode in HIGH_MODES:
        return Severity.HIGH
    return Severity.LOW if reason in LOW_REASONS else Severity.NORMAL


def next_call(calls: Sequence[QueuedCall], after: CallKey | None = None) -> QueuedCall | None:
    """The call that comes next in the queue, round and round; None when there is none.

    Those that you have skipped are passed over, and those that somebody else is at already, as
    long as there are others.
    """
    order = [call.key for call in calls]
    at = order.index(after) + 1 if after in order else 0
    others = [call for call in (*calls[at:], *calls[:at]) if call.key != after]
    unskipped = [call for call in others if not call.skipped]
    free = [call for call in unskipped if call.free]
    return next(iter(free or unskipped or others or calls), None)


# --- what became of a call ---


class Turn(StrEnum):
    """What happened to a call since it was looked at last."""

    YOURS = "yours"  # you have the robot
    TAKEN = "taken"  # somebody else has it
    HELPED = "helped"  # somebody was there and has gone, unseen from here
    FREED = "freed"  # the robot needs nobody any more
    RESTARTED = "restarted"
    FORGOTTEN = "forgotten"  # the robot is not looked at any more
    SILENT = "silent"  # no end: the robot does not answer, its call stays
    BACK = "back"  # no end: it answers again, and still calls


@dataclass(frozen=True)
class CallNews:
    """One turn, in words for the operator."""

    key: CallKey
    turn: Turn
    sentence: str


def turned(
    before: Iterable[QueuedCall], fleet: Iterable[RobotGlimpse], sessions: Collection[str] = ()
) -> tuple[CallNews, ...]:
    """What happened to the calls of an earlier moment, by what is known now, in their order.

    `sessions` are those of this console that may hold a lease (`LinkView.session`).
    """
    robots = {robot.paired: robot for robot in fleet}
    news = (_turned(call, robots.get(call.key.paired), sessions) for call in before)
    return tuple(one for one in news if one is not None)


def _turned(
    call: QueuedCall, robot: RobotGlimpse | None, sessions: Collection[str]
) -> CallNews | None:
    if robot is None or robot.state is None:
        sentence = f"{call.name} is not in the list of robots any more"
        return CallNews(call.key, Turn.FORGOTTEN, sentence)
    state = robot.state
    if state.boot_id != call.key.boot_id:
        return CallNews(call.key, Turn.RESTARTED, f"{call.name} has restarted")
    if state.call is not None and state.call.call_id == call.key.call_id:
        if robot.answers == (call.silent_s == 0.0):
            return None
        if robot.answers:
            return CallNews(call.key, Turn.BACK, f"{call.name} answers again, and still calls")
        sentence = f"{call.name} does not answer; its call stays here"
        return CallNews(call.key, Turn.SILENT, sentence)
    driver = state.lease.operator
    if driver and (driver == robot.you or state.lease.session in sessions):
        return CallNews(call.key, Turn.YOURS, f"You have {call.name}")
    if driver:
        return CallNews(call.key, Turn.TAKEN, f"{driver} was faster")
    if state.intervention != call.intervention:
        return CallNews(call.key, Turn.HELPED, f"{call.name} was helped meanwhile")
    return CallNews(call.key, Turn.FREED, f"{call.name} got free itself")
