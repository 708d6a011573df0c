"""Recording on disks that are full, fail or are slow: rows D1 to D4.

Nothing escapes the recorder, it says in a sentence what is wrong, and what had reached the disk is
readable after a recovery.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recorder import durable
from recorder.episode import LOG_FILE, Ending
from recorder.episode_recorder import EpisodeRecorder
from recorder.library import list_episodes, open_episode
from recorder.log import LogReader
from recorder.recover import recover_all
from recorder.writer import EpisodeWriter
from tests.faults.episode_truth import assert_true, hashes
from tests.faults.full_disk import fail_calls, small_disk
from tests.measured import Measured
from tests.unit.recorder_support import feed, recorder, session, show, stamp
from tests.unit.test_recorder_disk import StuckDisk
from transport.clock import now_ns, sleep_until
from transport.messages import RecorderPhase, Tick

LONG = pytest.mark.long
PAGE = 4096
TICKS = 50
MANY = 1 << 20


def ticks() -> list[Tick]:
    """A short drive."""
    return list(session(before=6, wait=4, drive=60))[:TICKS]


def record_there(root: Path, given: list[Tick] | None = None) -> EpisodeRecorder:
    """A short drive recorded under `root`, whatever the disk does; ended and closed."""
    rec = recorder(root)
    feed(rec, iter(given or ticks()))
    rec.close(stamp(10_000))
    return rec


def assert_told_and_kept(rec: EpisodeRecorder, root: Path, given: list[Tick] | None = None) -> int:
    """A failure has its sentence, and everything under `root` is true; ticks that are kept."""
    phase, _, _, detail = rec.status()
    new = rec.sealed()
    assert (phase is RecorderPhase.SEALED) == bool(new)
    if not new:
        assert phase is RecorderPhase.FAILED
        assert detail.endswith((".", ")"))
        assert len(detail) > 20
        recover_all(root)
    assert not list(root.glob("*.rec"))
    assert not list(root.glob("*.tmp"))
    kept = 0
    for path in list_episodes(root):
        episode = open_episode(path)
        assert_true(episode, iter(given or ticks()))
        kept += episode.manifest.counts.ticks
    return kept


# --- D1: full ---


@pytest.mark.parametrize("length", [TICKS, pytest.param(300, marks=LONG)])
def test_a_disk_that_is_full_after_any_number_of_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measured, length: int
) -> None:
    given = list(session(before=6, wait=4, drive=400))[:length]
    full_at = note_what_meets_the_end(monkeypatch)
    kept: list[int] = []
    with small_disk(tmp_path / "disk", MANY) as disk:
        root = disk.path / "episodes"
        root.mkdir()
        record_there(root, given)
        needed = disk.used() // PAGE
        for pages in range(1, needed + 1):
            shutil.rmtree(root)
            disk.resize(pages * PAGE)
            root.mkdir()
            rec = record_there(root, given)
            if rec.status()[0] is RecorderPhase.FAILED:
                assert "disk full" in rec.status()[3]
                recover_all(root)  # there is no room for a copy either
            disk.resize(MANY)
            kept.append(assert_told_and_kept(rec, root, given))
    measured(
        "D1",
        f"tmpfs full after 1 to {needed} pages",
        f"{max(kept[:-1])} of {length} ticks kept at most; full at {', '.join(full_at)}",
    )
    assert kept[-1] == length, "with all pages it is sealed"
    assert kept == sorted(kept), "more room, more kept"
    assert {
        LOG_FILE,
        "cam_front.mkv",
        "cam_rear.mkv",
        "sealing manifest.json.tmp",
    } <= full_at.keys()
    if length > TICKS:
        assert f"sealing {LOG_FILE}" in full_at


def note_what_meets_the_end(monkeypatch: pytest.MonkeyPatch) -> dict[str, None]:
    """The files at whose writing a disk turns out to be full, as it happens."""
    real_write, real_seal = os.write, EpisodeWriter.seal
    met: dict[str, None] = {}
    doing = ""

    def write(fd: int, data: bytes) -> int:
        try:
            return real_write(fd, data)
        except OSError:
            met[doing + Path(f"/proc/self/fd/{fd}").readlink().name] = None
            raise

    def seal(self: EpisodeWriter, ending: Ending, wall: str) -> Path | None:
        nonlocal doing
        doing = "sealing "
        try:
            return real_seal(self, ending, wall)
        finally:
            doing = ""

    monkeypatch.setattr(durable.os, "write", write)
    monkeypatch.setattr(EpisodeWriter, "seal", seal)
    return met


def test_a_recovery_on_a_full_disk_leaves_everything_and_is_done_when_there_is_room(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", MANY) as disk:
        record_there(disk.path)
        (sealed,) = list_episodes(disk.path)
        (sealed / "manifest.json").unlink()
        sealed.rename(sealed.with_name(f"{sealed.name}.rec"))
        before = hashes(disk.path)
        needed = disk.used()
        for size in range(needed, 2 * needed, PAGE):
            disk.resize(size)
            if recover_all(disk.path):
                break
            assert hashes(disk.path) == before
        else:
            disk.resize(MANY)
            recover_all(disk.path)
        assert size > needed
        (path,) = list_episodes(disk.path)
        assert_true(open_episode(path), iter(ticks()))


def test_a_disk_that_is_read_only_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MANY) as disk:
        record_there(disk.path)
        (sealed,) = list_episodes(disk.path)
        torn = sealed.rename(sealed.with_name(f"{sealed.name}.rec"))
        (torn / "manifest.json").unlink()
        (disk.path / f"{'0' * 26}.tmp").mkdir()
        before = hashes(disk.path)
        disk.remount("ro")
        rec = record_there(disk.path)
        assert "Read-only file system" in rec.status()[3]
        assert recover_all(disk.path) == []
        assert hashes(disk.path) == before


def test_files_that_may_not_grow_any_more_end_the_episode_with_what_they_hold(
    tmp_path: Path,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * PAGE, before[1]))
    try:
        rec = record_there(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in rec.status()[3]
    assert assert_told_and_kept(rec, tmp_path) > TICKS // 4


def test_a_device_that_is_always_full_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    with monkeypatch.context() as patch:

        def always_full(path: Path, flags: int, mode: int = 0o777) -> int:
            if Path(path).name == "cam_rear.mkv":
                return real("/dev/full", os.O_RDWR)
            return real(path, flags, mode)

        patch.setattr(durable.os, "open", always_full)
        rec = record_there(tmp_path)
    assert "disk full" in rec.status()[3]
    assert_told_and_kept(rec, tmp_path)


# --- D2: the n-th call fails ---


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("for_ever", [False, True], ids=["once", "for_ever"])
@pytest.mark.parametrize("step", [31, pytest.param(1, marks=LONG)])
def test_the_nth_call_that_reaches_the_disk_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: Measured,
    code: int,
    for_ever: bool,
    step: int,
) -> None:
    given = list(session(before=6, wait=4, drive=200))[: 130 if step == 1 else TICKS]
    number, failed, kept = 0, set[str](), 0
    for number in range(0, 100_000, step):
        root = tmp_path / str(number)
        root.mkdir()
        with monkeypatch.context() as patch:
            calls = fail_calls(patch, number, code, for_ever=for_ever)
            rec = record_there(root, given)
        failed.update(calls.failed)
        kept = assert_told_and_kept(rec, root, given)
        shutil.rmtree(root)
        if not calls.failed:
            break
    measured(
        "D2",
        f"{errno.errorcode[code]} at one of {calls.made} calls, {number // step + 1} tried"
        + (", and all after it" if for_ever else ""),
        f"0 exceptions; failed in {', '.join(sorted(failed))}",
    )
    assert kept == len(given), "without a failure it is sealed"
    if step == 1:
        assert {"open", "write", "fdatasync", "fsync", "close", "replace", "rename"} <= failed


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=LONG)])
def test_the_nth_call_of_a_recovery_fails_and_the_next_one_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    record_there(tmp_path / "whole")
    (whole,) = list_episodes(tmp_path / "whole")
    (whole / "manifest.json").unlink()
    reference = None
    for number in range(0, 100_000, step):
        root = tmp_path / "root"
        shutil.copytree(whole, root / f"{whole.name}.rec")
        with monkeypatch.context() as patch:
            calls = fail_calls(patch, number, errno.EIO, for_ever=True)
            recover_all(root)
        recover_all(root)
        assert len(list_episodes(root)) == 1
        reference = reference or hashes(root)
        assert hashes(root) == reference
        assert [path.name for path in root.iterdir()] == [whole.name]
        shutil.rmtree(root)
        if not calls.failed:
            break
    else:
        pytest.fail("recovery never finished")


# --- D3: short and interrupted ---


def test_short_and_interrupted_writes_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    record_there(tmp_path / "plain")
    (plain,) = list_episodes(tmp_path / "plain")
    interrupts = []
    was = signal.signal(signal.SIGALRM, lambda *_: interrupts.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(durable.os, "write", lambda fd, data: real(fd, data[:5]))
            record_there(tmp_path / "short")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, was)
    (short,) = list_episodes(tmp_path / "short")
    assert_true(open_episode(short), iter(ticks()))
    videos = [(folder / "cam_front.mkv").read_bytes() for folder in (plain, short)]
    assert videos[0] == videos[1]
    assert len(interrupts) > 10


def test_a_disk_that_takes_nothing_and_says_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "write", lambda fd, data: 0)
        rec = record_there(tmp_path)
    assert "takes no more bytes" in rec.status()[3]


# --- D4: slow ---


def test_a_sync_that_never_ends_keeps_nothing_waiting(tmp_path: Path) -> None:
    syncs = StuckDisk()
    rec = recorder(tmp_path, syncs=syncs)
    feed(rec, iter(list(session())[:300]))
    assert len(syncs.jobs) == 1
    (folder,) = tmp_path.glob("*.rec")
    logged = [tick.tick for tick in LogReader(folder / LOG_FILE, lenient=True).ticks()]
    assert len(logged) >= 300 - 5, "all but the open chunk"
    syncs.release()
    rec.close(stamp(300))
    assert open_episode(rec.sealed()[0]).manifest.counts.ticks == 300


@LONG
def test_a_disk_that_takes_half_a_second_to_sync_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    real, taken = os.fdatasync, []

    def slow(fd: int) -> None:
        time.sleep(0.5)
        taken.append(fd)
        real(fd)

    disk = ThreadPoolExecutor(1)
    rec = recorder(tmp_path, disk=disk, syncs=None)
    began_ns, deepest = now_ns(), 0
    row: Tick | None = None
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fdatasync", slow)
        for tick in session(drive=600):
            sleep_until(began_ns + tick.stamp_ns - stamp(0))
            rec.tick(tick)
            if row is not None:
                show(rec, row)
            row = tick if tick.tick % 2 == 0 else None
            rec.poll(tick.stamp_ns)
            deepest = max(deepest, disk._work_queue.qsize())
        rec.close(stamp(10_000))
    disk.shutdown()
    episode = open_episode(rec.sealed()[0])
    episode.verify()
    measured(
        "D4",
        "each sync takes 0.5 s: nothing is lost, the backlog is bounded",
        f"{episode.manifest.counts.dropped_records} of {episode.manifest.counts.ticks} ticks lost, "
        f"{len(taken)} syncs, at most {deepest} records waiting",
    )
    assert episode.manifest.counts.dropped_records == 0
    assert deepest < 60
