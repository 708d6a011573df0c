"""What the page of calls says: the queue, the chosen call, what can be done about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from teleop.call_queue import CallKey, CallNews, QueuedCall, Severity, next_call
from teleop.fleet_metrics import Freed, freed_before, recent_calls
from teleop.glimpse import RobotGlimpse
from teleop.rescues import History
from transport.handshake import Trouble
from ui import words
from ui.screen import Chip, Look

SEVERITIES: Final = {
    Severity.HIGH: Chip("triangle", "HIGH", "", Look.LIMITED),
    Severity.NORMAL: Chip("hand", "NORMAL"),
    Severity.LOW: Chip("disc", "LOW", "", Look.DIM),
}
KEPT: Final = 40  # lines of what became of calls


@dataclass(frozen=True)
class CallRow:
    """One call in the list."""

    key: CallKey
    robot: str
    site: str
    reason: str
    detail: str
    age: str
    severity: Chip
    note: str  # who is at it, or why it is where it is; empty: nothing to say


@dataclass(frozen=True)
class Ended:
    """What became of a call."""

    clock: str
    sentence: str


@dataclass(frozen=True)
class CallsFace:
    """The page."""

    count: str
    rows: tuple[CallRow, ...]
    chosen: CallKey | None
    title: str
    reason: str
    waits: str
    facts: tuple[tuple[str, str], ...]
    accept: str  # why it cannot be accepted; empty: it can
    skip: bool
    ended: tuple[Ended, ...]
    message: str
    message_look: Look


def chosen_of(calls: Sequence[QueuedCall], chosen: CallKey | None) -> CallKey | None:
    """The call that stays chosen, or the next one when that is over; None: nobody calls."""
    if any(call.key == chosen for call in calls):
        return chosen
    following = next_call(calls)
    return following.key if following is not None else None


def calls_face(
    calls: Sequence[QueuedCall],
    chosen: CallKey | None,
    robot: RobotGlimpse | None,
    driving: str,
    ended: Sequence[Ended],
) -> CallsFace:
    """Everything that the page shows.

    Args:
        robot: whose call is chosen.
        driving: the robot that you drive now; empty: none.
    """
    call = next((one for one in calls if one.key == chosen), None)
    message, look = _message(calls, call)
    return CallsFace(
        count=f"{len(calls)}" if calls else "",
        rows=tuple(_row(one) for one in calls),
        chosen=chosen if call is not None else None,
        title=call.name if call is not None else "Nobody calls",
        reason=call.reason if call is not None else "A robot that gets stuck appears here.",
        waits=f"waits {words.minutes(call.age_s)}" if call is not None else "",
        facts=_facts(call, robot) if call is not None and robot is not None else (),
        accept=_why_not_accept(call, robot, driving),
        skip=call is not None,
        ended=tuple(ended),
        message=message,
        message_look=look,
    )


def _row(call: QueuedCall) -> CallRow:
    return CallRow(
        key=call.key,
        robot=call.name,
        site=call.site,
        reason=call.reason,
        detail=call.detail,
        age=words.minutes(call.age_s),
        severity=SEVERITIES[call.severity],
        note=note_of(call),
    )


def note_of(call: QueuedCall) -> str:
    """What people have done with it, the most important first."""
    if call.silent_s:
        return f"does not answer for {words.short(call.silent_s)}"
    if call.to_you:
        why = f": {call.note}" if call.note else ""
        return f"{call.passed_by} passed it to you{why}"
    if call.looking:
        others = f" and {len(call.looking) - 1} more" if len(call.looking) > 1 else ""
        verb = "look" if others else "is looking"
        return f"{call.looking[-1]}{others} {verb}"
    if call.passed_to:
        return f"passed to {call.passed_to}"
    return "you have skipped it" if call.skipped else ""


def _facts(call: QueuedCall, robot: RobotGlimpse) -> tuple[tuple[str, str], ...]:
    state = robot.state
    severity = SEVERITIES[call.severity].word.lower()
    if call.severity is Severity.HIGH and call.age_s > 60:
        severity = "high: waits longer than 1:00"
    facts = [("Robot says", call.detail or call.reason), ("Severity", severity)]
    if state is not None:
        facts += [("Task", state.task or "–"), ("Battery", f"{state.battery_pct:.0f} %")]
        facts += [("Lease", state.lease.operator or "free")]
    facts += [("Place", f"x {words.signed(call.x_m, 1)} m, y {words.signed(call.y_m, 1)} m")]
    facts += [("Link", _link(robot))]
    return tuple(facts)


def _link(robot: RobotGlimpse) -> str:
    if robot.answers:
        return "answers"
    if robot.trouble is Trouble.WRONG_ROBOT_KEY:
        return "another robot answers there"
    if robot.trouble is Trouble.NOT_PAIRED:
        return "it does not know this console"
    return f"silent for {words.short(robot.silent_ms / 1000)}"


def _why_not_accept(call: QueuedCall | None, robot: RobotGlimpse | None, driving: str) -> str:
    if call is None:
        return "Nobody calls."
    if driving and driving != call.name:
        return f"You have {driving}. Hand it back, or release it, first."
    if robot is None or not robot.answers:
        return f"{call.name} does not answer; its call stays here."
    if robot.state is not None and robot.state.lease.operator not in ("", robot.you):
        return f"{robot.state.lease.operator} was faster."
    return ""


def _message(calls: Sequence[QueuedCall], call: QueuedCall | None) -> tuple[str, Look]:
    if not calls:
        return "Nobody calls.", Look.QUIET
    waits = "1 call waits" if len(calls) == 1 else f"{len(calls)} calls wait"
    if call is not None and call.silent_s:
        return f"{call.name} does not answer; its call stays here.", Look.LIMITED
    return f"{waits}. Enter accepts the chosen one, N chooses the next.", Look.QUIET


@dataclass(frozen=True)
class Past:
    """What the robots' logs say about a call's robot and place."""

    calls: str  # in the last seven days
    reasons: tuple[tuple[str, str], ...]
    freed: tuple[tuple[str, str], ...]  # who and when, how


def past_of(history: History, call: QueuedCall | None, now: datetime) -> Past:
    """This robot's last seven days, and how it was freed at this place before."""
    if call is None:
        return Past("", (), ())
    reasons = recent_calls(history, call.name, now)
    freed = freed_before(history, call.name, call.reason, (call.x_m, call.y_m))
    total = sum(number for _, number in reasons)
    return Past(
        calls=f"{total} calls" if total != 1 else "1 call",
        reasons=tuple((reason or "no reason", f"{number}") for reason, number in reasons[:5]),
        freed=tuple((f"{one.by}, {_when(one.wall, now)}", _how(one)) for one in freed[:5]),
    )


def _when(wall: datetime, now: datetime) -> str:
    here, today = wall.astimezone(), now.astimezone()
    if here.date() == today.date():
        return f"{here:%H:%M}"
    return f"{here:%d.%m. %H:%M}"


def _how(one: Freed) -> str:
    took = words.minutes(one.free_s) if one.free_s is not None else "not handed back"
    return ", ".join(filter(None, (one.outcome.value, took, one.verdict)))


def ended_of(news: Sequence[CallNews], wall: datetime) -> tuple[Ended, ...]:
    """Lines about what became of calls, newest first."""
    return tuple(Ended(words.clock(wall), one.sentence) for one in reversed(news))
