"""The verdict on a replay: pure judgement over the evidence, and one plain sentence for it."""

from __future__ import annotations

from typing import Final

from recorder.verdict import (
    PROVED_ELSEWHERE,
    Controls,
    Disturbance,
    Evidence,
    Kind,
    OneStep,
    OpenLoop,
)
from recorder.verdict_words import quantity
from transport.messages import Outcome

ONE_STEP_FRACTION: Final = 0.05  # share of failing steps that makes a label fault

_UNDER: Final = {
    Disturbance.START: "a start that is moved by",
    Disturbance.DELAY: "a delay of",
    Disturbance.LOSS: "a loss of",
    Disturbance.NOISE: "noise of",
    Disturbance.LINK: "its own link, as late again by",
}


def judge(evidence: Evidence) -> tuple[Kind, str]:
    """The verdict and one plain sentence for it."""
    loop, controls, step = evidence.open_loop, evidence.controls, evidence.one_step
    if evidence.problem:
        return Kind.UNVERIFIABLE, evidence.problem
    if applied := _not_applied(evidence):
        return Kind.NOT_APPLIED, applied
    if loop is None or controls is None:
        return Kind.UNVERIFIABLE, "The replay was not completed."
    if predicate := _predicate_fault(evidence.label, controls):
        return Kind.PREDICATE_FAULT, predicate
    if labels := _label_fault(evidence, loop, step):
        return Kind.LABEL_FAULT, labels
    seen = evidence.observations
    if seen is not None and seen.failed > ONE_STEP_FRACTION * seen.checked:
        return Kind.LABEL_FAULT, (
            f"In {seen.failed} of {seen.checked} recorded states the robot does not measure what "
            f"was recorded; {seen.worst} is off by up to {seen.max_deviation:.3g}."
        )
    return _result(evidence, loop, controls)


def _not_applied(evidence: Evidence) -> str:
    total = evidence.recorded_steps
    if evidence.lost_ticks:
        return (
            f"{evidence.lost_ticks} ticks are missing in the record, so their actions are unknown."
        )
    if evidence.applied_steps < total:
        cause = f": {evidence.fault}" if evidence.fault else ""
        return f"Only {evidence.applied_steps} of {total} actions could be applied{cause}."
    if evidence.altered_steps:
        why = f" {evidence.diagnosis.sentence}" if evidence.diagnosis is not None else ""
        return (
            f"The robot changed {evidence.altered_steps} of {total} actions before applying them."
            f"{why}"
        )
    return ""


def _predicate_fault(label: Outcome, controls: Controls) -> str:
    if controls.null_actions_solved:
        return (
            "Standing still from the same start counts as solved: the robot was free already, "
            "or the goal test is wrong. Either way this proves nothing."
        )
    if label is Outcome.SUCCESS and controls.recorded_states_solved is False:
        return "Marked as success, but the recorded states themselves do not meet the goal test."
    if label is Outcome.FAILURE and controls.recorded_states_solved:
        return "Marked as failure, but the recorded states meet the goal test."
    return ""


def _label_fault(evidence: Evidence, loop: OpenLoop, step: OneStep | None) -> str:
    """A sentence when actions do not belong to their states; empty: nothing speaks for it."""
    found = evidence.diagnosis
    if found is not None and found.fault in PROVED_ELSEWHERE:
        return f"{found.sentence} {found.advice}"
    # A replay that is exact throughout has proved every action; one-step failures then come from a
    # robot whose restore() is incomplete, not from the labels.
    if step is None or loop.exact:
        return ""
    # With the recorded versions a right action gives exactly the recorded state, so one that does
    # not is wrong; others solve contacts a little differently now and then.
    allowed = 0.0 if step.tolerance == 0.0 else ONE_STEP_FRACTION * step.checked
    if step.failed <= allowed:
        return ""
    proof = (
        f"{step.failed} of {step.checked} recorded actions do not lead to the next recorded state "
        f"({off_by(step)})."
    )
    return f"{found.sentence} {proof} {found.advice}" if found is not None else proof


def off_by(step: OneStep) -> str:
    """How far the recorded actions lead from the recorded states at most."""
    what = f"{step.worst} " if step.worst else ""
    return f"{what}off by up to {quantity(step.max_deviation, step.unit)}"


def _result(evidence: Evidence, loop: OpenLoop, controls: Controls) -> tuple[Kind, str]:
    steps = evidence.recorded_steps
    if loop.solved != _expected(evidence.label, loop, controls):
        found = "solves the task" if loop.solved else "does not solve the task"
        unlike = (
            "unlike the recording"
            if controls.recorded_states_solved is not None
            else f"though it counts as {evidence.label}"
        )
        return Kind.DIVERGED, f"The replay {found}, {unlike}; {_where(evidence, loop)}."
    how = _how(evidence, loop)
    if not loop.solved:
        return Kind.UNVERIFIABLE, (
            f"Marked as failure, and the replay of {steps} actions does not solve the task either; "
            f"{how}. There is no solution to prove."
            if evidence.label is Outcome.FAILURE
            else f"Nobody marked an outcome, and {_neither(controls)} the task; {how}."
        )
    if thin := _fragile(evidence):
        return Kind.FRAGILE, thin
    kind = Kind.EXACT if loop.exact else Kind.SEMANTIC
    return kind, f"Replaying {steps} actions from the same start solves the task; {how}."


def _expected(label: Outcome, loop: OpenLoop, controls: Controls) -> bool:
    """Whether the replay has to solve the task: as the recorded states do, else as somebody said.

    With neither of them there is nothing that it could contradict.
    """
    if controls.recorded_states_solved is not None:
        return controls.recorded_states_solved
    return loop.solved if label is Outcome.UNLABELLED else label is Outcome.SUCCESS


def _neither(controls: Controls) -> str:
    if controls.recorded_states_solved is None:
        return "the replay does not solve"
    return "neither recording nor replay solves"


def _how(evidence: Evidence, loop: OpenLoop) -> str:
    if loop.exact:
        return "every state is bit for bit the recorded one"
    if loop.first_divergent_step < 0:
        return "no states were recorded to compare with"
    return f"states deviate by {loop.max_deviation:.3g} from step {loop.first_divergent_step}"


def _where(evidence: Evidence, loop: OpenLoop) -> str:
    if loop.first_divergent_step < 0:
        return "no states were recorded that would say where it leaves them"
    text = (
        f"it leaves the recorded states at step {loop.first_divergent_step} of "
        f"{evidence.recorded_steps} (deviation up to {loop.max_deviation:.3g})"
    )
    apart = evidence.divergence
    if apart is None:
        return text
    return f"{text}; at step {apart.step} {apart.part} is {apart.off_by:.3g} {apart.unit} off"


def _fragile(evidence: Evidence) -> str:
    """Why a replay that solves the task is not to be relied on; empty: it may be."""
    repeats = evidence.repeats
    if repeats is not None and repeats.solved < repeats.runs:
        return (
            f"The replay solves the task, but only {repeats.solved} of {repeats.runs} repeats do."
        )
    for margin in evidence.margins:
        if margin.bears == 0.0 < margin.fails_at:
            return (
                f"The replay solves the task, but {_UNDER[margin.disturbance]} "
                f"{margin.fails_at:.3g} {margin.unit} is too much for it."
            )
    return ""
