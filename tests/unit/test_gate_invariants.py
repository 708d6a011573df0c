"""What holds for every history of the gate: random people, networks, policies and faults.

The numbers are those of the trust page (teleop/README.md). One virtual clock, no sleep. The quick
run takes some ten thousand ticks, the long one more than a million.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from msgspec import structs

from teleop import gate_state
from teleop.axes import ALL, PLANAR, linear, speed_mps
from teleop.gate import Body, Decision, Incoming, Wish, fractions
from teleop.gate_state import GateState
from teleop.mode import CUT_MODES, STILL_MODES
from teleop.requests import answered
from teleop.roster import Member
from teleop.safety import Limits, Pose
from tests.unit.gate_world import (
    ANNA,
    BEN,
    CARA,
    DORA,
    EMIL,
    EVERYBODY,
    TICK_NS,
    World,
)
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS
from transport.messages import (
    STILL,
    Arm,
    ChooseProfile,
    ClearFault,
    Command,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    KeepLease,
    Mode,
    Profile,
    ReleaseLease,
    Request,
    RequestBody,
    RequestLease,
    ResetStop,
    Source,
    StartPolicy,
    Twist,
)

LIMITS = (
    Limits(),
    Limits(decel_mps2=0.4, accel_mps2=0.4, hold_ms=100.0, neutral_ms=200.0),
    Limits(resume_on_loss=True, workspace=(-5.0, -5.0, 5.0, 5.0)),
    Limits(workspace=(-5.0, -5.0, 0.0, 5.0, 5.0, 0.5), max_grip_ps=0.5),
    Limits(require_picture=False, lost_ms=500.0, max_mps=2.0, max_radps=6.0),
)
AXES = (PLANAR, ALL, ("forward_mps", "left_mps", "turn_radps"), ("grip_ps",))
DT_S = 1.0 / TICK_HZ
SLACK = 1e-9

drivers = st.sampled_from([ANNA, BEN, CARA, EMIL])
anybody = st.sampled_from(EVERYBODY)
ticks = st.integers(1, 45)
sticks = st.sampled_from([1.0, -1.0, 0.4, 0.03, 0.0])
ticked = 0  # over all histories of this process


class Histories(RuleBasedStateMachine):
    """One robot, five people, and everything that can go wrong between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tape: list[Callable[[World], None]] = []  # all that came in, to be played again
        self.traffic: list[Incoming] = []
        self.holders: dict[int, tuple[str, str]] = {}
        self.accepted: dict[int, int] = {}  # epoch -> last sequence number
        self.reset_asked = False
        self.policy_asked = False
        self.latched = True  # since the last latch or takeover, hands were not off long enough
        self.hands_off_since: int | None = None
        self.last_good_ns = -1
        self.hands_off = False  # by the last command that was accepted
        self.world = World()

    def start_with(self, limits: Limits, axes: tuple[str, ...]) -> None:
        self.world = World(limits=limits, axes=axes)
        self.tape = []

    # --- one tick, with everything that must hold after it ---

    def tick(
        self, *inbox: Incoming, malformed: tuple[str, ...] = (), after_ns: int = TICK_NS
    ) -> None:
        global ticked
        ticked += 1
        world = self.world
        was, before = world.state, world.decision
        events = len(world.events)
        world.tick(*inbox, malformed=malformed, after_ns=after_ns)
        self.traffic += inbox
        self.tape.append(lambda w: w.tick(*inbox, malformed=malformed, after_ns=after_ns) and None)
        self.check(was, before, world.state, world.decision, inbox, after_ns)
        told = [e.text for e in world.events[events:] if e.kind == "mode"]
        if told:  # I21: the log begins where the robot was and ends where it is
            assert told[-1].split(":")[0].endswith(f" to {world.state.mode}")

    def check(
        self,
        was: GateState,
        before: Decision,
        now: GateState,
        decision: Decision,
        inbox: tuple[Incoming, ...],
        after_ns: int,
    ) -> None:
        limits, stamp_ns = self.world.limits, self.world.now_ns
        old, new = before.applied, decision.applied
        got = now.accepted - was.accepted
        stalled = after_ns > limits.stall_ms * NS_PER_MS
        # I6: numbers, whatever came in.
        assert all(math.isfinite(getattr(new, name)) for name in ALL)
        # I26: nothing moves on an axis that the robot lacks, whoever wishes it.
        for twist in (new, decision.asked, now.human):
            assert not any(getattr(twist, name) for name in ALL if name not in now.axes)
        # I22: all that came in is accounted for.
        assert now.received == now.accepted + now.duplicates + sum(now.refused.values())
        # I7: epochs only grow, and each has one holder.
        assert now.lease.epoch >= was.lease.epoch
        if now.lease.session:
            holder = (now.lease.key, now.lease.session)
            assert self.holders.setdefault(now.lease.epoch, holder) == holder
        if got:
            # I3, I4, I24: only the holder, only forward.
            taken = [i for i in inbox if i.command.seq == now.last_seq]
            assert any(i.key == was.lease.key for i in taken)
            self.hands_off = not taken[-1].command.deadman and all(
                abs(fraction) < 0.05 for fraction in fractions(taken[-1].command)
            )
            assert now.last_seq > self.accepted.get(was.lease.epoch, -1)
            self.accepted[was.lease.epoch] = now.last_seq
            self.last_good_ns = stamp_ns
        self.check_motion(was, old, now, decision, stalled, got > 0)
        # I8: a STOP stays until somebody resets it.
        if was.mode is Mode.ESTOP and not self.reset_asked:
            assert now.mode in (Mode.ESTOP, Mode.FAULT)
        self.reset_asked = False
        # I16: the policy does not come back by itself.
        if decision.source is Source.POLICY and before.source is not Source.POLICY:
            assert self.policy_asked or limits.resume_on_loss
        self.policy_asked = False
        # I23: silence latches in time, whatever else arrives.
        if was.mode in (Mode.TELEOP, Mode.READY, Mode.HOLD) and was.lease.session:
            silent_ms = (stamp_ns - now.heard_ns) / NS_PER_MS
            driven = now.mode in (Mode.TELEOP, Mode.READY, Mode.HOLD) and now.lease.session
            assert not (driven and silent_ms > limits.lost_ms)

    def check_motion(
        self,
        was: GateState,
        old: Twist,
        now: GateState,
        decision: Decision,
        stalled: bool,
        heard: bool,
    ) -> None:
        limits, stamp_ns, new = self.world.limits, self.world.now_ns, decision.applied
        # I5: bounded and ramped through every change of mode; only a cut or a stall goes to zero.
        assert speed_mps(new) <= limits.max_mps + SLACK
        assert abs(new.turn_radps) <= limits.max_radps + SLACK
        assert abs(new.grip_ps) <= limits.max_grip_ps + SLACK
        cut = (now.mode in CUT_MODES or stalled) and new == STILL
        if not cut and not stalled:
            step = math.dist(linear(new), linear(old))
            assert step <= limits.decel_mps2 * DT_S + SLACK
            assert abs(new.turn_radps - old.turn_radps) <= limits.decel_radps2 * DT_S + SLACK
            assert abs(new.grip_ps - old.grip_ps) <= limits.decel_grip_ps2 * DT_S + SLACK
        # I1: what is latched slows down and stands.
        if now.mode in STILL_MODES:
            for name in ALL:
                assert abs(getattr(new, name)) <= abs(getattr(old, name))
            assert decision.source is Source.SAFETY
        if now.mode in CUT_MODES:
            assert new == STILL
        # I10: after a latch or a takeover, hands off for long enough and then a new press.
        if now.lease.epoch != was.lease.epoch or now.mode in STILL_MODES - {Mode.LINK_LOST}:
            self.latched, self.hands_off_since = True, None
        if now.mode is Mode.LINK_LOST and was.mode is not Mode.LINK_LOST:
            self.latched, self.hands_off_since = True, None
        if stamp_ns - now.heard_ns > limits.hold_ms * NS_PER_MS:
            self.hands_off_since = None
        if heard:
            if not self.hands_off:
                self.hands_off_since = None
            elif self.hands_off_since is None:
                self.hands_off_since = stamp_ns
            elif stamp_ns - self.hands_off_since >= limits.neutral_ms * NS_PER_MS:
                self.latched = False
        if decision.source is not Source.HUMAN:
            if decision.source is not Source.POLICY:
                assert decision.asked == STILL
            return
        # I11: no deadman, no wish.
        if not now.deadman:
            assert decision.asked == STILL
        for speed in (speed_mps, lambda t: abs(t.turn_radps), lambda t: abs(t.grip_ps)):
            if speed(new) <= speed(old) + SLACK:
                continue
            assert not self.latched
            # I2, I14: only a fresh command of the holder makes it faster, and never past its wish.
            assert stamp_ns - self.last_good_ns <= limits.hold_ms * NS_PER_MS
            assert speed(new) <= speed(now.human) + SLACK

    def ask(self, body: RequestBody, member: Member) -> None:
        self.reset_asked |= isinstance(body, ResetStop | ClearFault)
        self.policy_asked |= isinstance(body, StartPolicy | HandBack)
        self.world.ask(body, member)
        self.tape.append(lambda w: w.ask(body, member) and None)

    # --- people in good order ---

    @rule(who=drivers, forward=sticks, turn=sticks, deadman=st.booleans(), n=ticks)
    def drive(self, who: Member, forward: float, turn: float, deadman: bool, n: int) -> None:
        for _ in range(n):
            self.ask(KeepLease(epoch=self.world.state.lease.epoch), who)
            command = self.world.command(who, forward=forward, turn=turn, deadman=deadman)
            self.tick(World.by(who, command))

    @rule(who=drivers, left=sticks, up=sticks, grip=sticks, n=ticks)
    def drive_a_hand(self, who: Member, left: float, up: float, grip: float, n: int) -> None:
        for _ in range(n):
            self.ask(KeepLease(epoch=self.world.state.lease.epoch), who)
            command = self.world.command(who, left=left, up=up, grip=grip, deadman=True)
            self.tick(World.by(who, command))

    @rule(who=drivers, up=sticks, n=st.integers(1, 45))
    def get_a_hand_going(self, who: Member, up: float, n: int) -> None:
        self.get_going(who, 0.4, n, policy=False)
        key = self.world.state.lease.key
        holder = next((m for m in EVERYBODY if m.key == key), who)
        self.drive_a_hand(holder, 1.0, up, -1.0, n)

    @rule(who=drivers, forward=sticks, n=st.integers(1, 90), policy=st.booleans())
    def get_going(self, who: Member, forward: float, n: int, policy: bool) -> None:
        """Whatever the robot is in, people bring it back to work: most histories are here."""
        self._set(lambda w: setattr(w, "policy_works", True))
        self.ask(ClearFault(reason="mended"), EMIL)
        self.ask(RequestLease(), who)
        if self.world.state.lease.key != who.key:
            who = CARA
            self.ask(ForceLease(reason="needed"), who)
        epoch = self.world.state.lease.epoch
        self.ask(ResetStop(epoch=epoch, reason="looked"), who)
        self.ask(Arm(epoch=epoch), who)
        self.ask(ChooseProfile(epoch=epoch, profile=list(Profile)[n % 2]), who)
        self.drive(who, 0.0, 0.0, deadman=False, n=45)
        self.drive(who, forward, 0.2, deadman=True, n=n)
        if policy:
            self.ask(StartPolicy(epoch=epoch), who)
            self.drive(who, 0.0, 0.0, deadman=False, n=n)

    @rule(who=drivers, forward=sticks, n=ticks)
    def get_going_again(self, who: Member, forward: float, n: int) -> None:
        self.get_going(who, forward, n, policy=False)

    @rule(who=drivers, n=st.integers(1, 90))
    def lose_the_link_and_find_it(self, who: Member, n: int) -> None:
        self.get_going(who, 1.0, 45, policy=False)
        self.wait(n)
        key = self.world.state.lease.key
        holder = next((m for m in EVERYBODY if m.key == key), who)
        self.drive(holder, 1.0, 0.0, deadman=True, n=n)

    @rule(who=anybody, n=ticks)
    def ask_for_the_lease(self, who: Member, n: int) -> None:
        self.ask(RequestLease(), who)
        self.wait(n)

    @rule(who=anybody, other=drivers, yes=st.booleans())
    def decide_about_the_lease(self, who: Member, other: Member, yes: bool) -> None:
        epoch, session = self.world.state.lease.epoch, other.key[0]
        kind = GrantLease if yes else DenyLease
        self.ask(kind(epoch=epoch, session=session), who)
        self.tick()

    @rule(who=anybody, reason=st.sampled_from(["fire drill", "wrong robot"]))
    def force(self, who: Member, reason: str) -> None:
        self.ask(ForceLease(reason=reason), who)
        self.tick()

    @rule(
        who=anybody,
        kind=st.sampled_from([ReleaseLease, Arm, StartPolicy, HandBack, ResetStop, KeepLease]),
    )
    def request(self, who: Member, kind: Callable[..., RequestBody]) -> None:
        self.ask(kind(epoch=self.world.state.lease.epoch), who)
        self.tick()

    @rule(who=anybody, profile=st.sampled_from(list(Profile)))
    def choose(self, who: Member, profile: Profile) -> None:
        self.ask(ChooseProfile(epoch=self.world.state.lease.epoch, profile=profile), who)
        self.tick()

    # --- networks ---

    @rule(n=st.integers(1, 260))
    def wait(self, n: int) -> None:
        for _ in range(n):
            self.tick()

    @rule(who=drivers, n=ticks, late=st.integers(1, 90))
    def late_commands(self, who: Member, n: int, late: int) -> None:
        for _ in range(n):
            echoes = self.world.state.echoes
            command = self.world.command(
                who, deadman=True, forward=1.0, echo_ns=echoes[-min(late, len(echoes))]
            )
            self.tick(World.by(who, command))

    @rule(who=drivers, frozen=st.booleans(), n=st.integers(1, 150))
    def a_picture_that_stands(self, who: Member, frozen: bool, n: int) -> None:
        painted_ns = self.world.now_ns if frozen else 0
        for _ in range(n):
            self.ask(KeepLease(epoch=self.world.state.lease.epoch), who)
            command = self.world.command(who, deadman=True, forward=1.0, painted_ns=painted_ns)
            self.tick(World.by(who, command))

    @rule(n=st.integers(1, 40), every=st.integers(1, 7))
    def old_traffic_again(self, n: int, every: int) -> None:
        again, accepted = self.traffic[::-every][:n], self.world.state.accepted
        for incoming in again:
            self.tick(incoming)
        assert self.world.state.accepted == accepted  # I4

    @rule(
        who=anybody,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "session": st.sampled_from(["a", "x"]),
                "boot_id": st.just("earlier"),
                "epoch": st.integers(0, 5),
                "seq": st.integers(0, 2**61),
                "echo_ns": st.integers(0, 2**61),
                "painted_ns": st.integers(0, 2**61),
                "forward": st.sampled_from([1.0, math.nan, math.inf, 9.0, -0.0]),
                "grip": st.sampled_from([1.0, math.nan, -math.inf, -9.0]),
                "input_ns": st.integers(0, 2**61),
            },
        ),
        n=st.integers(1, 12),
    )
    def odd_commands(self, who: Member, changes: dict[str, object], n: int) -> None:
        for _ in range(n):
            command = _changed(self.world.command(who, deadman=True, forward=1.0), changes)
            self.tick(World.by(who, command), malformed=(who.key,))

    @rule(n=ticks)
    def strangers_change_nothing(self, n: int) -> None:
        """I15: the same history without their messages, counters aside, is the same."""
        for _ in range(n):
            alone = self.world.twin()
            noise = self.world.command(DORA, deadman=True, forward=-1.0)
            unlisted = Incoming(self.world.command(ANNA, forward=1.0), "z" * 40, None)
            self.tick(World.by(DORA, noise), unlisted, malformed=("z" * 40,))
            decision = alone.tick()
            assert decision.applied == self.world.decision.applied
            for name in ("mode", "hold", "lease", "deadman", "human", "neutral_ns", "last_seq"):
                assert getattr(alone.state, name) == getattr(self.world.state, name)

    # --- the robot ---

    @rule(after=st.sampled_from(EVERYBODY), n=ticks)
    def stop(self, after: Member, n: int) -> None:
        self.world.stopped(after.name)
        self.tape.append(lambda w: w.stopped(after.name) and None)
        self.tick(World.by(ANNA, self.world.command(deadman=True, forward=1.0)))
        assert self.world.decision.applied == STILL  # I9
        assert self.world.state.mode in (Mode.ESTOP, Mode.FAULT)
        self.wait(n)

    @rule(n=ticks)
    def call(self, n: int) -> None:
        self._at_once(lambda w: gate_state.call(w.state, "r", "d", w.now_ns))
        self.wait(n)

    @rule(n=ticks, cleared=st.booleans())
    def fail(self, n: int, cleared: bool) -> None:
        self._at_once(lambda w: gate_state.failed(w.state, "broke"))
        self.wait(n)
        assert self.world.stands
        if cleared:
            self.ask(ClearFault(reason="mended"), EMIL)
            self.tick()

    @rule(listed=st.sets(st.sampled_from([m.key for m in EVERYBODY])))
    def revoke(self, listed: set[str]) -> None:
        self._at_once(lambda w: gate_state.revoked(w.state, listed, w.now_ns))
        assert not self.world.state.lease.session or self.world.state.lease.key in listed
        self.tick()

    @rule(ms=st.integers(17, 900))
    def stall(self, ms: int) -> None:
        self.tick(after_ns=ms * NS_PER_MS)

    @rule(
        body=st.sampled_from(
            [
                Body(),
                Body(pose=Pose(x_m=4.9, y_m=0.0, heading_rad=0.1)),
                Body(pose=Pose(x_m=4.9, y_m=-4.99, heading_rad=0.0, z_m=0.01)),
                Body(stop_silent_ms=600.0),
                Body(overdriven=True),
                Body(battery_pct=1.0),
            ]
        )
    )
    def another_body(self, body: Body) -> None:
        self._set(lambda w: setattr(w, "body", body))
        self.wait(3)
        if body in (Body(stop_silent_ms=600.0), Body(overdriven=True), Body(battery_pct=1.0)):
            assert self.world.state.mode in (Mode.SAFE_STOP, Mode.ESTOP, Mode.FAULT)
            self._set(lambda w: setattr(w, "body", Body()))

    @rule(
        speed=st.sampled_from([0.3, -0.5, 5.0, math.nan, math.inf]),
        grip=st.sampled_from([0.0, 0.5, -9.0, math.nan]),
        sublease=st.integers(-1, 1),
        silent=st.booleans(),
    )
    def another_policy(self, speed: float, grip: float, sublease: int, silent: bool) -> None:
        twist = Twist(forward_mps=speed, turn_radps=0.2, up_mps=speed, grip_ps=grip)

        def change(world: World) -> None:
            world.policy_twist, world.policy_works = twist, not silent
            if silent:
                world.wish(Wish(twist, world.state.sublease + sublease, world.now_ns))

        self._set(change)
        self.wait(5)

    @rule()
    def a_policy_in_good_order(self) -> None:
        self._set(lambda w: setattr(w, "policy_works", True))
        self._set(lambda w: setattr(w, "policy_twist", Twist(forward_mps=0.3, turn_radps=0.0)))

    def _set(self, change: Callable[[World], None]) -> None:
        change(self.world)
        self.tape.append(change)

    def _at_once(self, change: Callable[[World], GateState]) -> None:
        def apply(world: World) -> None:
            world.state = change(world)

        self._set(apply)

    @rule(limits=st.sampled_from(LIMITS), axes=st.sampled_from(AXES))
    def another_robot(self, limits: Limits, axes: tuple[str, ...]) -> None:
        self.teardown()
        count = ticked
        self.__init__()  # type: ignore[misc]
        self.start_with(limits, axes)
        assert count == ticked

    def teardown(self) -> None:
        """I18: the same input gives the same robot, to the last bit."""
        again = World(limits=self.world.limits, axes=self.world.axes)
        for step in self.tape:
            step(again)
        assert repr(again.state) == repr(self.world.state)
        assert repr(again.decision) == repr(self.world.decision)


def _changed(command: Command, changes: dict[str, object]) -> Command:
    return structs.replace(command, **changes)


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_invariants_hold_over_random_histories() -> None:
    run(examples=30, steps=40)


@pytest.mark.long
def test_invariants_hold_over_a_million_ticks() -> None:
    wanted = int(os.environ.get("UNSTICK_TICKS", "1000000"))
    begun = ticked
    while ticked - begun < wanted:
        run(examples=200, steps=60)
    print(f"{ticked - begun} ticks, no invariant broken")


def test_the_clock_of_a_console_decides_nothing() -> None:
    """I13: the same history with another console's clock is the same robot."""
    decisions = []
    for offset in (0, 10**18):
        world = World().called()
        assert answered(
            world.state,
            Request(request_id=1, session="a", body=RequestLease()),
            ANNA,
            world.now_ns,
            99,
        )[1].ok
        world.taken()
        for n in range(200):
            world.tick(world.command(deadman=n % 50 < 40, forward=1.0, input_ns=offset + n))
        decisions.append(world.decision.applied)
    assert decisions[0] == decisions[1]
