"""What people may ask of the robot, and its answers: lease, arm, labels, policy, calls, reset.

Pure, as `teleop.gate`: a state and a request give the next state, one reply, and the events for the
log. `MAY` says which role may ask what; most of it is for the holder of the lease besides.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from teleop import call_answers
from teleop import lease as leases
from teleop.gate import DRIVERS
from teleop.gate_state import (
    GateState,
    changes,
    hands_needed,
    left_behind,
    moved,
    policy_started,
)
from teleop.lease import Claimant, LeaseRefused
from teleop.mode import DRIVEN_MODES, Trigger
from teleop.roster import Member
from transport.messages import (
    PROTOCOL_VERSION,
    STILL,
    Arm,
    Call,
    ChooseProfile,
    ClearFault,
    DenyLease,
    Event,
    ForceLease,
    GrantLease,
    HandBack,
    KeepLease,
    LabelEpisode,
    Lease,
    LookAtCall,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    Mode,
    Outcome,
    PassCall,
    Phase,
    Ping,
    Profile,
    ReleaseLease,
    Reply,
    Request,
    RequestLease,
    ResetStop,
    Role,
    SkipCall,
    StartPolicy,
)

Answer = tuple[GateState, Reply, tuple[Event, ...]]

SHORTEST_REASON: Final = 3  # characters, as for a takeover and for clearing a fault

_EVERYBODY: Final = frozenset(Role)
MAY: Final[dict[type, frozenset[Role]]] = {
    Ping: _EVERYBODY,
    RequestLease: DRIVERS,
    ForceLease: frozenset({Role.SUPERVISOR}),
    GrantLease: DRIVERS,
    DenyLease: DRIVERS,
    KeepLease: DRIVERS,
    LabelEpisode: DRIVERS,
    ReleaseLease: DRIVERS,
    Arm: DRIVERS,
    MarkOutcome: DRIVERS,
    MarkPhase: DRIVERS,
    MarkMoment: DRIVERS,
    ChooseProfile: DRIVERS,
    StartPolicy: DRIVERS,
    HandBack: DRIVERS,
    ResetStop: DRIVERS,
    ClearFault: frozenset({Role.MAINTENANCE}),
    LookAtCall: DRIVERS,
    SkipCall: DRIVERS,
    PassCall: DRIVERS,
}
_WITHOUT_LEASE: Final = (
    *(Ping, RequestLease, ForceLease, ClearFault, LabelEpisode),
    *(LookAtCall, SkipCall, PassCall),
)


class Refused(Exception):
    """Why a request is not carried out, as a sentence for the one who asked."""


def answered(
    state: GateState, asked: Request, member: Member, now_ns: int, epoch_ceiling: int
) -> Answer:
    """Carry out or refuse one request. `epoch_ceiling`: the highest epoch that the disk knows."""

    def reply(ok: bool, reason: str, epoch: int = 0) -> Reply:
        return Reply(
            request_id=asked.request_id,
            ok=ok,
            reason=reason,
            epoch=epoch,
            stamp_ns=now_ns,
            name=member.name,
            role=member.role,
        )

    try:
        _check(state, asked, member)
        after, said, events = _carried_out(state, asked, member, now_ns, epoch_ceiling)
    except (Refused, LeaseRefused) as refused:
        return state, reply(False, str(refused)), ()
    mine = leases.is_holder(after.lease, member.key, asked.session)
    return after, reply(True, said, after.lease.epoch if mine else 0), events


def _check(state: GateState, asked: Request, member: Member) -> None:
    """Version, role, and for what only the holder may ask: the lease."""
    if asked.version != PROTOCOL_VERSION:
        ours, theirs = PROTOCOL_VERSION, asked.version
        raise Refused(
            f"the robot speaks version {ours}, this console {theirs}: update the older one"
        )
    body = asked.body
    if member.role not in MAY[type(body)]:
        raise Refused(f"{member.name} is {member.role} on this robot, which may not do that")
    if isinstance(body, _WITHOUT_LEASE):
        return
    refusal = leases.refusal_for(state.lease, member.key, asked.session, body.epoch)
    if refusal is not None:
        raise Refused(leases.SENTENCES[refusal])


def _carried_out(
    state: GateState, asked: Request, member: Member, now_ns: int, ceiling: int
) -> tuple[GateState, str, tuple[Event, ...]]:
    """(next state, what to tell besides yes, events); raises what is refused."""
    body, who = asked.body, member.name
    me = Claimant(member.key, asked.session, who)
    match body:
        case Ping():
            return state, "", ()
        case RequestLease():
            return _lease_requested(state, me, now_ns, ceiling)
        case ForceLease():
            return _lease_forced(state, me, body.reason, now_ns, ceiling)
        case GrantLease():
            return _lease_passed_on(state, body.session, now_ns, ceiling)
        case DenyLease():
            note = f"{who} keeps the robot"
            return replace(state, wanted=None, lease_note=note), "", ()
        case KeepLease():
            lease = leases.renewed(state.lease, me.key, me.session, body.epoch, now_ns)
            clock = (body.clock_offset_ns, body.clock_error_ns)
            kept = replace(state, lease=lease, clock_offset_ns=clock[0], clock_error_ns=clock[1])
            return kept, "", ()
        case ReleaseLease():
            left = left_behind(state, "Left without hand-back", f"{who} gave it up", now_ns)
            return left, "", changes(state, left)
        case Arm():
            return _armed(state, who, now_ns)
        case MarkOutcome():
            event = Event(kind="outcome", text=body.outcome, by=who)
            return replace(state, outcome=body.outcome), "", (event,)
        case MarkPhase():
            if body.phase not in (Phase.RECOVERY, Phase.CORRECTION, Phase.RESET):
                raise Refused("only recovery, correction and reset can be marked")
            event = Event(kind="phase", text=body.phase, by=who)
            return replace(state, phase=body.phase), "", (event,)
        case LabelEpisode():
            return state, "", ()  # the recorder's business; control hands it on
        case LookAtCall():
            looked_at = call_answers.looked_at(_call(state, body.call_id), who, now_ns)
            return replace(state, call=looked_at), "", ()
        case SkipCall():
            return _skipped(state, body.call_id, who)
        case PassCall():
            return _passed_on(state, body, who, now_ns)
        case MarkMoment():
            return state, "", (Event(kind="marker", text=body.note, by=who),)
        case ChooseProfile():
            return _profile_chosen(state, body.profile, who)
        case StartPolicy():
            _check_may_drive_itself(state)
            started = policy_started(state, Trigger.POLICY_STARTED, now_ns)
            return started, "", (Event(kind="policy_started", by=who),)
        case HandBack():
            return _handed_back(state, who, now_ns)
        case ResetStop():
            if state.mode not in (Mode.ESTOP, Mode.SAFE_STOP):
                raise Refused("no STOP is latched")
            if state.stopped_by and not state.stop_told:
                # Whoever pressed repeats it until then: it would only be latched again.
                raise Refused("STOP is still being answered; reset it again in a moment")
            if len(body.reason.strip()) < SHORTEST_REASON:
                raise Refused("say in a few words why it may be reset")
            reset = replace(moved(state, Trigger.STOP_RESET, f"reset by {who}"), stopped_by="")
            return reset, "", (Event(kind="stop_reset", text=body.reason, by=who),)
    return _fault_cleared(state, body.reason, who)


def _call(state: GateState, call_id: int) -> Call:
    """The present call, if that is the one that was meant."""
    if state.call is not None and state.call.call_id == call_id:
        return state.call
    if state.lease.session:
        raise Refused(f"{state.lease.operator} has the robot already")
    raise Refused("this call is over")


def _skipped(state: GateState, call_id: int, who: str) -> tuple[GateState, str, tuple[Event, ...]]:
    before = _call(state, call_id)
    said = () if who in before.skipped else (Event(kind="call_skipped", by=who),)
    return replace(state, call=call_answers.skipped(before, who)), "", said


def _passed_on(
    state: GateState, body: PassCall, who: str, now_ns: int
) -> tuple[GateState, str, tuple[Event, ...]]:
    if body.to == who:
        raise Refused("pass it on to somebody else, or accept it")
    passed = call_answers.passed_on(_call(state, body.call_id), who, body.to, body.note, now_ns)
    text = f"to {body.to}: {body.note}" if body.note else f"to {body.to}"
    return replace(state, call=passed), "", (Event(kind="call_passed", text=text, by=who),)


def _lease_requested(
    state: GateState, me: Claimant, now_ns: int, ceiling: int
) -> tuple[GateState, str, tuple[Event, ...]]:
    """A free lease is granted; the holder of a held one is asked."""
    mine = leases.is_holder(state.lease, me.key, me.session)
    if not mine and not leases.is_free(state.lease, now_ns):
        wanted = leases.wished(state.lease, state.wanted, me, now_ns)
        said = f"{state.lease.operator} is asked, and has {leases.ASKED_MS // 1000} s to answer"
        if wanted is state.wanted:
            return state, said, ()
        asking = Event(kind="lease_asked", text=state.lease.operator, by=me.name)
        return replace(state, wanted=wanted), said, (asking,)
    lease = leases.granted(state.lease, me, now_ns, ceiling)
    if lease.epoch == state.lease.epoch:
        return replace(state, lease=lease), "", ()
    taken = replace(
        _with_driver(state, lease, now_ns),
        phase=Phase.RECOVERY,
        call=None,
        intervention=state.intervention + 1,
        outcome=Outcome.UNLABELLED,
        lease_note="",
    )
    return taken, "", (Event(kind="takeover", by=me.name),)


def _lease_forced(
    state: GateState, me: Claimant, reason: str, now_ns: int, ceiling: int
) -> tuple[GateState, str, tuple[Event, ...]]:
    """A supervisor replaces the holder, who loses all effect at once; the robot stops first."""
    if leases.is_free(state.lease, now_ns) or leases.is_holder(state.lease, me.key, me.session):
        return _lease_requested(state, me, now_ns, ceiling)
    lease = leases.passed_on(state.lease, me, now_ns, ceiling)
    note = f"{me.name} took the robot from {state.lease.operator}: {reason}"[:400]
    forced = replace(_with_driver(state, lease, now_ns), lease_note=note)
    told = Event(kind="lease_forced", text=note, by=me.name)
    return forced, "", (told, Event(kind="takeover", by=me.name))


def _lease_passed_on(
    state: GateState, to_session: str, now_ns: int, ceiling: int
) -> tuple[GateState, str, tuple[Event, ...]]:
    """The holder grants what somebody asked for."""
    wanted = state.wanted
    if wanted is None or wanted.session != to_session or now_ns >= wanted.until_ns:
        raise Refused("nobody asks for the lease any more")
    to = Claimant(wanted.key, wanted.session, wanted.operator)
    lease = leases.passed_on(state.lease, to, now_ns, ceiling)
    note = f"{state.lease.operator} gave the robot to {to.name}"
    passed = replace(_with_driver(state, lease, now_ns), lease_note=note)
    told = Event(kind="lease_passed", text=note, by=state.lease.operator)
    return passed, "", (told, Event(kind="takeover", by=to.name))


def _with_driver(state: GateState, lease: Lease, now_ns: int) -> GateState:
    """Somebody else drives from here on: nothing of the former driver has any effect."""
    return replace(
        _fresh_hands(moved(state, Trigger.TAKEN_OVER), now_ns),
        lease=lease,
        wanted=None,
        profile=Profile.NORMAL,
        last_seq=-1,
        last_sent_ns=0,
        clock_offset_ns=0,
        clock_error_ns=-1,
    )


def _fresh_hands(state: GateState, now_ns: int) -> GateState:
    """Commands and pictures count anew; silence is measured from here."""
    return replace(hands_needed(state), human=STILL, heard_ns=now_ns, painted_ns=0, unpainted=True)


def _armed(state: GateState, who: str, now_ns: int) -> tuple[GateState, str, tuple[Event, ...]]:
    if state.mode is not Mode.DISARMED:
        raise Refused(f"nothing to arm: the robot is {state.mode}")
    armed = _fresh_hands(moved(state, Trigger.ARMED, f"armed by {who}"), now_ns)
    return armed, "", (Event(kind="armed", by=who),)


def _profile_chosen(
    state: GateState, profile: Profile, who: str
) -> tuple[GateState, str, tuple[Event, ...]]:
    if state.applied != STILL or state.deadman or state.mode is Mode.AUTONOMY:
        raise Refused("the profile can be changed only while the robot stands and nobody presses")
    chosen = hands_needed(replace(state, profile=profile))
    return chosen, "", (Event(kind="profile", text=profile, by=who),)


def _check_may_drive_itself(state: GateState) -> None:
    """A latch is cleared and the motors are armed by a person first; the policy does neither."""
    if state.mode in DRIVEN_MODES:
        return
    first = {
        Mode.DISARMED: "arm it first (F5)",
        Mode.ESTOP: "reset STOP first",
        Mode.SAFE_STOP: "reset it first",
        Mode.AUTONOMY: "it drives by itself already",
    }
    what = first.get(state.mode, "it cannot work by itself from there")
    raise Refused(f"the robot is {state.mode}: {what}")


def _handed_back(
    state: GateState, who: str, now_ns: int
) -> tuple[GateState, str, tuple[Event, ...]]:
    """The intervention is over: the lease is free, the policy works under the site's own."""
    if state.mode is not Mode.AUTONOMY:
        _check_may_drive_itself(state)
        state = policy_started(state, Trigger.POLICY_STARTED, now_ns)
    back = replace(
        hands_needed(state),
        phase=Phase.AUTONOMOUS,
        call=None,
        lease=leases.freed(state.lease),
        wanted=None,
        lease_note="",
        profile=Profile.NORMAL,
    )
    return back, "", (Event(kind="hand_back", text=state.outcome, by=who),)


def _fault_cleared(
    state: GateState, reason: str, who: str
) -> tuple[GateState, str, tuple[Event, ...]]:
    if state.mode is not Mode.FAULT:
        raise Refused("there is no fault to clear")
    cleared = moved(state, Trigger.REPAIRED, f"fault cleared by {who}: {reason}")
    if state.stopped_by:  # a STOP that came meanwhile stands
        cleared = moved(cleared, Trigger.STOPPED, f"STOP by {state.stopped_by}")
    return cleared, "", (Event(kind="fault_cleared", text=reason, by=who),)
