"""The JUnit report: what a CI server makes of a run, and that it can read it.

The structure is checked against the rules of the schema that Jenkins' xUnit plug-in uses
(junit-10.xsd): these elements, these attributes, these are required, counts agree.
"""

from xml.etree import ElementTree as ET

import msgspec
import pytest

from recorder.markup import printable
from recorder.report_junit import ending_of, report_junit
from recorder.verdict import Kind
from recorder.verdict_report import Report, exit_code
from tests.unit.report_support import (
    HOSTILE,
    a_whole_run,
    against_a_baseline,
    an_honest_failure,
    entry,
    hostile_run,
    name,
    report,
    verdict,
)
from transport.messages import Outcome

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name"},
    "property": {"name", "value"},
}
OPTIONAL = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"time", "skipped", "timestamp", "id"},
    "testcase": {"time", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}


def checked(run: Report) -> ET.Element:
    """The report, read back, after everything the schema demands."""
    root = ET.fromstring(report_junit(run))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        required = REQUIRED.get(element.tag, set())
        assert required <= set(element.attrib) <= required | OPTIONAL.get(element.tag, set())
    for suite in root.iter("testsuite"):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
    assert int(root.attrib["tests"]) == len(list(root.iter("testcase")))
    assert int(root.attrib["failures"]) == len(list(root.iter("failure")))
    assert int(root.attrib["errors"]) == len(list(root.iter("error")))
    return root


def endings(root: ET.Element) -> dict[str, str]:
    return {
        case.attrib["name"]: "".join(sorted(c.tag for c in case if c.tag != "system-out"))
        for case in root.iter("testcase")
    }


def test_a_suite_for_each_task_and_a_case_for_each_episode() -> None:
    run = a_whole_run()
    root = checked(run)
    assert [(suite.attrib["name"], suite.attrib["tests"]) for suite in root] == [
        ("(could not be read)", "1"),
        ("Push the cube to the mark", "13"),
        ("Reach open floor", "26"),
    ]
    named = {case.attrib["name"] for case in root.iter("testcase")}
    assert {one.verdict.episode for one in run.entries} <= named


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (Kind.EXACT, ""),
        (Kind.SEMANTIC, ""),
        (Kind.FRAGILE, "failure"),
        (Kind.LABEL_FAULT, "failure"),
        (Kind.DIVERGED, "failure"),
        (Kind.PREDICATE_FAULT, "failure"),
        (Kind.UNVERIFIABLE, "error"),
        (Kind.NOT_APPLIED, "error"),
    ],
)
def test_how_each_verdict_ends_as_a_test(kind: Kind, ending: str) -> None:
    assert endings(checked(report(entry(kind, 1)))) == {name(1): ending}


def test_an_honest_failure_is_skipped_and_a_success_that_nobody_can_judge_is_not() -> None:
    honest = an_honest_failure()
    assert ending_of(honest) == "skipped"

    def labelled(label: Outcome) -> str:
        evidence = msgspec.structs.replace(honest.evidence, label=label)
        return ending_of(msgspec.structs.replace(honest, evidence=evidence))

    assert labelled(Outcome.UNLABELLED) == "skipped"
    assert labelled(Outcome.SUCCESS) == "error", "a control was not completed"
    assert ending_of(verdict(Kind.UNVERIFIABLE, label=Outcome.FAILURE)) == "error", "no robot"
    assert ending_of(verdict(Kind.NOT_APPLIED, label=Outcome.FAILURE)) == "error"


def test_a_failure_says_what_is_wrong_where_and_what_to_try() -> None:
    root = checked(report(entry(Kind.LABEL_FAULT, 1)))
    (failure,) = root.iter("failure")
    assert failure.attrib["type"] == "LABEL_FAULT"
    assert failure.attrib["message"].startswith("Actions stand one row late. 379 of 412")
    assert failure.text is not None
    for text in (
        "probably: Actions stand one row late.",
        "try: Shift the column action by -1",
        "first divergence: step 1, tick 3201: rover heading off by 12.1 mrad",
        f"episode: episodes/{name(1)}",
    ):
        assert text in failure.text


def test_nobody_is_named_in_what_goes_to_a_build_server() -> None:
    assert b"lovelace" not in report_junit(a_whole_run())


def test_against_a_baseline_only_what_got_worse_or_is_gone_fails() -> None:
    ended = endings(checked(against_a_baseline()))
    failed = {episode for episode, ending in ended.items() if ending == "failure"}
    assert failed == {name(31), name(34), name(77)}
    assert ended[name(33)] == "skipped", "a new one is told, not failed"
    assert ended[name(38)] == "skipped", "it could not be judged before either"
    assert ended[name(5)] == ""


@pytest.mark.parametrize("run", [a_whole_run(), against_a_baseline(), report(entry(Kind.EXACT))])
def test_it_is_red_exactly_when_the_exit_code_is(run: Report) -> None:
    ended = endings(checked(run)).values()
    assert ("failure" in ended or "error" in ended) == (exit_code(run) != 0)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_breaks_out_of_its_place(text: str) -> None:
    root = checked(hostile_run(text))
    assert len(list(root.iter("testcase"))) == len(Kind) + 2
    assert printable(text) in {suite.attrib["name"] for suite in root}
