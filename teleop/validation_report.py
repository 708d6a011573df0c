"""What `unstick validate` tells after a run: the table, the files it was asked for, the exit code.

The running is in `teleop.validation`; what a report is and how each is written is in `recorder`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recorder.baseline import (
    BREAKING,
    BaselineLine,
    Comparison,
    baseline_bytes,
    change_sentence,
    compare,
    comparison_sentence,
    lines_of,
    parse_baseline,
)
from recorder.durable import write_atomically
from recorder.episode import EpisodeError
from recorder.library import Episode
from recorder.lint import lint
from recorder.markup import printable
from recorder.report_html import report_html
from recorder.report_json import report_json
from recorder.report_junit import report_junit
from recorder.report_sarif import report_sarif
from recorder.step_pictures import step_pictures
from recorder.verdict import Kind, Verdict
from recorder.verdict_report import (
    FAILING,
    UNJUDGED,
    Report,
    ReportEntry,
    Unreadable,
    exit_code,
    rate_of,
    rate_sentence,
    rates,
)
from recorder.verdict_words import (
    BRIEF,
    advice_text,
    cause_text,
    prefix_text,
    proof_text,
    repeats_text,
)

_WIDE: Final = 120  # columns; below, the table keeps to what is needed to understand a verdict
_STYLE: Final = {Kind.FRAGILE: "yellow", Kind.UNVERIFIABLE: "dim", Kind.NOT_APPLIED: "dim"}


@dataclass(frozen=True)
class ReportFiles:
    """Where reports go, and what they are compared with; None: not asked for."""

    junit: Path | None = None
    sarif: Path | None = None
    html: Path | None = None
    baseline: Path | None = None
    update_baseline: bool = False

    @property
    def any(self) -> bool:
        """Whether a report is to be written."""
        return bool(self.junit or self.sarif or self.html)


def entry_of(episode: Episode, verdict: Verdict, *, linted: bool, pictured: bool) -> ReportEntry:
    """What a report tells of `episode`: counts what lint finds when `linted`, and shows the first
    divergent step of one that does not pass when `pictured`.

    Raises:
        EpisodeError: its history, log or video cannot be read.
    """
    manifest = episode.manifest
    return ReportEntry(
        verdict=verdict,
        path=printable(str(episode.path)),
        task=episode.labels.task,
        robot_type=manifest.description.robot_type,
        site=manifest.description.site,
        operator=manifest.ending.operator,
        outcome=episode.labels.outcome,
        findings=len(lint(episode)) if linted else -1,
        pictures=step_pictures(episode, verdict) if pictured and not verdict.passed else None,
    )


def unreadable(path: Path, error: Exception) -> Unreadable:
    """What a report tells of an episode that could not be opened, verified or replayed."""
    return Unreadable(path=printable(str(path)), sentence=printable(str(error)))


def baseline_for(files: ReportFiles) -> tuple[BaselineLine, ...] | None:
    """The baseline to compare with, read before anything is replayed; None: none is named.

    Also looks whether the folders of the reports are there: a run may take long.

    Raises:
        EpisodeError: a folder or the baseline is missing, or the baseline cannot be read.
    """
    for path in (files.junit, files.sarif, files.html, files.baseline):
        if path is not None and not path.absolute().parent.is_dir():
            raise EpisodeError("No such folder", path.parent, "Make it, or name another one.")
    if files.baseline is None:
        if files.update_baseline:
            raise EpisodeError("No baseline is named", "--update-baseline", "Add --baseline FILE.")
        return None
    try:
        raw = files.baseline.read_bytes()
    except FileNotFoundError:
        if files.update_baseline:
            return ()
        raise EpisodeError(
            "No such baseline", files.baseline, "Write one with --update-baseline."
        ) from None
    except OSError as error:
        raise EpisodeError(
            f"Baseline cannot be read ({error.strerror})", files.baseline, "Check its permissions."
        ) from error
    return parse_baseline(raw, files.baseline)


def tell(
    report: Report,
    files: ReportFiles,
    baseline: Sequence[BaselineLine] | None,
    *,
    json: bool,
    terminal: Console,
    errors: Console,
    against: str = "",
) -> int:
    """Compare, print, write what was asked for; the exit code.

    `against` names what `baseline` is, when it is no file but another run.

    Raises:
        EpisodeError: a file cannot be written; the others are.
    """
    if baseline is not None:
        lines = lines_of(entry.verdict for entry in report.entries)
        named = printable(against or (files.baseline.name if files.baseline else "the other run"))
        report = replace(
            report,
            comparison=compare(baseline, lines, named),
            accepted=files.update_baseline,
        )
    if json:
        sys.stdout.buffer.write(report_json(report))
        sys.stdout.flush()
    else:
        print_report(terminal, report)
    for one in report.unreadable:
        errors.print(f"unstick: {one.sentence}", markup=False)
    _write(report, files)
    if files.update_baseline:
        _update(report, files)
    return exit_code(report)


def _write(report: Report, files: ReportFiles) -> None:
    version = report.invocation.versions.get("unstick", "0")
    wanted: tuple[tuple[Path | None, Callable[[], bytes]], ...] = (
        (files.junit, lambda: report_junit(report)),
        (files.sarif, lambda: report_sarif(report, version)),
        (files.html, lambda: report_html(report)),
    )
    failed: EpisodeError | None = None
    for path, made in wanted:
        if path is None:
            continue
        try:
            write_atomically(path, made())
        except OSError as error:
            failed = EpisodeError(
                f"Report cannot be written ({error.strerror})", path, "Name another place."
            )
    if failed is not None:
        raise failed


def _update(report: Report, files: ReportFiles) -> None:
    """Write the baseline, unless that would lose episodes whose verdict is not known."""
    if files.baseline is None:
        return
    if report.unreadable:
        raise EpisodeError(
            f"Baseline is left as it was, {len(report.unreadable)} could not be read",
            files.baseline,
            "Restore or remove those, then write it again.",
        )
    lines = lines_of(entry.verdict for entry in report.entries)
    try:
        write_atomically(files.baseline, baseline_bytes(lines))
    except OSError as error:
        raise EpisodeError(
            f"Baseline cannot be written ({error.strerror})", files.baseline, "Name another place."
        ) from error


def print_report(terminal: Console, report: Report) -> None:
    """Table, changes, one line for each failure with what to try, rates."""
    if report.entries:
        terminal.print(_table(report.entries, wide=terminal.width >= _WIDE))
    if report.comparison is not None:
        _print_changes(terminal, report.comparison)
    advised = [entry for entry in report.entries if advice_text(entry.verdict)]
    if advised:
        terminal.print()
    for entry in advised:
        told = " ".join(filter(None, (cause_text(entry.verdict), advice_text(entry.verdict))))
        terminal.print(Text(printable(f"{entry.verdict.episode}: {told}")))
    by_task = rates(report.entries)
    if report.entries:
        terminal.print()
    for rate in by_task if len(by_task) > 1 else ():
        terminal.print(Text(printable(f"{rate.task}: {rate_sentence(rate)}")))
    terminal.print(Text(rate_sentence(rate_of(report.entries), len(report.unreadable))))


def _table(entries: Sequence[ReportEntry], *, wide: bool) -> Table:
    """In 80 columns: which episode, which verdict, why. Figures only where there is room."""
    table = Table(box=None, pad_edge=False)
    for heading in ("Episode", "Verdict", "Why"):
        table.add_column(heading, no_wrap=heading != "Why", overflow="fold")
    for heading in ("Steps", "No action", "States", "Repeats", "Prefix", "Time") if wide else ():
        table.add_column(heading)
    for entry in entries:
        verdict = entry.verdict
        cells = [
            Text(printable(verdict.episode)),
            Text(verdict.verdict, style=_style(verdict.verdict)),
            Text(printable(_why(verdict, wide=wide))),
        ]
        if wide:
            controls = verdict.evidence.controls
            cells += [
                Text(str(verdict.steps)),
                Text(_solved(controls.null_actions_solved) if controls else "-"),
                Text(_solved(controls.recorded_states_solved) if controls else "-"),
                Text(repeats_text(verdict.evidence.repeats) or "-"),
                Text(prefix_text(verdict.evidence) or "-"),
                Text(f"{verdict.wall_s:.1f} s"),
            ]
        table.add_row(*cells)
    return table


def _print_changes(terminal: Console, comparison: Comparison) -> None:
    terminal.print()
    table = Table(box=None, pad_edge=False)
    for heading in ("Change", "Episode", "What changed"):
        table.add_column(heading, no_wrap=heading != "What changed", overflow="fold")
    for one in comparison.changed:
        style = "red" if one.change in BREAKING else ""
        table.add_row(
            Text(one.change, style=style), Text(printable(one.id)), Text(change_sentence(one))
        )
    if comparison.changed:
        terminal.print(table)
    terminal.print(Text(comparison_sentence(comparison)))


def _why(verdict: Verdict, *, wide: bool) -> str:
    """Cause and advice stand below the table. Of many that pass the others are to be seen."""
    sentence = proof_text(verdict) or verdict.sentence
    return sentence if wide else BRIEF.get(verdict.verdict, sentence)


def _style(kind: Kind) -> str:
    return _STYLE.get(kind, "red" if kind in FAILING - UNJUDGED else "")


def _solved(solved: bool | None) -> str:
    if solved is None:
        return "not recorded"
    return "solved" if solved else "not solved"
