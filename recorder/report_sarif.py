"""A report as SARIF 2.1.0, for code scanning pages and editors.

Pure. Rules are the verdicts that do not pass, the faults a diagnosis can name, and what a baseline
adds. There is one result for each episode that fails, could not be judged or read, got worse or is
gone; those that pass have none. What was not judged is `open`, which is neither pass nor fail.

An episode is a folder of binary files, so a result's region is not in lines: where the replay first
leaves the recording stands in `logicalLocations` ("step 212") and, with the range of the replay, in
`properties`.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

import msgspec

from recorder.baseline import Changed, change_sentence
from recorder.verdict import Fault, Kind, Verdict
from recorder.verdict_report import (
    EXIT_NOT_JUDGED,
    FAILING,
    UNJUDGED,
    Report,
    ReportEntry,
    Unreadable,
    exit_code,
    rate_of,
    rate_sentence,
)
from recorder.verdict_words import FAULT, MEANING, TRY, advice_text, cause_text, proof_text

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_UNREADABLE: Final = "UNREADABLE"
_WORSE: Final = "BASELINE_WORSE"
_GONE: Final = "BASELINE_GONE"
_FINGERPRINT: Final = "unstickEpisode/v1"

# A rule's id, what it means, what to try.
_RULES: Final = (
    *((str(kind), MEANING[kind], TRY[kind]) for kind in Kind if kind in FAILING | UNJUDGED),
    *((f"FAULT_{fault.upper()}", FAULT[fault], TRY[Kind.LABEL_FAULT]) for fault in Fault),
    (_UNREADABLE, "The episode cannot be read.", "Restore it from a copy, or leave it out."),
    (
        _WORSE,
        "A verdict is worse than in the baseline.",
        "Look for what changed in controller, scene or versions; if the change is meant, write "
        "the baseline anew.",
    ),
    (
        _GONE,
        "An episode of the baseline was not validated.",
        "Bring it back; if it is meant to be gone, write the baseline anew.",
    ),
)
_INDEX: Final = {rule: number for number, (rule, _, _) in enumerate(_RULES)}

_JSON = dict[str, Any]


def report_sarif(report: Report, version: str) -> bytes:
    """The report as one SARIF log; `version` is the program's own."""
    results = [
        *(_of_entry(report, entry) for entry in report.entries if _is_told(report, entry)),
        *(_of_unreadable(one) for one in report.unreadable),
        *(_of_gone(one) for one in report.breaking if one.after is None),
    ]
    code = exit_code(report)
    log: _JSON = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "unstick",
                        "version": version,
                        "rules": [_rule(*rule) for rule in _RULES],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": code != EXIT_NOT_JUDGED or not report.unreadable,
                        "exitCode": code,
                        "startTimeUtc": _utc(report.invocation.started_wall),
                    }
                ],
                "results": results,
                "properties": {
                    "rate": rate_sentence(rate_of(report.entries), len(report.unreadable)),
                    "versions": report.invocation.versions,
                    "seconds": report.invocation.seconds,
                },
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n"


def rule_of(verdict: Verdict) -> str:
    """The rule a result is filed under: the fault if a diagnosis names one, else the verdict."""
    diagnosis = verdict.evidence.diagnosis
    if verdict.verdict in FAILING and diagnosis is not None:
        return f"FAULT_{diagnosis.fault.upper()}"
    return str(verdict.verdict)


def _is_told(report: Report, entry: ReportEntry) -> bool:
    worse = any(one.id == entry.verdict.episode for one in report.breaking)
    return worse or entry.verdict.verdict in FAILING | UNJUDGED


def _rule(rule: str, meaning: str, advice: str) -> _JSON:
    said: _JSON = {
        "id": rule,
        "shortDescription": {"text": meaning},
        "help": {"text": f"{meaning} {advice}"},
        "defaultConfiguration": {"level": "warning" if rule == Kind.FRAGILE else "error"},
    }
    return said


def _of_entry(report: Report, entry: ReportEntry) -> _JSON:
    verdict = entry.verdict
    passes = verdict.verdict not in FAILING | UNJUDGED
    rule = _WORSE if passes else rule_of(verdict)
    text = " ".join(filter(None, (proof_text(verdict), cause_text(verdict), advice_text(verdict))))
    listed = report.comparison.changed if report.comparison else ()
    changed = next((one for one in listed if one.id == verdict.episode), None)
    if changed is not None:
        text = f"{text} {change_sentence(changed)}"
    is_open = verdict.verdict in UNJUDGED
    level = "warning" if verdict.verdict is Kind.FRAGILE else "error"
    result = _result(rule, text, entry.path, verdict.episode, "open" if is_open else level)
    if step := _step(verdict):
        result["locations"][0]["logicalLocations"] = [
            {"name": step, "fullyQualifiedName": f"{verdict.episode}/{step}", "kind": "element"}
        ]
    if report.comparison is not None:
        result["baselineState"] = _baseline_state(changed)
    result["properties"] = _properties(entry)
    return result


def _baseline_state(changed: Changed | None) -> str:
    if changed is None:
        return "unchanged"
    before = changed.before
    was_told = before is not None and before.verdict in FAILING | UNJUDGED
    return "updated" if was_told else "new"


def _properties(entry: ReportEntry) -> _JSON:
    verdict, evidence = entry.verdict, entry.verdict.evidence
    loop = evidence.open_loop
    said: _JSON = {
        "verdict": verdict.verdict,
        "task": entry.task,
        "robotType": entry.robot_type,
        "site": entry.site,
        "outcome": entry.outcome,
        "recordedSteps": evidence.recorded_steps,
    }
    if loop is not None and loop.first_divergent_step >= 0:
        said["divergentSteps"] = [loop.first_divergent_step, evidence.recorded_steps]
        said["firstDivergentTick"] = loop.first_divergent_tick
    if evidence.divergence is not None:
        said["divergence"] = msgspec.to_builtins(evidence.divergence)
    if evidence.diagnosis is not None:
        said["diagnosis"] = msgspec.to_builtins(evidence.diagnosis)
    return said


def _step(verdict: Verdict) -> str:
    evidence = verdict.evidence
    if evidence.divergence is not None:
        return f"step {evidence.divergence.step}"
    loop = evidence.open_loop
    return f"step {loop.first_divergent_step}" if loop and loop.first_divergent_step >= 0 else ""


def _of_unreadable(one: Unreadable) -> _JSON:
    return _result(_UNREADABLE, one.sentence, one.path, one.path, "error")


def _of_gone(one: Changed) -> _JSON:
    result = _result(_GONE, change_sentence(one), "", one.id, "error")
    result["baselineState"] = "new"  # the result is: that it is gone was not so before
    return result


def _result(rule: str, text: str, path: str, identity: str, level: str) -> _JSON:
    """`level` "open" stands for what was not judged: neither pass nor fail, of no level."""
    where: _JSON = {"logicalLocations": [{"name": identity, "kind": "resource"}]}
    if path:
        where = {"physicalLocation": {"artifactLocation": {"uri": artifact_uri(path)}}}
    return {
        "ruleId": rule,
        "ruleIndex": _INDEX[rule],
        "kind": "open" if level == "open" else "fail",
        "level": "none" if level == "open" else level,
        "message": {"text": text},
        "locations": [where],
        # Of what it is about and what is wrong, nothing else: it stays the same from run to run.
        "partialFingerprints": {
            _FINGERPRINT: hashlib.sha256(f"{identity}\n{rule}".encode()).hexdigest()
        },
    }


def artifact_uri(path: str) -> str:
    """`path` as a URI reference: absolute with the scheme file, else relative to where it ran."""
    pure = PurePath(path)
    return f"file://{quote(pure.as_posix())}" if pure.is_absolute() else quote(pure.as_posix())


def _utc(wall: str) -> str:
    """SARIF wants `Z` where ISO 8601 also allows +00:00."""
    return wall.removesuffix("+00:00").removesuffix("Z") + "Z"
