"""What LeRobot is given to judge: episodes, data sets of them, and what the recorder knows.

The episodes are made so that whatever can go wrong shows: every picture has a number in it; they
begin between key frames, share rows with another, are driven by several people who let go, and one
was left behind by a crash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from recorder.annotations import annotate
from recorder.driven import Driven
from recorder.episode import EpisodeError
from recorder.export_lerobot import export_lerobot
from recorder.lerobot_features import TrainerLabels
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, open_episode
from recorder.recover import recover
from recorder.validate import validate
from tests.unit.recorder_support import (
    Rover,
    feed,
    one_after_the_other,
    record,
    recorder,
    session,
    stamp,
)
from transport.messages import AnnotationKind, Outcome, Source

LABELS = tuple(TrainerLabels)
WIDEST = 160  # of a picture that is kept to compare; a larger one is thinned out


def make_episodes(root: Path) -> list[Episode]:
    """Eight episodes; the last one was recovered."""
    proved = [record(root, wait=wait, drive=180, operator="ada") for wait in (30, 52)]
    for episode in proved:
        assert validate(episode, lambda _: Driven(Rover())).passed
    failed = record(root, wait=34, drive=200, operator="eve", outcome=Outcome.FAILURE)
    annotate(
        *(failed.path, failed.manifest_sha256, AnnotationKind.REASON),
        *("The wheel slipped", "eve"),
    )
    unproved = record(root, wait=46, drive=60, operator="ada")
    overlapping = one_after_the_other(root, apart=254, outcome=Outcome.FAILURE)
    shared = _two_people_who_let_go(root)
    made = [*proved, failed, unproved, *overlapping, shared, _left_by_a_crash(root)]
    return [open_episode(episode.path) for episode in made]


def _two_people_who_let_go(root: Path) -> Episode:
    """ada drives and lets go for more than a second; eve drives on, with a short pause."""
    ticks = list(session(wait=44, drive=300))
    for at in range(180, 260):
        ticks[at] = msgspec.structs.replace(ticks[at], source=Source.HOLD, deadman=False)
    for at in range(260, 434):
        ticks[at] = msgspec.structs.replace(ticks[at], operator="eve")
    for at in range(300, 316):
        ticks[at] = msgspec.structs.replace(ticks[at], source=Source.HOLD, deadman=False)
    rec = recorder(root)
    feed(rec, iter(ticks))
    rec.close(stamp(10_000))
    (path,) = rec.sealed()
    return open_episode(path)


def _left_by_a_crash(root: Path) -> Episode:
    whole = record(root, wait=40, drive=90, operator="joe")
    folder = whole.path.with_name(f"{whole.id}.rec")
    whole.path.rename(folder)
    (folder / "manifest.json").unlink()
    found = recover(folder)
    assert found.recovered
    return open_episode(found.path)


def write_truth(episodes: list[Episode], folder: Path, *, made: bool) -> None:
    """What a data set has to say, from the episodes themselves: values, drivers and pictures."""
    folder.mkdir()
    widths = {camera.width for episode in episodes for camera in episode.manifest.cameras}
    step = max(1, max(widths) // WIDEST)
    facts = {"made": made, "step": step, "episodes": {e.id: _known(e) for e in episodes}}
    (folder / "truth.json").write_text(json.dumps(facts))
    for episode in episodes:
        for camera in episode.manifest.cameras:
            pictures = [frame[::step, ::step] for frame in episode.frames(camera.name)]
            assert len(pictures) == episode.manifest.rows
            np.save(folder / f"{episode.id}.{camera.name}.npy", np.stack(pictures))


def _known(episode: Episode) -> dict[str, Any]:
    verdict, outcome = episode.verdict(), episode.labels.outcome
    counts = verdict is not None and not episode.doubt(verdict)
    passed = verdict is not None and counts and verdict.passed
    driver = {tick.tick: tick.operator for tick in episode.ticks()}
    return {
        "columns": {
            "success": passed if outcome is Outcome.UNLABELLED else outcome is Outcome.SUCCESS,
            "replay/verdict": str(verdict.verdict) if verdict and counts else "NOT_REPLAYED",
            "reason": episode.labels.reason,
            "unstick/outcome": str(outcome),
            "unstick/status": str(episode.manifest.status),
        },
        "operators": list(episode.manifest.operators),
        "drivers": [driver[row.tick] for row in episode.rows()],
    }


def export(episodes: list[Episode], out: Path) -> list[Path]:
    """What was proved, a set of everything that grew by appends, and one for each kind of labels.

    Of recorded episodes a set may have none that fits; it is left out, and said.
    """
    everything = ExportOptions(include_unverified=True)
    sets = []
    for episode in episodes:
        export_lerobot([episode], out / "all", options=everything, append=True)
    sets.append(out / "all")
    wanted = {"proved": ExportOptions()}
    wanted |= {str(labels): msgspec.structs.replace(everything, labels=labels) for labels in LABELS}
    for name, options in wanted.items():
        try:
            sets.append(export_lerobot(episodes, out / name, options=options).path)
        except EpisodeError as error:
            print(f"No set {name!r}: {error}")
    return sets
