"""A report as one HTML page: no script, no request, light or dark as the reader's system is.

Pure, but for the style sheet and icons it reads from `resources`. Every string that came from data
goes through `recorder.markup`, which escapes it, and stands in <bdi>, so that a name in another
direction of writing turns nothing around. The page forbids itself to load anything; see `page`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recorder.baseline import (
    BREAKING,
    GOODNESS,
    Change,
    Comparison,
    change_sentence,
    comparison_sentence,
)
from recorder.markup import Markup, element, joined
from recorder.report_detail import Numbered, details_of_all, has_details
from recorder.report_parts import (
    findings,
    heading,
    icon,
    listed,
    page,
    said,
    section,
    table,
    verdict_chip,
)
from recorder.report_plots import interval_bar
from recorder.verdict import Kind
from recorder.verdict_report import (
    Rate,
    Report,
    ReportEntry,
    exit_code,
    interval_text,
    proved_sentence,
    rate_of,
    rate_sentence,
    rates,
    unknown_sentence,
)
from recorder.verdict_words import MEANING, divergence_text, margin_brief, repeats_text

_EXIT: Final = {
    0: "all pass",
    1: "at least one fails",
    2: "at least one could not be judged",
}
_EXIT_BASELINE: Final = {
    0: "none worse than the baseline",
    1: "a verdict got worse or an episode is gone",
    2: "at least one could not be read",
}

_CHANGE_ICON: Final = {
    Change.WORSE: "down",
    Change.GONE: "cross",
    Change.BETTER: "up",
    Change.RELABELLED: "flag",
    Change.NEW: "ring",
}


def report_html(report: Report) -> bytes:
    """The page, UTF-8."""
    ordered = sorted(
        report.entries, key=lambda e: (GOODNESS.index(e.verdict.verdict), e.verdict.episode)
    )
    numbered = [(f"e{number}", entry) for number, entry in enumerate(ordered)]
    closer = [(anchor, entry) for anchor, entry in numbered if has_details(entry)]
    overall = rate_of(report.entries)
    sections = [
        _head(report, overall),
        _rates(report, overall),
        *([_changes(report.comparison)] if report.comparison else []),
        *([_unreadable(report)] if report.unreadable else []),
        *([_episodes(numbered)] if numbered else []),
        *([details_of_all(closer)] if closer else []),
        _legend({entry.verdict.verdict for entry in ordered}),
        _foot(report),
    ]
    title = f"Replay report: {rate_sentence(overall, len(report.unreadable))}"
    return page(title, sections)


def _head(report: Report, overall: Rate) -> Markup:
    run, code = report.invocation, exit_code(report)
    meaning = (_EXIT_BASELINE if report.comparison else _EXIT)[code]
    if report.accepted and not code:
        meaning = "the baseline is written anew with these verdicts"
    unknown = unknown_sentence(overall, len(report.unreadable))
    return element(
        "header",
        element("h1", "Replay report"),
        element("p", proved_sentence(overall), class_="lead"),
        *([element("p", unknown, ".", class_="unknown")] if unknown else []),
        element(
            "p",
            f"Exit code {code}: {meaning}. Replayed {run.started_wall[:19].replace('T', ' ')} UTC "
            f"in {run.seconds:.1f} s.",
            class_="facts",
        ),
    )


def _rates(report: Report, overall: Rate) -> Markup:
    found = rates(report.entries)
    rows = [_rate_row(rate, rate.task) for rate in found]
    if len(found) > 1:
        rows.append(_rate_row(overall, "All tasks"))
    headings = (
        heading("Task"),
        heading("Proved", "number"),
        heading("Not judged", "number"),
        heading("95 % interval", "fit"),
        heading("0 to 100 %"),
    )
    caption = "Proved of those that were judged; the bar is the 95 % interval (Wilson), the tick "
    caption += "what was found."
    return section("Rates", table(caption, headings, rows, "rates"))


def _rate_row(rate: Rate, name: str) -> Markup:
    return element(
        "tr",
        element("th", said(name), scope="row"),
        element("td", f"{rate.passed} of {rate.judged}", class_="number fit"),
        element("td", str(rate.not_judged), class_="number"),
        element("td", interval_text(rate) if rate.judged else "nothing judged", class_="fit"),
        element("td", interval_bar(rate)),
    )


def _changes(comparison: Comparison) -> Markup:
    rows = (
        element(
            "tr",
            element(
                "td",
                element(
                    "span",
                    icon(_CHANGE_ICON[one.change]),
                    str(one.change),
                    class_="chip failed" if one.change in BREAKING else "chip",
                ),
            ),
            element("th", said(one.id, "id"), scope="row"),
            element("td", verdict_chip(one.before.verdict) if one.before else "none"),
            element("td", verdict_chip(one.after.verdict) if one.after else "none"),
            element("td", change_sentence(one)),
        )
        for one in comparison.changed
    )
    headings = [heading(text) for text in ("Change", "Episode", "Before", "Now", "What changed")]
    told = element("p", said(comparison_sentence(comparison)), ".")
    changes = table("Verdicts that are not as they were.", headings, rows)
    return section("Changes", told, *([changes] if comparison.changed else []))


def _unreadable(report: Report) -> Markup:
    items = (element("li", said(one.sentence)) for one in report.unreadable)
    return section("Could not be read", element("div", element("ul", *items), class_="panel"))


def _episodes(numbered: Sequence[Numbered]) -> Markup:
    headings = [
        heading(text)
        for text in ("Verdict", "Episode", "What was found", "First divergence", "Repeats", "Bears")
    ]
    rows = (_episode_row(entry, anchor) for anchor, entry in numbered)
    return section("Episodes", table("Every episode, the worst verdicts first.", headings, rows))


def _episode_row(entry: ReportEntry, anchor: str) -> Markup:
    verdict = entry.verdict
    evidence = verdict.evidence
    name = said(verdict.episode, "id")
    if has_details(entry):
        name = element("a", name, href=f"#{anchor}")
    lint = f"{entry.findings} lint finding{'s' * (entry.findings != 1)}"
    about = [entry.task, entry.site, f"driven by {entry.operator}" if entry.operator else ""]
    about += [f"labelled {entry.outcome}", lint if entry.findings > 0 else ""]
    bears = listed(margin_brief(margin) for margin in evidence.margins)
    return element(
        "tr",
        element("td", verdict_chip(verdict.verdict)),
        element(
            "th",
            name,
            element("div", *listed(about), class_="quiet"),
            scope="row",
            class_="episode",
        ),
        element("td", *findings(verdict), class_="what"),
        element("td", said(divergence_text(evidence)), class_="where"),
        element("td", repeats_text(evidence.repeats) or "not repeated"),
        element("td", *(bears or [joined("not tried")]), class_="bears"),
    )


def _legend(kinds: set[Kind]) -> Markup:
    terms = [
        part
        for kind in reversed(GOODNESS)
        if kind in kinds
        for part in (element("dt", verdict_chip(kind)), element("dd", MEANING[kind]))
    ]
    if not terms:
        return joined()
    return section("What the verdicts mean", element("div", element("dl", *terms), class_="panel"))


def _foot(report: Report) -> Markup:
    versions = sorted(report.invocation.versions.items())
    told = listed(f"{name} {value}" for name, value in versions)
    return element("footer", "Replayed with ", *told, class_="quiet")
