"""`unstick pair` and `unstick keys`: who may do what, and which robots this machine trusts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_options import Config
from teleop.safety import ConfigError
from teleop.user_folders import default_config, default_state
from transport.channels import DEFAULT_PORT
from transport.messages import Role

ON_ROBOT = "On the robot"
ON_CONSOLE = "On the operator's machine"

keys_app = typer.Typer(
    no_args_is_help=True, help="Keys: whom a robot admits, and which robots a console trusts."
)

State = Annotated[
    Path | None,
    typer.Option(help="The robot's state folder, as given to unstick agent."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def pair(
    link: Annotated[
        str | None,
        typer.Argument(help="On the operator's machine: the link that the robot shows, in quotes."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What the robot calls the operator; what is said at the robot counts."),
    ] = None,
    role: Annotated[
        Role, typer.Option(help="What the operator may do.", rich_help_panel=ON_ROBOT)
    ] = Role.OPERATOR,
    host: Annotated[
        str, typer.Option(help="Address to listen on.", rich_help_panel=ON_ROBOT)
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            help="First of the robot's ports.", min=1024, max=65_500, rich_help_panel=ON_ROBOT
        ),
    ] = DEFAULT_PORT,
    address: Annotated[
        str,
        typer.Option(
            help="Where consoles find this robot, if not at --host.", rich_help_panel=ON_ROBOT
        ),
    ] = "",
    robot: Annotated[
        str, typer.Option(help="The robot's name.", rich_help_panel=ON_ROBOT)
    ] = "rover-01",
    state: Annotated[
        Path | None,
        typer.Option(
            help="The robot's state folder, as given to unstick agent.", rich_help_panel=ON_ROBOT
        ),
    ] = None,
    code: Annotated[
        str,
        typer.Option(
            help="The code that the robot shows; better typed when asked, for other users of this "
            "machine can see a command line.",
            rich_help_panel=ON_CONSOLE,
        ),
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(
            help="Where the console keeps its keys; default: this user's config folder.",
            rich_help_panel=ON_CONSOLE,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Also print each step as a line of JSON.")
    ] = False,
) -> None:
    """Make a console known to a robot, and the robot to the console.

    First on the robot, without a link: it shows a link and a code for five minutes, then asks
    whether to admit the operator. An agent that runs goes on. Then on the operator's machine, with
    the link. Exit code 0 when paired, 1 when refused, 2 when it could not be tried."""
    from teleop.pair_screen import Screen

    screen = Screen(json=json)
    if link is None:
        if code or config:
            raise ConfigError(
                "--code and --config belong to the operator's machine; give the robot's link, too"
            )
        from teleop.pair_robot import Opening, pair_here

        opening = Opening(
            state=state or default_state(),
            host=host,
            address=address,
            port=port,
            role=role,
            robot=robot,
            called=name or "",
        )
        raise typer.Exit(pair_here(opening, screen))
    from teleop.pair_console import pair_with

    raise typer.Exit(pair_with(link, code, name or "", config or default_config(), screen))


@keys_app.command("list")
def keys_list(state: State = None, json: Json = False) -> None:
    """On the robot: list whom it admits, with role and fingerprint."""
    from teleop.key_tables import list_members

    raise typer.Exit(list_members(state or default_state(), json=json))


@keys_app.command("revoke")
def keys_revoke(
    name: Annotated[str, typer.Argument(help="Whose key, as `unstick keys list` shows it.")],
    state: State = None,
) -> None:
    """On the robot: admit somebody no more. A running agent cuts them off within a second."""
    from teleop.key_tables import revoke

    raise typer.Exit(revoke(state or default_state(), name))


@keys_app.command("robots")
def keys_robots(config: Config = None, json: Json = False) -> None:
    """On the operator's machine: list the robots it has paired with."""
    from teleop.key_tables import list_robots

    raise typer.Exit(list_robots(config or default_config(), json=json))


@keys_app.command("forget")
def keys_forget(
    address: Annotated[str, typer.Argument(help="host:port, as `unstick keys robots` shows it.")],
    config: Config = None,
) -> None:
    """On the operator's machine: trust a robot no more; pairing again makes it known again."""
    from teleop.key_tables import forget

    raise typer.Exit(forget(config or default_config(), address))


@keys_app.command("show")
def keys_show(state: State = None, config: Config = None, json: Json = False) -> None:
    """On either: show the fingerprint words of this machine's own keys, never the keys."""
    from teleop.key_tables import show_own

    raise typer.Exit(show_own(state or default_state(), config or default_config(), json=json))
