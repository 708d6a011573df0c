"""The JSON report: everything there is, under keys that stay."""

import json

import msgspec
import pytest

from recorder.report_json import JsonReport, report_json
from recorder.verdict import Verdict
from tests.unit.report_support import HOSTILE, a_whole_run, against_a_baseline, hostile_run, name


def test_the_keys_are_the_documented_ones() -> None:
    said = json.loads(report_json(a_whole_run()))
    assert list(said) == [
        "format",
        "exit_code",
        "sentence",
        "overall",
        "rates",
        "verdicts",
        "episodes",
        "unreadable",
        "unreadable_paths",
        "comparison",
        "invocation",
    ]
    assert list(said["episodes"][0]) == [
        "episode",
        "path",
        "task",
        "robot_type",
        "site",
        "operator",
        "outcome",
        "lint_findings",
    ]
    assert list(said["overall"]) == ["task", "passed", "judged", "not_judged", "low", "high"]


def test_each_verdict_is_the_one_that_lies_beside_its_episode() -> None:
    run = a_whole_run()
    said = json.loads(report_json(run))
    assert len(said["verdicts"]) == len(said["episodes"]) == 39
    for verdict, facts, entry in zip(said["verdicts"], said["episodes"], run.entries, strict=True):
        assert msgspec.convert(verdict, Verdict) == entry.verdict
        assert (facts["episode"], facts["path"]) == (entry.verdict.episode, entry.path)


def test_it_says_what_was_proved_and_with_which_exit_code() -> None:
    said = json.loads(report_json(a_whole_run()))
    assert (said["format"], said["exit_code"], said["comparison"]) == (1, 2, None)
    assert (said["overall"]["passed"], said["overall"]["judged"]) == (32, 36)
    assert said["sentence"].startswith("32 of 36 proved")
    assert [rate["task"] for rate in said["rates"]] == [
        "Push the cube to the mark",
        "Reach open floor",
    ]
    assert "sealed" in said["unreadable"][0]


def test_with_a_baseline_it_says_what_changed() -> None:
    said = json.loads(report_json(against_a_baseline()))
    assert said["exit_code"] == 1
    changes = {one["id"]: one["change"] for one in said["comparison"]["changed"]}
    assert changes == {
        name(31): "worse",
        name(34): "worse",
        name(77): "gone",
        name(5): "better",
        name(33): "new",
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_it_is_one_line_that_reads_back_whatever_the_names(text: str) -> None:
    raw = report_json(hostile_run(text))
    assert raw.count(b"\n") == 1
    said = msgspec.json.decode(raw, type=JsonReport)
    assert {one.site for one in said.episodes} == {text}
