"""What happened since the window opened: lanes, events, traces, track. No Qt, no clock of its own.

The window notes each view here; the timeline, the traces and the ground track draw from it, and
`Facts` carries to `ui.view_state` what one view alone cannot say ("STOP by op-3 at 14:29:51").
Everything is bounded: old parts leave on the left.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from teleop.axes import speed_mps
from teleop.operator_view import LinkView, Reach
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Mode, Outcome, Phase, RobotState
from ui.facts import Facts, heard
from ui.people import between_people

SPAN_S = 480  # of the timeline, at most
SPANS_S = (60, 120, 240, SPAN_S)  # it grows with the session, so that its beginning can be read
TRACE_S = 60  # of the sparklines
TRACK_S = 120  # of the ground track
SAMPLE_NS = NS_PER_S // 5  # traces need no more than 5 Hz
MOVED_MPS = 0.01  # slower than this is standing
TOLD_MPS: Final = 0.1  # told to move in earnest
STILL_MPS: Final = 0.03  # slower is standing, whatever the wheels do


@dataclass(frozen=True)
class Segment:
    """A stretch of one lane."""

    kind: str
    word: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class Mark:
    """Something that happened."""

    kind: str  # call, takeover, marker, stop, other
    text: str
    stamp_ns: int


@dataclass(frozen=True)
class Spot:
    """Where the robot was."""

    x_m: float
    y_m: float
    stamp_ns: int
    yours: bool


class History:
    """Notes views one after the other."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.control: deque[Segment] = deque()
        self.phases: deque[Segment] = deque()
        self.marks: deque[Mark] = deque(maxlen=200)
        self.latency: deque[tuple[int, float]] = deque()
        self.traces: dict[str, deque[tuple[int, float]]] = {}
        self.track: deque[Spot] = deque()
        self.start_ns: int | None = None
        self.now_ns = 0
        self._last: LinkView | None = None
        self._sampled_ns = 0
        self._my_epoch: int | None = None  # of the lease while it is this console's
        self._seen_verdict = ""
        self._outcome = Outcome.UNLABELLED

    def note(self, link: LinkView, latency_ms: float | None, now_ns: int) -> None:
        """Take in one view."""
        self.now_ns = now_ns
        if self.start_ns is None:
            self.start_ns = now_ns
        state = heard(link)
        kind, word = control_of(link)
        self._extend(self.control, kind, word, now_ns)
        phase = state.phase.value if state else ""
        self._extend(self.phases, f"{kind} {phase}", phase, now_ns)
        self._events(link, state, now_ns)
        if now_ns - self._sampled_ns >= SAMPLE_NS:
            self._sampled_ns = now_ns
            self._sample(link, state, latency_ms, now_ns)
        self._last = link

    def note_video(self, problem: str) -> None:
        """Why there is no video connection; empty while there is."""
        if problem != self.facts.video_problem:
            self.facts = replace(self.facts, video_problem=problem)

    def note_page(self, drives: bool, pictured: bool) -> None:
        """Whether the page that is shown drives, and whether it shows the robot's picture."""
        if (drives, pictured) != (self.facts.page_drives, self.facts.page_pictured):
            self.facts = replace(self.facts, page_drives=drives, page_pictured=pictured)

    def dismiss(self) -> None:
        """The operator has read the note about the lease."""
        self.facts = replace(self.facts, note="")

    def tell(self, text: str, now_ns: int) -> None:
        """Something only this console has to say, for the status line."""
        self.facts = replace(self.facts, told=text, told_ns=now_ns)

    def mark(self, kind: str, text: str, now_ns: int) -> None:
        """Put an event on the timeline."""
        self.marks.append(Mark(kind, text, now_ns))

    @property
    def span_s(self) -> int:
        """How much the timeline shows now."""
        lasted_s = 0.0 if self.start_ns is None else (self.now_ns - self.start_ns) / NS_PER_S
        return next((span for span in SPANS_S if span >= lasted_s), SPAN_S)

    def _extend(self, lane: deque[Segment], kind: str, word: str, now_ns: int) -> None:
        if lane:  # lanes have no gaps: what was seen last held until now
            lane[-1] = replace(lane[-1], end_ns=now_ns)
        if not lane or lane[-1].kind != kind:
            lane.append(Segment(kind, word, now_ns, now_ns))
        oldest = now_ns - SPAN_S * NS_PER_S
        while lane[0].end_ns < oldest:
            lane.popleft()

    def _events(self, link: LinkView, state: RobotState | None, now_ns: int) -> None:
        last = self._last
        before = heard(last) if last else None
        facts = self.facts
        if link.reach is Reach.CONNECTED:
            if facts.lost_ns is not None:
                found = before is None and last is not None and last.reach is Reach.SEARCHING
                self.mark("other", "robot found" if found else "link is back", now_ns)
            facts = replace(facts, lost_ns=None)
        elif facts.lost_ns is None:
            facts = replace(facts, lost_ns=now_ns - int(link.silent_ms * NS_PER_MS))
            if link.reach is Reach.LOST:
                self.mark("other", "link lost", now_ns)
        if state is not None:
            facts = self._calls(facts, link, state, before, now_ns)
            facts = self._stops(facts, state, before, now_ns)
            facts = replace(facts, blocked_ns=_blocked_ns(facts, state, now_ns))
            driven = link.yours or bool(state.lease.operator)
            # Who comes later does not know since when somebody else has had it.
            changed = before is not None and before.lease.epoch != state.lease.epoch
            if driven and (changed or (link.yours and facts.lease_ns is None)):
                facts = replace(facts, lease_ns=now_ns)
            elif not driven:
                facts = replace(facts, lease_ns=None)
            if before is not None and before.boot_id != state.boot_id:
                self.mark("other", "robot restarted", now_ns)
        facts, lines = between_people(facts, last, link, now_ns)
        for line in lines:
            self.mark("other", line, now_ns)
        verdict = link.media.verdict if link.media else None
        if verdict is not None and verdict.episode != self._seen_verdict:
            self._seen_verdict = verdict.episode
            proved = verdict.verdict in ("EXACT", "SEMANTIC")
            facts = replace(
                facts, replayed=facts.replayed + 1, verified=facts.verified + int(proved)
            )
            self.mark("other", f"replay: {verdict.verdict}", now_ns)
        self.facts = facts

    def _calls(
        self,
        facts: Facts,
        link: LinkView,
        state: RobotState,
        before: RobotState | None,
        now_ns: int,
    ) -> Facts:
        call = state.call
        if call is not None and (facts.call is None or facts.call.call_id != call.call_id):
            age_ns = max(0, state.stamp_ns - call.stamp_ns)
            facts = replace(
                facts,
                call=call,
                call_ns=now_ns - age_ns,
                accepted_ns=None,
                first_motion_ns=None,
                call_spot=(state.x_m, state.y_m),
            )
            self.mark("call", f"call: {call.reason[:1].lower()}{call.reason[1:]}", now_ns)
        epoch = state.lease.epoch
        if link.yours and self._my_epoch != epoch:
            self._my_epoch = epoch
            self._outcome = Outcome.UNLABELLED
            facts = replace(facts, accepted_ns=now_ns, first_motion_ns=None)
            self.mark("takeover", "you took over", now_ns)
        elif not link.yours and self._my_epoch is not None:
            self._my_epoch = None
            free_s = facts.free_s
            if facts.accepted_ns is not None and self._outcome is Outcome.SUCCESS:
                free_s = (*free_s[-50:], (now_ns - facts.accepted_ns) / NS_PER_S)
            back = state.mode is Mode.AUTONOMY
            self.mark("other", "handed back" if back else "lease is gone", now_ns)
            facts = replace(
                facts,
                rescues=facts.rescues + 1,
                freed=facts.freed + int(self._outcome is Outcome.SUCCESS),
                free_s=free_s,
            )
        elif (
            not link.yours
            and before is not None
            and state.lease.operator not in ("", before.lease.operator)
        ):
            self.mark("takeover", f"{state.lease.operator} took over", now_ns)
        if link.yours:
            if facts.first_motion_ns is None and speed_mps(state.applied) > MOVED_MPS:
                facts = replace(facts, first_motion_ns=now_ns)
            if state.outcome is not Outcome.UNLABELLED and state.outcome is not self._outcome:
                self._outcome = state.outcome
                self.mark("marker", state.outcome.value, now_ns)
        if call is None and not link.yours and not state.lease.operator:
            facts = replace(facts, call=None, call_ns=None)
        return facts

    def _stops(
        self, facts: Facts, state: RobotState, before: RobotState | None, now_ns: int
    ) -> Facts:
        stopped = state.mode is Mode.ESTOP
        was = before is not None and before.mode is Mode.ESTOP
        by = f"STOP by {state.stopped_by or 'somebody'}"
        if stopped and before is None and facts.stopped_ns is None:
            self.mark("stop", f"{by}, earlier", now_ns)  # nobody here saw when that was
        elif stopped and not was and facts.stopped_ns is None:
            self.mark("stop", by, now_ns)
            facts = replace(facts, stopped_ns=now_ns)
        elif not stopped and (was or facts.stopped_ns is not None):
            self.mark("other", "STOP reset", now_ns)
            facts = replace(facts, stopped_ns=None)
        if state.hold is None:
            return replace(facts, held_ns=None)
        if before is None or before.hold is None or before.hold.reason is not state.hold.reason:
            return replace(facts, held_ns=now_ns)
        return facts

    def _sample(
        self, link: LinkView, state: RobotState | None, latency_ms: float | None, now_ns: int
    ) -> None:
        if latency_ms is not None:
            self.latency.append((now_ns, latency_ms))
            self._trace("Latency", latency_ms, now_ns)
        while self.latency and self.latency[0][0] < now_ns - SPAN_S * NS_PER_S:
            self.latency.popleft()
        if state is None:
            return
        self._trace("Speed", state.speed_mps, now_ns)
        if state.hand is None:
            self._trace("Motors", state.motor_a, now_ns)
            self._trace("Tilt", state.tilt_rad, now_ns)
            self._trace("Battery", state.battery_pct, now_ns)
        else:
            self._trace("Height", state.hand.z_m, now_ns)
            self._trace("Yaw", state.heading_rad, now_ns)
            self._trace("Grip", state.hand.grip, now_ns)
            self._trace("Force", state.hand.grip_n, now_ns)
        self.track.append(Spot(state.x_m, state.y_m, now_ns, link.yours))
        while self.track[0].stamp_ns < now_ns - TRACK_S * NS_PER_S:
            self.track.popleft()

    def _trace(self, name: str, value: float, now_ns: int) -> None:
        trace = self.traces.setdefault(name, deque())
        trace.append((now_ns, value))
        while trace[0][0] < now_ns - TRACE_S * NS_PER_S:
            trace.popleft()


def control_of(link: LinkView) -> tuple[str, str]:
    """Kind and word of the control lane."""
    state = heard(link)
    if state is None:
        return ("none", "NO ROBOT" if link.reach is Reach.LOST else "SEARCHING")
    if state.mode in (Mode.ESTOP, Mode.SAFE_STOP, Mode.LINK_LOST, Mode.FAULT):
        words = {Mode.ESTOP: "STOPPED", Mode.SAFE_STOP: "SAFE STOP", Mode.LINK_LOST: "LINK LOST"}
        return ("stop", words.get(state.mode, "FAULT"))
    if state.mode is Mode.AUTONOMY:
        return ("policy", "AUTONOMY" if state.has_policy else "STANDBY")
    if link.yours and state.mode is Mode.HOLD and not link.self_test.losing:
        return ("hold", "HOLD")
    if link.yours:
        return ("yours", "YOU DRIVE")
    if state.lease.operator:
        return ("other", f"{state.lease.operator} DRIVES")
    if state.call is not None:
        return ("call", "CALLING")
    if state.phase is Phase.AUTONOMOUS:
        return ("policy", "AUTONOMY")
    return ("nobody", "NOBODY")


def _blocked_ns(facts: Facts, state: RobotState, now_ns: int) -> int | None:
    """Since when the motors are told to move and the body does not."""
    told = speed_mps(state.applied) > TOLD_MPS
    if state.mode is not Mode.TELEOP or not told or abs(state.speed_mps) > STILL_MPS:
        return None
    return now_ns if facts.blocked_ns is None else facts.blocked_ns
