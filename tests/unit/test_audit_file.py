"""The audit log on the disk: one file a day, private, never in anybody's way."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from recorder.episode import EpisodeError
from teleop.audit_entry import AuditEntry, Kind, line_of
from teleop.audit_file import KEPT_DAYS, AuditWriter, append_whole, outlived, read_audit

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HANG_S = 30.0


def entry(number: int, wall: datetime = NOON) -> AuditEntry:
    return AuditEntry(
        wall=wall, robot="rover-01", boot_id="b", kind=Kind.MARKER, stamp_ns=number, n=number
    )


def write(state: Path, *entries: AuditEntry) -> None:
    with closing(AuditWriter(state, "rover-01")) as writer:
        writer.write(entries)


def the_file(state: Path) -> Path:
    return state / "audit" / "rover-01-2026-05-04.jsonl"


def test_entries_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path, entry(1), entry(2))
    write(tmp_path, entry(3))
    found = read_audit([tmp_path])
    assert found.entries == (entry(1), entry(2), entry(3))
    assert (found.files, found.unreadable) == (1, 0)


def test_each_day_by_utc_has_its_own_file(tmp_path: Path) -> None:
    write(tmp_path, entry(1), entry(2, NOON + timedelta(hours=12)))
    names = sorted(path.name for path in (tmp_path / "audit").iterdir())
    assert names == ["rover-01-2026-05-04.jsonl", "rover-01-2026-05-05.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    write(tmp_path, entry(1))
    assert stat.S_IMODE(the_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(the_file(tmp_path).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("cut", range(1, len(line_of(entry(2)))))
def test_a_torn_line_is_skipped_and_not_glued_to_the_next(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rover-01-2026-05-04.jsonl"
    path.write_bytes(line_of(entry(1)) + line_of(entry(2))[:cut])
    append_whole(path, line_of(entry(3)))
    found = read_audit([path])
    whole = cut == len(line_of(entry(2))) - 1  # only its end was missing
    assert found.entries == (entry(1), *([entry(2)] if whole else []), entry(3))
    assert found.unreadable == (not whole)


def test_a_line_of_another_version_is_counted_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "rover-01-2026-05-04.jsonl"
    later = line_of(entry(1)).replace(b'"kind"', b'"colour":"blue","kind"')
    path.write_bytes(later + b"\xff\xfe\n" + b"[" * 100_000 + b"\n" + line_of(entry(2)))
    found = read_audit([path])
    assert found.entries == (entry(2),)
    assert found.unreadable == 3


def test_a_negative_time_is_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "rover-01-2026-05-04.jsonl"
    path.write_bytes(line_of(entry(1)).replace(b'"stamp_ns"', b'"after_s":-1.0,"stamp_ns"'))
    assert read_audit([path]).entries == ()


def disk_of(patch: pytest.MonkeyPatch, write_some: Callable[[int, bytes], int]) -> None:
    """A disk whose writes to the log go this way; the system's own are left alone."""
    really = os.write

    def write(fd: int, raw: bytes) -> int:
        by_the_log = threading.current_thread().name == "audit"
        return write_some(fd, raw) if by_the_log else really(fd, raw)

    patch.setattr("teleop.audit_file.os.write", write)


def test_a_full_disk_loses_entries_and_the_next_one_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full, really, tried = True, os.write, threading.Semaphore(0)

    def full_disk(fd: int, raw: bytes) -> int:
        if not full:
            return really(fd, raw)
        written = really(fd, raw[:7])  # some of it still found room
        tried.release()
        if written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written

    disk_of(monkeypatch, full_disk)
    with closing(AuditWriter(tmp_path, "rover-01")) as writer:
        writer.write([entry(1), entry(2), entry(3)])
        for _ in range(3):
            assert tried.acquire(timeout=HANG_S)
        full = False
        writer.write([entry(4), entry(5)])
    assert writer.lost == 3
    told = read_audit([tmp_path]).entries
    assert [(one.n, one.lost) for one in told] == [(4, 3), (5, 0)]
    assert the_file(tmp_path).read_bytes().startswith(b'{"wall"'), "nothing torn is left"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2, "the failure once, and its end once"
    assert "No space left on device" in said[0]
    assert "lost: 3" in said[1]


def test_a_disk_that_hangs_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, goes_on, really = threading.Event(), threading.Event(), os.write

    def hangs(fd: int, raw: bytes) -> int:
        hanging.set()
        assert goes_on.wait(HANG_S)
        return really(fd, raw)

    disk_of(monkeypatch, hangs)
    with closing(AuditWriter(tmp_path, "rover-01", room=10)) as writer:
        writer.write([entry(0)])
        assert hanging.wait(HANG_S)
        writer.write(entry(number) for number in range(1, 100))  # this thread would hang
        assert writer.lost == 89
        goes_on.set()
    kept = read_audit([tmp_path]).entries
    assert [one.n for one in kept] == list(range(11))
    assert sum(one.lost for one in kept) == 89


def test_a_day_gets_so_much_room_and_the_next_one_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.audit_file.MAX_DAY_BYTES", 2 * len(line_of(entry(1))))
    write(tmp_path, *map(entry, range(1, 6)), entry(6, NOON + timedelta(days=1)))
    told = read_audit([tmp_path]).entries
    assert [(one.n, one.lost) for one in told] == [(1, 0), (2, 0), (6, 3)]


def names(*days: date, robot: str = "rover-01") -> list[str]:
    return [f"{robot}-{day}.jsonl" for day in days]


TODAY = date(2026, 5, 4)
YESTERDAY = TODAY - timedelta(days=1)
OLD = TODAY - timedelta(days=KEPT_DAYS + 2)


def test_what_is_older_than_eight_weeks_and_a_bit_goes() -> None:
    young = TODAY - timedelta(days=56)
    assert outlived(names(OLD, young, YESTERDAY), "rover-01", TODAY) == names(OLD)


def test_other_robots_and_other_files_are_left_alone() -> None:
    others = [*names(OLD, robot="rover-02"), "notes.txt", "rover-01-2026-02-31.jsonl"]
    assert outlived([*others, *names(YESTERDAY)], "rover-01", TODAY) == []


@pytest.mark.parametrize("today", [date(2099, 1, 1), date(1970, 1, 1)])
def test_a_clock_that_is_set_wrong_takes_nothing_along(today: date) -> None:
    assert outlived(names(TODAY, YESTERDAY), "rover-01", today) == []


def test_old_days_are_removed_as_a_new_one_begins(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    for name in names(OLD, YESTERDAY):
        (folder / name).write_bytes(b"")
    write(tmp_path, entry(1))
    assert sorted(path.name for path in folder.iterdir()) == names(YESTERDAY, TODAY)


def test_a_file_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, entry(1))
    found = read_audit([tmp_path, tmp_path / "audit", the_file(tmp_path)])
    assert found.entries == (entry(1),)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "No such file or folder"),
        (lambda path: path.mkdir(), "No audit log"),
    ],
)
def test_a_path_without_a_log_says_what_to_give(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    make(tmp_path / "state")
    with pytest.raises(EpisodeError, match=says) as caught:
        read_audit([tmp_path / "state"])
    assert "state folder" in str(caught.value)


def test_a_file_that_is_much_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.audit_file.MAX_READ_BYTES", 10)
    write(tmp_path, entry(1))
    with pytest.raises(EpisodeError, match="Too large"):
        read_audit([tmp_path])
