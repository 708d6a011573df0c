"""`unstick validate`: which demonstrations there are, who replays them, and what is told of it.

Each demonstration is a job (`replay_jobs`); an engine answers the jobs: this process, a pool of
processes, a Ray cluster, or another Python. What is told is in `validation_report`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import track

from recorder.baseline import BaselineLine, lines_of
from recorder.durable import append_line
from recorder.episode import MANIFEST_FILE, EpisodeError
from recorder.lerobot_demonstration import recorded_episode
from recorder.lerobot_set import LeRobotSet, SetEpisode, is_lerobot_set
from recorder.library import list_episodes, open_episode
from recorder.markup import printable
from recorder.replay import replaying_versions
from recorder.verdict import Verdict
from recorder.verdict_report import EXIT_FAILED as EXIT_FAILED
from recorder.verdict_report import EXIT_NOT_JUDGED as EXIT_NOT_JUDGED
from recorder.verdict_report import Invocation, Report, ReportEntry, Unreadable
from recorder.versions import recording_versions
from teleop.child import die_with_parent, give_way
from teleop.foreign_sets import check_names
from teleop.installed import version_of
from teleop.replay_jobs import ReplayAnswer, ReplayJob, answer_of, covers, line_of
from teleop.replay_pool import judged_by_processes
from teleop.replay_worker import judged
from teleop.safety import ConfigError
from teleop.set_starts import FromLibrary, parse_start
from teleop.validation_report import ReportFiles, baseline_for, entry_of, tell, unreadable
from transport.clock import NS_PER_S, now_ns, wall_time

NO_FILES: Final = ReportFiles()
ENGINES: Final = ("pool", "ray")


@dataclass(frozen=True)
class Asked:
    """What is to be found out, by whom."""

    scene: Path | None = None
    robot: str = ""  # "gym:ID" or the like; empty: what the recording says
    start: str = ""  # where each episode of a data set begins; see `teleop.set_starts`
    rest: str = ""  # of a data set: which action asks for nothing
    repeats: int = 0
    margins: bool = False
    prefix: bool = False
    pictures: bool = False
    again: bool = False
    workers: int = 1
    engine: str = "pool"
    cluster: str = ""  # address of a Ray cluster; empty: one is started here
    against: Path | None = None  # another Python, whose verdicts are compared with ours

    def job(self, path: Path, episode: int = -1) -> ReplayJob:
        """The job of one demonstration."""
        return ReplayJob(
            path=str(path.absolute()),
            episode=episode,
            robot=self.robot,
            start=self.start,
            rest=self.rest,
            scene=str(self.scene.absolute()) if self.scene else "",
            repeats=self.repeats,
            margins=self.margins,
            prefix=self.prefix,
            pictures=self.pictures and episode < 0,  # of a set's videos nothing is drawn
            again=self.again,
        )


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
    json: bool,
    background: bool,
    asked: Asked = Asked(),
    files: ReportFiles = NO_FILES,
) -> int:
    """Replay what is at `path`; `background` lowers the priority and prints nothing."""
    if background:
        die_with_parent()
        give_way(10)  # a replay must not disturb control and video on the same machine
    errors = Console(stderr=True, highlight=False, quiet=background)
    baseline = baseline_for(files)
    started_wall, started_ns = wall_time(), now_ns()
    if baseline is not None or asked.against is not None:
        asked = replace(asked, again=True)  # a comparison is of what is so now
    source = _DataSet(path, asked) if is_lerobot_set(path) else _Episodes(path, asked)
    jobs = source.jobs()
    there = _there(jobs, asked, errors) if asked.against is not None else None
    answers = {answer.job.name: answer for answer in _shown(source.answers(jobs), jobs, errors)}
    entries: list[ReportEntry] = []
    lost: list[Unreadable] = []
    for job in jobs:
        answer = answers[job.name]
        try:
            if answer.verdict is None:
                lost.append(Unreadable(printable(job.path), printable(answer.error)))
            else:
                entries.append(source.entry(answer, json or files.any, files.html is not None))
        except (EpisodeError, OSError) as error:
            lost.append(unreadable(Path(job.path), error))
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
    compared = baseline if there is None else there
    return tell(
        report,
        files,
        compared,
        json=json,
        terminal=terminal,
        errors=errors,
        against=str(asked.against) if asked.against is not None else "",
    )


def _shown(
    answers: Iterator[ReplayAnswer], jobs: Sequence[ReplayJob], errors: Console
) -> Iterator[ReplayAnswer]:
    """The answers, with a bar while they come."""
    quiet = errors.quiet or len(jobs) < 2
    yield from track(
        answers, description="Replaying", total=len(jobs), console=errors, disable=quiet
    )


def _engine(asked: Asked) -> Callable[[Sequence[ReplayJob]], Iterator[ReplayAnswer]]:
    """Who answers the jobs."""
    if asked.engine not in ENGINES:
        raise ConfigError(f"there is no engine {asked.engine!r}; there are: {', '.join(ENGINES)}")
    if asked.engine == "ray":
        from teleop.replay_ray import judged_by_ray

        return lambda jobs: judged_by_ray(jobs, asked.workers, asked.cluster)
    if asked.workers > 1:
        return lambda jobs: judged_by_processes(jobs, asked.workers)
    return lambda jobs: map(judged, jobs)


def _there(jobs: Sequence[ReplayJob], asked: Asked, errors: Console) -> tuple[BaselineLine, ...]:
    """The verdicts of another Python on the same demonstrations; nothing of it is kept."""
    python = str(asked.against)
    try:
        found = subprocess.run(
            [python, "-m", "teleop", "version"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ConfigError(f"{python} cannot be started: {error.strerror}") from None
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["no message"])[-1]
        raise ConfigError(f"{python} has no Unstick: {last}. Install unstick[sim] there first.")
    elsewhere = [msgspec.structs.replace(job, again=True, keep=False) for job in jobs]
    answers = judged_by_processes(elsewhere, asked.workers, python=python)
    verdicts = [a.verdict for a in _shown(answers, elsewhere, errors) if a.verdict is not None]
    if not verdicts:
        raise ConfigError(f"{python} gave no verdict at all; try there: unstick validate PATH")
    return lines_of(verdicts)


class _Episodes:
    """Recorded episodes: each keeps its verdict beside it."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self._path, self._asked = path, asked

    def jobs(self) -> list[ReplayJob]:
        asked = self._asked
        if asked.robot or asked.start or asked.rest:
            raise ConfigError(
                "recorded episodes know their robot and their start: leave --robot, --start and "
                "--rest out, they are for data sets"
            )
        return [asked.job(folder) for folder in episodes_at(self._path)]

    def answers(self, jobs: Sequence[ReplayJob]) -> Iterator[ReplayAnswer]:
        return _engine(self._asked)(jobs)

    def entry(self, answer: ReplayAnswer, linted: bool, pictured: bool) -> ReportEntry:
        assert answer.verdict is not None
        episode = open_episode(Path(answer.job.path))
        return entry_of(episode, answer.verdict, linted=linted, pictured=pictured)


class _DataSet:
    """A LeRobot data set: its verdicts are kept in a file beside it, each appended once."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self._set, self._asked = LeRobotSet(path), asked
        self._journal = path.absolute().parent / f"{path.absolute().name}.verdicts.jsonl"

    def jobs(self) -> list[ReplayJob]:
        check_names(self._asked.robot, self._asked.start, self._asked.rest)
        return [self._asked.job(self._set.path, one.index) for one in self._set.episodes]

    def answers(self, jobs: Sequence[ReplayJob]) -> Iterator[ReplayAnswer]:
        known = {} if self._asked.again else self._known(jobs)
        yield from known.values()
        for answer in _engine(self._asked)([job for job in jobs if job.name not in known]):
            self._keep(answer)
            yield answer

    def _keep(self, answer: ReplayAnswer) -> None:
        line = line_of(answer).rstrip(b"\n")
        try:
            append_line(self._journal, lambda _: line)
        except OSError as error:
            raise EpisodeError(
                f"Verdicts cannot be kept ({error.strerror})",
                self._journal,
                "They lie beside the data set: make that folder writable, or copy the set.",
            ) from error

    def _known(self, jobs: Sequence[ReplayJob]) -> dict[str, ReplayAnswer]:
        """What was judged before, of the same rows, by the same code and robot.

        A line that was cut off is none. What could not be replayed is tried again: what was amiss
        may have been put right.
        """
        ours = replaying_versions()
        found: dict[str, ReplayAnswer] = {}
        wanted = {job.name: job for job in jobs}
        episodes = {one.index: one for one in self._set.episodes}
        try:
            lines = self._journal.read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        for line in lines:
            try:
                answer = answer_of(line)
            except msgspec.DecodeError:
                continue
            job, verdict = wanted.get(answer.job.name), answer.verdict
            if job is None or verdict is None or not covers(verdict, job.wanted):
                continue
            if not _made_by(verdict, ours):
                continue
            if not self._labelled_as(job.episode, verdict):
                continue
            if _place(answer.job) == _place(job) and self._is_of(verdict, episodes[job.episode]):
                found[job.name] = msgspec.structs.replace(answer, job=job, kept=True)
        return found

    def _is_of(self, verdict: Verdict, episode: SetEpisode) -> bool:
        """Whether the episode's file still says what was judged."""
        try:
            return verdict.manifest_sha256 == self._set.sha256(episode)
        except OSError:
            return False  # it is judged again, which says what is amiss

    def _labelled_as(self, index: int, verdict: Verdict) -> bool:
        """Whether the recorded episode has the outcome still that it was judged with."""
        start = parse_start(self._asked.start)
        if not isinstance(start, FromLibrary):
            return True  # the set itself says it, which its hash covers
        (episode,) = (one for one in self._set.episodes if one.index == index)
        try:
            return recorded_episode(episode, start.path).labels.outcome is verdict.evidence.label
        except EpisodeError:
            return False

    def entry(self, answer: ReplayAnswer, linted: bool, pictured: bool) -> ReportEntry:
        assert answer.verdict is not None
        (episode,) = (one for one in self._set.episodes if one.index == answer.job.episode)
        return ReportEntry(
            verdict=answer.verdict,
            path=printable(str(self._set.path / episode.file)),
            task=_task(episode),
            robot_type=self._set.robot_type or self._asked.robot,
            site="",
            operator=str(episode.said.get("operator") or ""),
            outcome=answer.verdict.evidence.label,
            findings=-1,
            pictures=None,
        )


def _place(job: ReplayJob) -> tuple[str, ...]:
    """What is replayed, on what, from where."""
    return job.path, job.robot, job.start, job.rest, job.scene


def _made_by(verdict: Verdict, ours: Mapping[str, str]) -> bool:
    """Whether this code, and the robot's packages as they are installed here, gave the verdict."""
    there = verdict.versions_replayed
    robots = {name: version_of(name) for name in there if name not in ours}
    return all(there.get(name) == version for name, version in ours.items()) and all(
        version in ("unknown", there[name]) for name, version in robots.items()
    )


def _task(episode: SetEpisode) -> str:
    return episode.tasks[0] if episode.tasks else ""


def table_console(*, quiet: bool = False) -> Console:
    """Standard output for a table: as wide as the terminal, or as it takes when there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 240, quiet=quiet)
