"""After a crash: turns what an episode left on disk into a readable one, or sets it aside.

Every step can be killed and run again with the same result:

    <id>.rec with a manifest   the seal was complete but for the folder's name: rename
    <id>.rec without           copy every good log chunk and every frame that has the checksum in
                               its row to <id>.tmp, cut to rows that have a frame in every camera,
                               manifest, rename to <id> (commit), move the originals to <id>/torn
    nothing to recover,        rename to <id>.broken with `reason.txt`
    or <id> is there already

Nothing is ever deleted but our own <id>.tmp. A recovered episode carries no outcome: a label counts
only when the operator's hand-back was recorded and sealed.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from recorder.contents import make_manifest
from recorder.durable import fsync_dir, rename, write_atomically
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
    Manifest,
    Status,
    camera_file,
    is_episode_id,
    parse_manifest,
    sealed_json,
)
from recorder.folder_lock import claim
from recorder.log import LogReader, LogWriter, RowRecord
from recorder.segmenter import Close, Segmenter
from recorder.video_track import VideoWriter, good_packets
from transport.messages import AnnotationKind, Outcome

_File = TypeVar("_File", LogWriter, VideoWriter)

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
            lock = claim(folder) if folder.is_dir() else None
            if lock is not None:
                with lock:
                    done.append(recover(folder))
        except OSError as error:  # disk full, most likely: the originals stay, tried again later
            _LOG.error("episode %s is not recovered yet: %s", folder.name, error)
    for leftover in root.glob(f"*{RECOVERING_SUFFIX}"):
        ours = is_episode_id(leftover.stem)
        if not ours or leftover.with_suffix(RECORDING_SUFFIX).exists():
            continue
        try:
            lock = claim(leftover)
            if lock is not None:  # no trim that still runs has it
                with lock:
                    # Our own copy; its original was set aside or sealed.
                    shutil.rmtree(leftover, ignore_errors=True)
        except OSError as error:
            _LOG.error("%s is not cleared away yet: %s", leftover.name, error)
    return done


def recover(folder: Path) -> Recovery:
    """Recover one `<id>.rec` that nobody else works in.

    Raises:
        OSError: the disk refuses; to be run again.
    """
    episode = folder.name.removesuffix(RECORDING_SUFFIX)
    target = folder.with_name(episode)
    try:
        is_sealed = (folder / MANIFEST_FILE).exists()
        if target.exists() and (is_sealed or not _is_ours(target)):
            raise EpisodeError(
                "There is another episode of this name", target, "One of them was copied here."
            )
        if is_sealed:
            rows = _manifest_of(folder).rows
            rename(folder, target)
            return Recovery(episode, target, True, "", rows)
        rows = _manifest_of(target).rows if target.exists() else _rebuild(folder, target)
        rename(folder, target / TORN_DIR)
    except EpisodeError as error:
        return _set_aside(folder, episode, str(error))
    _LOG.info("recovered episode %s, %d rows", episode, rows)
    return Recovery(episode, target, True, "", rows)


def _is_ours(target: Path) -> bool:
    """Whether `target` is a recovery that was killed before it put the originals into it."""
    try:
        recovered = _manifest_of(target).status is Status.RECOVERED
    except EpisodeError:
        return False
    return recovered and not (target / TORN_DIR).exists()


def _manifest_of(folder: Path) -> Manifest:
    path = folder / MANIFEST_FILE
    try:
        return parse_manifest(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise EpisodeError("Manifest is missing", path, "Restore it from a copy.") from error


def _rebuild(folder: Path, target: Path) -> int:
    """Write `target` from the good part of `folder`; returns its rows."""
    source = LogReader(folder / LOG_FILE, lenient=True)
    header = source.header()
    if header.episode != target.name:
        raise EpisodeError(
            f"Log belongs to episode {header.episode}", folder, "The files were moved by hand."
        )
    rows = _good_rows(folder, source, header)
    work = target.with_name(target.name + RECOVERING_SUFFIX)
    if work.exists():
        shutil.rmtree(work)
    try:
        work.mkdir()
        ending = _copy_log(source, header, rows, work)
        for camera in header.cameras:
            name = camera_file(camera.name)
            with _finished(VideoWriter(work / name, camera.width, camera.height)) as video:
                for packet in good_packets(folder / name, _crc32s(rows, camera.name)):
                    video.add(packet)
        # No wall time of sealing: recovering the same files twice gives the same bytes.
        manifest = make_manifest(work, header, ending, Status.RECOVERED, sealed_wall="")
        write_atomically(work / MANIFEST_FILE, sealed_json(manifest))
        fsync_dir(work)
        rename(work, target)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)  # a full disk is not helped by half a copy
        raise
    return len(rows)


def _good_rows(folder: Path, source: LogReader, header: Header) -> list[RowRecord]:
    """Rows from the first on, without a gap, that have their own frame in every camera."""
    rows = list(source.rows())
    if not rows:
        raise EpisodeError("No row survived", folder / LOG_FILE, "Nothing can be made of it.")
    kept = len(rows)
    for camera in header.cameras:
        path = folder / camera_file(camera.name)
        if not path.is_file():
            raise EpisodeError("Video is missing", path, "Put it back and recover again.")
        frames = sum(1 for _ in good_packets(path, _crc32s(rows, camera.name)))
        if not frames:
            raise EpisodeError(
                "No frame of this log survived in the video", path, "Is it of another episode?"
            )
        kept = min(kept, frames)
    return rows[:kept]


def _crc32s(rows: list[RowRecord], camera: str) -> list[int]:
    return [row.cameras[camera].frame_crc32 for row in rows]


def _copy_log(source: LogReader, header: Header, rows: list[RowRecord], work: Path) -> Ending:
    """Copy ticks and the kept rows, in the original's order of time; returns how it ended."""
    segmenter = Segmenter()
    ending: Ending | None = None
    labels = list(source.labels())
    pending = iter(rows)
    row = next(pending, None)
    with _finished(LogWriter(work / LOG_FILE, header)) as log:
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
    ending = ending or _no_intervention()
    return msgspec.structs.replace(ending, ended_by=EndedBy.CRASH, outcome=Outcome.UNLABELLED)


@contextmanager
def _finished(file: _File) -> Iterator[_File]:
    """End and sync what a block writes; let go of it when that fails."""
    try:
        yield file
        file.finish()
        file.close()
    except BaseException:
        file.abandon()
        raise


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
