"""The SARIF report, read back by closed structures made from the specification (OASIS, 2.1.0).

Each structure names the properties of that object we use, with the specification's types and which
are required; a property that SARIF does not have, or of another type, fails to decode.
"""

import json
import re
from typing import Any, Literal

import msgspec
import pytest

from recorder.report_sarif import artifact_uri, report_sarif
from recorder.verdict import Fault, Kind
from recorder.verdict_report import Report
from tests.unit.report_support import (
    HOSTILE,
    a_whole_run,
    against_a_baseline,
    entry,
    hostile_run,
    name,
    report,
)


class Object(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A SARIF object."""


class Message(Object):  # 3.11
    text: str


class Configuration(Object):  # 3.50
    level: Literal["none", "note", "warning", "error"]


class Rule(Object):  # 3.49
    id: str
    short_description: Message
    help: Message
    default_configuration: Configuration


class Driver(Object):  # 3.19
    name: str
    version: str
    rules: list[Rule]


class Tool(Object):  # 3.18
    driver: Driver


class ArtifactLocation(Object):  # 3.4
    uri: str


class PhysicalLocation(Object):  # 3.29
    artifact_location: ArtifactLocation


class LogicalLocation(Object):  # 3.33
    name: str
    kind: str
    fully_qualified_name: str = ""


class Location(Object):  # 3.28
    physical_location: PhysicalLocation | None = None
    logical_locations: list[LogicalLocation] = []


class Result(Object):  # 3.27
    rule_id: str
    rule_index: int
    kind: Literal["pass", "open", "informational", "notApplicable", "review", "fail"]
    level: Literal["none", "note", "warning", "error"]
    message: Message
    locations: list[Location]
    partial_fingerprints: dict[str, str]
    baseline_state: Literal["new", "unchanged", "updated", "absent"] | None = None
    properties: dict[str, Any] = {}


class Invocation(Object):  # 3.20
    execution_successful: bool
    exit_code: int
    start_time_utc: str


class Run(Object):  # 3.14
    tool: Tool
    invocations: list[Invocation]
    results: list[Result]
    properties: dict[str, Any]


class Log(Object):  # 3.13
    version: Literal["2.1.0"]
    runs: list[Run]
    schema: str = msgspec.field(name="$schema")


def checked(run: Report) -> Run:
    """The only run of the report, after what the specification demands of it."""
    raw = report_sarif(run, "0.1.0")
    (made,) = msgspec.json.decode(raw, type=Log).runs
    rules = [rule.id for rule in made.tool.driver.rules]
    assert len(set(rules)) == len(rules)
    for result in made.results:
        assert rules[result.rule_index] == result.rule_id
        assert result.message.text
        # 3.27.10: a level other than none is for what fails.
        assert (result.kind == "fail") == (result.level != "none")
    for invocation in made.invocations:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", invocation.start_time_utc)
    return made


def by_episode(run: Run) -> dict[str, Result]:
    found = {}
    for result in run.results:
        where = result.locations[0].physical_location
        if where is not None:
            found[where.artifact_location.uri.removeprefix("episodes/")] = result
    return found


def test_a_rule_for_every_verdict_that_does_not_pass_and_for_every_fault() -> None:
    rules = {rule.id: rule for rule in checked(report()).tool.driver.rules}
    assert set(rules) == {
        *(kind.value for kind in Kind if kind not in (Kind.EXACT, Kind.SEMANTIC)),
        *(f"FAULT_{fault.upper()}" for fault in Fault),
        "UNREADABLE",
        "BASELINE_WORSE",
        "BASELINE_GONE",
    }
    assert rules["FRAGILE"].default_configuration.level == "warning"
    assert all(rule.help.text.startswith(rule.short_description.text) for rule in rules.values())


def test_a_result_for_each_that_fails_or_is_not_judged_and_none_for_those_that_pass() -> None:
    found = {
        episode: (result.rule_id, result.kind, result.level)
        for episode, result in by_episode(checked(a_whole_run())).items()
    }
    assert found == {
        name(32): ("FRAGILE", "fail", "warning"),
        name(33): ("FAULT_SHIFTED", "fail", "error"),
        name(34): ("FAULT_WRONG_START", "fail", "error"),
        name(35): ("PREDICATE_FAULT", "fail", "error"),
        name(36): ("UNVERIFIABLE", "open", "none"),
        name(37): ("UNVERIFIABLE", "open", "none"),
        name(38): ("NOT_APPLIED", "open", "none"),
        "01KQVDMA": ("UNREADABLE", "fail", "error"),
    }


def test_a_result_tells_where_and_what_to_try() -> None:
    result = by_episode(checked(a_whole_run()))[name(34)]
    (step,) = result.locations[0].logical_locations
    assert (step.name, step.fully_qualified_name) == ("step 212", f"{name(34)}/step 212")
    assert result.properties["divergentSteps"] == [212, 412]
    assert result.properties["divergence"]["part"] == "cube x"
    assert result.properties["verdict"] == "DIVERGED"
    assert "Name the start state" in result.message.text


def test_a_fingerprint_is_the_same_in_every_run_and_another_for_another_fault() -> None:
    def fingerprint(kind: Kind, number: int, **facts: Any) -> dict[str, str]:
        (result,) = checked(report(entry(kind, number, **facts))).results
        return result.partial_fingerprints

    one = fingerprint(Kind.LABEL_FAULT, 1)
    assert one == fingerprint(Kind.LABEL_FAULT, 1, path="moved/elsewhere", site="another")
    assert one != fingerprint(Kind.LABEL_FAULT, 2)
    assert one != fingerprint(Kind.FRAGILE, 1)


def test_against_a_baseline_each_result_says_whether_it_is_new() -> None:
    run = checked(against_a_baseline())
    found = {episode: (one.rule_id, one.baseline_state) for episode, one in by_episode(run).items()}
    assert found[name(34)] == ("FAULT_WRONG_START", "new"), "it passed before"
    assert found[name(33)] == ("FAULT_SHIFTED", "new"), "it was not there before"
    assert found[name(32)] == ("FRAGILE", "unchanged")
    assert found[name(31)] == ("BASELINE_WORSE", "new"), "it passes, but got worse"
    (gone,) = [one for one in run.results if one.rule_id == "BASELINE_GONE"]
    assert gone.locations[0].logical_locations[0].name == name(77)
    assert run.invocations[0].exit_code == 1


def test_nobody_is_named_in_what_goes_to_a_build_server() -> None:
    assert b"lovelace" not in report_sarif(a_whole_run(), "0.1.0")


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("episodes/01A", "episodes/01A"),
        ("/data/my set/01A", "file:///data/my%20set/01A"),
        ("a:b/c#d?e%f", "a%3Ab/c%23d%3Fe%25f"),
        ("データ", "%E3%83%87%E3%83%BC%E3%82%BF"),
    ],
)
def test_a_path_becomes_a_uri(path: str, uri: str) -> None:
    assert artifact_uri(path) == uri


@pytest.mark.parametrize("text", HOSTILE)
def test_any_name_can_stand_in_it(text: str) -> None:
    run = checked(hostile_run(text))
    assert text in json.dumps(run.properties["versions"], ensure_ascii=False) or "\\" in repr(text)
    for result in run.results:
        where = result.locations[0].physical_location
        if where is not None:
            assert re.fullmatch(r"[A-Za-z0-9%/._~-]+", where.artifact_location.uri)
