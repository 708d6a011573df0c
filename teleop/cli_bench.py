"""`unstick bench`, and the other processes that it measures with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_options import Json


def bench(
    name: Annotated[
        str, typer.Argument(help="video, control, record, replay, engines or console.")
    ],
    seconds: Annotated[float, typer.Option(help="How long each row is measured.", min=2)] = 10.0,
    trials: Annotated[
        int, typer.Option(help="control: how often STOP and a cut link are tried.", min=1)
    ] = 20,
    soak: Annotated[
        float, typer.Option(help="video: minutes of one long run, beside the others.", min=0)
    ] = 0.0,
    demonstrations: Annotated[
        int, typer.Option(help="replay: how many are made and damaged.", min=10)
    ] = 200,
    json: Json = False,
) -> None:
    """Measure this machine beside a peer, in the same run. A bench reports, it does not fail."""
    from teleop.bench import run_bench

    raise typer.Exit(
        run_bench(
            name,
            seconds=seconds,
            trials=trials,
            soak_min=soak,
            demonstrations=demonstrations,
            json=json,
        )
    )


def bench_sender(
    keys: Path, port: int, width: int, height: int, cameras: int = 1, stock: bool = False
) -> None:
    """The other process of `unstick bench video`."""
    from teleop.bench_video_sender import run_sender

    run_sender(keys, port, width, height, cameras=cameras, stock=stock)


def bench_part(
    kind: str, port: int, folder: Path, count: int = 0, step_back_s: float = 0.0
) -> None:
    """One of the other processes of `unstick bench control`."""
    from teleop.bench_parts import run_part

    run_part(kind, port, folder, count=count, step_back_s=step_back_s)
