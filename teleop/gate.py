"""The gate: what decides, at each control tick, whether and how the robot moves.

Pure: `step` takes a state and what came in and returns the next state, with `now_ns` (the robot's
monotonic clock) passed in; `call`, `stop` and `failed` are what the robot itself has to say. What
operators ask for is in `teleop.requests`. No clock of a console takes part in any decision.
Order of the checks on a command: boot, lease, sequence, echo, age; then the operator's picture;
then the mode; then the limits. Whatever is refused is counted by reason and reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from teleop import lease as leases
from teleop.mode import DRIVEN_MODES, STILL_MODES, Trigger, after
from teleop.safety import Cap, Limits, cap, limited
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    STILL,
    Call,
    Command,
    Event,
    Hold,
    Lease,
    Mode,
    Outcome,
    Phase,
    Refusal,
    Source,
    Twist,
)

DT_S = 1.0 / TICK_HZ
NEUTRAL = 0.05  # fraction of full deflection that still counts as hands off
ECHOES_KEPT_NS = 2 * NS_PER_S  # far above any max_age_ms: an older stamp is stale anyway


@dataclass(frozen=True)
class GateState:
    """Everything the gate remembers between two ticks."""

    boot_id: str
    mode: Mode = Mode.BOOT
    phase: Phase = Phase.PATROL
    lease: Lease = field(default_factory=Lease)
    call: Call | None = None
    calls: int = 0
    intervention: int = -1
    outcome: Outcome = Outcome.UNLABELLED
    stopped_by: str = ""
    hold: Hold | None = None
    applied: Twist = STILL
    human: Twist = STILL  # the last accepted wish
    deadman: bool = False
    last_seq: int = -1  # of the present epoch
    last_input_ns: int = 0  # Command.input_ns of the newest input accepted
    heard_ns: int = 0  # when the last command was accepted, or the lease granted
    neutral_ns: int | None = None  # since when the accepted commands are hands-off
    neutral_seen: bool = False  # hands were off long enough since the last latch or takeover
    painted_ns: int = 0
    command_age_ms: float = -1.0
    picture_age_ms: float = -1.0
    cap: Cap | None = None
    accepted: int = 0
    duplicates: int = 0
    refused: dict[Refusal, int] = field(default_factory=dict)
    echoes: tuple[int, ...] = ()  # stamps of the states sent in the last seconds


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


def sent(state: GateState, stamp_ns: int) -> GateState:
    """Remember that a state with this stamp went out, so that its echo can be recognised."""
    kept = tuple(stamp for stamp in state.echoes if stamp_ns - stamp <= ECHOES_KEPT_NS)
    return replace(state, echoes=(*kept, stamp_ns))


def judged(state: GateState, command: Command, now_ns: int, limits: Limits) -> Refusal | None:
    """Why `command` has no effect, or None when it is to be obeyed."""
    if command.boot_id != state.boot_id:
        return Refusal.BOOT_ID
    refusal = leases.refusal_for(state.lease, command.session, command.epoch)
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
    if (now_ns - command.echo_ns) / NS_PER_MS > limits.max_age_ms:
        return Refusal.STALE
    if command.painted_ns > now_ns:
        return Refusal.ECHO
    return None


def step(
    state: GateState,
    inbox: Sequence[Command],
    malformed: int,
    policy: Twist,
    now_ns: int,
    limits: Limits,
) -> Decision:
    """One control tick: judge what came in, settle the mode, limit what is applied."""
    before = state
    accepted_seq = -1
    stale_ms = 0.0
    for command in sorted(inbox, key=lambda c: c.seq):
        age_ms = (now_ns - command.echo_ns) / NS_PER_MS
        refusal = judged(state, command, now_ns, limits)
        if refusal is Refusal.SEQUENCE and command.seq == state.last_seq:
            state = replace(state, duplicates=state.duplicates + 1)  # the second lane's copy
            continue
        if refusal is not None:
            state = _counted(state, refusal)
            if refusal is Refusal.STALE:
                stale_ms = age_ms
                state = replace(state, command_age_ms=age_ms)
            continue
        accepted_seq = command.seq
        state = _heard(state, command, age_ms, now_ns, limits)
    for _ in range(malformed):
        state = _counted(state, Refusal.MALFORMED)
    state = _expired(state, now_ns)
    state = _settled(state, stale_ms, now_ns, limits)
    state, source, asked = _driven(state, policy, limits)
    return Decision(state, source, asked, accepted_seq, changes(before, state))


def _counted(state: GateState, refusal: Refusal) -> GateState:
    counts = {**state.refused, refusal: state.refused.get(refusal, 0) + 1}
    return replace(state, refused=counts)


def _heard(
    state: GateState, command: Command, age_ms: float, now_ns: int, limits: Limits
) -> GateState:
    hands_off = (
        not command.deadman and abs(command.forward) < NEUTRAL and abs(command.turn) < NEUTRAL
    )
    neutral_ns = (state.neutral_ns or now_ns) if hands_off else None
    long_enough = neutral_ns is not None and now_ns - neutral_ns >= limits.neutral_ms * NS_PER_MS
    return replace(
        state,
        human=Twist(
            forward_mps=command.forward * limits.max_mps, turn_radps=command.turn * limits.max_radps
        ),
        deadman=command.deadman,
        last_seq=command.seq,
        last_input_ns=command.input_ns,
        heard_ns=now_ns,
        neutral_ns=neutral_ns,
        neutral_seen=state.neutral_seen or long_enough,
        painted_ns=max(state.painted_ns, command.painted_ns),
        command_age_ms=age_ms,
        accepted=state.accepted + 1,
    )


def _expired(state: GateState, now_ns: int) -> GateState:
    """Free a lease whose holder has gone; a robot left behind in a rescue calls again."""
    if not state.lease.session or now_ns < state.lease.expires_ns:
        return state
    who = state.lease.operator
    return left_behind(state, "Operator is gone", f"{who} was not heard for 3 s", now_ns)


def left_behind(state: GateState, reason: str, detail: str, now_ns: int) -> GateState:
    """The lease is free without a hand-back: the robot holds and calls again."""
    state = replace(
        state,
        lease=leases.freed(state.lease),
        mode=after(state.mode, Trigger.RELEASED),
        deadman=False,
        human=STILL,
    )
    if state.call is None and state.mode is not Mode.AUTONOMY:
        state = call(state, reason, detail, now_ns)
    return state


def _settled(state: GateState, stale_ms: float, now_ns: int, limits: Limits) -> GateState:
    """The mode that commands, silence and the operator's picture lead to."""
    picture_age_ms = (now_ns - state.painted_ns) / NS_PER_MS if state.painted_ns else -1.0
    held = bool(state.lease.session)
    if now_ns - state.heard_ns > limits.hold_ms * NS_PER_MS:
        state = replace(state, neutral_ns=None)  # hands off is something heard, not a silence
    state = replace(state, picture_age_ms=picture_age_ms if held else -1.0)
    if not held:
        return replace(state, hold=_hold_without_operator(state))
    if state.mode in DRIVEN_MODES:
        return _settled_driven(state, stale_ms, now_ns, limits)
    if state.mode is Mode.LINK_LOST:
        silent_ms = (now_ns - state.heard_ns) / NS_PER_MS
        if silent_ms > limits.hold_ms:
            hold = Hold(reason=Refusal.GAP, value=silent_ms, limit=limits.lost_ms)
            return replace(state, hold=hold, neutral_seen=False)
        if not state.neutral_seen:
            return replace(state, hold=Hold(reason=Refusal.NOT_NEUTRAL))
        if state.deadman:
            state = replace(state, mode=after(state.mode, Trigger.DEADMAN_PRESSED))
            return _settled_driven(state, stale_ms, now_ns, limits)
        return replace(state, hold=Hold(reason=Refusal.DEADMAN))
    return replace(state, hold=None)


def _settled_driven(state: GateState, stale_ms: float, now_ns: int, limits: Limits) -> GateState:
    silent_ms = (now_ns - state.heard_ns) / NS_PER_MS
    if silent_ms > limits.lost_ms:
        # What comes after a latch needs hands off first, then a new press.
        return replace(
            state,
            mode=after(state.mode, Trigger.LOST),
            hold=Hold(reason=Refusal.GAP, value=silent_ms, limit=limits.lost_ms),
            neutral_seen=False,
            neutral_ns=None,
            deadman=False,
        )
    hold = _silence(silent_ms, stale_ms, limits)
    if hold is None and state.last_seq >= 0:  # the first command brings the first picture's stamp
        hold = _picture(state.picture_age_ms, limits)
        if hold is not None:
            # Who saw nothing for so long lets go and looks before anything moves again.
            state = replace(state, neutral_seen=False, neutral_ns=None)
    if hold is not None:
        return replace(state, mode=after(state.mode, Trigger.HELD), hold=hold)
    if state.mode is Mode.HOLD:
        state = replace(state, mode=after(state.mode, Trigger.RESUMED))
    if not state.neutral_seen:
        pressing = Hold(reason=Refusal.NOT_NEUTRAL) if state.deadman else None
        return replace(state, mode=after(state.mode, Trigger.DEADMAN_RELEASED), hold=pressing)
    pressed = Trigger.DEADMAN_PRESSED if state.deadman else Trigger.DEADMAN_RELEASED
    return replace(state, mode=after(state.mode, pressed), hold=None)


def _silence(silent_ms: float, stale_ms: float, limits: Limits) -> Hold | None:
    if silent_ms <= limits.hold_ms:
        return None
    if stale_ms > 0.0:
        return Hold(reason=Refusal.STALE, value=stale_ms, limit=limits.max_age_ms)
    return Hold(reason=Refusal.GAP, value=silent_ms, limit=limits.hold_ms)


def _picture(age_ms: float, limits: Limits) -> Hold | None:
    if not limits.require_picture:
        return None
    if age_ms < 0.0:
        return Hold(reason=Refusal.NO_PICTURE)
    if age_ms > limits.picture_hold_ms:
        return Hold(reason=Refusal.PICTURE_STALE, value=age_ms, limit=limits.picture_hold_ms)
    return None


def _hold_without_operator(state: GateState) -> Hold | None:
    if state.mode is not Mode.HOLD:
        return None
    return Hold(reason=Refusal.CALLING if state.call is not None else Refusal.NO_LEASE)


def _driven(state: GateState, policy: Twist, limits: Limits) -> tuple[GateState, Source, Twist]:
    """What is applied in the settled mode."""
    allowed = cap(limits, state.picture_age_ms)
    state = replace(state, cap=allowed)
    if state.mode in STILL_MODES:
        # A latched state stops at once; the motors' own limit is the ramp.
        return replace(state, applied=STILL), Source.SAFETY, STILL
    if state.mode is Mode.AUTONOMY:
        applied = limited(policy, state.applied, limits, limits.max_mps, DT_S)
        return replace(state, applied=applied), Source.POLICY, policy
    wish = state.human if state.mode is Mode.TELEOP else STILL
    applied = limited(wish, state.applied, limits, allowed.mps, DT_S)
    source = Source.HUMAN if state.mode in (Mode.TELEOP, Mode.READY) else Source.HOLD
    return replace(state, applied=applied), source, wish


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


# --- what comes from outside the tick ---


def checked(state: GateState, *, start_policy: bool) -> GateState:
    """The self-check has passed; a site may let the policy start by itself after a clean start."""
    state = replace(state, mode=after(state.mode, Trigger.CHECKED))
    if start_policy:
        state = replace(state, mode=after(state.mode, Trigger.POLICY_STARTED))
    return state


def call(state: GateState, reason: str, detail: str, now_ns: int) -> GateState:
    """The robot asks for help: it holds until somebody takes over. One call at a time."""
    if state.call is not None:
        return state
    number = state.calls + 1
    return replace(
        state,
        mode=after(state.mode, Trigger.CALLED),
        phase=Phase.WAIT,
        call=Call(call_id=number, reason=reason, detail=detail, stamp_ns=now_ns),
        calls=number,
    )


def stop(state: GateState, operator: str) -> GateState:
    """STOP, from anyone: latched. The first who pressed stays named."""
    return replace(
        state,
        mode=after(state.mode, Trigger.STOPPED),
        stopped_by=state.stopped_by or operator,
        deadman=False,
        neutral_seen=False,
        neutral_ns=None,
    )


def failed(state: GateState) -> GateState:
    """The driver or the self-check has failed; only maintenance leaves this."""
    return replace(state, mode=after(state.mode, Trigger.FAILED), applied=STILL)
