"""`unstick audit`: what happened, for people: who drove when and why, and what went wrong.

Each drive has the fields that the German remote driving ordinance wants kept (StVFernLV, Annex 3,
numbers 1 and 3 to 5): the vehicle, beginning and end and a consecutive number, who drove, faults.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from rich.table import Table
from rich.text import Text

from recorder.markup import printable
from teleop.audit_entry import AuditEntry, Kind
from teleop.library import write_json
from teleop.metrics_report import doubts_of, read_between, table_bytes
from teleop.metrics_words import seconds
from teleop.rescues import Drive, history_of, in_order
from teleop.validation import table_console

_HOW: Final = {"hand_back": "handed back", "ended": "robot ended", "": "open"}
_WORDS: Final = {
    Kind.CALL_ENDED: "call ended",
    Kind.FIRST_MOTION: "first motion",
    Kind.HAND_BACK: "hand back",
    Kind.STOP: "STOP",
    Kind.STOP_RESET: "STOP reset",
    Kind.LINK_LOST: "link lost",
    Kind.LINK_DIP: "link dip",
    Kind.FAULT_CLEARED: "fault cleared",
}
_KEY_SHOWN: Final = 8  # characters of a key in the table; all of them in JSON and CSV


def show_audit(
    paths: Sequence[Path],
    since: datetime | None,
    until: datetime | None,
    *,
    json: bool,
    csv: bool,
) -> int:
    """Print the logs at `paths`; 0, also when nothing has happened yet."""
    found = read_between(paths, since, until)
    history = history_of(found.entries)
    if json:
        entries = [msgspec.to_builtins(one) for one in in_order(found.entries)]
        drives = [msgspec.to_builtins(one) for one in history.drives]
        unknown = {"lost": history.lost, "unreadable": found.unreadable}
        write_json({"drives": drives, "entries": entries, **unknown})
    elif csv:
        sys.stdout.write(table_bytes(*drive_rows(history.drives)).decode())
    else:
        terminal = table_console()
        happened = [one for one in found.entries if one.kind is not Kind.MINUTE]
        if happened:
            terminal.print(_log(sorted(happened, key=lambda one: (one.wall, one.robot, one.n))))
            terminal.print()
        terminal.print(_drives(history.drives) if history.drives else "Nobody has driven.")
    for doubt in doubts_of(found, history):
        sys.stderr.write(f"unstick: {doubt}\n")
    return 0


def sentence(entry: AuditEntry) -> str:
    """What an entry says beside who and where, in words."""
    of_episode = f"of {entry.episode}" if entry.episode else ""
    label = f"{entry.label}:" if entry.label else ""
    parts = [entry.verdict, label, of_episode, entry.reason, entry.text]
    told = ". ".join(part for part in parts if part).replace(":.", ":")
    if entry.after_s is not None:
        told += f" ({seconds(entry.after_s)})"
    return printable(told.strip())


def _log(entries: Sequence[AuditEntry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("Time (UTC)", "Robot", "What", "Who", "Where", ""):
        table.add_column(title, no_wrap=title in ("Time (UTC)", "What", "Where"))
    for one in entries:
        place = "" if one.x_m is None or one.y_m is None else f"{one.x_m:.2f}, {one.y_m:.2f} m"
        cells = (
            one.wall.strftime("%Y-%m-%d %H:%M:%S"),
            one.robot,
            _WORDS.get(one.kind, one.kind.value),
            one.by,
            place,
            sentence(one),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _drives(drives: Sequence[Drive]) -> Table:
    table = Table(box=None, pad_edge=False)
    titles = ("Drive", "Robot", "Operator", "Key", "Began (UTC)", "Ended (UTC)", "Why", "Ended by")
    for title in (*titles, "Held", "Drove", "STOPs, faults, link"):
        table.add_column(title, no_wrap=title in ("Drive", "Key", "Began (UTC)", "Ended (UTC)"))
    for one in drives:
        cells = (
            str(one.session),
            one.robot,
            one.by,
            f"{one.key[:_KEY_SHOWN]}…" if one.key else "",
            one.began.strftime("%Y-%m-%d %H:%M:%S"),
            one.ended.strftime("%Y-%m-%d %H:%M:%S") if one.ended else "",
            one.reason or "took over",
            " ".join(filter(None, (_HOW.get(one.how, one.how), one.text))),
            seconds(one.did.held_s),
            seconds(one.did.driven_s),
            troubles(one),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def troubles(drive: Drive) -> str:
    """STOPs, faults, losses and dips of the link in a drive, in words."""
    return "; ".join(
        " ".join(filter(None, (_WORDS.get(one.kind, one.kind.value), one.by, sentence(one))))
        for one in drive.troubles
    )


def drive_rows(drives: Sequence[Drive]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Headings and one row for each drive, times in ISO 8601, UTC."""
    headings = (
        *("drive", "robot", "site", "operator", "operator_key", "began", "ended", "reason"),
        *("ended_by", "text", "held_s", "driven_s", "boot_id", "faults"),
    )
    rows: list[tuple[object, ...]] = [
        (
            *(one.session, one.robot, one.site, one.by, one.key, one.began.isoformat()),
            *(one.ended.isoformat() if one.ended else "", one.reason, one.how, one.text),
            *(one.did.held_s, one.did.driven_s, one.boot_id, troubles(one)),
        )
        for one in drives
    ]
    return headings, rows
