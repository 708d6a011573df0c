"""A report as JUnit XML, for the test page of a CI server.

Pure. A test suite for each task, a test case for each episode. What a CI server makes of it agrees
with the exit code: without a baseline everything that keeps it from being 0 is a failure or an
error, but for attempts that claim nothing, which are skipped. With a baseline what stands in it
already, or is new, is skipped with its verdict, and what got worse or is gone fails.

    failure   judged and not proved
    error     could not be judged though a success is claimed, or could not be read
    skipped   nothing is claimed, and recording and replay agree that nothing was solved

The schema is the one of Ant and Jenkins: `testsuites`, `testsuite`, `testcase`, no other elements.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from recorder.baseline import change_sentence
from recorder.markup import printable
from recorder.verdict import Kind, Verdict
from recorder.verdict_report import (
    FAILING,
    NO_TASK,
    UNJUDGED,
    Report,
    ReportEntry,
    Unreadable,
    rate_of,
    rate_sentence,
)
from recorder.verdict_words import (
    advice_text,
    cause_text,
    divergence_text,
    margin_text,
    prefix_text,
    repeats_text,
)
from transport.messages import Outcome

_UNREADABLE_SUITE: Final = "(could not be read)"
_GONE_SUITE: Final = "(gone since the baseline)"


class _Ending(NamedTuple):
    """How a test case ended: the element, its message and its type; no element: passed."""

    element: str
    message: str
    kind: str


class _Case(NamedTuple):
    name: str
    classname: str
    seconds: float
    ending: _Ending
    text: str


_PASSED: Final = _Ending("", "", "")


def report_junit(report: Report) -> bytes:
    """The report as one XML document."""
    suites: dict[str, list[_Case]] = {}
    for entry in report.entries:
        suites.setdefault(entry.task or NO_TASK, []).append(_case(report, entry))
    if report.unreadable:
        suites[_UNREADABLE_SUITE] = [_unreadable(one) for one in report.unreadable]
    gone = [one for one in report.breaking if one.after is None]
    if gone:
        suites[_GONE_SUITE] = [
            _Case(one.id, "baseline", 0.0, _Ending("failure", change_sentence(one), "GONE"), "")
            for one in gone
        ]
    root = ET.Element("testsuites", name="unstick validate")
    _count(root, [case for cases in suites.values() for case in cases])
    for number, (name, cases) in enumerate(sorted(suites.items())):
        root.append(_suite(report, number, name, cases))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def ending_of(verdict: Verdict) -> str:
    """What a verdict is as a test: failure, error, skipped, or empty: passed."""
    if verdict.verdict in FAILING:
        return "failure"
    if verdict.verdict not in UNJUDGED:
        return ""
    replayed = verdict.evidence.open_loop is not None and not verdict.evidence.problem
    claims_nothing = verdict.evidence.label is not Outcome.SUCCESS
    if verdict.verdict is Kind.UNVERIFIABLE and replayed and claims_nothing:
        return "skipped"
    return "error"


def _case(report: Report, entry: ReportEntry) -> _Case:
    verdict = entry.verdict
    return _Case(
        name=verdict.episode,
        classname=entry.robot_type or "unknown",
        seconds=verdict.wall_s,
        ending=_ending(report, verdict),
        text=_details(entry),
    )


def _ending(report: Report, verdict: Verdict) -> _Ending:
    element = ending_of(verdict)
    if report.comparison is None:
        return _Ending(element, verdict.sentence, verdict.verdict) if element else _PASSED
    changed = next((one for one in report.comparison.changed if one.id == verdict.episode), None)
    if changed is not None and changed in report.breaking:
        message = f"{change_sentence(changed)} {verdict.sentence}"
        return _Ending("failure", message, verdict.verdict)
    if not element:
        return _PASSED
    known = change_sentence(changed) if changed else f"As in the baseline: {verdict.verdict}."
    return _Ending("skipped", f"{known} {verdict.sentence}", verdict.verdict)


def _details(entry: ReportEntry) -> str:
    verdict = entry.verdict
    lines = (
        ("verdict", f"{verdict.verdict}. {verdict.sentence}"),
        ("probably", cause_text(verdict)),
        ("try", advice_text(verdict)),
        ("first divergence", divergence_text(verdict.evidence)),
        ("repeats", repeats_text(verdict.evidence.repeats)),
        ("shortest prefix", prefix_text(verdict.evidence)),
        *(("bears", margin_text(margin)) for margin in verdict.evidence.margins),
        ("outcome", entry.outcome.value),
        ("site", entry.site),
        ("episode", entry.path),
    )
    return "\n".join(f"{name}: {text}" for name, text in lines if text)


def _unreadable(one: Unreadable) -> _Case:
    return _Case(one.path, "unreadable", 0.0, _Ending("error", one.sentence, "UNREADABLE"), "")


def _suite(report: Report, number: int, name: str, cases: list[_Case]) -> ET.Element:
    suite = ET.Element(
        "testsuite",
        name=printable(name),
        id=str(number),
        # A time zone is outside the schema; the stamp is UTC.
        timestamp=report.invocation.started_wall[:19],
    )
    _count(suite, cases)
    suite.set("skipped", str(sum(case.ending.element == "skipped" for case in cases)))
    properties = ET.SubElement(suite, "properties")
    for key, value in sorted(report.invocation.versions.items()):
        ET.SubElement(
            properties, "property", name=printable(f"version.{key}"), value=printable(value)
        )
    entries = [entry for entry in report.entries if (entry.task or NO_TASK) == name]
    if entries:
        ET.SubElement(properties, "property", name="rate", value=rate_sentence(rate_of(entries)))
    for case in cases:
        _append(suite, case)
    return suite


def _append(suite: ET.Element, case: _Case) -> None:
    element = ET.SubElement(
        suite,
        "testcase",
        name=printable(case.name),
        classname=printable(case.classname),
        time=f"{case.seconds:.3f}",
    )
    ending = case.ending
    told = None
    if ending.element:
        told = ET.SubElement(
            element, ending.element, type=ending.kind, message=printable(ending.message)
        )
    if told is not None and ending.element != "skipped":
        told.text = printable(case.text or ending.message)
    elif case.text:
        ET.SubElement(element, "system-out").text = printable(case.text)


def _count(element: ET.Element, cases: list[_Case]) -> None:
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(case.ending.element == "failure" for case in cases)))
    element.set("errors", str(sum(case.ending.element == "error" for case in cases)))
    element.set("time", f"{sum(case.seconds for case in cases):.3f}")
