"""The real LeRobot reads what `unstick export lerobot` wrote; run by `make test-lerobot`.

    python judge_lerobot.py TRUTH SET [SET …]     in an environment with lerobot 0.6.1, offline

TRUTH is a folder with what the recorder knows (see `given.py`): `truth.json`, and the pictures of
each recorded episode and camera as its own videos show them. Sets that were made for this have in
every picture a number, half of its row's control tick, and every column has several values.

Every row of every camera is decoded with each of LeRobot's decoders and compared, pictures around a
row too; episodes are chosen by each value of each column; sets are merged with LeRobot's own tool
and recording is resumed into a copy of each, every row compared.
Imports nothing of Unstick. Prints one line for each finding and fails on the first that is wrong.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"  # a missing file must not be fetched, it must be an error

import numpy as np
import pyarrow.parquet as pq
from lerobot.datasets.dataset_tools import merge_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.video_utils import get_safe_default_video_backend

DEFAULT: Final = get_safe_default_video_backend()
DECODERS: Final = tuple(dict.fromkeys((DEFAULT, "pyav")))
# H.264 decodes to the same bits everywhere; what is rounded differently is the way from YUV to RGB.
TOLERANCE: Final = 3  # of 255
FILTERED: Final = (
    *("success", "replay/verdict", "operator", "reason"),
    *("unstick/episode", "unstick/status"),
)
PLACES: Final = {"index", "episode_index", "task_index"}  # LeRobot numbers anew what it merges
AROUND_S: Final = [-3 / 30, 0.0, 3 / 30]


@dataclass(frozen=True)
class Row:
    """A row of a set, and which row of which recorded episode it is."""

    values: dict[str, Any]
    task: str
    episode: str
    number: int
    first: int  # row of the recorded episode that is the first here
    last: int

    @property
    def shown(self) -> int:
        """What a made picture shows."""
        return int(self.values["unstick.tick"]) // 2


class Truth:
    """What the recorder knows; counts what was compared with it."""

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / "truth.json").read_text())
        self.folder = folder
        self.made: bool = facts["made"]
        self.step: int = facts["step"]  # only each `step`-th pixel of a picture is kept
        self.episodes: dict[str, dict[str, Any]] = facts["episodes"]
        self.compared, self.furthest = 0, 0.0

    @functools.cache  # noqa: B019  one for the whole program
    def pictures(self, episode: str, camera: str) -> Any:
        """(rows, height, width, 3), as our own decoder shows the recorded video."""
        return np.load(self.folder / f"{episode}.{camera}.npy", mmap_mode="r")

    def require_picture(self, shown: Any, camera: str, row: Row, number: int) -> None:
        """`shown`, (3, height, width) in 0 to 1, is the picture of row `number` of an episode."""
        meant = self.pictures(row.episode, camera.removeprefix("observation.images."))[number]
        found = np.asarray(shown)[:, :: self.step, :: self.step] * 255.0
        assert found.shape == (3, *meant.shape[:2]), (camera, found.shape, meant.shape)
        off = float(np.abs(found - meant.transpose(2, 0, 1).astype(np.float32)).max())
        assert off <= TOLERANCE, f"{camera}, row {number} of {row.episode}: off by {off}"
        self.furthest, self.compared = max(self.furthest, off), self.compared + 1

    def require_pictures(self, item: dict[str, Any], row: Row, cameras: Sequence[str]) -> None:
        """Each camera shows the moment of this very row."""
        for camera in cameras:
            self.require_picture(item[camera], camera, row, row.number)
            if self.made:
                shown = number_in(item[camera])
                assert shown == row.shown, f"{camera} shows {shown} in the row of {row.shown}"


def number_in(picture: Any) -> int:
    """The twelve bits that a made picture shows, from (3, height, width) in 0 to 1."""
    cells = np.asarray(picture)[0, 8::16, 8::16].reshape(-1) > 0.5
    return int(sum(1 << bit for bit, on in enumerate(cells) if on))


def opened(root: Path, **choice: Any) -> LeRobotDataset:
    return LeRobotDataset(f"unstick/{root.name}", root=root, **choice)


def require_row(item: dict[str, Any], row: Row) -> None:
    """LeRobot gives what the file has, in every column."""
    for name, value in row.values.items():
        if name not in PLACES:
            found = np.asarray(item[name])
            assert np.array_equal(found.reshape(-1), np.array(value, found.dtype).reshape(-1)), name
    assert item["task"] == row.task


def tables(folder: Path) -> list[dict[str, Any]]:
    """All rows of all Parquet files in a folder."""
    found = [pq.read_table(path) for path in sorted(folder.glob("*/*.parquet"))]
    return [row for table in found for row in table.to_pylist()]


def rows_of(root: Path) -> list[Row]:
    episodes = {episode["episode_index"]: episode for episode in tables(root / "meta/episodes")}
    rows = []
    for values in tables(root / "data"):
        episode = episodes[values["episode_index"]]
        first = episode["unstick/first_row"]
        rows.append(
            Row(
                values,
                episode["tasks"][0],
                episode["unstick/episode"],
                first + values["frame_index"],
                first,
                first + episode["length"] - 1,
            )
        )
    return rows


def features_of(root: Path) -> dict[str, Any]:
    features: dict[str, Any] = json.loads((root / "meta/info.json").read_text())["features"]
    return features


def cameras_of(root: Path) -> list[str]:
    return [key for key, feature in features_of(root).items() if feature["dtype"] == "video"]


def decode_all(root: Path, truth: Truth) -> None:
    """Each row's pictures and numbers, through LeRobot, against the files and the recorder."""
    info = json.loads((root / "meta/info.json").read_text())
    cameras, rows = cameras_of(root), rows_of(root)
    assert cameras
    later = [row for row in rows if row.number == row.first and row.first % 15]
    for decoder in DECODERS:
        dataset = opened(root, video_backend=decoder)
        assert dataset.num_frames == info["total_frames"] == len(dataset) == len(rows)
        assert dataset.num_episodes == info["total_episodes"]
        truth.furthest, started = 0.0, time.monotonic()
        for index, row in enumerate(rows):
            item = dataset[index]
            require_row(item, row)
            assert item["index"].item() == index
            for camera in cameras:
                height, width, _ = info["features"][camera]["shape"]
                assert tuple(item[camera].shape) == (3, height, width)
            truth.require_pictures(item, row, cameras)
        took = time.monotonic() - started
        print(
            f"{root.name}: {dataset.num_episodes} episodes, {len(later)} of them beginning between "
            f"key frames; {len(rows)} rows x {len(cameras)} cameras decoded by {decoder} in "
            f"{took:.1f} s, off by {truth.furthest:.2f} of 255 at most"
        )


def look_around(root: Path, truth: Truth) -> None:
    """Pictures before and after a row are this episode's, also where its file holds more."""
    cameras, rows = cameras_of(root), rows_of(root)
    dataset = opened(root, delta_timestamps=dict.fromkeys(cameras, AROUND_S))
    tried = [
        i for i, row in enumerate(rows) if min(row.number - row.first, row.last - row.number) < 5
    ]
    for index in tried:
        item, row = dataset[index], rows[index]
        for camera in cameras:
            for place, away_s in enumerate(AROUND_S):
                wanted = row.number + round(away_s * 30)
                outside = not row.first <= wanted <= row.last
                assert bool(item[f"{camera}_is_pad"][place]) == outside
                number = min(max(wanted, row.first), row.last)
                truth.require_picture(item[camera][place], camera, row, number)
    print(f"{root.name}: pictures around {len(tried)} rows at either end of an episode")


def judge_columns(root: Path, truth: Truth) -> None:
    """Our columns say of each episode what the recorder knows."""
    rows = rows_of(root)
    episodes = list(opened(root).meta.episodes)
    assert {e["unstick/episode"] for e in episodes} <= truth.episodes.keys()
    for episode in episodes:
        known = truth.episodes[episode["unstick/episode"]]
        for column, value in known["columns"].items():
            assert episode[column] == value, (column, episode[column], value)
        first = episode["unstick/first_row"]
        drove = set(known["drivers"][first : first + episode["length"]])
        had = [name for name in known["operators"] if name in drove] or known["operators"]
        assert episode["operator"] == ", ".join(had), (episode["operator"], had)
    for name in {e["unstick/episode"] for e in episodes}:
        parts = [e["episode_index"] for e in episodes if e["unstick/episode"] == name]
        told = [r.values["next.success"] for r in rows if r.values["episode_index"] in parts]
        success = truth.episodes[name]["columns"]["success"]
        assert told == [False] * (len(told) - 1) + [success], "in the last row only"
    print(f"{root.name}: success, verdict, operator, reason and status as they were recorded")


def choose_by_columns(root: Path, truth: Truth) -> None:
    """`episode_filter` gives the episodes of each value of each column, with their own rows."""
    everything = json.loads((root / "meta/unstick.json").read_text())["options"]
    episodes, rows, cameras = list(opened(root).meta.episodes), rows_of(root), cameras_of(root)
    chosen_from = 0
    for column in FILTERED:
        values = sorted({e[column] for e in episodes})
        if truth.made and everything["include_unverified"]:
            assert len(values) > 1, f"{column} is {values} in all of them"
        for wanted in values:
            meant = [e["episode_index"] for e in episodes if e[column] == wanted]
            chosen = opened(root, episode_filter=lambda e, c=column, w=wanted: e[c] == w)
            assert list(chosen.episodes) == meant, (column, chosen.episodes, meant)
            theirs = [row for row in rows if row.values["episode_index"] in meant]
            assert chosen.num_frames == len(chosen) == len(theirs), (column, wanted)
            for index in (0, len(theirs) // 2, len(theirs) - 1):
                item = chosen[index]
                require_row(item, theirs[index])
                truth.require_pictures(item, theirs[index], cameras)
            chosen_from += 1
    print(
        f"{root.name}: {len(episodes)} episodes filtered by {chosen_from} values of "
        f"{len(FILTERED)} columns"
    )


def merge(roots: list[Path], merged: Path, truth: Truth) -> None:
    """LeRobot's own merge takes our sets, and its result has their rows, pictures and columns."""
    merge_datasets([opened(root) for root in roots], "unstick/merged", output_dir=merged)
    both, rows = opened(merged), [row for root in roots for row in rows_of(root)]
    assert both.num_frames == len(both) == len(rows)
    cameras = cameras_of(roots[0])
    for index, row in enumerate(rows):
        item = both[index]
        require_row(item, row)
        assert item["index"].item() == index
        truth.require_pictures(item, row, cameras)
    before = [episode for root in roots for episode in opened(root).meta.episodes]
    after = list(both.meta.episodes)
    assert [e["episode_index"] for e in after] == list(range(len(before)))
    for one, other in zip(before, after, strict=True):
        for column in (*FILTERED, "unstick/first_row", "length", "tasks"):
            assert one[column] == other[column], column
    names = " + ".join(root.name for root in roots)
    print(f"{names}: {both.num_episodes} episodes, {both.num_frames} rows merged, each compared")


def resume(root: Path, copy: Path, truth: Truth) -> None:
    """LeRobot records two more episodes into a copy of our set, and merges it with the set.

    Its own videos are AV1, which it does not join with others in one file, so it is told not to.
    """
    shutil.copytree(root, copy)
    before = opened(copy)
    growing = LeRobotDataset.resume(f"unstick/{copy.name}", root=copy)
    auto = {"timestamp", "frame_index", "episode_index", "index", "task_index"}
    for _ in range(2):
        for _ in range(10):
            frame: dict[str, Any] = {"task": "Recorded by LeRobot"}
            for name, feature in growing.features.items():
                if name not in auto:
                    dtype = np.uint8 if feature["dtype"] == "video" else np.dtype(feature["dtype"])
                    frame[name] = np.zeros(tuple(feature["shape"]), dtype)
            growing.add_frame(frame)
        growing.save_episode()
    growing.finalize()
    after, cameras, rows = opened(copy), cameras_of(root), rows_of(root)
    assert after.num_episodes == before.num_episodes + 2
    assert after.num_frames == len(rows) + 20
    for index, row in enumerate(rows):
        item = after[index]
        require_row(item, row)
        truth.require_pictures(item, row, cameras)
    for index in range(len(rows), after.num_frames):
        item = after[index]
        assert item["task"] == "Recorded by LeRobot"
        assert all(float(item[camera].max()) < 0.05 for camera in cameras), "black"
    merged = copy.with_name(f"{copy.name}-merged")
    pair = [after, opened(root)]
    merge_datasets(pair, "unstick/merged", output_dir=merged, concatenate_videos=False)
    both = opened(merged)
    assert len(both) == after.num_frames + len(rows)
    for number in range(0, len(rows), 20):
        for index in (number, after.num_frames + number):
            item = both[index]
            require_row(item, rows[number])
            truth.require_pictures(item, rows[number], cameras)
    print(
        f"{root.name}: resumed, {after.num_episodes} episodes, {after.num_frames} rows, and merged"
    )


def main() -> None:
    assert len(sys.argv) > 2, __doc__
    truth = Truth(Path(sys.argv[1]).resolve())
    roots = [Path(name).resolve() for name in sys.argv[2:]]
    print(f"LeRobot decodes by {' and '.join(DECODERS)}")
    for root in roots:
        decode_all(root, truth)
        look_around(root, truth)
        judge_columns(root, truth)
        choose_by_columns(root, truth)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for number, root in enumerate(roots):
            alike = [r for r in roots if features_of(r) == features_of(root)]
            others = sorted((r for r in alike if r != root), key=lambda r: len(rows_of(r)))
            # Everything at once, and each one with the smallest that has its columns, or itself.
            chosen = others if number == 0 else others[:1]
            merge([root, *(chosen or [root])], scratch / f"merged-{number}", truth)
            resume(root, scratch / f"resumed-{number}", truth)
    print(f"LeRobot reads it all; {truth.compared} pictures compared")


if __name__ == "__main__":
    main()
