"""What the gate remembers between two ticks, and what changes it from outside a tick.

Pure. The robot itself calls, is stopped, fails; a lease ends without a hand-back; a key is struck
off the list. Every change of mode goes through `moved`, which keeps it with its cause until the
tick has logged it, before the actuators hear of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from msgspec import Struct, field
from msgspec.structs import replace

from teleop import lease as leases
from teleop.axes import PLANAR
from teleop.mode import Trigger, after
from teleop.safety import Cap, Pose
from transport.clock import NS_PER_S
from transport.messages import (
    STILL,
    Call,
    Event,
    Hold,
    Lease,
    LeaseWish,
    Mode,
    Outcome,
    Phase,
    Profile,
    Refusal,
    Twist,
)

ECHOES_KEPT_NS = 2 * NS_PER_S  # far above any age limit: an older stamp is stale anyway


@dataclass(frozen=True)
class Transition:
    """One change of mode, with what caused it."""

    before: Mode
    after: Mode
    cause: str


class GateState(Struct, frozen=True, kw_only=True):
    """Everything the gate remembers between two ticks.

    A Struct, since a tick replaces it a dozen times: a quarter of a dataclass's time.
    """

    boot_id: str
    axes: tuple[str, ...] = PLANAR  # those that the robot has
    mode: Mode = Mode.BOOT
    phase: Phase = Phase.AUTONOMOUS
    profile: Profile = Profile.NORMAL
    lease: Lease = field(default_factory=Lease)
    wanted: LeaseWish | None = None
    lease_note: str = ""
    sublease: int = 0  # of the policy; grows each time that it starts
    policy_ns: int = 0  # when the policy's last usable wish came, or when it was started
    policy_refused: int = 0
    call: Call | None = None
    calls: int = 0
    intervention: int = -1
    outcome: Outcome = Outcome.UNLABELLED
    stopped_by: str = ""
    latched_for: str = ""  # what led to a safe stop or a fault
    stop_told: bool = False  # that the robot stands, to whoever pressed; repeats end with that
    hold: Hold | None = None
    applied: Twist = STILL
    human: Twist = STILL  # the last accepted wish
    deadman: bool = False
    last_seq: int = -1  # of the present epoch
    last_input_ns: int = 0  # Command.input_ns of the newest input accepted
    last_sent_ns: int = 0  # Command.sent_ns of the last accepted
    clock_offset_ns: int = 0  # this clock minus the holder's, as its console says: for the record
    clock_error_ns: int = -1
    heard_ns: int = 0  # when the last command was accepted, or the lease granted
    neutral_ns: int | None = None  # since when the accepted commands are hands-off
    neutral_seen: bool = False  # hands were off long enough since the last latch or takeover
    painted_ns: int = 0
    unpainted: bool = True  # no command has been accepted yet that could have told of a picture
    command_age_ms: float = -1.0
    picture_age_ms: float = -1.0
    cap: Cap | None = None
    refusal: Refusal | None = None  # of the holder's newest refused command …
    refusal_ns: int = 0  # … and when that was
    tick_ns: int = 0  # of the last step …
    pose: Pose = Pose()  # … and where the robot was then
    loss_from_ns: int = 0  # last accepted command before the present, or the last, loss
    losing: bool = False  # … whose set-point is not at zero yet
    loss_to_zero_ms: float = -1.0
    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: dict[Refusal, int] = field(default_factory=dict)
    echoes: tuple[int, ...] = ()  # stamps of the states sent in the last seconds
    transitions: tuple[Transition, ...] = ()  # since the last tick, for its log


def moved(state: GateState, trigger: Trigger, cause: str = "") -> GateState:
    """The state after `trigger`; a change of mode is kept for the log."""
    mode = after(state.mode, trigger)
    if mode is state.mode:
        return state
    cause = cause or trigger.name.lower().replace("_", " ")
    transition = Transition(state.mode, mode, cause)
    return replace(
        state,
        mode=mode,
        latched_for=cause[:400] if mode in (Mode.SAFE_STOP, Mode.FAULT) else "",
        transitions=(*state.transitions, transition),
    )


def sent(state: GateState, stamp_ns: int) -> GateState:
    """Remember that a state with this stamp went out, so that its echo can be recognised."""
    kept = tuple(stamp for stamp in state.echoes if stamp_ns - stamp <= ECHOES_KEPT_NS)
    return replace(state, echoes=(*kept, stamp_ns))


def hands_needed(state: GateState) -> GateState:
    """Nothing moves by a hand before it was off for a while and then pressed anew."""
    return replace(state, deadman=False, neutral_seen=False, neutral_ns=None)


def checked(state: GateState, *, start_policy: bool, now_ns: int) -> GateState:
    """The self-check has passed; a site may let the policy start by itself after a clean start."""
    state = moved(state, Trigger.CHECKED)
    return policy_started(state, Trigger.POLICY_STARTED, now_ns) if start_policy else state


def policy_started(state: GateState, trigger: Trigger, now_ns: int) -> GateState:
    """The policy works from here on, under a sub-lease of its own; older ones are dead."""
    state = moved(state, trigger)
    if state.mode is not Mode.AUTONOMY:
        return state
    return replace(
        hands_needed(state),
        sublease=state.sublease + 1,
        policy_ns=now_ns,
        phase=Phase.AUTONOMOUS,
        human=STILL,
        hold=None,
    )


def call(state: GateState, reason: str, detail: str, now_ns: int) -> GateState:
    """The robot asks for help: it holds until somebody takes over. One call at a time."""
    if state.call is not None:
        return state
    number = state.calls + 1
    return replace(
        moved(state, Trigger.CALLED, reason),
        phase=Phase.HANDOVER,
        call=Call(
            call_id=number,
            reason=reason,
            detail=detail,
            stamp_ns=now_ns,
            x_m=state.pose.x_m,
            y_m=state.pose.y_m,
        ),
        calls=number,
    )


def call_withdrawn(state: GateState, why: str, now_ns: int) -> tuple[GateState, tuple[Event, ...]]:
    """(state, events) after the robot says that it needs nobody any more: its policy goes on.

    Without effect unless it holds, calls and nobody has it: whatever else there was by then, a
    STOP, a latch, a driver, is not the robot's to end.
    """
    free = state.mode is Mode.HOLD and not state.lease.session
    if state.call is None or not free:
        return state, ()
    started = policy_started(state, Trigger.POLICY_STARTED, now_ns)
    return replace(started, call=None), (Event(kind="call_withdrawn", text=why),)


def begun_anew(state: GateState, now_ns: int) -> GateState:
    """A simulated scene was put back: its call went with it, the policy works in the new one.

    `teleop.scene_reset` says when: nobody has the robot, nothing is latched but a lost link.
    """
    begun = policy_started(state, Trigger.PUT_BACK, now_ns)
    return replace(begun, call=None, applied=STILL) if begun.mode is Mode.AUTONOMY else begun


def stop(state: GateState, operator: str) -> GateState:
    """STOP, from anyone: latched. The first who pressed stays named."""
    state = moved(state, Trigger.STOPPED, f"STOP by {operator}")
    return replace(hands_needed(state), stopped_by=state.stopped_by or operator, stop_told=False)


def failed(state: GateState, cause: str) -> GateState:
    """The driver or the self-check has failed; only maintenance leaves this."""
    return replace(hands_needed(moved(state, Trigger.FAILED, cause)), applied=STILL)


def revoked(state: GateState, listed: Collection[str], now_ns: int) -> GateState:
    """The robot's list has changed: who is not `listed` any more loses what it has of the lease."""
    if state.wanted is not None and state.wanted.key not in listed:
        state = replace(state, wanted=None)
    if not state.lease.session or state.lease.key in listed:
        return state
    who = state.lease.operator
    return left_behind(state, "Operator's key revoked", f"{who} may not drive any more", now_ns)


def left_behind(state: GateState, reason: str, detail: str, now_ns: int) -> GateState:
    """The lease is free without a hand-back: the robot holds and calls again."""
    state = replace(state, lease=leases.freed(state.lease), wanted=None, deadman=False, human=STILL)
    state = moved(state, Trigger.RELEASED)
    return call(state, reason, detail, now_ns)


def moves(state: GateState) -> tuple[Event, ...]:
    """Every change of mode since the last tick, with its cause, in the order it was decided."""
    return tuple(
        Event(kind="mode", text=f"{t.before} to {t.after}: {t.cause}"[:400])
        for t in state.transitions
    )


def changes(before: GateState, now: GateState) -> tuple[Event, ...]:
    """What happened between two states, for the log, before the actuator sees it."""
    events = []
    if now.mode is Mode.LINK_LOST and before.mode is not Mode.LINK_LOST:
        events.append(Event(kind="link_lost", by=before.lease.operator))
    if before.lease.session and not now.lease.session:
        events.append(Event(kind="released", by=before.lease.operator))
    if now.call is not None and before.call is None:
        events.append(Event(kind="call", text=f"{now.call.reason}. {now.call.detail}"))
    return tuple(events)
