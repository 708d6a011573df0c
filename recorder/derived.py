"""Writes a sealed episode that was made from another one, beside it; that one stays as it is.

    <new id>.tmp   log and videos, read back and counted as at sealing
    <new id>       by one rename; sorts beside its parent, whose time of opening it shares

Ticks keep their numbers and stamps, rows and frames are counted anew. Labels stay, also those given
later. There is no verdict: what was proved of the parent has to be proved again. The same work on
the same parent gives the same id, so that doing it twice makes one episode.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from recorder.annotations import carry_over
from recorder.contents import make_manifest
from recorder.durable import fsync_dir, rename, write_atomically
from recorder.episode import (
    LOG_FILE,
    MANIFEST_FILE,
    RECOVERING_SUFFIX,
    EpisodeError,
    Label,
    Parent,
    camera_file,
    episode_id,
    sealed_json,
)
from recorder.folder_lock import is_locked, make_locked
from recorder.library import Episode, open_episode
from recorder.log import LogReader, LogWriter
from recorder.versions import recording_code
from recorder.video_track import VideoWriter, good_packets
from transport.clock import wall_time
from transport.messages import Tick

Kept = Callable[[int], bool]  # whether the row of this number stays
Changed = Callable[[Tick], Tick | None]  # a tick as it is to be; None: it goes


def derive(
    episode: Episode,
    operation: str,
    *,
    tick: Changed,
    row: Kept = lambda _: True,
    removed: tuple[tuple[int, int], ...] = (),
) -> Episode:
    """The episode that `operation` makes of `episode`; it may be there already. `removed` are first
    and last tick of each stretch for which `tick` answers None.

    Raises:
        EpisodeError: the episode is damaged, or the same is being made just now.
        OSError: the disk refuses; the original is untouched, what was begun is begun anew.
    """
    parent = Parent(
        episode=episode.id,
        manifest_sha256=episode.manifest_sha256,
        operation=operation,
        removed=removed,
        source_sha256=recording_code().source_sha256,
        wall=wall_time().isoformat(timespec="milliseconds"),
    )
    target = episode.path.with_name(_id_of(parent))
    if not target.exists():
        work = target.with_name(target.name + RECOVERING_SUFFIX)
        if work.exists():
            if is_locked(work):
                raise EpisodeError(
                    "Episode is being made from another", work, "Wait until that is done."
                )
            shutil.rmtree(work)  # what a crash left of the same work
        try:
            with make_locked(work):
                _fill(work, episode, parent, tick, row, target.name)
                rename(work, target)
        except (OSError, EpisodeError):
            shutil.rmtree(work, ignore_errors=True)  # a full disk is not helped by half a copy
            raise
    return open_episode(target)


def _fill(
    work: Path, episode: Episode, parent: Parent, tick: Changed, row: Kept, name: str
) -> None:
    log = LogReader(episode.path / LOG_FILE)
    header = msgspec.structs.replace(log.header(), episode=name)
    _copy_log(log, LogWriter(work / LOG_FILE, header), tick, row)
    rows = list(episode.rows())
    for camera in header.cameras:
        file = camera_file(camera.name)
        checksums = [one.cameras[camera.name].frame_crc32 for one in rows]
        video = VideoWriter(work / file, camera.width, camera.height)
        for number, packet in enumerate(good_packets(episode.path / file, checksums)):
            if row(number):
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


def _copy_log(source: LogReader, log: LogWriter, tick: Changed, row: Kept) -> None:
    rows = newest_ns = 0
    for entry in source.entries():
        if isinstance(entry, Tick):
            newest_ns = entry.stamp_ns
            if (changed := tick(entry)) is not None:
                log.tick(changed)
        elif isinstance(entry, Label):
            log.label(entry, newest_ns)
        elif row(entry.row):
            log.row(msgspec.structs.replace(entry, row=rows))
            rows += 1
    log.finish()
    log.close()


def _id_of(parent: Parent) -> str:
    """A ULID of the parent's time, otherwise decided by what is done to what."""
    done = msgspec.structs.replace(parent, source_sha256="", wall="")
    digest = hashlib.sha256(msgspec.json.encode(done)).digest()
    return parent.episode[:10] + episode_id(0, digest[:10])[10:]
