"""After a crash: turns what an episode left on disk into a readable one, or sets it aside.

Every step can be killed and run again with the same result:

    <id>.rec with a manifest   the seal was complete but for the folder's name: rename
    <id>.rec without           copy every good log chunk and every decodable frame to <id>.tmp,
                               cut to rows that have a frame in every camera, manifest, rename to
                               <id> (commit), move the originals to <id>/torn
    nothing to recover         rename to <id>.broken with `reason.txt`

Nothing is ever deleted but our own <id>.tmp. A recovered episode carries no outcome: a label counts
only when the operator's hand-back was recorded and sealed.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from recorder.contents import make_manifest
from recorder.durable import fsync_dir, is_locked, rename, write_atomically
from recorder.episode import (
    BROKEN_SUFFIX,
    LOG_FILE,
    MANIFEST_FILE,
    REASON_FILE,
    RECORDING_SUFFIX,
    RECOVERING_SUFFIX,
    TORN_DIR,
    EndedBy,
    Ending,
    EpisodeError,
    Header,
    Status,
    camera_file,
    is_episode_id,
    to_json,
)
from recorder.log import LogReader, LogWriter, RowRecord
from recorder.segmenter import Close, Segmenter
from recorder.video_track import VideoWriter, count_decodable, read_packets
from transport.messages import AnnotationKind, Outcome

_NO_CUT: Final = 1 << 62

_LOG = logging.getLogger("recorder")


@dataclass(frozen=True)
class Recovery:
    """What became of one unfinished episode."""

    episode: str
    path: Path  # where it is now
    recovered: bool
    reason: str  # of a broken one; empty otherwise
    rows: int = 0


def recover_all(root: Path) -> list[Recovery]:
    """Recover every unfinished episode under `root`; episodes being recorded are left alone."""
    if not root.is_dir():
        return []
    found = sorted(root.glob(f"*{RECORDING_SUFFIX}"))
    done: list[Recovery] = []
    for folder in found:
        try:
            if folder.is_dir() and not _in_use(folder):
                done.append(recover(folder))
        except (
            OSError
        ) as error:  # disk full, most likely: the originals stay, next start tries again
            _LOG.error("episode %s is not recovered yet: %s", folder.name, error)
    for leftover in root.glob(f"*{RECOVERING_SUFFIX}"):
        if is_episode_id(leftover.stem) and not leftover.with_suffix(RECORDING_SUFFIX).exists():
            shutil.rmtree(leftover)  # our own copy; its original was set aside or sealed
    return done


def recover(folder: Path) -> Recovery:
    """Recover one `<id>.rec`; raises `OSError` when the disk refuses, to be run again."""
    episode = folder.name.removesuffix(RECORDING_SUFFIX)
    target = folder.with_name(episode)
    try:
        if (folder / MANIFEST_FILE).exists():
            rename(folder, target)
            return Recovery(episode, target, True, "")
        rows = 0
        if not (target / MANIFEST_FILE).exists():
            rows = _rebuild(folder, target)
        rename(folder, target / TORN_DIR)
    except EpisodeError as error:
        return _set_aside(folder, episode, str(error))
    _LOG.info("recovered episode %s, %d rows", episode, rows)
    return Recovery(episode, target, True, "", rows)


def _in_use(folder: Path) -> bool:
    log = folder / LOG_FILE
    return log.exists() and is_locked(log)


def _rebuild(folder: Path, target: Path) -> int:
    """Write `target` from the good part of `folder`; returns its rows."""
    source = LogReader(folder / LOG_FILE, lenient=True)
    header = source.header()
    if header.episode != target.name:
        raise EpisodeError(
            f"Log belongs to episode {header.episode}", folder, "The files were moved by hand."
        )
    rows = _good_rows(folder, source, header)
    if not rows:
        raise EpisodeError("No row survived", folder, "Nothing can be made of it.")
    work = target.with_name(target.name + RECOVERING_SUFFIX)
    if work.exists():
        shutil.rmtree(work)
    work.mkdir()
    ending = _copy_log(source, header, rows, work)
    for camera in header.cameras:
        name = camera_file(camera.name)
        video = VideoWriter(work / name, camera.width, camera.height)
        for packet in islice(read_packets(folder / name), len(rows)):
            video.add(packet)
        video.finish()
        video.close()
    # No wall time of sealing: recovering the same files twice gives the same bytes.
    manifest = make_manifest(work, header, ending, Status.RECOVERED, sealed_wall="")
    write_atomically(work / MANIFEST_FILE, to_json(manifest))
    fsync_dir(work)
    rename(work, target)
    return len(rows)


def _good_rows(folder: Path, source: LogReader, header: Header) -> list[RowRecord]:
    """Rows from the first on, without a gap, that have a decodable frame in every camera."""
    frames = [count_decodable(folder / camera_file(camera.name)) for camera in header.cameras]
    limit = min(frames, default=_NO_CUT)
    rows: list[RowRecord] = []
    for row in source.rows():
        if row.row != len(rows) or len(rows) >= limit:
            break
        rows.append(row)
    return rows


def _copy_log(source: LogReader, header: Header, rows: list[RowRecord], work: Path) -> Ending:
    """Copy ticks and the kept rows, in the original's order of time; returns how it ended."""
    log = LogWriter(work / LOG_FILE, header)
    segmenter = Segmenter()
    ending: Ending | None = None
    labels = list(source.labels())
    pending = iter(rows)
    row = next(pending, None)
    for tick in source.ticks():
        log.tick(tick)
        while row is not None and row.tick <= tick.tick:
            log.row(row)
            row = next(pending, None)
        said = [label for label in labels if label.tick == tick.tick]
        for action in segmenter.step(tick):
            # The pre-roll may hold the end of the episode before: the last one counts.
            ending = action.ending if isinstance(action, Close) else None
        for label in said:
            log.label(label, tick.stamp_ns)
            segmenter.say(AnnotationKind(label.kind), label.text, label.by)
    for action in segmenter.close(EndedBy.CRASH):
        if isinstance(action, Close):
            ending = action.ending
    log.finish()
    log.close()
    ending = ending or _no_intervention()
    return msgspec.structs.replace(ending, ended_by=EndedBy.CRASH, outcome=Outcome.UNLABELLED)


def _no_intervention() -> Ending:
    return Ending(
        ended_by=EndedBy.CRASH,
        outcome=Outcome.UNLABELLED,
        operator="",
        intervention=-1,
        start_tick=-1,
        end_tick=-1,
    )


def _set_aside(folder: Path, episode: str, reason: str) -> Recovery:
    """Keep what cannot be recovered under another name, with the reason."""
    path = folder.with_name(episode + BROKEN_SUFFIX)
    number = 1
    while path.exists():
        number += 1
        path = folder.with_name(f"{episode}-{number}{BROKEN_SUFFIX}")
    write_atomically(folder / REASON_FILE, (reason + "\n").encode())
    rename(folder, path)
    _LOG.error("episode %s cannot be recovered: %s", episode, reason)
    return Recovery(episode, path, False, reason)
