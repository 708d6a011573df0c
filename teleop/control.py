"""The control process of a robot: driver, control tick, gate, lease, command and STOP sockets.

One thread ticks at `TICK_HZ` and owns everything; a second one owns the STOP socket and only sets a
flag. The decisions are in `teleop.gate`; here they are carried to the robot, to the sockets and to
the robot's inner bus, in that order. Nothing in a tick waits for anything but the next tick.
"""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import asdict, dataclass, field

from msgspec import structs

from teleop import gate
from teleop.latch import Latch, LatchFile
from teleop.patrol import POLICY, Patrol
from teleop.requests import answered
from teleop.robot import Robot, RobotError
from teleop.safety import ConfigError, Limits
from teleop.stop_listener import StopListener
from teleop.stuck import StuckDetector
from transport.channels import (
    COMMANDS,
    REQUESTS,
    STATE,
    STATE_HZ,
    TICK_HZ,
)
from transport.clock import NS_PER_S, now_ns, sleep_until
from transport.control_link import BusSender, CommandInbox, Publisher, Requests
from transport.messages import (
    STILL,
    CapCause,
    Command,
    Event,
    Lease,
    MalformedMessage,
    Mode,
    Phase,
    Request,
    RobotState,
    Tick,
    Twist,
    decoder_of,
    encode,
)

log = logging.getLogger("control")

TICK_NS = NS_PER_S // TICK_HZ
STATE_EVERY = TICK_HZ // STATE_HZ
NEEDING_MODES = (Mode.DISARMED, Mode.LINK_LOST, Mode.SAFE_STOP, Mode.FAULT)
MOST_REQUESTS = 8  # answered in one tick; a flood waits, the tick does not
DESCRIBE_EVERY = TICK_HZ  # the description goes over the bus once a second: late listeners

_decode_command = decoder_of(Command)
_decode_request = decoder_of(Request)


@dataclass
class Control:
    """The control loop around one robot."""

    robot: Robot
    name: str
    site: str
    host: str
    port: int
    latch: LatchFile
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    start_policy: bool = True  # let the policy start by itself after a clean start

    def __post_init__(self) -> None:
        self._boot_id = secrets.token_hex(8)
        self._description = structs.replace(
            self.robot.describe(self._boot_id),
            robot=self.name,
            site=self.site,
            limits={name: float(value) for name, value in asdict(self.limits).items()},
        )
        self._check_limits()
        self._policy = Patrol(self.seed)
        self._stuck = StuckDetector()
        self._missed = 0
        self._applied_input = (0, 0)  # input_ns of the newest input, when the motors were told
        self._tick = 0
        self._events: list[Event] = []
        latch = self.latch.read()
        state = gate.GateState(boot_id=self._boot_id, lease=Lease(epoch=latch.epoch))
        self._call_at_start = latch.needs_person or not self.start_policy
        start = not self._call_at_start and not latch.stopped_by
        state = gate.checked(state, start_policy=start)
        if latch.stopped_by:
            state = gate.stop(state, latch.stopped_by)
        self.state = state
        self._reported_mode = Mode.BOOT
        self._persisted = latch
        self._disk_refused = False
        self._commands = CommandInbox(self.host, self.port)
        self._states = Publisher(STATE, self.host, self.port)
        self._requests = Requests(REQUESTS, self.host, self.port)
        self._bus = BusSender(self.port)
        self._stop = StopListener(self.host, self.port)

    def _check_limits(self) -> None:
        """The gate's ramp holds only for speeds that the robot really carries out."""
        for name in ("max_mps", "max_radps"):
            own = self._description.controller.get(name)
            allowed = getattr(self.limits, name)
            if own is not None and allowed > own:
                raise ConfigError(f"{name} = {allowed} is above the robot's own {own}")

    def close(self) -> None:
        """Hold the robot and close every socket; idempotent."""
        self.robot.hold()
        self._stop.close()
        for link in (self._commands, self._states, self._requests, self._bus):
            link.close()
        self.robot.close()

    def run(self, leaving: threading.Event) -> None:
        """Tick until `leaving` is set. Missed ticks are skipped and counted, never caught up."""
        self._stop.start()
        due_ns = now_ns()
        while not leaving.is_set():
            sleep_until(due_ns)
            late = max(0, (now_ns() - due_ns) // TICK_NS)
            self._missed += late
            due_ns += (late + 1) * TICK_NS
            self.tick(late)

    def tick(self, missed_before: int = 0) -> None:
        """One control tick."""
        stamp_ns = now_ns()
        self._obey_stop()
        self._answer_requests()
        self._obey_stop()  # a lease may have kept the disk, and so this tick, busy
        inbox, malformed = self._read_commands()
        observation = self.robot.observe()
        policy = self._policy.act(observation)  # its wish is recorded also when it is not obeyed
        self._call_when_stuck(stamp_ns)
        decision = gate.step(self.state, inbox, malformed, policy, stamp_ns, self.limits)
        self.state = decision.state
        events = (*self._events, *decision.events, *self._mode_event())
        self._events = []
        for event in events:
            log.info("%s %s %s", event.kind, event.text, event.by)
        state_before = self.robot.snapshot()
        applied = self._apply(decision.applied)
        if self.state.last_input_ns != self._applied_input[0]:
            self._applied_input = (self.state.last_input_ns, now_ns())
        # The robot stands already when the disk is asked to remember a STOP.
        if not self._disk_refused or self._tick % TICK_HZ == 0:
            self._persist()
        if self.state.stopped_by and applied == STILL:
            self._stop.stands(stamp_ns, self.state.stopped_by)
        self._bus.send(
            encode(
                Tick(
                    tick=self._tick,
                    stamp_ns=stamp_ns,
                    boot_id=self._boot_id,
                    mode=self.state.mode,
                    source=decision.source,
                    phase=self.state.phase,
                    intervention=self.state.intervention if self.state.lease.session else -1,
                    outcome=self.state.outcome,
                    observation=observation.values(),
                    policy=policy,
                    human=self.state.human,
                    applied=applied,
                    deadman=self.state.deadman,
                    command_seq=decision.command_seq,
                    command_age_ms=self.state.command_age_ms,
                    picture_age_ms=self.state.picture_age_ms,
                    missed_before=missed_before,
                    state=state_before,
                    events=events,
                )
            )
        )
        if self._tick % DESCRIBE_EVERY == 0:
            self._bus.send(encode(self._description))
        self._stuck.observe(stamp_ns, self.state.mode, decision.asked, observation)
        if self._tick % STATE_EVERY == 0 or events:
            self.state = gate.sent(self.state, stamp_ns)
            self._states.publish(encode(self._report(stamp_ns, decision.asked, applied)))
        self._tick += 1

    def _obey_stop(self) -> None:
        if not self._stop.listens and self.state.mode is not Mode.FAULT:
            log.error("the STOP thread has died")
            self.state = gate.failed(self.state)
        who = self._stop.pressed_by()
        if not who:
            return
        stopped = gate.stop(self.state, who)
        if (stopped.mode, stopped.stopped_by) != (self.state.mode, self.state.stopped_by):
            log.warning("STOP by %s", who)
            self._events.append(Event(kind="stop", by=who))
        self.state = stopped

    def _mode_event(self) -> tuple[Event, ...]:
        """The transition since the last tick, with its cause, whatever brought it about."""
        before, now = self._reported_mode, self.state.mode
        if now is before:
            return ()
        self._reported_mode = now
        cause = f": {self.state.hold.reason}" if self.state.hold is not None else ""
        return (Event(kind="mode", text=f"{before} to {now}{cause}"),)

    def _apply(self, action: Twist) -> Twist:
        if self.state.mode is Mode.FAULT:
            self.robot.hold()
            return STILL
        try:
            return self.robot.apply(action)
        except RobotError:
            log.exception("the robot's driver has failed")
            self.robot.hold()
            self.state = gate.failed(self.state)
            return STILL

    def _call_when_stuck(self, stamp_ns: int) -> None:
        attended = bool(self.state.lease.session) or bool(self.state.stopped_by)
        if self._call_at_start and self._tick == TICK_HZ and not attended:
            # A second after the start, when cameras and recorder listen again.
            why = "It ended while somebody was needed; look before it moves"
            self._call("Restarted", why, stamp_ns)
        diagnosis = self._stuck.diagnosis(stamp_ns)
        if diagnosis is None or self.state.mode is not Mode.AUTONOMY:
            return
        self._call(diagnosis.reason, diagnosis.detail, stamp_ns)

    def _call(self, reason: str, detail: str, stamp_ns: int) -> None:
        self.state = gate.call(self.state, reason, detail, stamp_ns)
        self._events.append(Event(kind="call", text=f"{reason}. {detail}"))

    def _read_commands(self) -> tuple[list[Command], int]:
        commands: list[Command] = []
        malformed = 0
        for raw in self._commands.drain():
            try:
                commands.append(_decode_command(raw))
            except MalformedMessage as error:
                malformed += 1
                log.debug("%s refused: %s", COMMANDS.name, error)
        return commands, malformed

    def _answer_requests(self) -> None:
        for _ in range(MOST_REQUESTS):
            asked = self._requests.receive()
            if asked is None:
                return
            who, raw = asked
            try:
                request = _decode_request(raw)
            except MalformedMessage as error:
                log.debug("request that cannot be read: %s", error)
                continue
            before = self.state
            # Stamped now, not when the tick began: consoles measure the clocks' offset by it.
            self.state, reply, events = answered(before, request, now_ns())
            if self.state.lease.epoch != before.lease.epoch and not self._persist():
                # An epoch that the disk does not know could be granted twice.
                self.state, events = before, ()
                reply = structs.replace(reply, ok=False, reason="the robot's disk refuses to write")
            self._requests.reply(who, encode(reply))
            self._events.extend(events)
            if self.state.mode is Mode.AUTONOMY and before.mode is not Mode.AUTONOMY:
                self._policy.resume(self.robot.observe())

    def _persist(self) -> bool:
        """Bring the latch to the disk when it changed; False when the disk refuses."""
        state = self.state
        attended = bool(state.lease.session) or state.call is not None
        now = Latch(
            epoch=state.lease.epoch,
            stopped_by=state.stopped_by,
            needs_person=attended or state.mode in NEEDING_MODES,
        )
        if now == self._persisted:
            return True
        try:
            self.latch.write(now)
        except OSError as error:
            if not self._disk_refused:
                log.error("STOP and lease cannot be remembered: %s", error)
            self._disk_refused = True
            return False
        self._persisted, self._disk_refused = now, False
        return True

    def _report(self, stamp_ns: int, asked: Twist, applied: Twist) -> RobotState:
        state = self.state
        seen = self.robot.observe()
        return RobotState(
            robot=self.name,
            site=self.site,
            boot_id=self._boot_id,
            stamp_ns=stamp_ns,
            tick=self._tick,
            mode=state.mode,
            phase=state.phase,
            lease=state.lease,
            call=state.call,
            hold=state.hold,
            stopped_by=state.stopped_by,
            intervention=state.intervention,
            outcome=state.outcome,
            task=self._description.task if state.phase is not Phase.PATROL else POLICY,
            x_m=seen.x_m,
            y_m=seen.y_m,
            heading_rad=seen.heading_rad,
            speed_mps=seen.speed_mps,
            turn_radps=seen.turn_radps,
            tilt_rad=seen.tilt_rad,
            motor_a=seen.motor_a,
            battery_pct=seen.battery_pct,
            bumper=seen.bumper,
            asked=asked,
            applied=applied,
            cap_mps=state.cap.mps if state.cap else self.limits.max_mps,
            max_mps=self.limits.max_mps,
            max_radps=self.limits.max_radps,
            cap_cause=state.cap.cause if state.cap else CapCause.ROBOT,
            command_seq=state.last_seq,
            command_input_ns=self._applied_input[0],
            command_applied_ns=self._applied_input[1],
            command_age_ms=state.command_age_ms,
            picture_age_ms=state.picture_age_ms,
            commands_accepted=state.accepted,
            commands_refused=state.refused,
            missed_ticks=self._missed,
        )
