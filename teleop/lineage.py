"""`unstick lineage` and `unstick diff`: what data were made from, what was made of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table
from rich.text import Text

from recorder.episode import EpisodeError
from recorder.library import open_episode
from recorder.lineage import Change, difference, went_into
from recorder.remains import ancestors_of, survey
from recorder.sources import (
    Source,
    Sources,
    altered_files,
    is_dataset,
    known_datasets,
    read_exports,
    read_sources,
)
from recorder.tombstone import read_tombstones
from teleop.library import find_episode, write_json
from teleop.validation import EXIT_FAILED, EXIT_NOT_JUDGED, table_console

_SHORT: Final = 12  # digits of a hash that people compare


def show_lineage(given: str, library: Path, datasets: list[Path], *, json: bool) -> int:
    """Print what the data set or episode `given` is part of; 2 when part of it is unreadable."""
    if is_dataset(Path(given)):
        facts = dataset_facts(Path(given), read_sources(Path(given)), library)
        lines, code = _dataset_lines(facts), 0
    else:
        facts = episode_facts(find_episode(given, library), datasets)
        lines = _episode_lines(facts)
        code = EXIT_NOT_JUDGED if facts["unreadable"] else 0
    if json:
        write_json(facts)
    else:
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(no_wrap=True, style="bold")
        table.add_column(overflow="fold")
        for name, text in lines:
            table.add_row(name, Text(text))
        table_console().print(table)
    return code


def dataset_facts(path: Path, sources: Sources, library: Path) -> dict[str, Any]:
    """What a data set was made from, and what became of it in `library` since."""
    tombs, made_from = read_tombstones(library), sources.episodes
    return {
        "dataset": str(path),
        "options": sources.options,
        "recorded_by": _counted(one.recorded_by for one in made_from),
        "exported_by": _counted(one.exported_by for one in made_from),
        "gates": _counted(one.gate_sha256 for one in made_from),
        "scenes": _counted(one.scene_sha256 for one in made_from),
        "policies": _counted(one.policy for one in made_from),
        "licences": _counted(one.licence for one in made_from),
        "robots": _counted(f"{one.robot_type} {one.robot}".strip() for one in made_from),
        "verdicts": _counted(one.verdict or "not replayed" for one in made_from),
        "episodes": [
            {**msgspec.to_builtins(one), "now": _now(one, library, one.episode in tombs)}
            for one in sources.episodes
        ],
        "forgotten": msgspec.to_builtins(sources.forgotten),
        "departures": [
            {"episode": one.episode, "sentence": one.sentence} for one in sources.departures
        ],
    }


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(word for word in words if word))


def _now(one: Source, library: Path, forgotten: bool) -> str:
    """What became of an exported episode."""
    if forgotten:
        return "forgotten"
    try:
        episode = open_episode(library / one.episode)
        labels, verdict = episode.labels, episode.verdict()
    except EpisodeError:
        return "unreadable" if (library / one.episode).exists() else "not in this library"
    if episode.manifest_sha256 != one.manifest_sha256:
        return "another manifest"
    if labels.discarded:
        return "discarded"
    if labels.outcome.value != one.outcome and one.outcome:
        return f"labelled {labels.outcome}"
    judged = verdict.verdict.value if verdict and not episode.doubt(verdict) else None
    return "the same" if judged == one.verdict else f"verdict {judged or 'out of date'}"


def episode_facts(path: Path, datasets: list[Path]) -> dict[str, Any]:
    """What an episode came from and what was made of it, as far as its library knows."""
    episode = open_episode(path)
    library = path.resolve().parent
    remains, _ = survey(library)
    exports = read_exports(library)
    looked, unreadable = known_datasets(exports, datasets)
    children = [one.episode for one in remains if episode.id in one.ancestors]
    held = went_into([episode.id, *children], exports, looked)
    return {
        "episode": episode.id,
        "path": str(path),
        "made_from": list(ancestors_of(episode.manifest)),
        "made_of_it": children,
        "datasets": [
            {"path": place, "episodes": list(inside), "exists": Path(place).is_dir()}
            for place, inside in held.items()
        ],
        "unreadable": unreadable,
    }


def _dataset_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    given = {name: value for name, value in facts["options"].items() if value is not None}
    options = ", ".join(f"{name}={value}" for name, value in given.items())
    lines = [("Data set", facts["dataset"]), ("Options", options or "none")]
    for name, title in (
        ("recorded_by", "Recorded by"),
        ("exported_by", "Exported by"),
        ("gates", "Gate"),
        ("scenes", "Scene"),
        ("policies", "Policy"),
        ("robots", "Robot"),
        ("licences", "Licence"),
        ("verdicts", "Verdict"),
    ):
        short = name in ("gates", "scenes")
        lines += [
            (title, f"{what[:_SHORT] if short else what} ({count} of {len(facts['episodes'])})")
            for what, count in facts[name].items()
        ]
    lines += [
        ("Episode", f"{one['episode']}  {one['outcome'] or 'outcome unknown'}; {one['now']}")
        for one in facts["episodes"]
    ]
    lines += [
        ("Trimmed", f"{one['episode']}  from {', '.join(one['parents'])}")
        for one in facts["episodes"]
        if one["parents"]
    ]
    lines += [("Departs", f"{one['episode']}  {one['sentence']}") for one in facts["departures"]]
    lines += [("Forgotten", f"{one['episode']}  ({one['why']})") for one in facts["forgotten"]]
    return lines


def _episode_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [("Episode", facts["episode"]), ("Where", facts["path"])]
    lines += [("Made from", one) for one in facts["made_from"]]
    lines += [("Made of it", one) for one in facts["made_of_it"]]
    for one in facts["datasets"]:
        state = "" if one["exists"] else " (is not there now)"
        lines.append(("Data set", f"{one['path']}{state}: {', '.join(one['episodes'])}"))
    if not facts["datasets"]:
        lines.append(("Data set", "none that is known"))
    lines += [("Unreadable", sentence) for sentence in facts["unreadable"]]
    return lines


def show_difference(a: Path, b: Path, *, json: bool) -> int:
    """Print how data set `b` differs from `a`; 0 when it does not, 1 when it does.

    Each has to be as it was exported, too: every file is read.
    """
    known = {path: read_sources(path) for path in (a, b)}
    found = difference(known[a], known[b])
    altered = {str(path): altered_files(path, sources) for path, sources in known.items()}
    same = found.same and not any(altered.values())
    code = 0 if same else EXIT_FAILED
    if json:
        told = {**msgspec.to_builtins(found), "altered": altered}
        write_json({"a": str(a), "b": str(b), "same": same, **told})
        return code
    lines = [f"only in {a}: {one}{_told(one, found.forgotten)}" for one in found.only_a]
    lines += [f"only in {b}: {one}{_told(one, found.forgotten)}" for one in found.only_b]
    for episode, changed in found.changed.items():
        lines += [f"{episode}: {_changed(change)}" for change in changed]
    lines += [f"option {_changed(change)}" for change in found.options]
    if found.order:
        lines.append("the episodes in both stand in another order")
    lines += [
        f"{name} of {path} is not as it was exported"
        for path, names in altered.items()
        for name in names
    ]
    sys.stdout.write("\n".join(lines or ["Made from the same."]) + "\n")
    return code


def _told(episode: str, forgotten: tuple[str, ...]) -> str:
    return " (forgotten, and declared so by the other)" if episode in forgotten else ""


def _changed(change: Change) -> str:
    a, b = ("-" if value in (None, "") else str(value) for value in (change.a, change.b))
    if change.what in ("manifest", "exporter") or change.what.startswith("file "):
        a, b = a[:_SHORT], b[:_SHORT]
    return f"{change.what} {a} → {b}"
