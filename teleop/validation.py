"""`unstick validate`: replay episodes in a fresh simulator, print verdicts, give an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track

from recorder.episode import MANIFEST_FILE, EpisodeError
from recorder.library import Episode, list_episodes, open_episode
from recorder.replay import validate
from recorder.verdict import Verdict
from recorder.verdict_report import EXIT_FAILED as EXIT_FAILED
from recorder.verdict_report import EXIT_NOT_JUDGED as EXIT_NOT_JUDGED
from recorder.verdict_report import Invocation, Report, ReportEntry, Unreadable
from recorder.versions import recording_versions
from teleop.child import die_with_parent, give_way
from teleop.replay_robots import make_robot
from teleop.robot import RobotError
from teleop.validation_report import ReportFiles, baseline_for, entry_of, tell, unreadable
from transport.clock import NS_PER_S, now_ns, wall_time

NO_FILES = ReportFiles()


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


def run_validation(
    path: Path,
    *,
    scene: Path | None,
    json: bool,
    background: bool,
    files: ReportFiles = NO_FILES,
) -> int:
    """Replay what is at `path`; `background` lowers the priority and prints nothing."""
    if background:
        die_with_parent()
        give_way(10)  # a replay must not disturb control and video on the same machine
    errors = Console(stderr=True, highlight=False, quiet=background)
    baseline = baseline_for(files)
    started_wall, started_ns = wall_time(), now_ns()
    entries: list[ReportEntry] = []
    lost: list[Unreadable] = []
    paths = episodes_at(path)
    for folder in track(
        paths, description="Replaying", console=errors, disable=background or len(paths) < 2
    ):
        try:
            episode = open_episode(folder)
            verdict = _validated(episode, scene)
            entries.append(
                entry_of(
                    episode,
                    verdict,
                    linted=json or files.any,
                    pictured=files.html is not None,
                )
            )
        except (EpisodeError, OSError) as error:
            lost.append(unreadable(folder, error))
    report = Report(
        entries=tuple(entries),
        unreadable=tuple(lost),
        invocation=Invocation(
            versions=recording_versions(),
            started_wall=started_wall.isoformat(timespec="milliseconds"),
            seconds=round((now_ns() - started_ns) / NS_PER_S, 3),
        ),
    )
    terminal = table_console(quiet=background)
    return tell(report, files, baseline, json=json, terminal=terminal, errors=errors)


def _validated(episode: Episode, scene: Path | None) -> Verdict:
    return validate(
        episode,
        lambda description: make_robot(description, scene),
        errors=(RobotError, OSError, RuntimeError, ValueError, ArithmeticError),
    )


def table_console(*, quiet: bool = False) -> Console:
    """Standard output for a table: as wide as the terminal, or as it takes when there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 240, quiet=quiet)
