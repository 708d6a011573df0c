"""The control process of a robot: driver, control tick, gate, lease, command and STOP sockets.

One thread ticks at `TICK_HZ` and owns everything; others own the STOP socket, the actuator
watchdog, the latch file and the list of keys, and only leave notes. The decisions are in
`teleop.gate` and `teleop.requests`; here they are carried to the robot, to the sockets and to the
robot's inner bus, in that order. Nothing in a tick waits for anything but the next tick.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import structs

from recorder.episode import POLICY_STATE, SCENE_RESET
from teleop import gate
from teleop.actuator_watchdog import WatchedRobot
from teleop.axes import exceeds
from teleop.command_reader import CommandReader
from teleop.drivable import introduced
from teleop.gate import Body, Wish
from teleop.gate_state import (
    GateState,
    begun_anew,
    call,
    call_withdrawn,
    changes,
    checked,
    failed,
    revoked,
    sent,
    stop,
)
from teleop.heartbeat import Heartbeat
from teleop.idleness import Idleness, watched
from teleop.latch import Disk, Latch, LatchWriter
from teleop.liveness import Looks
from teleop.policy import NeverStuck, NoPolicy, Policy, StuckWatch
from teleop.requests import answered
from teleop.robot import Observation, Resettable, Robot, RobotError
from teleop.robot_report import Running, Ticked, recorded, reported
from teleop.roster import Roster, RosterFile
from teleop.roster_watch import RosterWatch
from teleop.safety import Limits
from teleop.scene_reset import SceneReset
from teleop.stop_listener import StopListener
from transport.channels import (
    BEATS,
    REQUESTS,
    STATE,
    STATE_HZ,
    STATES,
    TICK_HZ,
    WATCH_HZ,
    WATCHES,
)
from transport.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until
from transport.control_link import BusSender, CommandInbox, Publisher, Requests
from transport.curve import Door
from transport.messages import (
    STILL,
    Beat,
    Call,
    Calling,
    Event,
    LabelEpisode,
    Lease,
    MalformedMessage,
    Mode,
    Request,
    Said,
    Twist,
    decoder_of,
    encode,
)
from transport.rate_limit import RateLimit

log = logging.getLogger("control")

TICK_NS = NS_PER_S // TICK_HZ
STATE_EVERY = TICK_HZ // STATE_HZ
WATCH_EVERY = TICK_HZ // WATCH_HZ
NEEDING_MODES = (Mode.DISARMED, Mode.LINK_LOST, Mode.SAFE_STOP, Mode.FAULT)
MOST_REQUESTS = 8  # answered in one tick; a flood waits, the tick does not
REQUESTS_PER_S = 50.0  # of one key; a console asks five times a second
REQUESTS_BURST = 20
DESCRIBE_EVERY = TICK_HZ  # the description goes over the bus once a second: late listeners
# More than asked: a driver that adds 1 % has another idea of the numbers. Rounding is far below.
OVERDRIVEN = 0.01

_decode_request = decoder_of(Request)


@dataclass
class Control:
    """The control loop around one robot."""

    robot: Robot
    name: str
    site: str
    host: str
    port: int
    door: Door
    roster: RosterFile
    latch: Disk
    limits: Limits = field(default_factory=Limits)
    policy: Policy = field(default_factory=NoPolicy)
    stuck: StuckWatch = field(default_factory=NeverStuck)
    start_policy: bool = True  # let the policy start by itself after a clean start
    # When the scene of a simulated robot is put back; None: never.
    scene: SceneReset | None = field(default_factory=SceneReset)
    heartbeat: Heartbeat | None = None  # where the agent sees that the ticks come

    def __post_init__(self) -> None:
        boot_id = secrets.token_hex(8)
        description = self.robot.describe(boot_id)
        self._description = introduced(description, self.name, self.site, self.limits)
        asked = self.heartbeat.hold_asked if self.heartbeat is not None else None
        self._drive = WatchedRobot(self.robot, hold_asked=asked)
        self._trips = 0
        self._looks = Looks.begun(now_ns())  # at the STOP thread: a late tick knows nothing of it
        self._missed = 0
        self._applied_input = (0, 0)  # input_ns of the newest input, when the motors were told
        self._overdriven = False
        self._tick = 0
        self._idleness = Idleness()
        self._events: list[Event] = []
        self._told_call: Call | None = None  # the cameras know of it
        self._latch = LatchWriter(self.latch)
        self._members: Roster = self.roster.read()
        self._roster_watch = RosterWatch(self.roster)
        self._asking = RateLimit(REQUESTS_PER_S, REQUESTS_BURST)
        self.state = self._begin(boot_id)
        self._lent = self.state.sublease  # what the policy works under; a later one resumes it
        self._commands = CommandInbox(self.door, self.host, self.port)
        self._reader = CommandReader(self._commands)
        self._states = Publisher(STATE, self.door, self.host, self.port)
        self._requests = Requests(REQUESTS, self.door, self.host, self.port)
        self._bus = BusSender(self.door, self.port)
        self._stop = StopListener(self.door, self.host, self.port, self._name_of)

    def _begin(self, boot_id: str) -> GateState:
        """The gate as a restart finds it: what the disk remembers counts."""
        latch = self._latch.persisted
        self._call_at_start = latch.needs_person or not self.start_policy
        start = not self._call_at_start and not latch.stopped_by
        fresh = GateState(
            boot_id=boot_id,
            axes=self._description.action_names,
            lease=Lease(epoch=latch.epoch_ceiling),
        )
        state = checked(fresh, start_policy=start, now_ns=now_ns())
        return stop(state, latch.stopped_by) if latch.stopped_by else state

    def close(self) -> None:
        """Hold the robot and close every socket; idempotent."""
        self._drive.hold()
        self._stop.close()
        for link in (self._commands, self._states, self._requests, self._bus):
            link.close()
        self._latch.close()
        self._roster_watch.close()
        self._drive.close()

    def run(self, leaving: threading.Event) -> None:
        """Tick until `leaving` is set. Missed ticks are skipped and counted, never caught up."""
        self._drive.start()
        self._stop.start()
        self._roster_watch.start()
        self._latch.start()  # waits a moment: the first leases need epochs that the disk knows
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
        if self.heartbeat is not None:
            self.heartbeat.beat(stamp_ns)
        stop_tested = self._obey_stop()
        self._note_trips()
        self._heed_roster(stamp_ns)
        self._answer_requests()
        came = self._reader.read(self._members.member_of, now_ns())
        observation = self._drive.observe()
        observed_ns = now_ns()
        self._withdraw_call(stamp_ns)
        if self._lent != self.state.sublease:  # the policy was started since the last tick
            self.policy.resume(observation)
            self._lent = self.state.sublease
        policy = self.policy.act(observation)  # its wish is recorded also when it is not obeyed
        wish = Wish(policy, self._lent, stamp_ns)
        self._call_when_stuck(stamp_ns)
        body = self._body(observation)
        decision = gate.step(
            *(self.state, came.commands, came.malformed, wish, body, stamp_ns, self.limits),
            flooding=came.flooding,
        )
        self.state = decision.state
        events = (*self._events, *decision.events)
        events = (*events, *self._taken_over(events))
        self._events = []
        for event in events:
            log.info("%s %s %s", event.kind, event.text, event.by)
        state_before = self._drive.snapshot()
        applied = self._apply(decision.applied)
        applied_ns = now_ns()
        if self.state.last_input_ns != self._applied_input[0]:
            self._applied_input = (self.state.last_input_ns, applied_ns)
        self._idleness, self.state, idle = watched(
            self._idleness, self.state, observation, stamp_ns
        )
        events = (*events, *idle)
        if self.scene is not None and isinstance(self.robot, Resettable):
            self.scene = self.scene.at(self.state, stamp_ns)
            if self.scene.due:  # the last tick of the old scene says so
                events = (*events, Event(kind=SCENE_RESET, text=self.scene.sentence))
        self._remember()
        stands = bool(self.state.stopped_by) and applied == STILL and self._latch.stop_settled()
        self._stop.carried_out(stands=stands, tested=stop_tested and applied == STILL)
        self.state = structs.replace(self.state, stop_told=stands)
        ticked = Ticked(
            tick=self._tick,
            stamp_ns=stamp_ns,
            state=self.state,
            decision=decision,
            observation=observation,
            observed_ns=observed_ns,
            policy=policy,
            applied=applied,
            applied_ns=applied_ns,
            state_before=state_before,
            events=events,
            missed_before=missed_before,
            consent=self._consent(),
        )
        self._tell(ticked)
        self.stuck.observe(stamp_ns, self.state.mode, decision.asked, observation)
        self._reset_scene()
        self._tick += 1

    def _reset_scene(self) -> None:
        if self.scene is None or not self.scene.due or not isinstance(self.robot, Resettable):
            return
        self._drive.hold()
        log.info("the scene is put back, %s", self.scene.sentence)
        try:
            self.robot.reset(self.scene.count)
        except RobotError as error:
            log.exception("the scene cannot be put back")
            self.state = failed(self.state, f"scene: {error}"[:200])
            return
        self.state = begun_anew(self.state, now_ns())
        self._lent = self.state.sublease
        self.policy.begin()

    def _tell(self, ticked: Ticked) -> None:
        """Every tick to the recorder, every second one and each with an event to the operators.

        Whoever looks at many robots gets every sixth of those, and none besides: what a hundred of
        them cost does not depend on what happens.
        """
        self._bus.send(encode(recorded(ticked, self._description.boot_id)))
        if ticked.tick % DESCRIBE_EVERY == 0:
            self._bus.send(encode(self._description))
        if ticked.tick % DESCRIBE_EVERY == 0 or self.state.call is not self._told_call:
            self._told_call = self.state.call
            self._bus.send(encode(Calling(boot_id=self._description.boot_id, call=self._told_call)))
        if ticked.tick % STATE_EVERY and not ticked.events:
            return
        self.state = sent(self.state, ticked.stamp_ns)
        running = Running(
            missed_ticks=self._missed,
            applied_input=self._applied_input,
            watchdog_trips=self._trips,
            disk_refuses=bool(self._latch.refused),
            idle_s=self._idleness.seconds(ticked.stamp_ns),
        )
        seen = self._drive.observe()
        state = reported(ticked, seen, running, self._description, self.limits)
        told = encode(state)
        self._states.publish(told, STATES)
        if ticked.tick % WATCH_EVERY == 0:
            self._states.publish(told, WATCHES)
        beat = Beat(boot_id=state.boot_id, stamp_ns=state.stamp_ns)
        self._states.publish(encode(beat), BEATS)

    def _taken_over(self, events: Iterable[Event]) -> list[Event]:
        """What the record has to know when somebody takes over, besides who it is."""
        taken = [event for event in events if event.kind == "takeover"]
        return [Event(kind=POLICY_STATE, text=self.policy.memory()) for _ in taken]

    def _consent(self) -> str:
        """Under which whoever has the robot is recorded."""
        member = self._members.member_of(self.state.lease.key)
        return member.consent if member else ""

    def _body(self, seen: Observation) -> Body:
        return Body(
            pose=seen.pose,
            battery_pct=seen.battery_pct,
            stop_silent_ms=self._stop_silent_ns() / NS_PER_MS,
            overdriven=self._overdriven,
        )

    def _stop_silent_ns(self) -> int:
        """How long the STOP thread has not turned, while this one did."""
        alive_ns = self._stop.alive_ns  # before the clock: nothing of it lies in the future
        self._looks = self._looks.at(now_ns())
        return self._looks.silent_ns(alive_ns)

    def _name_of(self, key: str) -> str:
        """Who may press STOP: everybody on the list, by name; empty for others. Any thread."""
        member = self._members.member_of(key)
        return member.name if member is not None else ""

    def _heed_roster(self, stamp_ns: int) -> None:
        """A key that was struck off the list loses what it had, its connections included."""
        members = self.roster.newest
        if members is self._members:
            return
        listed = {member.key for member in members.members}
        gone = [m.name for m in self._members.members if m.key not in listed]
        self._members = members
        if gone:
            log.warning("keys revoked: %s", ", ".join(gone))
            before, self.state = self.state, revoked(self.state, listed, stamp_ns)
            self._events.extend(changes(before, self.state))
        if any(members.member_of(key) is None for key in self._states.guests):
            self._states.cut()

    def _note_trips(self) -> None:
        """The watchdog below held the motors: they stand, whatever the gate told them last."""
        if (trips := self._drive.trips) > self._trips:
            self._trips = trips
            self.state = structs.replace(self.state, applied=STILL)
            self._events.append(Event(kind="watchdog", text="no set-point came in time"))

    def _obey_stop(self) -> bool:
        """Take STOP first, whatever else there is; whether somebody tests it."""
        who, tested = self._stop.pressed()
        if not who:
            return tested
        stopped = stop(self.state, who)
        if (stopped.mode, stopped.stopped_by) != (self.state.mode, self.state.stopped_by):
            log.warning("STOP by %s", who)
            self._events.append(Event(kind="stop", by=who))
        self.state = stopped
        return tested

    def _apply(self, action: Twist) -> Twist:
        if self.state.mode is Mode.FAULT:
            self._drive.hold()
            return STILL
        try:
            applied = self._drive.apply(action)
        except RobotError as error:
            log.exception("the robot's driver has failed")
            self._drive.hold()
            self.state = failed(self.state, f"driver: {error}"[:200])
            return STILL
        self._overdriven = exceeds(applied, action, self.limits.full, OVERDRIVEN)
        return applied

    def _call_when_stuck(self, stamp_ns: int) -> None:
        attended = bool(self.state.lease.session) or bool(self.state.stopped_by)
        if self._call_at_start and self._tick == TICK_HZ and not attended:
            # A second after the start, when cameras and recorder listen again.
            why = "It ended while somebody was needed; look before it moves"
            self._call("Restarted", why, stamp_ns)
        diagnosis = self.stuck.diagnosis(stamp_ns)
        if diagnosis is None or self.state.mode is not Mode.AUTONOMY:
            return
        if self.state.lease.session:
            return  # its supervisor is looking already
        self._call(diagnosis.reason, diagnosis.detail, stamp_ns)

    def _withdraw_call(self, stamp_ns: int) -> None:
        if self.state.call is not None and (why := self.stuck.freed(stamp_ns)):
            self.state, events = call_withdrawn(self.state, why, stamp_ns)
            self._events.extend(events)

    def _call(self, reason: str, detail: str, stamp_ns: int) -> None:
        self.state = call(self.state, reason, detail, stamp_ns)
        self._events.append(Event(kind="call", text=f"{reason}. {detail}"))

    def _answer_requests(self) -> None:
        for _ in range(MOST_REQUESTS):
            asked = self._requests.receive()
            if asked is None:
                return
            # Stamped now, not when the tick began: consoles measure the clocks' offset by it.
            stamp_ns = now_ns()
            member = self._members.member_of(asked.key)
            if member is None or not self._asking.admits(asked.key, stamp_ns):
                continue  # a revoked key, or a flood: no answer
            try:
                request = _decode_request(asked.message)
            except MalformedMessage as error:
                log.debug("request that cannot be read: %s", error)
                continue
            ceiling = 0 if self._latch.refused else self._latch.ceiling
            self.state, reply, events = answered(self.state, request, member, stamp_ns, ceiling)
            if reply.ok and isinstance(request.body, LabelEpisode):
                body = request.body
                said = Said(episode=body.episode, kind=body.kind, text=body.text, by=member.name)
                self._bus.send(encode(said))
            self._requests.reply(asked.who, encode(reply))
            self._events.extend(events)

    def _remember(self) -> None:
        """What a restart must not forget goes to the disk, which nothing here waits for."""
        state = self.state
        attended = bool(state.lease.session) or state.call is not None
        self._latch.wanted(
            Latch(
                epoch=state.lease.epoch,
                stopped_by=state.stopped_by,
                needs_person=attended or state.mode in NEEDING_MODES,
            )
        )
