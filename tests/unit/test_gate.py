"""The gate: nothing moves the robot but a fresh command of its holder under a live picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop import gate
from teleop.requests import answered
from teleop.safety import Limits
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    STILL,
    Arm,
    Command,
    Event,
    HandBack,
    KeepLease,
    MarkOutcome,
    MarkPhase,
    Mode,
    Outcome,
    Phase,
    Ping,
    Refusal,
    ReleaseLease,
    Reply,
    Request,
    RequestBody,
    RequestLease,
    ResetStop,
    Source,
    Twist,
)

TICK_NS = NS_PER_S // TICK_HZ
CRUISE = Twist(forward_mps=0.3, turn_radps=0.0)


@dataclass
class World:
    """A robot's gate with a console beside it, on one virtual clock."""

    now_ns: int = 10 * NS_PER_S
    limits: Limits = field(default_factory=Limits)
    seq: int = 0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = gate.checked(gate.GateState(boot_id="boot"), start_policy=True)
        self.decision = self.tick()

    def tick(self, *commands: Command, malformed: int = 0) -> gate.Decision:
        self.now_ns += TICK_NS
        self.decision = gate.step(self.state, commands, malformed, CRUISE, self.now_ns, self.limits)
        self.state = gate.sent(self.decision.state, self.now_ns)
        self.events += self.decision.events
        return self.decision

    def command(self, **changes: object) -> Command:
        """What a console in good order would send now."""
        self.seq += 1
        good: dict[str, object] = {
            "session": "a",
            "boot_id": "boot",
            "epoch": self.state.lease.epoch,
            "seq": self.seq,
            "echo_ns": self.state.echoes[-1],
            "painted_ns": self.now_ns - 40 * NS_PER_MS,
            "deadman": False,
            "forward": 0.0,
            "turn": 0.0,
            "input_ns": 1,
        }
        return Command(**{**good, **changes})  # type: ignore[arg-type]

    def ask(self, body: RequestBody, session: str = "a", operator: str = "op-1") -> Reply:
        request = Request(request_id=1, operator=operator, session=session, body=body)
        self.state, reply, events = answered(self.state, request, self.now_ns)
        self.events += events
        return reply

    def run(self, seconds: float, **command: object) -> None:
        """Tick with a command in each tick, and the lease kept."""
        for _ in range(round(seconds * TICK_HZ)):
            self.ask(KeepLease(epoch=self.state.lease.epoch))
            self.tick(self.command(**command))

    def silence(self, seconds: float) -> None:
        for _ in range(round(seconds * TICK_HZ)):
            self.tick()

    def called(self) -> World:
        self.state = gate.call(self.state, "Wedged", "wheels turn", self.now_ns)
        self.tick()
        return self

    def taken(self) -> World:
        assert self.ask(RequestLease()).ok
        self.run(0.6)
        return self

    def driving(self) -> World:
        self.called().taken().run(1.0, deadman=True, forward=1.0)
        assert self.state.mode is Mode.TELEOP
        assert self.decision.applied.forward_mps > 0.3
        return self

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def stands(world: World) -> bool:
    return world.decision.applied == STILL


# --- the story ---


def test_a_policy_drives_until_the_robot_calls_and_then_it_holds() -> None:
    world = World()
    world.silence(1.0)
    assert world.decision.source is Source.POLICY
    assert world.decision.applied.forward_mps == pytest.approx(0.3)
    world.called().silence(1.0)
    assert world.state.mode is Mode.HOLD
    assert world.state.hold is not None
    assert world.state.hold.reason is Refusal.CALLING
    assert stands(world)


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
    request = Request(request_id=1, operator="op-1", session="a", body=RequestLease(), version=99)
    state, reply, _ = answered(world.state, request, world.now_ns)
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
    assert stands(world)


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
    assert stands(world)
    world.run(0.6)
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_after_link_loss_a_press_without_a_picture_holds() -> None:
    world = World().driving()
    world.silence(1.2)
    old = world.now_ns - 5 * NS_PER_S
    world.state = replace(world.state, painted_ns=old)
    world.run(0.6, painted_ns=old)
    world.run(0.5, painted_ns=old, deadman=True, forward=1.0)
    assert world.state.mode is Mode.HOLD
    assert stands(world)


def test_releasing_the_deadman_stops_by_the_ramp() -> None:
    world = World().driving()
    world.run(0.4)
    assert world.state.mode is Mode.READY
    assert stands(world)


def test_a_phase_can_be_marked_recovery_or_correction_only() -> None:
    world = World().driving()
    assert world.ask(MarkPhase(epoch=1, phase=Phase.CORRECTION)).ok
    assert world.state.phase is Phase.CORRECTION
    assert not world.ask(MarkPhase(epoch=1, phase=Phase.PATROL)).ok


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
    twin = replace(world)
    twin.state = world.state
    world.tick(world.command(deadman=True, forward=1.0, **changes))
    twin.tick()
    assert world.state.refused[reason] == 1
    assert world.state.mode is twin.state.mode
    assert world.decision.applied == twin.decision.applied


def test_a_stamp_between_two_states_was_never_issued() -> None:
    world = World().called().taken()
    world.tick(world.command(echo_ns=world.state.echoes[-1] - 1))
    assert world.state.refused == {Refusal.ECHO: 1}


def test_commands_without_a_lease_are_refused() -> None:
    world = World().called()
    world.tick(world.command(deadman=True, forward=1.0))
    assert world.state.refused == {Refusal.NO_LEASE: 1}
    assert stands(world)


def test_an_echo_older_than_the_limit_is_stale() -> None:
    world = World().called().taken()
    old = world.state.echoes[-1]
    world.run(0.35, deadman=True, forward=1.0, echo_ns=old)
    assert world.state.refused[Refusal.STALE] > 0
    assert world.state.command_age_ms > 300


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
    assert stands(world)
    for command in recorded:
        world.tick(command)
        assert stands(world)


def test_what_cannot_be_read_is_counted() -> None:
    world = World()
    world.tick(malformed=3)
    assert world.state.refused == {Refusal.MALFORMED: 3}


# --- silence ---


def test_silence_holds_after_200_ms_and_latches_after_a_second() -> None:
    world = World().driving()
    world.silence(0.19)
    assert world.state.mode is Mode.TELEOP
    world.silence(0.03)
    assert world.state.mode is Mode.HOLD
    world.silence(0.3)
    assert stands(world)
    world.silence(0.6)
    assert world.state.mode is Mode.LINK_LOST
    assert "link_lost" in world.kinds()


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
    assert world.state.hold.reason is Refusal.NOT_NEUTRAL
    assert stands(world)


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
    assert stands(world)


def test_never_back_to_the_policy_by_silence() -> None:
    world = World().driving()
    world.silence(30.0)
    assert world.state.mode is not Mode.AUTONOMY


# --- takeover ---


def test_a_new_holder_needs_hands_off_first() -> None:
    world = World().called()
    assert world.ask(RequestLease()).ok
    world.run(1.0, deadman=True, forward=1.0)
    assert stands(world)
    assert world.state.hold is not None
    assert world.state.hold.reason is Refusal.NOT_NEUTRAL


def test_a_second_operator_is_refused_by_name() -> None:
    world = World().driving()
    reply = world.ask(RequestLease(), session="b", operator="op-2")
    assert not reply.ok
    assert "op-1" in reply.reason


def test_a_released_robot_holds_and_calls_again() -> None:
    world = World().driving()
    assert world.ask(ReleaseLease(epoch=1)).ok
    world.silence(1.0)
    assert world.state.mode is Mode.HOLD
    assert world.state.call is not None
    assert stands(world)


def test_requests_of_strangers_are_refused() -> None:
    world = World().driving()
    for body in (HandBack(epoch=1), ReleaseLease(epoch=1), Arm(epoch=1), ResetStop(epoch=1)):
        assert not world.ask(body, session="b").ok
    assert world.ask(Ping(), session="b").ok
    assert world.state.mode is Mode.TELEOP


# --- the picture ---


def test_without_a_painted_picture_nothing_moves() -> None:
    world = World().called()
    world.ask(RequestLease())
    world.run(0.6, painted_ns=0)
    world.run(1.0, painted_ns=0, deadman=True, forward=1.0)
    assert world.state.hold is not None
    assert world.state.hold.reason is Refusal.NO_PICTURE
    assert stands(world)


def test_a_stale_picture_slows_and_then_holds() -> None:
    world = World().driving()
    frozen = world.now_ns
    world.run(1.0, deadman=True, forward=1.0, painted_ns=frozen)
    assert world.decision.applied.forward_mps == pytest.approx(0.1, abs=0.005)
    world.run(1.5, deadman=True, forward=1.0, painted_ns=frozen)
    assert world.state.mode is Mode.HOLD
    assert world.state.hold is not None
    assert world.state.hold.reason is Refusal.PICTURE_STALE
    assert stands(world)


def test_a_picture_counts_from_its_newest_stamp() -> None:
    world = World().driving()
    world.run(1.0, deadman=True, forward=1.0, painted_ns=1)
    assert world.decision.applied.forward_mps < 0.2


# --- STOP ---


def test_stop_stands_at_the_next_tick_and_stays_until_reset_and_armed() -> None:
    world = World().driving()
    world.state = gate.stop(world.state, "op-3")
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.ESTOP
    assert stands(world)
    assert not world.ask(HandBack(epoch=1)).ok
    assert world.ask(ResetStop(epoch=1, reason="checked")).ok
    world.run(1.0, deadman=True, forward=1.0)
    assert world.state.mode is Mode.DISARMED
    assert stands(world)
    assert not world.ask(HandBack(epoch=1)).ok
    assert world.ask(Arm(epoch=1)).ok
    world.run(1.0, deadman=True, forward=1.0)
    assert stands(world), "a held deadman must not move a robot that was just armed"
    world.run(0.6)
    world.run(0.5, deadman=True, forward=1.0)
    assert world.state.mode is Mode.TELEOP


def test_the_first_stop_stays_named() -> None:
    world = World()
    world.state = gate.stop(gate.stop(world.state, "op-1"), "op-2")
    assert world.state.stopped_by == "op-1"


# --- histories ---

ACTIONS = st.sampled_from(
    ["drive", "idle", "silent", "stale", "stop", "reset", "arm", "lease", "release", "back", "call"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ACTIONS, st.integers(1, 90)), max_size=25))
def test_invariants_hold_over_histories(history: list[tuple[str, int]]) -> None:
    world = World()
    newest_good_ns = -1
    for action, ticks in history:
        epoch = world.state.lease.epoch
        match action:
            case "stop":
                world.state = gate.stop(world.state, "op-3")
            case "reset":
                world.ask(ResetStop(epoch=epoch))
            case "arm":
                world.ask(Arm(epoch=epoch))
            case "lease":
                world.ask(RequestLease())
            case "release":
                world.ask(ReleaseLease(epoch=epoch))
            case "back":
                world.ask(HandBack(epoch=epoch))
            case "call":
                world.state = gate.call(world.state, "r", "d", world.now_ns)
            case _:
                pass
        for _ in range(ticks):
            before, was = world.decision.applied, world.state
            if action in ("drive", "idle"):
                world.ask(KeepLease(epoch=world.state.lease.epoch))
                moving = action == "drive"
                world.tick(world.command(deadman=moving, forward=1.0 if moving else 0.0))
            elif action == "stale":
                world.tick(world.command(deadman=True, forward=1.0, echo_ns=was.echoes[0] - 1))
            else:
                world.tick()
            if world.state.accepted > was.accepted:
                newest_good_ns = world.now_ns
            now = world.decision.applied
            latched = world.state.mode in (
                Mode.DISARMED,
                Mode.LINK_LOST,
                Mode.SAFE_STOP,
                Mode.ESTOP,
                Mode.FAULT,
            )
            if latched:
                assert now == STILL
            elif world.state.mode is not Mode.AUTONOMY and abs(now.forward_mps) > abs(
                before.forward_mps
            ):
                assert world.now_ns - newest_good_ns <= world.limits.hold_ms * NS_PER_MS
            if was.mode is Mode.ESTOP:
                assert world.state.mode is Mode.ESTOP
            assert abs(now.forward_mps) <= world.limits.max_mps
            assert world.state.lease.epoch >= was.lease.epoch
            assert world.state.accepted + world.state.duplicates >= was.accepted
