"""Where data come from and what became of them; how two data sets differ. Pure.

An episode has ancestors (what it was trimmed from), descendants, and data sets it went into. A data
set has its sources. Two data sets differ by episodes, and where both have one, by what stood behind
it when each was exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from recorder.sources import ExportRecord, Source, Sources

# What may differ between two exports of one episode, in words for people.
_ASPECTS: Final = {
    "manifest_sha256": "manifest",
    "verdict": "verdict",
    "outcome": "outcome",
    "reason": "reason",
    "task": "task",
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
    in_a = {one.episode: one for one in a.episodes}
    in_b = {one.episode: one for one in b.episodes}
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


def changes(a: Source, b: Source) -> tuple[Change, ...]:
    """What differs between two exports of the same episode."""
    return tuple(
        Change(what, getattr(a, field), getattr(b, field))
        for field, what in _ASPECTS.items()
        if getattr(a, field) != getattr(b, field)
    )


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
