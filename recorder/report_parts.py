"""What the sections of the HTML report are made of: chips, icons, tables, words from data.

Pure, but for the icons and the style sheet it reads from `resources`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from recorder.markup import Markup, element, joined
from recorder.report_plots import definitions
from recorder.verdict import Kind, Verdict
from recorder.verdict_words import advice_text, cause_text, proof_text

# Icon in `resources/icons` and look: quiet, amber, red, dim, as in the console.
_CHIP: Final = {
    Kind.EXACT: ("tick", ""),
    Kind.SEMANTIC: ("ready", ""),
    Kind.FRAGILE: ("triangle", "fragile"),
    Kind.LABEL_FAULT: ("fault", "failed"),
    Kind.DIVERGED: ("fault", "failed"),
    Kind.PREDICATE_FAULT: ("fault", "failed"),
    Kind.UNVERIFIABLE: ("dashed", "dim"),
    Kind.NOT_APPLIED: ("cross", "dim"),
}


# What the browser itself enforces: nothing is loaded, nothing runs.
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, sections: Iterable[Markup]) -> bytes:
    """A whole page that stands by itself, UTF-8."""
    made = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", Markup(resource("report", "report.css"))),
        ),
        element("body", definitions(), element("main", *sections)),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{made}\n".encode("utf-8", "replace")


def verdict_chip(kind: Kind) -> Markup:
    """Shape and word; the colour comes on top of both."""
    shape, look = _CHIP[kind]
    return element("span", icon(shape), str(kind), class_=f"chip {look}".strip())


@cache
def resource(*names: str) -> str:
    """A text file of `resources`."""
    return files("resources").joinpath(*names).read_text(encoding="utf-8")


@cache
def icon(name: str) -> Markup:
    """An icon in the colour of the text around it; there is always a word beside it."""
    svg = resource("icons", f"{name}.svg").strip()
    return Markup(svg.replace("<svg ", '<svg aria-hidden="true" ', 1))


def said(text: str, kind: str = "") -> Markup:
    """Text that came from data."""
    return element("bdi", text, class_=kind) if kind else element("bdi", text)


def section(title: str, *content: Markup) -> Markup:
    """A part of the page under its title."""
    return element("section", element("h2", title), *content)


def table(
    caption: str, headings: Sequence[Markup], rows: Iterable[Markup], kind: str = "all"
) -> Markup:
    """A table that scrolls by itself, also by keyboard, where it does not fit."""
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *headings)),
        element("tbody", *rows),
        class_=kind,
    )
    return element(
        "div", made, class_="panel wide", tabindex="0", role="region", aria_label=caption
    )


def heading(text: str, kind: str = "") -> Markup:
    """The head of a column."""
    return element("th", text, scope="col", **({"class_": kind} if kind else {}))


def listed(texts: Iterable[str]) -> list[Markup]:
    """Those that say something, with dots in between."""
    told = [said(text) for text in texts if text]
    return [part for one in told for part in (joined("\u00a0· "), one)][1:]


def findings(verdict: Verdict) -> list[Markup]:
    """The sentence, what is probably wrong, and what to try."""
    told = (
        ("", proof_text(verdict), ""),
        ("Probably: ", cause_text(verdict), ""),
        ("Try: ", advice_text(verdict), "try"),
    )
    return [
        element("div", said(f"{word}{text}"), **({"class_": kind} if kind else {}))
        for word, text, kind in told
        if text
    ]
