"""Labels that other trainers expect, derived from the columns of an exported episode. Pure.

Everything here works on one episode's rows: who drove (`policy`, `human` as masks), the rate of
the rows, and what is known about the moment the help was needed.

    Sirius      Liu et al. 2022, arXiv 2211.08416; github.com/UT-Austin-RPL/sirius,
                robomimic/utils/dataset.py: `action_modes` -1 demonstration, 0 robot,
                1 intervention; `intv_labels` adds -10 for up to 15 steps (at 20 Hz) before an
                intervention begins, so that training gives little weight to what led there.
    HG-DAgger   Kelly et al. 2018, arXiv 1810.02890: the novice is trained on what the expert did
                while the expert was in control, and on nothing else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]  # (rows,)
Codes = npt.NDArray[np.int64]  # (rows,)

DEMONSTRATION: Final = -1
ROBOT: Final = 0
INTERVENTION: Final = 1
PRE_INTERVENTION: Final = -10

SIRIUS_WINDOW_S: Final = 0.75  # Sirius takes 15 steps at 20 Hz; a time holds at any rate
LET_GO_S: Final = 0.5  # a person who lets go for less has not ended the intervention


def stretches(human: Mask, whose: Codes, row_hz: float) -> list[range]:
    """The runs of rows in which a person drove; pauses under `LET_GO_S` do not end one.

    `whose` is a number for each person: another one begins another run.
    """
    rows = np.flatnonzero(human)
    if rows.size == 0:
        return []
    let_go = np.diff(rows) - 1 >= LET_GO_S * row_hz
    breaks = np.flatnonzero(let_go | (np.diff(whose[rows]) != 0))
    starts = [int(rows[0]), *(int(rows[b + 1]) for b in breaks)]
    ends = [*(int(rows[b]) + 1 for b in breaks), int(rows[-1]) + 1]
    return [range(a, b) for a, b in zip(starts, ends, strict=True)]


def interventions(taken: Mask, number: Codes) -> list[range]:
    """The runs of rows that are `taken` out of the policy's hands, each of one intervention."""
    begins = taken.copy()
    begins[1:] &= ~taken[:-1] | (number[1:] != number[:-1])
    ends = taken.copy()
    ends[:-1] &= ~taken[1:] | (number[1:] != number[:-1])
    pairs = zip(np.flatnonzero(begins), np.flatnonzero(ends), strict=True)
    return [range(int(first), int(last) + 1) for first, last in pairs]


def sirius_action_modes(policy: Mask, taken: Mask) -> Codes:
    """`action_modes` of Sirius for each row.

    `taken` are the rows from a takeover to its hand-back in which the policy does not act, however
    long the person lets go. An episode in which the policy never acts is a demonstration: what a
    person had in it is -1. Rows in which nobody has the robot count as the robot's; Sirius has no
    class for them.
    """
    modes = np.full(len(taken), ROBOT, np.int64)
    modes[taken] = INTERVENTION if policy.any() else DEMONSTRATION
    return modes


def needed_help_s(takeover_s: float, call_s: float | None, latency_s: float) -> float:
    """When help was needed: at the robot's call, or as long before the takeover as the link takes.

    A person reacts late and sees the past. The call is the measured beginning of the reaction;
    without one only the age of picture and command is known.
    """
    return min(takeover_s, call_s if call_s is not None else takeover_s - max(0.0, latency_s))


def sirius_intervention_labels(
    modes: Codes, onsets: list[tuple[int, float]], window_s: float, row_hz: float
) -> Codes:
    """`intv_labels` of Sirius: `modes` with -10 on the robot's rows before each intervention.

    `onsets` are (row of the takeover, seconds by which help was needed earlier). Marked is from
    `window_s` before help was needed up to the takeover; only rows of the robot, never a person's.
    """
    labels = modes.copy()
    for row, earlier_s in onsets:
        if modes[row] == DEMONSTRATION:
            continue
        first = max(0, row - round((earlier_s + window_s) * row_hz))
        before = labels[first:row]
        before[before == ROBOT] = PRE_INTERVENTION
    return labels
