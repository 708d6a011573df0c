"""The words of the review: rows of the list, the sentence on top, levels, where it came from.

Pure: no Qt, no time, no files. Each word is tested as text in `tests/unit/test_ui_review.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recorder.catalogue import NOT_REPLAYED, OUT_OF_DATE, Listed, Wanted
from recorder.episode import Manifest
from recorder.finding import Finding, Rule
from recorder.labels import Labels
from recorder.verdict import DIVERGED_BEYOND, Evidence, Kind, Margin, Verdict
from transport.messages import Outcome
from ui import words
from ui.screen import Chip, Look

PAGE: Final = 200  # episodes that the list asks for at once
ANY: Final = ""  # of a filter
VERDICTS: Final = (ANY, *(kind.value for kind in Kind), NOT_REPLAYED, OUT_OF_DATE)
OUTCOMES: Final = (ANY, *(outcome.value for outcome in Outcome))
LIMIT: Final = DIVERGED_BEYOND["m"]  # of a deviation, m
_VERDICT_WORDS: Final = {ANY: "any", NOT_REPLAYED: "not replayed", OUT_OF_DATE: "out of date"}
_OUTCOME_ICONS: Final = {Outcome.SUCCESS.value: "tick", Outcome.FAILURE.value: "cross"}
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
_AXES: Final = {
    "forward_mps": ("Forward", "m/s", 1.0),
    "left_mps": ("Left", "m/s", 1.0),
    "up_mps": ("Up", "m/s", 1.0),
    "turn_radps": ("Turn", "°/s", 180.0 / math.pi),
    "grip_ps": ("Grip", "/s", 1.0),
}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to."""

    text: str = ""
    verdict: str = ANY
    outcome: str = ANY

    def wanted(self, skip: int, limit: int = PAGE) -> Wanted:
        """The same for the catalogue: one page of it."""
        return Wanted(
            words=self.text,
            verdict=self.verdict or None,
            outcome=Outcome(self.outcome) if self.outcome else None,
            skip=skip,
            limit=limit,
        )


@dataclass(frozen=True)
class EpisodeRow:
    """One line of the list."""

    name: str  # the end of its id
    title: str
    detail: str
    outcome: Chip
    verdict: Chip
    spoken: str  # the whole of it, for a screen reader


@dataclass(frozen=True)
class Headline:
    """What the replay found, in plain words."""

    chip: Chip
    title: str
    detail: str


@dataclass(frozen=True)
class Level:
    """One line of what was looked at."""

    icon: str
    look: Look
    title: str
    detail: str


@dataclass(frozen=True)
class Axis:
    """How one axis of the action is named and scaled."""

    title: str
    unit: str
    factor: float


def verdict_choice(name: str) -> str:
    """How a verdict is called in the filter."""
    return f"Verdict: {_VERDICT_WORDS.get(name, name)}"


def outcome_choice(name: str) -> str:
    """How an outcome is called in the filter."""
    return f"Outcome: {name or 'any'}"


def count(shown: Filters, found: int, unreadable: int) -> str:
    """Beside the heading of the list."""
    text = f"{found:,}" if shown == Filters() else f"{found:,} found"
    return f"{text}, {unreadable} unreadable" if unreadable else text


def verdict_chip(verdict: str | None, doubt: str) -> Chip:
    """Of a verdict that may be missing, or of the episode as it was before."""
    if verdict is None:
        return Chip("dashed", "NOT REPLAYED", look=Look.DIM)
    if doubt:
        return Chip("clock", "OUT OF DATE", doubt, Look.LIMITED)
    return words.verdict(verdict)


def outcome_chip(outcome: str, reason: str, discarded: bool) -> Chip:
    """Shape and word of what the operator says."""
    text = f"{outcome}: {reason}" if reason else outcome
    if discarded:
        return Chip("cross", f"discarded, {text}", look=Look.DIM)
    return Chip(_OUTCOME_ICONS.get(outcome, "dashed"), text)


def row_of(one: Listed, now: datetime) -> EpisodeRow:
    """The line of one episode; `now` is the local time with its zone."""
    name, task = words.episode(one.episode), one.task or "no task"
    recorded = _local(one.recorded, now)
    parts = (one.robot, one.operator or "nobody", words.minutes(one.seconds), recorded)
    outcome = outcome_chip(one.outcome, one.reason, one.discarded)
    verdict = verdict_chip(one.verdict, one.doubt)
    detail = " · ".join(part for part in parts if part)
    spoken = f"{name}, {task}, {detail}, {outcome.word}, {verdict.word}"
    return EpisodeRow(name, task, detail, outcome, verdict, spoken)


def _local(recorded: str, now: datetime) -> str:
    """14:28 today, else 3 Mar 14:28, with the year when it is another."""
    try:
        moment = datetime.fromisoformat(recorded).astimezone(now.tzinfo)
    except ValueError:
        return recorded[:16].replace("T", " ")
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    day = f"{moment.day} {moment:%b}"
    return f"{day} {moment:%H:%M}" if moment.year == now.year else f"{day} {moment.year}"


def headline(verdict: Verdict | None, doubt: str) -> Headline:
    """The sentence above the pictures."""
    if verdict is None:
        return Headline(
            verdict_chip(None, ""),
            "This episode was not replayed yet.",
            "Replay it (R): until then nothing is known about its actions.",
        )
    if doubt:
        what = doubt.partition("; ")[0]
        return Headline(
            verdict_chip(verdict.verdict, doubt),
            f"{what}.",
            f"R replays it again. It said {verdict.verdict}: {verdict.sentence}",
        )
    title, detail = first_sentence(verdict.sentence)
    return Headline(verdict_chip(verdict.verdict, ""), title, detail)


def first_sentence(text: str) -> tuple[str, str]:
    """A text after its first sentence or half-sentence, so that the first is read at a glance."""
    parts = re.split(r"(?<=[.!?]) (?=[A-Z0-9])", text, maxsplit=1)
    if len(parts) == 1 and len(text) > 90 and "; " in text:
        first, rest = text.split("; ", 1)
        return f"{first}.", f"{rest[:1].upper()}{rest[1:]}"
    return parts[0], parts[1] if len(parts) > 1 else ""


def sentence(text: str) -> str:
    """What an error says, as a sentence."""
    text = text.strip()
    if not text:
        return ""
    return f"{text[0].upper()}{text[1:]}" + ("" if text[-1] in ".!?" else ".")


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
    why = fault.sentence if fault is not None else f"off by up to {step.max_deviation:.3g}"
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
    thin = [margin for margin in evidence.margins if margin.bears == 0.0]
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


def difference(verdict: Verdict | None) -> str:
    """The plate on the replayed picture; empty: nothing differs as far as is known."""
    apart = verdict.evidence.divergence if verdict is not None else None
    if apart is None:
        return ""
    return f"first beyond {limit(apart.tolerance, apart.unit)} at step {apart.step:,}: {apart.part}"


def deviation(value: float | None, *, angles: bool = False) -> str:
    """18.6 mm, 4.46 m; with `angles` it is the largest of both kinds, which share no unit."""
    if value is None:
        return ""
    if value < 1.0:
        return f"{value * 1e3:.1f} mm{' or mrad' if angles else ''}"
    return f"{value:.2f} m{' or rad' if angles else ''}"


def first_difference(verdict: Verdict | None, failing: Sequence[tuple[int, int]]) -> int:
    """The step that somebody who looks for the fault wants to see; -1: there is none."""
    if verdict is None:
        return -1
    if failing:
        return failing[0][0]
    evidence = verdict.evidence
    if evidence.divergence is not None:
        return evidence.divergence.step
    loop = evidence.open_loop
    return loop.first_divergent_step if loop is not None else -1


def axis(name: str) -> Axis:
    """How an action's name is shown."""
    if name in _AXES:
        return Axis(*_AXES[name])
    return Axis(words.camera(name), "", 1.0)


def axis_value(value: float, shown: Axis) -> str:
    """0.28 m/s, 14 °/s: with its unit and always as many decimals."""
    return f"{words.signed(value * shown.factor, 0 if shown.unit == '°/s' else 2)} {shown.unit}"


def position(at_s: float, length_s: float) -> tuple[str, str]:
    """26.24 s, of 40.0 s"""
    return f"{at_s:.2f} s", f"of {length_s:.1f} s"


def failing_blocks(
    failing: Sequence[tuple[int, int]], gap: int, least: int = 1
) -> tuple[tuple[int, int, int], ...]:
    """(first, last, how many are wrong) of blocks of wrong steps; runs less than `gap` steps
    apart are one block, so that what fails now and then is seen."""
    blocks: list[tuple[int, int, int]] = []
    for first, last in failing:
        wrong = last - first + 1
        if blocks and first - blocks[-1][1] <= gap:
            begin, _, before = blocks[-1]
            blocks[-1] = (begin, last, before + wrong)
        else:
            blocks.append((first, last, wrong))
    return tuple(block for block in blocks if block[2] >= least)


def labels_said(labels: Labels) -> str:
    """What counts now, beside the heading."""
    return outcome_chip(labels.outcome.value, "", labels.discarded).word


def trim_line(first_s: float, last_s: float) -> str:
    """6.8 to 11.6 s"""
    return f"{first_s:.1f}\N{EN DASH}{last_s:.1f} s"


def made_by(manifest: Manifest, verdict: Verdict | None) -> tuple[tuple[str, str], ...]:
    """Where the episode came from."""
    description, code = manifest.description, manifest.code
    clean = ", changed" if code.dirty else ", clean" if code.commit else ""
    rows = [("Code", f"{code.version}{clean}"), ("Scene", description.scenario)]
    engine = description.versions.get("mujoco", "")
    if engine:
        same = ""
        if verdict is not None and "mujoco" in verdict.versions_replayed:
            here = verdict.versions_replayed["mujoco"]
            same = ", the same" if here == engine else f", replayed by {here}"
        rows.append(("Simulator", f"{engine}{same}"))
    start = manifest.start
    if start is not None:
        size = f"complete, {start.state_bytes / 1e3:.1f} kB" if start.state_bytes else "no state"
        rows.append(("Start state", size))
    rows.append(("Policy", description.policy or "none"))
    rows.append(("Robot", f"{description.robot} · {description.site}"))
    if manifest.parents:
        rows.append(("Trimmed from", words.episode(manifest.parents[-1].episode)))
    return tuple(rows)
