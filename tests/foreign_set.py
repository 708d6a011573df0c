"""A LeRobotDataset v3 as somebody else would write it: only what a replay may look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recorder.replayable import Numbers

DATA = "data/chunk-000/file-000.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"


@dataclass(frozen=True, eq=False)
class Written:
    """One episode: its actions, (n, k), what else each row holds, and what metadata say of it."""

    actions: Numbers
    rows: dict[str, Any] = field(default_factory=dict)  # name to (n,) or (n, m)
    said: dict[str, Any] = field(default_factory=dict)
    task: str = "push"


def write_set(
    root: Path, episodes: Sequence[Written], *, fps: int, dtype: str = "float32", **info: Any
) -> Path:
    """All episodes in one file, as LeRobot itself does with short ones."""
    for folder in (root / DATA, root / EPISODES):
        folder.parent.mkdir(parents=True)
    width = episodes[0].actions.shape[1]
    told = {
        "codebase_version": "v3.0",
        "fps": fps,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "features": {"action": {"dtype": dtype, "shape": [width], "names": None}},
        **info,
    }
    (root / "meta/info.json").write_text(json.dumps(told))
    tables, said, first = [], [], 0
    for index, one in enumerate(episodes):
        n = len(one.actions)
        columns = {
            "episode_index": np.full(n, index),
            "frame_index": np.arange(n),
            "action": one.actions.astype(dtype),
            **one.rows,
        }
        tables.append(pa.table({name: _column(np.asarray(v)) for name, v in columns.items()}))
        said.append(
            {
                "episode_index": index,
                "length": n,
                "dataset_from_index": first,
                "dataset_to_index": first + n,
                "data/chunk_index": 0,
                "data/file_index": 0,
                "tasks": [one.task],
                **one.said,
            }
        )
        first += n
    pq.write_table(pa.concat_tables(tables), root / DATA)
    names = dict.fromkeys(name for one in said for name in one)
    told_of = [{name: one.get(name) for name in names} for one in said]
    pq.write_table(pa.Table.from_pylist(told_of), root / EPISODES)
    return root


def _column(values: Any) -> Any:
    return pa.array(list(values) if values.ndim > 1 else values)
