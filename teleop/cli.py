"""The command line: `unstick demo`, `agent`, `console`, `episodes`, `export`, `validate`, …

Commands of one kind have a module `cli_*`; here are those that stand alone, and the table of all.
Heavy modules are imported inside the commands, so that `--help` and the parents of processes start
fast. Messages go to standard error; standard output carries results only. Exit codes: 0 done, 1 the
answer is no, 2 it could not be judged or started, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from teleop import cli_lint
from teleop.cli_bench import bench, bench_part, bench_sender
from teleop.cli_episodes import diff, episodes_app, lineage
from teleop.cli_export import export_app
from teleop.cli_farm import farm, farm_operator
from teleop.cli_keys import keys_app, pair
from teleop.cli_metrics import audit, metrics
from teleop.cli_options import Json, Seed
from teleop.cli_replay import replay_film, replay_worker, validate
from teleop.cli_robot import agent, announcer, control, media
from teleop.cli_windows import console, review
from teleop.scenarios import DEFAULT_SCENARIO, SCENARIOS
from teleop.scenarios import scenario as scenario_named

EXIT_CONFIG: Final = 2
EXIT_INTERRUPTED: Final = 130

app = typer.Typer(
    name="unstick",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Drive a robot that needs help; every rescue becomes a proved demonstration.",
)


def main() -> None:
    """Run one command and leave with its exit code."""
    from recorder.episode import EpisodeError
    from teleop.robot import RobotError
    from teleop.safety import ConfigError
    from transport.errors import LinkError

    logging.basicConfig(
        level=os.environ.get("UNSTICK_LOG", "WARNING").upper(),
        format="%(name)s: %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("aioice", "aiortc", "OpenGL"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        app()
    except (RobotError, ConfigError, LinkError, EpisodeError) as error:
        _say(f"unstick: {error}")
        sys.exit(EXIT_CONFIG)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def demo(
    seed: Seed = 0,
    scenario: Annotated[
        str, typer.Option("--scenario", "--task", help=f"One of: {', '.join(SCENARIOS)}.")
    ] = DEFAULT_SCENARIO,
    episodes: Annotated[
        int,
        typer.Option(
            help="Collect so many demonstrations by scripted operators, as fast as the simulator "
            "goes, without a window; then replay them all.",
            min=0,
        ),
    ] = 0,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = Path("demo-output"),
    headless: Annotated[
        bool, typer.Option(help="No screen: a scripted operator drives the same console.")
    ] = False,
    json: Json = False,
) -> None:
    """The whole product once: a robot gets stuck, is driven free, the rescue is proved.

    Without a display a scripted operator drives the console."""
    from teleop.demo import run_demo

    asked = scenario_named(scenario)  # a mistake is told before anything starts
    if episodes:
        from teleop.collecting import run_collecting

        raise typer.Exit(run_collecting(asked, episodes, out, seed=seed, json=json))
    raise typer.Exit(run_demo(seed=seed, scenario=scenario, out=out, headless=headless, json=json))


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    sys.stdout.write(f"unstick {installed('unstick')}\n")


def doctor(
    profile: Annotated[
        Path | None, typer.Option(help="Check this profile of keys and buttons, nothing else.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Write a report without secrets here, a zip file to pass on yourself."),
    ] = None,
    json: Json = False,
) -> None:
    """Check what this machine has and lacks: libraries, graphics, display, codec, disk, profiles.

    Exit code 0 when all is well, 1 otherwise."""
    from teleop.doctor import run_doctor

    raise typer.Exit(run_doctor(profile, json=json, bundle=bundle))


# In the order of `unstick --help`.
app.command()(pair)
app.command()(lineage)
app.command()(diff)
app.command()(demo)
app.command()(farm)
app.command("farm-operator", hidden=True)(farm_operator)
app.command()(agent)
app.command(hidden=True)(control)
app.command(hidden=True)(media)
app.command(hidden=True)(announcer)
app.command("bench-sender", hidden=True)(bench_sender)
app.command("bench-part", hidden=True)(bench_part)
app.command()(console)
app.command()(review)
app.command()(metrics)
app.command()(audit)
app.command()(validate)
app.command("replay-worker", hidden=True)(replay_worker)
app.command("replay-film", hidden=True)(replay_film)
app.command()(version)
app.command()(bench)
app.command()(doctor)
app.add_typer(export_app, name="export")
app.add_typer(episodes_app, name="episodes")
cli_lint.add_to(episodes_app)
app.add_typer(keys_app, name="keys")
