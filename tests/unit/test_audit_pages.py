"""The audit log is handed out in whole lines, of files that only a date can name."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop.audit_pages import PIECE_BYTES, AuditPages
from transport.archive_messages import LINE_BYTES, AuditPiece, AuditRequest, NotInArchive

DAY = datetime.date(2026, 11, 30)


def written(folder: Path, content: bytes, day: str = "2026-11-30") -> AuditPages:
    folder.mkdir(exist_ok=True)
    (folder / f"rover-1-{day}.jsonl").write_bytes(content)
    return AuditPages(folder, "rover-1")


def asked(offset: int = 0, day: datetime.date | None = DAY) -> AuditRequest:
    return AuditRequest(request_id=1, day=day, offset=offset)


def piece(pages: AuditPages, request: AuditRequest) -> AuditPiece:
    found = pages.piece(request)
    assert isinstance(found, AuditPiece), found
    return found


def refusal(pages: AuditPages, request: AuditRequest) -> str:
    found = pages.piece(request)
    assert isinstance(found, NotInArchive)
    return found.reason


def read_all(pages: AuditPages) -> tuple[bytes, int]:
    """Everything that is handed out of the day, and in how many pieces."""
    lines, offset, pieces = b"", 0, 0
    while (found := piece(pages, asked(offset))).lines:
        assert found.lines.endswith(b"\n")
        lines += found.lines
        offset, pieces = found.next_offset, pieces + 1
    return lines, pieces


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(0, 90_000), max_size=8), torn=st.integers(0, 100))
def test_piece_by_piece_the_complete_lines_come_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], torn: int
) -> None:
    whole = b"".join(b"x" * length + b"\n" for length in lengths)
    pages = written(tmp_path_factory.mktemp("audit"), whole + b"y" * torn)
    lines, pieces = read_all(pages)
    assert lines == whole
    assert pieces <= len(lengths)
    assert piece(pages, asked()).size == len(whole) + torn


def test_a_line_that_is_longer_than_a_piece_comes_alone(tmp_path: Path) -> None:
    pages = written(tmp_path, b"a\n" + b"x" * (2 * PIECE_BYTES) + b"\nb\n")
    assert piece(pages, asked(0)).lines == b"a\n"
    assert len(piece(pages, asked(2)).lines) == 2 * PIECE_BYTES + 1


def test_a_line_without_an_end_is_told_with_its_place(tmp_path: Path) -> None:
    pages = written(tmp_path, b"a\n" + b"x" * LINE_BYTES)
    assert "damaged at byte 2" in refusal(pages, asked(2))


def test_what_is_appended_is_found_from_where_one_was(tmp_path: Path) -> None:
    pages = written(tmp_path, b"a\nb")
    first = piece(pages, asked())
    assert first.lines == b"a\n"
    written(tmp_path, b"a\nbc\n")
    assert piece(pages, asked(first.next_offset)).lines == b"bc\n"


def test_an_offset_within_a_line_is_refused(tmp_path: Path) -> None:
    pages = written(tmp_path, b"abc\n")
    assert refusal(pages, asked(2)) == "No line of 2026-11-30 begins at byte 2."


def test_an_offset_behind_the_end_has_nothing(tmp_path: Path) -> None:
    found = piece(written(tmp_path, b"abc\n"), asked(2**61))
    assert (found.lines, found.next_offset, found.size) == (b"", 4, 4)


def test_the_days_that_there_are_come_newest_first(tmp_path: Path) -> None:
    written(tmp_path, b"", day="2026-11-29")
    pages = written(tmp_path, b"")
    for other in ("rover-2-2026-11-28.jsonl", "rover-1-20261127.jsonl", "rover-1-.jsonl", "x"):
        (tmp_path / other).write_bytes(b"")
    (tmp_path / "rover-1-2026-11-26.jsonl").mkdir()
    assert piece(pages, asked(day=None)).days == (DAY, datetime.date(2026, 11, 29))


def test_a_robot_whose_name_ends_like_a_date_keeps_its_days_apart(tmp_path: Path) -> None:
    (tmp_path / "rover-1-2026-11-30-2026-11-30.jsonl").write_bytes(b"theirs\n")
    assert AuditPages(tmp_path, "rover-1").days() == ()
    assert AuditPages(tmp_path, "rover-1-2026-11-30").days() == (DAY,)


def test_before_anything_was_logged_there_are_no_days(tmp_path: Path) -> None:
    assert AuditPages(tmp_path / "audit", "rover-1").days() == ()
    assert piece(AuditPages(tmp_path / "audit", "rover-1"), asked()).lines == b""


def test_a_disk_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = written(tmp_path, b"a\n")

    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    assert refusal(pages, asked()) == "The robot's audit log cannot be read: Input/output error."
