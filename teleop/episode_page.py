"""`unstick episodes show`: everything that is known about one episode, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table
from rich.text import Text

from recorder.episode import EndedBy, EpisodeError, Status
from recorder.labels import labels_of
from recorder.library import Episode, open_episode
from teleop.library import minutes, write_json
from teleop.validation import EXIT_NOT_JUDGED, table_console
from transport.messages import Outcome

_SHORT: Final = 12  # digits of a commit that people compare

ENDINGS: Final = {
    EndedBy.HAND_BACK: "the operator handed back",
    EndedBy.RELEASED: "the operator let go without handing back",
    EndedBy.LINK_LOST: "the operator's link was lost",
    EndedBy.STOP: "somebody pressed STOP and nobody resumed",
    EndedBy.WITHDRAWN: "the robot freed itself before anybody came",
    EndedBy.LIMIT: "the longest permitted episode was reached",
    EndedBy.RESTART: "the robot's control was started anew",
    EndedBy.SHUTDOWN: "the recorder was closed",
    EndedBy.CRASH: "the recorder was killed; recovered later",
}


def show_episode(path: Path, *, json: bool) -> int:
    """Print the page of the episode at `path`; 2 when something about it cannot be read."""
    episode = open_episode(path)
    facts = page(episode)
    if json:
        write_json(facts)
    else:
        _print(facts)
    return EXIT_NOT_JUDGED if facts["unreadable"] else 0


def page(episode: Episode) -> dict[str, Any]:
    """What is known, as JSON takes it. What cannot be read is a sentence in `unreadable`."""
    manifest, unreadable = episode.manifest, list[str]()
    description, ending = manifest.description, manifest.ending
    labels = labels_of(ending, description.task)  # of the recording alone, if later ones are spoilt
    said: list[dict[str, Any]] = []
    judged: dict[str, Any] | None = None
    torn = ""
    try:
        labels, torn = episode.labels, episode.history.torn
        said = [msgspec.to_builtins(one) for one in episode.history.annotations]
    except EpisodeError as error:
        unreadable.append(str(error))
    try:
        verdict = episode.verdict()
        if verdict is not None:
            doubt = "" if unreadable else episode.doubt(verdict)
            judged = {
                "verdict": verdict.verdict.value,
                "passed": verdict.passed,
                "sentence": verdict.sentence,
                "replayed": verdict.replayed_wall,
                "doubt": doubt,
            }
    except EpisodeError as error:
        unreadable.append(str(error))
    return {
        "episode": episode.id,
        "path": str(episode.path),
        "status": manifest.status.value,
        "recorded": manifest.clock.opened_wall,
        "sealed": manifest.clock.sealed_wall,
        "seconds": round(manifest.seconds, 2),
        "bytes": sum(entry.bytes for entry in manifest.files),
        "robot": description.robot,
        "robot_type": description.robot_type,
        "site": description.site,
        "scenario": description.scenario,
        "seed": description.seed,
        "policy": description.policy,
        "success": msgspec.to_builtins(description.success),
        "drivers": [msgspec.to_builtins(driver) for driver in manifest.drivers],
        "named": list(manifest.named),
        "retention": manifest.custody.retention,
        "licence": manifest.custody.licence,
        "code": msgspec.to_builtins(manifest.code),
        "operator": ending.operator,
        "intervention": ending.intervention,
        "driven_s": _driven_s(episode),
        "ended_by": ending.ended_by.value,
        "labels": msgspec.to_builtins(labels),
        "said_while_recording": [msgspec.to_builtins(label) for label in ending.labels],
        "said_later": said,
        "ticks": manifest.counts.ticks,
        "rows": manifest.rows,
        "tick_hz": manifest.tick_hz,
        "row_hz": manifest.row_hz,
        "cameras": [msgspec.to_builtins(camera) for camera in manifest.cameras],
        "verdict": judged,
        "versions": manifest.versions,
        "manifest_sha256": episode.manifest_sha256,
        "missing": [*missing(episode, labels.outcome), *([torn] if torn else [])],
        "unreadable": unreadable,
    }


def _driven_s(episode: Episode) -> float:
    """From the takeover to the end of the intervention, by the ticks' numbers; 0: nobody drove."""
    ending = episode.manifest.ending
    if ending.start_tick < 0:
        return 0.0
    return round((ending.end_tick - ending.start_tick) / episode.manifest.tick_hz, 2)


def missing(episode: Episode, outcome: Outcome) -> list[str]:
    """What an episode of this kind could have and this one has not, a sentence each."""
    manifest, counts = episode.manifest, episode.manifest.counts
    sentences: list[str] = []
    for entry in manifest.files:
        path = episode.path / entry.name
        if not path.is_file():
            sentences.append(f"{entry.name} is gone.")
        elif path.stat().st_size != entry.bytes:
            sentences.append(f"{entry.name} has not the size it was sealed with.")
    if manifest.status is Status.RECOVERED:
        sentences.append("What the crash took; the outcome, for it counts only when sealed.")
    if manifest.ending.start_tick < 0:
        sentences.append("A takeover: nobody drove.")
    if outcome is Outcome.UNLABELLED:
        sentences.append("An outcome: `unstick episodes label` gives one.")
    if counts.states < counts.ticks:
        sentences.append(f"The complete state of {counts.ticks - counts.states} ticks.")
    if counts.dropped_records:
        sentences.append(f"{counts.dropped_records} ticks that never reached the recorder.")
    if counts.missed_ticks:
        sentences.append(f"{counts.missed_ticks} control periods that the robot skipped.")
    if not manifest.cameras or not manifest.rows:
        sentences.append("Pictures.")
    for camera in manifest.cameras:
        if camera.repeated:
            sentences.append(
                f"{camera.repeated} of {camera.frames} pictures of {camera.name} did not come in "
                f"time; the one before stands there."
            )
    return sentences


def _print(facts: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in _lines(facts):
        table.add_row(name, Text(text))  # names and notes are no markup
    table_console().print(table)


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    labels, verdict = facts["labels"], facts["verdict"]
    who = facts["operator"] or "nobody"
    drove = f", {facts['driven_s']:.1f} s" if facts["driven_s"] else ""
    outcome = labels["outcome"] + (f", because: {labels['reason']}" if labels["reason"] else "")
    lines = [
        ("Episode", f"{facts['episode']}, {facts['status']}"),
        ("Where", facts["path"]),
        ("Recorded", f"{minutes(facts['recorded'])} UTC, {facts['seconds']:.1f} s"),
        ("Robot", f"{facts['robot']} ({facts['robot_type']}) at {facts['site']}"),
        ("Situation", f"{facts['scenario']}, seed {facts['seed']}, policy {facts['policy']}"),
        ("Driven by", f"{who}{drove}"),
        ("Ended", f"{ENDINGS[EndedBy(facts['ended_by'])]} ({facts['ended_by']})"),
        *(("Had it", _had(one)) for one in facts["drivers"]),
        ("Custody", _custody(facts)),
        ("Task", labels["task"] or "none named"),
        ("Outcome", outcome),
    ]
    if labels["discarded"]:
        lines.append(("Discarded", labels["discarded_why"] or "yes"))
    lines += [("Note", note) for note in labels["notes"]]
    hz, row_hz = facts["tick_hz"], facts["row_hz"]
    lines.append(("Ticks, rows", f"{facts['ticks']} at {hz} Hz, {facts['rows']} at {row_hz} Hz"))
    lines += [
        ("Camera", f"{c['name']} {c['width']}x{c['height']} {c['codec']}, {c['frames']} frames")
        for c in facts["cameras"]
    ]
    code = facts["code"]
    commit = f", {code['commit'][:_SHORT]}" if code["commit"] else ""
    changed = ", with changes" if code["dirty"] else ""
    lines.append(("Recorded with", f"Unstick {code['version']}{commit}{changed}"))
    lines.append(("Size", f"{facts['bytes'] / 1e6:.1f} MB"))
    if verdict is None:
        lines.append(("Verdict", f"not replayed: unstick validate {facts['path']}"))
    else:
        lines.append(("Verdict", f"{verdict['verdict']}: {verdict['sentence']}"))
        if verdict["doubt"]:
            lines.append(("", verdict["doubt"]))
    lines += [("Missing", sentence) for sentence in facts["missing"]]
    lines += [
        ("Said then", f"tick {one['tick']}: {_said(one)}") for one in facts["said_while_recording"]
    ]
    lines += [
        ("Said later", f"{minutes(one['wall'])} UTC: {_said(one)}") for one in facts["said_later"]
    ]
    lines += [("Unreadable", sentence) for sentence in facts["unreadable"]]
    return lines


def _had(driver: dict[str, Any]) -> str:
    consent = f"consent {driver['consent']}" if driver["consent"] else "no consent is noted"
    return f"{driver['name']}, ticks {driver['first_tick']} to {driver['last_tick']}, {consent}"


def _custody(facts: dict[str, Any]) -> str:
    kept = facts["retention"] or "how long it is kept is not noted"
    return f"{kept}; licence: {facts['licence'] or 'none is noted'}"


def _said(one: dict[str, Any]) -> str:
    words = str(one["kind"])
    words += f": {one['text']}" if one["text"] else ""
    return words + (f" ({one['by']})" if one["by"] else "")
