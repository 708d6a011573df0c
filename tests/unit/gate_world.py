"""A robot's gate with consoles beside it, on one virtual clock: what the gate's tests share."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field

from msgspec import structs

from teleop import gate, gate_state
from teleop.axes import PLANAR
from teleop.gate import Body, Decision, Incoming, Wish
from teleop.requests import answered
from teleop.roster import Member
from teleop.safety import Limits
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    STILL,
    Command,
    Event,
    KeepLease,
    Mode,
    Reply,
    Request,
    RequestBody,
    RequestLease,
    Role,
    Twist,
)

TICK_NS = NS_PER_S // TICK_HZ
CRUISE = Twist(forward_mps=0.3, turn_radps=0.0)
CEILING = 10**9

ANNA = Member(key="a" * 40, name="op-1", role=Role.OPERATOR)
BEN = Member(key="b" * 40, name="op-2", role=Role.OPERATOR)
CARA = Member(key="c" * 40, name="sup-1", role=Role.SUPERVISOR)
DORA = Member(key="d" * 40, name="guest", role=Role.OBSERVER)
EMIL = Member(key="e" * 40, name="service", role=Role.MAINTENANCE)
EVERYBODY = (ANNA, BEN, CARA, DORA, EMIL)


@dataclass
class World:
    """One gate. `session` of a member is its key's first letter."""

    now_ns: int = 10 * NS_PER_S
    limits: Limits = field(default_factory=Limits)
    axes: tuple[str, ...] = PLANAR
    seq: int = 0
    body: Body = field(default_factory=Body)
    policy_twist: Twist = CRUISE
    policy_works: bool = True
    ceiling: int = CEILING
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        fresh = gate_state.GateState(boot_id="boot", axes=self.axes)
        self.state = gate_state.checked(fresh, start_policy=True, now_ns=self.now_ns)
        self._wish = Wish(STILL, 0, 0)
        self.decision = self.tick()

    # --- the robot ---

    def tick(
        self, *commands: Command | Incoming, malformed: Iterable[str] = (), after_ns: int = TICK_NS
    ) -> Decision:
        """One control tick; a bare command is Anna's."""
        self.now_ns += after_ns
        if self.policy_works:
            self._wish = Wish(self.policy_twist, self.state.sublease, self.now_ns)
        inbox = [c if isinstance(c, Incoming) else self.by(ANNA, c) for c in commands]
        self.decision = gate.step(
            self.state, inbox, tuple(malformed), self._wish, self.body, self.now_ns, self.limits
        )
        told = bool(self.decision.state.stopped_by)
        self.state = structs.replace(
            gate_state.sent(self.decision.state, self.now_ns), stop_told=told
        )
        self.events += self.decision.events
        return self.decision

    def wish(self, wish: Wish) -> None:
        """From here on the policy says this, and never anything else."""
        self.policy_works, self._wish = False, wish

    def called(self) -> World:
        self.state = gate_state.call(self.state, "Wedged", "wheels turn", self.now_ns)
        self.tick()
        return self

    def stopped(self, by: str = "op-3") -> World:
        self.state = gate_state.stop(self.state, by)
        return self

    # --- the consoles ---

    @staticmethod
    def by(member: Member, command: Command) -> Incoming:
        return Incoming(command, member.key, member.role)

    def command(self, member: Member = ANNA, **changes: object) -> Command:
        """What a console in good order would send now."""
        self.seq += 1
        good: dict[str, object] = {
            "session": member.key[0],
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

    def ask(self, body: RequestBody, member: Member = ANNA, **changes: object) -> Reply:
        request = Request(
            request_id=1,
            body=body,
            **{"session": member.key[0], **changes},  # type: ignore[arg-type]
        )
        self.state, reply, events = answered(self.state, request, member, self.now_ns, self.ceiling)
        self.events += events
        return reply

    def run(self, seconds: float, member: Member = ANNA, **command: object) -> None:
        """Tick with a command in each tick, and the lease kept."""
        for _ in range(round(seconds * TICK_HZ)):
            self.ask(KeepLease(epoch=self.state.lease.epoch), member)
            self.tick(self.by(member, self.command(member, **command)))

    def silence(self, seconds: float) -> None:
        for _ in range(round(seconds * TICK_HZ)):
            self.tick()

    def wait(self, ns: int) -> None:
        """Exactly so long nobody says anything; no tick is late."""
        while ns > 0:
            step_ns = min(ns, 100 * NS_PER_MS)
            self.tick(after_ns=step_ns)
            ns -= step_ns

    def keep(self, seconds: float, member: Member = ANNA) -> None:
        """The lease is kept, no command comes."""
        for _ in range(round(seconds * TICK_HZ)):
            self.ask(KeepLease(epoch=self.state.lease.epoch), member)
            self.tick()

    def taken(self, member: Member = ANNA) -> World:
        assert self.ask(RequestLease(), member).ok
        self.run(0.6, member)
        return self

    def driving(self, member: Member = ANNA) -> World:
        self.called().taken(member).run(1.0, member, deadman=True, forward=1.0)
        assert self.state.mode is Mode.TELEOP
        assert self.decision.applied.forward_mps > 0.3
        return self

    # --- what is seen ---

    @property
    def stands(self) -> bool:
        return self.decision.applied == STILL

    def kinds(self) -> list[str]:
        """What happened, without the changes of mode."""
        return [event.kind for event in self.events if event.kind != "mode"]

    def moves(self) -> list[str]:
        """Every change of mode, as the log tells it."""
        return [event.text for event in self.events if event.kind == "mode"]

    def twin(self) -> World:
        """The same robot in another history from here on."""
        other = copy(self)
        other.events = list(self.events)
        return other
