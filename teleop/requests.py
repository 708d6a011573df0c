"""What operators may ask of the robot, and its answers: lease, arm, labels, hand back, reset.

Pure, as `teleop.gate`: a state and a request give the next state, one reply, and the events for the
log. Anybody may ping and ask for the lease; everything else is for its holder.
"""

from __future__ import annotations

from dataclasses import replace

from teleop import lease as leases
from teleop.gate import GateState, changes, left_behind
from teleop.mode import DRIVEN_MODES, Trigger, after
from transport.messages import (
    PROTOCOL_VERSION,
    STILL,
    Arm,
    Event,
    HandBack,
    KeepLease,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    Mode,
    Outcome,
    Phase,
    Ping,
    ReleaseLease,
    Reply,
    Request,
    RequestLease,
    ResetStop,
)


def answered(
    state: GateState, asked: Request, now_ns: int
) -> tuple[GateState, Reply, tuple[Event, ...]]:
    """Carry out or refuse one request of an operator."""
    body, who = asked.body, asked.operator

    def reply(ok: bool, reason: str = "", epoch: int = 0) -> Reply:
        return Reply(
            request_id=asked.request_id, ok=ok, reason=reason, epoch=epoch, stamp_ns=now_ns
        )

    if asked.version != PROTOCOL_VERSION:
        ours, theirs = PROTOCOL_VERSION, asked.version
        reason = f"the robot speaks version {ours}, this console {theirs}: update the older one"
        return state, reply(False, reason), ()
    match body:
        case Ping():
            return state, reply(True), ()
        case RequestLease():
            return _lease_requested(state, asked, now_ns)
        case KeepLease():
            try:
                lease = leases.renewed(state.lease, asked.session, body.epoch, now_ns)
            except leases.LeaseRefused as refused:
                return state, reply(False, refused.sentence), ()
            return replace(state, lease=lease), reply(True, epoch=lease.epoch), ()
        case _:
            pass

    refusal = leases.refusal_for(state.lease, asked.session, body.epoch)
    if refusal is not None:
        return state, reply(False, leases.SENTENCES[refusal]), ()
    match body:
        case ReleaseLease():
            left = left_behind(state, "Left without hand-back", f"{who} gave it up", now_ns)
            return left, reply(True), changes(state, left)
        case Arm():
            if state.mode is not Mode.DISARMED:
                return state, reply(False, f"nothing to arm: the robot is {state.mode}"), ()
            armed = replace(
                state,
                mode=after(state.mode, Trigger.ARMED),
                heard_ns=now_ns,
                neutral_seen=False,
                neutral_ns=None,
            )
            return armed, reply(True), (Event(kind="armed", by=who), *changes(state, armed))
        case MarkOutcome():
            marked = replace(state, outcome=body.outcome)
            return marked, reply(True), (Event(kind="outcome", text=body.outcome, by=who),)
        case MarkPhase():
            if body.phase not in (Phase.RECOVERY, Phase.CORRECTION):
                return state, reply(False, "only recovery and correction can be marked"), ()
            marked = replace(state, phase=body.phase)
            return marked, reply(True), (Event(kind="phase", text=body.phase, by=who),)
        case MarkMoment():
            return state, reply(True), (Event(kind="marker", text=body.note, by=who),)
        case HandBack():
            return _handed_back(state, asked, now_ns)
        case ResetStop():
            if state.mode is not Mode.ESTOP:
                return state, reply(False, "no STOP is latched"), ()
            reset = replace(
                state, mode=after(state.mode, Trigger.STOP_RESET), stopped_by="", applied=STILL
            )
            events = (Event(kind="stop_reset", text=body.reason, by=who), *changes(state, reset))
            return reset, reply(True), events


def _lease_requested(
    state: GateState, asked: Request, now_ns: int
) -> tuple[GateState, Reply, tuple[Event, ...]]:
    try:
        lease = leases.granted(state.lease, asked.operator, asked.session, now_ns)
    except leases.LeaseRefused as refused:
        return (
            state,
            Reply(request_id=asked.request_id, ok=False, reason=refused.sentence, stamp_ns=now_ns),
            (),
        )
    ok = Reply(request_id=asked.request_id, ok=True, epoch=lease.epoch, stamp_ns=now_ns)
    if lease.epoch == state.lease.epoch:
        return replace(state, lease=lease), ok, ()
    taken = replace(
        state,
        lease=lease,
        mode=after(state.mode, Trigger.TAKEN_OVER),
        phase=Phase.RECOVERY,
        call=None,
        intervention=state.intervention + 1,
        outcome=Outcome.UNLABELLED,
        human=STILL,
        deadman=False,
        last_seq=-1,
        heard_ns=now_ns,
        neutral_ns=None,
        neutral_seen=False,
        painted_ns=0,
    )
    events = (Event(kind="takeover", by=asked.operator), *changes(state, taken))
    return taken, ok, events


def _handed_back(
    state: GateState, asked: Request, now_ns: int
) -> tuple[GateState, Reply, tuple[Event, ...]]:
    mode = after(state.mode, Trigger.POLICY_STARTED)
    if state.mode not in DRIVEN_MODES:
        # A latch is cleared and the motors are armed by a person first; hand-back does neither.
        first = {Mode.DISARMED: "arm it first (F5)", Mode.ESTOP: "reset STOP first"}
        what = first.get(state.mode, "it cannot work by itself from there")
        reason = f"the robot is {state.mode}: {what}"
        return (
            state,
            Reply(request_id=asked.request_id, ok=False, reason=reason, stamp_ns=now_ns),
            (),
        )
    back = replace(
        state,
        mode=mode,
        phase=Phase.PATROL,
        call=None,
        lease=leases.freed(state.lease),
        deadman=False,
        human=STILL,
        hold=None,
    )
    events = (Event(kind="hand_back", text=state.outcome, by=asked.operator),)
    return back, Reply(request_id=asked.request_id, ok=True, stamp_ns=now_ns), events
