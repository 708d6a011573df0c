"""Reports for tests: an episode of every verdict, from the real structs as a replay leaves them."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import replace
from typing import Any

import msgspec

from recorder.baseline import BaselineLine, compare, lines_of
from recorder.episode import episode_id
from recorder.verdict import (
    PASSING,
    VERDICT_FORMAT,
    Controls,
    Diagnosis,
    Disturbance,
    Divergence,
    Evidence,
    Fault,
    Kind,
    Margin,
    OneStep,
    OpenLoop,
    Repeats,
    Verdict,
)
from recorder.verdict_report import Invocation, Report, ReportEntry, StepPictures, Unreadable
from transport.messages import Outcome

STEPS = 412
VERSIONS = {"unstick": "0.1.0", "python": "3.11.7", "mujoco": "4.0.0"}
RUN = Invocation(versions=VERSIONS, started_wall="2026-05-04T09:12:31.250+00:00", seconds=8.25)


def name(number: int) -> str:
    """The id of episode `number`."""
    return episode_id(1_777_900_000_000 + 90_000 * number, bytes([number] * 10))


def verdict(kind: Kind, number: int = 0, **changes: Any) -> Verdict:
    """A verdict of `kind` with the evidence that leads to one; `changes` are of the evidence."""
    return Verdict(
        format=VERDICT_FORMAT,
        episode=name(number),
        verdict=kind,
        passed=kind in PASSING,
        sentence=_SENTENCES[kind],
        evidence=msgspec.structs.replace(_EVIDENCE[kind], **changes),
        replays=7,
        steps=9 * STEPS,
        wall_s=0.41,
        replayed_wall="2026-05-04T09:12:32.000+00:00",
        manifest_sha256="ab" * 32,
        versions_recorded=VERSIONS,
        versions_replayed=VERSIONS,
    )


def entry(kind: Kind, number: int = 0, **changes: Any) -> ReportEntry:
    """The entry of such a verdict; `changes` are of the entry."""
    found = changes.pop("verdict", None) or verdict(kind, number)
    facts: dict[str, Any] = {
        "verdict": found,
        "path": f"episodes/{found.episode}",
        "task": "Reach open floor",
        "robot_type": "sim-rover",
        "site": "Home 3",
        "operator": "lovelace",
        "outcome": found.evidence.label,
    }
    return ReportEntry(**{**facts, **changes})


def report(*entries: ReportEntry, **changes: Any) -> Report:
    """A run over `entries`."""
    facts: dict[str, Any] = {"entries": entries, "unreadable": (), "invocation": RUN}
    return Report(**{**facts, **changes})


def a_whole_run() -> Report:
    """40 episodes of two tasks: most pass, one of each other verdict, one that is unreadable."""
    push = {"task": "Push the cube to the mark", "robot_type": "sim-arm", "site": "Bench"}
    exact = [entry(Kind.EXACT, n) for n in range(20)]
    exact += [entry(Kind.EXACT, n, **push) for n in range(20, 30)]
    pictures = StepPictures("front", 212, png(96, 72, (80, 96, 120)), png(96, 72, (120, 96, 80)))
    others = [
        entry(Kind.SEMANTIC, 30),
        entry(Kind.SEMANTIC, 31, **push),
        entry(Kind.FRAGILE, 32, **push),
        entry(Kind.LABEL_FAULT, 33, findings=2),
        entry(Kind.DIVERGED, 34, pictures=pictures, **push),
        entry(Kind.PREDICATE_FAULT, 35),
        entry(Kind.UNVERIFIABLE, 36, operator=""),
        entry(Kind.UNVERIFIABLE, 37, verdict=an_honest_failure(37)),
        entry(Kind.NOT_APPLIED, 38),
    ]
    damaged = Unreadable(
        path="episodes/01KQVDMA",
        sentence="File is not the one that was sealed: episodes/01KQVDMA/log.mcap. "
        "Restore it from a copy.",
    )
    return report(*exact, *others, unreadable=(damaged,))


def an_honest_failure(number: int = 0) -> Verdict:
    """Marked as failure, and recording and replay agree."""
    loop = msgspec.structs.replace(_LOOP, solved=False)
    controls = Controls(null_actions_solved=False, recorded_states_solved=False)
    found = verdict(
        Kind.UNVERIFIABLE,
        number,
        problem="",
        label=Outcome.FAILURE,
        open_loop=loop,
        controls=controls,
    )
    sentence = "Marked as failure, and the replay of 412 actions does not solve the task either."
    return msgspec.structs.replace(found, sentence=sentence)


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG of one colour with a darker floor."""
    dark = bytes(channel // 2 for channel in colour)
    rows = b"".join(
        b"\0" + (bytes(colour) if row < height * 2 // 3 else dark) * width for row in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def curve(first: int, most: float, start: float = 1e-13) -> tuple[float, ...]:
    """Nothing, then rounding, then from step `first` on the way to `most`, as contacts do it."""
    points = 206
    at = points * first // STEPS
    found = [0.0] * (at // 4)
    while len(found) < at:
        found.append(start * (1 + 0.8 * math.sin(len(found) / 5)))
    while len(found) < points:
        share = (len(found) - at + 1) / (points - at)
        found.append(most * share**1.4 * (1 + 0.15 * math.sin(len(found) / 4)))
    return tuple(found)


def bears(
    start_m: tuple[float, float] = (0.011, 0.013),
    delay_s: tuple[float, float] = (0.083, 0.1),
    loss: tuple[float, float] = (0.2, 0.24),
    noise: tuple[float, float] = (0.3, 0.0),
    link: tuple[float, float] = (6.0, 6.25),
) -> tuple[Margin, ...]:
    """What was borne and where it failed, of each disturbance."""
    rows = (
        (Disturbance.START, "m", start_m),
        (Disturbance.DELAY, "s", delay_s),
        (Disturbance.LOSS, "1", loss),
        (Disturbance.NOISE, "1", noise),
        (Disturbance.LINK, "x", link),
    )
    return tuple(
        Margin(disturbance=kind, unit=unit, bears=borne, fails_at=fails, replays=8)
        for kind, unit, (borne, fails) in rows
    )


_LOOP = OpenLoop(
    solved=True, exact=True, max_deviation=0.0, first_divergent_step=-1, first_divergent_tick=-1
)
_LEFT = msgspec.structs.replace(
    _LOOP,
    exact=False,
    max_deviation=0.034,
    first_divergent_step=212,
    first_divergent_tick=3412,
)
_RIGHT = OneStep(checked=412, failed=0, max_deviation=0.0, tolerance=1e-9, shift=0)
_PROVED = Evidence(
    label=Outcome.SUCCESS,
    recorded_steps=STEPS,
    applied_steps=STEPS,
    open_loop=_LOOP,
    one_step=_RIGHT,
    controls=Controls(null_actions_solved=False, recorded_states_solved=True),
    repeats=Repeats(runs=5, solved=5, alike=True),
    margins=bears(),
    shortest_prefix=371,
)
_CUBE = Divergence(step=212, tick=3412, part="cube x", off_by=0.0013, tolerance=1e-3, unit="m")

_EVIDENCE = {
    Kind.EXACT: _PROVED,
    Kind.SEMANTIC: msgspec.structs.replace(
        _PROVED, open_loop=_LEFT, curve=curve(212, 2e-4), same_versions=False
    ),
    Kind.FRAGILE: msgspec.structs.replace(
        _PROVED,
        open_loop=_LEFT,
        divergence=_CUBE,
        curve=curve(212, 0.009),
        repeats=Repeats(runs=5, solved=3, alike=False),
        margins=bears(start_m=(0.001, 0.002), delay_s=(0.0, 0.017), link=(0.0, 0.25)),
    ),
    Kind.LABEL_FAULT: msgspec.structs.replace(
        _PROVED,
        open_loop=msgspec.structs.replace(_LEFT, first_divergent_step=1, first_divergent_tick=3201),
        one_step=OneStep(checked=412, failed=379, max_deviation=0.021, tolerance=1e-9, shift=1),
        divergence=Divergence(
            step=1, tick=3201, part="rover heading", off_by=0.0121, tolerance=0.0087, unit="rad"
        ),
        curve=curve(1, 0.21),
        diagnosis=Diagnosis(
            fault=Fault.SHIFTED,
            sentence="Actions stand one row late.",
            advice="Shift the column action by -1 and validate again.",
            explains=0.997,
            rows=1,
        ),
        repeats=None,
        margins=(),
        shortest_prefix=-1,
    ),
    Kind.DIVERGED: msgspec.structs.replace(
        _PROVED,
        open_loop=msgspec.structs.replace(_LEFT, solved=False, max_deviation=0.31),
        divergence=_CUBE,
        curve=curve(212, 0.31, start=3e-6),
        diagnosis=Diagnosis(
            fault=Fault.WRONG_START,
            sentence="The cube stands elsewhere at the start than in the first recorded picture.",
            advice="Name the start state with --start, or leave the episode out.",
            explains=0.91,
        ),
        repeats=Repeats(runs=5, solved=0, alike=True),
        margins=(),
        shortest_prefix=-1,
    ),
    Kind.PREDICATE_FAULT: msgspec.structs.replace(
        _PROVED,
        controls=Controls(null_actions_solved=True, recorded_states_solved=True),
        repeats=None,
        margins=(),
    ),
    Kind.UNVERIFIABLE: Evidence(
        label=Outcome.SUCCESS, problem="The robot's scene is another than the recorded one."
    ),
    Kind.NOT_APPLIED: Evidence(
        label=Outcome.SUCCESS, recorded_steps=STEPS, applied_steps=127, fault="motor 2 is hot"
    ),
}

_SENTENCES = {
    Kind.EXACT: "Replaying 412 actions from the same start solves the task; every state is bit for "
    "bit the recorded one.",
    Kind.SEMANTIC: "Replaying 412 actions from the same start solves the task; states deviate by "
    "0.0002 from step 212.",
    Kind.FRAGILE: "The replay solves the task in 3 of 5 runs only.",
    Kind.LABEL_FAULT: "Actions stand one row late. 379 of 412 recorded actions do not lead to the "
    "next recorded state (off by up to 0.021). Shift the column action by -1 and validate again.",
    Kind.DIVERGED: "The replay does not solve the task, unlike the recording; it leaves the "
    "recorded states at step 212 of 412 (deviation up to 0.31).",
    Kind.PREDICATE_FAULT: "Standing still from the same start counts as solved: the robot was free "
    "already, or the goal test is wrong. Either way this proves nothing.",
    Kind.UNVERIFIABLE: "The robot's scene is another than the recorded one (other SHA-256).",
    Kind.NOT_APPLIED: "Only 127 of 412 actions could be applied: motor 2 is hot.",
}


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "a & b &amp; c",
    "]]></failure><testcase name='x'>",
    "nul \0 and escape \x1b[31m and \x0b",
    "‮gnp.exe",
    "日本語 🤖",
    "line\nbreak\ttab",
)


def hostile_run(text: str) -> Report:
    """Every string that comes from data is `text`: names, sentences, diagnosis, paths, versions."""
    diagnosis = Diagnosis(
        fault=Fault.SWAPPED, sentence=text, advice=text, explains=1.0, axes=(text,), camera=text
    )
    divergence = Divergence(step=1, tick=2, part=text, off_by=1.0, tolerance=0.1, unit=text)
    entries = []
    for number, kind in enumerate(Kind):
        found = verdict(kind, number, diagnosis=diagnosis, divergence=divergence, problem=text)
        found = msgspec.structs.replace(found, sentence=text, episode=f"{text}{number}")
        entries.append(
            entry(
                kind,
                verdict=found,
                path=text,
                task=text,
                robot_type=text,
                site=text,
                operator=text,
                pictures=StepPictures(text, 1, png(2, 2, (0, 0, 0)), b""),
            )
        )
    before = (
        BaselineLine(id=f"{text}0", verdict=Kind.SEMANTIC, label=Outcome.FAILURE, versions=text),
        BaselineLine(id=f"{text}gone", verdict=Kind.EXACT, label=Outcome.SUCCESS, versions=text),
    )
    after = lines_of(one.verdict for one in entries)
    return report(
        *entries,
        unreadable=(Unreadable(path=text, sentence=text),),
        comparison=compare(before, after, text),
        invocation=msgspec.structs.replace(RUN, versions={text: text}),
    )


def against_a_baseline() -> Report:
    """The whole run, of which two got worse, one better, one is new and one gone."""
    run = a_whole_run()
    lines = lines_of(one.verdict for one in run.entries)
    was = {name(34): Kind.EXACT, name(31): Kind.EXACT, name(5): Kind.DIVERGED}
    before = [
        msgspec.structs.replace(one, verdict=was.get(one.id, one.verdict))
        for one in lines
        if one.id != name(33)
    ]
    gone = BaselineLine(id=name(77), verdict=Kind.EXACT, label=Outcome.SUCCESS, versions="0" * 16)
    return replace(run, comparison=compare([*before, gone], lines, "baseline.json"))
