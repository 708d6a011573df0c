"""How much room there is, without ever waiting for the disk."""

from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from teleop.disk_space import HANGS_NS, DiskSpace
from tests.unit.recorder_support import InlineDisk
from transport.clock import NS_PER_S


class HangingDisk(Executor):
    """Takes questions and answers none until it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Future[Any], Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked.append((future, lambda: fn(*args, **kwargs)))
        return future

    def answer(self) -> None:
        for future, ask in self.asked:
            future.set_result(ask())
        self.asked.clear()


def test_what_the_disk_said_last_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = DiskSpace(tmp_path / "not yet made", InlineDisk())
    assert space.free_bytes(0) == 0
    assert space.free_bytes(NS_PER_S) > 0
    monkeypatch.setattr("shutil.disk_usage", lambda folder: (_ for _ in ()).throw(OSError))
    space.free_bytes(2 * NS_PER_S)
    assert space.free_bytes(3 * NS_PER_S) == 0


def test_a_disk_that_hangs_is_asked_once_keeps_nobody_waiting_and_has_no_room(
    tmp_path: Path,
) -> None:
    disk = HangingDisk()
    space = DiskSpace(tmp_path, disk)
    space.free_bytes(0)
    disk.answer()
    assert space.free_bytes(1) > 0, "and asks again, which hangs"
    assert space.free_bytes(HANGS_NS) > 0
    assert space.free_bytes(HANGS_NS + 1) == 0
    assert len(disk.asked) == 1
    disk.answer()
    assert space.free_bytes(HANGS_NS + 2) > 0
