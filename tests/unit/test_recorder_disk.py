"""Disks that are full, slow or broken: the recorder says so, and nothing is raised."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import recorder.recover as recovery_module
from recorder import durable
from recorder.folder_lock import FolderLock
from recorder.library import list_episodes, open_episode
from recorder.recover import recover_all
from recorder.take import MAX_BACKLOG
from tests.unit.recorder_support import feed, recorder, session, stamp
from transport.messages import RecorderPhase


@pytest.mark.parametrize("failing", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
def test_a_disk_full_at_any_write_stops_recording_and_keeps_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    rec = recorder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "write", _failing_after(failing, errno.ENOSPC))
        feed(rec, session())
        rec.close(stamp(10_000))
    phase, _, _, detail = rec.status()
    assert phase is RecorderPhase.FAILED
    assert "disk full" in detail
    assert rec.sealed() == []
    monkeypatch.setattr(recovery_module, "claim", lambda path: FolderLock(None))
    for found in recover_all(tmp_path):
        if found.recovered:
            open_episode(found.path).verify()
    assert not list(tmp_path.glob("*.rec"))


@pytest.mark.parametrize("name", ["fsync", "rename", "replace"])
def test_a_disk_that_fails_while_sealing_leaves_it_to_the_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rec = recorder(tmp_path)
    feed(rec, iter(list(session())[:300]))
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, name, _raising(errno.EIO))
        rec.close(stamp(300))
    assert rec.status()[0] is RecorderPhase.FAILED
    recover_all(tmp_path)
    (path,) = list_episodes(tmp_path)
    assert open_episode(path).manifest.counts.ticks == 300


def test_the_next_episode_is_recorded_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rec = recorder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "write", _failing_after(20, errno.ENOSPC))
        feed(rec, session())
    assert rec.status()[0] is RecorderPhase.FAILED
    feed(rec, session(boot_id="second"))
    rec.close(0)
    assert rec.status()[0] is RecorderPhase.SEALED
    assert len(rec.sealed()) == 1


def test_too_little_space_refuses_with_a_sentence(tmp_path: Path) -> None:
    rec = recorder(tmp_path, min_free_bytes=1 << 60)
    feed(rec, session())
    rec.close(stamp(10_000))
    phase, _, _, detail = rec.status()
    assert phase is RecorderPhase.FAILED
    assert "nearly full" in detail
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_failure_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    rec = recorder(tmp_path / "file" / "episodes")
    feed(rec, session())
    rec.close(stamp(10_000))
    assert rec.status()[0] is RecorderPhase.FAILED
    assert rec.status()[3]


class StuckDisk(Executor):
    """Never gets to do anything until `release`."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.stuck = True

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs.append((future, partial(fn, *args, **kwargs)))
        if not self.stuck:
            self.release()
        return future

    def release(self) -> None:
        self.stuck = False
        while self.jobs:
            future, fn = self.jobs.pop(0)
            future.set_result(fn())


def test_a_disk_that_hangs_is_given_up_with_a_bounded_backlog(tmp_path: Path) -> None:
    disk = StuckDisk()
    rec = recorder(tmp_path, disk=disk)
    feed(rec, session(drive=3000))
    assert len(disk.jobs) <= MAX_BACKLOG + 3
    disk.release()
    rec.close(stamp(10_000))
    phase, _, _, detail = rec.status()
    assert phase is RecorderPhase.FAILED
    assert "too slow" in detail
    (found,) = recover_all(tmp_path)
    assert open_episode(found.path).manifest.last_tick > 1200, "what waited is written all the same"


def test_a_fault_of_our_own_fails_the_episode_and_not_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recorder.writer import EpisodeWriter

    rec = recorder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(EpisodeWriter, "row", _raising_type(KeyError))
        feed(rec, session())
        rec.close(stamp(10_000))
    assert rec.status()[0] is RecorderPhase.FAILED
    assert "Recorder fault" in rec.status()[3]


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(durable.os, "write", lambda fd, data: real(fd, data[:7]))
    stream = durable.DiskStream(tmp_path / "x")
    assert stream.write(b"0123456789" * 5) == 50
    assert stream.tell() == 50
    stream.close()
    stream.close()
    assert (tmp_path / "x").read_bytes() == b"0123456789" * 5


def _failing_after(count: int, code: int) -> Callable[..., int]:
    left = iter(range(count))
    real = os.write

    def write(fd: int, data: memoryview) -> int:
        if next(left, None) is None:
            raise OSError(code, os.strerror(code))
        return real(fd, data)

    return write


def _raising(code: int) -> Callable[..., None]:
    def call(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def _raising_type(kind: type[Exception]) -> Callable[..., None]:
    def call(*args: object) -> None:
        raise kind("fault")

    return call
