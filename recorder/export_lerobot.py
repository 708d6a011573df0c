"""Writes a LeRobotDataset v3 from sealed episodes, with numpy, pyarrow and PyAV alone.

One data, one video per camera and one meta file for each episode. Video is copied, not encoded
again: frame k gets the stamp k/30 exactly, which is what loaders look frames up by. Everything is
built in a folder beside the target, read back, and renamed; `info.json` is the last file written.
Appending builds such a folder too, from links to the files that are there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from recorder.contents import file_entry
from recorder.episode import EpisodeError, Manifest, Status
from recorder.export_folder import ExportSummary, Step, export_folder, link_or_copy, no_step
from recorder.lerobot_columns import Columns, columns_of, lay_out, parts_of, succeeded
from recorder.lerobot_features import Features, TrainerLabels, features_of
from recorder.lerobot_files import (
    Placed,
    check_rows,
    data_file,
    meta_file,
    read_json,
    read_tasks,
    video_file,
    write_info,
    write_meta,
    write_rows,
    write_stats,
    write_tasks,
)
from recorder.lerobot_origin import (
    INFO_FILE,
    ORIGIN_FORMAT,
    REWRITTEN,
    STATS_FILE,
    ExportedEpisode,
    ExportOptions,
    Origin,
    read_origin,
    require_whole,
    write_origin,
)
from recorder.lerobot_stats import Stats, merge, stats_of, video_stats
from recorder.lerobot_video import check_video, copy_video, frames_before
from recorder.library import Episode
from recorder.lineage import departures
from recorder.sources import Departure, Sources, note_export, source_of
from recorder.tombstone import Tombstone
from recorder.verdict import Verdict


def export_lerobot(
    episodes: Sequence[Episode],
    out: Path,
    *,
    options: ExportOptions = ExportOptions(),  # noqa: B008  frozen
    append: bool = False,
    forgotten: Sequence[Tombstone] = (),
    like: Sources | None = None,
    step: Step = no_step,
) -> ExportSummary:
    """Write `episodes` as a data set into the new folder `out`, or add them to the one there.

    Only episodes with a passing verdict, unless `options` say otherwise. The data set declares the
    `forgotten` ones, which were asked for and are no more, and in what it is not `like` another
    one. Whatever goes wrong, `out` is left as it was. `step` hears how far it is. Raises
    `EpisodeError`.
    """
    with export_folder(out, replace=append) as work:
        made = _Made(work, options)
        if append and out.exists():
            made.begin_with(out)
        made.declare(forgotten)
        written: list[str] = []
        skipped = [(one.episode, one.sentence) for one in forgotten]
        damaged: list[tuple[str, str]] = []
        unverified: list[tuple[str, str]] = []
        rows_before = made.rows
        for number, episode in enumerate(episodes):
            step(number, len(episodes))
            try:
                verdict = episode.verdict()
                reason = _left_out(episode, verdict, made)
                against = _objection(episode, verdict, include_unverified=False)
                if not reason:
                    episode.verify()
            except EpisodeError as error:
                damaged.append((episode.id, str(error)))
                continue
            if reason := reason or made.add(episode, _current(episode, verdict)):
                skipped.append((episode.id, reason))
                continue
            written.append(episode.id)
            if against:
                unverified.append((episode.id, against))
        if not made.origin:
            why = [why for _, why in (*damaged, *skipped)]
            raise EpisodeError(
                f"No episode of {len(why)} can be exported",
                out,
                f"Replay or restore them first. {why[0]}" if why else "Give at least one episode.",
            )
        if like is not None:
            made.departures += departures(like, made.origin, dict((*damaged, *skipped)))
        made.finish()
        sources = [one for one in episodes if one.id in written]
        note_export(out, "lerobot", msgspec.to_builtins(options), sources)
    return ExportSummary(
        path=out,
        episodes=tuple(written),
        rows=made.rows - rows_before,
        skipped=tuple(skipped),
        damaged=tuple(damaged),
        unverified=tuple(unverified),
        episodes_in_set=len(made.origin),
        rows_in_set=made.rows,
        departures=tuple((one.episode, one.sentence) for one in made.departures),
    )


def _left_out(episode: Episode, verdict: Verdict | None, made: _Made) -> str:
    """Why an episode is not written into this set; empty when it is."""
    if episode.id in made.known:
        return _known(made.known[episode.id], episode, verdict)
    return _objection(episode, verdict, made.options.include_unverified)


def _current(episode: Episode, verdict: Verdict | None) -> Verdict | None:
    """The verdict, unless it is one on something else: then the episode is not judged."""
    return None if verdict is None or episode.doubt(verdict) else verdict


def _objection(episode: Episode, verdict: Verdict | None, include_unverified: bool) -> str:
    """Why an episode is left out; empty when it is not."""
    if episode.manifest.rows == 0:
        return "It has no rows."
    labels = episode.labels
    if labels.discarded:
        return "It was discarded" + (f": {labels.discarded_why}" if labels.discarded_why else ".")
    if include_unverified:
        return ""
    if episode.manifest.status is not Status.SEALED:
        return "It was recovered after a crash."
    if verdict is None:
        return "It was not replayed yet."
    if doubt := episode.doubt(verdict):
        return doubt
    if not verdict.passed:
        return f"Its verdict is {verdict.verdict}: {verdict.sentence}"
    return ""


def _known(there: ExportedEpisode, episode: Episode, verdict: Verdict | None) -> str:
    """What to say of an episode that the set has; louder when it has changed since."""
    current = _current(episode, verdict)
    now = str(current.verdict) if current else None
    said = len(episode.history.annotations)
    then = (there.manifest_sha256, there.verdict, there.annotations)
    if (episode.manifest_sha256, now, said) != then:
        return "It has changed since the data set got it; export anew to have it as it is now."
    return "It is in the data set already."


@dataclass
class _Made:
    """A data set being built in `work`: what is in it so far."""

    work: Path
    options: ExportOptions
    robot_type: str = ""
    features: Features = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)  # in the order of their first episode
    stats: Stats = field(default_factory=dict)  # of all episodes so far
    rows: int = 0
    origin: list[ExportedEpisode] = field(default_factory=list)
    known: dict[str, ExportedEpisode] = field(default_factory=dict)  # by recorded episode
    forgotten: dict[str, Tombstone] = field(default_factory=dict)
    departures: tuple[Departure, ...] = ()

    def begin_with(self, old: Path) -> None:
        """Take over the whole data set in `old`; its own files are not touched."""
        origin = read_origin(old)
        require_whole(old, origin)
        if origin.options != self.options:
            raise EpisodeError(
                "Data set was exported with other options",
                old,
                f"Use the same ({_words(origin.options)}), or export into a new folder.",
            )
        info = read_json(old / INFO_FILE)
        self.tasks, self.stats = read_tasks(old), read_json(old / STATS_FILE)
        self.rows = sum(len(range(*episode.rows)) for episode in origin.episodes)
        counted = tuple(info.get(f"total_{what}") for what in ("episodes", "frames", "tasks"))
        if counted != (len(origin.episodes), self.rows, len(self.tasks)):
            raise EpisodeError(
                f"info.json counts {counted[0]} episodes and {counted[1]} rows, there are "
                f"{len(origin.episodes)} and {self.rows}",
                old,
                "Another program has changed the set; export it anew.",
            )
        self.robot_type, self.features = info["robot_type"], info["features"]
        self.origin = list(origin.episodes)
        self.known = {exported.episode: exported for exported in origin.episodes}
        self.declare(origin.forgotten)
        self.departures = origin.departures
        for path in sorted(old.rglob("*")):
            name = path.relative_to(old)
            if path.is_file() and name not in REWRITTEN:
                link_or_copy(path, self.work / name)

    def declare(self, forgotten: Sequence[Tombstone]) -> None:
        """Say of episodes that were asked for that they are no more."""
        self.forgotten |= {one.episode: one for one in forgotten}

    def add(self, episode: Episode, verdict: Verdict | None) -> str:
        """Write one recorded episode and read it back; returns why not, when nothing fits."""
        self._require_same_robot(episode)
        columns = columns_of(episode, self.options.labels)
        if unmeasured := _unmeasured(columns, episode.manifest):
            return f"{unmeasured} was not measured in every row; a trainer cannot use that."
        task, success = _task(episode), succeeded(episode.labels, verdict)
        parts = parts_of(columns, episode.manifest, self.options.labels)
        for rows in parts:
            index = len(self.origin)
            stats: Stats = {}
            videos: dict[str, int] = {}
            for camera in episode.manifest.cameras:
                feature = f"observation.images.{camera.name}"
                source, path = episode.path / camera.file, self.work / video_file(feature, index)
                copy_video(source, path, camera.width, camera.height, rows)
                stats[feature] = video_stats(check_video(source, path, rows))
                videos[feature] = frames_before(rows)
            laid = lay_out(
                columns,
                rows,
                success=success and rows == parts[-1],  # of several stretches, the last got there
                episode_index=index,
                first_index=self.rows,
                task_index=self._task_index(task),
            )
            stats.update(stats_of(laid))
            write_rows(self.work / data_file(index), laid, self.features)
            check_rows(self.work / data_file(index), laid)
            operators = _operators(episode.manifest, laid["unstick.tick"])
            extra = _extra(episode, verdict, success, rows, operators)
            placed = Placed(index, self.rows, len(rows), task, videos, extra, stats)
            write_meta(self.work / meta_file(index), placed)
            self.stats = merge([self.stats, stats]) if self.stats else stats
            files = [data_file(index), meta_file(index), *(video_file(f, index) for f in videos)]
            self.origin.append(_exported(episode, verdict, rows, self.work, files))
            self.known[episode.id] = self.origin[-1]
            self.rows += len(rows)
        if parts:
            return ""
        by_driver = self.options.labels is TrainerLabels.HG_DAGGER
        return "Nobody drove in it." if by_driver else "The episode before holds all its rows."

    def finish(self) -> None:
        """Write what tells of the whole set."""
        write_tasks(self.work, self.tasks)
        write_stats(self.work, self.stats)
        write_origin(
            self.work,
            Origin(
                format=ORIGIN_FORMAT,
                options=self.options,
                episodes=tuple(self.origin),
                forgotten=tuple(self.forgotten[name] for name in sorted(self.forgotten)),
                departures=self.departures,
            ),
        )
        write_info(
            self.work, self.robot_type, self.features, len(self.origin), self.rows, len(self.tasks)
        )

    def _task_index(self, task: str) -> int:
        if task not in self.tasks:
            self.tasks.append(task)
        return self.tasks.index(task)

    def _require_same_robot(self, episode: Episode) -> None:
        """One data set has one set of columns."""
        manifest = episode.manifest
        features = features_of(manifest, self.options.labels)
        robot_type = manifest.description.robot_type
        if not self.features:
            self.robot_type, self.features = robot_type, features
        elif (robot_type, features) != (self.robot_type, self.features):
            raise EpisodeError(
                "Robot or cameras differ from those of the episodes before",
                episode.path,
                "Export each kind of robot into a data set of its own.",
            )


def _words(options: ExportOptions) -> str:
    words = ["--all"] if options.include_unverified else []
    words += [f"--labels {options.labels}"] if options.labels else []
    return " ".join(words) or "none"


def _task(episode: Episode) -> str:
    return episode.labels.task or "Free the robot"


def _unmeasured(columns: Columns, manifest: Manifest) -> str:
    """The first measurement that is not a number somewhere; empty: all are."""
    measured = columns["observation.state"]
    for number, name in enumerate(manifest.description.observation_names):
        if not np.isfinite(measured[:, number]).all():
            return name
    return ""


def _call(manifest: Manifest) -> str:
    """What the robot said when it called; empty: it did not."""
    start = manifest.ending.start_tick
    calls = [
        label.text
        for label in manifest.ending.labels
        if label.kind == "call" and (start < 0 or label.tick <= start)
    ]
    return calls[-1] if calls else ""


def _operators(manifest: Manifest, ticks: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Who had the robot in the intervention, as far as it lies in `ticks`."""
    had = manifest.drivers_between(int(ticks[0]), int(ticks[-1]))
    return tuple(name for name in manifest.operators if name in had) or manifest.operators


def _extra(
    episode: Episode,
    verdict: Verdict | None,
    success: bool,
    rows: range,
    operators: tuple[str, ...],
) -> dict[str, Any]:
    """Our columns of `meta/episodes`."""
    ending = episode.manifest.ending
    return {
        "success": success,
        "replay/verdict": str(verdict.verdict) if verdict else "NOT_REPLAYED",
        "operator": ", ".join(operators),
        "reason": episode.labels.reason,
        "unstick/call": _call(episode.manifest),
        "unstick/episode": episode.id,
        "unstick/first_row": rows.start,
        "unstick/outcome": str(episode.labels.outcome),
        "unstick/ended_by": str(ending.ended_by),
        "unstick/status": str(episode.manifest.status),
    }


def _exported(
    episode: Episode, verdict: Verdict | None, rows: range, root: Path, files: Sequence[Path]
) -> ExportedEpisode:
    """Where an exported episode came from: what data set versions are compared by."""
    entries = (
        msgspec.structs.replace(file_entry(root / name), name=name.as_posix()) for name in files
    )
    facts = msgspec.structs.asdict(source_of(episode, verdict))
    return ExportedEpisode(
        **{**facts, "files": tuple(entries)},
        rows=(rows.start, rows.stop),
        annotations=len(episode.history.annotations),
    )
