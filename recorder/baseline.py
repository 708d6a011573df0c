"""A baseline: the verdicts as they stood, in a file under version control, and what changed since.

Pure. The same comparison serves a baseline file and two runs in different environments: both are
lines, one for each episode. A change of controller, scene or solver that breaks old labels shows
as verdicts that got worse, whatever their number is.

    {
      "format": 1,
      "episodes": [
        {"id":"01JD…","verdict":"EXACT","label":"success","versions":"3f0a…"},
        …
      ]
    }

Sorted by id, one line each, so that a difference of two baselines reads as what happened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from recorder.episode import EpisodeError
from recorder.verdict import Kind, Verdict
from transport.messages import Outcome, Wire

BASELINE_FORMAT: Final = 1

# Worst first. Disproved, then not known, then proved: to lose a proof is worse whatever comes
# instead, and a known fault that is no longer judged breaks nothing that held. Among the disproved:
# a goal test that means nothing, labels that are wrong, labels that are right and do not carry.
GOODNESS: Final = (
    Kind.PREDICATE_FAULT,
    Kind.LABEL_FAULT,
    Kind.DIVERGED,
    Kind.NOT_APPLIED,
    Kind.UNVERIFIABLE,
    Kind.FRAGILE,
    Kind.SEMANTIC,
    Kind.EXACT,
)

_VERSIONS_DIGITS: Final = 16  # hex: 64 bit tell apart all that will ever be committed


class BaselineLine(Wire, frozen=True):
    """One episode as it was judged."""

    id: str
    verdict: Kind
    label: Outcome  # what was claimed when it was judged
    versions: str  # fingerprint of everything that replayed it


class Change(StrEnum):
    """What became of an episode's verdict."""

    WORSE = "worse"
    GONE = "gone"  # in the baseline, and not in this run
    BETTER = "better"
    RELABELLED = "relabelled"  # the same verdict, with another outcome claimed
    NEW = "new"  # not in the baseline


BREAKING: Final = frozenset({Change.WORSE, Change.GONE})


class Changed(Wire, frozen=True):
    """One episode that is not as it was."""

    id: str
    change: Change
    before: BaselineLine | None  # None: new
    after: BaselineLine | None  # None: gone


class Comparison(Wire, frozen=True):
    """Two runs compared."""

    against: str  # what it was compared with: a file, an environment
    changed: tuple[Changed, ...]  # what breaks first, by id within
    same: int

    @property
    def broken(self) -> bool:
        """Whether a verdict got worse or an episode is gone. New ones are told, not failed."""
        return any(one.change in BREAKING for one in self.changed)


class _File(Wire, frozen=True):
    format: int
    episodes: tuple[BaselineLine, ...]


def lines_of(verdicts: Iterable[Verdict]) -> tuple[BaselineLine, ...]:
    """The lines for `verdicts`, by id.

    Raises:
        EpisodeError: two verdicts are about the same episode.
    """
    lines = [
        BaselineLine(
            id=verdict.episode,
            verdict=verdict.verdict,
            label=verdict.evidence.label,
            versions=versions_fingerprint(verdict.versions_replayed),
        )
        for verdict in verdicts
    ]
    return _sorted(lines, "this run")


def versions_fingerprint(versions: dict[str, str]) -> str:
    """Short and stable: the same for the same names and versions, in whatever order."""
    digest = hashlib.sha256(msgspec.json.encode(versions, order="sorted"))
    return digest.hexdigest()[:_VERSIONS_DIGITS]


def baseline_bytes(lines: Iterable[BaselineLine]) -> bytes:
    """The file: the same bytes for the same lines, in whatever order they are given."""
    rows = [b"    " + msgspec.json.encode(line) for line in sorted(lines, key=_by_id)]
    listed = b",\n".join(rows)
    head = b'{\n  "format": %d,\n  "episodes": [' % BASELINE_FORMAT
    return head + (b"\n" + listed + b"\n  " if rows else b"") + b"]\n}\n"


def parse_baseline(raw: bytes, where: Path) -> tuple[BaselineLine, ...]:
    """The lines in `raw`, by id; a merge by hand may have left them in another order.

    Raises:
        EpisodeError: it is damaged, of another format, or names an episode twice.
    """
    advice = "Restore it, or write it anew with --update-baseline."
    try:
        file = msgspec.json.decode(raw, type=_File)
    except msgspec.DecodeError as error:
        raise EpisodeError(f"Baseline is unreadable ({error})", where, advice) from error
    if file.format != BASELINE_FORMAT:
        raise EpisodeError(f"Baseline format {file.format} is unknown", where, advice)
    return _sorted(file.episodes, where)


def compare(
    before: Iterable[BaselineLine], after: Iterable[BaselineLine], against: str
) -> Comparison:
    """What changed from `before` to `after`, each with every episode at most once."""
    old = {line.id: line for line in before}
    new = {line.id: line for line in after}
    changed = []
    for one in sorted(old.keys() | new.keys()):
        change = _change(old.get(one), new.get(one))
        if change is not None:
            changed.append(Changed(id=one, change=change, before=old.get(one), after=new.get(one)))
    order = list(Change)
    changed.sort(key=lambda one: order.index(one.change))
    same = len(old.keys() | new.keys()) - len(changed)
    return Comparison(against=against, changed=tuple(changed), same=same)


def _change(before: BaselineLine | None, after: BaselineLine | None) -> Change | None:
    if before is None:
        return Change.NEW
    if after is None:
        return Change.GONE
    step = GOODNESS.index(after.verdict) - GOODNESS.index(before.verdict)
    if step:
        return Change.BETTER if step > 0 else Change.WORSE
    return None if before.label is after.label else Change.RELABELLED


def change_sentence(changed: Changed) -> str:
    """What changed, in words, and whether the environment did, too."""
    before, after = changed.before, changed.after
    if before is None:
        return f"Not in the baseline; it is {after.verdict}." if after else ""
    if after is None:
        return f"Was {before.verdict}, and was not validated in this run."
    parts = [f"Was {before.verdict}, is {after.verdict}"]
    if before.label is not after.label:
        parts.append(f"was labelled {before.label}, is labelled {after.label}")
    parts.append(
        "replayed with the same versions"
        if before.versions == after.versions
        else "replayed with other versions"
    )
    return "; ".join(parts) + "."


def comparison_sentence(comparison: Comparison) -> str:
    """How many of each, what breaks first; none are left out, `same` included."""
    counts = {change: sum(one.change is change for one in comparison.changed) for change in Change}
    parts = [f"{count} {change}" for change, count in counts.items() if count]
    return f"Against {comparison.against}: " + ", ".join([*parts, f"{comparison.same} the same"])


def _sorted(lines: Iterable[BaselineLine], where: object) -> tuple[BaselineLine, ...]:
    ordered = tuple(sorted(lines, key=_by_id))
    for one, other in pairwise(ordered):
        if one.id == other.id:
            raise EpisodeError(
                f"Episode {one.id} stands there twice", where, "Keep one of the two."
            )
    return ordered


def _by_id(line: BaselineLine) -> str:
    return line.id
