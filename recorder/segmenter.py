"""When an episode opens and when it closes, from the events and modes of the control ticks.

Pure. The table, in order of the rows; `X + n s` means: keep recording n seconds, then close as X.

    state      what the tick says                           then
    idle       call                                         open -> waiting
    idle       takeover, or mode TELEOP                     open -> driving
    waiting    takeover, or mode TELEOP                     -> driving
    waiting    phase PATROL (1 s after the call or later)   withdrawn + 1 s
    driving    hand_back with an outcome                    hand_back + 1 s
    driving    hand_back without one                        hand_back + 10 s
    driving    link_lost, released, stop                    that + 3 s
    closing    call, or takeover after a hand_back          close, open again
    closing    takeover, stop_reset, mode TELEOP            -> driving (not after a hand_back)
    waiting    scene_reset                                  close as withdrawn
    closing    scene_reset                                  close
    closing    an outcome is said after the hand_back       hand_back + 1 s
    closing    time is over                                 close
    any open   30 min since opening                         close as `limit`

Events of one tick are taken in their order. A tick in mode TELEOP counts as a takeover because a
recorder that starts in the middle of an intervention never saw the event.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from recorder.episode import SCENE_RESET, EndedBy, Ending, Label
from transport.clock import NS_PER_S
from transport.messages import AnnotationKind, Event, Mode, Outcome, Phase, Tick

POST_ROLL_NS: Final = 1 * NS_PER_S  # after a hand-back: enough to see the task stay solved
LABEL_NS: Final = 10 * NS_PER_S  # after a hand-back that says no outcome: time to say it
GRACE_NS: Final = 3 * NS_PER_S  # after a loss: the operator may come back into the same episode
SETTLE_NS: Final = 1 * NS_PER_S  # after a call: the phase follows within a tick or two
LIMIT_NS: Final = 30 * 60 * NS_PER_S
MAX_LABELS: Final = 10_000

_BY_DRIVER: Final = frozenset({"outcome", "phase", "marker", "hand_back"})  # name who drives
_LABEL_KINDS: Final = frozenset(
    {"call", "takeover", "phase", "outcome", "marker", "hand_back", "stop", "stop_reset"}
    | {"link_lost", "released", "paused", "resumed", SCENE_RESET}
)
_LOSSES: Final = {
    "link_lost": EndedBy.LINK_LOST,
    "released": EndedBy.RELEASED,
    "stop": EndedBy.STOP,
}


class State(Enum):
    """What the segmenter is waiting for."""

    IDLE = "idle"
    WAITING = "waiting"
    DRIVING = "driving"
    CLOSING = "closing"


@dataclass(frozen=True)
class Open:
    """Open an episode; it begins with the pre-roll."""


@dataclass(frozen=True)
class Close:
    """Close the open episode; the present tick is its last."""

    ending: Ending


@dataclass(frozen=True)
class _Story:
    """What is known of the open episode."""

    opened_ns: int
    operator: str = ""
    intervention: int = -1
    outcome: Outcome = Outcome.UNLABELLED
    start_tick: int = -1
    end_tick: int = -1
    ended_by: EndedBy = EndedBy.SHUTDOWN
    close_ns: int = 0
    labels: tuple[Label, ...] = field(default=())


class Segmenter:
    """Cuts the stream of ticks into episodes."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self._story = _Story(opened_ns=0)
        self._labels: list[Label] = []
        self._last_tick = -1
        self._handed_back_ns = 0

    def step(self, tick: Tick) -> list[Open | Close]:
        """What to do because of `tick`; at most one episode is open at any time."""
        actions: list[Open | Close] = []
        self._last_tick = tick.tick
        for event in tick.events:
            actions += self._on_event(tick, event)
        if tick.mode is Mode.TELEOP and not any(e.kind == "hand_back" for e in tick.events):
            actions += self._on_teleop(tick)
        self._watch_outcome(tick)
        actions += self._on_time(tick)
        return actions

    @property
    def unlabelled(self) -> bool:
        """Whether the episode is kept open for somebody to say how it went."""
        return self._handed_back and self._story.outcome is Outcome.UNLABELLED

    def say(self, kind: AnnotationKind, text: str, by: str) -> Label | None:
        """Something said about the open episode between two ticks.

        None when there is none, or when it is an outcome and the intervention still runs: what its
        driver marks would replace it. None also for what is no outcome.
        """
        if self.state is State.IDLE or len(self._labels) >= MAX_LABELS:
            return None
        if kind is AnnotationKind.OUTCOME:
            if not self._handed_back or text not in {known.value for known in Outcome}:
                return None
            self._mark(text)
            close_ns = min(self._story.close_ns, self._handed_back_ns + POST_ROLL_NS)
            self._story = replace(self._story, close_ns=close_ns)
        label = Label(tick=self._last_tick, kind=kind, text=text, by=by)
        self._labels.append(label)
        return label

    @property
    def _handed_back(self) -> bool:
        return self.state is State.CLOSING and self._story.ended_by is EndedBy.HAND_BACK

    def close(self, ended_by: EndedBy) -> list[Open | Close]:
        """End whatever is open, now."""
        if self.state is State.IDLE:
            return []
        if self.state is not State.CLOSING:
            self._story = replace(self._story, ended_by=ended_by, end_tick=self._last_tick)
        return [self._closed()]

    def _on_event(self, tick: Tick, event: Event) -> list[Open | Close]:
        actions: list[Open | Close] = []
        kind = event.kind
        fresh = kind == "call" or (
            kind == "takeover" and self._story.ended_by in (EndedBy.HAND_BACK, EndedBy.WITHDRAWN)
        )
        if self.state is State.CLOSING and fresh:
            actions.append(self._closed())
        if self.state is State.IDLE and kind in ("call", "takeover"):
            actions.append(self._opened(tick))
        self._note(tick, event)
        if self._story.start_tick >= 0 and not self._story.operator and kind in _BY_DRIVER:
            self._story = replace(self._story, operator=event.by)
        if kind == "takeover":
            self._drive(tick, event.by)
        elif kind == "outcome" and self.state is State.DRIVING:
            self._mark(event.text)  # the tick's own outcome is gone when hand-back comes with it
        elif kind == "hand_back" and self.state in (State.WAITING, State.DRIVING):
            said = event.text or self._story.outcome
            unlabelled = said == Outcome.UNLABELLED
            self._closing(tick, EndedBy.HAND_BACK, LABEL_NS if unlabelled else POST_ROLL_NS)
        elif kind in _LOSSES and self.state is State.DRIVING:
            self._closing(tick, _LOSSES[kind], GRACE_NS)
        elif kind == "stop_reset" and self._may_resume():
            self.state = State.DRIVING
        elif kind == SCENE_RESET and self.state in (State.WAITING, State.CLOSING):
            if self.state is State.WAITING:
                self._closing(tick, EndedBy.WITHDRAWN, 0)
            actions.append(self._closed())
        return actions

    def _on_teleop(self, tick: Tick) -> list[Open | Close]:
        actions: list[Open | Close] = []
        if self.state is State.IDLE:
            actions.append(self._opened(tick))
        if self.state is State.WAITING or self._may_resume():
            self._drive(tick, "")
        return actions

    def _may_resume(self) -> bool:
        return self.state is State.CLOSING and self._story.ended_by in _LOSSES.values()

    def _on_time(self, tick: Tick) -> list[Open | Close]:
        if self.state is State.IDLE:
            return []
        age_ns = tick.stamp_ns - self._story.opened_ns
        if self.state is State.WAITING and tick.phase is Phase.AUTONOMOUS and age_ns >= SETTLE_NS:
            self._closing(tick, EndedBy.WITHDRAWN, POST_ROLL_NS)
        if self.state is State.CLOSING and tick.stamp_ns >= self._story.close_ns:
            return [self._closed()]
        if age_ns >= LIMIT_NS:
            if self.state is not State.CLOSING:
                self._closing(tick, EndedBy.LIMIT, 0)
            return [self._closed()]
        return []

    def _watch_outcome(self, tick: Tick) -> None:
        """The mark that stands when the intervention ends counts, and none that comes later."""
        story = self._story
        if self.state is State.IDLE or story.start_tick < 0 or tick.intervention < 0:
            return
        ended = self.state is State.CLOSING and not self._may_resume()
        if ended and tick.tick > story.end_tick:
            return
        if story.intervention in (-1, tick.intervention):
            self._story = replace(story, intervention=tick.intervention, outcome=tick.outcome)

    def _mark(self, outcome: str) -> None:
        if outcome in {known.value for known in Outcome}:
            self._story = replace(self._story, outcome=Outcome(outcome))

    def _opened(self, tick: Tick) -> Open:
        self.state = State.WAITING
        self._story = _Story(opened_ns=tick.stamp_ns)
        self._labels = []
        return Open()

    def _drive(self, tick: Tick, by: str) -> None:
        self.state = State.DRIVING
        first = self._story.start_tick < 0
        self._story = replace(
            self._story,
            operator=by or self._story.operator,
            start_tick=tick.tick if first else self._story.start_tick,
        )

    def _closing(self, tick: Tick, ended_by: EndedBy, wait_ns: int) -> None:
        self.state = State.CLOSING
        self._handed_back_ns = tick.stamp_ns
        self._story = replace(
            self._story, ended_by=ended_by, end_tick=tick.tick, close_ns=tick.stamp_ns + wait_ns
        )

    def _closed(self) -> Close:
        story = self._story
        self.state = State.IDLE
        return Close(
            Ending(
                ended_by=story.ended_by,
                outcome=story.outcome,
                operator=story.operator,
                intervention=story.intervention,
                start_tick=story.start_tick,
                end_tick=story.end_tick if story.start_tick >= 0 else -1,
                labels=tuple(self._labels),
            )
        )

    def _note(self, tick: Tick, event: Event) -> None:
        known = event.kind in _LABEL_KINDS and self.state is not State.IDLE
        if known and len(self._labels) < MAX_LABELS:
            label = Label(tick=tick.tick, kind=event.kind, text=event.text, by=event.by)
            self._labels.append(label)
