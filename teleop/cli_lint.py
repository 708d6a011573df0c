"""`unstick episodes lint`, `trim` and `repair` on the command line; `add_to` registers them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_episodes import Library, One, episode_of
from teleop.cli_options import Json


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module with the `episodes` commands."""
    app.command("lint")(lint)
    app.command("trim")(trim)
    app.command("repair")(repair)


def lint(
    paths: Annotated[list[Path], typer.Argument(help="Episodes, or folders of episodes.")],
    json: Json = False,
) -> None:
    """Look for what spoils training: idle time, black or frozen video, gaps, doubtful labels.

    Each finding has its rows and its reason. Nothing is changed; `trim` proposes what to take out.
    Exit code 0 when there is nothing, 1 when there are findings, 2 when one cannot be read."""
    from teleop.linting import run_lint

    raise typer.Exit(run_lint(paths, json=json))


def trim(
    episode: One,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the shorter episode beside this one.")
    ] = False,
    prefix: Annotated[
        bool,
        typer.Option("--prefix", help="Also what comes after the shortest part that solves it."),
    ] = False,
    only: Annotated[
        list[int] | None,
        typer.Option("--only", help="This proposal, counted from 1; may be given more than once."),
    ] = None,
    library: Library = None,
    json: Json = False,
) -> None:
    """Propose which idle stretches to take out of an episode; --apply writes a new one.

    The episode itself is never changed. The new one names it as its parent, has the same labels
    and is replayed at once: one that does not solve the task any more is not kept, exit code 1."""
    from teleop.trimming import run_trim

    folder = episode_of(episode, library)
    raise typer.Exit(run_trim(folder, apply=apply, prefix=prefix, json=json, only=only or ()))


def repair(episode: One, library: Library = None, json: Json = False) -> None:
    """Undo what a replay has found wrong with an episode's actions, in a new episode.

    A shift, a turned sign, two columns swapped, a factor; what was lost stays lost. The episode
    itself is never changed. The new one is replayed at once, and not kept unless it passes: exit
    code 1."""
    from teleop.repairing import run_repair

    raise typer.Exit(run_repair(episode_of(episode, library), json=json))
