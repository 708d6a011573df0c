"""A library of as many episodes as wanted: real manifests and verdicts, one recording for all."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from recorder.annotations import annotate
from recorder.driven import Driven
from recorder.episode import MANIFEST_FILE, VERDICT_FILE, Manifest, episode_id, sealed_json
from recorder.labels import AnnotationKind
from recorder.library import Episode
from recorder.validate import validate
from recorder.verdict import Verdict
from tests.unit.recorder_support import Rover, record
from transport.messages import Outcome

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
OPERATORS = ("ada", "eve", "joe")
SITES = ("north", "south")


def pattern(root: Path) -> tuple[Episode, Verdict]:
    """One recorded and proved episode."""
    episode = record(root)
    return episode, validate(episode, lambda _: Driven(Rover()))


def recorded_at(number: int) -> datetime:
    """One episode a minute."""
    return BEGIN + timedelta(minutes=number)


def like(manifest: Manifest, number: int) -> Manifest:
    """The `number`-th of a library: operators, sites, robots and outcomes take turns."""
    opened = recorded_at(number)
    name = episode_id(int(opened.timestamp() * 1000), number.to_bytes(10, "big"))
    robot, site = f"rover-{number % 4}", SITES[number % len(SITES)]
    outcome = (Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILURE)[number % 3]
    operator = OPERATORS[number % len(OPERATORS)]
    drivers = tuple(msgspec.structs.replace(one, name=operator) for one in manifest.drivers)
    said = tuple(msgspec.structs.replace(one, by=operator) for one in manifest.ending.labels)
    return msgspec.structs.replace(
        manifest,
        episode=name,
        description=msgspec.structs.replace(manifest.description, robot=robot, site=site),
        drivers=drivers,
        ending=msgspec.structs.replace(
            manifest.ending, operator=operator, outcome=outcome, labels=said
        ),
        clock=msgspec.structs.replace(
            manifest.clock, opened_wall=opened.isoformat(timespec="milliseconds")
        ),
    )


def fill(root: Path, manifest: Manifest, verdict: Verdict, numbers: range) -> None:
    """Folders with manifest, verdict (three of four) and annotation (one of ten), no recording."""
    for number in numbers:
        one = like(manifest, number)
        folder = root / one.episode
        folder.mkdir()
        raw = sealed_json(one)
        (folder / MANIFEST_FILE).write_bytes(raw)
        digest = hashlib.sha256(raw).hexdigest()
        if number % 4:
            evidence = msgspec.structs.replace(verdict.evidence, label=one.ending.outcome)
            judged = msgspec.structs.replace(
                verdict, episode=one.episode, manifest_sha256=digest, evidence=evidence
            )
            (folder / VERDICT_FILE).write_bytes(sealed_json(judged))
        if number % 10 == 0:
            annotate(folder, digest, AnnotationKind.NOTE, f"the {number}th", "eve")
