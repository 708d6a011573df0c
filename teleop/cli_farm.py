"""`unstick farm`, and the scripted operators that it starts.

Heavy modules are imported inside the commands, see `teleop.cli`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_options import Json, Seed
from teleop.home_troubles import SCENARIOS
from transport.channels import DEFAULT_PORT


def farm(
    robots: Annotated[int, typer.Option(help="How many.", min=1, max=64)] = 3,
    operators: Annotated[
        int, typer.Option(help="Scripted operators that compete for the calls.", min=0, max=16)
    ] = 0,
    port: Annotated[
        int,
        typer.Option(
            help="First port of the first robot, each has ten; 0: free ones.", min=0, max=65_000
        ),
    ] = DEFAULT_PORT,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder of everything; the farm's own.")] = Path(
        "farm-output"
    ),
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What robots get stuck in, repeat it for more: {', '.join(SCENARIOS)}. "
            "Default: all, in turn."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds that a call waits before its robot begins anew.", min=1)
    ] = 120.0,
    minutes: Annotated[
        float | None, typer.Option(help="End by itself after so long. Default: Ctrl-C ends it.")
    ] = None,
    pictures: Annotated[
        str, typer.Option(help="Size and rate of the cameras, 640x480 or 320x240@15.")
    ] = "320x240@15",
    json: Json = False,
) -> None:
    """Many simulated robots on this machine: they work, get stuck, call, and after a rescue, or
    when nobody came, begin anew. Ctrl-C ends them all.

    With --operators the calls are served; the summary holds the robots' record against the
    operators' lists. Exit code 1 when a call was lost, served twice or labelled otherwise than it
    ended."""
    from teleop.farm_run import run_farm

    code = run_farm(
        robots=robots,
        operators=operators,
        port=port,
        seed=seed,
        out=out,
        scenarios=scenario or [],
        timeout_s=timeout,
        minutes=minutes,
        pictures=pictures,
        json=json,
    )
    raise typer.Exit(code)


def farm_operator(
    config: Annotated[Path, typer.Option()],
    person: int = 0,
    calls: int | None = None,
    seconds: float | None = None,
) -> None:
    """A scripted operator without a window; started by `unstick farm`. Each call that it went to
    is a line of JSON on standard output."""
    import msgspec

    from teleop.child import failing_later, leave_with_parent, say_ready
    from teleop.farm_operator import work
    from teleop.rescue_script import Slack
    from teleop.shift import Served, Shift
    from transport.clock import NS_PER_S, now_ns

    def tell(one: Served) -> None:
        sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        sys.stdout.flush()

    leaving = leave_with_parent()
    until_ns = None if seconds is None else now_ns() + round(seconds * NS_PER_S)
    slack = Slack.of(person) if person else Slack()
    say_ready()
    with failing_later():
        work(config, Shift(slack, calls, until_ns), leaving, tell)
