"""`unstick episodes forget`: what would go is shown, then asked for, then it goes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from recorder.episode import EpisodeError
from recorder.forget import forget
from recorder.lineage import went_into
from recorder.remains import Plan, Remains, Whom, plan_of, survey
from recorder.sources import known_datasets, read_exports
from recorder.tombstone import Why, read_tombstones
from teleop.library import require_folder, write_json
from teleop.validation import EXIT_NOT_JUDGED, table_console


@dataclass(frozen=True)
class Affected:
    """One data set that holds what goes."""

    path: str
    episodes: tuple[str, ...]
    exists: bool


def meant(given: list[str], root: Path, known: list[Remains]) -> frozenset[str]:
    """The ids of the episodes that are named by path, id or beginning, sealed or not.

    Raises:
        EpisodeError: one is not in this library, or several begin so.
    """
    ids: set[str] = set()
    for word in given:
        path = Path(word)
        if path.is_dir():
            place = path.resolve()
            found = [one for one in known if _lies_in(one, place, root.resolve())]
        else:
            found = [one for one in known if word and one.episode.startswith(word.upper())]
        if len(found) != 1:
            how_many = f"{len(found)} episodes are" if found else "No episode is"
            raise EpisodeError(
                f"{how_many} meant by {word!r}", root, "See `unstick episodes list`."
            )
        ids.add(found[0].episode)
    return frozenset(ids)


def _lies_in(one: Remains, place: Path, root: Path) -> bool:
    return place in {root / folder.name for folder in one.folders}


def forget_episodes(
    root: Path,
    given: list[str],
    whom: Whom,
    why: Why,
    datasets: list[Path],
    *,
    dry_run: bool,
    yes: bool,
    json: bool,
) -> int:
    """Forget what is meant; 2 when something stays that might be meant, or cannot be looked into.

    Raises:
        EpisodeError: nothing was named, or it cannot be found.
        typer.Abort: somebody thought better of it.
    """
    require_folder(root)
    if json and not (yes or dry_run):
        raise EpisodeError("Nobody can be asked with --json", root, "Add --yes or --dry-run.")
    if bool(given) == (whom != Whom()):
        raise EpisodeError(
            "It must be clear who is meant",
            root,
            "Give either episodes, or --operator, --site, --since and --until.",
        )
    tombs = read_tombstones(root)
    known, strange = survey(root)
    buried = [word for word in given if Path(word).name.upper() in tombs]
    if given:
        whom = Whom(episodes=meant([word for word in given if word not in buried], root, known))
    plan = plan_of(known, whom, tombs)
    ids = [one.episode for one in plan.going]
    before = [name for word in buried if (name := Path(word).name.upper()) not in ids]
    affected, unread = _affected(root, ids + before, datasets)
    doubts = [*plan.unjudged, *([] if given else strange), *unread]
    facts = _facts(plan, affected, doubts, dry_run=dry_run)
    if not json:
        _show(plan, affected, doubts)
        for name in before:
            table_console().print(f"{name}: {tombs[name].sentence}", markup=False)
    if plan.going and not dry_run:
        if not yes:
            typer.confirm("This cannot be undone. Forget them?", abort=True)
        forget(root, plan.going, why)
        sys.stderr.write(f"{_episodes(len(plan.going))} forgotten.\n")
    if json:
        write_json(facts)
    return EXIT_NOT_JUDGED if doubts or plan.recording else 0


def _affected(root: Path, ids: list[str], folders: list[Path]) -> tuple[list[Affected], list[str]]:
    """Every data set that holds one of `ids`, and a sentence for each that cannot be read."""
    exports = read_exports(root)
    looked, unread = known_datasets(exports, folders)
    found = went_into(ids, exports, looked)
    return [Affected(path, held, Path(path).is_dir()) for path, held in found.items()], unread


def _facts(
    plan: Plan, affected: list[Affected], doubts: list[str], *, dry_run: bool
) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "episodes": [one.episode for one in plan.going],
        "bytes": sum(_bytes(one) for one in plan.going),
        "unfinished": plan.unfinished,
        "made_from_them": plan.descendants,
        "sources_that_stay": plan.ancestors,
        "being_recorded": plan.recording,
        "named_in": plan.named_in,
        "not_judged": doubts,
        "datasets": [
            {"path": one.path, "episodes": one.episodes, "exists": one.exists} for one in affected
        ],
    }


def _show(plan: Plan, affected: list[Affected], doubts: list[str]) -> None:
    terminal = table_console()
    table = Table(box=None, pad_edge=False)
    for heading in ("Episode", "Opened (UTC)", "Driven by", "Site", "MB", "Why it goes"):
        table.add_column(heading, no_wrap=heading == "Episode")
    for one in plan.going:
        because = "meant"
        if one.episode in plan.descendants:
            because = "made from one that goes"
        if one.episode in plan.unfinished:
            because = "was forgotten before"
        cells = (
            one.episode,
            f"{one.opened:%Y-%m-%d %H:%M:%S}",
            ", ".join(sorted(one.drivers)) or "nobody",
            one.site or "",
            f"{_bytes(one) / 1e6:.1f}",
            because,
        )
        table.add_row(*(Text(cell) for cell in cells))
    terminal.print(table if plan.going else "Nothing here is meant.")
    lines = [
        f"Being recorded, stays: {one}. Stop the agent, then forget." for one in plan.recording
    ]
    lines += [f"Stays, though one that goes was made from it: {one}" for one in plan.ancestors]
    lines += [f"Named there, did not drive, stays: {one}" for one in plan.named_in]
    lines += [f"Stays, cannot be judged: {doubt}" for doubt in doubts]
    for found in affected:
        state = "" if found.exists else " (is not there now)"
        lines.append(f"Data set holds {_episodes(len(found.episodes))}: {found.path}{state}")
    if affected:
        lines.append("They still hold it; make each anew: unstick export lerobot … --like DATASET")
    for line in lines:
        terminal.print(line, markup=False)


def _episodes(count: int) -> str:
    return "1 episode" if count == 1 else f"{count} episodes"


def _bytes(one: Remains) -> int:
    files = (path for folder in one.folders for path in folder.rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file())
