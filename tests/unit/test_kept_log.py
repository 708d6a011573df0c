"""The console's log is kept for a report, and what is on standard error stays as it was."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop.kept_log import forget_old, keep_log


@pytest.fixture
def error_stream() -> Iterator[io.StringIO]:
    """Root logger as a program sets it up, put back after."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    root.handlers = [logging.StreamHandler(said := io.StringIO())]
    root.setLevel(logging.WARNING)
    yield said
    for handler in root.handlers:
        handler.close()
    root.level, root.handlers = before


def test_information_is_in_the_file_and_not_on_the_screen(
    tmp_path: Path, error_stream: io.StringIO
) -> None:
    keep_log(tmp_path / "logs", "console")
    logging.getLogger("ui").info("camera %s came", "front")
    logging.getLogger("ui").warning("a warning")
    (file,) = (tmp_path / "logs").glob("console-*.log")
    assert "INFO ui: camera front came" in file.read_text()
    assert error_stream.getvalue() == "a warning\n"


def test_without_a_place_it_is_told_and_the_program_goes_on(
    tmp_path: Path, error_stream: io.StringIO
) -> None:
    (tmp_path / "logs").write_text("a file")
    assert keep_log(tmp_path / "logs", "console") is None
    assert "the log is not kept" in error_stream.getvalue()


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(15):
        (tmp_path / f"console-{number}.log").touch()
    (tmp_path / "other.log").touch()
    forget_old(tmp_path, "console", keep=4)
    assert len(list(tmp_path.glob("console-*.log"))) == 4
    assert (tmp_path / "other.log").exists()
