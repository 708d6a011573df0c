"""Which columns an exported data set has: the `features` of its info.json. Pure.

LeRobot's own names where it has any; the rest begins with `unstick.`, labels for another trainer
with the trainer's name. Codes are listed in `CODES` and beside the feature.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from recorder.driven import PLANAR
from recorder.episode import Manifest
from transport.channels import ROW_HZ, TICKS_PER_ROW
from transport.messages import Mode, Phase, Source

Features = dict[str, dict[str, Any]]


class TrainerLabels(StrEnum):
    """TrainerLabels for a trainer other than LeRobot's, on request."""

    SIRIUS = "sirius"  # two columns
    HG_DAGGER = "hg-dagger"  # only what a person drove, each stretch an episode of its own


# Codes of `unstick.mode`, `.phase` and `.control_source`: fixed numbers, append only.
CODES: Final[dict[str, dict[str, int]]] = {
    "mode": {
        Mode.BOOT: 0,
        Mode.DISARMED: 1,
        Mode.READY: 2,
        Mode.TELEOP: 3,
        Mode.AUTONOMY: 4,
        Mode.HOLD: 5,
        Mode.LINK_LOST: 6,
        Mode.SAFE_STOP: 7,
        Mode.ESTOP: 8,
        Mode.FAULT: 9,
    },
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

# When everything around a tick happened, in ns; whose clock each is of tells `Tick`.
TIMES: Final = (
    "observed_ns",
    "received_ns",
    "applied_ns",
    "input_ns",
    "sent_ns",
    "clock_offset_ns",
    "clock_error_ns",
)


def features_of(manifest: Manifest, labels: TrainerLabels | None = None) -> Features:
    """The `features` of info.json."""
    names = list(manifest.description.observation_names)
    actions = list(manifest.description.action_names or PLANAR)
    features: Features = {
        "observation.state": {"dtype": "float32", "shape": [len(names)], "names": names},
        "action": {"dtype": "float32", "shape": [len(actions)], "names": actions},
    }
    for kind in ("requested", "human", "policy"):
        features[f"unstick.action_{kind}"] = dict(features["action"])
    each_tick = [f"{name}.{tick}" for tick in range(TICKS_PER_ROW) for name in actions]
    features["unstick.action_ticks"] = {
        "dtype": "float32",
        "shape": [len(each_tick)],
        "names": each_tick,
    }
    for name, dtype in (
        ("intervention", "bool"),
        ("next.success", "bool"),
        ("next.done", "bool"),
        ("next.reward", "float32"),
        ("unstick.mode", "int64"),
        ("unstick.phase", "int64"),
        ("unstick.control_source", "int64"),
        ("unstick.intervention_id", "int64"),
        ("unstick.deadman", "bool"),
        ("unstick.marker", "bool"),
        ("unstick.command_seq", "int64"),
        ("unstick.command_age_ms", "float32"),
        ("unstick.picture_age_ms", "float32"),
        ("unstick.missed_before", "int64"),
        ("unstick.ticks", "int64"),
        ("unstick.tick", "int64"),
        ("unstick.stamp_ns", "int64"),
    ):
        features[name] = _scalar(dtype)
    for name in TIMES:
        features[f"unstick.{name}"] = _scalar("int64")
    for code in CODES:
        features[f"unstick.{code}"]["codes"] = {str(k): v for k, v in CODES[code].items()}
    if labels is TrainerLabels.SIRIUS:
        features["sirius.action_modes"] = _scalar("int64")
        features["sirius.intv_labels"] = _scalar("int64")
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


def _scalar(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [1], "names": None}
