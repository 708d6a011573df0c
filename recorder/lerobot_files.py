"""The files of a LeRobotDataset v3: tables, metadata, and reading them back.

One data file, one video per camera and one metadata file for each episode. The same input gives
the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.episode import EpisodeError
from recorder.lerobot_columns import Columns
from recorder.lerobot_features import Features
from recorder.lerobot_origin import INFO_FILE, STATS_FILE, TASKS_FILE
from recorder.lerobot_stats import Stats
from transport.channels import ROW_HZ

FPS: Final = ROW_HZ
CHUNK: Final = 1000  # files in one folder


@dataclass(frozen=True)
class Placed:
    """One episode of the data set, as its metadata tell."""

    index: int  # among the episodes of the set
    first_index: int  # of its rows, among the rows of the set
    rows: int
    task: str
    videos: dict[str, int]  # feature -> frames in the file before the first row
    extra: dict[str, Any]  # our columns: success, verdict, operator …
    stats: Stats


def data_file(index: int) -> Path:
    """Where the rows of an episode lie."""
    return Path("data") / _file(index, "parquet")


def meta_file(index: int) -> Path:
    """Where the metadata of an episode lie."""
    return Path("meta/episodes") / _file(index, "parquet")


def video_file(feature: str, index: int) -> Path:
    """Where a camera's video of an episode lies."""
    return Path("videos") / feature / _file(index, "mp4")


def _file(index: int, extension: str) -> str:
    return f"chunk-{index // CHUNK:03d}/file-{index % CHUNK:03d}.{extension}"


def write_rows(path: Path, columns: Columns, features: Features) -> None:
    """The table of one episode; its columns are exactly those of `features`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    meant = {name for name, feature in features.items() if feature["dtype"] != "video"}
    if columns.keys() != meant:
        differing = sorted(columns.keys() ^ meant)
        raise EpisodeError(f"Columns and features differ ({differing})", path, "Report this fault.")
    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        if values.ndim == 2:
            flat = pa.array(values.reshape(-1))
            arrays[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        else:
            arrays[name] = pa.array(values)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), path, compression="snappy")


def check_rows(path: Path, columns: Columns) -> None:
    """Read a table back as a stranger would and compare every value."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    for name, values in columns.items():
        column: Any = table[name].combine_chunks()
        flat = column.flatten() if values.ndim == 2 else column
        found: npt.NDArray[Any] = flat.to_numpy(zero_copy_only=False)
        if not np.array_equal(found, values.reshape(-1), equal_nan=values.dtype.kind == "f"):
            raise EpisodeError(f"Column {name!r} was not written as meant", path, "Try again.")


def write_meta(path: Path, placed: Placed) -> None:
    """The row of `meta/episodes` of one episode, read back."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chunk, file = divmod(placed.index, CHUNK)
    row: dict[str, Any] = {
        "episode_index": placed.index,
        "tasks": [placed.task],
        "length": placed.rows,
        "data/chunk_index": chunk,
        "data/file_index": file,
        "dataset_from_index": placed.first_index,
        "dataset_to_index": placed.first_index + placed.rows,
    }
    for feature, before in placed.videos.items():
        key = f"videos/{feature}"
        row[f"{key}/chunk_index"] = chunk
        row[f"{key}/file_index"] = file
        row[f"{key}/from_timestamp"] = before / FPS
        row[f"{key}/to_timestamp"] = (before + placed.rows) / FPS
    for feature, values in placed.stats.items():
        for name, value in values.items():
            row[f"stats/{feature}/{name}"] = value
    row["meta/episodes/chunk_index"] = chunk
    row["meta/episodes/file_index"] = file
    row.update(placed.extra)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Types are named: left to find them, pyarrow looks for pandas once for each of 450 columns.
    table = pa.table({name: pa.array([value], _type_of(value)) for name, value in row.items()})
    # One row: statistics and dictionaries would only make it larger.
    pq.write_table(table, path, write_statistics=False, use_dictionary=False)
    if pq.read_table(path).to_pylist() != [row]:
        raise EpisodeError("Metadata were not written as meant", path, "Try again.")


def _type_of(value: Any) -> Any:
    """Arrow's type of a value as JSON has it; of a list by its first element."""
    import pyarrow as pa

    if isinstance(value, list):
        return pa.list_(_type_of(value[0]) if value else pa.null())
    plain = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    return plain.get(type(value), pa.null())


def write_tasks(root: Path, tasks: list[str]) -> None:
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
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), root / TASKS_FILE)


def read_tasks(root: Path) -> list[str]:
    """The tasks of a set, by their index; raises `EpisodeError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [str(task) for task in pq.read_table(root / TASKS_FILE)["task"].to_pylist()]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise _unreadable(root / TASKS_FILE, error) from error


def write_stats(root: Path, stats: Stats) -> None:
    """Statistics of the whole set."""
    _write_json(root / STATS_FILE, stats)


def read_json(path: Path) -> dict[str, Any]:
    """`info.json` or `stats.json`; raises `EpisodeError`."""
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return value


def write_info(
    root: Path, robot_type: str, features: Features, episodes: int, rows: int, tasks: int
) -> None:
    """`info.json`: the last file of a set that is written."""
    videos = any(feature["dtype"] == "video" for feature in features.values())
    _write_json(
        root / INFO_FILE,
        {
            "codebase_version": "v3.0",
            "robot_type": robot_type,
            "total_episodes": episodes,
            "total_frames": rows,
            "total_tasks": tasks,
            "chunks_size": CHUNK,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": FPS,
            "splits": {"train": f"0:{episodes}"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": (
                "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
                if videos
                else None
            ),
            "features": features,
        },
    )


def _unreadable(path: Path, error: Exception) -> EpisodeError:
    return EpisodeError(
        f"{path.name} cannot be read ({error})", path, "Restore the set from a copy."
    )


def _write_json(path: Path, value: Any) -> None:
    with path.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=4, ensure_ascii=False)
        stream.write("\n")
