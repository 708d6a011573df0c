"""What survives a restart: epochs never repeat, a STOP that was acknowledged stays.

The disk may be slow, refuse before or after it took effect, and the robot may die at any moment.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import json

from teleop.latch import (
    BLOCK,
    FEW,
    RETRY_NS,
    SILENT_NS,
    Latch,
    LatchFile,
    LatchWriter,
    OnDisk,
    ceiling_for,
    latch_path,
    parsed,
)
from teleop.robot import RobotError
from teleop.safety import ConfigError

HANG_S = 20.0
REFUSED = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- the file -----------------------------------------------------------------------------------


def test_a_robot_that_never_ran_starts_with_nothing_latched(tmp_path: Path) -> None:
    assert LatchFile(tmp_path / "new" / "rover.latch.json").read() == Latch()


def test_what_was_written_is_read_again_and_the_lease_continues_above_the_ceiling(
    tmp_path: Path,
) -> None:
    file = LatchFile(tmp_path / "new" / "rover.latch.json")
    file.write(Latch(epoch=5, stopped_by="ada", needs_person=True, epoch_ceiling=16))
    assert file.read() == Latch(epoch=16, stopped_by="ada", needs_person=True, epoch_ceiling=16)


@pytest.mark.parametrize("old", ['{"epoch":7,"stopped_by":"ada","needs_person":true}', "{}"])
def test_a_file_without_a_ceiling_is_read_as_before(tmp_path: Path, old: str) -> None:
    (tmp_path / "rover.latch.json").write_text(old)
    latch = LatchFile(tmp_path / "rover.latch.json").read()
    assert latch.epoch_ceiling == latch.epoch == (7 if "epoch" in old else 0)
    assert latch.stopped_by == ("ada" if "ada" in old else "")


@pytest.mark.parametrize("damaged", ["", "garbage", '{"epoch":"7"}', '{"stop":true}', "[]"])
def test_a_damaged_file_keeps_the_robot_from_starting(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "rover.latch.json").write_text(damaged)
    with pytest.raises(RobotError, match=r"rover\.latch\.json.*check that the robot may move"):
        LatchFile(tmp_path / "rover.latch.json").read()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_its_owners_alone_also_after_one_that_was_not(tmp_path: Path) -> None:
    path = tmp_path / "rover.latch.json"
    path.write_text("{}")
    (tmp_path / "rover.latch.json.tmp").write_text("left by a crash")
    LatchFile(path).write(Latch(epoch=1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- epochs and STOP, whatever disk and power do ------------------------------------------------


def test_a_block_is_reserved_ahead_and_the_next_one_while_some_are_left() -> None:
    assert ceiling_for(0, 0) == BLOCK
    assert ceiling_for(BLOCK - FEW, BLOCK) == BLOCK
    assert ceiling_for(BLOCK - FEW + 1, BLOCK) == 2 * BLOCK
    assert ceiling_for(40, 0) == 40 + BLOCK


def test_while_a_write_is_under_way_only_what_both_latches_say_is_known() -> None:
    stopped = Latch(stopped_by="ada", epoch_ceiling=BLOCK)
    state = OnDisk(known=stopped, wanted=stopped).wants(Latch(epoch=1)).begun(0)
    assert state.known.stopped_by == "", "the reset may be on disk at any moment"
    assert state.known.epoch_ceiling == BLOCK
    state = state.wants(Latch(epoch=1, stopped_by="bob"))
    assert state.written().known.stopped_by == ""
    assert state.written().begun(0).written().known.stopped_by == "bob"


def test_after_a_refusal_the_same_latch_is_written_again_and_nothing_is_taken_for_known() -> None:
    stopped = Latch(stopped_by="ada", epoch_ceiling=BLOCK)
    state = OnDisk(known=stopped, wanted=stopped).wants(Latch()).begun(0).failed("full")
    state = state.wants(stopped)  # pressed again: the disk may hold the reset all the same
    assert state.known.stopped_by == ""
    assert state.begun(1).writing == stopped


def test_a_reset_that_was_refused_is_tried_until_no_old_stop_can_come_out() -> None:
    stopped = Latch(stopped_by="ada", epoch_ceiling=BLOCK)
    state = OnDisk(known=stopped, wanted=stopped).wants(Latch()).begun(0).failed("full")
    assert state.known == state.wanted
    assert state.begun(RETRY_NS).writing == state.wanted


def test_a_disk_that_refuses_is_tried_once_a_second_and_at_once_with_something_new() -> None:
    state = OnDisk(known=Latch(), wanted=Latch()).wants(Latch()).begun(0).failed("full")
    assert state.refused(0) == "full"
    assert state.begun(RETRY_NS - 1).writing is None
    assert state.begun(RETRY_NS).writing is not None
    assert state.wants(Latch(stopped_by="ada")).begun(1).writing is not None
    assert state.begun(RETRY_NS).written().refused(RETRY_NS) == ""


def test_a_disk_that_does_not_answer_counts_as_refusing() -> None:
    state = OnDisk(known=Latch(), wanted=Latch()).wants(Latch()).begun(0)
    assert state.refused(SILENT_NS - 1) == ""
    assert "not answered" in state.refused(SILENT_NS)
    assert state.written().refused(SILENT_NS) == ""


class Restarts(RuleBasedStateMachine):
    """A control that grants and stops, on a disk and a power supply one cannot rely on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.granted: list[int] = []
        self.acknowledged = False
        # What may be found after a crash: one latch, or several after a write that was cut short.
        self.possible = [json.encode(Latch())]
        self.start(self.possible[0])

    def start(self, found: bytes) -> None:
        latch = parsed(found)
        self.possible = [found]
        self.disk = OnDisk(known=latch, wanted=latch).wants(latch)
        self.epoch, self.stopped_by = latch.epoch_ceiling, latch.stopped_by
        if self.acknowledged:
            assert self.stopped_by, "a STOP that was acknowledged is forgotten"
        assert self.epoch >= max(self.granted, default=0), "an epoch could come back"

    def want(self) -> None:
        self.disk = self.disk.wants(Latch(epoch=self.epoch, stopped_by=self.stopped_by))

    @rule(times=st.integers(1, 2 * BLOCK))
    def takes_over(self, times: int) -> None:
        for _ in range(times):
            if self.epoch + 1 > self.disk.known.epoch_ceiling:
                return
            self.epoch += 1
            assert self.epoch not in self.granted
            self.granted.append(self.epoch)
            self.want()

    @rule()
    def presses_stop(self) -> None:
        self.stopped_by = self.stopped_by or "ada"
        self.want()

    @precondition(lambda self: self.stopped_by)
    @rule()
    def acknowledges(self) -> None:
        if self.disk.known.stopped_by:  # `stop_settled` without a refusal
            self.acknowledged = True

    @precondition(lambda self: self.stopped_by)
    @rule()
    def resets_stop(self) -> None:
        self.stopped_by, self.acknowledged = "", False
        self.want()

    @rule(ms=st.sampled_from([1, 500, 1000, 3000]))
    def time_passes(self, ms: int) -> None:
        self.now_ns += ms * 1_000_000

    @rule()
    def a_write_begins(self) -> None:
        idle = self.disk.writing is None
        self.disk = self.disk.begun(self.now_ns)
        if idle and self.disk.writing is not None:
            self.possible = [*self.possible, json.encode(self.disk.writing)]

    @precondition(lambda self: self.disk.writing is not None)
    @rule()
    def it_succeeds(self) -> None:
        assert self.disk.writing is not None
        self.possible = [json.encode(self.disk.writing)]
        self.disk = self.disk.written()

    @precondition(lambda self: self.disk.writing is not None)
    @rule(effect=st.sampled_from(["none", "all", "unknown"]))
    def it_fails(self, effect: str) -> None:
        if effect == "none":
            self.possible = self.possible[:-1]
        elif effect == "all":
            self.possible = self.possible[-1:]
        self.disk = self.disk.failed("input/output error")

    @rule(which=st.integers(0, 100))
    def it_is_killed_and_started_again(self, which: int) -> None:
        self.start(self.possible[which % len(self.possible)])

    @invariant()
    def what_is_known_holds_for_all_that_may_be_found(self) -> None:
        found = [parsed(raw) for raw in self.possible]
        assert all(self.disk.known.epoch_ceiling <= latch.epoch_ceiling for latch in found)
        assert not self.disk.known.stopped_by or all(latch.stopped_by for latch in found)

    @invariant()
    def nothing_is_left_to_do_only_when_all_is_done(self) -> None:
        if self.disk.begun(self.now_ns + RETRY_NS).writing is None:
            wanted = Latch(epoch=self.epoch, stopped_by=self.stopped_by)
            assert self.possible == [json.encode(self.disk.wants(wanted).wanted)]


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)


# --- the thread ---------------------------------------------------------------------------------


@dataclass
class Disk:
    """A disk in memory that writes when it is let, and fails when it is told to."""

    holds: Latch = field(default_factory=Latch)
    error: Exception | None = None
    writes: list[Latch] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> Latch:
        return self.holds

    def write(self, latch: Latch) -> None:
        self.begun.set()
        assert self.let.wait(HANG_S)
        with self.changed:
            error = self.error
            if error is None:
                self.holds = latch
            self.writes.append(latch)
            self.changed.notify_all()
        if error is not None:
            raise error


@contextmanager
def writer(disk: Disk, *, slow: bool = False) -> Iterator[LatchWriter]:
    if not slow:
        disk.let.set()
    made = LatchWriter(disk, clock=lambda: 0)
    made.start(patience_s=0.0 if slow else HANG_S)
    try:
        yield made
    finally:
        disk.let.set()
        made.close()


def until_written(disk: Disk, count: int) -> None:
    with disk.changed:
        assert disk.changed.wait_for(lambda: len(disk.writes) >= count, HANG_S)


def test_nothing_waits_for_a_slow_disk_and_the_newest_wins() -> None:
    disk = Disk()
    with writer(disk, slow=True) as latch:
        assert disk.begun.wait(HANG_S)
        for epoch, stopped_by in ((1, ""), (2, "ada"), (3, "")):
            latch.wanted(Latch(epoch=epoch, stopped_by=stopped_by))
        assert latch.ceiling == 0
        assert disk.writes == []
        disk.let.set()
        until_written(disk, 2)
    assert [written.epoch for written in disk.writes] == [0, 3]
    assert latch.persisted == Latch(epoch=3, epoch_ceiling=BLOCK)


def test_the_first_block_is_there_before_anybody_asks() -> None:
    disk = Disk(holds=Latch(epoch=40, epoch_ceiling=40))
    with writer(disk) as latch:
        assert latch.ceiling == 40 + BLOCK


def test_a_disk_that_refuses_or_does_not_answer_does_not_keep_the_robot_from_starting() -> None:
    with writer(Disk(error=REFUSED)) as latch:
        assert latch.refused
    with writer(Disk(), slow=True) as latch:
        assert latch.ceiling == 0


def test_stop_is_settled_once_it_is_on_disk() -> None:
    disk = Disk()
    with writer(disk, slow=True) as latch:
        latch.wanted(Latch(stopped_by="ada"))
        assert not latch.stop_settled()
    assert latch.stop_settled()
    assert disk.holds.stopped_by == "ada"


def test_stop_is_settled_and_the_problem_said_when_the_disk_refuses() -> None:
    disk = Disk(error=REFUSED)
    with writer(disk) as latch:
        latch.wanted(Latch(stopped_by="ada"))
    assert latch.refused == os.strerror(errno.ENOSPC)
    assert latch.stop_settled()
    assert latch.ceiling == 0


def test_a_disk_that_takes_it_again_is_believed_again() -> None:
    disk = Disk(error=REFUSED)
    with writer(disk) as latch:
        until_written(disk, 1)
        disk.error = None
        latch.wanted(Latch(stopped_by="ada"))
        until_written(disk, 2)
    assert latch.refused == ""
    assert latch.persisted.stopped_by == "ada"
    assert latch.ceiling == BLOCK


def test_a_disk_that_refuses_later_grants_nothing_although_epochs_are_reserved() -> None:
    disk = Disk()
    with writer(disk) as latch:
        until_written(disk, 1)
        disk.error = REFUSED
        latch.wanted(Latch(needs_person=True))
    assert latch.persisted.epoch_ceiling == BLOCK
    assert latch.ceiling == 0, "a restart would not know that a person was needed"


def test_the_newest_is_on_disk_after_closing_in_order() -> None:
    disk = Disk()
    with writer(disk) as latch:
        latch.wanted(Latch(epoch=1, needs_person=True))
        latch.wanted(Latch(epoch=1))
    assert disk.holds == Latch(epoch=1, epoch_ceiling=BLOCK)
    latch.close()


def test_a_writer_that_breaks_says_so_and_grants_nothing_new() -> None:
    disk = Disk(error=ValueError("a fault of ours"))
    with writer(disk) as latch:
        until_written(disk, 1)
    assert "restart the robot" in latch.refused
    assert latch.ceiling == 0
    latch.wanted(Latch(stopped_by="ada"))
    assert latch.stop_settled(), "it stands, and the problem is shown"


def test_real_files_are_written_by_the_thread_and_read_by_the_next_start(tmp_path: Path) -> None:
    file = LatchFile(tmp_path / "rover.latch.json")
    latch = LatchWriter(file)
    latch.start()
    latch.wanted(Latch(epoch=3, stopped_by="ada", needs_person=True))
    latch.close()
    assert LatchWriter(file).persisted == Latch(
        epoch=BLOCK, stopped_by="ada", needs_person=True, epoch_ceiling=BLOCK
    )


# --- where it lies ---


@pytest.mark.parametrize("name", ["rover-01", "r", "Küche 2", "ロボット", "a.b_c", "x" * 64])
def test_a_robots_latch_lies_in_its_folder_under_its_name(tmp_path: Path, name: str) -> None:
    assert latch_path(tmp_path, name) == tmp_path / f"{name}.latch.json"


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "/x", "a/b", "a\\b", "a\0b", "a\n", " a", "a ", ".a", "\u202ea", "x" * 65],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        latch_path(tmp_path, name)
