"""A whole robot whose disk fills up, goes away or hangs in the middle of a drive: D1 for control.

Control never touches the disk that episodes are kept on: the same script of hands gives the same
motion, tick by tick, as punctual, and the operator reads what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.episode import RECORDING_SUFFIX
from recorder.library import list_episodes, open_episode
from recorder.recover import recover_all
from teleop.operator_view import LinkView
from tests.faults.drive import FULL_MPS, TICK_MS, Drive, assert_never_stale, drive_agent
from tests.faults.full_disk import Ext4Disk, SmallDisk, ext4_disk, small_disk
from tests.measured import Measured
from tests.system.rig import agent, hand
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS
from transport.messages import Mode, RecorderPhase
from ui.view_state import recording_chip

ROOMY = 2 << 30  # only a limit: nothing of it is taken until something is written
MARGIN = 64 << 10
LATE_MS = 3 * TICK_MS  # two programs on two shared cores; a tick that waits for a disk is far later
PUSHES = (1.0, -1.0, 1.0, -1.0)
PUSH_S = 1.5
COMPARED = TICK_HZ  # ticks after each push: the whole ramp and what it leads to

Wish = tuple[float, bool]  # forward, deadman
Told = tuple[float, float]  # forward in m/s, turn in rad/s


@dataclass(frozen=True)
class Motion:
    """What the motors were told while the script was driven."""

    modes: frozenset[str]
    told: tuple[tuple[Wish, tuple[Told, ...]], ...]  # to each wish, tick by tick from its first on
    holds: int
    late: int  # ticks more than `LATE_MS` after the one before
    worst_ms: float
    missed: int


def drive_the_script(run: Drive) -> Motion:
    """From standing: forward, back, and forward again; what came of it."""
    run.press_anew()
    run.let_go()
    run.wait(1.0)
    begin_ns = run.let_go()
    run.wait(0.5)
    for forward in PUSHES:
        run.push(forward)
        run.wait(PUSH_S)
    run.let_go()
    run.wait(PUSH_S)
    ticks = run.ticks(begin_ns)
    gaps = [(b["stamp_ns"] - a["stamp_ns"]) / NS_PER_MS for a, b in pairwise(ticks)]
    assert_never_stale(run)
    return Motion(
        frozenset(tick["mode"] for tick in ticks),
        tuple(stretches(run, begin_ns)),
        run.holds(begin_ns),
        sum(gap > LATE_MS for gap in gaps),
        max(gaps),
        sum(tick["missed_before"] for tick in ticks),
    )


def stretches(run: Drive, begin_ns: int) -> Iterator[tuple[Wish, tuple[Told, ...]]]:
    """The motors from each tick on that obeyed another wish than the tick before."""
    sent = run.sent()
    wish: Wish | None = None
    told: list[Told] = []
    for before, tick in pairwise(run.ticks(begin_ns)):
        assert tick["tick"] == before["tick"] + 1, "a tick was not heard"
        if tick["command_seq"] >= 0:
            command = sent[tick["command_seq"]]
            new = (command["forward"], command["deadman"])
            if new != wish:
                if wish is not None:
                    yield wish, tuple(told)
                wish, told = new, []
        told.append((tick["forward_mps"], tick["turn_radps"]))
    assert wish is not None, "nothing was obeyed at all"
    yield wish, tuple(told)


def assert_same_motion(healthy: Motion, spoilt: Motion) -> int:
    """Each tick of the one told the motors what the same tick of the other did; ticks compared."""
    wishes = [wish for wish, _ in healthy.told]
    assert wishes == [(0.0, False), *((forward, True) for forward in PUSHES), (0.0, False)]
    assert [wish for wish, _ in spoilt.told] == wishes
    compared = 0
    for (wish, one), (_, other) in zip(healthy.told[1:], spoilt.told[1:], strict=True):
        assert min(len(one), len(other)) >= COMPARED, wish
        assert one[:COMPARED] == other[:COMPARED], wish
        assert one[COMPARED - 1] == (wish[0] * FULL_MPS, 0.0), "it did not get to what was wished"
        compared += COMPARED
    assert spoilt.modes == healthy.modes == {Mode.TELEOP, Mode.READY}
    assert spoilt.holds == healthy.holds == 0
    assert spoilt.late <= healthy.late + 2
    assert spoilt.missed <= healthy.missed + 2
    return compared


def is_in(phase: RecorderPhase, view: LinkView) -> bool:
    """Whether the robot says that about its recorder."""
    return view.media is not None and view.media.recorder is phase


@dataclass(frozen=True)
class Disk:
    """Where the episodes go, and what happens to it."""

    spoil: Callable[[], None]
    before_leaving: Callable[[], None]  # a process that waits in the kernel cannot be ended
    mend: Callable[[], None]


@contextmanager
def fills_up(folder: Path) -> Iterator[Disk]:
    """No room for more than a moment of recording."""
    disk: SmallDisk
    with small_disk(folder, ROOMY) as disk:
        yield Disk(
            lambda: disk.resize(disk.used() + MARGIN), lambda: None, lambda: disk.resize(ROOMY)
        )


@contextmanager
def goes_away(folder: Path) -> Iterator[Disk]:
    """Input/output error, whatever is asked of it."""
    disk: Ext4Disk
    with ext4_disk(folder, ROOMY) as disk:
        yield Disk(disk.go_away, lambda: None, disk.come_back)


@contextmanager
def hangs(folder: Path) -> Iterator[Disk]:
    """It takes a write and does not come back."""
    disk: Ext4Disk
    with ext4_disk(folder, ROOMY) as disk:
        yield Disk(disk.hang, disk.go_on, lambda: None)


def driven(episodes: Path, disk: Disk) -> tuple[Motion, Motion, str]:
    """The script before and after the disk is spoilt, and what the operator read then."""
    with agent(episodes) as robot, drive_agent(robot) as run, hand(robot, "watcher") as watcher:
        run.take_over()
        run.full_speed()
        watcher.wait(lambda v: is_in(RecorderPhase.RECORDING, v), "it is recorded")
        before = drive_the_script(run)
        assert is_in(RecorderPhase.RECORDING, watcher.look())
        disk.spoil()
        try:
            at_once = drive_the_script(run)
            assert_same_motion(before, at_once)
            watcher.wait(lambda v: is_in(RecorderPhase.FAILED, v), "the failure is told")
            told = recording_chip(watcher.look()).detail
            after = drive_the_script(run)
            seen = watcher.pictures
            watcher.wait(lambda _: watcher.pictures > seen + 10, "the cameras go on")
        finally:
            disk.before_leaving()
    disk.mend()
    recover_all(episodes)
    assert not list(episodes.glob(f"*{RECORDING_SUFFIX}"))
    kept = [open_episode(path) for path in list_episodes(episodes)]
    assert kept
    for episode in kept:
        episode.verify()
    return before, after, told


@pytest.mark.long
@pytest.mark.parametrize(
    ("spoilt", "what", "sentence"),
    [
        (fills_up, "fills up", "disk full"),
        (goes_away, "goes away", "Input/output error"),
        (hangs, "hangs", "disk too slow"),
    ],
)
def test_whatever_the_disk_does_while_driving_changes_no_motion_and_is_told(
    spoilt: Callable[[Path], AbstractContextManager[Disk]],
    what: str,
    sentence: str,
    tmp_path: Path,
    measured: Measured,
) -> None:
    episodes = tmp_path / "episodes"
    with spoilt(episodes) as disk:
        healthy, after, told = driven(episodes, disk)
    compared = assert_same_motion(healthy, after)
    measured(
        "D1",
        f"robot disk {what} while driving: the same motion, tick by tick",
        f"{compared} of {compared} ticks alike; worst tick {healthy.worst_ms:.0f} and "
        f"{after.worst_ms:.0f} ms after the one before, {healthy.missed} and {after.missed} "
        f"missed; “{told}”",
    )
    assert sentence in told
