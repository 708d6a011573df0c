"""The HTML report on one episode: how far it strays, what it bears, what the cameras saw. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from recorder.markup import Markup, element
from recorder.report_parts import findings, said, section, verdict_chip
from recorder.report_plots import deviation_curve, margin_bar
from recorder.verdict import PASSING, Disturbance, Margin
from recorder.verdict_report import ReportEntry, StepPictures
from recorder.verdict_words import margin_name, margin_text, prefix_text

Numbered = tuple[str, ReportEntry]  # its anchor on the page


def has_details(entry: ReportEntry) -> bool:
    """Whether there is more to show than the table's row."""
    evidence = entry.verdict.evidence
    failed_with_curve = entry.verdict.verdict not in PASSING and bool(evidence.curve)
    return failed_with_curve or bool(evidence.margins) or entry.pictures is not None


def details_of_all(numbered: Sequence[Numbered]) -> Markup:
    """All of them, those that do not pass open."""
    most: dict[Disturbance, float] = {}
    for margin in (m for _, entry in numbered for m in entry.verdict.evidence.margins):
        largest = max(margin.bears, margin.fails_at)
        most[margin.disturbance] = max(most.get(margin.disturbance, 0.0), largest)
    parts = (_details(entry, anchor, most) for anchor, entry in numbered)
    return section("In detail", *parts)


def _details(entry: ReportEntry, anchor: str, most: dict[Disturbance, float]) -> Markup:
    verdict = entry.verdict
    evidence = verdict.evidence
    body: list[Markup] = [*findings(verdict)]
    if prefix := prefix_text(evidence):
        body.append(element("div", f"Shortest prefix: {prefix}."))
    body.append(element("div", said(entry.path), class_="quiet path"))
    curve = deviation_curve(evidence)
    if curve is not None:
        caption = "How far the replay is from the recorded positions; the scale is in decades."
        if evidence.divergence is None:
            caption += " No limit was passed."
        body.append(element("figure", element("figcaption", caption), curve))
    if evidence.margins:
        body.append(_bears(evidence.margins, most))
    if entry.pictures is not None:
        body.append(_pictures(entry.pictures))
    summary = element(
        "summary",
        verdict_chip(verdict.verdict),
        said(verdict.episode, "id"),
        element("span", " · ", said(entry.task), class_="quiet") if entry.task else "",
    )
    content = (summary, element("div", *body, class_="body"))
    if verdict.verdict not in PASSING:
        return element("details", *content, id=anchor, open="")
    return element("details", *content, id=anchor)


def _bears(margins: Sequence[Margin], most: dict[Disturbance, float]) -> Markup:
    rows = (
        element(
            "tr",
            element("th", margin_name(margin), scope="row"),
            element("td", margin_bar(margin, most[margin.disturbance])),
            element("td", margin_text(margin).removeprefix(margin_name(margin)).lstrip(": ")),
        )
        for margin in margins
    )
    caption = "What it bears: solid is borne, at the tick it fails, in between lies the knee. "
    caption += "Each kind has one scale on this page."
    table = element("table", element("caption", caption), element("tbody", *rows), class_="margins")
    return element("figure", table)


def _pictures(pictures: StepPictures) -> Markup:
    """Recorded with a solid frame, replayed with a dashed one, and a word for each."""
    shown = [("recorded", pictures.recorded), ("replayed", pictures.replayed)]
    return element(
        "div",
        *(
            element(
                "figure",
                element("figcaption", f"Step {pictures.step}, ", said(pictures.camera), f": {how}"),
                element(
                    "img",
                    src=f"data:image/png;base64,{base64.b64encode(png).decode()}",
                    alt=f"What camera {pictures.camera} saw at step {pictures.step}, {how}.",
                ),
                class_=how,
            )
            for how, png in shown
            if png
        ),
        class_="pair",
    )
