"""A whole robot whose disk fills up, or goes away, in the middle of a drive: row D1 for control.

Control never touches the disk that episodes are kept on: the same script of hands gives the same
motion, tick by tick as punctual, and the operator reads what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.library import list_episodes, open_episode
from recorder.recover import recover_all
from teleop.operator_view import LinkView
from tests.faults.drive import FULL_MPS, TICK_MS, Drive, assert_never_stale, drive_agent
from tests.faults.full_disk import SmallDisk, small_disk
from tests.measured import Measured
from tests.system.rig import Hand, agent, hand
from transport.clock import NS_PER_MS
from transport.messages import Mode, RecorderPhase
from ui.view_state import recording_chip

ROOMY = 2 << 30  # only a limit: nothing of it is taken until something is written
MARGIN = 64 << 10
LATE_MS = 3 * TICK_MS  # two programs on two shared cores; a tick that waits for a disk is far later


@dataclass(frozen=True)
class Motion:
    """What the motors were told while the script was driven."""

    modes: frozenset[str]
    fastest_mps: float
    slowest_mps: float
    holds: int
    late: int  # ticks more than `LATE_MS` after the one before
    worst_ms: float
    missed: int


def drive_the_script(run: Drive) -> Motion:
    """Forward, back, and forward again; what came of it."""
    begin_ns = run.push()
    for forward in (1.0, -1.0, 1.0, -1.0):
        run.push(forward)
        run.wait(1.5)
    run.let_go()
    run.wait(0.5)
    ticks = run.ticks(begin_ns)
    gaps = [(b["stamp_ns"] - a["stamp_ns"]) / NS_PER_MS for a, b in pairwise(ticks)]
    assert_never_stale(run)
    return Motion(
        frozenset(tick["mode"] for tick in ticks),
        max(tick["forward_mps"] for tick in ticks),
        min(tick["forward_mps"] for tick in ticks),
        run.holds(begin_ns),
        sum(gap > LATE_MS for gap in gaps),
        max(gaps),
        sum(tick["missed_before"] for tick in ticks),
    )


def is_in(phase: RecorderPhase, view: LinkView) -> bool:
    """Whether the robot says that about its recorder."""
    return view.media is not None and view.media.recorder is phase


def fill(disk: SmallDisk) -> None:
    """No room for more than a moment of recording."""
    disk.resize(disk.used() + MARGIN)


def driven(folder: Path) -> tuple[Motion, Motion, str]:
    """The script before and after the disk is spoilt, and what the operator read then."""
    episodes = folder / "episodes"
    with small_disk(episodes, ROOMY) as disk:
        with agent(episodes) as robot, drive_agent(robot) as run, hand(robot, "watcher") as watcher:
            run.take_over()
            run.full_speed()
            watcher.wait(lambda v: is_in(RecorderPhase.RECORDING, v), "it is recorded")
            before = drive_the_script(run)
            fill(disk)
            told = read_of(watcher)
            after = drive_the_script(run)
            seen = watcher.pictures
            watcher.wait(lambda _: watcher.pictures > seen + 10, "the cameras go on")
        disk.resize(ROOMY)
        recover_all(episodes)
        assert not list(episodes.glob("*.rec"))
        kept = [open_episode(path) for path in list_episodes(episodes)]
        assert kept
        for episode in kept:
            episode.verify()
    return before, after, told


def read_of(watcher: Hand) -> str:
    """What stands on the console once the recorder has failed."""
    watcher.wait(lambda v: is_in(RecorderPhase.FAILED, v), "the failure is told")
    return recording_chip(watcher.look()).detail


@pytest.mark.long
def test_a_disk_that_fills_up_while_driving_changes_no_motion_and_is_told(
    tmp_path: Path, measured: Measured
) -> None:
    healthy, full, told = driven(tmp_path)
    measured(
        "D1",
        "robot disk full while driving: the same motion, as punctual",
        f"worst tick {healthy.worst_ms:.0f} and {full.worst_ms:.0f} ms after the one before, "
        f"{healthy.missed} and {full.missed} missed; “{told}”",
    )
    assert "disk full" in told
    assert full.modes == healthy.modes == {Mode.TELEOP, Mode.READY}
    assert full.fastest_mps == healthy.fastest_mps == pytest.approx(FULL_MPS)
    assert full.slowest_mps == healthy.slowest_mps
    assert full.holds == healthy.holds == 0
    assert full.late <= healthy.late + 2
    assert full.missed <= healthy.missed + 2
