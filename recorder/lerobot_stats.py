"""Statistics of exported columns and videos, in the shapes LeRobot normalises with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.lerobot_columns import Columns
from recorder.video_track import Image

Stats = dict[str, dict[str, Any]]  # feature -> statistic -> nested lists

_QUANTILES: Final = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


def stats_of(columns: Columns) -> Stats:
    """Statistics of every column, over its rows."""
    return {name: _stats(values) for name, values in columns.items()}


def video_stats(frames: Image) -> dict[str, Any]:
    """Statistics of sampled frames (n, height, width, 3), per channel, 0 to 1, each (3, 1, 1)."""
    flat = _stats(frames.reshape(-1, 3) / 255.0)
    shaped = {name: [[[v]] for v in values] for name, values in flat.items() if name != "count"}
    return {**shaped, "count": [len(frames)]}


def merge(parts: list[Stats]) -> Stats:
    """Statistics of all `parts` from those of each; quantiles as the mean weighted by rows.

    Folded episode by episode: an append goes on from where the set was, to the last bit.
    """
    return {feature: _merge([part[feature] for part in parts]) for feature in parts[0]}


def _stats(values: npt.NDArray[Any]) -> dict[str, Any]:
    table = values.astype(np.float64).reshape(len(values), -1)
    stats: dict[str, Any] = {
        "min": table.min(axis=0).tolist(),
        "max": table.max(axis=0).tolist(),
        "mean": table.mean(axis=0).tolist(),
        "std": table.std(axis=0).tolist(),
        "count": [len(table)],
    }
    for name, row in zip(
        _QUANTILES, np.quantile(table, list(_QUANTILES.values()), axis=0), strict=True
    ):
        stats[name] = row.tolist()
    return stats


def _merge(parts: list[dict[str, Any]]) -> dict[str, Any]:
    counts = np.array([part["count"][0] for part in parts], np.float64)
    weights = counts / counts.sum()

    def stack(name: str) -> npt.NDArray[np.float64]:
        return np.array([part[name] for part in parts], np.float64)

    def mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.tensordot(weights, values, axes=1)

    means = stack("mean")
    centre = mean(means)
    variance = mean(stack("std") ** 2 + (means - centre) ** 2)
    merged = {
        "min": stack("min").min(axis=0).tolist(),
        "max": stack("max").max(axis=0).tolist(),
        "mean": centre.tolist(),
        "std": np.sqrt(variance).tolist(),
        "count": [int(counts.sum())],
    }
    for name in _QUANTILES:
        merged[name] = mean(stack(name)).tolist()
    return merged
