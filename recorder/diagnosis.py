"""What is probably wrong with labels that do not lead to the recorded states, and what to try.

Each explanation is tried, simplest first; then whether the actions are those of another
demonstration. Nothing here is asked when every step agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration
from recorder.failing_labels import KNOWN, FailingLabels
from recorder.label_check import LabelCheck
from recorder.lossy_faults import clipped, decimated, missing_rows, rounded
from recorder.replayable import Numbers, Replayable
from recorder.undoable_faults import scaled, shifted, swapped, turned
from recorder.verdict import Diagnosis, Fault

Explanation = Callable[[FailingLabels], Diagnosis | None]

# In the order in which they are tried: what comes first is taken.
EXPLANATIONS: Final[tuple[Explanation, ...]] = (
    decimated,
    shifted,
    missing_rows,
    turned,
    swapped,
    rounded,
    clipped,
    scaled,
)


def diagnosed(
    robot: Replayable,
    demonstration: Demonstration,
    tolerance: Numbers,
    check: LabelCheck,
    others: Iterable[Demonstration] = (),
) -> Diagnosis | None:
    """What is wrong with a demonstration that has states; None when no step fails.

    `others` are demonstrations that its actions might belong to.
    """
    if demonstration.states is None or not len(check.failing):
        return None
    if (start := _wrong_start(demonstration, check)) is not None:
        return start
    # Before what can be undone: two people who do the same a little apart look like a shift, too.
    if (copied := _copied(demonstration, others)) is not None:
        return copied
    failing = FailingLabels.of(robot, demonstration, tolerance, check)
    for explanation in EXPLANATIONS:
        if (found := explanation(failing)) is not None:
            return found
    return _of_another(failing)


def _wrong_start(demonstration: Demonstration, check: LabelCheck) -> Diagnosis | None:
    if list(check.failing) != [0] or len(check.checked) < 3:
        return None
    return Diagnosis(
        fault=Fault.WRONG_START,
        sentence="Every step agrees but the first: it was begun from another start state.",
        advice="Look for the start state of this demonstration, or begin it one row later.",
        explains=1.0,
    )


def _copied(demonstration: Demonstration, others: Iterable[Demonstration]) -> Diagnosis | None:
    """The actions are another demonstration's, number for number."""
    actions = demonstration.actions
    for other in others:
        if other.name == demonstration.name or other.actions.shape[1] != actions.shape[1]:
            continue
        n = min(len(other), len(actions))
        if n >= 10 and np.array_equal(other.actions[:n], actions[:n]):
            return Diagnosis(
                fault=Fault.OTHER_EPISODE,
                sentence=f"The actions are those of {other.name}, not of this demonstration.",
                advice="Put the right actions beside these states, or leave it out.",
                explains=1.0,
            )
    return None


def _of_another(failing: FailingLabels) -> Diagnosis:
    share = float(failing.known.mean())
    if share >= KNOWN and failing.check.share >= 0.3:
        return Diagnosis(
            fault=Fault.OTHER_EPISODE,
            sentence=(
                "The states can be reached, but by other actions, which the recorded ones have no "
                "simple relation to: they are probably those of another demonstration."
            ),
            advice="Compare with the demonstration before and after it; leave it out.",
            explains=share,
        )
    return Diagnosis(
        fault=Fault.UNEXPLAINED,
        sentence="No simple fault of the labels explains it.",
        advice="Look at robot, scene and controller: something is another than at the recording.",
        explains=0.0,
    )
