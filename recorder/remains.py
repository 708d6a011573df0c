"""Everything that a library holds of each episode, and whose it is: what `forget` decides by.

A catalogue is not trusted here. Beside sealed episodes there are recordings that were never
sealed, ones that could not be recovered, and what a killed `forget` left; of these only the log
tells who drove, as far as it can be read. The choice itself is pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from recorder.drivers import Drivers
from recorder.durable import sha256_of
from recorder.episode import (
    FORGETTING_SUFFIX,
    LOG_FILE,
    MANIFEST_FILE,
    RECOVERING_SUFFIX,
    TIME_LETTERS,
    EpisodeError,
    Manifest,
    is_episode_id,
    opened_at,
)
from recorder.folder_lock import is_locked
from recorder.library import Episode, is_kept, open_episode
from recorder.log import LogReader


@dataclass(frozen=True)
class Remains:
    """All of one episode, whatever state it is in."""

    episode: str  # ULID
    folders: tuple[Path, ...]
    opened: datetime
    drivers: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()  # everybody whose name stands in it, drivers too
    site: str | None = None  # None: cannot be told
    ancestors: frozenset[str] = frozenset()  # the episodes that this one was made from
    manifest_sha256: str = ""  # empty: never sealed
    draft: bool = False  # only what a killed recovery or trim left; says nothing of its source
    problem: str = ""  # a sentence: why it may be somebody's without saying so
    recording: bool = False  # a living process writes it


@dataclass(frozen=True)
class Whom:
    """What is to go: the episodes named, or all to which everything else that is given applies."""

    episodes: frozenset[str] = frozenset()
    operator: str | None = None  # who drove
    site: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """What would go, and what somebody has to know before it does."""

    going: tuple[Remains, ...]
    unfinished: tuple[str, ...]  # of these: forgotten before, but not to the end
    descendants: tuple[str, ...]  # of these: made from one that goes
    ancestors: tuple[str, ...]  # stay: one that goes was made from them
    recording: tuple[str, ...]  # would go, but are being written
    named_in: tuple[str, ...]  # stay: the operator is named there, but did not drive
    unjudged: tuple[str, ...]  # stay: a sentence each why nobody can tell whose they are


def applies(one: Remains, whom: Whom) -> bool | None:
    """Whether `one` is meant by `whom`; None when it cannot be told."""
    if whom.episodes:
        return one.episode in whom.episodes
    answers: list[bool | None] = []
    if whom.operator is not None:
        drove = whom.operator in one.drivers
        answers.append(None if one.problem and not drove else drove)
    if whom.site is not None:
        answers.append(None if one.site is None else one.site == whom.site)
    if whom.since is not None:
        answers.append(one.opened >= whom.since)
    if whom.until is not None:
        answers.append(one.opened < whom.until)
    if not answers or False in answers:
        return False
    return None if None in answers else True


def plan_of(remains: Iterable[Remains], whom: Whom, forgotten: Iterable[str] = ()) -> Plan:
    """What goes: those meant, what was made from them, and what was `forgotten` half before."""
    known, before = list(remains), frozenset(forgotten)
    meant = {one.episode for one in known if applies(one, whom)}
    made = {one.episode for one in known if one.ancestors & meant}
    # A draft has the time of what it is made from, and nothing else that tells.
    times = {episode[:TIME_LETTERS] for episode in meant | made}
    made |= {one.episode for one in known if one.draft and one.episode[:TIME_LETTERS] in times}
    made -= meant
    chosen = meant | made | before
    staying = [one for one in known if one.episode not in chosen]
    return Plan(
        going=tuple(one for one in known if one.episode in chosen and not one.recording),
        unfinished=tuple(one.episode for one in known if one.episode in before),
        descendants=tuple(sorted(made)),
        ancestors=tuple(
            one.episode
            for one in staying
            if any(one.episode in other.ancestors for other in known if other.episode in chosen)
        ),
        recording=tuple(one.episode for one in known if one.episode in chosen and one.recording),
        named_in=tuple(one.episode for one in staying if whom.operator in one.named),
        unjudged=tuple(
            f"{one.episode}: {one.problem or 'where it was recorded cannot be read.'}"
            for one in staying
            if applies(one, whom) is None
        ),
    )


def survey(root: Path) -> tuple[list[Remains], list[str]]:
    """All remains in `root`, oldest first, and a sentence for each folder that has no id."""
    found: dict[str, Remains] = {}
    strange: list[str] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        one = _read(folder)
        if one is not None:
            before = found.get(one.episode)
            found[one.episode] = _together(before, one) if before else one
        elif is_kept(folder):
            strange.append(f"{folder}: it has no id; look into it and remove it by hand.")
    return sorted(found.values(), key=lambda one: one.episode), strange


def _together(one: Remains, other: Remains) -> Remains:
    """Two folders of the same episode."""
    return Remains(
        episode=one.episode,
        folders=one.folders + other.folders,
        opened=one.opened,
        drivers=one.drivers | other.drivers,
        named=one.named | other.named,
        site=one.site if one.site is not None else other.site,
        ancestors=one.ancestors | other.ancestors,
        draft=one.draft and other.draft,
        manifest_sha256=one.manifest_sha256 or other.manifest_sha256,
        problem=one.problem or other.problem,
        recording=one.recording or other.recording,
    )


def _read(folder: Path) -> Remains | None:
    """What `folder` holds of an episode; None when no id can be found."""
    name = folder.name.partition(".")[0].partition("-")[0]
    if folder.name.endswith(FORGETTING_SUFFIX):
        return Remains(name, (folder,), opened_at(name)) if is_episode_id(name) else None
    try:
        return _sealed(folder, open_episode(folder))
    except EpisodeError as error:
        if not is_episode_id(name):
            return None
        draft = folder.name.endswith(RECOVERING_SUFFIX)
        one = Remains(name, (folder,), opened_at(name), draft=draft)
        return _unsealed(one, folder, str(error))


def _sealed(folder: Path, episode: Episode) -> Remains | None:
    if not is_episode_id(episode.id):
        return None
    manifest = episode.manifest
    drivers = {driver.name for driver in manifest.drivers}
    named = drivers | set(manifest.named)
    problem = ""
    try:
        named |= {one.by for one in episode.history.annotations}
    except EpisodeError as error:
        problem = str(error)
    return Remains(
        episode=episode.id,
        folders=(folder,),
        opened=_opened(episode.id, manifest.clock.opened_wall),
        drivers=frozenset(drivers),
        named=frozenset(named - {""}),
        site=manifest.description.site,
        ancestors=frozenset(ancestors_of(manifest)),
        manifest_sha256=episode.manifest_sha256,
        problem=problem,
    )


def _unsealed(one: Remains, folder: Path, problem: str) -> Remains:
    """What the log of an episode tells that has no manifest, or none that can be read."""
    log, manifest = folder / LOG_FILE, folder / MANIFEST_FILE
    if manifest.is_file():
        one = replace(one, manifest_sha256=sha256_of(manifest))
    if not log.is_file():
        return replace(one, problem=problem)
    people = Drivers()
    recording = is_locked(folder)
    reader = LogReader(log, lenient=True)
    try:
        header = reader.header()
        one = replace(
            one,
            site=header.description.site,
            opened=_opened(one.episode, header.opened_wall),
        )
        for tick in reader.ticks():
            people.add(tick)
        for label in reader.labels():
            people.said(label)
    except EpisodeError as error:
        problem = str(error)
    else:
        problem = "" if people.found else "its log names nobody who drove."
    drivers = frozenset(driver.name for driver in people.found)
    return replace(
        one,
        drivers=drivers,
        named=drivers | set(people.named),
        problem=problem,
        recording=recording,
    )


def _opened(episode: str, wall: str) -> datetime:
    try:
        opened = datetime.fromisoformat(wall)
    except ValueError:
        return opened_at(episode)
    return opened if opened.tzinfo else opened.replace(tzinfo=UTC)


def ancestors_of(manifest: Manifest) -> tuple[str, ...]:
    """The episodes that this one was made from by editing, oldest first."""
    return tuple(parent.episode for parent in manifest.parents)
