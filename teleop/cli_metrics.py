"""`unstick metrics` and `unstick audit`: what robots have written down about who drove and why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_options import Json
from teleop.fleet_metrics import By

Logs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH...",
        help="State folders of robots, audit folders or files in them; default: this user's.",
    ),
]
Since = Annotated[
    datetime | None, typer.Option(help="From then on, UTC: 2026-01-31 or 2026-01-31T18:30:00.")
]
Until = Annotated[datetime | None, typer.Option(help="Before then, UTC.")]


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _paths(given: list[Path] | None) -> list[Path]:
    from teleop.user_folders import default_state

    return given or [default_state()]


def metrics(
    paths: Logs = None,
    by: Annotated[By | None, typer.Option(help="Tell the figures apart.")] = None,
    since: Since = None,
    until: Until = None,
    csv: Annotated[Path | None, typer.Option(help="Write the figures as CSV, too.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write them as a page that stands by itself, too.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell how often robots need people, how soon they get help and what that costs.

    From the audit logs in the robots' state folders; copies of them will do, also mixed."""
    from teleop.metrics_report import show_metrics

    times = _utc(since), _utc(until)
    code = show_metrics(_paths(paths), by, *times, csv_file=csv, html_file=html, json=json)
    raise typer.Exit(code)


def audit(
    paths: Logs = None,
    since: Since = None,
    until: Until = None,
    csv: Annotated[bool, typer.Option("--csv", help="One row for each drive.")] = False,
    json: Json = False,
) -> None:
    """Print who drove when and why, and every STOP, fault and loss of the link."""
    from teleop.audit_page import show_audit

    if csv and json:
        raise typer.BadParameter("give --csv or --json, not both")
    raise typer.Exit(show_audit(_paths(paths), _utc(since), _utc(until), json=json, csv=csv))
