"""`unstick console` and `review`: the windows, which are programs of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from teleop.cli_options import Config
from teleop.user_folders import default_config, default_episodes

ConsoleIce = Annotated[
    Path | None,
    typer.Option(
        help="STUN and TURN servers for the pictures, a private TOML file; default: ice.toml "
        "beside the keys, if there is one."
    ),
]


def console(
    address: Annotated[
        str, typer.Argument(help="The robot to begin with, host:port; default: the first known.")
    ] = "",
    config: Config = None,
    ice: ConsoleIce = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="A camera to show; repeat it for each. Default: all.")
    ] = None,
    play: Annotated[
        str,
        typer.Option(
            help="Play this episode on the robot while you hold the deadman: a path, an id or its "
            "beginning."
        ),
    ] = "",
    speed: Annotated[
        float, typer.Option(help="Of --play: share of the recorded speed.", min=0.05, max=1.0)
    ] = 1.0,
    episodes: Annotated[
        Path | None, typer.Option(help="Where --play looks for it; default: this user's.")
    ] = None,
) -> None:
    """Open the operator console for all robots with which this machine has been paired.

    With --play the robot goes to the recorded start at a tenth of its speed and repeats what was
    recorded. Letting go of the deadman, a hold, STOP or a tracking error ends it. You judge it."""
    command = ["ui", *([address] if address else [])]
    command += ["--config", str(config or default_config())]
    command += ["--ice", str(ice)] if ice is not None else []
    command += [part for name in camera or () for part in ("--camera", name)]
    command += ["--play", play, "--speed", str(speed)] if play else []
    command += ["--episodes", str(episodes)] if episodes is not None else []
    _go_on_as(command)


def review(
    library: Annotated[
        Path | None, typer.Argument(help="Folder of episodes; default: this user's.")
    ] = None,
) -> None:
    """Look at recorded episodes beside their replay, and label them; needs no robot."""
    from recorder.episode import EpisodeError

    root = library or default_episodes()
    if not root.is_dir():
        raise EpisodeError("No such folder", root, "Give the folder in which episodes are kept.")
    _go_on_as(["ui.review", str(root.resolve())])


def _go_on_as(window: list[str]) -> NoReturn:
    """Become a module of `ui` with its arguments, or wait for it and leave with its exit code.

    A window is a program of its own: this package never imports Qt.
    """
    import subprocess

    command = [sys.executable, "-m", *window]
    if sys.platform != "win32":
        os.execv(sys.executable, command)  # signals reach the window itself
    raise typer.Exit(subprocess.call(command))
