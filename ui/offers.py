"""What can be done now, and why not, act by act. Pure; each sentence is tested as text.

The robot decides again when it is asked; what is known to be refused is not offered in the first
place, and a key that asks for it says why.
"""

from __future__ import annotations

from typing import Final

from teleop.attendance import stands
from teleop.operator_view import LinkView
from transport.messages import HoldReason, Mode, Profile, RobotState, Role
from ui.facts import Facts, heard
from ui.labelling import OUTCOMES, SAYS, why_no_label
from ui.screen import Act

DRIVERS: Final = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.MAINTENANCE})
# Which role each act needs; what is not listed asks nothing of the robot.
ROLES: Final[dict[Act, frozenset[Role]]] = {
    Act.REQUEST: DRIVERS,
    Act.ACCEPT: DRIVERS,
    Act.TAKE_OVER: frozenset({Role.SUPERVISOR}),
    Act.GRANT: DRIVERS,
    Act.DENY: DRIVERS,
    Act.RELEASE: DRIVERS,
    Act.ARM: DRIVERS,
    Act.RESET: DRIVERS,
    Act.HAND_BACK: DRIVERS,
    Act.LET_DRIVE: DRIVERS,
    Act.SUCCESS: DRIVERS,
    Act.FAILURE: DRIVERS,
    Act.CLEAR: DRIVERS,
    Act.MARKER: DRIVERS,
    Act.RECOVERY: DRIVERS,
    Act.CORRECTION: DRIVERS,
    Act.SCENE_RESET: DRIVERS,
    Act.REASON: DRIVERS,
    Act.NOTE: DRIVERS,
    Act.DISCARD: DRIVERS,
    Act.RESTORE: DRIVERS,
    Act.HIGH_LATENCY: DRIVERS,
    Act.NORMAL: DRIVERS,
    Act.CLEAR_FAULT: frozenset({Role.MAINTENANCE}),
}
# Asked of the robot without having its lease.
WITHOUT_LEASE: Final = frozenset({Act.REQUEST, Act.ACCEPT, Act.TAKE_OVER, Act.CLEAR_FAULT})
LOCAL: Final = frozenset(Act) - frozenset(ROLES)
# Beyond the round trip: a tick and a state's period at each end, and jitter.
LATENCY_SPARE_MS: Final = 60.0
STALE_SHOWN_NS: Final = 5 * 10**9  # so long a late command is a reason to offer another profile

_FIRST: Final = {
    Mode.BOOT: "wait until the robot has checked itself",
    Mode.DISARMED: "arm it first (F5)",
    Mode.LINK_LOST: "drive once first, so that the lost link is over",
    Mode.SAFE_STOP: "reset it first",
    Mode.ESTOP: "reset STOP first",
    Mode.FAULT: "its fault has to be cleared first",
}


def why_not(act: Act, link: LinkView) -> str:
    """Why `act` cannot be done now, as a sentence; empty when it can."""
    if act in LOCAL:
        return ""
    state = heard(link)
    if state is None:
        return "There is no robot to ask."
    if link.role is None:
        return "The robot has not said yet who you are to it."
    if link.role not in ROLES[act]:
        who = "a supervisor" if act is Act.TAKE_OVER else "maintenance"
        if act not in (Act.TAKE_OVER, Act.CLEAR_FAULT):
            return f"You watch ({link.role}): only an operator may do that."
        return f"You are {link.role} here: only {who} may do that."
    if act in SAYS and not (link.yours and act in OUTCOMES):
        return why_no_label(act, link)
    if act not in WITHOUT_LEASE and not link.yours:
        return "Only who has the lease may do that; F2 requests it."
    return _by_state(act, link, state)


def _by_state(act: Act, link: LinkView, state: RobotState) -> str:
    match act:
        case Act.REQUEST:
            return _request(link, state)
        case Act.ACCEPT:
            return "" if state.call and not state.lease.session else "No call waits for you."
        case Act.TAKE_OVER:
            if link.yours:
                return "You have the lease already."
            return "" if state.lease.session else "Nobody has the lease: F2 requests it."
        case Act.GRANT | Act.DENY:
            return "" if state.wanted is not None else "Nobody asks for the lease."
        case Act.ARM:
            return (
                ""
                if state.mode is Mode.DISARMED
                else "Nothing to arm: the motors are on, or latched."
            )
        case Act.RESET:
            return "" if state.mode in (Mode.ESTOP, Mode.SAFE_STOP) else "No STOP is latched."
        case Act.CLEAR_FAULT:
            return "" if state.mode is Mode.FAULT else "There is no fault to clear."
        case Act.LET_DRIVE if not state.has_policy:
            return "It has no policy that could drive it."
        case Act.LET_DRIVE if state.mode is Mode.AUTONOMY:
            return "It works by itself already."
        case Act.LET_DRIVE | Act.HAND_BACK if state.mode in _FIRST:
            return f"The robot is {state.mode}: {_FIRST[state.mode]}."
        case Act.HIGH_LATENCY | Act.NORMAL:
            return _profile(act, link, state)
    return ""


def _request(link: LinkView, state: RobotState) -> str:
    if link.yours:
        return "You have the lease already."
    wanted = state.wanted
    if wanted is None or not state.lease.session:
        return ""
    if wanted.session == link.session:
        return f"You have asked; {state.lease.operator} has {wish_left_s(link, state)} s to answer."
    return f"{wanted.operator} has asked {state.lease.operator} already."


def _profile(act: Act, link: LinkView, state: RobotState) -> str:
    chosen = Profile.HIGH_LATENCY if act is Act.HIGH_LATENCY else Profile.NORMAL
    if state.profile is chosen:
        return "That is in force already."
    if not stands(state) or link.deadman:
        return "Only while the robot stands and nobody holds the deadman."
    if chosen is Profile.NORMAL and too_slow_for(state.timing.normal_max_age_ms, link):
        trip = f"{link.round_trip_p95_ms:.0f} ms"
        return f"The link is too slow for that: it takes up to {trip} there and back."
    return ""


def wish_left_s(link: LinkView, state: RobotState) -> int:
    """Seconds that the holder still has to answer; counted on between two states."""
    if state.wanted is None:
        return 0
    left_ms = (state.wanted.until_ns - state.stamp_ns) / 1e6 - link.silent_ms
    return max(0, -int(-left_ms // 1000))


def too_slow_for(max_age_ms: float, link: LinkView) -> bool:
    """Whether commands would be refused as too old now and then on this link."""
    trip_ms = link.round_trip_p95_ms
    return trip_ms is not None and trip_ms + LATENCY_SPARE_MS > max_age_ms


def wants_high_latency(link: LinkView, facts: Facts, now_ns: int) -> bool:
    """Whether the operator should be offered to drive slower by older commands."""
    state = heard(link)
    if state is None or why_not(Act.HIGH_LATENCY, link):
        return False
    held = state.hold is not None and state.hold.reason is HoldReason.STALE
    late = facts.stale_ns is not None and now_ns - facts.stale_ns < STALE_SHOWN_NS
    return held or late or too_slow_for(state.timing.max_age_ms, link)
