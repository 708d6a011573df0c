"""`unstick bench record`: what recording costs the operator, the robot and the disk.

The product on two cores: control with the simulated robot, media with two synthetic cameras of the
wanted size (`teleop.bench_film`), recording, and streaming both to one viewer that decodes them,
in processes as on a robot. An operator takes over, turns left and right, marks the outcome and
hands back, a few times. How each figure is taken:

episode     ten seconds of pre-roll, the drive, and the second that is recorded after a hand-back
wait        from the last tick of an episode to the moment when it bears its final name and all of
            it is synced (`teleop.bench_sealing`). The recording goes on for a second after the
            hand-back, by intent; the wait from the hand-back itself is a row of its own
verdict     thirty seconds of driving; from the last tick, and from the hand-back, until the console
            has heard what the robot's own replay of the episode has proved
late        control periods that the robot skipped from the takeover until the episode was sealed
rows        even ticks between first and last without a row; rows that are not frames in every
            camera; everything is read back and hashed (`Episode.verify`)
size        of the whole episode folder, both cameras; quality and the peer's encoder: see
            `teleop.bench_quality`
lint        processor time of one thread over all episodes of the first size, against their length
export      the same, of a LeRobot data set with all of them
library     many copies of the first episode's manifest, listed once to make the catalogue; then
            listed right after one more came, and once more when nothing has changed
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from recorder.catalogue import SETTLED_NS, list_library
from recorder.episode import MANIFEST_FILE, EpisodeError, episode_id, sealed_json
from recorder.export_lerobot import export_lerobot
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, open_episode
from recorder.lint import lint
from recorder.listing import Wanted
from recorder.preroll import PREROLL_NS
from teleop.bench import Row, row
from teleop.bench_figures import missed_ticks
from teleop.bench_keys import press_keys
from teleop.bench_load import keep_to, spent_s, tell_disturbance
from teleop.bench_operator import Operator
from teleop.bench_quality import quality_rows
from teleop.bench_robot import BenchRobot
from teleop.bench_sealing import Sealings
from transport.channels import TICKS_PER_ROW
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.errors import LinkError
from transport.messages import Outcome

CORES: Final = 2
FPS: Final = 30
SEALED_S: Final = 60.0  # the longest we wait for one
LINT_RUNS: Final = 3

VERDICT_DRIVE_S: Final = 30.0
VERDICT_ROUNDS: Final = 3

WAIT_MS: Final = 100.0
VERDICT_MS: Final = 2000.0
LINT_TIMES: Final = 500.0
EXPORT_TIMES: Final = 50.0
LIBRARIES: Final = (10_000, 30_000)  # episodes
LISTED: Final = 100
LIBRARY_MS: Final = 1000.0


@dataclass(frozen=True)
class Size:
    """One size of two cameras."""

    width: int
    height: int
    rounds: int
    promised: bool = True  # whether its rows have targets

    @property
    def name(self) -> str:
        return f"2 x {self.width}x{self.height}@{FPS}"


SIZES: Final = (Size(640, 480, 5), Size(1280, 720, 3), Size(1920, 1080, 3, promised=False))

Say = Callable[[str], None]


@dataclass(frozen=True)
class Save:
    """One episode, from the takeover to the disk."""

    wait_ms: float
    from_hand_back_ms: float
    late_ticks: int
    lost_rows: int
    rows_without_frame: int
    unsound: int  # 1: reading everything back found that it is not what it says
    repeated: int  # frames, over both cameras
    frames: int
    viewer_hz: float  # of the camera that came less often
    cores: float | None  # kept busy by all of ours while driving
    bytes: int
    seconds: float


def measure(seconds: float, say: Say) -> list[Row]:
    """All rows: `seconds` of driving for each episode."""
    keep_to(CORES)
    os.environ.setdefault("UNSTICK_LOG", "ERROR")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="unstick-bench-") as name:
        kept = Path(name)
        for size in SIZES:
            say(f"{size.name}: {size.rounds} episodes with {seconds:g} s of driving")
            saves = _saves(size, seconds, kept / f"{size.width}x{size.height}", say)
            rows += save_rows(size, saves)
        say(f"verdicts on {VERDICT_ROUNDS} episodes with {VERDICT_DRIVE_S:g} s of driving")
        rows += verdict_rows(_verdicts(say))
        episodes = [open_episode(path) for path in sorted((kept / "640x480").iterdir())]
        say("lint and export")
        rows += _reading_rows(episodes, kept / "exported")
        if episodes:
            for count in LIBRARIES:
                say(f"a library of {count:,} episodes")
                rows += _library_rows(episodes[0], kept / f"library-{count}", count)
    say("picture quality")
    rows += quality_rows(say)
    return rows


def _saves(size: Size, seconds: float, kept: Path, say: Say) -> list[Save]:
    """Record some episodes; copies of them go to `kept`."""
    saves: list[Save] = []
    kept.mkdir()
    with (
        BenchRobot(0, film=f"{size.width}x{size.height}") as robot,
        Sealings(robot.episodes) as sealings,
        Operator(robot.sockets.link(robot.port)) as operator,
    ):
        time.sleep(PREROLL_NS / NS_PER_S)  # so that every episode begins with a whole pre-roll
        for _ in range(size.rounds):
            try:
                path, save = _recorded(robot, operator, sealings, seconds, say)
            except LinkError as error:
                say(f"cut short: {error}")
                break
            shutil.copytree(path, kept / path.name)
            saves.append(save)
    return saves


@dataclass(frozen=True)
class Proof:
    """One episode, from its end to the verdict on the screen."""

    verdict: str
    wait_ms: float
    from_hand_back_ms: float


def _verdicts(say: Say) -> list[Proof]:
    """Drive, hand back, and wait for the verdict, a few times."""
    proofs: list[Proof] = []
    size = SIZES[0]
    with (
        BenchRobot(0, film=f"{size.width}x{size.height}") as robot,
        Sealings(robot.episodes) as sealings,
        Operator(robot.sockets.link(robot.port)) as operator,
    ):
        time.sleep(PREROLL_NS / NS_PER_S)
        for _ in range(VERDICT_ROUNDS):
            try:
                path, _ = _recorded(robot, operator, sealings, VERDICT_DRIVE_S, say)
                notice, heard_ns = operator.verdict_on(path.name)
            except LinkError as error:
                say(f"cut short: {error}")
                break
            episode = open_episode(path)
            say(f"{notice.verdict}: {notice.sentence}")
            proofs.append(
                Proof(
                    verdict=notice.verdict,
                    wait_ms=(heard_ns - episode.manifest.clock.last_ns) / NS_PER_MS,
                    from_hand_back_ms=(heard_ns - _handed_back_ns(episode)) / NS_PER_MS,
                )
            )
    return proofs


def verdict_rows(proofs: Sequence[Proof]) -> Iterator[Row]:
    """How long an operator waits for the verdict."""
    what = f"verdict at the console after an episode of {VERDICT_DRIVE_S:g} s"
    yield row(
        f"verdicts at the console, of {VERDICT_ROUNDS}",
        float(len(proofs)),
        "verdicts",
        at_least=float(VERDICT_ROUNDS),
    )
    yield row(
        f"{what}, median",
        median(proof.wait_ms for proof in proofs) if proofs else None,
        "ms",
        at_most=VERDICT_MS,
    )
    yield row(
        "the same from the hand-back, with the second that is still recorded",
        median(proof.from_hand_back_ms for proof in proofs) if proofs else None,
        "ms",
    )


def _recorded(
    robot: BenchRobot, operator: Operator, sealings: Sealings, seconds: float, say: Say
) -> tuple[Path, Save]:
    operator.take_over()
    known = sealings.known()
    begin_ns = now_ns()
    stretch = press_keys(robot, operator, seconds)
    tell_disturbance(stretch.cores, say)
    operator.hand_back(Outcome.SUCCESS)
    sealed = sealings.next(known, SEALED_S)
    if sealed is None:
        raise LinkError("the robot sealed no episode in time")
    path, durable_ns = sealed
    episode = open_episode(path)
    unsound = _unsound(episode)
    if unsound:
        say(unsound)
    manifest = episode.manifest
    handed_ns = _handed_back_ns(episode)
    return path, Save(
        wait_ms=(durable_ns - manifest.clock.last_ns) / NS_PER_MS,
        from_hand_back_ms=(durable_ns - handed_ns) / NS_PER_MS,
        late_ticks=missed_ticks(robot.beats(begin_ns, durable_ns)),
        lost_rows=lost_rows(manifest.first_tick, manifest.last_tick, manifest.rows),
        unsound=int(bool(unsound)),
        rows_without_frame=sum(manifest.rows - camera.frames for camera in manifest.cameras),
        repeated=sum(camera.repeated for camera in manifest.cameras),
        frames=sum(camera.frames for camera in manifest.cameras),
        viewer_hz=min(stretch.pictures_hz.values()),
        cores=stretch.cores[1],
        bytes=sum(entry.bytes for entry in manifest.files),
        seconds=manifest.seconds,
    )


def _unsound(episode: Episode) -> str:
    """What is wrong with it; empty: nothing."""
    try:
        episode.verify()
    except EpisodeError as error:
        return str(error)
    return ""


def _handed_back_ns(episode: Episode) -> int:
    """Stamp of the tick of the hand-back."""
    end_tick = episode.manifest.ending.end_tick
    return next(tick.stamp_ns for tick in episode.ticks() if tick.tick == end_tick)


def lost_rows(first_tick: int, last_tick: int, rows: int) -> int:
    """Ticks from the first to the last that should have a row, less the rows there are."""
    due = last_tick // TICKS_PER_ROW - (first_tick - 1) // TICKS_PER_ROW
    return due - rows


def save_rows(size: Size, saves: Sequence[Save]) -> Iterator[Row]:
    """What recording at one size cost."""
    waits = [save.wait_ms for save in saves]
    none = 0.0 if size.promised else None
    yield row(
        f"{size.name}: episodes on the disk, of {size.rounds}",
        float(len(saves)),
        "episodes",
        at_least=float(size.rounds) if size.promised else None,
    )
    yield row(
        f"{size.name}: wait after an episode until it is on the disk, median",
        median(waits) if waits else None,
        "ms",
        at_most=WAIT_MS if size.promised else None,
    )
    yield row(f"{size.name}: the longest of {len(waits)}", max(waits, default=None), "ms")
    yield row(
        f"{size.name}: from the hand-back, with the second that is still recorded, median",
        median(save.from_hand_back_ms for save in saves) if saves else None,
        "ms",
    )
    sums: tuple[tuple[str, str, Callable[[Save], int], float | None], ...] = (
        ("late control ticks", "ticks", lambda save: save.late_ticks, none),
        ("lost rows", "rows", lambda save: save.lost_rows, none),
        ("episodes that do not verify", "episodes", lambda save: save.unsound, none),
        ("rows that are not frames", "frames", lambda save: save.rows_without_frame, none),
    )
    for what, unit, of, target in sums:
        total = float(sum(map(of, saves))) if saves else None
        yield row(f"{size.name}: {what}", total, unit, at_most=target)
    frames = sum(save.frames for save in saves)
    repeated = 100.0 * sum(save.repeated for save in saves) / frames if frames else None
    yield row(f"{size.name}: frames shown once more", repeated, "%")
    yield row(
        f"{size.name}: pictures at the viewer meanwhile, each camera",
        median(save.viewer_hz for save in saves) if saves else None,
        "/s",
    )
    busy = [save.cores for save in saves if save.cores is not None]
    yield row(f"{size.name}: processor, viewer included", median(busy) if busy else None, "cores")
    minutes = sum(save.seconds for save in saves) / 60
    size_mb = sum(save.bytes for save in saves) / 1e6
    yield row(f"{size.name}: size of a minute", size_mb / minutes if minutes else None, "MB")


def _reading_rows(episodes: Sequence[Episode], out: Path) -> Iterator[Row]:
    """How fast what was recorded is read again, on one core."""
    length_s = sum(episode.manifest.seconds for episode in episodes)

    def lint_all() -> None:
        for _ in range(LINT_RUNS):
            for episode in episodes:
                lint(open_episode(episode.path))

    def export_all() -> None:
        export_lerobot(episodes, out, options=ExportOptions(include_unverified=True))

    linted_s, exported_s = _processor_s(lint_all), _processor_s(export_all)
    yield row(
        f"lint, {length_s:.0f} s of 2 x 640x480",
        LINT_RUNS * length_s / linted_s if episodes else None,
        "x real time",
        at_least=LINT_TIMES,
    )
    yield row(
        "export to LeRobot, on one core",
        length_s / exported_s if episodes else None,
        "x real time",
        at_least=EXPORT_TIMES,
    )


def _library_rows(episode: Episode, library: Path, count: int) -> Iterator[Row]:
    """How long it takes to open a large library and to list its newest episodes."""
    library.mkdir()
    for number in range(count - 1):
        _copy(episode, library, number)
    list_library(library)  # makes the catalogue
    _copy(episode, library, count - 1)
    yield _list_row(f"{count:,} episodes, one of them new", library, count)
    time.sleep(SETTLED_NS / NS_PER_S)
    list_library(library, Wanted(limit=LISTED))
    yield _list_row(f"{count:,} episodes", library, count)


def _copy(episode: Episode, library: Path, number: int) -> None:
    name = episode_id(number, bytes(10))
    (library / name).mkdir()
    manifest = msgspec.structs.replace(episode.manifest, episode=name)
    (library / name / MANIFEST_FILE).write_bytes(sealed_json(manifest))


def _list_row(what: str, library: Path, count: int) -> Row:
    began_ns = now_ns()
    found = list_library(library, Wanted(limit=LISTED)).found
    took_ms = (now_ns() - began_ns) / NS_PER_MS
    return row(
        f"open a library of {what}, list the newest {LISTED}",
        took_ms if found == count else None,
        "ms",
        at_most=LIBRARY_MS,
    )


def _processor_s(work: Callable[[], None]) -> float:
    """Processor time of this process for `work`; where it is not known, the time it took."""
    began_ns, began_s = now_ns(), spent_s(os.getpid())
    work()
    ended_s = spent_s(os.getpid())
    if began_s is None or ended_s is None:
        return (now_ns() - began_ns) / NS_PER_S
    return ended_s - began_s
