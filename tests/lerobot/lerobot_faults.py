"""What LeRobot 0.6.1 itself gets wrong, on a set that it wrote; run by `run.py`.

Both touch our sets, which have a file for each episode. Fails when LeRobot has mended one: then
say so in recorder/README.md, and let `judge_lerobot.py` do it with our sets. Nothing of Unstick.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from lerobot.datasets.dataset_tools import merge_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.streaming_dataset import StreamingLeRobotDataset

CAMERA: Final = "observation.images.front"
SHAPE: Final = (64, 64, 3)
ROWS: Final = 5


def opened(root: Path) -> LeRobotDataset:
    return LeRobotDataset(f"lerobot/{root.name}", root=root)


def record(dataset: LeRobotDataset) -> None:
    """One more episode; each recording opens new files."""
    for _ in range(ROWS):
        picture = np.zeros(SHAPE, np.uint8)
        dataset.add_frame({CAMERA: picture, "action": np.zeros(1, np.float32), "task": "None"})
    dataset.save_episode()
    dataset.finalize()


def merge_again(root: Path, scratch: Path) -> None:
    """`meta/episodes/file_index` of what was merged names files that the merge has joined."""
    merged = scratch / "merged"
    merge_datasets([opened(root), opened(root)], "lerobot/merged", output_dir=merged)
    assert len(opened(merged)) == 4 * ROWS
    merge_datasets([opened(merged), opened(root)], "lerobot/again", output_dir=scratch / "again")


def stream(root: Path, scratch: Path) -> None:
    """Rows are looked for at index/fps, as if all episodes lay in one file."""
    rows = list(StreamingLeRobotDataset(f"lerobot/{root.name}", root=root, shuffle=False))
    assert len(rows) == 2 * ROWS


def require_fault(what: Callable[[Path, Path], None], root: Path, scratch: Path) -> None:
    try:
        what(root, scratch)
    except Exception as error:  # noqa: BLE001  whatever it is: that is what is shown
        print(f"LeRobot cannot {what.__name__} its own set: {type(error).__name__}")
        return
    raise SystemExit(f"LeRobot can {what.__name__} now: see the docstring of this file")


def main() -> None:
    features = {
        CAMERA: {"dtype": "video", "shape": SHAPE, "names": ["height", "width", "channels"]},
        "action": {"dtype": "float32", "shape": (1,), "names": ["x"]},
    }
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "two"
        record(LeRobotDataset.create("lerobot/two", 30, features, root=root))
        record(LeRobotDataset.resume("lerobot/two", root=root))
        dataset = opened(root)
        assert len([dataset[index] for index in range(len(dataset))]) == 2 * ROWS
        for what in (merge_again, stream):
            require_fault(what, root, Path(name))


if __name__ == "__main__":
    main()
