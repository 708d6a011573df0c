"""Options that several commands of `unstick` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(help="Decides the room and where the robot starts.")]
Config = Annotated[
    Path | None, typer.Option(help="Where the console keeps its keys; default: this user's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
