"""The real LeRobot reads what `unstick export lerobot` wrote; run by `make test-lerobot`.

    python judge_lerobot.py SET [SET …]     in an environment with lerobot 0.6.1, offline

Every row of every camera is decoded; episodes are chosen by our columns; the sets are merged with
LeRobot's own tool; recording is resumed into a copy. Imports nothing of Unstick. Prints one line
for each finding and fails on the first that is wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # a missing file must not be fetched, it must be an error

import numpy as np
import pyarrow.parquet as pq
from lerobot.datasets.dataset_tools import merge_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def opened(root: Path, **choice: Any) -> LeRobotDataset:
    return LeRobotDataset(f"unstick/{root.name}", root=root, video_backend="pyav", **choice)


def rows_of(root: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(p) for p in sorted((root / "data").glob("*/*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]


def decode_all(root: Path) -> None:
    """Each row's pictures and numbers, through LeRobot, against the files themselves."""
    info = json.loads((root / "meta/info.json").read_text())
    dataset = opened(root)
    cameras = [k for k, f in info["features"].items() if f["dtype"] == "video"]
    assert cameras
    assert dataset.num_frames == info["total_frames"] == len(dataset)
    rows = rows_of(root)
    started = time.monotonic()
    for index, row in enumerate(rows):
        item = dataset[index]
        for name in ("action", "observation.state", "unstick.action_ticks"):
            assert np.array_equal(item[name].numpy(), np.array(row[name], np.float32)), name
        for name in ("intervention", "next.success", "next.done", "unstick.tick", "unstick.mode"):
            assert item[name].item() == row[name], name
        for camera in cameras:
            height, width, _ = info["features"][camera]["shape"]
            assert tuple(item[camera].shape) == (3, height, width)
            assert 0.0 <= float(item[camera].min()) <= float(item[camera].max()) <= 1.0
    took = time.monotonic() - started
    print(f"{root.name}: {len(rows)} rows x {len(cameras)} cameras decoded in {took:.1f} s")


def choose_by_columns(root: Path) -> None:
    """`episode_filter` works on our columns of the episodes' metadata."""
    episodes = list(opened(root).meta.episodes)
    for column in ("success", "replay/verdict", "operator", "reason", "unstick/episode"):
        wanted = episodes[0][column]
        meant = [e["episode_index"] for e in episodes if e[column] == wanted]
        chosen = opened(root, episode_filter=lambda e, c=column, w=wanted: e[c] == w)
        assert list(chosen.episodes) == meant, (column, chosen.episodes, meant)
        chosen[0]
    print(f"{root.name}: {len(episodes)} episodes filtered by success, verdict, operator, reason")


def merge(roots: list[Path], scratch: Path) -> None:
    """LeRobot's own merge takes our sets, and its result reads like ours."""
    merged = scratch / "merged"
    merge_datasets([opened(root) for root in roots], "unstick/merged", output_dir=merged)
    both = opened(merged)
    assert both.num_frames == sum(opened(root).num_frames for root in roots)
    for index in range(0, both.num_frames, 7):
        both[index]
    assert {"success", "replay/verdict"} <= set(both.meta.episodes.column_names)
    print(f"merged: {both.num_episodes} episodes, {both.num_frames} rows")


def resume(root: Path, scratch: Path) -> None:
    """LeRobot records one more episode into a copy of our set."""
    copy = scratch / "resumed"
    shutil.copytree(root, copy)
    before = opened(copy)
    growing = LeRobotDataset.resume(f"unstick/{copy.name}", root=copy)
    auto = {"timestamp", "frame_index", "episode_index", "index", "task_index"}
    for _ in range(10):
        frame: dict[str, Any] = {"task": "Recorded by LeRobot"}
        for name, feature in growing.features.items():
            if name in auto:
                continue
            shape = tuple(feature["shape"])
            if feature["dtype"] == "video":
                frame[name] = np.zeros(shape, np.uint8)
            else:
                frame[name] = np.zeros(shape, np.dtype(feature["dtype"]))
        growing.add_frame(frame)
    growing.save_episode()
    growing.finalize()
    after = opened(copy)
    assert after.num_episodes == before.num_episodes + 1
    assert after.num_frames == before.num_frames + 10
    after[0], after[after.num_frames - 1]
    print(f"resumed: {after.num_episodes} episodes, {after.num_frames} rows")


def main() -> None:
    roots = [Path(name).resolve() for name in sys.argv[1:]]
    assert roots, __doc__
    for root in roots:
        decode_all(root)
        choose_by_columns(root)
    with tempfile.TemporaryDirectory() as name:
        merge(roots[:2] if len(roots) > 1 else [roots[0], roots[0]], Path(name))
        resume(roots[0], Path(name))
    print("LeRobot reads it all")


if __name__ == "__main__":
    main()
