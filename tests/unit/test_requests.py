"""What people may ask of the robot: by role, by lease, and how the lease changes hands."""

from __future__ import annotations

import itertools

import pytest
from msgspec import structs

from teleop import gate_state
from teleop.gate import Body
from teleop.lease import ASKED_MS
from teleop.requests import MAY, answered
from teleop.roster import Member
from tests.unit.gate_world import ANNA, BEN, CARA, DORA, EMIL, EVERYBODY, World
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS
from transport.messages import (
    Arm,
    ChooseProfile,
    ClearFault,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    KeepLease,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    Mode,
    Outcome,
    Phase,
    Ping,
    Profile,
    ReleaseLease,
    Request,
    RequestBody,
    RequestLease,
    ResetStop,
    Role,
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
    ChooseProfile(epoch=EPOCH, profile=Profile.HIGH_LATENCY),
    StartPolicy(epoch=EPOCH),
    HandBack(epoch=EPOCH),
    ResetStop(epoch=EPOCH),
    ClearFault(reason="new belt"),
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
    assert not world.ask(ResetStop(epoch=1)).ok
    world.stopped()
    world.tick()
    assert world.ask(ResetStop(epoch=1, reason="a cat")).ok
    assert [e.text for e in world.events if e.kind == "stop_reset"] == ["a cat"]
    assert world.state.stopped_by == ""


def test_a_stop_is_reset_only_once_it_was_answered() -> None:
    world = World().driving().stopped()
    reply = world.ask(ResetStop(epoch=1, reason="at once"))
    assert not reply.ok
    assert "still being answered" in reply.reason
    world.tick()
    assert world.ask(ResetStop(epoch=1, reason="later")).ok


def test_a_stop_wins_over_a_reset_and_a_hand_back_of_the_same_moment() -> None:
    for body in (ResetStop(epoch=1), HandBack(epoch=1), StartPolicy(epoch=1)):
        world = World().driving().stopped()
        world.ask(body)
        world.stopped("op-2")
        world.tick(world.command(deadman=True, forward=1.0))
        assert world.state.mode is Mode.ESTOP
        assert world.stands


def test_observers_hear_who_they_are() -> None:
    reply = World().ask(Ping(), DORA)
    assert (reply.ok, reply.name, reply.role) == (True, "guest", Role.OBSERVER)
