"""What is said about an episode, and which of it counts now.

Pure. The sealed manifest holds what was said while it was recorded; annotations add to it later and
never change it. The last word on a point counts; notes add up; an empty reason takes the reason
back, an empty task returns to the recorded one.
"""

from __future__ import annotations

from collections.abc import Iterable

from recorder.episode import Ending
from transport.messages import AnnotationKind as AnnotationKind
from transport.messages import Outcome, Wire


class Annotation(Wire, frozen=True):
    """One thing said after the sealing; one line of annotations.jsonl."""

    number: int  # from 1
    wall: str  # ISO 8601, UTC; for people
    kind: AnnotationKind
    text: str
    by: str
    previous: str  # SHA-256 of the line before; of the first one: of manifest.json


class Labels(Wire, frozen=True):
    """What counts now."""

    outcome: Outcome
    reason: str
    task: str  # empty: nobody named one
    notes: tuple[str, ...]
    discarded: bool
    discarded_why: str = ""  # empty: nobody said, or it is not discarded


def labels_of(ending: Ending, task: str, annotations: Iterable[Annotation] = ()) -> Labels:
    """The labels that count, from the sealed `ending` and `task` and everything said since.

    The outcome of the recording is the ending's own: marks that were taken back stand in its labels
    too, and a recovered episode keeps its marks but carries no outcome.
    """
    said = [(label.kind, label.text) for label in ending.labels if label.kind != "outcome"]
    said += [(one.kind.value, one.text) for one in annotations]
    outcome, reason, named, notes = ending.outcome, "", "", list[str]()
    discarded, why = False, ""
    for kind, text in said:
        if kind == AnnotationKind.OUTCOME:
            outcome = Outcome(text)
        elif kind == AnnotationKind.REASON:
            reason = text
        elif kind == AnnotationKind.TASK:
            named = text
        elif kind == AnnotationKind.NOTE:
            notes.append(text)
        elif kind in (AnnotationKind.DISCARDED, AnnotationKind.RESTORED):
            discarded = kind == AnnotationKind.DISCARDED
            why = text if discarded else ""
    return Labels(
        outcome=outcome,
        reason=reason,
        task=named or task,
        notes=tuple(notes),
        discarded=discarded,
        discarded_why=why,
    )
