"""`unstick episodes lint`: what is worth a look in recorded episodes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from recorder.episode import EpisodeError
from recorder.finding import Finding
from recorder.library import open_episode
from recorder.lint import lint
from teleop.validation import EXIT_FAILED, EXIT_NOT_JUDGED, episodes_at, table_console
from transport.messages import Wire


class Linted(Wire, frozen=True):
    """One episode and what was found in it."""

    episode: str
    path: str
    seconds: float
    findings: tuple[Finding, ...]


def run_lint(paths: Sequence[Path], *, json: bool) -> int:
    """Lint what is at `paths` and print it; 0 nothing found, 1 findings, 2 one is unreadable."""
    linted: list[Linted] = []
    unreadable: list[str] = []
    for path in (folder for each in paths for folder in episodes_at(each)):
        try:
            linted.append(_linted(path))
        except (EpisodeError, OSError) as error:
            unreadable.append(str(error))
    if json:
        facts = {"episodes": linted, "unreadable": unreadable}
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        _print(table_console(), linted)
    for line in unreadable:
        sys.stderr.write(f"unstick: {line}\n")
    if unreadable:
        return EXIT_NOT_JUDGED
    return EXIT_FAILED if any(each.findings for each in linted) else 0


def _linted(path: Path) -> Linted:
    episode = open_episode(path)
    return Linted(
        episode=episode.id,
        path=str(path),
        seconds=round(episode.manifest.seconds, 2),
        findings=lint(episode),
    )


def _print(terminal: Console, linted: Sequence[Linted]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("Episode", "Rows", "Rule", "Why"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "Why")
    for each in linted:
        for finding in each.findings:
            rows = f"{finding.first_row}-{finding.last_row}" if finding.first_row >= 0 else "none"
            table.add_row(each.episode, rows, str(finding.rule), finding.reason)
    if table.row_count:
        terminal.print(table)
    clean = sum(not each.findings for each in linted)
    terminal.print(f"{clean} of {len(linted)} without findings")
