"""Takes idle stretches out of an episode by writing a new one; the original stays as it is.

`proposed` is pure: it shortens the idle stretches to whole groups of pictures, so that video is cut
at key frames and nothing is encoded again, and keeps half a second around everything that decides
what the episode tells: takeover, hand-back, outcome, losses, STOP. `trim` writes the new episode
(`recorder.derived`), with the labels whose moment was taken out, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.derived import derive
from recorder.episode import GOP_ROWS, EpisodeError, Manifest
from recorder.library import Episode
from recorder.motion import idle_stretches
from recorder.series import Series, runs
from transport.messages import Wire

AROUND_S: Final = 0.5  # kept on either side of what decides; longer than the goal has to hold
WORTH_GROUPS: Final = 2  # 1 s; a shorter cut is a seam for nothing
OPERATION: Final = "trim"

_DECIDE: Final = frozenset(
    {"takeover", "hand_back", "outcome", "stop", "stop_reset", "link_lost", "released"}
)


class Cut(Wire, frozen=True):
    """One stretch to take out: whole groups of pictures, with every tick from the first row's on
    to the one before the next row that stays."""

    first_row: int
    last_row: int
    first_tick: int
    last_tick: int
    seconds: float


@dataclass(frozen=True)
class _Left:
    """What stays of an episode."""

    cuts: tuple[Cut, ...]

    def tick(self, number: int) -> bool:
        return not any(cut.first_tick <= number <= cut.last_tick for cut in self.cuts)

    def row(self, number: int) -> bool:
        return not any(cut.first_row <= number <= cut.last_row for cut in self.cuts)


def proposed(series: Series, manifest: Manifest, needed: int = -1) -> tuple[Cut, ...]:
    """The stretches that can go, in order; empty when there are none.

    Idle ones; and, when only the first `needed` actions of the intervention are, what comes after.
    """
    idle = np.zeros(len(series), np.bool_)
    for first, last in idle_stretches(series, manifest.description):
        idle[first : last + 1] = True
    if needed >= 0:
        begin, end = np.searchsorted(
            series.tick, (manifest.ending.start_tick + needed, manifest.ending.end_tick)
        )
        idle[begin:end] = True
    for tick in _deciding(series, manifest):
        at = int(np.searchsorted(series.tick, tick))
        around = round(AROUND_S * manifest.tick_hz)
        idle[max(0, at - around) : at + around + 1] = False
    cuts = [_aligned(series, first, last) for first, last in runs(idle)]
    return tuple(cut for cut in cuts if cut is not None)


def trim(episode: Episode, cuts: Sequence[Cut]) -> Episode:
    """Write a new sealed episode beside `episode`, without the stretches; it may be there already.

    Raises:
        EpisodeError: the episode is damaged, or nothing would be left of it.
        OSError: the disk refuses; the original is untouched, what was begun is begun anew.
    """
    episode.verify()
    manifest = episode.manifest
    if not cuts:
        raise EpisodeError("Nothing to take out", episode.path, "It stays as it is.")
    left = _Left(tuple(cuts))
    if not any(left.row(row) for row in range(manifest.rows)):
        raise EpisodeError("Nothing would be left", episode.path, "Discard the episode instead.")
    return derive(
        episode,
        OPERATION,
        tick=lambda tick: tick if left.tick(tick.tick) else None,
        row=left.row,
        removed=tuple((cut.first_tick, cut.last_tick) for cut in cuts),
    )


def _deciding(series: Series, manifest: Manifest) -> list[int]:
    """Ticks without which the episode would tell another story."""
    ending = manifest.ending
    ticks = [int(series.tick[at]) for at, event in series.events if event.kind in _DECIDE]
    return ticks + [tick for tick in (ending.start_tick, ending.end_tick) if tick >= 0]


def _aligned(series: Series, first: int, last: int) -> Cut | None:
    """The whole groups of pictures within the ticks of index `first` to `last`."""
    rows = series.rows.tick
    begin = -(-int(np.searchsorted(rows, series.tick[first])) // GOP_ROWS) * GOP_ROWS
    if last == len(series) - 1:
        end, after = len(rows), int(series.tick[last]) + 1
    else:
        # The row behind the cut may begin with the tick after `last`, not later.
        end = int(np.searchsorted(rows, series.tick[last] + 1, side="right")) - 1
        end = max(end, 0) // GOP_ROWS * GOP_ROWS
        after = int(rows[end]) if end else 0
    if end - begin < WORTH_GROUPS * GOP_ROWS:
        return None
    # What lies before the first picture goes with it.
    first_tick = int(rows[begin]) if begin else int(series.tick[0])
    span_ns = series.rows.stamp_ns[end - 1] - series.rows.stamp_ns[begin]
    return Cut(
        first_row=begin,
        last_row=end - 1,
        first_tick=first_tick,
        last_tick=after - 1,
        seconds=round(float(span_ns) / 1e9, 2),
    )
