"""A day of a robot in words: every reply, event and change of the gate, beside its golden text.

The text is meant to be read: it is what the log, the recorder and the operators are told. After a
change that is meant, `UNSTICK_UPDATE_GOLDEN=1 make test ARGS=tests/unit/test_gate_transcript.py`
writes it anew, and the difference belongs into the same commit.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from msgspec import structs

from teleop import gate_state
from teleop.gate import Body, Incoming
from teleop.gate_state import GateState
from teleop.roster import Member
from teleop.safety import Limits, Pose
from tests.unit.gate_world import ANNA, BEN, CARA, DORA, EMIL, World
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS
from transport.messages import (
    Arm,
    Call,
    ChooseProfile,
    ClearFault,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    Hold,
    KeepLease,
    Lease,
    LeaseWish,
    LookAtCall,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    Outcome,
    PassCall,
    Phase,
    Ping,
    Profile,
    ReleaseLease,
    RequestBody,
    RequestLease,
    ResetStop,
    SkipCall,
    StartPolicy,
    Twist,
)

GOLDEN = Path(__file__).parent / "gate_transcript.txt"
# Counters and clocks that change at every tick; what they are is tested elsewhere.
EVERY_TICK = {
    "applied",
    "accepted",
    "cap",
    "command_age_ms",
    "echoes",
    "heard_ns",
    "last_input_ns",
    "last_seq",
    "neutral_ns",
    "painted_ns",
    "picture_age_ms",
    "policy_ns",
    "pose",
    "received",
    "refusal_ns",
    "loss_from_ns",
    "loss_to_zero_ms",
    "refused",
    "tick_ns",
    "transitions",
}
TOLD = tuple(name for name in GateState.__struct_fields__ if name not in EVERY_TICK)


class Storyteller(World):
    """A world that writes down what changes."""

    lines: list[str]

    def __post_init__(self) -> None:
        self.lines = []
        self.begin_ns = self.now_ns
        self._told = GateState(boot_id="boot")
        super().__post_init__()

    def title(self, text: str) -> None:
        self.lines += ["", f"== {text}"]

    def tell(self) -> None:
        """What is different since the last time, a line for each thing."""
        at = f"{(self.now_ns - self.begin_ns) / 1e9:8.3f}"
        self.lines += [f"{at}  event {e.kind} | {e.text} | {e.by}" for e in self.events]
        self.events.clear()
        for name in TOLD:
            old, new = getattr(self._told, name), getattr(self.state, name)
            if old is not new and _said(old) != _said(new):
                self.lines.append(f"{at}  {name} = {_said(new)}")
        self._told = self.state

    def tick(self, *commands, **options):  # type: ignore[no-untyped-def]
        decision = super().tick(*commands, **options)
        self.tell()
        return decision

    def request(self, body: RequestBody, member: Member = ANNA, **changes: object) -> None:
        """Ask, and write down the answer."""
        reply = self.ask(body, member, **changes)
        at = f"{(self.now_ns - self.begin_ns) / 1e9:8.3f}"
        answer = "yes" if reply.ok else "no"
        self.lines.append(
            f"{at}  {member.name} asks {type(body).__name__}: {answer} | {reply.reason} | "
            f"epoch {reply.epoch} | {reply.name}, {reply.role}"
        )
        self.tell()

    def speed(self, seconds: float, member: Member = ANNA, **command: object) -> None:
        """Drive, and write down what came of it every tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.run(0.1, member, **command)
            self.pace()

    def quiet(self, seconds: float) -> None:
        """Nobody says anything; what the robot does, every tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.silence(0.1)
            self.pace()

    def pace(self) -> None:
        d, cap = self.decision, self.state.cap
        assert cap is not None
        self.lines.append(
            f"{(self.now_ns - self.begin_ns) / 1e9:8.3f}  {self.state.mode} {d.source}: asked "
            f"{d.asked.forward_mps:.4f} m/s {d.asked.turn_radps:.4f} rad/s, applied "
            f"{d.applied.forward_mps:.4f} {d.applied.turn_radps:.4f}, cap {cap.mps:.4f} "
            f"{cap.cause}, command {self.state.command_age_ms:.1f} ms, picture "
            f"{self.state.picture_age_ms:.1f} ms, loss {self.state.loss_to_zero_ms:.1f} ms, "
            f"counted {self.state.accepted}+{self.state.duplicates} "
            f"{ {reason.value: n for reason, n in self.state.refused.items()} }"
        )


def _said(value: object) -> str:
    """A value of the gate's state without the clocks and measures in it."""
    match value:
        case Lease() if value.session:
            return f"epoch {value.epoch}, {value.operator} at {value.key[0]}/{value.session}"
        case Lease():
            return f"epoch {value.epoch}, free"
        case LeaseWish():
            return f"{value.operator} at {value.key[0]}/{value.session}"
        case Hold():
            return f"{value.reason}, limit {value.limit:g}, refusal {value.refusal}"
        case Call():
            said = [f"{value.call_id}: {value.reason}. {value.detail}"]
            said += [f"{one.name} looks" for one in value.looking]
            said += [f"{name} has skipped it" for name in value.skipped]
            said += [f"{p.by} passed it to {p.to}" for p in (value.passed,) if p is not None]
            return "; ".join(said)
        case Twist():
            return f"{value.forward_mps:.4f} m/s, {value.turn_radps:.4f} rad/s"
        case StrEnum():
            return value.value
    return repr(value)


def test_the_gates_day_reads_as_its_golden_text() -> None:
    told = "\n".join(_a_day()) + "\n"
    if os.environ.get("UNSTICK_UPDATE_GOLDEN"):
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")


def _a_day() -> list[str]:
    lines = []
    for story in (_rescue, _lease, _silence, _latches, _policy, _limits, _oddities):
        world = Storyteller()
        world.title(story.__doc__ or story.__name__)
        world.tell()
        story(world)
        world.tell()
        lines += world.lines
    lines += _sites()
    return lines


def _rescue(world: Storyteller) -> None:
    """A rescue from the call to the hand-back"""
    world.quiet(0.3)
    world.request(Ping(), DORA)
    world.called()
    for who in (ANNA, BEN, DORA):
        world.request(LookAtCall(call_id=1), who)
    world.request(SkipCall(call_id=1), BEN)
    world.request(PassCall(call_id=1, to="op-2", note="your room"), ANNA)
    world.request(PassCall(call_id=2, to="op-2"), ANNA)
    world.request(RequestLease())
    world.request(RequestLease())
    world.request(SkipCall(call_id=1), BEN)
    world.speed(0.3, deadman=True, forward=1.0)
    world.speed(0.6)
    world.speed(0.5, deadman=True, forward=1.0, turn=-0.5)
    world.speed(0.3, deadman=True, forward=-1.0)
    world.request(MarkMoment(epoch=1, note="here"))
    world.request(MarkPhase(epoch=1, phase=Phase.CORRECTION))
    world.request(MarkPhase(epoch=1, phase=Phase.HANDOVER))
    world.request(MarkOutcome(epoch=1, outcome=Outcome.SUCCESS))
    world.request(Arm(epoch=1))
    world.request(ResetStop(epoch=1))
    world.request(KeepLease(epoch=7))
    world.request(HandBack(epoch=1))
    world.quiet(0.3)
    world.request(HandBack(epoch=1))


def _lease(world: Storyteller) -> None:
    """The lease changes hands"""
    world.driving()
    for who in (ANNA, BEN, CARA, DORA):
        world.request(RequestLease(), who)
    world.request(GrantLease(epoch=1, session="c"))
    world.request(DenyLease(epoch=1, session="b"))
    world.request(RequestLease(), BEN)
    world.request(GrantLease(epoch=1, session="b"))
    world.request(GrantLease(epoch=2, session="b"), BEN)
    world.speed(0.8, BEN)
    world.request(ChooseProfile(epoch=2, profile=Profile.HIGH_LATENCY), BEN)
    world.request(ForceLease(reason="fire drill"), BEN)
    world.request(ForceLease(reason="fire drill"), CARA)
    world.request(ForceLease(reason="again"), CARA)
    world.request(KeepLease(epoch=2), BEN)
    world.speed(0.2, CARA)
    world.request(RequestLease(), BEN)
    world.run(10.1, CARA)
    world.tell()
    world.request(RequestLease(), BEN)
    world.state = gate_state.revoked(world.state, {CARA.key}, world.now_ns)
    world.tell()
    world.state = gate_state.revoked(world.state, {BEN.key}, world.now_ns)
    world.tick()
    world.ceiling = world.state.lease.epoch
    world.request(RequestLease(), BEN)
    world.request(ForceLease(reason="nobody is there"), CARA)
    world.ceiling += 9
    world.request(ForceLease(reason="nobody is there"), CARA)
    world.request(ReleaseLease(epoch=world.state.lease.epoch), CARA)
    world.quiet(0.2)


def _silence(world: Storyteller) -> None:
    """Silence, old commands, an old picture"""
    world.driving()
    for _ in range(13):
        world.keep(0.1)
        world.pace()
    world.speed(0.3, deadman=True, forward=1.0)
    world.speed(0.6)
    world.speed(0.4, deadman=True, forward=1.0)
    old = world.state.echoes[-1]
    world.speed(0.8, deadman=True, forward=1.0, echo_ns=old)
    world.speed(0.2, deadman=True, forward=1.0)
    frozen = world.now_ns
    world.speed(2.4, deadman=True, forward=1.0, painted_ns=frozen)
    world.speed(0.7)
    world.speed(0.2, deadman=True, forward=1.0)
    world.quiet(3.3)


def _latches(world: Storyteller) -> None:
    """STOP, safe stop, a fault, a late tick"""
    world.driving()
    world.stopped("guest")
    world.speed(0.2, deadman=True, forward=1.0)
    for body in (HandBack(epoch=1), StartPolicy(epoch=1), Arm(epoch=1)):
        world.request(body)
    world.request(ResetStop(epoch=1, reason="a cat"))
    world.request(StartPolicy(epoch=1))
    world.request(Arm(epoch=1))
    world.speed(0.7)
    world.speed(0.2, deadman=True, forward=1.0)
    for body in (
        Body(stop_silent_ms=512.0),
        Body(overdriven=True),
        Body(battery_pct=1.6),
    ):
        world.body = body
        world.tick(world.command(deadman=True, forward=1.0))
        world.body = Body()
        world.request(StartPolicy(epoch=1))
        world.request(ResetStop(epoch=1, reason="looked"))
        world.request(Arm(epoch=1))
        world.run(0.6)
        world.speed(0.1, deadman=True, forward=1.0)
    world.tick(world.command(deadman=True, forward=1.0), after_ns=333 * NS_PER_MS)
    world.pace()
    world.state = gate_state.failed(world.state, "driver: no answer")
    world.speed(0.1, deadman=True, forward=1.0)
    world.request(HandBack(epoch=1))
    world.request(ClearFault(reason="plug was loose"), ANNA)
    world.request(ClearFault(reason="plug was loose"), EMIL)
    world.request(ClearFault(reason="plug was loose"), EMIL)
    world.state = gate_state.failed(world.state, "driver: no answer")
    world.stopped("op-2").stopped("guest")
    world.request(ClearFault(reason="plug was loose"), EMIL)
    world.request(ReleaseLease(epoch=1))
    world.quiet(0.1)


def _policy(world: Storyteller) -> None:
    """The policy under an operator, and alone"""
    world.driving()
    world.request(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY))
    world.request(StartPolicy(epoch=1))
    world.request(StartPolicy(epoch=1))
    world.request(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY))
    world.speed(0.7)
    world.speed(0.2, deadman=True, forward=-1.0)
    world.speed(0.7)
    world.request(StartPolicy(epoch=1))
    world.run(0.6)
    world.policy_works = False
    world.speed(0.4)
    world.policy_works = True
    world.request(StartPolicy(epoch=1))
    world.speed(0.2)
    world.quiet(3.2)
    world.request(RequestLease())
    world.run(0.1)
    world.request(HandBack(epoch=2))
    world.quiet(0.2)
    world.policy_works = False
    world.quiet(0.4)


def _limits(world: Storyteller) -> None:
    """Profile, latency and the workspace's edge"""
    world.limits = Limits(workspace=(-3.0, -3.0, 3.0, 3.0))
    world.called().taken()
    world.request(ChooseProfile(epoch=1, profile=Profile.HIGH_LATENCY))
    world.run(0.6)
    world.speed(0.6, deadman=True, forward=1.0)
    world.run(0.8)
    world.request(ChooseProfile(epoch=1, profile=Profile.NORMAL))
    world.run(0.6)
    for late_ms in (150, 250, 400):
        for _ in range(round(0.6 * TICK_HZ)):
            painted_ns = world.now_ns - late_ms * NS_PER_MS
            world.run(1 / TICK_HZ, deadman=True, forward=1.0, painted_ns=painted_ns)
        world.pace()
    world.body = Body(pose=Pose(2.95, 0.0, 0.0))
    world.speed(0.4, deadman=True, forward=1.0)


def _oddities(world: Storyteller) -> None:
    """Commands that have no effect, by reason"""
    world.driving()
    good = world.command(deadman=True, forward=1.0)
    for changed in (
        {"boot_id": "earlier"},
        {"session": "other"},
        {"epoch": 9},
        {"seq": 0},
        {"echo_ns": 2**61},
        {"echo_ns": 5},
        {"painted_ns": 2**61},
        {"forward": float("nan")},
        {"turn": 2.0},
    ):
        world.tick(structs.replace(good, **changed))
    world.tick(Incoming(good, "z" * 40, None))
    world.tick(Incoming(good, DORA.key, DORA.role))
    world.tick(good, good, malformed=(ANNA.key, "z" * 40))
    for _ in range(16):
        world.tick(structs.replace(good, boot_id="earlier"))
    world.pace()
    world.stopped()
    world.tick(world.command(deadman=True))


def _sites() -> list[str]:
    """What other sites decide."""
    lines = []
    for limits, name in (
        (Limits(resume_on_loss=True), "a site that wants its policy back"),
        (Limits(require_picture=False), "a robot without cameras"),
    ):
        world = Storyteller(limits=limits)
        world.title(name)
        world.driving()
        world.speed(0.1, deadman=True, forward=1.0, painted_ns=0)
        world.quiet(3.3)
        lines += world.lines
    return lines
