"""Writes episodes as MCAP files that open in Foxglove as they are: one file for each episode.

    /camera/<name>          foxglove.CompressedVideo, the frame of each row
    /camera/<name>/shown    how old the picture was, whether it was shown before
    /pose, /tf              foxglove.PoseInFrame, .FrameTransform; of robots that report one
    /observation            the measurements of each control tick, by name
    /action                 applied, requested, wished by person and policy
    /control                mode, source, phase, ages …
    /log                    foxglove.Log, one line for each event, and for what was said since

All messages are JSON with a schema, in the order of their stamps: the robot's monotonic clock, so
that Foxglove counts from the robot's start, not from 1970. Manifest and verdict go along as
metadata. For looking at: whatever is recorded is exported, proved or not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from recorder.episode import LOG_FILE, EpisodeError, Label, to_json
from recorder.export_folder import ExportSummary, Step, export_folder, no_step
from recorder.foxglove import (
    ERROR,
    INFO,
    ROBOT,
    WARNING,
    WORLD,
    CompressedVideo,
    FrameTransform,
    Log,
    PoseInFrame,
    numbers_schema,
    planar_pose,
    schema_name,
    schema_of,
    time_of,
)
from recorder.library import Episode
from recorder.log import LogReader, RowRecord
from recorder.sources import note_export
from recorder.verdict import Verdict
from recorder.video_track import VideoPacket, read_packets
from transport.messages import Event, Tick, Twist, Wire

_POSE: Final = ("x_m", "y_m", "heading_rad")  # observations that make up a pose on the floor
_LEVELS: Final = {
    **dict.fromkeys(("call", "link_lost", "lease_forced"), WARNING),
    **dict.fromkeys(("stop", "watchdog"), ERROR),
}
_NS_PER_MS: Final = 1e6


class Action(Wire, frozen=True):
    """What was done and what was wished in a control tick."""

    applied: Twist
    requested: Twist
    human: Twist
    policy: Twist


class Control(Wire, frozen=True):
    """What a control tick says beside observation and action; -1: none."""

    tick: int
    mode: str
    source: str
    phase: str
    outcome: str
    intervention: int
    deadman: bool
    command_seq: int
    command_age_ms: float
    picture_age_ms: float
    missed_before: int


class Shown(Wire, frozen=True):
    """Which picture a row shows."""

    row: int
    age_ms: float  # from capture to the row; -1: there was no picture yet
    repeated: bool


def export_mcap(episodes: Sequence[Episode], out: Path, *, step: Step = no_step) -> ExportSummary:
    """Write each of `episodes` as `<id>.mcap` into the new folder `out`; `step` hears how far it
    is. A damaged one is left out, with the reason.

    Raises:
        EpisodeError: the disk refuses, or nothing is left.
    """
    written: list[str] = []
    damaged: list[tuple[str, str]] = []
    rows = 0
    with export_folder(out) as work:
        for number, episode in enumerate(episodes):
            step(number, len(episodes))
            try:
                episode.verify()
                verdict = episode.verdict()
            except EpisodeError as error:
                damaged.append((episode.id, str(error)))
                continue
            _write(episode, verdict, work / f"{episode.id}.mcap")
            written.append(episode.id)
            rows += episode.manifest.rows
        if not written:
            why = damaged[0][1] if damaged else "Give at least one episode."
            raise EpisodeError(f"No episode of {len(damaged)} can be exported", out, why)
        note_export(out, "mcap", {}, [one for one in episodes if one.id in written])
    return ExportSummary(out, tuple(written), rows, skipped=(), damaged=tuple(damaged))


def _write(episode: Episode, verdict: Verdict | None, path: Path) -> None:
    from mcap.writer import CompressionType, Writer

    with path.open("xb") as stream:
        writer: Any = Writer(cast(Any, stream), compression=CompressionType.ZSTD)
        writer.start(profile="", library="unstick")
        writer.add_metadata("manifest", {"json": to_json(episode.manifest).decode()})
        writer.add_metadata("labels", {"json": to_json(episode.labels).decode()})
        if verdict is not None:
            writer.add_metadata("verdict", {"json": to_json(verdict).decode()})
        counts = _Channels(writer, episode).write()
        writer.finish()
    found = Counter(message.topic for message in LogReader(path).messages())
    if found != counts:
        raise EpisodeError("Messages are missing in what was written", path, "Try again.")


class _Channels:
    """The channels of one file, and what goes into them."""

    def __init__(self, writer: Any, episode: Episode) -> None:
        self._writer = writer
        self._episode = episode
        self._names = episode.manifest.description.observation_names
        self._json = msgspec.json.Encoder()
        self._counts: Counter[str] = Counter()
        self._schemas: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        for camera in episode.manifest.cameras:
            self._register(f"/camera/{camera.name}", CompressedVideo)
            self._register(f"/camera/{camera.name}/shown", Shown, "unstick.Shown")
        self._at = [self._names.index(name) for name in _POSE if name in self._names]
        if len(self._at) == len(_POSE):
            self._register("/pose", PoseInFrame)
            self._register("/tf", FrameTransform)
        name = "unstick.Observation"
        self._add_channel("/observation", name, numbers_schema(self._names, name))
        self._register("/action", Action, "unstick.Action")
        self._register("/control", Control, "unstick.Control")
        self._register("/log", Log)

    def write(self) -> Counter[str]:
        """Write the whole episode; returns how many messages each topic got."""
        rows = {row.tick: row for row in self._episode.rows()}
        videos = {
            camera.name: read_packets(self._episode.path / camera.file)
            for camera in self._episode.manifest.cameras
            if rows
        }
        said = deque(LogReader(self._episode.path / LOG_FILE).labels())
        at = 0
        for tick in self._episode.ticks():
            at = tick.stamp_ns
            if tick.tick in rows:
                self._row(rows.pop(tick.tick), videos)
            self._tick(tick)
            while said and said[0].tick <= tick.tick:
                self._add("/log", at, _line(said.popleft(), at))
        for label in said:
            self._add("/log", at, _line(label, at))
        if rows:
            raise EpisodeError(
                f"{len(rows)} rows lack their control tick",
                self._episode.path / LOG_FILE,
                "Restore the file from a copy.",
            )
        return self._counts

    def _row(self, row: RowRecord, videos: dict[str, Iterator[VideoPacket]]) -> None:
        for camera, packets in videos.items():
            packet, shown = next(packets), row.cameras[camera]
            video = CompressedVideo(
                timestamp=time_of(row.stamp_ns), frame_id=camera, data=packet.data, format="h264"
            )
            self._add(f"/camera/{camera}", row.stamp_ns, video)
            age_ms = (row.stamp_ns - shown.captured_ns) / _NS_PER_MS if shown.captured_ns else -1.0
            self._add(
                f"/camera/{camera}/shown",
                row.stamp_ns,
                Shown(row=row.row, age_ms=age_ms, repeated=shown.repeated),
            )

    def _tick(self, tick: Tick) -> None:
        at = tick.stamp_ns
        measured = zip(self._names, tick.observation, strict=True)
        # JSON has no NaN: a measurement that failed is left out of its message.
        self._add("/observation", at, {name: v for name, v in measured if v == v})
        if "/pose" in self._ids:
            self._pose(at, [tick.observation[i] for i in self._at])
        action = Action(
            applied=tick.applied, requested=tick.requested, human=tick.human, policy=tick.policy
        )
        self._add("/action", at, action)
        names = Control.__struct_fields__
        self._add("/control", at, Control(**{name: getattr(tick, name) for name in names}))
        for event in tick.events:
            self._add("/log", at, _line(event, at))

    def _pose(self, stamp_ns: int, measured: list[float]) -> None:
        if any(value != value for value in measured):
            return
        stamp, pose = time_of(stamp_ns), planar_pose(*measured)
        self._add("/pose", stamp_ns, PoseInFrame(timestamp=stamp, frame_id=WORLD, pose=pose))
        transform = FrameTransform(
            timestamp=stamp,
            parent_frame_id=WORLD,
            child_frame_id=ROBOT,
            translation=pose.position,
            rotation=pose.orientation,
        )
        self._add("/tf", stamp_ns, transform)

    def _register(self, topic: str, message: type[Wire], name: str = "") -> None:
        name = name or schema_name(message)
        self._add_channel(topic, name, schema_of(message, name))

    def _add_channel(self, topic: str, name: str, schema: bytes) -> None:
        if name not in self._schemas:
            self._schemas[name] = self._writer.register_schema(name, "jsonschema", schema)
        self._ids[topic] = self._writer.register_channel(topic, "json", self._schemas[name])

    def _add(self, topic: str, stamp_ns: int, message: Wire | dict[str, float]) -> None:
        self._writer.add_message(
            channel_id=self._ids[topic],
            log_time=stamp_ns,
            publish_time=stamp_ns,
            sequence=self._counts[topic],
            data=self._json.encode(message),
        )
        self._counts[topic] += 1


def _line(event: Event | Label, stamp_ns: int) -> Log:
    words = f"{event.kind}: {event.text}" if event.text else event.kind
    return Log(
        timestamp=time_of(stamp_ns),
        level=_LEVELS.get(event.kind, INFO),
        message=words,
        name=event.by or "robot",
        file="",
        line=0,
    )
