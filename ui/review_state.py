"""The words of the review: rows of the list, the sentence on top, numbers, where it came from.

Pure: no Qt, no time, no files. Each word is tested as text in `tests/unit/test_ui_review.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from recorder.episode import Manifest
from recorder.labels import Labels
from recorder.listing import NOT_REPLAYED, OUT_OF_DATE, Listed, Wanted
from recorder.verdict import DIVERGED_BEYOND, PASSING, Diagnosis, Fault, Kind, Verdict
from recorder.verdict_report import UNJUDGED, wilson
from transport.messages import Outcome
from ui import words
from ui.review_levels import limit
from ui.screen import Chip, Look

PAGE: Final = 200  # episodes that the list asks for at once
ANY: Final = ""  # of a filter
VERDICTS: Final = (ANY, *(kind.value for kind in Kind), NOT_REPLAYED, OUT_OF_DATE)
OUTCOMES: Final = (ANY, *(outcome.value for outcome in Outcome))
LIMIT: Final = DIVERGED_BEYOND["m"]  # of a deviation, m
DAYS: Final = (ANY, "1", "7")
FILTERS: Final = {
    "days": "Recorded",
    "robot": "Robot",
    "task": "Task",
    "outcome": "Outcome",
    "verdict": "Verdict",
    "operator": "Operator",
}
_CHOICES: Final = {
    ("verdict", NOT_REPLAYED): "not replayed",
    ("verdict", OUT_OF_DATE): "out of date",
    ("days", "1"): "Today",
    ("days", "7"): "7 days",
}
_STANDS: Final = {
    "call": "waits for the operator",
    "hold": "on hold",
    "yours": "driven, no motion",
    "policy": "by itself, no motion",
    "stop": "stopped",
}
_JUDGED: Final = frozenset(kind.value for kind in Kind) - {kind.value for kind in UNJUDGED}
_OUTCOME_ICONS: Final = {Outcome.SUCCESS.value: "tick", Outcome.FAILURE.value: "cross"}
_AXES: Final = {
    "forward_mps": ("Forward", "m/s", 1.0),
    "left_mps": ("Left", "m/s", 1.0),
    "up_mps": ("Up", "m/s", 1.0),
    "turn_radps": ("Turn", "°/s", 180.0 / math.pi),
    "grip_ps": ("Grip", "/s", 1.0),
}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; empty: not by this."""

    text: str = ""
    verdict: str = ANY
    outcome: str = ANY
    robot: str = ANY
    task: str = ANY
    operator: str = ANY
    days: str = ANY  # how many, today included

    def wanted(self, skip: int, limit: int = PAGE, today: datetime | None = None) -> Wanted:
        """The same for the catalogue: one page of it. `today` is its first moment here."""
        since = None
        if self.days and today is not None:
            since = today - timedelta(days=int(self.days) - 1)
        return Wanted(
            words=self.text,
            verdict=self.verdict or None,
            outcome=Outcome(self.outcome) if self.outcome else None,
            robot=self.robot or None,
            same_task=self.task or None,
            operator=self.operator or None,
            since=since,
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
class Axis:
    """How one axis of the action is named and scaled."""

    title: str
    unit: str
    factor: float


def choice(field: str, value: str) -> str:
    """What the chip of a filter says: Today, EXACT, Verdict: any."""
    if value:
        return _CHOICES.get((field, value), value)
    return f"{FILTERS[field]}: any"


def rate_lines(verdicts: Mapping[str, int]) -> tuple[str, str]:
    """33 of 36 verified, 78 to 97 % (95 %), 2 not judged: never a rate without n."""
    judged = {name: n for name, n in verdicts.items() if name in _JUDGED}
    total, passed = sum(judged.values()), sum(judged.get(kind, 0) for kind in PASSING)
    unknown = sum(verdicts.values()) - total
    if not total:
        return "None verified", f"{unknown:,} not judged" if unknown else "no episodes"
    low, high = wilson(passed, total)
    interval = f"{100 * low:.0f}\N{EN DASH}{100 * high:.0f} % (95 %)"
    rest = f", {unknown:,} not judged" if unknown else ""
    return f"{passed:,} of {total:,} verified", f"{interval}{rest}"


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


def labels_fail(verdict: Verdict | None) -> bool:
    """Whether single steps do not lead where they led when it was recorded."""
    step = verdict.evidence.one_step if verdict is not None else None
    return step is not None and step.failed > 0


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


def trim_reason(control: str) -> str:
    """Why nothing moves, by the kind of the control lane at that moment."""
    return _STANDS.get(control, "nothing moves")


def trim_button(cut: int, of: int, seconds: float) -> str:
    """What cutting the chosen proposals does."""
    if not cut:
        return "Nothing to cut chosen" if of else ""
    return f"Cut {seconds:.1f} s and prove it"


def trimmed(made: str, rejected: bool, verdict: str, seconds: float) -> str:
    """What became of a cut."""
    if rejected:
        return f"Not kept: without these {seconds:.1f} s its replay fails ({verdict})."
    proved = verdict or "not judged"
    return f"Episode {words.episode(made)} is {seconds:.1f} s shorter: {proved}."


def repair_button(fault: Diagnosis) -> str:
    """The one repair that is proposed."""
    about = " and ".join(axis(name).title.lower() for name in fault.axes)
    if fault.fault is Fault.SHIFTED:
        return f"Shift actions by {words.signed(-fault.rows, 0)} and validate again"
    if fault.fault is Fault.SWAPPED:
        return f"Swap {about} and validate again"
    if fault.fault is Fault.SIGN:
        return f"Reverse {about} and validate again"
    return f"Divide {about} by {fault.factor:.4g} and validate"


def repaired(made: str, verdict: str) -> str:
    """What became of a repair."""
    if not made:
        return f"Not kept: repaired like this it does not pass ({verdict or 'not judged'})."
    return f"Episode {words.episode(made)} is the repaired one: {verdict}."


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
        last = manifest.parents[-1]
        how = "Trimmed from" if last.operation == "trim" else "Repaired from"
        rows.append((how, words.episode(last.episode)))
    return tuple(rows)
