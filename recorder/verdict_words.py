"""What every report says about a verdict, in the same words: what it means, what to try, figures.

Pure. Tables by verdict and by fault, and short texts from the evidence; no markup.
"""

from __future__ import annotations

from typing import Final

from recorder.verdict import (
    Disturbance,
    Divergence,
    Evidence,
    Fault,
    Kind,
    Margin,
    Repeats,
    Verdict,
)
from transport.messages import Outcome

MEANING: Final = {
    Kind.EXACT: "The replay solves the task, every state bit for bit the recorded one.",
    Kind.SEMANTIC: "The replay solves the task, along other states than the recorded ones.",
    Kind.FRAGILE: "The replay solves the task, but not each time, or bears hardly any disturbance.",
    Kind.LABEL_FAULT: "Recorded actions do not lead from their states to the next ones.",
    Kind.DIVERGED: "The replay ends otherwise than the operator and the recording say.",
    Kind.PREDICATE_FAULT: "The goal test is wrong: idling passes it, or the recording fails it.",
    Kind.UNVERIFIABLE: "Nothing can be proved: no start, no robot, another scene, or no claim.",
    Kind.NOT_APPLIED: "Not every recorded action reached the robot, so the result means nothing.",
}

# For a line of which there are many; what does not pass has its own sentence.
BRIEF: Final = {
    Kind.EXACT: "Solves the task, bit for bit.",
    Kind.SEMANTIC: "Solves it along other states.",
}

TRY: Final = {
    Kind.EXACT: "",
    Kind.SEMANTIC: "",
    Kind.FRAGILE: "Look at repeats and margins; record it again with more room, or leave it out.",
    Kind.LABEL_FAULT: "Leave it out of training until the cause is found.",
    Kind.DIVERGED: "Look at the first divergent step; compare scene, controller and versions with "
    "the recorded ones.",
    Kind.PREDICATE_FAULT: "Look at the end of the episode: correct its label, or the task's goal "
    "test.",
    Kind.UNVERIFIABLE: "Give the robot and the scene it was recorded with.",
    Kind.NOT_APPLIED: "Replay it with the robot's recorded limits; if ticks are missing, leave it "
    "out.",
}

UNSEEN: Final = (  # nothing says where it went wrong
    "Compare start, options and versions with what recorded it, then look for rows that are late "
    "or in other units."
)

FAULT: Final = {
    Fault.SHIFTED: "Actions and states are some rows apart.",
    Fault.SCALED: "One axis, or all, is off by a constant factor: a wrong unit or a wrong limit.",
    Fault.SIGN: "An axis is turned round.",
    Fault.SWAPPED: "Two axes stand in each other's column.",
    Fault.CLIPPED: "Actions were cut off at a limit before they were stored.",
    Fault.ROUNDED: "Actions were stored with fewer digits than were applied.",
    Fault.DECIMATED: "Only every n-th action was kept, or it is played at another rate.",
    Fault.MISSING_ROWS: "Rows are missing.",
    Fault.WRONG_START: "The start state is not the one that was recorded.",
    Fault.OTHER_EPISODE: "The actions belong to another demonstration.",
    Fault.STALE_CAMERA: "Pictures and states are some rows apart.",
    Fault.CONTRADICTION: "The columns of the data set do not say the same.",
    Fault.UNEXPLAINED: "None of the known faults explains it.",
}

_DISTURBANCE: Final = {
    Disturbance.START: "start moved by",
    Disturbance.DELAY: "actions late by",
    Disturbance.LOSS: "actions lost",
    Disturbance.NOISE: "noise on actions",
    Disturbance.LINK: "its own link, as late",
}

_THOUSANDTH: Final = {"m": "mm", "s": "ms", "rad": "mrad", "m/s": "mm/s", "rad/s": "mrad/s"}
_LARGEST: Final = 1e6  # beyond it the states cannot be compared; see recorder.replay


def quantity(value: float, unit: str) -> str:
    """A value with its unit, three digits, small ones in thousandths; a share in per cent."""
    if unit == "1":
        return f"{100 * value:.3g} %"
    if abs(value) >= _LARGEST:
        return "beyond comparison"
    small = _THOUSANDTH.get(unit)
    if small and 1e-3 <= abs(value) < 1:
        return f"{1000 * value:.3g} {small}"
    return f"{value:.3g} {unit}".rstrip()


def divergence_text(evidence: Evidence) -> str:
    """Where the replay first leaves the record, by how much, in what; else why that is not said."""
    loop, found = evidence.open_loop, evidence.divergence
    if found is not None:
        return f"step {found.step}, tick {found.tick}: {_off_by(found)}"
    if loop is None:
        return "not replayed"
    if loop.exact:
        return "none"
    if loop.first_divergent_step < 0:
        return "no states to compare with"
    most = quantity(loop.max_deviation, "")
    return f"step {loop.first_divergent_step}, tick {loop.first_divergent_tick}: by up to {most}"


def _off_by(found: Divergence) -> str:
    off, limit = (quantity(value, found.unit) for value in (found.off_by, found.tolerance))
    return f"{found.part} off by {off}, limit {limit}"


def repeats_text(repeats: Repeats | None) -> str:
    """How often the repeated replay solved the task; empty: there were no repeats."""
    if repeats is None:
        return ""
    return f"{repeats.solved} of {repeats.runs} solved, " + (
        "all alike" if repeats.alike else "not alike"
    )


def margin_name(margin: Margin) -> str:
    """What it was tried under."""
    return _DISTURBANCE[margin.disturbance]


def margin_text(margin: Margin) -> str:
    """What it bears and where it fails."""
    name = margin_name(margin)
    bears = quantity(margin.bears, margin.unit)
    if not margin.fails_at:
        return f"{name} {bears}: borne, more was not tried"
    return f"{name} {bears}: borne, fails at {quantity(margin.fails_at, margin.unit)}"


def margin_brief(margin: Margin) -> str:
    """What it bears, in a word or two: "delay 83 ms"; a plus: more was not tried."""
    bears = quantity(margin.bears, margin.unit)
    return f"{margin.disturbance} {bears}" + ("" if margin.fails_at else " +")


def prefix_text(evidence: Evidence) -> str:
    """How many of the actions it takes; empty: not looked for."""
    if evidence.shortest_prefix < 0:
        return ""
    return f"solved after {evidence.shortest_prefix} of {evidence.recorded_steps} actions"


def proof_text(verdict: Verdict) -> str:
    """The verdict's sentence without cause and advice, where those stand beside it."""
    diagnosis, text = verdict.evidence.diagnosis, verdict.sentence
    for said in (diagnosis.sentence, diagnosis.advice) if diagnosis else ():
        text = text.replace(said, "")
    return " ".join(text.split()) if diagnosis else text


def cause_text(verdict: Verdict) -> str:
    """What is probably wrong; empty: nothing is, or nobody looked."""
    diagnosis = verdict.evidence.diagnosis
    return diagnosis.sentence if diagnosis else ""


def advice_text(verdict: Verdict) -> str:
    """What to try; empty: nothing needs to be done."""
    evidence = verdict.evidence
    if evidence.diagnosis is not None:
        return evidence.diagnosis.advice
    controls = evidence.controls
    if verdict.verdict is Kind.DIVERGED and controls and controls.recorded_states_solved is None:
        return UNSEEN
    if verdict.verdict is Kind.UNVERIFIABLE and evidence.open_loop and not evidence.problem:
        # Replayed, and nothing was solved: an honest failure is in order as it is.
        return "" if evidence.label is Outcome.FAILURE else "Say how it went: label its outcome."
    return TRY[verdict.verdict]
