"""Writes a LeRobotDataset v3 from sealed episodes, with numpy, pyarrow and PyAV alone.

One data, one video per camera and one meta file for each episode. Video is copied, not encoded
again: frame k gets the stamp k/30 exactly, which is what loaders look frames up by. Everything is
built in a folder beside the target, read back, and renamed; `info.json` is the last file written.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.durable import fsync_dir, fsync_file, rename
from recorder.episode import EpisodeError, Manifest, Status
from recorder.lerobot_columns import (
    Columns,
    Features,
    columns_of,
    features_of,
    lay_out,
    succeeded,
)
from recorder.lerobot_stats import Stats, merge, stats_of, video_stats
from recorder.lerobot_video import check_video, copy_video
from recorder.library import Episode
from recorder.verdict import Verdict
from transport.channels import ROW_HZ

FPS: Final = ROW_HZ
CHUNK: Final = 1000  # files in one folder


@dataclass(frozen=True)
class ExportSummary:
    """What an export wrote and what it left out."""

    path: Path
    episodes: tuple[str, ...]
    rows: int
    skipped: tuple[tuple[str, str], ...]  # (episode, why)


def export_lerobot(
    episodes: Sequence[Episode], out: Path, *, include_unverified: bool = False
) -> ExportSummary:
    """Write `episodes` as a data set into the new folder `out`.

    Only episodes with a passing verdict, unless `include_unverified`. Raises `EpisodeError`.
    """
    if out.exists():
        raise EpisodeError("Target exists", out, "Give a new folder, or remove this one first.")
    taken: list[tuple[Episode, Verdict | None]] = []
    skipped: list[tuple[str, str]] = []
    for episode in episodes:
        verdict = episode.verdict()
        reason = _objection(episode, verdict, include_unverified)
        if reason:
            skipped.append((episode.id, reason))
        else:
            # Taken all the same, an episode that was judged as something else is not judged.
            current = verdict if verdict and not episode.doubt(verdict) else None
            taken.append((episode, current))
    if not taken:
        raise EpisodeError(
            f"No episode of {len(skipped)} can be exported",
            out,
            f"Replay them first. {skipped[0][1]}" if skipped else "Give at least one episode.",
        )
    _require_one_robot([episode for episode, _ in taken])
    out.parent.mkdir(parents=True, exist_ok=True)
    work = out.with_name(f".{out.name}.unstick-tmp")
    if work.exists():
        shutil.rmtree(work)  # left behind by an export that was killed
    work.mkdir()
    rows = _write(taken, work)
    _read_back(work, taken, rows)
    for path in sorted(work.rglob("*")):
        if path.is_dir():
            fsync_dir(path)
        else:
            fsync_file(path)
    rename(work, out)
    return ExportSummary(out, tuple(e.id for e, _ in taken), rows, tuple(skipped))


def _objection(episode: Episode, verdict: Verdict | None, include_unverified: bool) -> str:
    """Why an episode is left out; empty when it is not."""
    if episode.manifest.rows == 0:
        return "It has no rows."
    try:
        labels = episode.labels
    except EpisodeError as error:
        return str(error)
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


def _require_one_robot(episodes: list[Episode]) -> None:
    """One data set has one set of columns."""

    def shape(manifest: Manifest) -> object:
        d = manifest.description
        cameras = [(c.name, c.width, c.height) for c in manifest.cameras]
        return d.robot_type, d.observation_names, d.action_names, cameras

    first = episodes[0]
    for episode in episodes[1:]:
        if shape(episode.manifest) != shape(first.manifest):
            raise EpisodeError(
                f"Robot or cameras differ from those of episode {first.id}",
                episode.path,
                "Export each kind of robot into a data set of its own.",
            )


def _write(taken: list[tuple[Episode, Verdict | None]], work: Path) -> int:
    """All files of the data set; returns its rows."""
    features = features_of(taken[0][0].manifest)
    tasks = sorted({_task(episode) for episode, _ in taken})
    at = 0
    all_stats: list[Stats] = []
    for index, (episode, verdict) in enumerate(taken):
        episode.verify()
        stats: Stats = {}
        for camera in episode.manifest.cameras:
            key = f"observation.images.{camera.name}"
            path = work / "videos" / key / _file(index, "mp4")
            path.parent.mkdir(parents=True, exist_ok=True)
            copy_video(episode.path / camera.file, path, camera.width, camera.height)
            stats[key] = video_stats(check_video(path, episode.manifest.rows))
        columns = columns_of(episode, succeeded(episode.labels, verdict))
        rows = len(columns["frame_index"])
        lay_out(columns, index, at, tasks.index(_task(episode)))
        stats.update(stats_of(columns))
        all_stats.append(stats)
        _write_table(work / "data" / _file(index, "parquet"), columns, features)
        _write_meta(work, index, at, episode, verdict, stats)
        at += rows
    _write_tasks(work / "meta" / "tasks.parquet", tasks)
    _write_json(work / "meta" / "stats.json", merge(all_stats))
    _write_json(work / "meta" / "unstick.json", [_source(e, v) for e, v in taken])
    _write_json(
        work / "meta" / "info.json",
        {
            "codebase_version": "v3.0",
            "robot_type": taken[0][0].manifest.description.robot_type,
            "total_episodes": len(taken),
            "total_frames": at,
            "total_tasks": len(tasks),
            "chunks_size": CHUNK,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": FPS,
            "splits": {"train": f"0:{len(taken)}"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": (
                "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
                if taken[0][0].manifest.cameras
                else None
            ),
            "features": features,
        },
    )
    return at


def _task(episode: Episode) -> str:
    return episode.labels.task or "Free the robot"


def _file(index: int, extension: str) -> str:
    return f"chunk-{index // CHUNK:03d}/file-{index % CHUNK:03d}.{extension}"


def _source(episode: Episode, verdict: Verdict | None) -> dict[str, Any]:
    """Where an exported episode came from: what data set versions are compared by."""
    return {
        "episode": episode.id,
        "manifest_sha256": episode.manifest_sha256,
        "verdict": str(verdict.verdict) if verdict else None,
        "sentence": verdict.sentence if verdict else None,
        "versions": episode.manifest.description.versions,
    }


def _write_table(path: Path, columns: Columns, features: Features) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        if values.ndim == 2:
            flat = pa.array(values.reshape(-1))
            arrays[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        else:
            arrays[name] = pa.array(values)
    missing = [k for k, f in features.items() if f["dtype"] != "video" and k not in arrays]
    if missing or len(arrays) + sum(f["dtype"] == "video" for f in features.values()) != len(
        features
    ):
        raise EpisodeError(f"Columns and features differ ({missing})", path, "Report this fault.")
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), path, compression="snappy")


def _write_meta(
    work: Path, index: int, at: int, episode: Episode, verdict: Verdict | None, stats: Stats
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    manifest = episode.manifest
    chunk, file = divmod(index, CHUNK)
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": [_task(episode)],
        "length": manifest.rows,
        "data/chunk_index": chunk,
        "data/file_index": file,
        "dataset_from_index": at,
        "dataset_to_index": at + manifest.rows,
    }
    for camera in manifest.cameras:
        key = f"videos/observation.images.{camera.name}"
        row[f"{key}/chunk_index"] = chunk
        row[f"{key}/file_index"] = file
        row[f"{key}/from_timestamp"] = 0.0
        row[f"{key}/to_timestamp"] = manifest.rows / FPS
    for feature, values in stats.items():
        for name, value in values.items():
            row[f"stats/{feature}/{name}"] = value
    row["meta/episodes/chunk_index"] = chunk
    row["meta/episodes/file_index"] = file
    row["success"] = succeeded(episode.labels, verdict)
    row["replay/verdict"] = str(verdict.verdict) if verdict else "NOT_REPLAYED"
    row["operator"] = manifest.ending.operator
    row["unstick/episode"] = episode.id
    row["unstick/outcome"] = str(episode.labels.outcome)
    row["unstick/ended_by"] = str(manifest.ending.ended_by)
    row["unstick/status"] = str(manifest.status)
    path = work / "meta" / "episodes" / _file(index, "parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: [value] for name, value in row.items()}), path)


def _write_tasks(path: Path, tasks: list[str]) -> None:
    """Loaders read it with pandas and expect the task's text to be the index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": tasks})
    column = {"field_name": None, "metadata": None}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [
            {**column, "name": None, "pandas_type": "unicode", "numpy_type": "object"}
        ],
        "columns": [
            {
                "name": "task_index",
                "field_name": "task_index",
                "pandas_type": "int64",
                "numpy_type": "int64",
                "metadata": None,
            },
            {
                "name": "task",
                "field_name": "task",
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": None,
            },
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.0",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path)


def _write_json(path: Path, value: Any) -> None:
    with path.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=4, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())


def _read_back(work: Path, taken: list[tuple[Episode, Verdict | None]], rows: int) -> None:
    """Open what was written as a stranger would, and compare the counts."""
    import pyarrow.parquet as pq

    info = json.loads((work / "meta" / "info.json").read_text(encoding="utf-8"))
    at = 0
    for index, (episode, _) in enumerate(taken):
        path = work / "data" / _file(index, "parquet")
        table = pq.read_table(path)
        length = episode.manifest.rows
        wanted: dict[str, npt.NDArray[Any]] = {
            "frame_index": np.arange(length),
            "index": np.arange(at, at + length),
            "timestamp": (np.arange(length) / FPS).astype(np.float32),
        }
        for name, values in wanted.items():
            if not np.array_equal(table[name].to_numpy(), values):
                raise EpisodeError(f"Column {name!r} was not written as meant", path, "Try again.")
        at += length
    if at != rows or info["total_frames"] != rows:
        raise EpisodeError(f"{at} rows on disk for {rows}", work, "Try again.")
