"""The columns of an exported episode: one row for each video frame.

LeRobot's own names where it has any; the rest begins with `unstick.`. Codes are listed in `CODES`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.episode import EpisodeError, Manifest
from recorder.labels import Labels
from recorder.library import Episode
from recorder.log import RowRecord
from recorder.verdict import Verdict
from transport.channels import ROW_HZ
from transport.messages import Outcome, Phase, Source, Tick, Twist

Columns = dict[str, npt.NDArray[Any]]  # each (rows,) or (rows, width)
Features = dict[str, dict[str, Any]]

# Codes of `unstick.phase` and `unstick.control_source`: fixed numbers, append only.
CODES: Final[dict[str, dict[str, int]]] = {
    "phase": {
        Phase.AUTONOMOUS: 0,
        Phase.HANDOVER: 1,
        Phase.RECOVERY: 2,
        Phase.CORRECTION: 3,
        Phase.PAUSED: 4,
        Phase.RESET: 5,
    },
    "control_source": {Source.POLICY: 0, Source.HUMAN: 1, Source.HOLD: 2, Source.SAFETY: 3},
}


def succeeded(labels: Labels, verdict: Verdict | None) -> bool:
    """Labelled a success, or proved to solve the task when nobody said anything."""
    outcome = labels.outcome
    if outcome is Outcome.UNLABELLED:
        return verdict is not None and verdict.passed
    return outcome is Outcome.SUCCESS


def features_of(manifest: Manifest) -> Features:
    """The `features` of info.json."""
    names = list(manifest.description.observation_names)
    actions = list(manifest.description.action_names) or ["forward_mps", "turn_radps"]
    features: Features = {
        "observation.state": {"dtype": "float32", "shape": [len(names)], "names": names},
        "action": {"dtype": "float32", "shape": [len(actions)], "names": actions},
    }
    for kind in ("requested", "human", "policy"):
        features[f"unstick.action_{kind}"] = dict(features["action"])
    for name, dtype in (
        ("intervention", "bool"),
        ("next.success", "bool"),
        ("next.done", "bool"),
        ("next.reward", "float32"),
        ("unstick.phase", "int64"),
        ("unstick.control_source", "int64"),
        ("unstick.intervention_id", "int64"),
        ("unstick.tick", "int64"),
        ("unstick.stamp_ns", "int64"),
    ):
        features[name] = {"dtype": dtype, "shape": [1], "names": None}
    for code in CODES:
        features[f"unstick.{code}"]["codes"] = {str(k): v for k, v in CODES[code].items()}
    for camera in manifest.cameras:
        features[f"unstick.capture_ns.{camera.name}"] = _scalar("int64")
        features[f"unstick.repeated.{camera.name}"] = _scalar("bool")
        features[f"observation.images.{camera.name}"] = {
            "dtype": "video",
            "shape": [camera.height, camera.width, 3],
            "names": ["height", "width", "channels"],
            "info": {
                "video.height": camera.height,
                "video.width": camera.width,
                "video.codec": camera.codec,
                "video.pix_fmt": "yuv420p",
                "video.is_depth_map": False,
                "video.fps": ROW_HZ,
                "video.channels": 3,
                "has_audio": False,
            },
        }
    features["timestamp"] = _scalar("float32")
    for name in ("frame_index", "episode_index", "index", "task_index"):
        features[name] = _scalar("int64")
    return features


def columns_of(episode: Episode, success: bool) -> Columns:
    """Every column but the four that depend on the place in the data set (see `lay_out`)."""
    pairs = _rows_with_ticks(episode)
    ticks = [tick for _, tick in pairs]
    last = len(pairs) - 1
    columns: Columns = {
        "observation.state": np.array([t.observation for t in ticks], np.float32),
        "action": _twists([t.applied for t in ticks]),
        "unstick.action_requested": _twists([t.requested for t in ticks]),
        "unstick.action_human": _twists([t.human for t in ticks]),
        "unstick.action_policy": _twists([t.policy for t in ticks]),
        "intervention": np.array([t.source is Source.HUMAN for t in ticks], np.bool_),
        "next.success": np.array([success and i == last for i in range(len(pairs))], np.bool_),
        "next.done": np.array([i == last for i in range(len(pairs))], np.bool_),
        "next.reward": np.array([success and i == last for i in range(len(pairs))], np.float32),
        "unstick.phase": _integers([CODES["phase"][t.phase] for t in ticks]),
        "unstick.control_source": _integers([CODES["control_source"][t.source] for t in ticks]),
        "unstick.intervention_id": _integers([t.intervention for t in ticks]),
        "unstick.tick": _integers([t.tick for t in ticks]),
        "unstick.stamp_ns": _integers([t.stamp_ns for t in ticks]),
    }
    for camera in episode.manifest.cameras:
        shown = [row.cameras[camera.name] for row, _ in pairs]
        columns[f"unstick.capture_ns.{camera.name}"] = _integers([s.captured_ns for s in shown])
        columns[f"unstick.repeated.{camera.name}"] = np.array([s.repeated for s in shown], np.bool_)
    # float64 division first: k/30 rounded once, as loaders compute it.
    columns["timestamp"] = (np.arange(len(pairs)) / ROW_HZ).astype(np.float32)
    columns["frame_index"] = np.arange(len(pairs), dtype=np.int64)
    return columns


def lay_out(columns: Columns, episode_index: int, first_index: int, task_index: int) -> None:
    """Add the columns that say where in the data set the episode lies."""
    rows = len(columns["frame_index"])
    columns["episode_index"] = np.full(rows, episode_index, np.int64)
    columns["index"] = np.arange(first_index, first_index + rows, dtype=np.int64)
    columns["task_index"] = np.full(rows, task_index, np.int64)


def _rows_with_ticks(episode: Episode) -> list[tuple[RowRecord, Tick]]:
    """Each row with the control tick it was taken at."""
    rows = {row.tick: row for row in episode.rows()}
    pairs = [(rows[tick.tick], tick) for tick in episode.ticks() if tick.tick in rows]
    if len(pairs) != episode.manifest.rows:
        raise EpisodeError(
            f"{len(pairs)} of {episode.manifest.rows} rows have their control tick",
            episode.path,
            "Leave the episode out.",
        )
    return pairs


def _twists(twists: list[Twist]) -> npt.NDArray[np.float32]:
    return np.array([(t.forward_mps, t.turn_radps) for t in twists], np.float32)


def _integers(values: list[int]) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def _scalar(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [1], "names": None}
