"""`unstick metrics`: the figures of a fleet as table, JSON, CSV and page."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recorder.durable import write_atomically
from recorder.episode import EpisodeError
from recorder.markup import printable
from teleop.audit_entry import AuditEntry
from teleop.audit_file import AuditRead, read_audit
from teleop.fleet_metrics import By, Figures, figures, grouped, weekly
from teleop.library import write_json
from teleop.metrics_html import Named, metrics_html, minute
from teleop.metrics_words import COLUMNS, HEADING, lines
from teleop.rescues import History, history_of
from teleop.validation import table_console
from transport.clock import wall_time

ALL = "all"


def read_between(
    paths: Sequence[Path], since: datetime | None, until: datetime | None
) -> AuditRead:
    """What the logs at `paths` say of that time; entries of it alone.

    Raises:
        EpisodeError: there is no log, or it cannot be read.
    """
    found = read_audit(paths)
    kept = (
        one
        for one in found.entries
        if (since is None or one.wall >= since) and (until is None or one.wall < until)
    )
    return replace(found, entries=tuple(kept))


def show_metrics(
    paths: Sequence[Path],
    by: By | None,
    since: datetime | None,
    until: datetime | None,
    *,
    csv_file: Path | None,
    html_file: Path | None,
    json: bool,
) -> int:
    """Read the logs at `paths` and tell their figures; 0, also when nothing has happened yet."""
    found = read_between(paths, since, until)
    history = history_of(found.entries)
    whole = figures(history)
    period = _period(found.entries)
    weeks = weekly(history, period[1] if period else wall_time())
    groups = () if by is None else weeks if by is By.WEEK else grouped(history, by)
    doubts = doubts_of(found, history)
    if csv_file is not None:
        write_report(csv_file, csv_bytes(whole, by, groups))
    if html_file is not None:
        told = [(one, grouped(history, one)) for one in (By.ROBOT, By.OPERATOR, By.TASK)]
        page = metrics_html(whole, weeks, [*told, (By.WEEK, weeks)], period, doubts)
        write_report(html_file, page)
    if json:
        facts = _facts(whole, weeks, by, groups)
        span = [wall.isoformat() for wall in period] if period else []
        write_json({"period": span, **facts, "lost": history.lost, "unreadable": found.unreadable})
    else:
        _print(table_console(), whole, by, groups, period)
    for doubt in doubts:
        sys.stderr.write(f"unstick: {doubt}\n")
    return 0


def _period(entries: Iterable[AuditEntry]) -> tuple[datetime, datetime] | None:
    walls = [one.wall for one in entries]
    return (min(walls), max(walls)) if walls else None


def doubts_of(found: AuditRead, history: History) -> list[str]:
    """What may be missing, as sentences."""
    doubts = []
    if found.unreadable:
        lines = "1 line is" if found.unreadable == 1 else f"{found.unreadable} lines are"
        doubts.append(f"{lines} torn, or of another version, and left out.")
    if history.lost:
        entries = "1 entry" if history.lost == 1 else f"{history.lost} entries"
        doubts.append(f"{entries} could not be written by the robots, and are missing.")
    return doubts


def _facts(
    whole: Figures, weeks: Iterable[Named], by: By | None, groups: Iterable[Named]
) -> dict[str, object]:
    facts: dict[str, object] = {ALL: msgspec.to_builtins(whole)}
    if by is not None and by is not By.WEEK:
        facts[by.value] = {name: msgspec.to_builtins(found) for name, found in groups}
    return {**facts, By.WEEK.value: {name: msgspec.to_builtins(found) for name, found in weeks}}


def _print(
    terminal: Console,
    whole: Figures,
    by: By | None,
    groups: Sequence[Named],
    period: tuple[datetime, datetime] | None,
) -> None:
    if period is None:
        terminal.print("Nothing was logged in that time.")
        return
    terminal.print(f"{minute(period[0])} to {minute(period[1])} UTC", markup=False)
    table = Table(box=None, pad_edge=False)
    for title in ("Figure", "", "Of"):
        table.add_column(title, no_wrap=title != "Of")
    for line in lines(whole):
        table.add_row(Text(line.name), Text(line.value, "bold"), Text(line.of, "dim"))
    terminal.print(table)
    if whole.reasons:
        told = ", ".join(f"{reason or '(no reason)'} {n}" for reason, n in whole.reasons)
        terminal.print(Text(printable(f"Calls: {told}")))
    if by is not None and groups:
        terminal.print()
        terminal.print(_table(by, groups))


def _table(by: By, groups: Sequence[Named]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(HEADING[by])
    for line in lines(groups[0][1]):
        table.add_column(line.name)
    for name, found in groups:
        cells = [Text(f"{line.value}\n").append(line.of, "dim") for line in lines(found)]
        table.add_row(Text(printable(name)), *cells)
    return table


def json_bytes(
    whole: Figures, weeks: Iterable[Named], by: By | None, groups: Iterable[Named]
) -> bytes:
    """The same numbers as one JSON object."""
    return msgspec.json.format(msgspec.json.encode(_facts(whole, weeks, by, groups)), indent=2)


def csv_bytes(whole: Figures, by: By | None, groups: Sequence[Named]) -> bytes:
    """One row for the fleet, one for each group; a number that is not known is left empty."""
    rows = [(ALL, "", whole), *((by or "", name, found) for name, found in groups)]
    return table_bytes(
        ("by", "name", *COLUMNS),
        ([by, name, *(number(found) for number in COLUMNS.values())] for by, name, found in rows),
    )


def table_bytes(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file, UTF-8. Words that a spreadsheet would take for a formula are quoted for it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return "" if value is None else value
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def write_report(path: Path, content: bytes) -> None:
    """Replace a file that somebody asked for.

    Raises:
        EpisodeError: it cannot be written.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise EpisodeError(
            f"Report cannot be written ({error.strerror})", path, "Name another place."
        ) from error
