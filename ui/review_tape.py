"""An episode as the lanes of the review: everything on one axis, seconds since its first tick.

No Qt, no thread. `tape_of` reads the log once; all else is arithmetic on what it found.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from recorder.driven import PLANAR
from recorder.episode import LOG_FILE, Label
from recorder.library import Episode
from recorder.log import ROW, TICK, LogReader, RowRecord
from recorder.motion import idle_stretches
from recorder.series import Integers, Numbers, Series, as_series
from recorder.trim import Cut, proposed
from transport.clock import NS_PER_S
from transport.messages import Mode, Phase, Tick
from ui.history import Mark, Segment

_STOPPED: Final = frozenset({Mode.ESTOP, Mode.SAFE_STOP, Mode.FAULT, Mode.LINK_LOST})
_SHAPES: Final = {"call": "call", "takeover": "takeover", "marker": "marker", "stop": "stop"}
_EVENTS: Final = {
    "call": "call: {text}",
    "takeover": "{by} took over",
    "hand_back": "handed back",
    "outcome": "{text}",
    "marker": "marker {text}",
    "stop": "STOP by {by}",
    "stop_reset": "STOP reset",
    "released": "lease released",
    "link_lost": "link lost",
    "phase": "phase {text}",
    "policy_state": "",  # bookkeeping, and what the control lane shows
    "mode": "",
}


@dataclass(frozen=True, eq=False)
class Tape:
    """What the lanes show of one episode with n ticks and r rows.

    Segments and marks count in ns from the first tick, as those of the live timeline do.
    """

    tick: Integers  # (n,)
    at_s: Numbers  # (n,): of each tick
    row_s: Numbers  # (r,): of each row
    control: tuple[Segment, ...]
    phases: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    idle: tuple[tuple[float, float], ...]  # first and last second
    latency_ms: Numbers  # (n,): NaN where no command was in force
    names: tuple[str, ...]  # action names
    applied: Numbers  # (n, axes)
    cuts: tuple[Cut, ...]  # what a trim would take out
    cut_s: tuple[tuple[float, float], ...]  # the same in seconds
    first: int  # index of the tick of the takeover, where a replay starts; -1: nobody took over

    @property
    def length_s(self) -> float:
        """From the first tick to the last."""
        return float(self.at_s[-1]) if len(self.at_s) else 0.0

    @property
    def length_ns(self) -> int:
        """The same in ns."""
        return round(self.length_s * NS_PER_S)

    def index_at(self, at_s: float) -> int:
        """Index of the tick in force at this moment."""
        return max(0, int(np.searchsorted(self.at_s, at_s + 1e-9, side="right")) - 1)

    def row_at(self, at_s: float) -> int:
        """The row that shows this moment; -1: there are none."""
        if not len(self.row_s):
            return -1
        return max(0, int(np.searchsorted(self.row_s, at_s + 1e-9, side="right")) - 1)

    def step_at(self, at_s: float) -> int:
        """The replayed action of this moment, counted from the takeover; negative: before it."""
        return self.index_at(at_s) - self.first if self.first >= 0 else -1

    def second_of(self, step: int) -> float:
        """When the action `step` of the replay was recorded."""
        if not len(self.at_s):
            return 0.0
        return float(self.at_s[min(max(self.first, 0) + max(step, 0), len(self.at_s) - 1)])

    def control_at(self, at_s: float) -> str:
        """Kind of the control lane at this moment; empty: nothing is known."""
        at_ns = round(at_s * NS_PER_S)
        kinds = [one.kind for one in self.control if one.start_ns <= at_ns <= one.end_ns]
        return kinds[-1] if kinds else ""

    def next_row(self, at_s: float, by: int) -> float:
        """The moment `by` rows later, or earlier; stays within the episode."""
        if not len(self.row_s):
            return at_s
        row = self.row_at(at_s)
        if by < 0 and at_s > float(self.row_s[row]) + 1e-6:
            row += 1  # from within a row the first step back is to its beginning
        return float(self.row_s[min(max(row + by, 0), len(self.row_s) - 1)])


def tape_of(episode: Episode) -> Tape:
    """Read an episode's log; raises `EpisodeError`."""
    description = episode.manifest.description
    names = description.action_names or PLANAR
    stamps, ages = array("q"), array("d")
    modes: list[tuple[str, str]] = []
    phases: list[Phase] = []

    def noted() -> Iterator[Tick | RowRecord | Label]:
        for entry in LogReader(episode.path / LOG_FILE).entries(TICK, ROW):
            if isinstance(entry, Tick):
                stamps.append(entry.stamp_ns)
                ages.append(entry.command_age_ms if entry.command_age_ms >= 0 else math.nan)
                modes.append(control_of(entry))
                phases.append(entry.phase)
            yield entry

    cameras = [camera.name for camera in episode.manifest.cameras]
    series = as_series(noted(), cameras, len(description.observation_names), names)
    begin_ns = int(series.stamp_ns[0]) if len(series) else 0
    since_ns = series.stamp_ns - begin_ns
    at_s = since_ns / NS_PER_S
    cuts = proposed(series, episode.manifest)
    return Tape(
        tick=series.tick,
        at_s=at_s,
        row_s=(series.rows.stamp_ns - begin_ns) / NS_PER_S,
        control=_segments(modes, since_ns),
        phases=_segments([_phase(phase) for phase in phases], since_ns),
        marks=_marks(series, since_ns),
        idle=tuple(
            (float(at_s[a]), float(at_s[b])) for a, b in idle_stretches(series, description)
        ),
        latency_ms=np.array(ages, np.float64),
        names=tuple(names),
        applied=series.applied,
        cuts=cuts,
        cut_s=tuple(_span(series, at_s, cut) for cut in cuts),
        first=_takeover(series, episode.manifest.ending.start_tick),
    )


def control_of(tick: Tick) -> tuple[str, str]:
    """Kind and word of the control lane: who has the robot, or why it stands."""
    if tick.mode in _STOPPED:
        return "stop", "STOP" if tick.mode is Mode.ESTOP else tick.mode.value.replace("_", " ")
    if tick.mode is Mode.TELEOP:
        return "yours", f"{tick.operator or 'operator'} DRIVES"
    if tick.mode is Mode.AUTONOMY:
        return "policy", "AUTONOMY"
    if tick.phase is Phase.HANDOVER:
        return "call", "CALLING"
    if tick.mode is Mode.HOLD:
        return "hold", "HOLD"
    return "other", f"{tick.operator} {tick.mode.value}".strip()


def _phase(phase: Phase) -> tuple[str, str]:
    driven = phase in (Phase.RECOVERY, Phase.CORRECTION, Phase.RESET)
    return ("yours" if driven else "other"), phase.value


def _segments(said: list[tuple[str, str]], since_ns: Integers) -> tuple[Segment, ...]:
    """Neighbours that say the same are one; each lasts until the next begins."""
    if not said:
        return ()
    begins = [0] + [i for i, (a, b) in enumerate(pairwise(said), 1) if a != b]
    ends = [*begins[1:], len(said) - 1]
    return tuple(
        Segment(*said[a], int(since_ns[a]), int(since_ns[b]))
        for a, b in zip(begins, ends, strict=True)
    )


def _marks(series: Series, since_ns: Integers) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for index, event in series.events:
        form = _EVENTS.get(event.kind, event.kind.replace("_", " "))
        text = form.format(text=event.text, by=event.by or "somebody").strip(" :")
        if form:
            kind = _SHAPES.get(event.kind, "other")
            marks.append(Mark(kind, text, int(since_ns[index])))
    return tuple(marks)


def _span(series: Series, at_s: Numbers, cut: Cut) -> tuple[float, float]:
    first, last = np.searchsorted(series.tick, [cut.first_tick, cut.last_tick])
    return float(at_s[first]), float(at_s[min(int(last), len(at_s) - 1)])


def _takeover(series: Series, start_tick: int) -> int:
    if start_tick < 0:
        return -1
    at = int(np.searchsorted(series.tick, start_tick))
    return at if at < len(series) and int(series.tick[at]) == start_tick else -1
