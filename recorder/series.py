"""An episode as arrays: one entry for each control tick, one for each row.

Pure but for `series_of`, which reads the log once. What judges a whole episode at a time works on
these and never on single ticks.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from recorder.driven import PLANAR, values_of
from recorder.episode import LOG_FILE, Label
from recorder.library import Episode
from recorder.log import ROW, TICK, LogReader, RowRecord
from transport.messages import Event, Source, Tick, Twist

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_COUNTS: Final = ("tick", "stamp", "missed", "intervention", "driven", "deadman", "stated")


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of an episode, r of them; row k is frame k of every camera."""

    tick: Integers  # (r,)
    stamp_ns: Integers  # (r,)
    captured_ns: Mapping[str, Integers]  # (r,) for each camera; 0: black, never was a picture
    repeated: Mapping[str, Flags]  # (r,) for each camera

    def __len__(self) -> int:
        return len(self.tick)


@dataclass(frozen=True, eq=False)
class Series:
    """The control ticks of an episode, n of them, and its rows."""

    tick: Integers  # (n,)
    stamp_ns: Integers  # (n,)
    missed_before: Integers  # (n,)
    applied: Numbers  # (n, axes), in the order of the description's action names
    human: Numbers  # (n, axes): what the operator wished, also while not in control
    observation: Numbers  # (n, k), in the order of the description's names
    driven: Flags  # (n,): the operator's wish was carried out
    deadman: Flags  # (n,)
    intervention: Integers  # (n,), -1: none
    stated: Flags  # (n,): the tick has the robot's complete state
    events: tuple[tuple[int, Event], ...]  # (index of the tick, event), in order
    rows: Rows

    def __len__(self) -> int:
        return len(self.tick)

    def rows_of(self, first: int, last: int) -> tuple[int, int]:
        """First and last row that the ticks of index `first` to `last` belong to."""
        if not len(self.rows):
            return -1, -1
        ticks = self.tick[[first, last]]
        places = np.searchsorted(self.rows.tick, ticks, side="right") - 1
        return int(max(places[0], 0)), int(max(places[1], 0))

    def span_of(self, first_row: int, last_row: int) -> slice:
        """The ticks, as indices, that belong to the rows from `first_row` to `last_row`."""
        begin = int(np.searchsorted(self.tick, self.rows.tick[first_row]))
        if last_row + 1 >= len(self.rows):
            return slice(begin, len(self.tick))
        return slice(begin, int(np.searchsorted(self.tick, self.rows.tick[last_row + 1])))


def series_of(episode: Episode) -> Series:
    """Read an episode's log; raises `EpisodeError`."""
    names = [camera.name for camera in episode.manifest.cameras]
    entries = LogReader(episode.path / LOG_FILE).entries(TICK, ROW)
    description = episode.manifest.description
    actions = description.action_names or PLANAR
    return as_series(entries, names, len(description.observation_names), actions)


def as_series(
    entries: Iterable[Tick | RowRecord | Label],
    cameras: Sequence[str],
    observations: int,
    actions: Sequence[str] = PLANAR,
) -> Series:
    """The same of ticks and rows in any order; `observations` is how many measurements a tick has,
    `actions` names its axes.

    Entries are taken apart one by one: keeping them all costs more than reading them.
    """
    counts, numbers = array("q"), array("d")
    row_counts = array("q")
    axes_of = _axes_of(actions)
    axes = len(actions)
    events: list[tuple[int, Event]] = []
    for entry in entries:
        if isinstance(entry, Tick):
            for event in entry.events:
                events.append((len(counts) // len(_COUNTS), event))
            counts.extend(_counts_of(entry))
            numbers.extend(_numbers_of(entry, observations, axes_of))
        elif isinstance(entry, RowRecord):
            row_counts.extend((entry.tick, entry.stamp_ns))
            for name in cameras:
                shown = entry.cameras[name]
                row_counts.extend((shown.captured_ns, shown.repeated))
    by_tick = np.array(counts, np.int64).reshape(-1, len(_COUNTS)).T
    measured = np.array(numbers, np.float64).reshape(-1, 2 * axes + observations)
    tick, stamp_ns, missed_before, intervention, driven, deadman, stated = by_tick
    by_row = np.array(row_counts, np.int64).reshape(-1, 2 + 2 * len(cameras)).T
    return Series(
        tick=tick,
        stamp_ns=stamp_ns,
        missed_before=missed_before,
        applied=measured[:, :axes],
        human=measured[:, axes : 2 * axes],
        observation=measured[:, 2 * axes :],
        driven=driven.astype(np.bool_),
        deadman=deadman.astype(np.bool_),
        intervention=intervention,
        stated=stated.astype(np.bool_),
        events=tuple(events),
        rows=Rows(
            tick=by_row[0],
            stamp_ns=by_row[1],
            captured_ns=dict(zip(cameras, by_row[2::2], strict=True)),
            repeated={
                name: flags.astype(np.bool_)
                for name, flags in zip(cameras, by_row[3::2], strict=True)
            },
        ),
    )


def _counts_of(tick: Tick) -> tuple[int, ...]:
    return (
        tick.tick,
        tick.stamp_ns,
        tick.missed_before,
        tick.intervention,
        tick.source is Source.HUMAN,
        tick.deadman,
        bool(tick.state),
    )


def _axes_of(actions: Sequence[str]) -> Callable[[Twist], tuple[float, ...]]:
    """What reads these axes of a twist; made once, for it runs twice for each tick."""
    if len(actions) == 1:
        return lambda twist: values_of(twist, actions)
    return attrgetter(*actions)


def _numbers_of(
    tick: Tick, observations: int, axes_of: Callable[[Twist], tuple[float, ...]]
) -> tuple[float, ...]:
    """Applied, human, measurements; other than the description names, these are not numbers."""
    known = tick.observation
    if len(known) != observations:
        known = (math.nan,) * observations
    return (*axes_of(tick.applied), *axes_of(tick.human), *known)


def runs(flags: Flags, at_least: int = 1) -> list[tuple[int, int]]:
    """(first, last) index of each unbroken run of true flags, `at_least` so long."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    pairs = edges.reshape(-1, 2)
    return [(int(a), int(b) - 1) for a, b in pairs if b - a >= at_least]
