"""The figures of a fleet as one HTML page, of the parts of the replay report. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recorder.markup import Markup, element
from recorder.report_parts import heading, page, said, section, table
from recorder.report_plots import count_bar, hour_columns, interval_bar, sparkline
from teleop.fleet_metrics import By, Figures
from teleop.metrics_words import HEADING, Line, lines

Named = tuple[str, Figures]


def metrics_html(
    whole: Figures,
    weeks: Sequence[Named],
    groups: Sequence[tuple[By, Sequence[Named]]],
    period: tuple[datetime, datetime] | None,
    doubts: Sequence[str],
) -> bytes:
    """The page, UTF-8. `period` is from the first entry to the last, `doubts` are sentences."""
    told = lines(whole)
    sections = [
        _head(whole, told, period, doubts),
        _figures(told, weeks),
        _calls(whole),
        *(_group(by, members) for by, members in groups if members),
        _meaning(),
    ]
    return page(f"Fleet metrics: {_sentence(whole, told)}", sections)


def _sentence(whole: Figures, told: Sequence[Line]) -> str:
    needed = told[1]
    robots = f"{whole.robots} robot{'s' * (whole.robots != 1)}"
    return f"{robots}, interventions {needed.value} ({needed.of})"


def _head(
    whole: Figures,
    told: Sequence[Line],
    period: tuple[datetime, datetime] | None,
    doubts: Sequence[str],
) -> Markup:
    span = "Nothing was logged."
    if period is not None:
        span = f"From {minute(period[0])} to {minute(period[1])} UTC."
    return element(
        "header",
        element("h1", "Fleet metrics"),
        element("p", _sentence(whole, told), class_="lead"),
        element("p", span, class_="facts"),
        *(element("p", said(doubt), class_="unknown") for doubt in doubts),
    )


def minute(wall: datetime) -> str:
    """A wall time as people read it; the zone stands beside it."""
    return wall.strftime("%Y-%m-%d %H:%M")


def _figures(told: Sequence[Line], weeks: Sequence[Named]) -> Markup:
    by_week = [(name, lines(found)) for name, found in weeks]
    rows = []
    for number, line in enumerate(told):
        history = [(name, week[number]) for name, week in by_week]
        rows.append(
            element(
                "tr",
                element("th", line.name, scope="row"),
                element("td", line.value, class_="number fit"),
                element("td", line.of),
                element("td", interval_bar(line.rate) if line.rate else ""),
                element("td", _over_weeks(line.name, history)),
            )
        )
    headings = (
        heading("Figure"),
        heading("All", "number"),
        heading("Of"),
        heading("0 to 100 %, 95 % interval"),
        heading(f"The last {len(weeks)} weeks"),
    )
    return section("Figures", table("All robots that were given.", headings, rows, "rates"))


def _over_weeks(name: str, history: Sequence[tuple[str, Line]]) -> Markup:
    told = ", ".join(f"{week} {line.value}" for week, line in history)
    return sparkline([line.number for _, line in history], f"{name} by week: {told}.")


def _calls(whole: Figures) -> Markup:
    most = max((n for _, n in whole.reasons), default=0)
    rows = [
        element(
            "tr",
            element("th", said(reason or "(no reason)"), scope="row"),
            element("td", str(n), class_="number"),
            element("td", count_bar(n, most, f"{n} of {whole.calls}")),
        )
        for reason, n in whole.reasons
    ]
    headings = (heading("Reason"), heading("Calls", "number"), heading(""))
    by_reason = table(f"{whole.calls} calls by their reason.", headings, rows, "rates")
    counts = ", ".join(f"{n} from {hour}" for hour, n in enumerate(whole.hours_of_day) if n)
    drawing = hour_columns(whole.hours_of_day, f"Calls by hour of the day: {counts or 'none'}.")
    caption = element("figcaption", "Calls by hour of the day, UTC.")
    return section("Calls", by_reason, element("figure", caption, drawing))


def _group(by: By, members: Sequence[Named]) -> Markup:
    headings = [heading(HEADING[by]), *(heading(line.name) for line in lines(members[0][1]))]
    rows = (
        element(
            "tr",
            element("th", said(name), scope="row", class_="fit"),
            *(
                element("td", line.value, element("div", line.of, class_="quiet"))
                for line in lines(found)
            ),
        )
        for name, found in members
    )
    return section(f"By {by}", table(f"The same figures by {by}.", headings, rows))


def _meaning() -> Markup:
    told = (
        ("Robot-hours", "Hours in which the robots ran, whatever the mode."),
        ("Interventions", "Takeovers, each until the hand-back, per robot-hour."),
        ("Call to accept", "From the call to the takeover that answered it."),
        ("Time to first motion", "From the takeover to the first motion that was asked for."),
        ("Time to free", "From the takeover to the hand-back, of those that succeeded."),
        ("Human minutes", "Time that somebody had a robot, standing included."),
        (
            "ROHE",
            "Return on human effort: successes per 100 human actions. An action is a row, 1/30 s, "
            "in which the robot moved as the operator wished. After Fleet-DAgger (Hoque et al., "
            "CoRL 2022), whose benchmark counts the rows in which a person stands, too.",
        ),
        ("Verified", "Episodes whose replay was EXACT or SEMANTIC, of those it could judge."),
    )
    terms = [part for name, text in told for part in (element("dt", name), element("dd", text))]
    return section("What the figures mean", element("div", element("dl", *terms), class_="panel"))
