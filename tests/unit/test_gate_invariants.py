"""What holds for every history of the gate: random people, networks, policies and faults.

The numbers are those of the trust page (teleop/README.md). One virtual clock, no sleep. The quick
run takes some ten thousand ticks, the long one more than a million.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from msgspec import structs

from teleop import gate_state
from teleop.axes import ALL, PLANAR, linear, speed_mps
from teleop.gate import Body, Decision, Incoming, Wish, fractions
from teleop.gate_state import GateState
from teleop.mode import CUT_MODES, DRIVEN_MODES, STILL_MODES
from teleop.requests import MAY
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
    AnnotationKind,
    Arm,
    ChooseProfile,
    ClearFault,
    Command,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    HoldReason,
    KeepLease,
    LookAtCall,
    Mode,
    Outcome,
    PassCall,
    Phase,
    Profile,
    ReleaseLease,
    Reply,
    RequestBody,
    RequestLease,
    ResetStop,
    Role,
    SkipCall,
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
# The one request that leads out of a mode in which nothing may move; out of the others none does.
WAY_OUT = {
    Mode.DISARMED: Arm,
    Mode.SAFE_STOP: ResetStop,
    Mode.ESTOP: ResetStop,
    Mode.FAULT: ClearFault,
}

BLIND = (HoldReason.NO_PICTURE, HoldReason.PICTURE_STALE)
LATCHES = (
    "STOP",
    "disarmed",
    "safe stop",
    "link lost",
    "late tick",
    "no picture",
    "fault",
    "fault and STOP",
)
WORDS = {  # what requests say besides the epoch
    "reason": "no reason",
    "session": "a",
    "outcome": Outcome.SUCCESS,
    "phase": Phase.CORRECTION,
    "profile": Profile.HIGH_LATENCY,
    "episode": "e",
    "kind": AnnotationKind.NOTE,
    "to": "op-2",
}
Done = TypeVar("Done")

drivers = st.sampled_from([ANNA, BEN, CARA, EMIL])
anybody = st.sampled_from(EVERYBODY)
ticks = st.integers(1, 45)
sticks = st.sampled_from([1.0, -1.0, 0.4, 0.03, 0.0])
ticked = 0  # over all histories of this process


class Histories(RuleBasedStateMachine):
    """One robot, five people, and everything that can go wrong between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tape: list[Callable[[World], object]] = []  # all that came in, to be played again
        self.course: list[object] = []  # what was to be seen after each of it
        self.traffic: list[Incoming] = []
        self.holders: dict[int, tuple[str, str]] = {}
        self.accepted: dict[int, int] = {}  # epoch -> last sequence number
        self.epoch = 0  # at the last look, be it at a tick or at a request
        self.latched = True  # since the last latch or takeover, hands were not off long enough
        self.hands_off_since: int | None = None
        self.stood = True  # since the last takeover, or a policy has driven since
        self.braking = 0  # ticks in a row in which nobody may drive
        self.last_good_ns = -1
        self.hands_off = False  # by the last command that was accepted
        self.world = World()
        self.told_mode = self.world.state.mode  # where the log says that the robot is

    def start_with(self, limits: Limits, axes: tuple[str, ...] = PLANAR) -> None:
        self.world = World(limits=limits, axes=axes)
        self.told_mode = self.world.state.mode
        self.tape, self.course = [], []

    def _do(self, step: Callable[[World], Done]) -> Done:
        """Everything that happens to the robot happens here, so that it can be played again."""
        done = step(self.world)
        self.tape.append(step)
        self.course.append(seen(self.world))
        return done

    # --- one tick, with everything that must hold after it ---

    def tick(
        self, *inbox: Incoming, malformed: tuple[str, ...] = (), after_ns: int = TICK_NS
    ) -> None:
        global ticked
        ticked += 1
        world = self.world
        was, before = world.state, world.decision.applied
        self._do(lambda w: w.tick(*inbox, malformed=malformed, after_ns=after_ns))
        self.traffic += inbox
        self.check(was, before, world.state, world.decision, inbox, after_ns)
        self.check_log(world.decision)

    def check_log(self, decision: Decision) -> None:
        """I21: each change of mode, with its cause, in order; what is not told has not happened."""
        for event in decision.events:
            if event.kind == "mode":
                moved, _, cause = event.text.partition(": ")
                assert moved.split(" to ")[0] == self.told_mode
                assert moved.split(" to ")[1] != self.told_mode
                assert cause
                self.told_mode = Mode(moved.split(" to ")[1])
        assert self.told_mode is decision.state.mode

    def check_lease(self, now: GateState) -> None:
        """I7: epochs only grow, and each has one holder. Who is new finds a robot to be latched."""
        assert now.lease.epoch >= self.epoch
        if now.lease.session:
            holder = (now.lease.key, now.lease.session)
            assert self.holders.setdefault(now.lease.epoch, holder) == holder
        if now.lease.epoch != self.epoch:
            self.latched, self.hands_off_since, self.stood = True, None, False
        self.epoch = now.lease.epoch

    def check(
        self,
        was: GateState,
        old: Twist,
        now: GateState,
        decision: Decision,
        inbox: tuple[Incoming, ...],
        after_ns: int,
    ) -> None:
        limits, stamp_ns = self.world.limits, self.world.now_ns
        new = decision.applied
        got = now.accepted - was.accepted
        stalled = after_ns > limits.stall_ms * NS_PER_MS
        # I6: numbers, whatever came in.
        assert all(math.isfinite(getattr(new, name)) for name in ALL)
        # I26: nothing moves on an axis that the robot lacks, whoever wishes it.
        for twist in (new, decision.asked, now.human):
            assert not any(getattr(twist, name) for name in ALL if name not in now.axes)
        # I22: all that came in is accounted for.
        assert now.received == now.accepted + now.duplicates + sum(now.refused.values())
        self.check_lease(now)
        if got:
            # I2, I3, I4, I24: only the holder, only what is meant for now, only forward.
            (taken,) = [i.command for i in inbox if i.key == was.lease.key]
            assert (taken.seq, taken.session) == (now.last_seq, was.lease.session)
            assert (taken.boot_id, taken.epoch) == (was.boot_id, was.lease.epoch)
            age_ms = (stamp_ns - taken.echo_ns) / NS_PER_MS
            assert 0.0 <= age_ms <= limits.age_limit_ms(was.profile)
            self.hands_off = not taken.deadman and all(
                abs(fraction) < 0.05 for fraction in fractions(taken)
            )
            assert now.last_seq > self.accepted.get(was.lease.epoch, -1)
            self.accepted[was.lease.epoch] = now.last_seq
            self.last_good_ns = stamp_ns
        self.check_motion(was, old, now, decision, stalled, got > 0)
        # I8: no tick leaves a STOP, or a fault, whatever comes in with it.
        if was.mode in (Mode.ESTOP, Mode.FAULT):
            assert now.mode is was.mode
            assert now.stopped_by == was.stopped_by
        # I16: the policy does not come back by itself, and has nothing to say to a fresh press.
        if now.mode is Mode.AUTONOMY and was.mode is not Mode.AUTONOMY:
            assert limits.resume_on_loss
            assert not now.lease.session
        if decision.source is Source.POLICY:
            assert now.mode is Mode.AUTONOMY
            assert self.latched or not now.deadman
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
        # I1: what is latched brakes as hard as it can until it stands.
        if now.mode in STILL_MODES:
            assert decision.source is Source.SAFETY
            assert decision.asked == STILL
        if now.mode in CUT_MODES:
            assert new == STILL
        # I2: so does what nobody may drive: no later than hold_ms after the last good command.
        silent = stamp_ns - self.last_good_ns > limits.hold_ms * NS_PER_MS
        if silent and decision.source is not Source.POLICY:
            assert decision.asked == STILL
        if decision.asked == STILL:
            self.braking += 1
            for before, after, decel in zip(speeds(old), speeds(new), brakes(limits), strict=True):
                assert after <= max(0.0, before - decel * DT_S) + SLACK
        else:
            self.braking = 0
        tops = zip(top_speeds(limits), brakes(limits), strict=True)
        if self.braking > math.ceil(max(top / decel for top, decel in tops) / DT_S) + 1:
            assert new == STILL
        # I10: after a latch or a takeover, hands off for long enough and then a new press.
        if stamp_ns - now.heard_ns > limits.hold_ms * NS_PER_MS:
            self.hands_off_since = None
        if heard:
            if not self.hands_off:
                self.hands_off_since = None
            elif self.hands_off_since is None:
                self.hands_off_since = stamp_ns
            elif stamp_ns - self.hands_off_since >= limits.neutral_ms * NS_PER_MS:
                self.latched = False
        lost = now.mode is Mode.LINK_LOST and was.mode is not Mode.LINK_LOST
        late = stalled and now.lease.session and was.mode in DRIVEN_MODES
        blind = now.hold is not None and now.hold.reason in BLIND
        if now.mode in STILL_MODES - {Mode.LINK_LOST} or lost or late or blind:
            self.latched, self.hands_off_since = True, None
        self.stood |= new == STILL or now.mode is Mode.AUTONOMY
        if decision.source is not Source.HUMAN:
            if decision.source is not Source.POLICY:
                assert decision.asked == STILL
            return
        # I11: no deadman, no wish.
        if not now.deadman:
            assert decision.asked == STILL
        for before, after, wish in zip(speeds(old), speeds(new), speeds(now.human), strict=True):
            if after > before + SLACK:
                assert not self.latched
                assert self.stood  # I24: at rest between two who drive
                # I2, I14: only a fresh command of the holder, and never past its wish.
                assert stamp_ns - self.last_good_ns <= limits.hold_ms * NS_PER_MS
                assert after <= wish + SLACK

    def ask(self, body: RequestBody, member: Member) -> None:
        was = self.world.state
        reply = self._do(lambda w: w.ask(body, member))
        now = self.world.state
        self.check_lease(now)
        if not reply.ok:
            assert now == was
            return
        assert now.applied == was.applied, "a request moves nothing by itself"
        holder = (was.lease.key, was.lease.session) == (member.key, member.key[0])
        if now.mode is not was.mode:
            # I8, I10: each latch has one way out, for one person.
            if was.mode in STILL_MODES:
                assert isinstance(body, WAY_OUT[was.mode])
                assert holder or was.mode is Mode.FAULT
                assert member.role is Role.MAINTENANCE or was.mode is not Mode.FAULT
            # I16: the policy is started by whoever has the robot, and by nothing else.
            if now.mode is Mode.AUTONOMY:
                assert isinstance(body, StartPolicy | HandBack)
                assert holder
                self.latched, self.hands_off_since = True, None
        if was.stopped_by and not (isinstance(body, ResetStop) and holder):
            assert now.stopped_by == was.stopped_by
            assert now.mode is Mode.ESTOP or was.mode is now.mode

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
        self.drive(self._holder(who), 1.0, 0.0, deadman=True, n=n)

    @rule(n=ticks, policy=st.booleans())
    def a_supervisor_takes_it_on_the_move(self, n: int, policy: bool) -> None:
        """Its hands are on the stick before and after, and off for a moment in between."""
        self.get_going(ANNA, 1.0, 60, policy=policy)
        self.ask(ForceLease(reason="needed"), CARA)
        self.drive(CARA, 1.0, 1.0, deadman=True, n=n)
        self.ask(ForceLease(reason="no, me"), CARA)
        self.drive(CARA, 0.0, 0.0, deadman=False, n=n)
        self.drive(CARA, 1.0, -1.0, deadman=True, n=n)

    @rule(who=drivers, n=ticks, again=st.booleans())
    def the_policy_is_pressed_away(self, who: Member, n: int, again: bool) -> None:
        self.get_going(who, 1.0, 45, policy=False)
        holder = self._holder(who)
        self.ask(StartPolicy(epoch=self.world.state.lease.epoch), holder)
        self.drive(holder, 1.0, 0.0, deadman=True, n=n)
        self.drive(holder, 0.0, 0.0, deadman=False, n=45)
        self.drive(holder, 0.4, 0.0, deadman=True, n=n)
        if again:
            self.ask(HandBack(epoch=self.world.state.lease.epoch), holder)
            self.drive(holder, 1.0, 0.0, deadman=True, n=n)

    @rule(who=drivers, how=st.sampled_from(LATCHES), kind=st.sampled_from(list(MAY)), n=ticks)
    def try_to_get_out(self, who: Member, how: str, kind: type, n: int) -> None:
        """A latch, then one request, and the stick held all the time."""
        self.get_going(who, 1.0, 45, policy=False)
        holder = self._holder(who)
        self.latch(how)
        for asking in (DORA, BEN, EMIL, holder):
            self.ask(wish_of(kind, self.world.state), asking)
            self.drive(holder, 1.0, 0.2, deadman=True, n=n)

    def latch(self, how: str) -> None:
        match how:
            case "STOP":
                self.stop(after=DORA, n=1)
            case "disarmed":
                self.stop(after=DORA, n=1)
                epoch = self.world.state.lease.epoch
                self.ask(ResetStop(epoch=epoch, reason="looked"), self._holder(ANNA))
            case "safe stop":
                self.another_body(body=Body(overdriven=True))
            case "link lost":
                self.wait(70)
            case "late tick":
                self.stall(ms=600)
            case "no picture":
                self.a_picture_that_stands(who=self._holder(ANNA), frozen=True, n=140)
            case "fault":
                self.fail(n=1, cleared=False)
            case "fault and STOP":
                self.fail(n=1, cleared=False)
                self.stop(after=DORA, n=1)

    def _holder(self, otherwise: Member) -> Member:
        key = self.world.state.lease.key
        return next((member for member in EVERYBODY if member.key == key), otherwise)

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
                "sent_ns": st.integers(0, 2**61),
            },
        ),
        n=st.integers(1, 12),
    )
    def odd_commands(self, who: Member, changes: dict[str, object], n: int) -> None:
        for _ in range(n):
            command = _changed(self.world.command(who, deadman=True, forward=1.0), changes)
            self.tick(World.by(who, command), malformed=(who.key,))

    @rule(n=ticks, kind=st.sampled_from(list(MAY)))
    def strangers_change_nothing(self, n: int, kind: type) -> None:
        """I15: the same history without their messages, counters aside, is the same."""
        for _ in range(n):
            alone = self.world.twin()
            noise = self.world.command(DORA, deadman=True, forward=-1.0)
            unlisted = Incoming(self.world.command(ANNA, forward=1.0), "z" * 40, None)
            self.ask(wish_of(kind, self.world.state), DORA)
            self.tick(World.by(DORA, noise), unlisted, malformed=("z" * 40,))
            alone.tick()
            assert uncounted(alone.state) == uncounted(self.world.state)
            assert alone.decision.source is self.world.decision.source

    # --- the robot ---

    @rule(after=st.sampled_from(EVERYBODY), n=ticks)
    def stop(self, after: Member, n: int) -> None:
        self._do(lambda w: w.stopped(after.name))
        self.tick(World.by(ANNA, self.world.command(deadman=True, forward=1.0)))
        assert self.world.decision.applied == STILL  # I9
        assert self.world.state.mode in (Mode.ESTOP, Mode.FAULT)
        self.wait(n)

    @rule(n=ticks)
    def call(self, n: int) -> None:
        self._at_once(lambda w: gate_state.call(w.state, "r", "d", w.now_ns))
        self.wait(n)

    @rule(
        who=anybody, kind=st.sampled_from([LookAtCall, SkipCall, PassCall]), n=st.integers(0, 260)
    )
    def answer_the_call(self, who: Member, kind: type, n: int) -> None:
        was = self.world.state
        self.ask(wish_of(kind, was), who)
        assert structs.replace(self.world.state, call=None) == structs.replace(was, call=None)
        self.wait(n)

    @rule(n=ticks)
    def need_nobody_any_more(self, n: int) -> None:
        was = self.world.state
        self._at_once(lambda w: gate_state.call_withdrawn(w.state, "free", w.now_ns)[0])
        now = self.world.state
        if now != was:  # I16: from a hold that calls for somebody, while nobody is there
            assert was.mode is Mode.HOLD
            assert was.call is not None
            assert not was.lease.session
            assert (now.call, now.mode) == (None, Mode.AUTONOMY)
            assert now.stopped_by == was.stopped_by
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
        was = self.world.state
        self._do(change)
        self.check_lease(self.world.state)
        if was.mode is Mode.ESTOP:  # I8
            assert self.world.state.mode in (Mode.ESTOP, Mode.FAULT)

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
        """I18: the same input gives the same robot, to the last bit, at each step.

        I13: and the same course when the clocks of all consoles say something else.
        """
        again = World(limits=self.world.limits, axes=self.world.axes)
        assert played(self.tape, again) == self.course
        assert repr(again.state) == repr(self.world.state)
        assert repr(again.decision) == repr(self.world.decision)
        assert (
            played(self.tape, OddClocks(limits=self.world.limits, axes=self.world.axes))
            == self.course
        )


def speeds(twist: Twist) -> tuple[float, ...]:
    """What is ramped by itself: how fast it is, whichever way."""
    return speed_mps(twist), abs(twist.turn_radps), abs(twist.grip_ps)


def top_speeds(limits: Limits) -> tuple[float, ...]:
    """The limit of each."""
    return limits.max_mps, limits.max_radps, limits.max_grip_ps


def brakes(limits: Limits) -> tuple[float, ...]:
    """How much slower each gets in a second."""
    return limits.decel_mps2, limits.decel_radps2, limits.decel_grip_ps2


class OddClocks(World):
    """The same people at consoles whose clocks run backwards from another year."""

    def tick(self, *commands: Command | Incoming, **how: Any) -> Decision:
        odd = [
            replace(c, command=_at_odds(c.command)) if isinstance(c, Incoming) else _at_odds(c)
            for c in commands
        ]
        return super().tick(*odd, **how)

    def ask(self, body: RequestBody, member: Member = ANNA, **changes: object) -> Reply:
        if isinstance(body, KeepLease):
            clock = {"clock_offset_ns": -(2**61) + self.now_ns, "clock_error_ns": 2**40}
            body = structs.replace(body, **clock)
        return super().ask(body, member, **changes)


def _at_odds(command: Command) -> Command:
    backwards = 2**61 - command.seq
    return structs.replace(command, sent_ns=backwards, input_ns=backwards)


def played(tape: list[Callable[[World], object]], world: World) -> list[object]:
    """What is to be seen after each step of `tape`."""
    course = []
    for step in tape:
        step(world)
        course.append(seen(world))
    return course


def seen(world: World) -> object:
    """What the robot does, and what it says of it."""
    decision = world.decision
    return repr(
        (decision.applied, decision.source, decision.asked, decision.events)
    ), world.state.mode


def uncounted(state: GateState) -> GateState:
    """Without the counts of what came in."""
    return structs.replace(state, received=0, refused={})


def wish_of(kind: type, state: GateState) -> RequestBody:
    """A request of this kind as its holder would send it now."""
    said = {"epoch": state.lease.epoch, "call_id": state.calls, **WORDS}
    wish: RequestBody = kind(
        **{f.name: said[f.name] for f in structs.fields(kind) if f.name in said}
    )
    return wish


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


@pytest.mark.parametrize("how", LATCHES)
def test_no_request_but_the_right_one_leads_out_of_a_latch(how: str) -> None:
    for number, kind in enumerate(MAY):
        history = Histories()
        history.start_with(LIMITS[number % len(LIMITS)])
        history.try_to_get_out(who=ANNA, how=how, kind=kind, n=2)
        history.teardown()


@pytest.mark.parametrize("limits", LIMITS)
def test_who_takes_over_on_the_move_waits_for_the_robot_and_for_hands_off(limits: Limits) -> None:
    for n in (5, 15, 35, 80):
        history = Histories()
        history.start_with(limits)
        history.a_supervisor_takes_it_on_the_move(n=n, policy=False)
        history.a_supervisor_takes_it_on_the_move(n=n, policy=True)
        history.the_policy_is_pressed_away(who=ANNA, n=n, again=True)
        history.lose_the_link_and_find_it(who=ANNA, n=n)
        history.teardown()


def test_observers_change_nothing_whatever_they_ask() -> None:
    history = Histories()
    for kind in MAY:
        history.get_going(who=ANNA, forward=1.0, n=20, policy=False)
        history.strangers_change_nothing(n=16, kind=kind)
    history.teardown()


@pytest.mark.long
def test_invariants_hold_over_a_million_ticks() -> None:
    wanted = int(os.environ.get("UNSTICK_TICKS", "1000000"))
    begun = ticked
    while ticked - begun < wanted:
        run(examples=200, steps=60)
    print(f"{ticked - begun} ticks, no invariant broken")


def test_the_clock_of_a_console_decides_nothing() -> None:
    """I13: the same drive with other clocks at the console is the same robot, at each tick."""
    courses = []
    for world in (World(), OddClocks()):
        world.called().taken()
        course = []
        for n in range(200):
            world.ask(KeepLease(epoch=world.state.lease.epoch))
            world.tick(world.command(deadman=n % 50 < 40, forward=1.0, turn=-0.4))
            course.append(seen(world))
        courses.append(course)
        assert world.state.last_sent_ns == (0 if len(courses) == 1 else 2**61 - world.seq)
    assert courses[0] == courses[1]
