"""What people may ask of the robot: by role, by lease, and how the lease changes hands."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from msgspec import structs

from teleop import gate_state
from teleop.call_answers import LOOKING_MS
from teleop.gate import Body
from teleop.lease import ASKED_MS, TTL_MS
from teleop.requests import MAY, answered
from teleop.roster import Member
from tests.unit.gate_world import ANNA, BEN, CARA, DORA, EMIL, EVERYBODY, World
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS
from transport.messages import (
    STILL,
    AnnotationKind,
    Arm,
    ChooseProfile,
    ClearFault,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    HoldReason,
    KeepLease,
    LabelEpisode,
    LookAtCall,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    Mode,
    Outcome,
    PassCall,
    PassedOn,
    Phase,
    Ping,
    Profile,
    ReleaseLease,
    Reply,
    Request,
    RequestBody,
    RequestLease,
    ResetStop,
    Role,
    SkipCall,
    StartPolicy,
)

EPOCH = 1
BODIES: tuple[RequestBody, ...] = (
    Ping(),
    RequestLease(),
    ForceLease(reason="fire drill"),
    GrantLease(epoch=EPOCH, session="b"),
    DenyLease(epoch=EPOCH, session="b"),
    KeepLease(epoch=EPOCH),
    ReleaseLease(epoch=EPOCH),
    Arm(epoch=EPOCH),
    MarkOutcome(epoch=EPOCH, outcome=Outcome.SUCCESS),
    MarkPhase(epoch=EPOCH, phase=Phase.CORRECTION),
    MarkMoment(epoch=EPOCH, note="here"),
    LabelEpisode(episode="01K0000000000000000000000Z", kind=AnnotationKind.NOTE, text="squeaks"),
    ChooseProfile(epoch=EPOCH, profile=Profile.HIGH_LATENCY),
    StartPolicy(epoch=EPOCH),
    HandBack(epoch=EPOCH),
    ResetStop(epoch=EPOCH, reason="looked"),
    ClearFault(reason="new belt"),
    LookAtCall(call_id=1),
    SkipCall(call_id=1),
    PassCall(call_id=1, to="op-2", note="you know this room"),
)
WATCHING = {Ping}
DRIVING = {type(body) for body in BODIES} - {ForceLease, ClearFault}
ALLOWED = {
    Role.OBSERVER: WATCHING,
    Role.OPERATOR: DRIVING,
    Role.SUPERVISOR: DRIVING | {ForceLease},
    Role.MAINTENANCE: DRIVING | {ClearFault},
}


def test_every_request_has_its_roles() -> None:
    assert set(MAY) == {type(body) for body in BODIES}
    for kind, roles in MAY.items():
        assert roles == {role for role, allowed in ALLOWED.items() if kind in allowed}


@pytest.mark.parametrize(
    ("member", "body"),
    list(itertools.product(EVERYBODY, BODIES)),
    ids=lambda value: value.role if isinstance(value, Member) else type(value).__name__,
)
def test_a_role_that_may_not_ask_is_refused_and_changes_nothing(
    member: Member, body: RequestBody
) -> None:
    world = World().driving(CARA)
    before = world.state
    request = Request(request_id=7, session="c", body=body)
    state, reply, events = answered(before, request, member, world.now_ns, 99)
    assert (reply.request_id, reply.name, reply.role) == (7, member.name, member.role)
    if type(body) in ALLOWED[member.role]:
        assert "may not do that" not in reply.reason
    else:
        assert not reply.ok
        assert member.role in reply.reason
        assert (state, events) == (before, ())


@pytest.mark.parametrize("body", [b for b in BODIES if hasattr(b, "epoch")])
def test_what_only_the_holder_may_ask_is_refused_to_others(body: RequestBody) -> None:
    world = World().driving()
    before = world.state
    assert not world.ask(body, BEN).ok
    assert not world.ask(body, ANNA, session="other window").ok
    assert not world.ask(body, BEN, session="a").ok, "somebody else's session is no key"
    assert world.state == before


def test_a_yes_tells_the_epoch_who_was_answered_and_when() -> None:
    world = World().driving()
    assert world.ask(KeepLease(epoch=1)) == Reply(
        request_id=1, ok=True, epoch=1, stamp_ns=world.now_ns, name="op-1", role=Role.OPERATOR
    )


def test_a_label_for_an_episode_is_the_recorders_business_and_needs_no_words() -> None:
    said = LabelEpisode(episode="01K0000000000000000000000Z", kind=AnnotationKind.NOTE, text="x")
    world = World().driving()
    before = world.state
    reply = world.ask(said)
    assert (reply.ok, reply.reason) == (True, "")
    assert world.state == before


def test_a_no_tells_why_who_was_answered_and_when() -> None:
    world = World().driving()
    assert world.ask(KeepLease(epoch=1), BEN) == Reply(
        request_id=1,
        ok=False,
        reason="somebody else has the lease",
        stamp_ns=world.now_ns,
        name="op-2",
        role=Role.OPERATOR,
    )


# --- the lease changes hands ---


def test_the_holder_of_a_held_lease_is_asked() -> None:
    world = World().driving()
    reply = world.ask(RequestLease(), BEN)
    assert reply.ok
    assert reply.epoch == 0
    assert reply.reason == "op-1 is asked, and has 10 s to answer"
    assert world.state.wanted is not None
    assert world.state.wanted.operator == "op-2"
    assert world.state.lease.operator == "op-1"
    assert world.kinds().count("lease_asked") == 1
    world.ask(RequestLease(), BEN)
    assert world.kinds().count("lease_asked") == 1


def test_a_second_who_asks_is_told_who_was_first() -> None:
    world = World().driving()
    world.ask(RequestLease(), BEN)
    reply = world.ask(RequestLease(), CARA)
    assert not reply.ok
    assert "op-2 has asked" in reply.reason


def test_granting_stops_the_robot_and_the_new_driver_begins_with_hands_off() -> None:
    world = World().driving()
    world.ask(RequestLease(), BEN)
    assert world.ask(GrantLease(epoch=1, session="b")).ok
    assert (world.state.lease.operator, world.state.lease.epoch) == ("op-2", 2)
    assert world.state.wanted is None
    assert world.state.lease_note == "op-1 gave the robot to op-2"
    assert world.state.intervention == 0, "the rescue goes on"
    for _ in range(30):
        world.tick(world.by(ANNA, world.command(ANNA, epoch=1, deadman=True, forward=1.0)))
        assert world.state.human.forward_mps == 0.0
    assert world.stands
    world.run(0.6, BEN)
    world.run(0.5, BEN, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_denying_and_silence_keep_the_lease() -> None:
    world = World().driving()
    world.ask(RequestLease(), BEN)
    assert world.ask(DenyLease(epoch=1, session="b")).ok
    assert world.state.wanted is None
    assert world.state.lease_note == "op-1 keeps the robot"
    world.ask(RequestLease(), BEN)
    world.run(ASKED_MS / 1e3 - 0.1, deadman=True, forward=1.0)
    assert world.state.wanted is not None
    world.run(0.2, deadman=True, forward=1.0)
    assert world.state.wanted is None
    assert world.state.lease_note == "op-1 did not answer op-2"
    assert world.state.lease.operator == "op-1"
    assert world.state.mode is Mode.TELEOP


@pytest.mark.parametrize(("early_ns", "waits"), [(1, True), (0, False)])
def test_who_asked_waits_until_exactly_the_end_of_the_time_to_answer(
    early_ns: int, waits: bool
) -> None:
    world = World().driving()
    until_ns = world.now_ns + ASKED_MS * NS_PER_MS
    world.ask(RequestLease(), BEN)
    world.run(ASKED_MS / 1e3 - 0.5)
    world.tick(after_ns=until_ns - world.now_ns - early_ns)
    assert (world.state.wanted is not None) is waits


def test_nobody_can_be_granted_who_does_not_ask_any_more() -> None:
    world = World().driving()
    assert not world.ask(GrantLease(epoch=1, session="b")).ok
    world.ask(RequestLease(), BEN)
    assert not world.ask(GrantLease(epoch=1, session="c")).ok
    world.now_ns += ASKED_MS * NS_PER_MS
    kept = structs.replace(world.state.lease, expires_ns=world.now_ns + 1)
    world.state = structs.replace(world.state, lease=kept)
    assert not world.ask(GrantLease(epoch=1, session="b")).ok
    assert world.state.lease.operator == "op-1"


def test_a_holder_who_vanishes_while_asked_leaves_the_lease_free() -> None:
    world = World().driving()
    world.ask(RequestLease(), BEN)
    world.silence(3.2)
    assert world.state.wanted is None
    assert world.state.lease.session == ""
    world.taken(BEN)
    assert world.state.lease.operator == "op-2"


def test_who_asked_and_lost_the_key_is_forgotten() -> None:
    world = World().driving()
    world.ask(RequestLease(), BEN)
    world.state = gate_state.revoked(world.state, {ANNA.key}, world.now_ns)
    assert world.state.wanted is None
    assert world.state.lease.operator == "op-1"


def test_a_supervisor_takes_the_robot_with_a_reason_and_it_stops_first() -> None:
    world = World().driving()
    assert world.ask(ForceLease(reason="smoke in the room"), CARA).ok
    note = "sup-1 took the robot from op-1: smoke in the room"
    assert world.state.lease_note == note
    told = [(event.kind, event.text) for event in world.events if event.kind == "lease_forced"]
    assert told == [("lease_forced", note)]
    speeds = []
    for _ in range(TICK_HZ):
        old = world.command(ANNA, epoch=1, deadman=True, forward=1.0)
        new = world.command(CARA, deadman=True, forward=1.0)
        world.tick(world.by(ANNA, old), world.by(CARA, new))
        speeds.append(world.decision.applied.forward_mps)
    assert speeds == sorted(speeds, reverse=True)
    assert world.stands, "a deadman held while taking over moves nothing"
    world.run(0.6, CARA)
    world.run(0.5, CARA, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_a_reason_for_force_is_told_in_no_more_than_400_characters() -> None:
    world = World().driving()
    assert world.ask(ForceLease(reason="x" * 400), CARA).ok
    assert world.state.lease_note == "sup-1 took the robot from op-1: ".ljust(400, "x")


def test_a_new_driver_counts_its_commands_from_the_beginning() -> None:
    world = World().driving()
    assert world.ask(ForceLease(reason="fire drill"), CARA).ok
    assert world.state.last_seq == -1, "none was obeyed yet"
    world.tick(world.by(CARA, world.command(CARA, seq=0)))
    assert world.decision.command_seq == 0


def test_when_a_command_was_sent_is_recorded_and_is_nobody_elses() -> None:
    """And how the clock that says so differs: both are of one console."""
    world = World().driving()
    world.tick(world.command(sent_ns=5_000))
    assert world.ask(KeepLease(epoch=1, clock_offset_ns=-7, clock_error_ns=3)).ok
    said = (world.state.last_sent_ns, world.state.clock_offset_ns, world.state.clock_error_ns)
    assert said == (5_000, -7, 3)
    assert world.ask(ForceLease(reason="fire drill"), CARA).ok
    said = (world.state.last_sent_ns, world.state.clock_offset_ns, world.state.clock_error_ns)
    assert said == (0, 0, -1)


def test_a_new_driver_does_not_drive_by_the_picture_of_the_former() -> None:
    world = World().driving()
    assert world.ask(ForceLease(reason="fire drill"), CARA).ok
    world.run(0.6, CARA, painted_ns=0)
    world.run(0.1, CARA, painted_ns=0, deadman=True)
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.NO_PICTURE


@pytest.mark.parametrize(("silent_ns", "mode"), [(0, Mode.READY), (1, Mode.HOLD)])
@pytest.mark.parametrize("first", ["takeover", "arm"])
def test_the_silence_of_a_driver_is_measured_from_the_takeover_and_from_arming(
    first: str, silent_ns: int, mode: Mode
) -> None:
    world = World().called()
    world.ask(RequestLease())
    if first == "arm":
        world.stopped().keep(1.5)
        assert world.ask(ResetStop(epoch=1, reason="looked")).ok
        assert world.ask(Arm(epoch=1)).ok
    world.wait(200 * NS_PER_MS + silent_ns)
    assert world.state.mode is mode


def test_a_rescue_begins_without_the_outcome_of_the_one_before() -> None:
    world = World().driving()
    assert world.ask(MarkOutcome(epoch=1, outcome=Outcome.SUCCESS)).ok
    assert world.ask(ReleaseLease(epoch=1)).ok
    assert world.ask(RequestLease(), BEN).ok
    assert world.state.outcome is Outcome.UNLABELLED


def test_taking_a_free_robot_by_force_is_taking_it() -> None:
    world = World().called()
    assert world.ask(ForceLease(reason="nobody is there"), CARA).ok
    assert world.state.lease.operator == "sup-1"
    assert world.state.lease_note == ""
    assert world.kinds() == ["takeover"]


def test_a_lost_reply_asked_again_gives_the_same_epoch() -> None:
    world = World().called()
    first = world.ask(RequestLease())
    again = world.ask(RequestLease())
    assert (first.epoch, again.epoch) == (1, 1)
    assert world.kinds().count("takeover") == 1


def test_the_holder_asking_again_keeps_the_lease_for_the_whole_time_anew() -> None:
    world = World().driving()
    world.wait(500 * NS_PER_MS)
    assert world.ask(RequestLease()).ok
    assert world.state.lease.expires_ns == world.now_ns + TTL_MS * NS_PER_MS


def test_a_sign_of_life_keeps_the_lease_for_the_whole_time_anew_without_any_command() -> None:
    world = World().driving()
    world.wait(500 * NS_PER_MS)
    assert world.ask(KeepLease(epoch=1)).ok
    assert world.state.lease.expires_ns == world.now_ns + TTL_MS * NS_PER_MS


def test_without_a_disk_no_lease_is_granted_and_the_holder_keeps_it() -> None:
    world = World(ceiling=1).driving()
    world.ask(RequestLease(), BEN)
    for body, who in (
        (GrantLease(epoch=1, session="b"), ANNA),
        (ForceLease(reason="now!"), CARA),
    ):
        reply = world.ask(body, who)
        assert not reply.ok
        assert "disk" in reply.reason
    assert world.state.lease.operator == "op-1"
    assert world.ask(RequestLease()).ok, "asking again as the holder needs no new epoch"
    world.ask(ReleaseLease(epoch=1))
    assert "disk" in world.ask(RequestLease(), BEN).reason


def test_a_transferred_robot_stays_latched() -> None:
    world = World().driving().stopped()
    assert world.ask(ForceLease(reason="take over"), CARA).ok
    world.run(1.0, CARA)
    assert world.state.mode is Mode.ESTOP


# --- policy, faults, latches ---


def test_a_supervised_policy_is_handed_back_without_a_break() -> None:
    world = World().driving()
    world.ask(StartPolicy(epoch=1))
    sublease = world.state.sublease
    world.run(1.0)
    assert world.ask(HandBack(epoch=1)).ok
    world.silence(0.1)
    assert (world.state.mode, world.state.sublease) == (Mode.AUTONOMY, sublease)
    assert world.state.lease.session == ""


def handed_back(world: World) -> World:
    assert world.ask(HandBack(epoch=1)).ok
    return world


def test_a_hand_back_ends_the_phase_that_was_marked_under_the_policy() -> None:
    world = World().driving()
    world.ask(StartPolicy(epoch=1))
    assert world.ask(MarkPhase(epoch=1, phase=Phase.CORRECTION)).ok
    assert handed_back(world).state.phase is Phase.AUTONOMOUS


def test_a_hand_back_leaves_nothing_of_why_it_held() -> None:
    world = World().driving()
    world.silence(0.3)
    assert world.state.hold is not None
    assert world.ask(HandBack(epoch=1)).ok
    world.tick()
    assert (world.state.mode, world.state.hold) == (Mode.AUTONOMY, None)


def test_a_hand_back_answers_a_call_that_came_under_the_operator() -> None:
    assert handed_back(World().driving().called()).state.call is None


def test_a_hand_back_ends_what_was_asked_and_said_about_the_lease() -> None:
    world = World().driving()
    world.ask(RequestLease(), BEN)
    world.ask(DenyLease(epoch=1, session="b"))
    world.ask(RequestLease(), CARA)
    state = handed_back(world).state
    assert (state.wanted, state.lease_note) == (None, "")


def test_a_hand_back_returns_to_the_normal_profile() -> None:
    world = World().called().taken()
    assert world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY)).ok
    assert handed_back(world).state.profile is Profile.NORMAL


@pytest.mark.parametrize("by_policy", [False, True])
def test_the_profile_is_not_changed_while_a_robot_that_stands_may_be_moved(
    by_policy: bool,
) -> None:
    world = World(policy_twist=STILL).called().taken()
    if by_policy:
        assert world.ask(StartPolicy(epoch=1)).ok
    world.run(0.2, deadman=not by_policy)
    assert world.stands
    reply = world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY))
    told = "the profile can be changed only while the robot stands and nobody presses"
    assert (reply.ok, reply.reason) == (False, told)


@pytest.mark.parametrize("body", [StartPolicy(epoch=1), HandBack(epoch=1)])
@pytest.mark.parametrize("first", ["estop", "unsafe", "fault", "link_lost"])
def test_the_policy_never_starts_from_a_latch(body: RequestBody, first: str) -> None:
    world = World().driving()
    if first == "estop":
        world.stopped()
    elif first == "unsafe":
        world.body = Body(overdriven=True)
        world.tick()
    elif first == "fault":
        world.state = gate_state.failed(world.state, "broke")
    else:
        world.keep(1.2)
    mode = world.state.mode
    assert mode in (Mode.ESTOP, Mode.SAFE_STOP, Mode.FAULT, Mode.LINK_LOST)
    assert not world.ask(body).ok
    assert world.state.mode is mode


def test_maintenance_clears_a_fault_and_nothing_moves() -> None:
    world = World().driving()
    world.state = gate_state.failed(world.state, "broke")
    assert world.ask(ClearFault(reason="new belt"), EMIL).ok
    assert world.state.mode is Mode.DISARMED
    world.run(1.0, deadman=True, forward=1.0)
    assert world.stands
    assert world.ask(Arm(epoch=1)).ok
    assert not world.ask(ClearFault(reason="again"), EMIL).ok


def test_a_stop_that_came_during_a_fault_stands_after_the_repair() -> None:
    world = World().driving()
    world.state = gate_state.failed(world.state, "broke")
    world.stopped("op-2")
    assert world.ask(ClearFault(reason="new belt"), EMIL).ok
    assert (world.state.mode, world.state.stopped_by) == (Mode.ESTOP, "op-2")


def test_a_reset_needs_something_to_reset_and_says_why_it_was() -> None:
    world = World().driving()
    assert world.ask(ResetStop(epoch=1, reason="a cat")).reason == "no STOP is latched"
    world.stopped()
    world.tick()
    for reason in ("", "ok", "  ok  "):
        reply = world.ask(ResetStop(epoch=1, reason=reason))
        assert (reply.ok, reply.reason) == (False, "say in a few words why it may be reset")
        assert world.state.mode is Mode.ESTOP
    assert world.ask(ResetStop(epoch=1, reason="cat")).ok
    assert [e.text for e in world.events if e.kind == "stop_reset"] == ["cat"]
    assert world.state.stopped_by == ""


def test_a_stop_is_reset_only_once_it_was_answered() -> None:
    world = World().driving().stopped()
    reply = world.ask(ResetStop(epoch=1, reason="at once"))
    assert not reply.ok
    assert reply.reason == "STOP is still being answered; reset it again in a moment"
    world.tick()
    assert world.ask(ResetStop(epoch=1, reason="later")).ok


def test_a_stop_pressed_again_has_to_be_answered_again_before_a_reset() -> None:
    world = World().driving().stopped()
    world.tick()
    world.stopped("op-2")
    assert not world.ask(ResetStop(epoch=1, reason="at once")).ok


def test_a_stop_wins_over_a_reset_and_a_hand_back_of_the_same_moment() -> None:
    for body in (ResetStop(epoch=1, reason="a cat"), HandBack(epoch=1), StartPolicy(epoch=1)):
        world = World().driving().stopped()
        world.ask(body)
        world.stopped("op-2")
        world.tick(world.command(deadman=True, forward=1.0))
        assert world.state.mode is Mode.ESTOP
        assert world.stands


def test_observers_hear_who_they_are() -> None:
    reply = World().ask(Ping(), DORA)
    assert (reply.ok, reply.name, reply.role) == (True, "guest", Role.OBSERVER)


# --- a call, before somebody takes the robot ---


def who_looks(world: World) -> list[str]:
    assert world.state.call is not None
    return [one.name for one in world.state.call.looking]


def test_who_looks_at_a_call_is_told_and_is_forgotten_unless_they_say_it_again() -> None:
    world = World().called()
    assert world.ask(LookAtCall(call_id=1), ANNA).ok
    world.wait(LOOKING_MS * NS_PER_MS // 2)
    assert world.ask(LookAtCall(call_id=1), BEN).ok
    assert who_looks(world) == ["op-1", "op-2"]
    world.wait(LOOKING_MS * NS_PER_MS // 2 - 1)
    assert who_looks(world) == ["op-1", "op-2"]
    world.wait(1)
    assert who_looks(world) == ["op-2"]
    world.wait(LOOKING_MS * NS_PER_MS)
    assert who_looks(world) == []


def test_a_look_moves_nothing_and_is_no_event() -> None:
    world = World().called()
    before, world.events = world.state, []
    world.ask(LookAtCall(call_id=1))
    assert world.events == []
    assert structs.replace(world.state, call=None) == structs.replace(before, call=None)


def test_a_skip_is_told_once_and_lasts_as_long_as_the_call() -> None:
    world = World().called()
    world.events = []
    for _ in range(3):
        assert world.ask(SkipCall(call_id=1), BEN) == Reply(
            request_id=1, ok=True, stamp_ns=world.now_ns, name="op-2", role=Role.OPERATOR
        )
    assert [(e.kind, e.by) for e in world.events] == [("call_skipped", "op-2")]
    world.wait(10 * LOOKING_MS * NS_PER_MS)
    assert world.state.call is not None
    assert world.state.call.skipped == ("op-2",)


@pytest.mark.parametrize(
    ("note", "told"), [("you know this room", "to op-2: you know this room"), ("", "to op-2")]
)
def test_a_call_passed_on_says_to_whom_by_whom_and_why(note: str, told: str) -> None:
    world = World().called()
    world.events = []
    assert world.ask(PassCall(call_id=1, to="op-2", note=note), ANNA).reason == ""
    assert world.state.call is not None
    assert world.state.call.passed == PassedOn(
        to="op-2", by="op-1", note=note, stamp_ns=world.now_ns
    )
    assert [(e.kind, e.text, e.by) for e in world.events] == [("call_passed", told, "op-1")]


def test_nobody_passes_a_call_on_to_themselves() -> None:
    world = World().called()
    before = world.state
    reply = world.ask(PassCall(call_id=1, to="op-1"), ANNA)
    assert (reply.ok, reply.reason) == (False, "pass it on to somebody else, or accept it")
    assert world.state == before


ANSWERS = (LookAtCall(call_id=1), SkipCall(call_id=1), PassCall(call_id=1, to="op-3"))


@pytest.mark.parametrize("body", ANSWERS)
def test_an_answer_to_a_call_that_somebody_has_accepted_names_them(body: RequestBody) -> None:
    world = World().driving(BEN)
    before = world.state
    reply = world.ask(body)
    assert (reply.ok, reply.reason) == (False, "op-2 has the robot already")
    assert world.state == before


@pytest.mark.parametrize("body", ANSWERS)
def test_an_answer_to_an_earlier_call_does_not_count_for_this_one(body: RequestBody) -> None:
    world = World().driving()
    world.ask(ReleaseLease(epoch=EPOCH))
    before = world.state
    assert before.call is not None
    assert before.call.call_id == 2
    reply = world.ask(body)
    assert (reply.ok, reply.reason) == (False, "this call is over")
    assert world.state == before


def _accepted(world: World) -> None:
    world.taken(ANNA)


def _withdrawn(world: World) -> None:
    world.state, _ = gate_state.call_withdrawn(world.state, "it came free", world.now_ns)


@pytest.mark.parametrize("ends", [_accepted, _withdrawn])
def test_what_was_answered_ends_with_the_call(ends: Callable[[World], None]) -> None:
    world = World().called()
    for body in (LookAtCall(call_id=1), PassCall(call_id=1, to="op-3"), SkipCall(call_id=1)):
        assert world.ask(body, BEN).ok
    ends(world)
    assert world.state.call is None
    world.state = gate_state.call(world.state, "Wedged", "again", world.now_ns)
    assert world.state.call is not None
    assert world.state.call.call_id == 2
    answers = (world.state.call.looking, world.state.call.skipped, world.state.call.passed)
    assert answers == ((), (), None)
