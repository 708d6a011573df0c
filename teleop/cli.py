"""The command line: `unstick demo`, `agent`, `console`, `episodes`, `export`, `validate`, …

Heavy modules are imported inside the commands, so that `--help` and the parents of processes start
fast. Messages go to standard error; standard output carries results only. Exit codes: 0 done, 1 the
answer is no, 2 it could not be judged or started, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer

from teleop import cli_lint
from teleop.cli_episodes import diff, episodes_app, lineage
from teleop.cli_export import export_app
from teleop.cli_keys import keys_app, pair
from teleop.scenarios import DEFAULT_SCENARIO, SCENARIOS
from teleop.scenarios import scenario as scenario_named
from transport.channels import DEFAULT_PORT

EXIT_CONFIG: Final = 2
EXIT_INTERRUPTED: Final = 130

app = typer.Typer(
    name="unstick",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Drive a robot that needs help; every rescue becomes a proved demonstration.",
)
app.add_typer(export_app, name="export")
app.add_typer(episodes_app, name="episodes")
cli_lint.add_to(episodes_app)
app.add_typer(keys_app, name="keys")
app.command()(pair)
app.command()(lineage)
app.command()(diff)

Scenario = Annotated[
    str, typer.Option(help=f"What the simulated robot is to do: {', '.join(SCENARIOS)}.")
]
Seed = Annotated[int, typer.Option(help="Decides the room and where the robot starts.")]
Port = Annotated[int, typer.Option(help="First of the robot's ports.", min=1024, max=65_500)]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all of them.")]
Config = Annotated[
    Path | None, typer.Option(help="Where the console keeps its keys; default: this user's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Scene = Annotated[Path | None, typer.Option(help="Another MJCF file instead of the bundled home.")]
Ice = Annotated[
    Path | None,
    typer.Option(
        help="STUN and TURN servers for the pictures, a private TOML file; see "
        "transport/README.md. Without it no server is asked."
    ),
]
ConsoleIce = Annotated[
    Path | None,
    typer.Option(
        help="STUN and TURN servers for the pictures, a private TOML file; default: ice.toml "
        "beside the keys, if there is one."
    ),
]
Required = Annotated[str, typer.Option()]
RequiredPath = Annotated[Path, typer.Option()]


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


def default_episodes() -> Path:
    """Where episodes live unless told otherwise."""
    import platformdirs

    return Path(platformdirs.user_data_dir("unstick", appauthor=False)) / "episodes"


def default_state() -> Path:
    """Where a robot remembers a latched STOP, its lease's epoch, its key and whom it admits."""
    import platformdirs

    return Path(platformdirs.user_state_dir("unstick", appauthor=False))


def default_config() -> Path:
    """Where a console keeps its key and the robots it knows."""
    import platformdirs

    return Path(platformdirs.user_config_dir("unstick", appauthor=False))


@app.command()
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


@app.command()
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
    greeting = f"{name} listens on {host}:{port}, episodes go to {library}. Ctrl-C ends it.\n"
    if members:
        greeting += f"It admits {', '.join(member.name for member in members)}.\n"
    else:
        greeting += "It admits nobody yet. To let a console in, run `unstick pair` beside it.\n"
    if not announce:
        os.environ.setdefault("UNSTICK_LOG", "INFO")  # a person watches: tell what happens
    write_beside()
    code = run_agent(
        ["control", *common, "--site", site],
        ["media", *common, "--episodes", str(library), "--film", film]
        + (["--ice", str(ice)] if ice else []),
        greeting=None if announce else greeting,
    )
    raise typer.Exit(code)


@app.command(hidden=True)
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
) -> None:
    """The control process; started by `unstick agent`."""
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
        )
        try:
            say_ready()
            with failing_later():
                loop.run(leaving)
        finally:
            loop.close()


@app.command(hidden=True)
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
) -> None:
    """The media process; started by `unstick agent`. `film`: see `teleop.bench_film`."""
    from teleop.bench_film import BenchCameras
    from teleop.child import failing_later, give_way, leave_with_parent, say_ready
    from teleop.ice_files import read_ice
    from teleop.key_files import ROBOT_KEY, load_or_make
    from teleop.log_writer import write_beside
    from teleop.media import Media
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
        )
        try:
            process.start()
            say_ready()
            with failing_later():
                process.run(leaving)
        finally:
            process.close()


@app.command("bench-sender", hidden=True)
def bench_sender(
    keys: Path, port: int, width: int, height: int, cameras: int = 1, stock: bool = False
) -> None:
    """The other process of `unstick bench video`."""
    from teleop.bench_video_sender import run_sender

    run_sender(keys, port, width, height, cameras=cameras, stock=stock)


@app.command("bench-part", hidden=True)
def bench_part(
    kind: str, port: int, folder: Path, count: int = 0, step_back_s: float = 0.0
) -> None:
    """One of the other processes of `unstick bench control`."""
    from teleop.bench_parts import run_part

    run_part(kind, port, folder, count=count, step_back_s=step_back_s)


@app.command()
def console(
    address: Annotated[str, typer.Argument(help="The robot: host:port.")] = (
        f"127.0.0.1:{DEFAULT_PORT}"
    ),
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
    """Open the operator console for one robot, with which this machine has been paired.

    With --play the robot goes to the recorded start at a tenth of its speed and repeats what was
    recorded. Letting go of the deadman, a hold, STOP or a tracking error ends it. You judge it."""
    import subprocess

    # The window is a program of its own: this package never imports Qt.
    command = [sys.executable, "-m", "ui", address]
    command += ["--config", str(config or default_config())]
    command += ["--ice", str(ice)] if ice is not None else []
    command += [part for name in camera or () for part in ("--camera", name)]
    command += ["--play", play, "--speed", str(speed)] if play else []
    command += ["--episodes", str(episodes)] if episodes is not None else []
    if sys.platform != "win32":
        os.execv(sys.executable, command)  # signals reach the window itself
    raise typer.Exit(subprocess.call(command))


@app.command()
def review(
    library: Annotated[
        Path | None, typer.Argument(help="Folder of episodes; default: this user's.")
    ] = None,
) -> None:
    """Look at recorded episodes beside their replay, and label them; needs no robot."""
    import subprocess

    from recorder.episode import EpisodeError

    root = library or default_episodes()
    if not root.is_dir():
        raise EpisodeError("No such folder", root, "Give the folder in which episodes are kept.")
    # The window is a program of its own: this package never imports Qt.
    command = [sys.executable, "-m", "ui.review", str(root.resolve())]
    if sys.platform != "win32":
        os.execv(sys.executable, command)
    raise typer.Exit(subprocess.call(command))


@app.command()
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


@app.command("replay-worker", hidden=True)
def replay_worker(ahead: bool = False) -> None:
    """Judge the demonstrations named on standard input; started by `unstick validate`."""
    from teleop.replay_worker import work

    work(ahead=ahead)


@app.command("replay-film", hidden=True)
def replay_film() -> None:
    """Replay and draw what standard input asks for; started by `unstick review`."""
    from teleop.replay_film import work

    work()


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    sys.stdout.write(f"unstick {installed('unstick')}\n")


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="video, control, record or replay.")],
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


@app.command()
def doctor(
    profile: Annotated[
        Path | None, typer.Option(help="Check this profile of keys and buttons, nothing else.")
    ] = None,
    json: Json = False,
) -> None:
    """Check what this machine has and lacks: libraries, graphics, display, codec, disk, profiles.

    Exit code 0 when all is well, 1 otherwise."""
    from teleop.doctor import run_doctor

    raise typer.Exit(run_doctor(profile, json=json))
