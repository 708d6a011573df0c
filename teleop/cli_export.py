"""`unstick export`: episodes in the formats others read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recorder.lerobot_features import TrainerLabels
from teleop.cli_options import Json

Only = Annotated[
    list[str] | None,
    typer.Option("--episode", help="Only this one of the folder: its id; repeat it."),
]
Steps = Annotated[
    bool, typer.Option("--steps", hidden=True, help="Lines of JSON on how far it is.")
]

export_app = typer.Typer(no_args_is_help=True, help="Write episodes in the formats others read.")


@export_app.command("lerobot")
def export_lerobot(
    path: Annotated[Path, typer.Argument(help="An episode, or a folder of episodes.")],
    out: Annotated[
        Path, typer.Argument(help="The data set's folder; must not exist yet, unless you append.")
    ],
    append: Annotated[
        bool, typer.Option("--append", help="Add to the data set at OUT, if Unstick wrote it.")
    ] = False,
    all_: Annotated[
        bool,
        typer.Option("--all", help="Also what no replay has proved; each is listed and marked so."),
    ] = False,
    labels: Annotated[
        TrainerLabels | None,
        typer.Option(
            help="sirius: columns with its action modes and pre-intervention labels. "
            "hg-dagger: only what a person drove, each stretch an episode of its own."
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            help="The episodes of this data set, from the folder PATH, by its options; what was "
            "forgotten since is left out and declared, and so is all else that has changed."
        ),
    ] = None,
    episode: Only = None,
    json: Json = False,
    steps: Steps = False,
) -> None:
    """Write a LeRobotDataset v3: video copied, labels as columns, only proved episodes.

    The target is built beside its place and renamed: whatever happens, there is the old data set
    or the new one. The same episodes and options give the same files, also when appended in the
    same order one by one."""
    from recorder.lerobot_origin import ExportOptions
    from teleop.exporting import export_as_lerobot

    if like is not None and episode:
        raise typer.BadParameter("--like takes that data set's episodes; give no others")
    if like is not None and (append or all_ or labels):
        raise typer.BadParameter("--like takes that data set's options; give no others")
    options = ExportOptions(include_unverified=all_, labels=labels)
    code = export_as_lerobot(
        *(path, out),
        options=options,
        append=append,
        like=like,
        only=episode or (),
        json=json,
        steps=steps,
    )
    raise typer.Exit(code)


@export_app.command("mcap")
def export_mcap(
    path: Annotated[Path, typer.Argument(help="An episode, or a folder of episodes.")],
    out: Annotated[Path, typer.Argument(help="The folder for the files; must not exist yet.")],
    episode: Only = None,
    json: Json = False,
    steps: Steps = False,
) -> None:
    """Write an MCAP file for each episode that opens in Foxglove: video, pose, plots, events.

    For looking at: takes every episode, proved or not. Exit code 2 when a damaged one was left out.
    """
    from teleop.exporting import export_as_mcap

    raise typer.Exit(export_as_mcap(path, out, only=episode or (), json=json, steps=steps))
