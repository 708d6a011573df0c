"""`unstick agent`, and the processes that it starts: control, media, announcer.

Heavy modules are imported inside the commands, see `teleop.cli`.
"""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from teleop.cli_options import Seed
from teleop.safety import ConfigError
from teleop.scenarios import DEFAULT_SCENARIO, SCENARIOS
from teleop.scenarios import scenario as scenario_named
from teleop.user_folders import default_episodes, default_state
from transport.channels import DEFAULT_PORT, ROW_HZ

Scenario = Annotated[
    str, typer.Option(help=f"What the simulated robot is to do: {', '.join(SCENARIOS)}.")
]
Port = Annotated[int, typer.Option(help="First of the robot's ports.", min=1024, max=65_500)]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all of them.")]
Scene = Annotated[Path | None, typer.Option(help="Another MJCF file instead of the bundled home.")]
Ice = Annotated[
    Path | None,
    typer.Option(
        help="STUN and TURN servers for the pictures, a private TOML file; see "
        "transport/README.md. Without it no server is asked."
    ),
]
Required = Annotated[str, typer.Option()]
RequiredPath = Annotated[Path, typer.Option()]


def pictures_asked(text: str) -> tuple[int, int, int]:
    """(width, height, of how many rows there is one picture) of "320x240@15", simulated cameras.

    Raises:
        ConfigError: such pictures cannot be recorded.
    """
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})(?:@(\d{1,2}))?", text)
    if found is None:
        raise ConfigError(f"{text!r} says nothing about pictures; 320x240@15 does")
    width, height, rate_hz = (int(number or ROW_HZ) for number in found.groups())
    if any(pixels % 2 or not 64 <= pixels <= 4096 for pixels in (width, height)):
        raise ConfigError(f"pictures of {text} cannot be recorded: even, 64 to 4096 pixels a side")
    if rate_hz == 0 or ROW_HZ % rate_hz or rate_hz < 5:
        raise ConfigError(f"{rate_hz} pictures a second do not fit into {ROW_HZ}; say 15 or 10")
    return width, height, ROW_HZ // rate_hz


def agent(
    scenario: Scenario = DEFAULT_SCENARIO,
    seed: Seed = 0,
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    name: Annotated[str, typer.Option(help="The robot's name; default: rover-01 or arm-01.")] = "",
    site: Annotated[str, typer.Option(help="Where it is.")] = "home-1 · living room",
    episodes: Annotated[
        Path | None, typer.Option(help="Where episodes are kept; default: this user's data folder.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where STOP, lease, its key and its list of keys are kept.")
    ] = None,
    scene: Scene = None,
    limits: Annotated[
        Path | None, typer.Option(help="The site's limits, a TOML file; see teleop/README.md.")
    ] = None,
    ice: Ice = None,
    again: Annotated[float | None, typer.Option(hidden=True, min=1.0)] = None,
    pictures: Annotated[str, typer.Option(hidden=True)] = "",
    silent: Annotated[
        bool, typer.Option("--silent", help="Do not tell the local network that it is here.")
    ] = False,
    announce: Annotated[bool, typer.Option(hidden=True)] = False,
    film: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Run a robot: control, cameras, recording. Ends with Ctrl-C; the robot then holds.

    It admits who is on its list of keys: see `unstick pair` and `unstick keys`."""
    from teleop.agent import run_agent
    from teleop.ice_files import read_ice
    from teleop.key_files import ROBOT_KEY, load_or_make
    from teleop.latch import latch_path
    from teleop.log_writer import write_beside
    from teleop.roster import AUTHORIZED_KEYS, RosterFile
    from teleop.site import load_custody, load_limits, load_video_rates

    asked = scenario_named(scenario)  # a mistake is told before anything starts
    name = name or f"{asked.kind}-01"
    library = episodes or default_episodes()
    folder = state or default_state()
    latch_path(folder, name)  # a mistake is told before anything starts
    if ice is not None:
        read_ice(ice)  # a mistake is told before anything starts
    load_or_make(folder / ROBOT_KEY)
    members = RosterFile(folder / AUTHORIZED_KEYS).read().members
    common = ["--scenario", scenario, "--seed", str(seed), "--host", host, "--port", str(port)]
    common += ["--name", name, "--state", str(folder)]
    if scene is not None:
        common += ["--scene", str(scene)]
    if limits is not None:
        load_limits(limits, asked.limits)  # a mistake is told before anything starts
        load_video_rates(limits)
        load_custody(limits)
        common += ["--limits", str(limits)]
    for_control = ["--again", str(again)] if again is not None else []
    if pictures:
        pictures_asked(pictures)  # a mistake is told before anything starts
    greeting = f"{name} listens on {host}:{port}, episodes go to {library}. Ctrl-C ends it.\n"
    if members:
        greeting += f"It admits {', '.join(member.name for member in members)}.\n"
    else:
        greeting += "It admits nobody yet. To let a console in, run `unstick pair` beside it.\n"
    if not announce:
        os.environ.setdefault("UNSTICK_LOG", "INFO")  # a person watches: tell what happens
    write_beside()
    code = run_agent(
        ["control", *common, "--site", site, *for_control],
        ["media", *common, "--episodes", str(library), "--film", film, "--pictures", pictures]
        + (["--ice", str(ice)] if ice else []),
        greeting=None if announce else greeting,
        # Whoever starts a robot for itself, as the demonstration does, knows where it is.
        announcer=()
        if silent or announce
        else [
            *("announcer", "--host", host, "--port", str(port), "--name", name, "--site", site),
            *("--kind", asked.kind, "--state", str(folder)),
        ],
    )
    raise typer.Exit(code)


def control(
    scenario: Scenario,
    seed: Seed,
    host: Host,
    port: Port,
    name: Required,
    site: Required,
    state: RequiredPath,
    scene: Scene = None,
    restarted: bool = False,
    heartbeat: Path | None = None,
    limits: Path | None = None,
    again: float | None = None,
) -> None:
    """The control process; started by `unstick agent`. `again`: see `teleop.scene_reset`."""
    from teleop.child import failing_later, go_first, leave_with_parent, say_ready
    from teleop.control import Control
    from teleop.heartbeat import Heartbeat
    from teleop.key_files import ROBOT_KEY, load_or_make
    from teleop.latch import LatchFile, latch_path
    from teleop.log_writer import write_beside
    from teleop.robot_door import robot_door
    from teleop.roster import AUTHORIZED_KEYS, RosterFile
    from teleop.site import load_limits

    write_beside()
    go_first(5)  # a tick that comes late stops the robot
    leaving = leave_with_parent()
    asked = scenario_named(scenario)
    roster = RosterFile(state / AUTHORIZED_KEYS)
    with closing(robot_door(load_or_make(state / ROBOT_KEY), roster)) as door:
        loop = Control(
            robot=asked.make_robot(seed, scene),
            name=name,
            site=site,
            host=host,
            port=port,
            door=door,
            roster=roster,
            latch=LatchFile(latch_path(state, name)),
            policy=asked.make_policy(seed),
            stuck=asked.make_stuck(),
            start_policy=not restarted,
            heartbeat=Heartbeat(heartbeat) if heartbeat is not None else None,
            limits=load_limits(limits, asked.limits),
            scene=asked.scene_reset(again),
        )
        try:
            say_ready()
            with failing_later():
                loop.run(leaving)
        finally:
            loop.close()


def media(
    scenario: Scenario,
    seed: Seed,
    host: Host,
    port: Port,
    name: Required,
    state: RequiredPath,
    episodes: RequiredPath,
    scene: Scene = None,
    ice: Ice = None,
    limits: Path | None = None,
    film: str = "",
    pictures: str = "",
) -> None:
    """The media process; started by `unstick agent`. `film`: see `teleop.bench_film`;
    `pictures`: of a simulated camera, "320x240@15"."""
    from teleop.audit_file import AuditWriter
    from teleop.audit_pages import AUDIT, AuditPages
    from teleop.auditing import Auditing
    from teleop.bench_film import BenchCameras
    from teleop.child import failing_later, give_way, leave_with_parent, say_ready
    from teleop.ice_files import read_ice
    from teleop.key_files import ROBOT_KEY, load_or_make
    from teleop.log_writer import write_beside
    from teleop.media import Media
    from teleop.mujoco_cameras import MujocoCameras
    from teleop.robot_door import robot_door
    from teleop.roster import AUTHORIZED_KEYS, RosterFile
    from teleop.site import load_custody, load_video_rates
    from transport.curve import Credentials
    from transport.ice_servers import NO_SERVERS

    write_beside()
    give_way(3)  # to control: a late picture is a nuisance, a late tick stops the robot
    leaving = leave_with_parent()
    asked = scenario_named(scenario)
    cameras = BenchCameras.of(film) if film else asked.make_cameras(seed, scene)
    every = 1
    if pictures and isinstance(cameras, MujocoCameras):
        width, height, every = pictures_asked(pictures)
        cameras.resize(width, height)
    roster = RosterFile(state / AUTHORIZED_KEYS)
    keys = load_or_make(state / ROBOT_KEY)
    with closing(robot_door(keys, roster)) as door:
        itself = Credentials(keys, keys.public)
        servers = read_ice(ice) if ice is not None else NO_SERVERS
        process = Media(
            *(name, cameras, door, roster, itself, host, port, episodes, scene),
            ice=servers,
            rates=load_video_rates(limits),
            custody=load_custody(limits),
            audit_pages=AuditPages(state / AUDIT, name),
            audit=Auditing(name, roster, AuditWriter(state, name)),
            every=every,
        )
        try:
            process.start()
            say_ready()
            with failing_later():
                process.run(leaving)
        finally:
            process.close()


def announcer(
    host: Host, port: Port, name: Required, site: Required, kind: Required, state: RequiredPath
) -> None:
    """The process that tells the network of this robot; started by `unstick agent`."""
    from teleop.announcement import Announcement
    from teleop.announcing import announce
    from teleop.child import give_way, leave_with_parent
    from teleop.key_files import ROBOT_KEY, load_or_make
    from teleop.log_writer import write_beside
    from teleop.public_key import digest_of

    write_beside()
    give_way(10)
    leaving = leave_with_parent()
    digest = digest_of(load_or_make(state / ROBOT_KEY).public)
    announce(Announcement(name, site, kind, digest, port), host, leaving)
