"""`unstick episodes`, `lineage` and `diff`: looking after the library and what was made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from recorder.tombstone import Why
from teleop.cli_options import Json
from teleop.user_folders import default_episodes
from transport.messages import Outcome

NARROW = "Which"

episodes_app = typer.Typer(no_args_is_help=True, help="Look after recorded episodes.")

Folder = Annotated[Path | None, typer.Argument(help="The folder; default: this user's.")]
Library = Annotated[
    Path | None, typer.Option(help="The folder that holds the episodes; default: this user's.")
]
One = Annotated[
    str, typer.Argument(metavar="EPISODE", help="Its folder, its id, or how the id begins.")
]
By = Annotated[str | None, typer.Option(help="Who says so; default: the name of this login.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        help="From then on, UTC: 2026-01-31 or 2026-01-31T18:30:00.", rich_help_panel=NARROW
    ),
]
Until = Annotated[datetime | None, typer.Option(help="Before then, UTC.", rich_help_panel=NARROW)]


def _library(given: Path | None) -> Path:
    return given or default_episodes()


def episode_of(given: str, library: Path | None) -> Path:
    """The folder of the episode that is meant by a path, an id or its beginning."""
    from teleop.library import find_episode

    return find_episode(given, _library(library))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


@episodes_app.command("list")
def episodes_list(
    path: Folder = None,
    outcome: Annotated[
        Outcome | None, typer.Option(help="The one that counts now.", rich_help_panel=NARROW)
    ] = None,
    verdict: Annotated[
        str | None,
        typer.Option(
            help="One that is up to date, as EXACT; none: not replayed; outdated.",
            rich_help_panel=NARROW,
        ),
    ] = None,
    operator: Annotated[str | None, typer.Option(help="Who drove.", rich_help_panel=NARROW)] = None,
    robot: Annotated[str | None, typer.Option(help="Its name.", rich_help_panel=NARROW)] = None,
    site: Annotated[str | None, typer.Option(help="Where it was.", rich_help_panel=NARROW)] = None,
    task: Annotated[
        str | None, typer.Option(help="A part of the task's words.", rich_help_panel=NARROW)
    ] = None,
    since: Since = None,
    until: Until = None,
    discarded: Annotated[
        bool | None,
        typer.Option("--discarded/--kept", help="Default: both.", rich_help_panel=NARROW),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            help="The newest so many; default: 100, with --json all.", min=0, show_default=False
        ),
    ] = 0,
    json: Json = False,
) -> None:
    """List episodes with outcome and verdict, newest first."""
    from recorder.listing import Wanted
    from teleop.library import list_episodes, verdict_named

    wanted = Wanted(
        outcome=outcome,
        verdict=verdict_named(verdict) if verdict is not None else None,
        operator=operator,
        robot=robot,
        site=site,
        task=task,
        since=_utc(since),
        until=_utc(until),
        discarded=discarded,
        limit=limit,
    )
    raise typer.Exit(list_episodes(_library(path), wanted, json=json))


@episodes_app.command("show")
def episodes_show(episode: One, library: Library = None, json: Json = False) -> None:
    """Show everything that is known about one episode, and what is missing."""
    from teleop.episode_page import show_episode

    raise typer.Exit(show_episode(episode_of(episode, library), json=json))


@episodes_app.command("label")
def episodes_label(
    episode: One,
    outcome: Annotated[Outcome | None, typer.Option(help="How it went.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why it went so; an empty one takes it back.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="What was to be done; an empty one: as recorded.")
    ] = None,
    note: Annotated[
        list[str] | None, typer.Option(help="Anything to remember; repeat it for more.")
    ] = None,
    by: By = None,
    library: Library = None,
    json: Json = False,
) -> None:
    """Say how an episode went. The sealed files stay as they are, the last word counts.

    Another outcome needs another `unstick validate`."""
    from recorder.labels import AnnotationKind
    from teleop.annotating import label_episode

    said = [
        (kind, str(text))
        for kind, text in (
            (AnnotationKind.OUTCOME, outcome),
            (AnnotationKind.REASON, reason),
            (AnnotationKind.TASK, task),
        )
        if text is not None
    ]
    said += [(AnnotationKind.NOTE, text) for text in note or ()]
    raise typer.Exit(label_episode(episode_of(episode, library), said, by, json=json))


@episodes_app.command("discard")
def episodes_discard(
    episode: One,
    why: Annotated[str, typer.Option(help="Why it is not to be used.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Use it again.")] = False,
    by: By = None,
    library: Library = None,
    json: Json = False,
) -> None:
    """Leave an episode out of exports. It stays where it is; --undo brings it back."""
    from teleop.annotating import discard_episode

    raise typer.Exit(discard_episode(episode_of(episode, library), why, by, undo=undo, json=json))


@episodes_app.command("verify")
def episodes_verify(
    episode: Annotated[
        str | None,
        typer.Argument(metavar="EPISODE", help="An episode or a folder of them; default: all."),
    ] = None,
    library: Library = None,
    json: Json = False,
) -> None:
    """Hash and read back every file, and the history of labels.

    Exit code 0 when all is as it was sealed, 2 when something is not."""
    from teleop.library import verify_episodes

    place = episode_of(episode, library) if episode is not None else _library(library)
    raise typer.Exit(verify_episodes(place, json=json))


@episodes_app.command("recover")
def episodes_recover(path: Folder = None, json: Json = False) -> None:
    """Recover what a crash left behind; an agent does the same at its start."""
    from teleop.library import recover_episodes

    raise typer.Exit(recover_episodes(_library(path), json=json))


@episodes_app.command("forget")
def episodes_forget(
    episodes: Annotated[
        list[str] | None,
        typer.Argument(metavar="EPISODE", help="Folder, id, or how the id begins."),
    ] = None,
    operator: Annotated[str | None, typer.Option(help="Who drove.", rich_help_panel=NARROW)] = None,
    site: Annotated[str | None, typer.Option(help="Where it was.", rich_help_panel=NARROW)] = None,
    since: Since = None,
    until: Until = None,
    why: Annotated[
        Why, typer.Option(help="The only word about it that stays; it names nobody.")
    ] = Why.REQUEST,
    datasets: Annotated[
        list[Path] | None,
        typer.Option(help="A folder to look into for data sets that hold them; repeat it."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    library: Library = None,
    json: Json = False,
) -> None:
    """Remove episodes for good: somebody's data must go. A tombstone stays, without any name.

    By episode, or by operator, site and time together. Data sets that hold them are listed; they
    are not changed. Killed and run again it finishes.

    Exit code 0 done, 1 not confirmed, 2 something stays that may be meant too."""
    from recorder.remains import Whom
    from teleop.forgetting import forget_episodes

    whom = Whom(operator=operator, site=site, since=_utc(since), until=_utc(until))
    code = forget_episodes(
        *(_library(library), episodes or [], whom, why, datasets or []),
        dry_run=dry_run,
        yes=yes,
        json=json,
    )
    raise typer.Exit(code)


def lineage(
    path: Annotated[str, typer.Argument(help="A data set, or an episode: folder, id, beginning.")],
    datasets: Annotated[
        list[Path] | None,
        typer.Option(help="A folder to look into for data sets; repeat it."),
    ] = None,
    library: Library = None,
    json: Json = False,
) -> None:
    """Show what a data set was made from, or what an episode came from and went into."""
    from teleop.lineage import show_lineage

    raise typer.Exit(show_lineage(path, _library(library), datasets or [], json=json))


def diff(
    a: Annotated[Path, typer.Argument(help="A data set.")],
    b: Annotated[Path, typer.Argument(help="Another.")],
    json: Json = False,
) -> None:
    """Compare what two data sets were made from: episodes, manifests, verdicts, labels, options.

    Exit code 0 when nothing differs, 1 when something does, 2 when one cannot be read."""
    from teleop.lineage import show_difference

    raise typer.Exit(show_difference(a, b, json=json))
