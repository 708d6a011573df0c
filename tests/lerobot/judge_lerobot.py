"""The real LeRobot reads what `unstick export lerobot` wrote; run by `make test-lerobot`.

    python judge_lerobot.py TRUTH SET [SET …]     in an environment with lerobot 0.6.1, offline

TRUTH is a JSON file of what the recorder knows (see `run.py`): `episodes`, for each recorded
episode the values that our columns must have; `made`, whether the episodes were made for this, so
that every picture shows a number, half of its row's control tick, and every column has several
values.

Every row of every camera is decoded and its number read; episodes are chosen by each value of each
column; the sets are merged with LeRobot's own tool and compared row by row; recording is resumed
into a copy. Imports nothing of Unstick. Prints one line for each finding and fails on the first
that is wrong.
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


def number_in(picture: Any) -> int:
    """The twelve bits that a made picture shows, from (3, height, width) in 0 to 1."""
    cells = np.asarray(picture)[0, 8::16, 8::16].reshape(-1) > 0.5
    return int(sum(1 << bit for bit, on in enumerate(cells) if on))


def require_picture(item: dict[str, Any], row: dict[str, Any], cameras: list[str]) -> None:
    """Each camera shows the moment of this very row."""
    for camera in cameras:
        shown, meant = number_in(item[camera]), row["unstick.tick"] // 2
        assert shown == meant, f"{camera} shows {shown} in the row of {meant}"


def require_row(item: dict[str, Any], row: dict[str, Any]) -> None:
    """LeRobot gives the numbers that the file has."""
    for name in ("action", "observation.state", "unstick.action_ticks"):
        assert np.array_equal(np.asarray(item[name]), np.array(row[name], np.float32)), name
    for name in ("intervention", "next.success", "next.done", "unstick.tick", "unstick.mode"):
        assert item[name].item() == row[name], name


def rows_of(root: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(p) for p in sorted((root / "data").glob("*/*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]


def cameras_of(root: Path) -> list[str]:
    info = json.loads((root / "meta/info.json").read_text())
    return [key for key, feature in info["features"].items() if feature["dtype"] == "video"]


def decode_all(root: Path, made: bool) -> None:
    """Each row's pictures and numbers, through LeRobot, against the files themselves."""
    info = json.loads((root / "meta/info.json").read_text())
    dataset, cameras, rows = opened(root), cameras_of(root), rows_of(root)
    assert cameras
    assert dataset.num_frames == info["total_frames"] == len(dataset) == len(rows)
    started = time.monotonic()
    for index, row in enumerate(rows):
        item = dataset[index]
        require_row(item, row)
        for camera in cameras:
            height, width, _ = info["features"][camera]["shape"]
            assert tuple(item[camera].shape) == (3, height, width)
            assert 0.0 <= float(item[camera].min()) <= float(item[camera].max()) <= 1.0
        if made:
            require_picture(item, row, cameras)
    took = time.monotonic() - started
    print(f"{root.name}: {len(rows)} rows x {len(cameras)} cameras decoded in {took:.1f} s")


def judge_columns(root: Path, truth: dict[str, Any]) -> None:
    """Our columns say of each episode what the recorder knows."""
    known = truth["episodes"]
    episodes = list(opened(root).meta.episodes)
    assert {e["unstick/episode"] for e in episodes} == known.keys()
    for episode in episodes:
        for column, value in known[episode["unstick/episode"]].items():
            assert episode[column] == value, (column, episode[column], value)
    rows = rows_of(root)
    for name, values in known.items():
        parts = [e["episode_index"] for e in episodes if e["unstick/episode"] == name]
        told = [r["next.success"] for r in rows if r["episode_index"] in parts]
        assert told == [False] * (len(told) - 1) + [values["success"]], "in the last row only"
    print(f"{root.name}: success, verdict, operator and reason as they were recorded")


def choose_by_columns(root: Path, truth: dict[str, Any]) -> None:
    """`episode_filter` gives the episodes of each value of each column, with their own rows."""
    episodes, rows, cameras = list(opened(root).meta.episodes), rows_of(root), cameras_of(root)
    chosen_from = 0
    for column in ("success", "replay/verdict", "operator", "reason", "unstick/episode"):
        values = sorted({e[column] for e in episodes})
        assert len(values) > 1 or not truth["made"], f"{column} is {values} in all of them"
        for wanted in values:
            meant = [e["episode_index"] for e in episodes if e[column] == wanted]
            chosen = opened(root, episode_filter=lambda e, c=column, w=wanted: e[c] == w)
            assert list(chosen.episodes) == meant, (column, chosen.episodes, meant)
            theirs = [row for row in rows if row["episode_index"] in meant]
            assert chosen.num_frames == len(chosen) == len(theirs), (column, wanted)
            for index in (0, len(theirs) // 2, len(theirs) - 1):
                item = chosen[index]
                require_row(item, theirs[index])
                if truth["made"]:
                    require_picture(item, theirs[index], cameras)
            chosen_from += 1
    print(f"{root.name}: {len(episodes)} episodes filtered by {chosen_from} values of 5 columns")


def merge(roots: list[Path], scratch: Path, made: bool) -> None:
    """LeRobot's own merge takes our sets, and its result has their rows, pictures and columns."""
    merged = scratch / "merged"
    merge_datasets([opened(root) for root in roots], "unstick/merged", output_dir=merged)
    both, rows = opened(merged), [row for root in roots for row in rows_of(root)]
    assert both.num_frames == len(rows)
    cameras = cameras_of(roots[0])
    for index, row in enumerate(rows):
        item = both[index]
        require_row(item, row)
        if made:
            require_picture(item, row, cameras)
    before = [episode for root in roots for episode in opened(root).meta.episodes]
    after = list(both.meta.episodes)
    assert [e["episode_index"] for e in after] == list(range(len(before)))
    for one, other in zip(before, after, strict=True):
        for column in ("success", "replay/verdict", "operator", "reason", "unstick/episode"):
            assert one[column] == other[column], column
    print(f"merged: {both.num_episodes} episodes, {both.num_frames} rows, each one compared")


def resume(root: Path, scratch: Path, made: bool) -> None:
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
    after[after.num_frames - 1]
    for index, row in enumerate(rows_of(root)):
        item = after[index]
        require_row(item, row)
        if made:
            require_picture(item, row, cameras_of(root))
    print(f"resumed: {after.num_episodes} episodes, {after.num_frames} rows")


def main() -> None:
    assert len(sys.argv) > 2, __doc__
    truth = json.loads(Path(sys.argv[1]).read_text())
    roots = [Path(name).resolve() for name in sys.argv[2:]]
    for root in roots:
        decode_all(root, truth["made"])
        judge_columns(root, truth)
        choose_by_columns(root, truth)
    with tempfile.TemporaryDirectory() as name:
        pair = roots[:2] if len(roots) > 1 else [roots[0], roots[0]]
        merge(pair, Path(name), truth["made"])
        resume(roots[0], Path(name), truth["made"])
    print("LeRobot reads it all")


if __name__ == "__main__":
    main()
