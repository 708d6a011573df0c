"""A whole session in lockstep: policy, gate, scripted operator and simulated robot on one clock.

What the three processes do with each other, without sockets and waiting: the same pure functions
decide, messages pass the same schemas, so what the motors are told here is what they would be told
there. A tick takes as long as its physics, and the same scenario, seed and person always give the
same session. `teleop.collecting` records it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from recorder.episode import POLICY_STATE
from recorder.verdict import SOLVED_HOLD_STEPS
from teleop import gate, gate_state
from teleop.gate import Body, Decision, Incoming, Wish
from teleop.input_profile import default_profile
from teleop.policy import Diagnosis
from teleop.requests import answered
from teleop.rescue_script import Hands, Seen
from teleop.robot import Image, Restorable, Robot
from teleop.robot_report import Running, Ticked, recorded, reported
from teleop.roster import Member
from teleop.scenarios import Scenario, Script, scenario
from teleop.scripted_hands import Typist, asked_by
from teleop.sim_rover import SimRover
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    Command,
    Event,
    HandBack,
    KeepLease,
    MarkOutcome,
    Mode,
    Outcome,
    Phase,
    Request,
    RequestBody,
    RobotState,
    Role,
    Tick,
    Twist,
    decoder_of,
    encode,
)

LIMIT_S: Final = 150.0  # a patrol of 20 s, a minute of driving, and time to read
BEGIN_NS: Final = 10 * NS_PER_S  # no stamp is zero
PICTURE_NS: Final = 40 * NS_PER_MS  # age of the picture the operator acts on, as measured on a desk
PICTURE_TICKS: Final = 6  # between two looks at it; it is as old again when it is acted on
EPOCHS: Final = 1_000_000
PERSON: Final = Member(key="a" * 40, name="op-1", role=Role.OPERATOR)
SESSION: Final = "rehearsal"

Heard = Callable[[Tick], None]
Look = Callable[[bytes], Image | None]  # the main camera's picture of a state
_decode_command = decoder_of(Command)
_decode_request = decoder_of(Request)


class RestorableRobot(Robot, Restorable, Protocol):
    """A simulated robot."""


@dataclass
class Rescue:
    """What happened. The lists have one entry for each tick from the takeover to the hand-back."""

    call: Diagnosis | None = None  # None: it never got stuck
    call_s: float = 0.0  # simulated time of the call
    outcome: Outcome = Outcome.UNLABELLED  # as marked by the operator
    handed_back: bool = False
    states: list[bytes] = field(default_factory=list)  # before the tick
    actions: list[Twist] = field(default_factory=list)  # what the motors were told
    solved: list[bool] = field(default_factory=list)  # whether the goal held before the tick

    @property
    def solved_at_the_end(self) -> bool:
        """Whether the robot was free, and had been for a while, when it was handed back."""
        return len(self.solved) > SOLVED_HOLD_STEPS and all(self.solved[-SOLVED_HOLD_STEPS:])


def rehearse(
    rover: SimRover,
    seed: int,
    operator: Script,
    light: Callable[[bytes], float] | None = None,
    limit_s: float = LIMIT_S,
) -> Rescue:
    """Let `rover` patrol until it calls, and `operator` free it; all within `limit_s`.

    `light` gives the brightness of the front camera's picture in a state, 0 to 255; without it
    every picture is bright, and the operator judges by telemetry alone.
    """
    room = Rehearsal(scenario(rover.describe("boot").scenario), rover, operator, seed, light=light)
    for _ in range(round(limit_s * TICK_HZ)):
        room.tick()
        if room.operator.done:
            break
    return room.rescue


class _Away:
    """Nobody at the console."""

    waiting, driving_since_ns, done = True, None, False

    def act(self, seen: Seen, now_ns: int) -> tuple[_Away, Hands]:
        """Nothing."""
        return self, Hands()


class Rehearsal:
    """Both ends and what stands between them."""

    def __init__(
        self,
        asked: Scenario,
        robot: RestorableRobot,
        operator: Script,
        seed: int,
        *,
        look: Look | None = None,
        light: Callable[[bytes], float] | None = None,
        heard: Heard | None = None,
        boot_id: str = "boot",
    ) -> None:
        """`look` draws what the operator works by, `heard` is told every tick as it is recorded."""
        self.rescue, self.operator = Rescue(), operator
        self._robot, self._look, self._light, self._heard = robot, look, light, heard
        self._policy, self._stuck = asked.make_policy(seed), asked.make_stuck()
        self._description, self._limits = robot.describe(boot_id), asked.limits
        state = gate_state.GateState(boot_id=boot_id, axes=self._description.action_names)
        self._state = gate_state.checked(state, start_policy=True, now_ns=BEGIN_NS)
        self._lent = self._state.sublease
        self._typist = Typist(default_profile(asked.kind))
        self._events: list[Event] = []
        self._painted: Image | None = None  # what the operator sees …
        self._taken: Image | None = None  # … and what is on its way to the screen
        self._tick = self._seq = 0

    @property
    def now_ns(self) -> int:
        """The robot's clock at the last tick."""
        return BEGIN_NS + self._tick * NS_PER_S // TICK_HZ

    def tick(self) -> None:
        """One control tick, and at every second one a look of the operator at its report."""
        self._tick += 1
        now_ns = self.now_ns
        seen = self._robot.observe()
        if self._lent != self._state.sublease:
            self._policy.resume(seen)
            self._lent = self._state.sublease
        policy = self._policy.act(seen)
        self._call_when_stuck(now_ns)
        before, inbox = self._robot.snapshot(), self._inbox(now_ns)
        decision = gate.step(
            self._state,
            inbox,
            (),
            Wish(policy, self._lent, now_ns),
            Body(pose=seen.pose, battery_pct=seen.battery_pct),
            now_ns,
            self._limits,
        )
        taken = decision.state.lease.session == SESSION
        if taken:
            self.rescue.solved.append(self._robot.solved())
        told = self._robot.apply(decision.applied)
        if taken:
            self.rescue.states.append(before)
            self.rescue.actions.append(told)
        self._state = gate_state.sent(decision.state, now_ns)
        self._stuck.observe(now_ns, self._state.mode, decision.asked, seen)
        ticked = Ticked(
            tick=self._tick,
            stamp_ns=now_ns,
            state=self._state,
            decision=decision,
            observation=seen,
            observed_ns=now_ns,
            policy=policy,
            applied=told,
            applied_ns=now_ns,
            state_before=before,
            events=self._said(decision),
            missed_before=0,
            consent=PERSON.consent,
        )
        if self._heard is not None:
            self._heard(recorded(ticked, self._description.boot_id))
        if self._tick % 2 == 0:
            self._look_at(ticked, now_ns)

    def wait(self, seconds: float) -> None:
        """So much time in which the operator looks elsewhere."""
        operator, self.operator = self.operator, _Away()
        for _ in range(round(seconds * TICK_HZ)):
            self.tick()
        self.operator = operator

    def _said(self, decision: Decision) -> tuple[Event, ...]:
        """What happened since the last tick, with the policy's memory where somebody took over."""
        events = (*self._events, *decision.events)
        self._events = []
        memory = [
            Event(kind=POLICY_STATE, text=self._policy.memory())
            for event in events
            if event.kind == "takeover"
        ]
        return (*events, *memory)

    def _call_when_stuck(self, now_ns: int) -> None:
        diagnosis = self._stuck.diagnosis(now_ns)
        if diagnosis is None or self._state.mode is not Mode.AUTONOMY or self.rescue.call:
            return
        self.rescue.call, self.rescue.call_s = diagnosis, (now_ns - BEGIN_NS) / NS_PER_S
        self._state = gate_state.call(self._state, diagnosis.reason, diagnosis.detail, now_ns)
        self._events.append(Event(kind="call", text=f"{diagnosis.reason}. {diagnosis.detail}"))

    def _inbox(self, now_ns: int) -> list[Incoming]:
        """The console's command of this tick, while it has the lease."""
        epoch = self._state.lease.epoch
        if self._state.lease.session != SESSION:
            return []
        self._ask(KeepLease(epoch=epoch), now_ns)
        self._seq += 1
        wish = self._typist.input(now_ns)
        command = Command(
            session=SESSION,
            boot_id=self._state.boot_id,
            epoch=epoch,
            seq=self._seq,
            echo_ns=self._state.echoes[-1],
            painted_ns=now_ns - PICTURE_NS,
            deadman=wish.deadman,
            forward=wish.forward,
            turn=wish.turn,
            left=wish.left,
            up=wish.up,
            grip=wish.grip,
            input_ns=now_ns,
            sent_ns=now_ns,
        )
        return [Incoming(_decode_command(encode(command)), PERSON.key, PERSON.role)]

    def _look_at(self, ticked: Ticked, now_ns: int) -> None:
        running = Running(
            missed_ticks=0, applied_input=(0, 0), watchdog_trips=0, disk_refuses=False, idle_s=0.0
        )
        after = self._robot.observe()
        state = reported(ticked, after, running, self._description, self._limits)
        if self._look is not None and self._tick % PICTURE_TICKS == 0:
            self._painted, self._taken = self._taken, self._look(self._robot.snapshot())
        seen = Seen(
            state=state,
            yours=state.lease.session == SESSION,
            picture_age_ms=PICTURE_NS / NS_PER_MS,
            brightness=self._brightness(),
            picture=self._painted,
        )
        self.operator, hands = self.operator.act(seen, now_ns)
        self._type(hands, state, now_ns)

    def _brightness(self) -> float:
        if self._painted is not None:
            return float(self._painted.mean())
        # Only when it has stopped driving does the operator care how bright the picture is.
        if self._light is not None and self.operator.driving_since_ns is None:
            return self._light(self._robot.snapshot())
        return 255.0

    def _type(self, hands: Hands, state: RobotState, now_ns: int) -> None:
        self._typist = self._typist.typed(hands, now_ns)
        asked = asked_by(hands.tap, state, yours=state.lease.session == SESSION)
        if asked is None:
            return
        self._ask(asked, now_ns)
        match asked:
            case HandBack():
                self.rescue.handed_back = self._state.phase is Phase.AUTONOMOUS
            case MarkOutcome():
                self.rescue.outcome = self._state.outcome
            case _:
                pass

    def _ask(self, body: RequestBody, now_ns: int) -> None:
        request = Request(request_id=self._tick, session=SESSION, body=body)
        asked = _decode_request(encode(request))
        self._state, _, events = answered(self._state, asked, PERSON, now_ns, EPOCHS)
        self._events.extend(events)
