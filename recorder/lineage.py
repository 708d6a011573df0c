"""Where data come from and what became of them; how two data sets differ. Pure.

An episode has ancestors (what it was trimmed from), descendants, and data sets it went into. A data
set has its sources. Two data sets differ by episodes, and where both have one, by what stood behind
it when each was exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recorder.sources import LEFT_OUT, Departure, ExportRecord, Source, Sources

# What may differ between two exports of one episode, in words for people.
_ASPECTS: Final = {
    "manifest_sha256": "manifest",
    "verdict": "verdict",
    "outcome": "outcome",
    "reason": "reason",
    "task": "task",
    "parents": "parents",
    "exported_by": "exported by",
    "exported_by_sha256": "exporter",
}


@dataclass(frozen=True)
class Change:
    """One thing that is not the same in both."""

    what: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Difference:
    """How data set B differs from data set A."""

    only_a: tuple[str, ...]  # episodes, in the order of their set
    only_b: tuple[str, ...]
    forgotten: tuple[str, ...]  # of the first two: the other set declares them as forgotten
    changed: Mapping[str, tuple[Change, ...]]  # by episode, of those in both
    options: tuple[Change, ...]
    order: bool  # those in both stand in another order

    @property
    def same(self) -> bool:
        """Whether there is none."""
        return not (self.only_a or self.only_b or self.changed or self.options or self.order)


def difference(a: Sources, b: Sources) -> Difference:
    """How `b` differs from `a`."""
    in_a, in_b = _by_episode(a.episodes), _by_episode(b.episodes)
    only_a = tuple(episode for episode in in_a if episode not in in_b)
    only_b = tuple(episode for episode in in_b if episode not in in_a)
    declared = {one.episode for one in (*a.forgotten, *b.forgotten)}
    both = [episode for episode in in_a if episode in in_b]
    changed = {episode: changes(in_a[episode], in_b[episode]) for episode in both}
    return Difference(
        only_a=only_a,
        only_b=only_b,
        forgotten=tuple(episode for episode in (*only_a, *only_b) if episode in declared),
        changed={episode: found for episode, found in changed.items() if found},
        options=tuple(
            Change(name, a.options.get(name), b.options.get(name))
            for name in sorted({*a.options, *b.options})
            if a.options.get(name) != b.options.get(name)
        ),
        order=both != [episode for episode in in_b if episode in in_a],
    )


def changes(a: Sequence[Source], b: Sequence[Source]) -> tuple[Change, ...]:
    """What differs between two exports of the same episode, each with all the parts it gave.

    Files are compared where nothing else explains that they differ.
    """
    found = [
        Change(what, getattr(a[0], field), getattr(b[0], field))
        for field, what in _ASPECTS.items()
        if getattr(a[0], field) != getattr(b[0], field)
    ]
    if len(a) != len(b):
        found.append(Change("parts", len(a), len(b)))
    if not found:
        files_a, files_b = _files(a), _files(b)
        found = [
            Change(f"file {name}", digest, files_b[name])
            for name, digest in files_a.items()
            if files_b.get(name, digest) != digest
        ]
    return tuple(found)


def departures(
    asked: Sources, made: Iterable[Source], why_not: Mapping[str, str]
) -> tuple[Departure, ...]:
    """In what a set made anew departs from the one `asked` for, beside what is forgotten.

    What that one declared itself stays declared, unless the episode is there now.
    """
    then, now = _by_episode(asked.episodes), _by_episode(made)
    before = [d for d in asked.departures if d.what != LEFT_OUT or d.episode not in now]
    gone = {one.episode for one in asked.forgotten} | {one.episode for one in before}
    found = []
    for episode, parts in then.items():
        if episode in now:
            found += [
                Departure(episode=episode, what=one.what, then=_word(one.a), now=_word(one.b))
                for one in changes(parts, now[episode])
            ]
        elif episode not in gone:
            why = why_not.get(episode, "It is not here, or cannot be read.")
            found.append(Departure(episode=episode, what=LEFT_OUT, then="", now=why))
    return (*before, *found)


def _by_episode(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """An episode stands in a data set once for each part of it that was exported."""
    parts: dict[str, list[Source]] = {}
    for one in sources:
        parts.setdefault(one.episode, []).append(one)
    return parts


def _files(parts: Sequence[Source]) -> dict[str, str]:
    """Name to hash. A video is the same whatever its number in the set, a table holds it."""
    return {
        f"{Path(entry.name).parts[1]}, part {number}"
        if entry.name.startswith("videos/")
        else entry.name: entry.sha256
        for number, part in enumerate(parts)
        for entry in part.files
    }


def _word(value: Any) -> str:
    return "" if value is None else str(value)


def went_into(
    episodes: Iterable[str], exports: Iterable[ExportRecord], datasets: Mapping[str, Sources]
) -> dict[str, tuple[str, ...]]:
    """Every data set that holds one of `episodes`: path to those it holds.

    `datasets` are the ones that were looked into, by absolute path; what they say themselves counts
    more than what was written down when a data set of that path was made.
    """
    wanted = list(episodes)
    held: dict[str, set[str]] = {}
    for record in exports:
        held.setdefault(record.path, set()).update(record.episodes)
    held |= {path: {one.episode for one in found.episodes} for path, found in datasets.items()}
    found = {path: tuple(one for one in wanted if one in inside) for path, inside in held.items()}
    return {path: inside for path, inside in sorted(found.items()) if inside}
