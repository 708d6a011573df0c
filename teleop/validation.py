"""`unstick validate`: replay episodes in a fresh simulator, print verdicts, give an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from recorder.driven import Driven
from recorder.episode import MANIFEST_FILE, EpisodeError
from recorder.library import Episode, list_episodes, open_episode
from recorder.replay import validate
from recorder.replayable import Replayable
from recorder.verdict import Kind, Verdict
from teleop.child import die_with_parent, give_way
from teleop.robot import RobotError
from transport.messages import Description

EXIT_FAILED = 1
EXIT_NOT_JUDGED = 2

# Replay robots by Description.robot_type; the import is inside, a console has no simulator.
MakeRobot = Callable[[Description, Path | None], Replayable]


_NO_SIMULATOR = "the simulator is not installed ({}): pip install 'unstick[sim]'"


def _sim_rover(description: Description, scene: Path | None) -> Replayable:
    try:
        from teleop.sim_rover import SimRover
    except ModuleNotFoundError as error:
        raise RobotError(_NO_SIMULATOR.format(error)) from None

    rover = SimRover.from_description(description, scene_path=scene)
    return Driven(rover, description.action_names)


def _sim_arm(description: Description, scene: Path | None) -> Replayable:
    try:
        from teleop.sim_arm import SimArm
    except ModuleNotFoundError as error:
        raise RobotError(_NO_SIMULATOR.format(error)) from None

    arm = SimArm.from_description(description, scene_path=scene)
    return Driven(arm, description.action_names)


ROBOTS: dict[str, MakeRobot] = {"sim-rover": _sim_rover, "sim-arm": _sim_arm}


def make_robot(description: Description, scene: Path | None = None) -> Replayable:
    """A fresh robot like the recorded one; `scene` is the file it was recorded with, if another.

    Raises:
        RobotError: there is none of this type here.
    """
    make = ROBOTS.get(description.robot_type)
    if make is None:
        raise RobotError(
            f"no robot of type {description.robot_type!r} can be replayed here; "
            f"there are: {', '.join(ROBOTS)}"
        )
    return make(description, scene)


def episodes_at(path: Path) -> list[Path]:
    """The episode at `path`, or all episodes in that folder.

    Raises:
        EpisodeError: there is none.
    """
    if (path / MANIFEST_FILE).is_file():
        return [path]
    if not path.exists():
        raise EpisodeError("No such folder", path, "Give an episode's folder, or a folder of them.")
    if not path.is_dir():
        raise EpisodeError("Not a folder", path, "Give an episode's folder, or a folder of them.")
    found = list_episodes(path)
    if not found and (path / "episodes").is_dir():
        raise EpisodeError("No episodes", path, f"Did you mean {path / 'episodes'}?")
    if not found:
        raise EpisodeError("No episodes", path, "Give an episode's folder, or a folder of them.")
    return found


def run_validation(path: Path, *, scene: Path | None, json: bool, background: bool) -> int:
    """Replay what is at `path`; `background` lowers the priority and prints nothing."""
    if background:
        die_with_parent()
        give_way(10)  # a replay must not disturb control and video on the same machine
    terminal = Console(stderr=True, highlight=False, quiet=background)
    verdicts: list[Verdict] = []
    unreadable: list[str] = []
    paths = episodes_at(path)
    for folder in track(
        paths, description="Replaying", console=terminal, disable=background or len(paths) < 2
    ):
        try:
            verdicts.append(_validated(open_episode(folder), scene))
        except (EpisodeError, OSError) as error:
            unreadable.append(str(error))
    if json:
        facts = {"verdicts": verdicts, "unreadable": unreadable}
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    elif not background:
        _print(table_console(), verdicts, len(unreadable))
    for line in unreadable:
        terminal.print(f"unstick: {line}", markup=False)
    return exit_code(verdicts, bool(unreadable))


def exit_code(verdicts: list[Verdict], unreadable: bool) -> int:
    """0 when all pass, 1 when one fails, 2 when one could not be judged."""
    if unreadable or any(v.verdict in (Kind.UNVERIFIABLE, Kind.NOT_APPLIED) for v in verdicts):
        return EXIT_NOT_JUDGED
    return 0 if all(v.passed for v in verdicts) else EXIT_FAILED


def _validated(episode: Episode, scene: Path | None) -> Verdict:
    return validate(
        episode,
        lambda description: make_robot(description, scene),
        errors=(RobotError, OSError, RuntimeError, ValueError, ArithmeticError),
    )


def table_console() -> Console:
    """Standard output for a table: as wide as the terminal, or as it takes when there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 240)


def _print(terminal: Console, verdicts: list[Verdict], unreadable: int) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("Episode", "Verdict", "Why", "Steps", "No action", "States", "Time"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("Episode", "Verdict"))
    for verdict in verdicts:
        controls = verdict.evidence.controls
        table.add_row(
            verdict.episode,
            verdict.verdict,
            verdict.sentence,
            str(verdict.steps),
            _solved(controls.null_actions_solved) if controls else "-",
            _solved(controls.recorded_states_solved) if controls else "-",
            f"{verdict.wall_s:.1f} s",
        )
    if verdicts:
        terminal.print(table)
    passed = sum(v.passed for v in verdicts)
    total = len(verdicts) + unreadable
    terminal.print(f"{passed} of {total} pass" + (f", {unreadable} unreadable" * bool(unreadable)))


def _solved(solved: bool) -> str:
    return "solved" if solved else "not solved"
