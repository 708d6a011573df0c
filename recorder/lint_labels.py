"""What was said about an episode against what was recorded and replayed. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from recorder.episode import Ending, Label, Manifest
from recorder.finding import Finding, Rule, found, seconds
from recorder.library import Episode
from recorder.motion import QUIET, Motion
from recorder.series import Series, runs
from recorder.verdict import Kind, Verdict
from transport.messages import Outcome

RELEASED_S: Final = 0.5  # driving on without the deadman for longer is no ramp to zero

_BY_DRIVER: Final = ("phase", "marker")  # only who drives can say these
_REFUTED: Final = (Kind.PREDICATE_FAULT, Kind.DIVERGED, Kind.LABEL_FAULT)


def label_findings(
    series: Series, manifest: Manifest, outcome: Outcome, motion: Motion
) -> list[Finding]:
    """Labels against the record. `outcome` is the one that counts now."""
    ending = manifest.ending
    if ending.start_tick < 0:
        return [_at(series, -1, -1, "Nobody took over in this episode.")]
    findings = [*_drive(series, manifest, motion), *_places(series, manifest)]
    if outcome is Outcome.UNLABELLED:
        reason = "Nobody said whether the task was solved."
        findings.append(_at(series, ending.start_tick, ending.end_tick, reason))
    return findings


def verdict_findings(series: Series, episode: Episode, verdict: Verdict) -> list[Finding]:
    """The outcome against what the last replay found."""
    ending, outcome = episode.manifest.ending, episode.labels.outcome
    reason = episode.doubt(verdict)
    if not reason and verdict.verdict in _REFUTED:
        reason = f"Labelled {outcome}; the replay says {verdict.verdict}: {verdict.sentence}"
    elif not reason and verdict.passed and outcome is Outcome.FAILURE:
        reason = f"Labelled failure, yet the replay solves the task ({verdict.verdict})."
    return [_at(series, ending.start_tick, ending.end_tick, reason)] if reason else []


def _drive(series: Series, manifest: Manifest, motion: Motion) -> list[Finding]:
    """A takeover has to show in what was driven."""
    ending, description = manifest.ending, manifest.description
    span = slice(*np.searchsorted(series.tick, [ending.start_tick, ending.end_tick + 1]))
    if not len(series.tick[span]):
        return [_at(series, -1, -1, "The intervention is not in the record.")]
    moved = (motion.asked >= QUIET) | (motion.measured >= QUIET)
    findings = []
    if not (series.driven[span] & moved[span]).any():
        reason = "Somebody took over, but the robot was neither told to move nor did it."
        findings.append(_at(series, ending.start_tick, ending.end_tick, reason))
    loose = series.driven & ~series.deadman & (series.human != 0.0).any(axis=1)
    for first, last in runs(loose, round(RELEASED_S * description.tick_hz)):
        for_s = seconds(series, first, last)
        reason = f"The operator's wish was carried out for {for_s:.1f} s with the deadman released."
        findings.append(found(Rule.LABELS, series, first, last, reason, seconds=for_s))
    return findings


def _places(series: Series, manifest: Manifest) -> list[Finding]:
    """Labels and driving belong into the intervention."""
    ending = manifest.ending
    findings = []
    for label in ending.labels:
        if not manifest.first_tick <= label.tick <= manifest.last_tick:
            if any(first <= label.tick <= last for first, last in manifest.removed):
                continue  # said in a stretch that a trim has taken out; it still holds
            reason = f"The label {label.kind} of tick {label.tick} lies outside the episode."
            findings.append(_at(series, -1, -1, reason))
        elif _misplaced(label, ending):
            reason = f"The label {label.kind} of tick {label.tick} lies outside the intervention."
            findings.append(_at(series, label.tick, label.tick, reason))
    outside = (series.tick < ending.start_tick) | (series.tick > ending.end_tick)
    stray = outside & series.driven & (series.intervention == ending.intervention)
    for first, last in runs(stray):
        reason = "The operator drove outside the intervention that the manifest names."
        findings.append(found(Rule.LABELS, series, first, last, reason))
    return findings


def _misplaced(label: Label, ending: Ending) -> bool:
    """Said where it makes no sense; an outcome may be said after the hand-back as well."""
    if label.tick < ending.start_tick:
        return label.kind in (*_BY_DRIVER, "outcome")
    return label.kind in _BY_DRIVER and label.tick > ending.end_tick


def _at(series: Series, first_tick: int, last_tick: int, reason: str) -> Finding:
    """A finding about these ticks, as far as they are in the record; -1: about all of it."""
    last = len(series) - 1
    if first_tick < 0:
        return found(Rule.LABELS, series, 0, last, reason)
    first, end = np.searchsorted(series.tick, [first_tick, last_tick])
    return found(Rule.LABELS, series, min(int(first), last), min(int(end), last), reason)
