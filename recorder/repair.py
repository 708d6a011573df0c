"""Undoes a fault of labels by writing a new episode; the one it was found in stays as it is.

Only what the recorded numbers themselves decide: actions that stand some rows late or early, an
axis that is turned round, two that are swapped, a constant factor. What was lost (cut off, rounded,
left out) stays lost. That it was the right repair is for a replay to prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from recorder.derived import derive
from recorder.driven import PLANAR, values_of
from recorder.episode import LOG_FILE, EpisodeError
from recorder.library import Episode
from recorder.log import LogReader
from recorder.replayable import Numbers
from recorder.verdict import Diagnosis, Fault, Verdict
from transport.messages import Tick

OPERATION: Final = "repair"
_UNDONE: Final = frozenset({Fault.SHIFTED, Fault.SIGN, Fault.SWAPPED, Fault.SCALED})


def repairable(verdict: Verdict | None) -> Diagnosis | None:
    """What a repair of the judged episode would undo; None: there is nothing, or it cannot be."""
    found = verdict.evidence.diagnosis if verdict is not None else None
    if found is None or found.fault not in _UNDONE:
        return None
    if found.fault is Fault.SCALED and not found.factor:
        return None  # a factor for each axis, which the diagnosis does not keep apart
    return found


def operation_of(fault: Diagnosis) -> str:
    """How the manifest of the new episode names what was done."""
    about = " ".join(fault.axes)
    if fault.fault is Fault.SHIFTED:
        return f"{OPERATION}: shift actions {-fault.rows:+d}"
    if fault.fault is Fault.SWAPPED:
        return f"{OPERATION}: swap {about}"
    return f"{OPERATION}: divide {about} by {fault.factor:.6g}"


def undone(actions: Numbers, names: Sequence[str], fault: Diagnosis) -> Numbers:
    """(n, axes): the actions as they were before the fault; `names` are those of the axes.

    Actions that a shift leaves without a recorded value keep the nearest.
    """
    if fault.fault is Fault.SHIFTED:
        there = np.arange(len(actions)) + fault.rows
        shifted: Numbers = actions[np.clip(there, 0, len(actions) - 1)]
        return shifted
    axes = [list(names).index(name) for name in fault.axes]
    changed = actions.copy()
    if fault.fault is Fault.SWAPPED:
        changed[:, axes] = actions[:, axes[::-1]]
    else:
        changed[:, axes] = changed[:, axes] / fault.factor + 0.0  # no zero with a sign
    return changed


def repair(episode: Episode, fault: Diagnosis) -> Episode:
    """Write a new sealed episode beside `episode` with the `fault` undone; it may be there already.

    Raises:
        EpisodeError: the episode is damaged, or its actions are not those that the fault is about.
        OSError: the disk refuses; the original is untouched.
    """
    episode.verify()
    names = episode.manifest.description.action_names or PLANAR
    if not set(fault.axes) <= set(names):
        raise EpisodeError("Fault is of other actions", episode.path, "Replay the episode again.")
    ticks = LogReader(episode.path / LOG_FILE).ticks()
    numbers = np.array([values_of(tick.applied, names) for tick in ticks], np.float64)
    changed = iter(undone(numbers, names, fault).tolist())

    def mended(tick: Tick) -> Tick:
        wish = dict(zip(names, next(changed), strict=True))
        applied = msgspec.structs.replace(tick.applied, **wish)
        return msgspec.structs.replace(tick, applied=applied)

    return derive(episode, operation_of(fault), tick=mended)
