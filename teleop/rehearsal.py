"""A whole rescue in lockstep: policy, gate, scripted operator and simulated rover on one clock.

What the three processes do with each other, without sockets, pictures and waiting: the same pure
functions decide, so what the motors are told here is what they would be told there. A tick takes
as long as its physics, and the same scenario, seed and person always give the same rescue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from recorder.verdict import SOLVED_HOLD_STEPS
from teleop import gate, gate_state
from teleop.gate import Body, Incoming, Wish
from teleop.input_profile import default_profile
from teleop.operator_input import Drive, Keyboard, KeyChange
from teleop.patrol import Patrol
from teleop.policy import Diagnosis
from teleop.requests import answered
from teleop.rescue_script import Hands, Operator, Seen, Stage
from teleop.robot import Observation
from teleop.robot_report import Running, Ticked, reported
from teleop.roster import Member
from teleop.safety import Limits
from teleop.sim_rover import SimRover
from teleop.stuck import StuckDetector
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    Command,
    HandBack,
    KeepLease,
    MarkOutcome,
    Mode,
    Outcome,
    Phase,
    Request,
    RequestBody,
    RequestLease,
    RobotState,
    Role,
    Twist,
)

LIMIT_S: Final = 150.0  # a patrol of 20 s, a minute of driving, and time to read
BEGIN_NS: Final = 10 * NS_PER_S  # no stamp is zero
PICTURE_NS: Final = 40 * NS_PER_MS  # age of the picture the operator acts on, as measured on a desk
EPOCHS: Final = 1_000
PERSON: Final = Member(key="a" * 40, name="op-1", role=Role.OPERATOR)
SESSION: Final = "rehearsal"
DRIVES: Final = {str(drive): drive for drive in Drive}


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
    operator: Operator,
    light: Callable[[bytes], float] | None = None,
    limit_s: float = LIMIT_S,
) -> Rescue:
    """Let `rover` patrol until it calls, and `operator` free it; all within `limit_s`.

    `light` gives the brightness of the front camera's picture in a state, 0 to 255; without it
    every picture is bright, and the operator judges by telemetry alone.
    """
    room = _Rehearsal(rover, seed, operator, light)
    for _ in range(round(limit_s * TICK_HZ)):
        room.tick()
        if room.operator.done:
            break
    return room.rescue


class _Rehearsal:
    """Both ends and what stands between them."""

    def __init__(
        self,
        rover: SimRover,
        seed: int,
        operator: Operator,
        light: Callable[[bytes], float] | None,
    ) -> None:
        self.rescue, self.operator = Rescue(), operator
        self._rover, self._light = rover, light
        self._policy, self._stuck = Patrol(seed), StuckDetector()
        self._description, self._limits = rover.describe("boot"), Limits()
        state = gate_state.GateState(boot_id="boot")
        self._state = gate_state.checked(state, start_policy=True, now_ns=BEGIN_NS)
        self._lent = self._state.sublease
        self._keyboard, self._hands = Keyboard(), Hands()
        self._tick = self._seq = 0

    def tick(self) -> None:
        """One control tick, and at every second one a look of the operator at its report."""
        self._tick += 1
        now_ns = BEGIN_NS + self._tick * NS_PER_S // TICK_HZ
        seen = self._rover.observe()
        if self._lent != self._state.sublease:
            self._policy.resume(seen)
            self._lent = self._state.sublease
        policy = self._policy.act(seen)
        self._call_when_stuck(now_ns)
        before, inbox = self._rover.snapshot(), self._inbox(now_ns)
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
            self.rescue.solved.append(self._rover.solved())
        told = self._rover.apply(decision.applied)
        if taken:
            self.rescue.states.append(before)
            self.rescue.actions.append(told)
        self._state = gate_state.sent(decision.state, now_ns)
        self._stuck.observe(now_ns, self._state.mode, decision.asked, seen)
        if self._tick % 2 == 0:
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
                events=decision.events,
                missed_before=0,
                consent=PERSON.consent,
            )
            self._look(ticked, self._rover.observe(), now_ns)

    def _call_when_stuck(self, now_ns: int) -> None:
        diagnosis = self._stuck.diagnosis(now_ns)
        if diagnosis is None or self._state.mode is not Mode.AUTONOMY or self.rescue.call:
            return
        self.rescue.call, self.rescue.call_s = diagnosis, (now_ns - BEGIN_NS) / NS_PER_S
        self._state = gate_state.call(self._state, diagnosis.reason, diagnosis.detail, now_ns)

    def _inbox(self, now_ns: int) -> list[Incoming]:
        """The console's command of this tick, while it has the lease."""
        epoch = self._state.lease.epoch
        if self._state.lease.session != SESSION:
            return []
        self._ask(KeepLease(epoch=epoch), now_ns)
        self._seq += 1
        wish = self._keyboard.read(now_ns)
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
            input_ns=now_ns,
        )
        return [Incoming(command, PERSON.key, PERSON.role)]

    def _look(self, ticked: Ticked, seen: Observation, now_ns: int) -> None:
        running = Running(
            missed_ticks=0, applied_input=(0, 0), watchdog_trips=0, disk_refuses=False, idle_s=0.0
        )
        state = reported(ticked, seen, running, self._description, self._limits)
        yours = state.lease.session == SESSION
        # Only before it marks does the operator care how bright the picture is.
        bright = 255.0
        if self._light is not None and self.operator.stage is Stage.STILL:
            bright = self._light(self._rover.snapshot())
        age_ms = PICTURE_NS / NS_PER_MS
        self.operator, hands = self.operator.act(Seen(state, yours, age_ms, bright), now_ns)
        self._type(hands, state, now_ns)

    def _type(self, hands: Hands, state: RobotState, now_ns: int) -> None:
        keys = default_profile().keys
        for key in sorted(self._hands.held ^ hands.held):
            drive = DRIVES[str(keys[key])]
            change = KeyChange(key, drive, key in hands.held, now_ns)
            self._keyboard = self._keyboard.after(change)
        self._hands = hands
        epoch = state.lease.epoch
        match hands.tap:
            case "Return" if state.lease.session != SESSION:
                self._ask(RequestLease(), now_ns)
            case "Return":
                self._ask(HandBack(epoch=epoch), now_ns)
                self.rescue.handed_back = self._state.phase is Phase.AUTONOMOUS
            case "Y" | "Backspace":
                outcome = Outcome.SUCCESS if hands.tap == "Y" else Outcome.FAILURE
                self._ask(MarkOutcome(epoch=epoch, outcome=outcome), now_ns)
                self.rescue.outcome = self._state.outcome
            case _:
                pass

    def _ask(self, body: RequestBody, now_ns: int) -> None:
        request = Request(request_id=self._tick, session=SESSION, body=body)
        self._state, _, _ = answered(self._state, request, PERSON, now_ns, EPOCHS)
