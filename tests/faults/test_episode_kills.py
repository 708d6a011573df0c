"""kill -9 of a recorder at any moment, also while it seals and recovers: rows P6 and P9.

What the child had handed to its recorder is known to the last tick, because it said so: everything
found on disk afterwards is compared with that, and what is missing is counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from recorder.episode import Status
from recorder.folder_lock import is_locked
from recorder.library import list_episodes, open_episode
from recorder.recover import recover_all
from tests.faults.episode_kill_child import CALLED, FIRST, SEALED, drive
from tests.faults.episode_truth import assert_true, hashes
from tests.faults.memory_limit import memory_limit
from tests.measured import Measured
from tests.system.rig import ROOT, until
from transport.channels import TICK_HZ

LOG_TICKS = TICK_HZ // 2  # 0.5 s
VIDEO_ROWS = 15  # one group of pictures
SPEED = 2.0  # times life: half of what a kill may cost passes in half the time
SEALING_S = 0.1  # from the tick that ends an episode until it is sealed, at the most


class Child:
    """A process that records or recovers, and what it has said."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.faults.episode_kill_child", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.said: list[dict[str, Any]] = []
        self._hearing = threading.Thread(target=self._hear)
        self._hearing.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # killed in the middle of a line
                self.said.append(json.loads(line))

    def wait_for(self, key: str, at_least: int = 0) -> None:
        """Until it has said something of that kind."""
        until(lambda: any(said.get(key, -1) >= at_least for said in self.said[:]), key)

    def kill(self) -> None:
        """kill -9, and everything it said until then."""
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait()
        self._hearing.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@dataclass
class Losses:
    """What all the kills have cost."""

    kills: int = 0
    log_ticks: int = 0
    rows: int = 0
    recovered: int = 0
    just_called: int = 0  # killed so soon after a call that not all from before it was on disk
    sealing: int = 0  # killed with all of the episode on disk, but no manifest
    recoveries_killed: int = 0
    sealed_as: dict[str, str] = field(default_factory=dict)  # file of a sealed episode to its hash
    counted: set[str] = field(default_factory=set)


def take_stock(root: Path, said: list[dict[str, Any]], losses: Losses) -> None:
    """After a kill and a recovery: nothing untrue, nothing half, nothing more lost than allowed."""
    assert not [path for path in root.iterdir() if path.suffix in (".rec", ".tmp")], "half sealed"
    now = hashes(root)
    assert losses.sealed_as.items() <= now.items(), "a sealed episode has changed"
    handed = [line for line in said if "session" in line]
    number, tick = (handed[-1]["session"], handed[-1]["tick"]) if handed else (-1, -1)
    row = max((line["row"] for line in handed if line["session"] == number), default=-1)
    kept_tick, kept_row = -1, -1
    for path in list_episodes(root):
        if path.name in losses.counted:
            continue
        losses.counted.add(path.name)
        episode = open_episode(path)
        manifest = episode.manifest
        recorded = int(manifest.clock.boot_id.removeprefix("boot-"))
        assert_true(episode, drive(recorded))
        assert manifest.first_tick == FIRST, "it does not begin with a whole pre-roll"
        if manifest.status is Status.RECOVERED:
            losses.recovered += 1
            losses.sealing += manifest.last_tick == SEALED - 1
        if recorded == number:
            kept_tick, kept_row = manifest.last_tick, list(episode.rows())[-1].tick
    finished = {line["sealed"] for line in said if "sealed" in line}
    assert finished <= losses.counted, "a sealed episode is gone"
    if CALLED < tick <= CALLED + LOG_TICKS and kept_tick < CALLED:
        losses.just_called += 1  # the ten seconds before a call go to the disk after it
    elif tick > CALLED:  # else nobody had called yet, there was nothing to record
        lost = min(tick, SEALED - 1) - kept_tick
        lost_rows = (min(row, SEALED - 1) - kept_row) // 2
        losses.log_ticks = max(losses.log_ticks, lost)
        losses.rows = max(losses.rows, lost_rows)
        assert lost <= LOG_TICKS, f"{lost} ticks lost"
        assert lost_rows <= VIDEO_ROWS, f"{lost_rows} rows lost"
    losses.kills += 1
    losses.sealed_as = now


def recover_with_a_kill(root: Path, choose: random.Random, losses: Losses) -> None:
    """Kill a recovery and run it again: the bytes are those of one that was left alone."""
    alone = root.with_name("alone")
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    for torn in root.glob("*.rec"):
        shutil.copytree(torn, alone / torn.name)
    until_unlocked(root)
    child = Child("recover", str(root))
    child.wait_for("ready")
    time.sleep(choose.uniform(0.0, 0.03))
    losses.recoveries_killed += child.process.poll() is None
    child.kill()
    until_unlocked(root)
    recover_all(root)
    recover_all(alone)
    alike, now = hashes(alone), hashes(root)
    for name in [name for name in alike if name.endswith("reason.txt")]:
        assert alike.pop(name)
        assert now.pop(name), "it names the folder, which is another"
    assert alike.items() <= now.items(), "another recovery, other bytes"


def until_unlocked(root: Path) -> None:
    """A killed process's locks go with its last thread, a moment after the process."""
    until(lambda: not any(is_locked(one) for one in root.glob("*.rec")), "locks are gone")


@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=pytest.mark.long)])
def test_kills_at_random_moments_cost_half_a_second_at_most_and_never_a_sealed_episode(
    tmp_path: Path, measured: Measured, kills: int
) -> None:
    choose = random.Random(6)
    root = tmp_path / "episodes"
    root.mkdir()
    losses = Losses()
    for number in range(1, kills + 1):
        child = Child("record", str(root), str(SPEED), str(1000 * number))
        try:
            if number % 2 == 0:  # some while it seals, the others at any time
                child.wait_for("tick", SEALED - 1)
                time.sleep(choose.uniform(0.0, SEALING_S))
            else:
                child.wait_for("ready")
                time.sleep(choose.uniform(0.0, 2.0))
        finally:
            child.kill()
        if number % 3 == 1:
            recover_with_a_kill(root, choose, losses)
        until_unlocked(root)
        recover_all(root)
        assert recover_all(root) == [], "recovery is done once"
        take_stock(root, child.said, losses)
    measured(
        "P6",
        f"{losses.kills} kills of the recorder, every other one while it seals",
        f"at worst {losses.log_ticks / TICK_HZ:.2f} s of log and {losses.rows} rows lost; "
        f"{len(losses.counted)} episodes, {losses.recovered} recovered, {losses.sealing} of them "
        f"killed while sealing, {losses.recoveries_killed} recoveries killed; {losses.just_called} "
        "killed before all of the ten seconds before the call were on disk",
    )
    if kills >= 200:
        assert losses.sealing >= kills // 20, "hardly any was killed while it sealed"
        assert losses.recoveries_killed >= kills // 10
        assert losses.just_called <= kills // 20


@pytest.mark.long
def test_the_systems_killer_costs_no_more_than_any_other(
    tmp_path: Path, measured: Measured
) -> None:
    root = tmp_path / "episodes"
    root.mkdir()
    losses = Losses()
    rounds = 10
    for number in range(rounds):
        greed_mb = str(1 + number % 3)
        child = Child("record", str(root), str(SPEED), str(1000 * number), greed_mb)
        with limited(child, 256 << 20):
            child.wait_for("ready")
            code = child.end()
        assert code == -signal.SIGKILL, "it was not killed for its memory"
        until_unlocked(root)
        recover_all(root)
        take_stock(root, child.said, losses)
    measured(
        "P9",
        f"{rounds} times out of memory at 256 MB",
        f"at worst {losses.log_ticks / TICK_HZ:.2f} s of log and {losses.rows} rows lost; "
        f"{len(losses.counted)} episodes, {losses.recovered} recovered",
    )


@contextlib.contextmanager
def limited(child: Child, limit_bytes: int) -> Iterator[None]:
    """A memory limit for a child, which does not outlive the block."""
    try:
        with memory_limit(child.process.pid, limit_bytes):
            yield
    finally:
        if child.process.poll() is None:
            os.kill(child.process.pid, signal.SIGKILL)
            child.end()
