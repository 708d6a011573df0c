"""The gate: nothing moves the robot but a fresh command of its holder under a live picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from msgspec import structs

from teleop import gate_state
from teleop.axes import ALL
from teleop.gate import Body, Incoming, Wish
from teleop.gate_state import GateState
from teleop.lease import TTL_MS
from teleop.mode import Trigger
from teleop.requests import answered
from teleop.safety import Limits, Pose
from tests.unit.gate_world import ANNA, BEN, CARA, CRUISE, DORA, TICK_NS, World
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    STILL,
    Arm,
    CapCause,
    ChooseProfile,
    ForceLease,
    HandBack,
    Hold,
    HoldReason,
    KeepLease,
    MarkOutcome,
    MarkPhase,
    Mode,
    Outcome,
    Phase,
    Profile,
    Refusal,
    ReleaseLease,
    Request,
    RequestLease,
    ResetStop,
    Source,
    StartPolicy,
    Twist,
)

MS = NS_PER_MS

# --- the story ---


def test_a_policy_drives_until_the_robot_calls_and_then_it_holds() -> None:
    world = World()
    world.silence(1.0)
    assert world.decision.source is Source.POLICY
    assert world.decision.applied.forward_mps == pytest.approx(0.3)
    world.called().silence(1.0)
    assert world.state.mode is Mode.HOLD
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.CALLING
    assert world.stands


def test_a_rescue_is_taken_driven_marked_and_handed_back() -> None:
    world = World().driving()
    assert world.ask(MarkOutcome(epoch=1, outcome=Outcome.SUCCESS)).ok
    assert world.ask(HandBack(epoch=1)).ok
    world.silence(1.0)
    assert world.state.mode is Mode.AUTONOMY
    assert world.state.lease.session == ""
    assert world.state.outcome is Outcome.SUCCESS
    assert world.kinds() == ["takeover", "outcome", "hand_back"]


def test_a_console_of_another_version_is_told_so() -> None:
    world = World().called()
    request = Request(request_id=1, session="a", body=RequestLease(), version=99)
    state, reply, _ = answered(world.state, request, ANNA, world.now_ns, 9)
    assert not reply.ok
    assert "99" in reply.reason
    assert state == world.state


def test_after_link_loss_a_second_silence_asks_for_hands_off_again() -> None:
    world = World().driving()
    world.silence(1.2)
    world.run(0.6)
    world.silence(0.5)
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.LINK_LOST
    assert world.stands


def test_hands_off_must_be_heard_without_a_gap() -> None:
    world = World().called()
    world.ask(RequestLease())
    world.run(0.1)
    world.silence(0.4)
    world.run(0.1)
    assert not world.state.neutral_seen


def test_a_picture_that_comes_back_moves_nothing_by_itself() -> None:
    world = World().driving()
    frozen = world.now_ns
    world.run(3.0, deadman=True, forward=1.0, painted_ns=frozen)
    assert world.state.mode is Mode.HOLD
    world.run(1.0, deadman=True, forward=1.0)
    assert world.stands
    world.run(0.6)
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_after_link_loss_a_press_without_a_picture_holds() -> None:
    world = World().driving()
    world.silence(1.2)
    old = world.now_ns - 5 * NS_PER_S
    world.state = structs.replace(world.state, painted_ns=old)
    world.run(0.6, painted_ns=old)
    world.run(0.5, painted_ns=old, deadman=True, forward=1.0)
    assert world.state.mode is Mode.HOLD
    assert world.stands


def test_releasing_the_deadman_stops_by_the_ramp() -> None:
    world = World().driving()
    world.run(0.4)
    assert world.state.mode is Mode.READY
    assert world.stands


def test_a_phase_can_be_marked_recovery_or_correction_only() -> None:
    world = World().driving()
    assert world.ask(MarkPhase(epoch=1, phase=Phase.CORRECTION)).ok
    assert world.state.phase is Phase.CORRECTION
    assert not world.ask(MarkPhase(epoch=1, phase=Phase.AUTONOMOUS)).ok


# --- commands that have no effect ---


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"boot_id": "another"}, Refusal.BOOT_ID),
        ({"session": "b"}, Refusal.HELD_BY_OTHER),
        ({"epoch": 99}, Refusal.OLD_EPOCH),
        ({"seq": 0}, Refusal.SEQUENCE),
        ({"echo_ns": 12345}, Refusal.STALE),
        ({"echo_ns": 2**61}, Refusal.ECHO),
        ({"painted_ns": 2**61}, Refusal.ECHO),
    ],
)
def test_a_bad_command_is_refused_counted_and_changes_nothing(
    changes: dict[str, object], reason: Refusal
) -> None:
    world = World().called().taken()
    twin = world.twin()
    world.tick(world.command(deadman=True, forward=1.0, **changes))
    twin.tick()
    assert world.state.refused[reason] == 1
    assert world.state.mode is twin.state.mode
    assert world.decision.applied == twin.decision.applied


@pytest.mark.parametrize("newer", [1, -1])
def test_a_stamp_between_two_states_was_never_issued(newer: int) -> None:
    world = World().called().taken()
    world.tick(world.command(echo_ns=world.state.echoes[newer] - 1))
    assert world.state.refused == {Refusal.ECHO: 1}


def test_commands_without_a_lease_are_refused() -> None:
    world = World().called()
    world.tick(world.command(deadman=True, forward=1.0))
    assert world.state.refused == {Refusal.NO_LEASE: 1}
    assert world.stands


def test_an_echo_older_than_the_limit_is_stale() -> None:
    world = World().called().taken()
    old = world.state.echoes[-1]
    world.run(0.35, deadman=True, forward=1.0, echo_ns=old)
    assert world.state.refused[Refusal.STALE] > 0
    assert world.state.command_age_ms > 300


@pytest.mark.parametrize(("beyond_ns", "refused"), [(0, {}), (1, {Refusal.STALE: 1})])
def test_a_command_may_be_as_old_as_the_limit_and_no_older(
    beyond_ns: int, refused: dict[Refusal, int]
) -> None:
    world = World().called().taken()
    echo = world.state.echoes[-1]
    world.wait(200 * MS)
    world.tick(world.command(echo_ns=echo), after_ns=100 * MS + beyond_ns)
    assert world.state.refused == refused


def test_what_was_stamped_at_this_very_moment_is_not_from_the_future() -> None:
    world = World().called().taken()
    world.tick(world.command(painted_ns=world.now_ns), after_ns=0)
    assert world.state.refused == {}


def test_a_stamp_that_was_sent_is_known_for_two_seconds() -> None:
    state = GateState(boot_id="boot", echoes=(0, 1))
    assert gate_state.sent(state, 2 * NS_PER_S + 1).echoes == (1, 2 * NS_PER_S + 1)


def test_a_tick_tells_the_newest_command_that_it_obeyed() -> None:
    world = World().called().taken()
    older, newer = world.command(), world.command()
    assert world.tick(newer, older).command_seq == newer.seq


@pytest.mark.parametrize("came", ["nothing", "a copy", "a refused one"])
def test_a_tick_that_obeyed_no_command_tells_none(came: str) -> None:
    world = World().called().taken()
    obeyed = world.command()
    world.tick(obeyed)
    inbox = {"nothing": (), "a copy": (obeyed,), "a refused one": (world.command(boot_id="old"),)}
    assert world.tick(*inbox[came]).command_seq == -1


def test_the_input_of_the_last_command_obeyed_is_remembered() -> None:
    world = World().called().taken()
    world.tick(world.command(input_ns=77))
    world.tick(world.command(input_ns=99, boot_id="old"))
    assert world.state.last_input_ns == 77


def test_the_second_lanes_copy_is_applied_once_and_is_no_refusal() -> None:
    world = World().called().taken()
    command = world.command()
    world.tick(command, command)
    assert world.state.duplicates == 1
    assert world.state.refused == {}


def test_a_replay_of_recorded_traffic_moves_nothing() -> None:
    world = World().called().taken()
    recorded = [world.command(deadman=True, forward=1.0) for _ in range(30)]
    for command in recorded:
        world.tick(command)
    world.run(1.0)
    assert world.stands
    for command in recorded:
        world.tick(command)
        assert world.stands


# --- numbers that wrap or jump ---


def test_after_a_jump_of_the_sequence_normal_numbers_are_old_until_a_new_lease() -> None:
    world = World().called().taken()
    jumped = world.command(deadman=True, forward=0.4, seq=world.seq + 2**40)
    world.tick(jumped)
    assert world.state.last_seq == jumped.seq
    world.run(0.1, deadman=True, forward=1.0)
    assert world.state.refused == {Refusal.SEQUENCE: 6}
    assert world.state.human.forward_mps == pytest.approx(0.4 * world.limits.max_mps)
    world.run(0.3, deadman=True, forward=1.0)
    assert world.state.mode is Mode.HOLD
    assert world.ask(ReleaseLease(epoch=1)).ok
    world.seq = -1  # a console that was started again
    world.taken().run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_a_sequence_that_wraps_is_old() -> None:
    world = World().called().taken()
    world.tick(world.command(seq=2**62 - 1))  # the largest that a message can carry
    world.seq = -1
    world.tick(world.command(deadman=True, forward=1.0))
    world.tick(world.command(deadman=True, forward=1.0))
    assert world.state.refused == {Refusal.SEQUENCE: 2}
    assert world.state.last_seq == 2**62 - 1
    assert world.stands


def test_the_first_number_may_be_zero() -> None:
    world = World().called()
    assert world.ask(RequestLease()).ok
    world.seq = -1
    first = world.command()
    assert first.seq == 0
    assert world.tick(first).command_seq == 0


@pytest.mark.parametrize(
    ("echoes", "refusal"), [((), Refusal.ECHO), ((10,), Refusal.STALE), ((0,), Refusal.STALE)]
)
def test_an_echo_of_zero_is_no_stamp_whatever_was_sent(
    echoes: tuple[int, ...], refusal: Refusal
) -> None:
    """A console that has heard nothing yet says zero; no zero stands for "now"."""
    world = World().called().taken()
    world.state = structs.replace(world.state, echoes=(*echoes, *world.state.echoes[-1:]))
    command = world.command(deadman=True, forward=1.0, echo_ns=0)
    world.state = structs.replace(world.state, echoes=echoes)
    world.tick(command)
    assert world.state.refused == {refusal: 1}
    assert world.stands


def test_an_echo_of_the_boot_before_was_never_sent_by_this_one() -> None:
    """Its clock may stand anywhere: above this one's or below."""
    world = World().called().taken()
    for stamp_ns in (world.now_ns + 5 * NS_PER_S, world.state.echoes[-1] - 1):
        world.tick(world.command(deadman=True, forward=1.0, echo_ns=stamp_ns))
    assert world.state.refused == {Refusal.ECHO: 2}
    assert world.stands


def test_what_cannot_be_read_is_counted() -> None:
    world = World()
    world.tick(malformed=("x", "y", "x"))
    assert world.state.refused == {Refusal.MALFORMED: 3}
    assert world.state.received == 3


def test_what_was_too_much_to_be_read_is_counted() -> None:
    world = World()
    world.tick(flooding=("x", "y"), malformed=("x",))
    assert world.state.refused == {Refusal.FLOOD: 2, Refusal.MALFORMED: 1}
    world.tick(flooding=("x",))
    assert world.state.refused == {Refusal.FLOOD: 3, Refusal.MALFORMED: 1}
    assert world.state.received == 4


@pytest.mark.parametrize("refusal", [Refusal.FLOOD, Refusal.MALFORMED])
def test_a_driver_of_whom_nothing_can_be_read_is_told_why_it_holds(refusal: Refusal) -> None:
    world = World().driving()
    while world.state.mode is Mode.TELEOP:
        senders = (BEN.key, ANNA.key)
        world.tick(**{"flooding" if refusal is Refusal.FLOOD else "malformed": senders})
    assert world.state.hold is not None
    assert (world.state.hold.reason, world.state.hold.refusal) == (HoldReason.REFUSED, refusal)


def test_what_somebody_else_floods_is_not_why_the_driver_is_held() -> None:
    world = World().driving()
    while world.state.mode is Mode.TELEOP:
        world.tick(flooding=(BEN.key,), malformed=(BEN.key,))
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.GAP


# --- silence ---


def test_silence_holds_after_200_ms_and_latches_after_a_second() -> None:
    world = World().driving()
    world.silence(0.19)
    assert world.state.mode is Mode.TELEOP
    world.silence(0.03)
    assert world.state.mode is Mode.HOLD
    world.silence(0.3)
    assert world.stands
    world.silence(0.6)
    assert world.state.mode is Mode.LINK_LOST
    assert "link_lost" in world.kinds()


@pytest.mark.parametrize(
    ("silent_ns", "mode"),
    [
        (200 * MS, Mode.TELEOP),
        (200 * MS + 1, Mode.HOLD),
        (1000 * MS, Mode.HOLD),
        (1000 * MS + 1, Mode.LINK_LOST),
    ],
)
def test_silence_counts_from_just_beyond_its_limits(silent_ns: int, mode: Mode) -> None:
    world = World().driving()
    world.wait(silent_ns)
    assert world.state.mode is mode


@pytest.mark.parametrize(("silent_ms", "limit_ms"), [(300, 200.0), (1100, 1000.0), (1500, 1000.0)])
def test_silence_is_told_with_its_length_and_the_limit_it_broke(
    silent_ms: int, limit_ms: float
) -> None:
    world = World().driving()
    world.wait(silent_ms * MS)
    assert world.state.hold == Hold(reason=HoldReason.GAP, value=float(silent_ms), limit=limit_ms)


@pytest.mark.parametrize(
    ("silent_ns", "reason"), [(200 * MS, HoldReason.DEADMAN), (200 * MS + 1, HoldReason.GAP)]
)
def test_after_link_loss_it_waits_for_the_deadman_until_silence_begins_anew(
    silent_ns: int, reason: HoldReason
) -> None:
    world = World().driving()
    world.silence(1.2)
    world.run(0.6)
    world.wait(silent_ns)
    assert world.state.hold is not None
    assert world.state.hold.reason is reason


def test_a_short_gap_resumes_by_itself() -> None:
    world = World().driving()
    world.silence(0.5)
    assert world.state.mode is Mode.HOLD
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_after_link_loss_a_held_deadman_does_not_move_the_robot() -> None:
    world = World().driving()
    world.silence(1.2)
    world.run(2.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.LINK_LOST
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.NOT_NEUTRAL
    assert world.stands


def test_after_link_loss_hands_off_and_a_new_press_move_it_again() -> None:
    world = World().driving()
    world.silence(1.2)
    world.run(0.6)
    assert world.state.mode is Mode.LINK_LOST
    world.run(0.2, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_keeping_the_lease_is_no_command() -> None:
    world = World().driving()
    for _ in range(TICK_HZ):
        world.ask(KeepLease(epoch=1))
        world.tick()
    world.tick()
    assert world.state.mode is Mode.LINK_LOST


def test_a_vanished_operator_loses_the_lease_and_the_robot_calls_again() -> None:
    world = World().driving()
    world.silence(3.1)
    assert world.state.lease.session == ""
    assert world.state.call is not None
    assert world.state.mode is Mode.LINK_LOST
    assert world.stands


def test_commands_that_are_obeyed_keep_the_lease_without_a_word_more() -> None:
    world = World().driving()
    for _ in range(5 * TICK_HZ):  # a network that loses every renewal
        world.tick(world.command(deadman=True, forward=0.5))
    assert world.state.lease.expires_ns == world.now_ns + TTL_MS * NS_PER_MS
    assert world.state.mode is Mode.TELEOP


def test_commands_that_are_refused_do_not_keep_the_lease() -> None:
    world = World().driving()
    until_ns, old = world.state.lease.expires_ns, world.state.echoes[0]
    world.tick(world.command(echo_ns=old - 1))
    assert world.state.refused == {Refusal.STALE: 1}
    assert world.state.lease.expires_ns == until_ns


def test_the_age_told_is_that_of_the_command_obeyed_whatever_came_with_it() -> None:
    world = World().driving()
    fresh = world.by(ANNA, world.command(deadman=True))
    late = world.by(ANNA, world.command(echo_ns=world.state.echoes[0] - 1))
    age_ms = (world.now_ns + TICK_NS - fresh.command.echo_ns) / NS_PER_MS
    world.tick(fresh, late)
    assert world.state.refused == {Refusal.STALE: 1}
    assert world.state.command_age_ms == age_ms


def test_the_age_of_a_command_is_told_though_the_mode_refuses_it() -> None:
    world = World().driving().stopped()
    late = world.command(echo_ns=world.state.echoes[-6])
    world.tick(late)
    assert world.state.command_age_ms == (world.now_ns - late.echo_ns) / NS_PER_MS


def test_a_command_that_is_not_for_this_boot_tells_no_age() -> None:
    world = World().driving()
    age_ms = world.state.command_age_ms
    world.tick(world.command(boot_id="old", echo_ns=world.state.echoes[-6]))
    assert world.state.command_age_ms == age_ms


def test_a_command_that_comes_with_the_end_of_its_lease_has_no_effect() -> None:
    world = World().driving()
    last = world.command(deadman=True, forward=1.0)
    world.tick(after_ns=world.state.lease.expires_ns - world.now_ns - TICK_NS)
    world.tick(structs.replace(last, echo_ns=world.state.echoes[-1]))
    assert world.state.refused[Refusal.OLD_EPOCH] == 1
    assert world.state.lease.session == ""


@pytest.mark.parametrize("trigger", [Trigger.POLICY_STARTED, Trigger.LEFT_TO_POLICY])
def test_the_policy_is_not_started_by_anybody_while_stop_is_latched(trigger: Trigger) -> None:
    world = World().driving().stopped()
    started = gate_state.policy_started(world.state, trigger, world.now_ns)
    assert (started.mode, started.sublease) == (Mode.ESTOP, world.state.sublease)


@pytest.mark.parametrize("lost", [False, True])
def test_in_a_scene_that_was_put_back_the_policy_works_and_nothing_calls(lost: bool) -> None:
    world = World().called()
    if lost:
        world.state = gate_state.moved(world.state, Trigger.LOST)
    begun = gate_state.begun_anew(world.state, world.now_ns)
    assert (begun.mode, begun.phase, begun.call) == (Mode.AUTONOMY, Phase.AUTONOMOUS, None)
    assert begun.sublease > world.state.sublease, "a wish from before the jump is dead"
    assert begun.applied == STILL


def test_what_is_latched_stays_so_whatever_becomes_of_the_scene() -> None:
    world = World().called().stopped()
    assert gate_state.begun_anew(world.state, world.now_ns) == world.state


def test_never_back_to_the_policy_by_silence() -> None:
    world = World().driving()
    world.silence(30.0)
    assert world.state.mode is not Mode.AUTONOMY


# --- takeover ---


def test_a_new_holder_needs_hands_off_first() -> None:
    world = World().called()
    assert world.ask(RequestLease()).ok
    world.run(1.0, deadman=True, forward=1.0)
    assert world.stands
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.NOT_NEUTRAL


@pytest.mark.parametrize(
    ("command", "off"),
    [
        ({"forward": 0.049}, True),
        ({"turn": -0.049}, True),
        ({"forward": 0.05}, False),
        ({"turn": -0.05}, False),
        ({"forward": -1.0}, False),
        ({"deadman": True}, False),
    ],
)
def test_hands_are_off_when_nothing_is_held_and_no_axis_deflected(
    command: dict[str, object], off: bool
) -> None:
    world = World().called()
    world.ask(RequestLease())
    world.run(0.6, **command)
    assert world.state.neutral_seen is off


@pytest.mark.parametrize(("off_ns", "seen"), [(500 * MS - 1, False), (500 * MS, True)])
def test_hands_have_to_be_off_for_half_a_second(off_ns: int, seen: bool) -> None:
    world = World().called()
    world.ask(RequestLease())
    world.tick(world.command())
    for _ in range(4):
        world.tick(world.command(), after_ns=100 * MS)
    world.tick(world.command(), after_ns=off_ns - 400 * MS)
    assert world.state.neutral_seen is seen


def test_who_has_to_let_go_first_does_not_drive_on() -> None:
    world = World().driving()
    world.state = gate_state.hands_needed(world.state)
    world.tick(world.command(deadman=True, forward=1.0))
    assert world.state.mode is Mode.READY


def test_nobody_presses_on_a_robot_that_was_left() -> None:
    world = World().driving()
    assert world.ask(ReleaseLease(epoch=1)).ok
    assert (world.state.deadman, world.state.human) == (False, STILL)


def test_a_released_robot_holds_and_calls_again() -> None:
    world = World().driving()
    assert world.ask(ReleaseLease(epoch=1)).ok
    world.silence(1.0)
    assert world.state.mode is Mode.HOLD
    assert world.state.call is not None
    assert world.stands


def _gives_it_up(world: World) -> None:
    world.driving().ask(ReleaseLease(epoch=1))


def _is_gone(world: World) -> None:
    world.driving().wait(TTL_MS * MS)


def _is_struck_off_the_list(world: World) -> None:
    world.driving()
    world.state = gate_state.revoked(world.state, set(), world.now_ns)


def _has_no_battery_left(world: World) -> None:
    world.body = Body(battery_pct=1.6)
    world.tick()


def _has_a_silent_policy(world: World) -> None:
    world.policy_works = False
    world.wait(300 * MS)


@pytest.mark.parametrize(
    ("happens", "reason", "detail"),
    [
        (_gives_it_up, "Left without hand-back", "op-1 gave it up"),
        (_is_gone, "Operator is gone", "op-1 was not heard for 3 s"),
        (_is_struck_off_the_list, "Operator's key revoked", "op-1 may not drive any more"),
        (_has_no_battery_left, "Stopped for safety", "battery 2 %"),
        (_has_a_silent_policy, "The policy is silent", "no usable wish for 300 ms"),
    ],
)
def test_a_robot_without_a_driver_calls_and_says_why_and_when(
    happens: Callable[[World], None], reason: str, detail: str
) -> None:
    world = World()
    happens(world)
    call = world.state.call
    assert call is not None
    assert (call.reason, call.detail, call.stamp_ns) == (reason, detail, world.now_ns)


def test_a_call_says_where_the_robot_was_and_stays_there() -> None:
    world = World(body=Body(pose=Pose(1.5, -2.0, 0.3))).called()
    world.body = Body(pose=Pose(9.0, 9.0, 0.0))
    world.tick()
    call = world.state.call
    assert call is not None
    assert (call.x_m, call.y_m) == (1.5, -2.0)


# --- the robot needs nobody any more ---


def test_a_robot_that_needs_nobody_any_more_ends_its_call_and_works_on() -> None:
    world = World().called()
    world.events = []
    before = world.state.sublease
    world.state, events = gate_state.call_withdrawn(world.state, "it came free", world.now_ns)
    assert [(e.kind, e.text) for e in events] == [("call_withdrawn", "it came free")]
    world.tick()
    assert world.state.call is None
    assert (world.state.mode, world.state.phase) == (Mode.AUTONOMY, Phase.AUTONOMOUS)
    assert world.state.sublease == before + 1, "wishes from before the call are dead"
    assert world.moves() == ["HOLD to AUTONOMY: policy started"]
    world.silence(0.5)
    assert world.decision.applied.forward_mps > 0.0


def _stopped_while_calling(world: World) -> None:
    world.called().stopped().tick()


def _unsafe_while_calling(world: World) -> None:
    world.called()
    world.body = Body(battery_pct=1.0)
    world.tick()


def _failed_while_calling(world: World) -> None:
    world.called()
    world.state = gate_state.failed(world.state, "driver: no answer")


def _driven(world: World) -> None:
    world.driving()


def _works(world: World) -> None:
    world.tick()


def _taken_while_holding(world: World) -> None:
    """No call is open, and what is held is somebody's."""
    world.driving().wait(300 * MS)
    assert world.state.mode is Mode.HOLD


def _holds_for_somebody_beside_a_call(world: World) -> None:
    world.called()
    lease = structs.replace(world.state.lease, session="a", key=ANNA.key, operator="op-1")
    world.state = structs.replace(world.state, lease=lease)


@pytest.mark.parametrize(
    "happened",
    [
        _stopped_while_calling,
        _unsafe_while_calling,
        _failed_while_calling,
        _driven,
        _works,
        _taken_while_holding,
        _holds_for_somebody_beside_a_call,
    ],
)
def test_a_robot_ends_no_latch_and_takes_nothing_from_a_driver(
    happened: Callable[[World], object],
) -> None:
    world = World()
    happened(world)
    before = world.state
    assert gate_state.call_withdrawn(before, "it came free", world.now_ns) == (before, ())


def test_a_robot_that_holds_without_a_driver_or_a_call_says_that_nobody_has_it() -> None:
    world = World()
    world.state = structs.replace(world.state, mode=Mode.HOLD)
    world.tick()
    assert world.state.hold == Hold(reason=HoldReason.NO_LEASE)


# --- the picture ---


def test_an_older_picture_that_is_swapped_in_counts_at_once() -> None:
    world = World().driving()
    world.run(0.1, deadman=True, forward=1.0, painted_ns=world.now_ns)
    late_ns = world.now_ns - 1000 * MS  # another camera, a second behind
    world.tick(world.command(deadman=True, forward=1.0, painted_ns=late_ns))
    assert world.state.picture_age_ms == (world.now_ns - late_ns) / NS_PER_MS
    assert world.state.cap.mps < 0.15


def test_before_a_picture_was_painted_it_has_no_age() -> None:
    world = World().called()
    world.ask(RequestLease())
    world.tick(world.command(painted_ns=0))
    assert world.state.picture_age_ms == -1.0


def test_a_picture_painted_at_this_very_moment_is_one() -> None:
    world = World().driving()
    world.tick(world.command(deadman=True, painted_ns=world.now_ns), after_ns=0)
    assert (world.state.picture_age_ms, world.state.hold) == (0.0, None)


@pytest.mark.parametrize(("beyond_ns", "mode"), [(0, Mode.TELEOP), (1, Mode.HOLD)])
def test_a_picture_may_be_as_old_as_the_limit_and_no_older(beyond_ns: int, mode: Mode) -> None:
    world = World().driving()
    frozen = world.now_ns
    for _ in range(19):
        world.tick(world.command(deadman=True, painted_ns=frozen), after_ns=100 * MS)
    world.tick(world.command(deadman=True, painted_ns=frozen), after_ns=100 * MS + beyond_ns)
    assert world.state.mode is mode


def test_a_stale_picture_is_told_with_its_age_and_the_limit() -> None:
    world = World().driving()
    frozen = world.now_ns
    for _ in range(21):
        world.tick(world.command(deadman=True, painted_ns=frozen), after_ns=100 * MS)
    assert world.state.hold == Hold(reason=HoldReason.PICTURE_STALE, value=2100.0, limit=2000.0)


def test_hands_that_were_off_under_a_stale_picture_do_not_count() -> None:
    world = World().driving()
    frozen = world.now_ns
    world.run(2.5, deadman=True, painted_ns=frozen)
    world.run(1.0, painted_ns=frozen)
    world.run(0.3)
    world.run(0.3, deadman=True, forward=1.0)
    assert world.stands


def test_without_a_painted_picture_nothing_moves() -> None:
    world = World().called()
    world.ask(RequestLease())
    world.run(0.6, painted_ns=0)
    world.run(1.0, painted_ns=0, deadman=True, forward=1.0)
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.NO_PICTURE
    assert world.stands


def test_a_stale_picture_slows_and_then_holds() -> None:
    world = World().driving()
    frozen = world.now_ns
    world.run(1.0, deadman=True, forward=1.0, painted_ns=frozen)
    assert world.decision.applied.forward_mps == pytest.approx(0.1, abs=0.005)
    world.run(1.5, deadman=True, forward=1.0, painted_ns=frozen)
    assert world.state.mode is Mode.HOLD
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.PICTURE_STALE
    assert world.stands


def test_a_picture_counts_from_its_newest_stamp() -> None:
    world = World().driving()
    world.run(1.0, deadman=True, forward=1.0, painted_ns=1)
    assert world.decision.applied.forward_mps < 0.2


# --- STOP ---


def test_stop_stands_at_the_next_tick_and_stays_until_reset_and_armed() -> None:
    world = World().driving()
    world.stopped()
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.ESTOP
    assert world.stands
    assert not world.ask(HandBack(epoch=1)).ok
    assert world.ask(ResetStop(epoch=1, reason="checked")).ok
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.DISARMED
    assert world.stands
    assert not world.ask(HandBack(epoch=1)).ok
    assert world.ask(Arm(epoch=1)).ok
    world.run(1.0, deadman=True, forward=1.0)
    assert world.stands, "a held deadman must not move a robot that was just armed"
    world.run(0.6)
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_the_first_stop_stays_named() -> None:
    world = World()
    world.stopped("op-1").stopped("op-2")
    assert world.state.stopped_by == "op-1"


def test_a_failed_robot_counts_as_standing_at_once() -> None:
    world = World().driving()
    assert gate_state.failed(world.state, "the driver broke").applied == STILL


def test_what_latches_the_robot_is_told_in_no_more_than_400_characters() -> None:
    world = World().driving()
    world.state = gate_state.failed(world.state, "x" * 500)
    world.tick()
    assert world.state.latched_for == "x" * 400
    assert world.moves()[-1] == "TELEOP to FAULT: ".ljust(400, "x")


# --- who may drive, and from where ---


def test_a_command_of_somebody_who_may_only_watch_is_refused() -> None:
    world = World().called().taken()
    for role in (None, DORA.role):
        world.tick(Incoming(world.command(deadman=True, forward=1.0), ANNA.key, role))
    assert world.state.refused == {Refusal.ROLE: 2}
    assert world.stands


def test_the_same_session_under_another_key_is_somebody_else() -> None:
    world = World().driving()
    world.tick(Incoming(world.command(forward=-1.0, deadman=True), BEN.key, BEN.role))
    assert world.state.refused == {Refusal.HELD_BY_OTHER: 1}


def test_what_others_send_changes_nothing_for_the_driver() -> None:
    world = World().driving()
    alone = world.twin()
    for _ in range(30):
        mine = world.command(deadman=True, forward=1.0)
        alone.seq = world.seq
        noise = world.command(DORA, forward=-1.0, deadman=True)
        world.tick(mine, Incoming(noise, DORA.key, DORA.role), malformed=[DORA.key])
        alone.tick(mine)
        assert world.decision.applied == alone.decision.applied
        assert world.state.mode is alone.state.mode
        assert world.state.hold == alone.state.hold


def test_a_key_struck_off_the_list_loses_the_robot_at_once() -> None:
    world = World().driving()
    world.state = gate_state.revoked(world.state, {BEN.key}, world.now_ns)
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.lease.session == ""
    assert world.state.mode is Mode.HOLD
    assert world.state.call is not None
    assert world.stands


def test_a_list_that_keeps_the_driver_changes_nothing() -> None:
    world = World().driving()
    assert gate_state.revoked(world.state, {ANNA.key}, world.now_ns) == world.state


def test_a_number_that_is_none_or_too_large_is_refused_here_too() -> None:
    world = World().called().taken()
    for value in (math.nan, math.inf, -math.inf, 1.0001, -1.0001):
        for axis in ("forward", "turn", "left", "up", "grip"):
            good = world.command(deadman=True)
            world.tick(structs.replace(good, **{axis: value}))
    assert world.state.refused == {Refusal.NOT_FINITE: 25}
    world.tick(world.command(deadman=True, forward=-1.0, turn=1.0))
    assert world.state.mode is Mode.TELEOP


def test_a_stopped_robot_refuses_commands_by_its_mode() -> None:
    world = World().driving().stopped()
    world.run(0.1, deadman=True, forward=1.0)
    assert world.state.refused == {Refusal.MODE: 6}
    assert world.state.command_age_ms >= 0.0


def test_all_that_comes_in_is_accounted_for() -> None:
    world = World().called().taken()
    again = world.command()
    world.tick(again, again, world.command(epoch=99), malformed=["x"])
    world.run(0.2, deadman=True)
    state = world.state
    assert state.received == state.accepted + state.duplicates + sum(state.refused.values())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"boot_id": "old"}, Refusal.BOOT_ID), ({"echo_ns": 2**61}, Refusal.ECHO)],
)
def test_the_driver_is_told_why_nothing_counts(changes: dict[str, object], reason: Refusal) -> None:
    world = World().driving()
    world.run(0.4, deadman=True, forward=1.0, **changes)
    assert world.state.hold is not None
    assert (world.state.hold.reason, world.state.hold.refusal) == (HoldReason.REFUSED, reason)


def test_malformed_commands_of_the_driver_are_named_as_the_reason() -> None:
    world = World().driving()
    for _ in range(24):
        world.tick(malformed=[ANNA.key])
    assert world.state.hold is not None
    assert world.state.hold.refusal is Refusal.MALFORMED


def test_stale_commands_are_named_with_their_age_and_the_limit() -> None:
    world = World().driving()
    old = world.state.echoes[-1]
    world.run(0.6, deadman=True, forward=1.0, echo_ns=old)
    hold = world.state.hold
    assert hold is not None
    assert hold.reason is HoldReason.STALE
    assert hold.limit == 300.0
    assert hold.value > 300.0


def test_a_stale_command_is_named_with_the_limit_of_the_profile() -> None:
    world = World().called().taken()
    assert world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY)).ok
    world.run(0.6)
    world.run(0.2, deadman=True)
    world.run(1.1, deadman=True, echo_ns=world.state.echoes[-1])
    assert world.state.hold is not None
    assert (world.state.hold.reason, world.state.hold.limit) == (HoldReason.STALE, 800.0)


def test_refused_commands_are_told_with_the_silence_that_they_leave() -> None:
    world = World().driving()
    for _ in range(3):
        world.tick(world.command(deadman=True, boot_id="old"), after_ns=100 * MS)
    assert world.state.hold == Hold(
        reason=HoldReason.REFUSED, value=300.0, limit=200.0, refusal=Refusal.BOOT_ID
    )


@pytest.mark.parametrize(
    ("later_ns", "reason"), [(200 * MS, HoldReason.REFUSED), (200 * MS + 1, HoldReason.GAP)]
)
def test_a_refusal_is_the_reason_for_as_long_as_silence_may_last(
    later_ns: int, reason: HoldReason
) -> None:
    world = World().driving()
    world.tick(world.command(deadman=True, boot_id="old"), after_ns=100 * MS)
    world.wait(later_ns)
    assert world.state.hold is not None
    assert world.state.hold.reason is reason


def test_after_the_last_refusal_plain_silence_is_named() -> None:
    world = World().driving()
    world.run(0.3, deadman=True, forward=1.0, boot_id="old")
    world.keep(0.3)
    assert world.state.hold is not None
    assert world.state.hold.reason is HoldReason.GAP


# --- what cannot wait for anybody ---


@pytest.mark.parametrize(
    "body",
    [
        Body(stop_silent_ms=501.0),
        Body(overdriven=True),
        Body(battery_pct=2.9),
    ],
)
@pytest.mark.parametrize("driven", [True, False])
def test_what_is_unsafe_stops_the_robot_and_latches(body: Body, driven: bool) -> None:
    world = World().driving() if driven else World()
    world.body = body
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.SAFE_STOP
    assert world.state.latched_for
    assert world.stands
    assert (world.state.call is None) is driven, "it calls when nobody is there"
    world.body = Body()
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.SAFE_STOP
    if driven:
        assert world.ask(ResetStop(epoch=world.state.lease.epoch, reason="looked")).ok
        assert world.state.mode is Mode.DISARMED


def test_at_its_limits_the_body_is_still_safe() -> None:
    world = World()
    world.body = Body(battery_pct=3.0, stop_silent_ms=500.0)
    world.silence(0.2)
    assert world.state.mode is Mode.AUTONOMY


def test_a_late_tick_stops_the_motors_and_asks_for_hands_off() -> None:
    world = World().driving()
    world.tick(world.command(deadman=True, forward=1.0), after_ns=201 * NS_PER_MS)
    assert world.stands
    world.run(1.0, deadman=True, forward=1.0)
    assert world.stands
    world.run(0.6)
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_a_tick_that_is_a_little_late_changes_nothing() -> None:
    world = World().driving()
    world.tick(world.command(deadman=True, forward=1.0), after_ns=200 * NS_PER_MS)
    assert world.state.mode is Mode.TELEOP
    assert not world.stands


def test_the_first_tick_is_not_late_however_long_the_clock_runs() -> None:
    world = World().driving()
    world.state = structs.replace(world.state, tick_ns=0)
    world.tick(world.command(deadman=True, forward=1.0))
    assert not world.stands


def test_a_policy_goes_on_after_a_late_tick_from_a_stand() -> None:
    world = World()
    world.silence(1.0)
    world.tick(after_ns=NS_PER_S)
    assert world.state.mode is Mode.AUTONOMY
    assert world.decision.applied.forward_mps < 0.05


def test_a_failed_driver_stands_and_only_stop_is_remembered_beside_it() -> None:
    world = World().driving()
    world.state = gate_state.failed(world.state, "the driver broke")
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.FAULT
    assert world.stands
    world.stopped("op-2")
    assert (world.state.mode, world.state.stopped_by) == (Mode.FAULT, "op-2")


def test_a_lost_link_stands_by_the_ramp_and_says_how_long_it_took() -> None:
    world = World().driving()
    heard = world.state.heard_ns
    before = world.decision.applied.forward_mps
    while not world.stands:
        world.keep(1 / TICK_HZ)
        step = before - world.decision.applied.forward_mps
        assert step <= world.limits.decel_mps2 / TICK_HZ + 1e-9
        before = world.decision.applied.forward_mps
    took_ms = (world.now_ns - heard) / NS_PER_MS
    assert world.state.loss_to_zero_ms == pytest.approx(took_ms)
    assert took_ms <= 200.0 + 0.5 / 2.0 * 1e3 + 2 * TICK_NS / NS_PER_MS
    world.keep(2.0)
    assert world.state.loss_to_zero_ms == pytest.approx(took_ms), "one loss is measured once"


def test_a_slow_brake_is_not_cut_short_by_the_latch() -> None:
    world = World(limits=Limits(accel_mps2=0.1, decel_mps2=0.1))
    world.called().taken().run(5.0, deadman=True, forward=1.0)
    speeds = [world.decision.applied.forward_mps]
    for _ in range(2 * TICK_HZ):
        world.keep(1 / TICK_HZ)
        speeds.append(world.decision.applied.forward_mps)
    assert world.state.mode is Mode.LINK_LOST
    assert speeds[-1] > 0.0
    steps = [a - b for a, b in pairwise(speeds)]
    assert max(steps) <= 0.1 / TICK_HZ + 1e-9
    assert world.decision.source is Source.SAFETY


def test_nobody_takes_over_a_robot_that_still_rolls() -> None:
    world = World(limits=Limits(accel_mps2=0.1, decel_mps2=0.1))
    world.called().taken().run(5.0, deadman=True, forward=1.0)
    assert world.ask(ForceLease(reason="fire drill"), CARA).ok
    while not world.stands:
        world.run(1 / TICK_HZ, CARA)
        assert not world.state.neutral_seen
    world.run(0.6, CARA)
    world.run(0.2, CARA, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


# --- the policy and the operator ---


def supervised() -> World:
    world = World().driving()
    assert world.ask(StartPolicy(epoch=1)).ok
    world.run(0.6)
    assert world.state.mode is Mode.AUTONOMY
    return world


def test_the_holder_may_let_the_policy_work_and_keeps_the_lease() -> None:
    world = supervised()
    world.run(0.5)
    assert world.decision.source is Source.POLICY
    assert world.decision.applied.forward_mps == pytest.approx(0.3)
    assert world.state.lease.operator == "op-1"


def test_the_deadman_takes_over_from_the_policy_in_one_tick_without_a_jump() -> None:
    world = supervised()
    before = world.decision.applied
    world.tick(world.command(deadman=True, forward=-1.0))
    assert world.state.mode is Mode.TELEOP
    assert world.state.phase is Phase.CORRECTION
    assert world.decision.source is Source.HUMAN
    step = before.forward_mps - world.decision.applied.forward_mps
    assert 0.0 < step <= world.limits.decel_mps2 / TICK_HZ + 1e-9


def test_a_released_deadman_is_no_hand_back() -> None:
    world = supervised()
    world.run(0.2, deadman=True)
    world.run(2.0)
    assert world.state.mode is Mode.READY
    assert world.stands


def test_a_deadman_that_was_never_let_go_does_not_take_over() -> None:
    world = World().driving()
    assert world.ask(StartPolicy(epoch=1)).ok
    world.run(1.0, deadman=True, forward=-1.0)
    assert world.state.mode is Mode.AUTONOMY


def test_a_supervised_policy_stops_when_its_operator_vanishes() -> None:
    world = supervised()
    world.silence(2.9)
    assert world.state.mode is Mode.AUTONOMY
    world.silence(1.0)
    assert world.state.mode is Mode.HOLD
    assert world.state.call is not None
    assert world.stands


def test_taking_over_from_the_policy_with_a_stale_picture_stops_it() -> None:
    world = supervised()
    frozen = world.now_ns
    world.run(2.2, painted_ns=frozen)
    world.run(0.5, painted_ns=frozen, deadman=True, forward=1.0)
    assert world.state.mode is Mode.HOLD
    assert world.stands


def test_a_silent_policy_holds_and_calls() -> None:
    world = World()
    world.silence(0.5)
    world.wish(Wish(Twist(forward_mps=0.3, turn_radps=0.0), world.state.sublease, world.now_ns))
    world.silence(0.19)
    assert world.state.mode is Mode.AUTONOMY
    assert world.decision.applied.forward_mps == pytest.approx(0.3)
    world.silence(0.04)
    assert world.state.mode is Mode.HOLD
    assert world.state.call is not None
    world.silence(0.5)
    assert world.stands


@pytest.mark.parametrize(
    ("later_ns", "mode", "asked"),
    [(200 * MS, Mode.AUTONOMY, CRUISE), (200 * MS + 1, Mode.HOLD, STILL)],
)
def test_a_wish_of_the_policy_counts_for_200_ms(later_ns: int, mode: Mode, asked: Twist) -> None:
    world = World()
    world.wish(Wish(CRUISE, world.state.sublease, world.now_ns))
    world.wait(later_ns)
    assert (world.state.mode, world.decision.asked) == (mode, asked)


@pytest.mark.parametrize(
    ("later_ns", "mode"), [(200 * MS, Mode.AUTONOMY), (200 * MS + 1, Mode.HOLD)]
)
def test_the_silence_of_a_policy_is_measured_from_the_start_of_the_robot(
    later_ns: int, mode: Mode
) -> None:
    world = World(policy_works=False)
    world.wait(later_ns - TICK_NS)  # the world's first tick is over
    assert world.state.mode is mode


@pytest.mark.parametrize(
    ("later_ns", "mode"), [(200 * MS, Mode.AUTONOMY), (200 * MS + 1, Mode.HOLD)]
)
def test_the_silence_of_a_policy_is_measured_from_where_its_operator_starts_it(
    later_ns: int, mode: Mode
) -> None:
    world = World().driving()
    world.keep(0.3)
    world.policy_works = False
    assert world.ask(StartPolicy(epoch=1)).ok
    world.wait(later_ns)
    assert world.state.mode is mode


def test_a_robot_whose_policy_does_not_start_by_itself_waits_to_be_armed() -> None:
    state = gate_state.checked(GateState(boot_id="boot"), start_policy=False, now_ns=1)
    assert state.mode is Mode.DISARMED


def test_nothing_holds_a_policy_that_was_just_started() -> None:
    world = World().driving()
    world.keep(0.5)
    assert world.ask(StartPolicy(epoch=1)).ok
    assert world.state.hold is None


def test_a_silent_policy_is_told_with_the_silence_and_the_limit() -> None:
    world = supervised()
    world.wish(Wish(CRUISE, world.state.sublease, world.now_ns))
    world.wait(300 * MS)
    told = Hold(reason=HoldReason.POLICY_SILENT, value=300.0, limit=200.0)
    assert world.state.hold == told


def test_a_supervised_policy_goes_on_after_a_late_tick() -> None:
    world = supervised()
    world.tick(world.command(), after_ns=201 * MS)
    assert world.state.mode is Mode.AUTONOMY


def test_a_takeover_under_a_stale_picture_is_told_as_one_that_ends_in_a_hold() -> None:
    world = supervised()
    frozen = world.now_ns
    world.run(2.2, painted_ns=frozen)
    world.tick(world.command(deadman=True, painted_ns=frozen))
    assert world.moves()[-2:] == [
        "AUTONOMY to TELEOP: deadman pressed",
        "TELEOP to HOLD: picture stale",
    ]


def test_a_silent_policy_under_an_operator_holds_without_calling() -> None:
    world = supervised()
    world.policy_works = False
    world.run(0.3)
    assert world.state.mode in (Mode.HOLD, Mode.READY)
    assert world.state.call is None
    assert any("policy silent" in event.text for event in world.events)


def test_a_wish_of_a_policy_before_the_takeover_counts_no_more() -> None:
    world = World()
    old = Wish(Twist(forward_mps=-0.4, turn_radps=0.0), world.state.sublease, 0)
    world.called().taken()
    assert world.ask(HandBack(epoch=1)).ok
    world.policy_works = False
    for _ in range(12):
        world.wish(Wish(old.twist, old.sublease, world.now_ns + TICK_NS))
        world.tick()
        assert world.stands
    assert world.state.policy_refused > 0
    world.tick()
    assert world.state.mode is Mode.HOLD


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_policy_that_does_not_say_numbers_is_silent(value: float) -> None:
    world = World()
    world.policy_twist = Twist(forward_mps=value, turn_radps=0.0)
    for _ in range(30):
        world.tick()
        assert math.isfinite(world.decision.applied.forward_mps)
    assert world.state.mode is Mode.HOLD
    assert world.stands


def test_a_policy_that_asks_for_ten_times_the_speed_gets_the_limit() -> None:
    world = World()
    world.policy_twist = Twist(forward_mps=5.0, turn_radps=15.0)
    for _ in range(120):
        before = world.decision.applied.forward_mps
        world.tick()
        now = world.decision.applied
        assert now.forward_mps - before <= world.limits.accel_mps2 / TICK_HZ + 1e-9
        assert now.forward_mps <= world.limits.max_mps
        assert now.turn_radps <= world.limits.max_radps


def test_a_wish_from_the_future_is_none() -> None:
    world = World()
    world.wish(Wish(STILL, world.state.sublease, world.now_ns + 10 * NS_PER_S))
    world.silence(0.3)
    assert world.state.mode is Mode.HOLD


def test_a_site_may_want_the_policy_back_when_its_operator_is_lost() -> None:
    world = World(limits=Limits(resume_on_loss=True)).driving()
    world.silence(2.9)
    assert world.state.mode is Mode.LINK_LOST
    world.silence(0.5)
    assert world.state.mode is Mode.AUTONOMY
    assert world.state.call is None


def test_a_policy_that_gets_the_robot_back_leaves_no_call_and_no_wish_for_the_lease() -> None:
    world = World(limits=Limits(resume_on_loss=True)).driving().called()
    assert world.ask(RequestLease(), BEN).ok
    world.wait(TTL_MS * MS)
    assert world.state.mode is Mode.AUTONOMY
    assert (world.state.call, world.state.wanted) == (None, None)


@pytest.mark.parametrize("resume", [True, False])
def test_no_site_resumes_after_stop(resume: bool) -> None:
    world = World(limits=Limits(resume_on_loss=resume)).driving().stopped()
    world.silence(5.0)
    assert world.state.mode is Mode.ESTOP
    assert world.state.lease.session == ""


# --- profile and workspace ---


def test_the_high_latency_profile_takes_older_commands_at_a_third_of_the_speed() -> None:
    world = World().called().taken()
    assert world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY)).ok
    world.run(0.6)
    late = round(0.6 * TICK_HZ)
    for _ in range(90):
        world.ask(KeepLease(epoch=1))
        echo = world.state.echoes[-late]
        world.tick(world.command(deadman=True, forward=1.0, echo_ns=echo))
    assert world.state.mode is Mode.TELEOP
    assert world.decision.applied.forward_mps == pytest.approx(0.15)
    assert world.state.cap is not None
    assert world.state.cap.cause is CapCause.PROFILE


def test_the_profile_is_never_changed_on_the_move() -> None:
    world = World().driving()
    reply = world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY))
    assert not reply.ok
    world.run(0.1)
    assert not world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY)).ok
    world.run(0.5)
    assert world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY)).ok


def test_a_new_driver_begins_with_the_normal_profile() -> None:
    world = World().called().taken()
    assert world.ask(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY)).ok
    assert world.ask(ReleaseLease(epoch=1)).ok
    world.taken(BEN)
    assert world.state.profile is Profile.NORMAL


def test_at_the_edge_of_the_workspace_the_robot_may_only_go_back() -> None:
    world = World(limits=Limits(workspace=(-1.0, -1.0, 1.0, 1.0))).driving()
    world.body = Body(pose=Pose(x_m=1.0, y_m=0.0, heading_rad=0.0))
    world.run(0.5, deadman=True, forward=1.0)
    assert world.stands
    assert world.state.cap is not None
    assert world.state.cap.cause is CapCause.WORKSPACE
    world.run(0.5, deadman=True, forward=-1.0)
    assert world.decision.applied.forward_mps < -0.3
    assert world.state.cap.cause is CapCause.ROBOT


def test_at_the_edge_a_robot_that_pushes_against_it_still_turns_away() -> None:
    world = World(limits=Limits(workspace=(-1.0, -1.0, 1.0, 1.0))).driving()
    world.body = Body(pose=Pose(x_m=1.0, y_m=0.0, heading_rad=0.0))
    world.run(0.5, deadman=True, forward=1.0, turn=1.0)
    assert world.decision.applied == Twist(forward_mps=0.0, turn_radps=1.5)


def test_near_the_edge_a_robot_goes_as_fast_as_it_can_brake_and_no_slower() -> None:
    world = World(limits=Limits(workspace=(-1.0, -1.0, 1.0, 1.0))).driving()
    world.body = Body(pose=Pose(x_m=0.99, y_m=0.0, heading_rad=0.0))
    world.run(0.5, deadman=True, forward=1.0)
    v, dt_s = world.decision.applied.forward_mps, 1 / TICK_HZ
    assert v * dt_s + v**2 / (2 * world.limits.decel_mps2) == pytest.approx(0.01)


def test_every_change_of_mode_is_told_in_order_with_its_cause() -> None:
    world = World().driving().stopped("op-9")
    world.tick()
    told = world.moves()
    assert [line.split(":")[0] for line in told] == [
        "BOOT to DISARMED",
        "DISARMED to AUTONOMY",
        "AUTONOMY to HOLD",
        "HOLD to READY",
        "READY to TELEOP",
        "TELEOP to ESTOP",
    ]
    assert told[2].endswith("Wedged")
    assert told[-1].endswith("STOP by op-9")


# --- axes ---

EVERYWHERE = {"forward": 1.0, "turn": -1.0, "left": -1.0, "up": 0.5, "grip": 1.0}


def arm(**limits: object) -> World:
    return World(limits=Limits(max_mps=0.25, **limits), axes=ALL, policy_twist=STILL)  # type: ignore[arg-type]


def test_a_hand_is_driven_on_every_axis_that_it_has() -> None:
    world = arm().taken()
    world.run(1.0, deadman=True, **EVERYWHERE)
    assert world.state.mode is Mode.TELEOP
    assert world.decision.asked == Twist(
        forward_mps=0.25, turn_radps=-1.5, left_mps=-0.25, up_mps=0.125, grip_ps=1.0
    )
    assert world.decision.applied == Twist(
        forward_mps=pytest.approx(0.25 / 1.5),
        turn_radps=-1.5,
        left_mps=pytest.approx(-0.25 / 1.5),
        up_mps=pytest.approx(0.125 / 1.5),
        grip_ps=1.0,
    )


def test_an_axis_that_the_robot_lacks_is_neither_wished_nor_applied() -> None:
    world = World().called().taken()
    world.run(1.0, deadman=True, **EVERYWHERE)
    for twist in (world.state.human, world.decision.asked, world.decision.applied):
        assert (twist.left_mps, twist.up_mps, twist.grip_ps) == (0.0, 0.0, 0.0)
    assert world.decision.applied.forward_mps == pytest.approx(0.5)


def test_a_policy_moves_no_axis_that_the_robot_lacks() -> None:
    world = World(policy_twist=Twist(forward_mps=0.1, turn_radps=0.0, up_mps=0.1, grip_ps=1.0))
    world.silence(1.0)
    assert world.decision.applied == Twist(forward_mps=pytest.approx(0.1), turn_radps=0.0)


@pytest.mark.parametrize("axis", ["forward", "turn", "left", "up", "grip"])
def test_hands_off_means_every_axis(axis: str) -> None:
    world = arm()
    assert world.ask(RequestLease()).ok
    world.run(1.0, **{axis: 0.05})
    assert not world.state.neutral_seen
    world.run(1.0, **{axis: 0.049})
    assert world.state.neutral_seen


def test_an_old_picture_slows_every_axis() -> None:
    world = arm().taken()
    old = {"painted_ns": world.now_ns}
    world.run(0.4, deadman=True, forward=1.0, turn=1.0, grip=1.0, **old)
    applied, cap_mps = world.decision.applied, world.state.cap.mps if world.state.cap else 0.0
    assert cap_mps == pytest.approx(0.25 * 0.2 / 0.4)
    assert applied.forward_mps == pytest.approx(cap_mps, rel=0.1)
    assert applied.turn_radps == pytest.approx(1.5 * cap_mps / 0.25, rel=0.1)
    assert applied.grip_ps == pytest.approx(cap_mps / 0.25, rel=0.1)


def test_silence_stops_a_hand_and_its_fingers() -> None:
    world = arm().taken()
    world.run(1.0, deadman=True, **EVERYWHERE)
    world.silence(0.6)
    assert world.state.mode is Mode.HOLD
    assert world.stands


@pytest.mark.parametrize("ahead_m", [0.02, 0.03, 0.04, 0.05, 0.06, 0.08])
def test_a_hand_that_turns_off_before_an_edge_does_not_drift_over_it(ahead_m: float) -> None:
    """On its way from one direction to another it still goes in the first."""
    world = arm(workspace=(0.0, -1.0, 0.0, 0.5, 1.0, 0.5)).taken()
    x, y = 0.5 - ahead_m, 0.0
    for tick in range(90):
        world.body = Body(pose=Pose(x, y, 0.0, 0.2))
        asked = {"forward": 1.0} if tick < 12 else {"left": 1.0}
        world.run(1 / TICK_HZ, deadman=True, **asked)
        x += world.decision.applied.forward_mps / TICK_HZ
        y += world.decision.applied.left_mps / TICK_HZ
        assert x <= 0.5
    assert y > 0.1, "it went on along the edge"


def test_fingers_go_as_fast_as_their_own_limit_allows() -> None:
    world = arm(max_grip_ps=0.5).taken()
    world.run(1.0, deadman=True, grip=1.0)
    assert world.decision.asked.grip_ps == 0.5
    assert world.decision.applied.grip_ps == 0.5
    for _ in range(2):
        before = world.decision.applied.grip_ps
        world.run(1 / TICK_HZ, deadman=True)
        step = before - world.decision.applied.grip_ps
        assert step == pytest.approx(min(before, world.limits.decel_grip_ps2 / TICK_HZ))


def test_a_hand_at_the_floor_of_its_workspace_goes_no_lower_and_is_told_so() -> None:
    world = arm(workspace=(0.0, -1.0, 0.02, 1.0, 1.0, 0.5)).taken()
    world.body = Body(pose=Pose(0.5, 0.0, 0.0, 0.02))
    world.run(1.0, deadman=True, up=-1.0, grip=1.0)
    assert world.decision.applied == Twist(forward_mps=0.0, turn_radps=0.0, grip_ps=1.0)
    assert world.state.cap is not None
    assert world.state.cap.cause is CapCause.WORKSPACE
