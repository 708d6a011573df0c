"""What a data set was made from, told by the data set itself and by the library.

    <data set>/meta/unstick.json   each episode with the hash of its manifest, what was claimed and
                                   proved about it, and the code, scene and policy behind it
    <library>/exports.jsonl        each export of the library's episodes: when, where to, of what

The first travels with the data set, the second finds it again. Neither names a person.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from recorder.durable import sha256_of
from recorder.episode import EpisodeError, FileEntry
from recorder.journal import read_journal, write_down
from recorder.library import Episode
from recorder.provenance import Code
from recorder.tombstone import Tombstone
from recorder.verdict import Verdict
from recorder.versions import recording_code
from transport.clock import wall_time
from transport.messages import Wire

SOURCES_FILE: Final = "meta/unstick.json"
EXPORTS_FILE: Final = "exports.jsonl"
LEFT_OUT: Final = "left out"

_LOG = logging.getLogger("recorder")

Option = bool | int | float | str | None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of a data set. Fields that a later version adds are passed over."""

    episode: str  # ULID
    manifest_sha256: str
    verdict: str | None = None
    sentence: str | None = None
    outcome: str = ""  # the one that counted at the export
    reason: str = ""
    task: str = ""
    robot: str = ""
    robot_type: str = ""
    scene_sha256: str = ""
    policy: str = ""
    policy_sha256: str = ""
    recorded_by: str = ""  # the program: version, commit, and whether it was changed
    recorded_by_sha256: str = ""  # of its source
    licence: str = ""
    retention: str = ""
    gate_sha256: str = ""
    config_sha256: str = ""
    versions: dict[str, str] = {}  # of what decides how actions become motion
    recorded_with: dict[str, str] = {}  # versions of the recording programs
    parents: tuple[str, ...] = ()  # what it was trimmed from, oldest first
    exported_by: str = ""  # the program that wrote the files, as in `recorded_by`
    exported_by_sha256: str = ""  # of its source
    files: tuple[FileEntry, ...] = ()  # names relative to the data set


class Departure(Wire, frozen=True):
    """What is not as in the data set that this one was to be like."""

    episode: str
    what: str  # "left out", or what changed since, as `recorder.lineage` names it
    then: str
    now: str  # of one that is left out: why

    @property
    def sentence(self) -> str:
        """For people."""
        if self.what == LEFT_OUT:
            return f"left out, was in it: {self.now}"
        return f"{self.what} {self.then or '-'} → {self.now or '-'}"


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """All of meta/unstick.json, as far as it matters here; `recorder.lerobot_origin` writes it."""

    options: dict[str, Option] = {}
    episodes: tuple[Source, ...] = ()
    forgotten: tuple[Tombstone, ...] = ()  # asked for, but no more
    departures: tuple[Departure, ...] = ()  # from the data set that it was to be like


class ExportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of exports.jsonl."""

    wall: str  # ISO 8601, UTC
    path: str  # absolute, of the data set
    form: str  # which exporter wrote it
    options: dict[str, Option]
    episodes: dict[str, str]  # id to the SHA-256 of its manifest


def source_of(episode: Episode, verdict: Verdict | None) -> Source:
    """Where an exported episode came from."""
    manifest, labels = episode.manifest, episode.labels
    description = manifest.description
    return Source(
        episode=episode.id,
        manifest_sha256=episode.manifest_sha256,
        verdict=verdict.verdict.value if verdict else None,
        sentence=verdict.sentence if verdict else None,
        outcome=labels.outcome.value,
        reason=labels.reason,
        task=labels.task,
        robot=description.robot,
        robot_type=description.robot_type,
        scene_sha256=description.scene_sha256,
        policy=description.policy,
        policy_sha256=description.policy_sha256,
        recorded_by=_code(manifest.code),
        recorded_by_sha256=manifest.code.source_sha256,
        licence=manifest.custody.licence,
        retention=manifest.custody.retention,
        gate_sha256=manifest.gate_sha256,
        config_sha256=manifest.config_sha256,
        versions=description.versions,
        recorded_with=manifest.versions,
        parents=tuple(parent.episode for parent in manifest.parents),
        exported_by=_code(recording_code()),
        exported_by_sha256=recording_code().source_sha256,
    )


def altered_files(dataset: Path, sources: Sources) -> list[str]:
    """The files of a data set that are gone or not as they were exported; reads all of them."""
    entries = (entry for one in sources.episodes for entry in one.files)
    return [entry.name for entry in entries if not _is_whole(dataset / entry.name, entry)]


def _is_whole(path: Path, entry: FileEntry) -> bool:
    try:
        return path.stat().st_size == entry.bytes and sha256_of(path) == entry.sha256
    except OSError:
        return False


def _code(code: Code) -> str:
    words = [code.version, code.commit, "with changes" if code.dirty else ""]
    return " ".join(word for word in words if word)


def is_dataset(path: Path) -> bool:
    """Whether `path` is a data set that says what it was made from."""
    return (path / SOURCES_FILE).is_file()


def read_sources(dataset: Path) -> Sources:
    """What the data set at `dataset` was made from.

    Raises:
        EpisodeError: it does not say, or not in words that are understood.
    """
    path = dataset / SOURCES_FILE
    try:
        raw = path.read_bytes()
        if raw.lstrip().startswith(b"["):  # as the first version wrote it
            return Sources(episodes=msgspec.json.decode(raw, type=tuple[Source, ...]))
        return msgspec.json.decode(raw, type=Sources)
    except OSError as error:
        raise EpisodeError(
            f"Data set does not say what it was made from ({error.strerror})",
            path,
            "Give the folder of a data set that Unstick exported.",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EpisodeError(
            f"What the data set was made from is unreadable ({error})",
            path,
            "Restore the file from a copy, or export again.",
        ) from error


def known_datasets(
    exports: Iterable[ExportRecord], folders: Iterable[Path]
) -> tuple[dict[str, Sources], list[str]]:
    """What each data set says that was written down or lies in `folders`, by absolute path.

    And a sentence for each that says it in words nobody understands. Exports that are no data sets,
    as MCAP files, say nothing themselves.

    Raises:
        EpisodeError: there is no such folder.
    """
    places = {Path(record.path) for record in exports}
    for folder in folders:
        if not folder.is_dir():
            raise EpisodeError("No such folder", folder, "Give a folder with data sets in it.")
        places |= set(_datasets_under(folder.resolve()))
    known: dict[str, Sources] = {}
    unreadable: list[str] = []
    for place in sorted(place for place in places if is_dataset(place)):
        try:
            known[str(place)] = read_sources(place)
        except EpisodeError as error:
            unreadable.append(str(error))
    return known, unreadable


def _datasets_under(folder: Path) -> Iterator[Path]:
    for place, below, _ in os.walk(folder):
        if is_dataset(Path(place)):
            below.clear()
            yield Path(place)


def note_export(
    out: Path, form: str, options: dict[str, Option], episodes: Sequence[Episode]
) -> None:
    """Write down in each episode's library that `out` was made from it.

    Call it before the export appears: one that nobody knows of is worse than one that is not there.
    A library that cannot be written is told of in the log and stops no export.
    """
    for library in sorted({episode.path.resolve().parent for episode in episodes}):
        taken = [one for one in episodes if one.path.resolve().parent == library]
        record = ExportRecord(
            wall=wall_time().isoformat(timespec="milliseconds"),
            path=str(out.resolve()),
            form=form,
            options=options,
            episodes={one.id: one.manifest_sha256 for one in taken},
        )
        _note(library, record)


def _note(library: Path, record: ExportRecord) -> None:
    try:
        write_down(library / EXPORTS_FILE, record)
    except OSError as error:
        _LOG.warning("%s does not remember what %s is made of: %s", library, record.path, error)


def read_exports(library: Path) -> list[ExportRecord]:
    """Every export that was written down in `library`, oldest first.

    Raises:
        EpisodeError: a line is not as it was written.
    """
    return read_journal(library / EXPORTS_FILE, ExportRecord, "exports")
