"""A small library with a verdict of several kinds, made by real recordings and real replays."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from recorder.annotations import annotate
from recorder.contents import make_manifest
from recorder.driven import Driven
from recorder.episode import LOG_FILE, MANIFEST_FILE, Label, camera_file, sealed_json
from recorder.labels import AnnotationKind
from recorder.library import Episode, open_episode
from recorder.log import LogReader, LogWriter
from recorder.replayable import CannotReplay, Replayable
from recorder.validate import validate
from tests.unit.recorder_support import Rover, record
from transport.messages import Description, Tick

OPENED = "2026-03-0{}T14:28:00.000+00:00"


def make_library(root: Path) -> dict[str, Path]:
    """Folders by what is special about each; the first was recorded first."""
    first = record(root / "made")
    library = root / "library"
    library.mkdir()
    found = {
        "exact": _copy(first, library, 1),
        "late": _copy(first, library, 2, late=True),
        "unverifiable": _copy(first, library, 3),
        "outdated": _copy(first, library, 4),
        "none": _copy(first, library, 5),
    }
    for name, path in found.items():
        if name != "none":
            validate(open_episode(path), _nobody if name == "unverifiable" else _rover)
    outdated = open_episode(found["outdated"])
    for kind, text in ((AnnotationKind.OUTCOME, "failure"), (AnnotationKind.REASON, "hit a vase")):
        annotate(outdated.path, outdated.manifest_sha256, kind, text, "ada")
    return found


def _rover(_description: Description) -> Replayable:
    return Driven(Rover())


def _nobody(_description: Description) -> Replayable:
    raise CannotReplay("there is no such robot here")


def _copy(episode: Episode, library: Path, number: int, *, late: bool = False) -> Path:
    """The same episode once more, opened on another day; `late` by one row of actions."""
    name = f"{episode.id[:-2]}{number:02d}"
    target = library / name
    target.mkdir()
    source = LogReader(episode.path / LOG_FILE)
    header = msgspec.structs.replace(source.header(), episode=name)
    log = LogWriter(target / LOG_FILE, header)
    before: Tick | None = None
    newest_ns = 0
    for entry in source.entries():
        if isinstance(entry, Tick):
            newest_ns = entry.stamp_ns
            applied = before.applied if late and before is not None else entry.applied
            log.tick(msgspec.structs.replace(entry, applied=applied))
            before = entry
        elif isinstance(entry, Label):
            log.label(entry, newest_ns)
        else:
            log.row(entry)
    log.finish()
    log.close()
    for camera in header.cameras:
        shutil.copy(episode.path / camera_file(camera.name), target)
    opened = OPENED.format(number)
    header = msgspec.structs.replace(header, opened_wall=opened)
    manifest = make_manifest(
        target, header, episode.manifest.ending, episode.manifest.status, opened
    )
    (target / MANIFEST_FILE).write_bytes(sealed_json(manifest))
    return target
