"""The gate: what decides, at each control tick, whether and how the robot moves.

Pure: `step` takes a state and what came in and returns the next state, with `now_ns` (the robot's
monotonic clock) passed in. What the robot itself has to say is in `teleop.gate_state`, what
operators ask for in `teleop.requests`. No clock of a console takes part in any decision. A command
is checked in the order of `Refusal`; what an accepted one may do is settled by silence, the
operator's picture and the mode; the limits come last. Whatever is refused is counted by reason and
reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from teleop import lease as leases
from teleop.axes import is_finite, only, speed_mps
from teleop.call_answers import aged
from teleop.gate_state import (
    GateState,
    call,
    changes,
    hands_needed,
    left_behind,
    moved,
    moves,
    policy_started,
)
from teleop.mode import CUT_MODES, DEAF_MODES, DRIVEN_MODES, STILL_MODES, Trigger, after
from teleop.safety import Cap, Limits, Pose, cap, capped, inside_workspace, ramped
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS
from transport.messages import (
    STILL,
    CapCause,
    Command,
    Event,
    Hold,
    HoldReason,
    Mode,
    Phase,
    Refusal,
    Role,
    Source,
    Twist,
)

DT_S = 1.0 / TICK_HZ
NEUTRAL = 0.05  # fraction of full deflection that still counts as hands off
DRIVERS = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.MAINTENANCE})


@dataclass(frozen=True)
class Incoming:
    """A command with who sent it, by the key of its connection."""

    command: Command
    key: str
    role: Role | None  # by the robot's list at this moment; None: not on it


@dataclass(frozen=True)
class Wish:
    """What the policy wants. It counts only under the sub-lease that is in force."""

    twist: Twist
    sublease: int
    stamp_ns: int  # when it was made


@dataclass(frozen=True)
class Body:
    """What the robot's own sensors and watchdogs say at this tick."""

    pose: Pose = field(default_factory=Pose)
    battery_pct: float = 100.0
    stop_silent_ms: float = 0.0  # since the thread that listens for STOP turned last
    overdriven: bool = False  # the driver told the motors more than it was asked


@dataclass(frozen=True)
class Decision:
    """What one tick comes to."""

    state: GateState
    source: Source
    asked: Twist
    command_seq: int  # -1: no command accepted in this tick
    events: tuple[Event, ...]

    @property
    def applied(self) -> Twist:
        """What the actuators are to be told."""
        return self.state.applied


def judged(state: GateState, incoming: Incoming, now_ns: int, limits: Limits) -> Refusal | None:
    """Why a command has no effect, or None when it is to be obeyed."""
    command = incoming.command
    if incoming.role not in DRIVERS:
        return Refusal.ROLE
    if command.boot_id != state.boot_id:
        return Refusal.BOOT_ID
    refusal = leases.refusal_for(state.lease, incoming.key, command.session, command.epoch)
    if refusal is not None:
        return refusal
    if now_ns >= state.lease.expires_ns:
        return Refusal.OLD_EPOCH
    if command.seq <= state.last_seq:
        return Refusal.SEQUENCE
    if command.echo_ns not in state.echoes or command.echo_ns > now_ns:
        # An echo that has been forgotten is old; one that was never issued is a fault or a forgery.
        older = bool(state.echoes) and command.echo_ns < state.echoes[0]
        return Refusal.STALE if older else Refusal.ECHO
    if (now_ns - command.echo_ns) / NS_PER_MS > limits.age_limit_ms(state.profile):
        return Refusal.STALE
    if command.painted_ns > now_ns:
        return Refusal.ECHO
    # The decoder has checked this, too; what moves a robot is checked where it is decided.
    if not all(map(_is_fraction, fractions(command))):
        return Refusal.NOT_FINITE
    if state.mode in DEAF_MODES:
        return Refusal.MODE
    return None


def fractions(command: Command) -> tuple[float, ...]:
    """What it asks of each axis, those included that this robot lacks."""
    return command.forward, command.turn, command.left, command.up, command.grip


def _is_fraction(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= 1.0


def step(
    state: GateState,
    inbox: Sequence[Incoming],
    malformed: Sequence[str],
    policy: Wish,
    body: Body,
    now_ns: int,
    limits: Limits,
    flooding: Sequence[str] = (),
) -> Decision:
    """One control tick: judge what came in, settle the mode, limit what is applied.

    `malformed` holds the key of the sender of each message that could not be read, `flooding` of
    each that was not read, because its sender sends too many.
    """
    before = state
    stall_ms = (now_ns - state.tick_ns) / NS_PER_MS if state.tick_ns else 0.0
    state = replace(state, tick_ns=now_ns, pose=body.pose)
    if state.call is not None:
        state = replace(state, call=aged(state.call, now_ns))
    accepted_seq = -1
    for incoming in sorted(inbox, key=lambda i: i.command.seq):
        state, accepted = _received(state, incoming, now_ns, limits)
        if accepted:
            accepted_seq = incoming.command.seq
    for senders, refusal in ((flooding, Refusal.FLOOD), (malformed, Refusal.MALFORMED)):
        state = replace(state, received=state.received + len(senders))
        state = _counted(state, refusal, state.lease.key in senders, now_ns, len(senders))
    state = _unsafe(state, body, now_ns, limits)
    state = _expired(state, now_ns, limits)
    state = _stalled(state, stall_ms, limits)
    state, usable = _policy_heard(state, policy, now_ns, limits)
    state = _settled(state, now_ns, limits)
    state, source, asked = _driven(state, usable, body.pose, limits)
    state = _loss_measured(state, now_ns)
    events = (*moves(state), *changes(before, state))
    return Decision(replace(state, transitions=()), source, asked, accepted_seq, events)


def _received(
    state: GateState, incoming: Incoming, now_ns: int, limits: Limits
) -> tuple[GateState, bool]:
    command = incoming.command
    state = replace(state, received=state.received + 1)
    refusal = judged(state, incoming, now_ns, limits)
    if refusal is Refusal.SEQUENCE and command.seq == state.last_seq:
        return replace(state, duplicates=state.duplicates + 1), False  # the second lane's copy
    age_ms = (now_ns - command.echo_ns) / NS_PER_MS
    if refusal is None:
        return _heard(state, command, age_ms, now_ns, limits), True
    if refusal in (Refusal.STALE, Refusal.MODE) and state.heard_ns != now_ns:
        state = replace(state, command_age_ms=age_ms)  # else that of the one obeyed is told
    by_holder = leases.is_holder(state.lease, incoming.key, command.session)
    return _counted(state, refusal, by_holder, now_ns), False


def _counted(
    state: GateState, refusal: Refusal, by_holder: bool, now_ns: int, times: int = 1
) -> GateState:
    if not times:
        return state
    counts = {**state.refused, refusal: state.refused.get(refusal, 0) + times}
    state = replace(state, refused=counts)
    return replace(state, refusal=refusal, refusal_ns=now_ns) if by_holder else state


def _heard(
    state: GateState, command: Command, age_ms: float, now_ns: int, limits: Limits
) -> GateState:
    hands_off = not command.deadman and all(abs(f) < NEUTRAL for f in fractions(command))
    neutral_ns = (state.neutral_ns or now_ns) if hands_off else None
    # Whoever takes over lets the robot come to a stand first; a policy is taken over on the move.
    standing = state.applied == STILL or state.mode is Mode.AUTONOMY
    long_enough = neutral_ns is not None and now_ns - neutral_ns >= limits.neutral_ms * NS_PER_MS
    return replace(
        state,
        human=_wish(command, state.axes, limits),
        deadman=command.deadman,
        last_seq=command.seq,
        last_input_ns=command.input_ns,
        last_sent_ns=command.sent_ns,
        heard_ns=now_ns,
        neutral_ns=neutral_ns,
        neutral_seen=state.neutral_seen or (long_enough and standing),
        painted_ns=command.painted_ns,  # older than before when another camera was swapped in
        unpainted=False,
        command_age_ms=age_ms,
        refusal=None,
        accepted=state.accepted + 1,
        lease=leases.kept(state.lease, now_ns),
    )


def _wish(command: Command, axes: tuple[str, ...], limits: Limits) -> Twist:
    """What it asks of the axes that the robot has."""
    asked = Twist(
        forward_mps=command.forward * limits.max_mps,
        turn_radps=command.turn * limits.max_radps,
        left_mps=command.left * limits.max_mps,
        up_mps=command.up * limits.max_mps,
        grip_ps=command.grip * limits.max_grip_ps,
    )
    return only(asked, axes)


def _unsafe(state: GateState, body: Body, now_ns: int, limits: Limits) -> GateState:
    """What the robot must not go on with, whoever drives."""
    cause = ""
    if body.stop_silent_ms > limits.stop_thread_ms:
        cause = f"STOP was not listened for during {body.stop_silent_ms:.0f} ms"
    elif body.overdriven:
        cause = "the driver told the motors more than it was asked"
    elif body.battery_pct < limits.battery_stop_pct:
        cause = f"battery {body.battery_pct:.0f} %"
    if not cause:
        return state
    state = hands_needed(moved(state, Trigger.UNSAFE, cause))
    return state if state.lease.session else call(state, "Stopped for safety", cause, now_ns)


def _expired(state: GateState, now_ns: int, limits: Limits) -> GateState:
    """Free a lease whose holder has gone; a robot left behind in a rescue calls again."""
    if state.wanted is not None and now_ns >= state.wanted.until_ns:
        note = f"{state.lease.operator} did not answer {state.wanted.operator}"
        state = replace(state, wanted=None, lease_note=note)
    if not state.lease.session or now_ns < state.lease.expires_ns:
        return state
    who = state.lease.operator
    if limits.resume_on_loss and after(state.mode, Trigger.LEFT_TO_POLICY) is Mode.AUTONOMY:
        state = replace(state, lease=leases.freed(state.lease), wanted=None, call=None)
        return policy_started(state, Trigger.LEFT_TO_POLICY, now_ns)
    return left_behind(
        state, "Operator is gone", f"{who} was not heard for {leases.TTL_MS // 1000} s", now_ns
    )


def _stalled(state: GateState, stall_ms: float, limits: Limits) -> GateState:
    """After a late tick the motors stand; who drove lets go before anything moves again."""
    if stall_ms <= limits.stall_ms:
        return state
    state = replace(state, applied=STILL)  # the driver's own watchdog zeroes the motors by then
    if not state.lease.session or state.mode not in DRIVEN_MODES:
        return state
    cause = f"its own tick was {stall_ms:.0f} ms late"
    return hands_needed(moved(state, Trigger.HELD, cause))


def _policy_heard(
    state: GateState, wish: Wish, now_ns: int, limits: Limits
) -> tuple[GateState, Twist]:
    """(state, what the policy may do). An old sub-lease, an old wish and NaN are no wishes."""
    age_ms = (now_ns - wish.stamp_ns) / NS_PER_MS
    timely = 0.0 <= age_ms <= limits.policy_silent_ms
    if wish.sublease == state.sublease and is_finite(wish.twist):
        # One wish may serve several ticks, but only as long as it is new.
        if timely:
            return replace(state, policy_ns=wish.stamp_ns), wish.twist
        return state, STILL
    if state.mode is Mode.AUTONOMY:
        state = replace(state, policy_refused=state.policy_refused + 1)
    return state, STILL


def _settled(state: GateState, now_ns: int, limits: Limits) -> GateState:
    """The mode that commands, silence and the operator's picture lead to."""
    picture_age_ms = (now_ns - state.painted_ns) / NS_PER_MS if state.painted_ns else -1.0
    held = bool(state.lease.session)
    if now_ns - state.heard_ns > limits.hold_ms * NS_PER_MS:
        # Hands off, and hands on, are something heard, not a silence.
        state = replace(state, neutral_ns=None, deadman=False)
    state = replace(state, picture_age_ms=picture_age_ms if held else -1.0)
    if state.mode is Mode.AUTONOMY:
        return _settled_policy(state, held, now_ns, limits)
    if not held:
        return replace(state, hold=_hold_without_operator(state))
    if state.mode in DRIVEN_MODES:
        return _settled_driven(state, now_ns, limits)
    if state.mode is Mode.LINK_LOST:
        silent_ms = (now_ns - state.heard_ns) / NS_PER_MS
        if silent_ms > limits.hold_ms:
            hold = Hold(reason=HoldReason.GAP, value=silent_ms, limit=limits.lost_ms)
            return replace(state, hold=hold, neutral_seen=False)
        if not state.neutral_seen:
            return replace(state, hold=Hold(reason=HoldReason.NOT_NEUTRAL))
        if state.deadman:
            return _settled_driven(moved(state, Trigger.DEADMAN_PRESSED), now_ns, limits)
        return replace(state, hold=Hold(reason=HoldReason.DEADMAN))
    return replace(state, hold=None)


def _settled_policy(state: GateState, held: bool, now_ns: int, limits: Limits) -> GateState:
    """The policy drives: until it falls silent, or until the holder of the lease presses."""
    if held and state.deadman and state.neutral_seen:
        state = replace(moved(state, Trigger.DEADMAN_PRESSED), phase=Phase.CORRECTION)
        return _settled_driven(state, now_ns, limits)
    silent_ms = (now_ns - state.policy_ns) / NS_PER_MS
    if silent_ms <= limits.policy_silent_ms:
        return replace(state, hold=None)
    hold = Hold(reason=HoldReason.POLICY_SILENT, value=silent_ms, limit=limits.policy_silent_ms)
    state = replace(hands_needed(moved(state, Trigger.HELD, "policy silent")), hold=hold)
    if held:
        return state
    return call(state, "The policy is silent", f"no usable wish for {silent_ms:.0f} ms", now_ns)


def _settled_driven(state: GateState, now_ns: int, limits: Limits) -> GateState:
    silent_ms = (now_ns - state.heard_ns) / NS_PER_MS
    if silent_ms > limits.lost_ms:
        hold = Hold(reason=HoldReason.GAP, value=silent_ms, limit=limits.lost_ms)
        return replace(hands_needed(moved(state, Trigger.LOST, "commands silent")), hold=hold)
    hold_now = _silence(state, silent_ms, now_ns, limits)
    if hold_now is not None and state.loss_from_ns != state.heard_ns:
        state = replace(state, loss_from_ns=state.heard_ns, losing=True)
    if hold_now is None and not state.unpainted:
        hold_now = _picture(state.picture_age_ms, limits)
        if hold_now is not None:
            # Who saw nothing for so long lets go and looks before anything moves again.
            state = replace(state, neutral_seen=False, neutral_ns=None)
    if hold_now is not None:
        return replace(moved(state, Trigger.HELD, hold_now.reason.replace("_", " ")), hold=hold_now)
    if state.mode is Mode.HOLD:
        state = moved(state, Trigger.RESUMED)
    if not state.neutral_seen:
        pressing = Hold(reason=HoldReason.NOT_NEUTRAL) if state.deadman else None
        return replace(moved(state, Trigger.DEADMAN_RELEASED), hold=pressing)
    pressed = Trigger.DEADMAN_PRESSED if state.deadman else Trigger.DEADMAN_RELEASED
    return replace(moved(state, pressed), hold=None)


def _silence(state: GateState, silent_ms: float, now_ns: int, limits: Limits) -> Hold | None:
    if silent_ms <= limits.hold_ms:
        return None
    recent = now_ns - state.refusal_ns <= limits.hold_ms * NS_PER_MS
    if state.refusal is None or not recent:
        return Hold(reason=HoldReason.GAP, value=silent_ms, limit=limits.hold_ms)
    if state.refusal is Refusal.STALE:
        limit_ms = limits.age_limit_ms(state.profile)
        return Hold(reason=HoldReason.STALE, value=state.command_age_ms, limit=limit_ms)
    return Hold(
        reason=HoldReason.REFUSED, value=silent_ms, limit=limits.hold_ms, refusal=state.refusal
    )


def _picture(age_ms: float, limits: Limits) -> Hold | None:
    if not limits.require_picture:
        return None
    if age_ms < 0.0:
        return Hold(reason=HoldReason.NO_PICTURE)
    if age_ms > limits.picture_hold_ms:
        return Hold(reason=HoldReason.PICTURE_STALE, value=age_ms, limit=limits.picture_hold_ms)
    return None


def _hold_without_operator(state: GateState) -> Hold | None:
    if state.mode is not Mode.HOLD:
        return None
    return Hold(reason=HoldReason.CALLING if state.call is not None else HoldReason.NO_LEASE)


def _driven(
    state: GateState, policy: Twist, pose: Pose, limits: Limits
) -> tuple[GateState, Source, Twist]:
    """What is applied in the settled mode."""
    allowed = cap(limits, state.picture_age_ms, state.profile)
    if state.mode in CUT_MODES:
        # At once; the motors' own limit is the ramp.
        return replace(state, cap=allowed, applied=STILL), Source.SAFETY, STILL
    source, wish = Source.HOLD, STILL
    if state.mode in STILL_MODES:
        source = Source.SAFETY
    if state.mode is Mode.AUTONOMY:
        allowed, source, wish = Cap(limits.max_mps, CapCause.ROBOT), Source.POLICY, policy
    elif state.mode is Mode.TELEOP:
        source, wish = Source.HUMAN, state.human
    elif state.mode is Mode.READY:
        source = Source.HUMAN
    wish = only(wish, state.axes)
    target = capped(wish, limits, allowed.mps)
    inside = inside_workspace(target, pose, limits, DT_S)
    if speed_mps(inside) < speed_mps(target):
        allowed = Cap(speed_mps(inside), CapCause.WORKSPACE)
    applied = ramped(inside, state.applied, limits, DT_S, pose)
    return replace(state, cap=allowed, applied=applied), source, wish


def _loss_measured(state: GateState, now_ns: int) -> GateState:
    """How long it took from the last accepted command to a zero set-point, once it is there."""
    if not state.losing or state.applied != STILL:
        return state
    loss_ms = (now_ns - state.loss_from_ns) / NS_PER_MS
    return replace(state, losing=False, loss_to_zero_ms=loss_ms)
