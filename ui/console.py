"""The command line of the operator console, from its address to its exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recorder.episode import EpisodeError
from teleop.child import terminate_with_parent
from teleop.credentials import credentials_for
from teleop.safety import ConfigError
from teleop.user_folders import default_config, default_episodes
from transport.channels import DEFAULT_PORT
from transport.errors import LinkError
from ui.app import NoWindow, run_console

if TYPE_CHECKING:
    from teleop.glimpse import RobotGlimpse
    from teleop.replaying import Replaying
    from ui.bridge import Link, VideoFeed

EXIT_CONFIG = 2
SCRIPTED_SIZE = (1920, 1080)  # the reference layout; an offscreen screen has no size of its own


def parse_address(address: str) -> tuple[str, int]:
    """(host, base port) of `host:port` or `host`.

    Raises:
        LinkError: it is neither.
    """
    host, colon, port = address.rpartition(":")
    if not colon:
        return address, DEFAULT_PORT
    if not host or not port.isdigit() or not 1024 <= int(port) <= 65_500:
        raise LinkError(f"{address!r} is no robot's address; write host:port, as 127.0.0.1:7600")
    return host, int(port)


def console(
    address: Annotated[
        str, typer.Argument(help="The robot to begin with, host:port; default: the first known.")
    ] = "",
    config: Annotated[Path | None, typer.Option(help="Where this console keeps its keys.")] = None,
    ice: Annotated[Path | None, typer.Option(help="STUN and TURN servers, a TOML file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the session's figures here.")] = None,
    scripted: Annotated[
        str, typer.Option(help="The scripted operator of this scenario drives.")
    ] = "",
    with_parent: Annotated[bool, typer.Option(help="End when standard input closes.")] = False,
    screenshots: Annotated[
        Path | None, typer.Option(help="Pictures of the window go here.")
    ] = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="A camera of the robot; repeat it for each.")
    ] = None,
    play: Annotated[str, typer.Option(help="An episode to play on the robot.")] = "",
    speed: Annotated[float, typer.Option(help="Of --play: share of the recorded speed.")] = 1.0,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            "--episodes",
            help="Episodes that Review shows and --play looks in; default: this user's.",
        ),
    ] = None,
) -> None:
    """The operator console, for all robots with which this machine has been paired."""
    if with_parent:
        terminate_with_parent()
    logging.basicConfig(
        level=os.environ.get("UNSTICK_LOG", "WARNING").upper(),
        format="%(name)s: %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("aioice", "aiortc"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        keys, cameras = config or default_config(), tuple(camera or ())
        episodes = library or default_episodes()
        replaying = _to_play(play, speed, episodes) if play else None
        raise typer.Exit(
            _run(address, keys, ice, report, scripted, screenshots, cameras, replaying, episodes)
        )
    except (LinkError, NoWindow, ConfigError, EpisodeError) as error:
        sys.stderr.write(f"unstick: {error}\n")
        raise typer.Exit(EXIT_CONFIG) from None


def _to_play(play: str, speed: float, library: Path) -> Replaying:
    from recorder.demonstration import NothingToReplay
    from teleop.library import find_episode
    from teleop.replaying import Replaying

    path = find_episode(play, library)
    try:
        return Replaying.of(path, speed)
    except NothingToReplay as error:
        raise ConfigError(f"{path.name} cannot be played on a robot: {error}") from error


def _run(
    address: str,
    config: Path,
    ice: Path | None,
    report: Path | None,
    scripted: str,
    screenshots: Path | None,
    cameras: tuple[str, ...],
    replaying: Replaying | None,
    library: Path,
) -> int:
    from ui.app import check_display, check_qt

    check_display(sys.platform, os.environ)
    check_qt()
    from teleop.gamepad import Gamepad
    from teleop.ice_files import console_ice
    from teleop.profile_files import Controls, Profiles, profiles_folder
    from teleop.scenarios import scenario
    from teleop.station import Station
    from ui.bridge import Presses
    from ui.call_desk import Opened
    from ui.kept_choice import KeptChoice
    from ui.main_window import MainWindow
    from ui.no_robot import NoRobot
    from ui.robot_pictures import RobotPictures
    from ui.scripted_operator import ScriptedOperator
    from ui.session_report import ReportedLink, write_report

    # The scripted operator knows the built-in keys only.
    controls = Controls(Profiles() if scripted else Profiles.read(profiles_folder()))
    servers = console_ice(config, ice)
    station = Station(config)
    first = address or next((robot.address for robot in station.known), "")
    credentials = credentials_for(config, *parse_address(first)) if first else None
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def opened(robot: RobotGlimpse) -> Opened:
        """A link to a robot of the address book, wherever it is now."""
        link = ReportedLink(station.credentials(robot), *parse_address(robot.address))
        link.start()
        kept = KeptChoice(config, robot.paired)
        return Opened(link, RobotPictures(partial(link.video, ice=servers)), kept)

    shown: Link
    video: VideoFeed
    if credentials is None:
        shown = video = NoRobot()
    else:
        link = ReportedLink(credentials, *parse_address(first), replaying)
        link.start()
        shown, video = link, RobotPictures(partial(link.video, ice=servers), cameras)
    presses = Presses()
    pads: list[Gamepad] = []

    def ready(window: MainWindow) -> None:
        pad = Gamepad(controls, window.link.set_pad, window.link.stop, presses.press)
        pads.append(pad)
        presses.pressed.connect(window.acting.pad_action)
        pad.start()
        if not scripted:
            station.start()
            window.serve(station, opened, first)
        if scripted:
            ScriptedOperator(window, scenario(scripted).make_script(0), screenshots).start()

    def closed(window: MainWindow) -> None:
        for pad in pads:
            pad.close()
        station.close()
        last = window.robot.link
        if report is not None and isinstance(last, ReportedLink):
            write_report(report, last, window)

    return run_console(
        shown,
        video,
        title="Unstick",
        on_ready=ready,
        on_closed=closed,
        size=SCRIPTED_SIZE if scripted else None,
        controls=controls,
        kept=None if scripted or not first else KeptChoice(config, first),
        library=library,
        preferences=None if scripted else config,
    )
