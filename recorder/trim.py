"""Takes idle stretches out of an episode by writing a new one; the original stays as it is.

`proposed` is pure: it shortens the idle stretches to whole groups of pictures, so that video is cut
at key frames and nothing is encoded again, and keeps half a second around everything that decides
what the episode tells: takeover, hand-back, outcome, losses, STOP. `trim` writes

    <new id>.tmp   log and videos without the stretches, read back and counted as at sealing
    <new id>       by one rename; sorts beside its parent, whose time of opening it shares

Ticks keep their numbers and stamps, rows and frames are counted anew. Labels stay, also those given
later, and those whose moment was taken out. There is no verdict: what was proved of the parent has
to be proved again. The same cuts of the same parent give the same id, so that trimming twice makes
one episode.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from recorder.annotations import carry_over
from recorder.contents import make_manifest
from recorder.durable import fsync_dir, rename, write_atomically
from recorder.episode import (
    GOP_ROWS,
    LOG_FILE,
    MANIFEST_FILE,
    RECOVERING_SUFFIX,
    EpisodeError,
    Label,
    Manifest,
    Parent,
    camera_file,
    episode_id,
    sealed_json,
)
from recorder.folder_lock import is_locked, make_locked
from recorder.library import Episode, open_episode
from recorder.log import LogReader, LogWriter
from recorder.motion import idle_stretches
from recorder.series import Series, runs
from recorder.versions import recording_code
from recorder.video_track import VideoWriter, good_packets
from transport.clock import wall_time
from transport.messages import Tick, Wire

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
    parent = Parent(
        episode=episode.id,
        manifest_sha256=episode.manifest_sha256,
        operation=OPERATION,
        removed=tuple((cut.first_tick, cut.last_tick) for cut in cuts),
        source_sha256=recording_code().source_sha256,
        wall=wall_time().isoformat(timespec="milliseconds"),
    )
    target = episode.path.with_name(_id_of(parent))
    if not target.exists():
        _write(episode, left, parent, target)
    return open_episode(target)


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


def _write(episode: Episode, left: _Left, parent: Parent, target: Path) -> None:
    work = target.with_name(target.name + RECOVERING_SUFFIX)
    if work.exists():
        if is_locked(work):
            raise EpisodeError("Episode is being trimmed", work, "Wait until that is done.")
        shutil.rmtree(work)  # what a crash left of the same trim
    try:
        with make_locked(work):
            _fill(work, episode, left, parent, target.name)
            rename(work, target)
    except (OSError, EpisodeError):
        shutil.rmtree(work, ignore_errors=True)  # a full disk is not helped by half a copy
        raise


def _fill(work: Path, episode: Episode, left: _Left, parent: Parent, name: str) -> None:
    log = LogReader(episode.path / LOG_FILE)
    header = msgspec.structs.replace(log.header(), episode=name)
    _copy_log(log, LogWriter(work / LOG_FILE, header), left)
    rows = list(episode.rows())
    for camera in header.cameras:
        file = camera_file(camera.name)
        checksums = [row.cameras[camera.name].frame_crc32 for row in rows]
        video = VideoWriter(work / file, camera.width, camera.height)
        for row, packet in enumerate(good_packets(episode.path / file, checksums)):
            if left.row(row):
                video.add(packet)
        video.finish()
        video.close()
    manifest = make_manifest(
        *(work, header, episode.manifest.ending, episode.manifest.status),
        wall_time().isoformat(timespec="milliseconds"),
        parents=(*episode.manifest.parents, parent),
    )
    sealed = sealed_json(manifest)
    write_atomically(work / MANIFEST_FILE, sealed)
    carry_over(episode.history.annotations, work, hashlib.sha256(sealed).hexdigest())
    fsync_dir(work)


def _copy_log(source: LogReader, log: LogWriter, left: _Left) -> None:
    rows = newest_ns = 0
    for entry in source.entries():
        if isinstance(entry, Tick):
            newest_ns = entry.stamp_ns
            if left.tick(entry.tick):
                log.tick(entry)
        elif isinstance(entry, Label):
            log.label(entry, newest_ns)
        elif left.row(entry.row):
            log.row(msgspec.structs.replace(entry, row=rows))
            rows += 1
    log.finish()
    log.close()


def _id_of(parent: Parent) -> str:
    """A ULID of the parent's time, otherwise decided by what is taken out of what."""
    cuts = msgspec.structs.replace(parent, source_sha256="", wall="")
    digest = hashlib.sha256(msgspec.json.encode(cuts)).digest()
    return parent.episode[:10] + episode_id(0, digest[:10])[10:]
