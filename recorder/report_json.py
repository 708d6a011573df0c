"""A report as JSON: everything there is, under keys that stay.

Pure. `verdicts` are what lies in each verdict.json; `episodes` stand beside them in the same order.
A key is never renamed and never changes its meaning under the same `format`; more may come.
"""

from __future__ import annotations

from typing import Final

import msgspec

from recorder.baseline import Comparison
from recorder.verdict import Verdict
from recorder.verdict_report import (
    Invocation,
    Rate,
    Report,
    exit_code,
    rate_of,
    rate_sentence,
    rates,
)
from transport.messages import Outcome, Wire

REPORT_FORMAT: Final = 1


class EpisodeFacts(Wire, frozen=True):
    """What stands beside a verdict."""

    episode: str
    path: str
    task: str
    robot_type: str
    site: str
    operator: str
    outcome: Outcome
    lint_findings: int  # -1: not linted


class JsonReport(Wire, frozen=True):
    """The document."""

    format: int
    exit_code: int
    sentence: str
    overall: Rate
    rates: tuple[Rate, ...]  # one for each task
    verdicts: tuple[Verdict, ...]
    episodes: tuple[EpisodeFacts, ...]
    unreadable: tuple[str, ...]  # a sentence each
    unreadable_paths: tuple[str, ...]
    comparison: Comparison | None  # None: there was no baseline
    invocation: Invocation


def report_json(report: Report) -> bytes:
    """The report as one line of JSON, with a newline at its end."""
    overall = rate_of(report.entries)
    return (
        msgspec.json.encode(
            JsonReport(
                format=REPORT_FORMAT,
                exit_code=exit_code(report),
                sentence=rate_sentence(overall, len(report.unreadable)),
                overall=overall,
                rates=rates(report.entries),
                verdicts=tuple(entry.verdict for entry in report.entries),
                episodes=tuple(
                    EpisodeFacts(
                        episode=entry.verdict.episode,
                        path=entry.path,
                        task=entry.task,
                        robot_type=entry.robot_type,
                        site=entry.site,
                        operator=entry.operator,
                        outcome=entry.outcome,
                        lint_findings=entry.findings,
                    )
                    for entry in report.entries
                ),
                unreadable=tuple(one.sentence for one in report.unreadable),
                unreadable_paths=tuple(one.path for one in report.unreadable),
                comparison=report.comparison,
                invocation=report.invocation,
            )
        )
        + b"\n"
    )
