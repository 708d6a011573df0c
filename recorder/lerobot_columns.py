"""The columns of an exported episode, named by `lerobot_features`: a row for each video frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recorder.driven import PLANAR, values_of
from recorder.episode import EpisodeError
from recorder.intervention_labels import (
    SIRIUS_WINDOW_S,
    needed_help_s,
    sirius_action_modes,
    sirius_intervention_labels,
    stretches,
)
from recorder.labels import Labels
from recorder.lerobot_features import CODES, TIMES, TrainerLabels
from recorder.library import Episode
from recorder.log import RowRecord
from recorder.verdict import Verdict
from transport.channels import ROW_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S
from transport.messages import Outcome, Phase, Source, Tick, Twist

Columns = dict[str, npt.NDArray[Any]]  # each (rows,) or (rows, width)


def succeeded(labels: Labels, verdict: Verdict | None) -> bool:
    """Labelled a success, or proved to solve the task when nobody said anything."""
    outcome = labels.outcome
    if outcome is Outcome.UNLABELLED:
        return verdict is not None and verdict.passed
    return outcome is Outcome.SUCCESS


def columns_of(episode: Episode, labels: TrainerLabels | None = None) -> Columns:
    """The recorded columns of all rows; `lay_out` adds those that depend on the data set."""
    taken = _rows_with_ticks(episode)
    ticks = [row.ticks[0] for row in taken]
    actions = episode.manifest.description.action_names or PLANAR
    columns: Columns = {
        "observation.state": np.array([t.observation for t in ticks], np.float32),
        "action": _twists([t.applied for t in ticks], actions),
        "unstick.action_requested": _twists([t.requested for t in ticks], actions),
        "unstick.action_human": _twists([t.human for t in ticks], actions),
        "unstick.action_policy": _twists([t.policy for t in ticks], actions),
        "unstick.action_ticks": _each_tick(taken, actions),
        "intervention": _flags([t.source is Source.HUMAN for t in ticks]),
        "unstick.mode": _integers([CODES["mode"][t.mode] for t in ticks]),
        "unstick.phase": _integers([CODES["phase"][t.phase] for t in ticks]),
        "unstick.control_source": _integers([CODES["control_source"][t.source] for t in ticks]),
        "unstick.intervention_id": _integers([t.intervention for t in ticks]),
        "unstick.deadman": _flags([t.deadman for t in ticks]),
        "unstick.marker": _flags([bool(_said(row, "marker")) for row in taken]),
        "unstick.command_seq": _integers([t.command_seq for t in ticks]),
        "unstick.command_age_ms": np.array([t.command_age_ms for t in ticks], np.float32),
        "unstick.picture_age_ms": np.array([t.picture_age_ms for t in ticks], np.float32),
        "unstick.missed_before": _integers([row.missed for row in taken]),
        "unstick.ticks": _integers([len(row.ticks) for row in taken]),
        "unstick.tick": _integers([t.tick for t in ticks]),
        "unstick.stamp_ns": _integers([t.stamp_ns for t in ticks]),
    }
    for name in TIMES:
        columns[f"unstick.{name}"] = _integers([getattr(t, name) for t in ticks])
    if labels is TrainerLabels.SIRIUS:
        columns.update(_sirius(taken))
    for camera in episode.manifest.cameras:
        shown = [row.record.cameras[camera.name] for row in taken]
        columns[f"unstick.capture_ns.{camera.name}"] = _integers([s.captured_ns for s in shown])
        columns[f"unstick.repeated.{camera.name}"] = _flags([s.repeated for s in shown])
    return columns


def parts_of(columns: Columns, labels: TrainerLabels | None = None) -> list[range]:
    """The rows of each episode that the data set gets: all in one, or each stretch by itself."""
    if labels is TrainerLabels.HG_DAGGER:
        drove = columns["intervention"] & columns["unstick.deadman"]
        at_work = columns["unstick.phase"] != CODES["phase"][Phase.RESET]
        return stretches(drove & at_work, ROW_HZ)
    return [range(len(columns["action"]))]


def lay_out(
    columns: Columns,
    rows: range,
    *,
    success: bool,
    episode_index: int,
    first_index: int,
    task_index: int,
) -> Columns:
    """The columns of `rows`, and those that say where in the data set they lie."""
    count = len(rows)
    laid = {name: values[rows.start : rows.stop] for name, values in columns.items()}
    last = np.arange(count) == count - 1
    laid["next.success"] = last & success
    laid["next.done"] = last
    laid["next.reward"] = (last & success).astype(np.float32)
    # float64 division first: k/30 rounded once, as loaders compute it.
    laid["timestamp"] = (np.arange(count) / ROW_HZ).astype(np.float32)
    laid["frame_index"] = np.arange(count, dtype=np.int64)
    laid["episode_index"] = np.full(count, episode_index, np.int64)
    laid["index"] = np.arange(first_index, first_index + count, dtype=np.int64)
    laid["task_index"] = np.full(count, task_index, np.int64)
    return laid


@dataclass(frozen=True)
class _Row:
    """One row with the control ticks from its own one up to the next row."""

    record: RowRecord
    ticks: tuple[Tick, ...]
    missed: int  # control periods skipped since the row before


def _rows_with_ticks(episode: Episode) -> list[_Row]:
    """Each row with the control tick it was taken at, and those that follow."""
    records = {record.tick: record for record in episode.rows()}
    groups: list[list[Tick]] = []
    missed: list[int] = []
    waiting = 0
    for tick in episode.ticks():
        waiting += tick.missed_before
        if tick.tick in records:
            groups.append([tick])
            missed.append(waiting)
            waiting = 0
        elif groups:
            groups[-1].append(tick)
    if len(groups) != episode.manifest.rows:
        raise EpisodeError(
            f"{len(groups)} of {episode.manifest.rows} rows have their control tick",
            episode.path,
            "Leave the episode out.",
        )
    return [
        _Row(records[ticks[0].tick], tuple(ticks), skipped)
        for ticks, skipped in zip(groups, missed, strict=True)
    ]


def _each_tick(taken: list[_Row], actions: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """What was applied at each control tick of a row, side by side.

    Where a tick is missing (`unstick.ticks` tells) the one before stands in for it: what a robot
    holds when it hears nothing new.
    """
    padded = [(*row.ticks, *(row.ticks[-1:] * TICKS_PER_ROW))[:TICKS_PER_ROW] for row in taken]
    applied = [tick.applied for ticks in padded for tick in ticks]
    return _twists(applied, actions).reshape(len(taken), -1)


def _sirius(taken: list[_Row]) -> Columns:
    """Sirius's two columns; an intervention reaches from the takeover to the hand-back."""
    sources = [row.ticks[0].source for row in taken]
    human = _flags([source is Source.HUMAN for source in sources])
    policy = _flags([source is Source.POLICY for source in sources])
    modes = sirius_action_modes(policy, human, ROW_HZ)
    onsets: list[tuple[int, float]] = []
    free_from = 0
    for stretch in stretches(human, ROW_HZ):
        taken_s = taken[stretch.start].ticks[0].stamp_ns / NS_PER_S
        calls = [s for row in taken[free_from : stretch.start] for s in _said(row, "call")]
        ages = (row.ticks[0].picture_age_ms for row in taken[stretch.start : stretch.stop])
        latency_s = next((age / 1000 for age in ages if age >= 0.0), 0.0)
        needed_s = needed_help_s(taken_s, calls[-1] / NS_PER_S if calls else None, latency_s)
        onsets.append((stretch.start, taken_s - needed_s))
        free_from = stretch.stop
    return {
        "sirius.action_modes": modes,
        "sirius.intv_labels": sirius_intervention_labels(modes, onsets, SIRIUS_WINDOW_S, ROW_HZ),
    }


def _said(row: _Row, kind: str) -> list[int]:
    """Stamps of the events of a kind within a row."""
    return [tick.stamp_ns for tick in row.ticks for event in tick.events if event.kind == kind]


def _flags(values: list[bool]) -> npt.NDArray[np.bool_]:
    return np.array(values, np.bool_)


def _twists(twists: list[Twist], actions: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """(n, axes), in the order of the description's action names."""
    return np.array([values_of(twist, actions) for twist in twists], np.float32)


def _integers(values: list[int]) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)
