"""What the files of an episode really hold, counted by reading them.

Sealing, recovery and `verify` ask the same questions here, so they cannot disagree.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recorder.drivers import Drivers
from recorder.durable import sha256_of
from recorder.episode import (
    FORMAT,
    LOG_FILE,
    POLICY_STATE,
    CameraEntry,
    Clock,
    Counts,
    Ending,
    EpisodeError,
    FileEntry,
    Header,
    Latency,
    Manifest,
    Parent,
    Status,
    camera_file,
)
from recorder.log import LogReader, RowRecord
from recorder.provenance import Start
from recorder.video_track import CODEC, ENCODER, count_frames
from transport.messages import Tick

# Each about half as much again: fine where commands lie, coarse where the gate holds the robot.
LATENCY_EDGES_MS: Final = (10.0, 20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0)

Removed = Sequence[tuple[int, int]]  # first and last tick of each stretch a trim has taken out


@dataclass
class TickCount:
    """What a run of ticks adds up to."""

    ticks: int = 0
    states: int = 0
    events: int = 0
    missed: int = 0
    dropped: int = 0
    first_tick: int = -1
    last_tick: int = -1
    first_ns: int = 0
    last_ns: int = 0
    clock: tuple[int, int] | None = None  # (error, offset) of the operator's, where known best
    removed: Removed = ()
    command_ages: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_EDGES_MS) + 1))
    picture_ages: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_EDGES_MS) + 1))

    def add(self, tick: Tick, where: Path) -> None:
        """Count one more; ticks and stamps must rise."""
        if self.ticks == 0:
            self.first_tick, self.first_ns = tick.tick, tick.stamp_ns
        else:
            if tick.tick <= self.last_tick or tick.stamp_ns <= self.last_ns:
                raise EpisodeError(
                    f"Tick {tick.tick} follows {self.last_tick} or its stamp does not rise",
                    where,
                    "The robot's clock or counter went back; leave the episode out.",
                )
            self.missed += tick.missed_before
            self.dropped += lost_before(self.last_tick, tick, self.removed)
        self.ticks += 1
        self.states += bool(tick.state)
        self.events += len(tick.events)
        self.last_tick, self.last_ns = tick.tick, tick.stamp_ns
        if tick.command_seq >= 0 and tick.command_age_ms >= 0.0:
            self.command_ages[bisect_right(LATENCY_EDGES_MS, tick.command_age_ms)] += 1
        if tick.picture_age_ms >= 0.0:
            self.picture_ages[bisect_right(LATENCY_EDGES_MS, tick.picture_age_ms)] += 1
        if tick.clock_error_ns >= 0:
            known = (tick.clock_error_ns, tick.clock_offset_ns)
            self.clock = min(self.clock or known, known)


def lost_before(previous: int, tick: Tick, removed: Removed = ()) -> int:
    """How many ticks between `previous` and `tick` happened but were not recorded.

    Ticks are numbered as they are carried out: a period that the robot skipped has no number. What
    a trim has `removed` was recorded.
    """
    taken_out = sum(last - first + 1 for first, last in between(previous, tick, removed))
    return max(0, tick.tick - previous - 1 - taken_out)


def between(previous: int, tick: Tick, removed: Removed) -> list[tuple[int, int]]:
    """The stretches that a trim has taken out between two ticks of the record."""
    return [(first, last) for first, last in removed if previous < first and last < tick.tick]


@dataclass
class RowCount:
    """What a run of rows adds up to."""

    rows: int
    repeated: dict[str, int]

    def add(self, row: RowRecord, where: Path) -> None:
        """Count one more; rows count up from 0 and have every camera."""
        if row.row != self.rows or row.cameras.keys() != self.repeated.keys():
            raise EpisodeError(
                f"Row {row.row} stands where row {self.rows} should, or lacks a camera",
                where,
                "Leave the episode out.",
            )
        self.rows += 1
        for camera, shown in row.cameras.items():
            self.repeated[camera] += shown.repeated


@dataclass
class Takeover:
    """What the log tells of the tick at which a replay starts."""

    tick: int  # -1: nobody took over
    start: Start | None = None

    def add(self, tick: Tick) -> None:
        """Look whether it is this one."""
        if tick.tick != self.tick:
            return
        said = {event.kind: event.text for event in tick.events}
        self.start = Start(
            tick=tick.tick,
            state_sha256=hashlib.sha256(tick.state).hexdigest() if tick.state else "",
            state_bytes=len(tick.state),
            policy=said.get(POLICY_STATE, ""),
        )


def count_log(
    path: Path,
    cameras: Iterable[str],
    takeover: Takeover,
    drivers: Drivers,
    removed: Removed = (),
) -> tuple[TickCount, RowCount]:
    """Read the whole log strictly and count; `takeover` and `drivers` look on."""
    ticks, rows = TickCount(removed=removed), RowCount(0, dict.fromkeys(cameras, 0))
    for entry in LogReader(path).entries():
        if isinstance(entry, Tick):
            ticks.add(entry, path)
            takeover.add(entry)
            drivers.add(entry)
        elif isinstance(entry, RowRecord):
            rows.add(entry, path)
        else:
            drivers.said(entry)
    return ticks, rows


def make_manifest(
    folder: Path,
    header: Header,
    ending: Ending,
    status: Status,
    sealed_wall: str,
    parents: tuple[Parent, ...] = (),
) -> Manifest:
    """The manifest of finished files; raises `EpisodeError` when they do not fit each other."""
    removed = [stretch for parent in parents for stretch in parent.removed]
    names = [camera.name for camera in header.cameras]
    takeover, drivers = Takeover(ending.start_tick), Drivers()
    for label in ending.labels:  # a trim keeps those whose tick is gone
        drivers.said(label)
    ticks, rows = count_log(folder / LOG_FILE, names, takeover, drivers, removed)
    if ticks.ticks == 0:
        raise EpisodeError("Episode holds no tick", folder, "There is nothing to keep.")
    cameras: list[CameraEntry] = []
    for camera in header.cameras:
        path = folder / camera_file(camera.name)
        frames = count_frames(path) if rows.rows else 0
        if frames != rows.rows:
            raise EpisodeError(
                f"{frames} frames for {rows.rows} rows", path, "Recover or leave the episode out."
            )
        cameras.append(
            CameraEntry(
                name=camera.name,
                width=camera.width,
                height=camera.height,
                codec=CODEC,
                encoder=ENCODER,
                settings=camera.settings,
                file=path.name,
                frames=frames,
                repeated=rows.repeated[camera.name],
            )
        )
    return Manifest(
        format=FORMAT,
        episode=header.episode,
        status=status,
        description=header.description,
        ending=ending,
        drivers=drivers.found,
        named=drivers.named,
        custody=header.custody,
        start=takeover.start,
        first_tick=ticks.first_tick,
        last_tick=ticks.last_tick,
        overlap_tick=header.overlap_tick,
        rows=rows.rows,
        tick_hz=header.tick_hz,
        row_hz=header.row_hz,
        cameras=tuple(cameras),
        counts=Counts(
            ticks=ticks.ticks,
            states=ticks.states,
            events=ticks.events,
            missed_ticks=ticks.missed,
            dropped_records=ticks.dropped,
        ),
        clock=Clock(
            name="robot monotonic",
            boot_id=header.description.boot_id,
            first_ns=ticks.first_ns,
            last_ns=ticks.last_ns,
            operator_offset_ns=ticks.clock[1] if ticks.clock else None,
            operator_error_ns=ticks.clock[0] if ticks.clock else None,
            opened_wall=header.opened_wall,
            sealed_wall=sealed_wall,
        ),
        latency=Latency(
            edges_ms=LATENCY_EDGES_MS,
            command=tuple(ticks.command_ages),
            picture=tuple(ticks.picture_ages),
        ),
        versions=header.versions,
        code=header.code,
        gate_sha256=header.gate_sha256,
        config_sha256=header.config_sha256,
        files=tuple(
            file_entry(folder / name)
            for name in (LOG_FILE, *(camera_file(camera) for camera in names))
        ),
        parents=parents,
    )


def file_entry(path: Path) -> FileEntry:
    """Size and hash of a file as it is now."""
    return FileEntry(name=path.name, bytes=path.stat().st_size, sha256=sha256_of(path))
