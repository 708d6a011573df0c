"""`unstick validate`, and the processes that replay for it and for the review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_options import Json


def validate(
    path: Annotated[
        Path, typer.Argument(help="An episode, a folder of episodes, or a LeRobot v3 data set.")
    ],
    scene: Annotated[
        Path | None, typer.Option(help="The MJCF file they were recorded with, if not the bundled.")
    ] = None,
    start: Annotated[
        str,
        typer.Option(
            help="Where each episode of a data set begins: the folder of episodes that it was "
            "exported from; seed[:FIRST], a seed for each, counted from FIRST (default: the column "
            "seed of meta/episodes, else from 0); column:NAME, a column with the complete state."
        ),
    ] = "",
    robot: Annotated[
        str,
        typer.Option(
            help="Of somebody else's data set: the robot it is for, as gym:ID or "
            "gym:ID?option=value&option=value."
        ),
    ] = "",
    rest: Annotated[
        str,
        typer.Option(
            help="Of somebody else's data set: the action that asks for nothing, zero or first, "
            "the episode's first one; default: zero where actions are no positions."
        ),
    ] = "",
    repeats: Annotated[
        int, typer.Option(help="Replay so often again, on robots made anew.", min=0, max=1000)
    ] = 0,
    margins: Annotated[
        bool, typer.Option(help="Find how much offset, delay, loss and noise each one bears.")
    ] = False,
    prefix: Annotated[
        bool, typer.Option(help="Find the shortest beginning that still solves the task.")
    ] = False,
    pictures: Annotated[
        bool,
        typer.Option(help="Draw the states again and look whether the videos belong to them."),
    ] = True,
    again: Annotated[
        bool, typer.Option(help="Also replay what has a verdict that is up to date.")
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Processes that replay at the same time.", min=1, max=1024)
    ] = 1,
    engine: Annotated[
        str, typer.Option(help="pool: processes of this machine; ray: a Ray cluster.")
    ] = "pool",
    cluster: Annotated[
        str, typer.Option(help="Address of the Ray cluster; default: one is started here.")
    ] = "",
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another Python with Unstick and other package versions: compare its verdicts "
            "with ours; exit code 1 when one here is worse."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with plots: one file, needs no network.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write JUnit XML: a test case for each episode.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(help="Write SARIF 2.1.0: a result for each that does not pass.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Compare with the verdicts in this file; the exit code is then 1 when one got "
            "worse or is gone, else 0."
        ),
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write the file of --baseline anew; exit 0.")
    ] = False,
    json: Json = False,
    background: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Replay demonstrations in a fresh simulator: do the recorded actions solve the task?

    What has a verdict that is up to date is not replayed again. Exit code 0 when all pass, 1 when
    one fails, 2 when one could not be judged."""
    from teleop.validation import Asked, run_validation
    from teleop.validation_report import ReportFiles

    asked = Asked(
        scene=scene,
        robot=robot,
        start=start,
        rest=rest,
        repeats=repeats,
        margins=margins,
        prefix=prefix,
        pictures=pictures and not background,
        again=again,
        workers=workers,
        engine=engine,
        cluster=cluster,
        against=against,
    )
    files = ReportFiles(junit, sarif, html, baseline, update_baseline)
    if against is not None and baseline is not None:
        raise typer.BadParameter("--against and --baseline are two comparisons: give one.")
    raise typer.Exit(
        run_validation(path, json=json, background=background, asked=asked, files=files)
    )


def replay_worker(ahead: bool = False) -> None:
    """Judge the demonstrations named on standard input; started by `unstick validate`."""
    from teleop.replay_worker import work

    work(ahead=ahead)


def replay_film() -> None:
    """Replay and draw what standard input asks for; started by `unstick review`."""
    from teleop.replay_film import work

    work()
