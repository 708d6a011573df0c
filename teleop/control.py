"""The control process of a robot: driver, control tick, gate, lease, command and STOP sockets.

One thread ticks at `TICK_HZ` and owns everything; a second one owns the STOP socket and only sets a
flag. The decisions are in `teleop.gate`; here they are carried to the robot, to the sockets and to
the robot's inner bus, in that order. Nothing in a tick waits for anything but the next tick.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import structs

from teleop import gate
from teleop.patrol import POLICY, Patrol
from teleop.requests import answered
from teleop.robot import Robot, RobotError
from teleop.safety import Limits
from teleop.stuck import StuckDetector
from transport.channels import (
    COMMANDS,
    REQUESTS,
    STATE,
    STATE_HZ,
    STOP,
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
    StopAck,
    StopRequest,
    Tick,
    Twist,
    decoder_of,
    encode,
)

log = logging.getLogger("control")

TICK_NS = NS_PER_S // TICK_HZ
STATE_EVERY = TICK_HZ // STATE_HZ
DESCRIBE_EVERY = TICK_HZ  # the description goes over the bus once a second: late listeners

_decode_command = decoder_of(Command)
_decode_request = decoder_of(Request)
_decode_stop = decoder_of(StopRequest)


class LatchFile:
    """What survives a restart: the lease's epoch and a latched STOP."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[int, str]:
        """(epoch, who pressed STOP or "").

        Raises:
            RobotError: the file is there but unreadable; a robot that may have been stopped must
                not start by itself.
        """
        if not self._path.exists():
            return 0, ""
        try:
            content = json.loads(self._path.read_text())
            return int(content["epoch"]), str(content["stopped_by"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RobotError(
                f"{self._path} cannot be read ({error}). It remembers STOP and the lease: "
                f"check that the robot may move, then delete the file"
            ) from None

    def write(self, epoch: int, stopped_by: str) -> None:
        """Replace the file; durable when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".tmp")
        with draft.open("w") as out:
            json.dump({"epoch": epoch, "stopped_by": stopped_by}, out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._path)


class StopListener:
    """The STOP socket on a thread of its own: it works whatever the control tick is doing."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = Requests(STOP, host, port)
        self._pending: list[tuple[bytes, int]] = []
        self._lock = threading.Lock()
        self._pressed_by = ""
        self._stopped: tuple[int, str] | None = None  # (stamp, by) once the set-point is zero
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="stop", daemon=True)

    def start(self) -> None:
        """Start listening."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._socket.close()

    def pressed_by(self) -> str:
        """Who pressed STOP since the last call, else empty."""
        with self._lock:
            who, self._pressed_by = self._pressed_by, ""
            return who

    def stands(self, stamp_ns: int, by: str) -> None:
        """The set-point is zero: the waiting senders may be told."""
        with self._lock:
            self._stopped = (stamp_ns, by)

    def _listen(self) -> None:
        while not self._leaving.is_set():
            asked = self._socket.receive(wait_ms=10 if self._pending else 100)
            if asked is not None:
                try:
                    request = _decode_stop(asked[1])
                except MalformedMessage as error:
                    log.warning("STOP that cannot be read: %s", error)
                else:
                    with self._lock:
                        self._pressed_by = request.operator
                        self._stopped = None
                    self._pending.append((asked[0], request.request_id))
            self._acknowledge()

    def _acknowledge(self) -> None:
        with self._lock:
            stopped = self._stopped
        if stopped is None:
            return
        for who, request_id in self._pending:
            ack = StopAck(request_id=request_id, stamp_ns=stopped[0], by=stopped[1])
            self._socket.reply(who, encode(ack))
        self._pending.clear()


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
            self.robot.describe(self._boot_id), robot=self.name, site=self.site
        )
        self._policy = Patrol(self.seed)
        self._stuck = StuckDetector()
        self._missed = 0
        self._tick = 0
        self._events: list[Event] = []
        self._published: RobotState | None = None
        epoch, stopped_by = self.latch.read()
        state = gate.GateState(boot_id=self._boot_id, lease=Lease(epoch=epoch))
        state = gate.checked(state, start_policy=self.start_policy and not stopped_by)
        if stopped_by:
            state = gate.stop(state, stopped_by)
        self.state = state
        if not self.start_policy and not stopped_by:
            self.state = gate.call(
                state, "Restarted after a fault", "Control died and was started again", now_ns()
            )
            self._events.append(Event(kind="call", text="Restarted after a fault"))
        self._persisted = (epoch, stopped_by)
        self._commands = CommandInbox(self.host, self.port)
        self._states = Publisher(STATE, self.host, self.port)
        self._requests = Requests(REQUESTS, self.host, self.port)
        self._bus = BusSender(self.port)
        self._stop = StopListener(self.host, self.port)

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
            late = (now_ns() - due_ns) // TICK_NS
            self._missed += late
            due_ns += (late + 1) * TICK_NS
            self.tick(late)

    def tick(self, missed_before: int = 0) -> None:
        """One control tick."""
        stamp_ns = now_ns()
        self._answer_requests(stamp_ns)
        who = self._stop.pressed_by()
        if who:
            log.warning("STOP by %s", who)
            self.state = gate.stop(self.state, who)
            self._events.append(Event(kind="stop", by=who))
        inbox, malformed = self._read_commands()
        observation = self.robot.observe()
        policy = self._policy.act(observation) if self.state.mode is Mode.AUTONOMY else STILL
        self._call_when_stuck(stamp_ns)
        decision = gate.step(self.state, inbox, malformed, policy, stamp_ns, self.limits)
        self.state = decision.state
        self._persist()
        events = (*self._events, *decision.events)
        self._events = []
        for event in events:
            log.info("%s %s %s", event.kind, event.text, event.by)
        state_before = self.robot.snapshot()
        applied = self._apply(decision.applied)
        if self.state.mode is Mode.ESTOP and applied == STILL:
            self._stop.stands(stamp_ns, self.state.stopped_by or "robot")
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

    def _apply(self, action: Twist) -> Twist:
        try:
            return self.robot.apply(action)
        except RobotError:
            log.exception("the robot's driver has failed")
            self.robot.hold()
            self.state = gate.failed(self.state)
            return STILL

    def _call_when_stuck(self, stamp_ns: int) -> None:
        diagnosis = self._stuck.diagnosis(stamp_ns)
        if diagnosis is None or self.state.mode is not Mode.AUTONOMY:
            return
        self.state = gate.call(self.state, diagnosis.reason, diagnosis.detail, stamp_ns)
        text = f"{diagnosis.reason}. {diagnosis.detail}"
        self._events.append(Event(kind="call", text=text))

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

    def _answer_requests(self, stamp_ns: int) -> None:
        while (asked := self._requests.receive()) is not None:
            who, raw = asked
            try:
                request = _decode_request(raw)
            except MalformedMessage as error:
                log.warning("request that cannot be read: %s", error)
                continue
            was_autonomous = self.state.mode is Mode.AUTONOMY
            self.state, reply, events = answered(self.state, request, stamp_ns)
            # An epoch is on disk before anybody hears of it.
            self._persist()
            self._requests.reply(who, encode(reply))
            self._events.extend(events)
            if self.state.mode is Mode.AUTONOMY and not was_autonomous:
                self._policy.resume(self.robot.observe())

    def _persist(self) -> None:
        now = (self.state.lease.epoch, self.state.stopped_by)
        if now != self._persisted:
            self.latch.write(*now)
            self._persisted = now

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
            turn_rps=seen.turn_rps,
            tilt_rad=seen.tilt_rad,
            motor_a=seen.motor_a,
            battery_pct=seen.battery_pct,
            bumper=seen.bumper,
            asked=asked,
            applied=applied,
            cap_mps=state.cap.mps if state.cap else self.limits.max_mps,
            max_mps=self.limits.max_mps,
            max_rps=self.limits.max_rps,
            cap_cause=state.cap.cause if state.cap else CapCause.ROBOT,
            command_seq=state.last_seq,
            command_input_ns=state.last_input_ns,
            command_applied_ns=state.input_applied_ns,
            command_age_ms=state.command_age_ms,
            picture_age_ms=state.picture_age_ms,
            commands_accepted=state.accepted,
            commands_refused=state.refused,
            missed_ticks=self._missed,
        )
