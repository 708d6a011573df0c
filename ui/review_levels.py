"""What a replay and a lint have looked at, level by level, in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recorder.finding import Finding, Rule
from recorder.judge import off_by
from recorder.verdict import Evidence, Margin, Verdict
from transport.messages import Outcome
from ui.screen import Look

_RULES: Final = {
    Rule.IDLE: "idle",
    Rule.LATE_PICTURES: "late pictures",
    Rule.BLACK: "black picture",
    Rule.FROZEN: "frozen picture",
    Rule.MISSED_TICKS: "missed ticks",
    Rule.LOST_TICKS: "lost ticks",
    Rule.CLOCK: "clock jumps",
    Rule.NO_STATE: "states missing",
    Rule.NOT_A_NUMBER: "no number",
    Rule.SATURATED: "action at its limit",
    Rule.CONSTANT: "never changes",
    Rule.LABELS: "labels do not fit",
}


@dataclass(frozen=True)
class Level:
    """One line of what was looked at."""

    icon: str
    look: Look
    title: str
    detail: str


def levels(verdict: Verdict | None, findings: Sequence[Finding] | None) -> tuple[Level, ...]:
    """What was looked at, from the cheapest to the dearest; `findings` is None while linting."""
    found = [_lint(findings)]
    if verdict is None:
        return (*found, Level("dashed", Look.DIM, "Replay: not run", "R replays it"))
    evidence = verdict.evidence
    if evidence.problem:
        return (*found, Level("dashed", Look.DIM, "Replay: not possible", evidence.problem))
    found += [
        _labels(evidence),
        _open_loop(evidence),
        _repeats(evidence),
        _margins(evidence),
        _controls(evidence),
    ]
    if evidence.observations is not None and evidence.observations.failed:
        seen = evidence.observations
        found.insert(
            2,
            Level(
                "fault",
                Look.FAILED,
                f"Measurements: {seen.failed} of {seen.checked} differ",
                f"{seen.worst} by up to {seen.max_deviation:.3g}",
            ),
        )
    return tuple(found)


def _lint(findings: Sequence[Finding] | None) -> Level:
    if findings is None:
        return Level("dashed", Look.DIM, "Lint: looking", "at log and videos")
    if not findings:
        return Level("tick", Look.QUIET, "Lint: no findings", "log, labels and videos")
    rules = dict.fromkeys(_RULES[finding.rule] for finding in findings)
    noun = "finding" if len(findings) == 1 else "findings"
    return Level("triangle", Look.LIMITED, f"Lint: {len(findings)} {noun}", ", ".join(rules))


def _labels(evidence: Evidence) -> Level:
    step, fault = evidence.one_step, evidence.diagnosis
    if step is None or not step.checked:
        return Level("dashed", Look.DIM, "Labels: not checked", "no states were recorded")
    if not step.failed:
        found = f"{step.checked:,} steps fit"
        return Level("tick", Look.QUIET, f"Labels: {found}", "each leads to the next state")
    why = fault.sentence if fault is not None else off_by(step)
    title = f"Labels: {step.failed:,} of {step.checked:,} steps off"
    return Level("fault", Look.FAILED, title, why)


def _open_loop(evidence: Evidence) -> Level:
    loop = evidence.open_loop
    if loop is None:
        return Level("dashed", Look.DIM, "Open loop: not run", evidence.fault)
    if loop.exact:
        how = "every state bit for bit"
    elif evidence.divergence is not None:
        apart = evidence.divergence
        how = f"{apart.part} beyond {limit(apart.tolerance, apart.unit)} from step {apart.step:,}"
    elif loop.first_divergent_step >= 0:
        how = f"states differ from step {loop.first_divergent_step:,}"
    else:
        how = "no states to compare with"
    if loop.solved:
        return Level("tick", Look.QUIET, "Open loop: solved", how)
    return Level("fault", Look.FAILED, "Open loop: not solved", how)


def _repeats(evidence: Evidence) -> Level:
    repeats = evidence.repeats
    if repeats is None:
        return Level("dashed", Look.DIM, "Repeats: not run", "--repeats N runs them")
    same = "all alike, bit for bit" if repeats.alike else "not all alike"
    title = f"Repeats: {repeats.solved} of {repeats.runs} solved"
    if repeats.solved < repeats.runs:
        return Level("triangle", Look.LIMITED, title, same)
    return Level("tick", Look.QUIET, title, same)


def _margins(evidence: Evidence) -> Level:
    if not evidence.margins:
        return Level("dashed", Look.DIM, "Margin: not run", "--margins finds it")
    thin = [margin for margin in evidence.margins if margin.bears == 0.0 < margin.fails_at]
    text = " · ".join(_margin(margin) for margin in evidence.margins)
    if thin:
        names = ", ".join(margin.disturbance.value for margin in thin)
        return Level("triangle", Look.LIMITED, f"Margin: none for {names}", text)
    return Level("tick", Look.QUIET, "Margin: bears all that was tried", text)


def _margin(margin: Margin) -> str:
    if margin.unit == "1":
        return f"{margin.disturbance} {margin.bears:.0%}"
    unit, factor = {"m": ("mm", 1e3), "s": ("ms", 1e3)}.get(margin.unit, (margin.unit, 1.0))
    return f"{margin.disturbance} {margin.bears * factor:.3g} {unit}"


def _controls(evidence: Evidence) -> Level:
    controls = evidence.controls
    if controls is None:
        return Level("dashed", Look.DIM, "Controls: not run", "")
    null = "solved" if controls.null_actions_solved else "not solved"
    states = "solved" if controls.recorded_states_solved else "not solved"
    detail = f"no action: {null}; recorded states: {states}"
    agree = controls.recorded_states_solved or evidence.label is not Outcome.SUCCESS
    if not controls.null_actions_solved and agree:
        return Level("tick", Look.QUIET, "Controls: both behave", detail)
    return Level("fault", Look.FAILED, "Controls: the goal test is doubtful", detail)


def limit(value: float, unit: str) -> str:
    """1 mm, 0.5°"""
    if unit == "m":
        return f"{value * 1e3:.3g} mm"
    if unit == "rad":
        return f"{math.degrees(value):.2g}°"
    return f"{value:.3g} {unit}".strip()
