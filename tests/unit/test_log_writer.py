"""A log that keeps nobody waiting, whoever reads it or does not."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from teleop.log_writer import LogWriter

LONG = "x" * 100_000  # more than a pipe holds


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    made = logging.getLogger("control.of-this-test")
    made.propagate = False
    yield made
    made.handlers.clear()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    with ExitStack() as open_ends:
        open_ends.callback(os.close, read)
        open_ends.callback(os.close, write)
        yield read, write


def lines_until(read: int, end: bytes) -> list[bytes]:
    came = b""
    while not came.endswith(end):
        came += os.read(read, 1 << 20)
    return came.splitlines()


def test_nobody_reads_and_nobody_waits_and_what_was_lost_is_told(
    pipe: tuple[int, int], log: logging.Logger
) -> None:
    read, write = pipe
    writer = LogWriter(write, room=10)
    log.addHandler(writer)
    for number in range(100):  # returns: with a plain handler the second would wait for ever
        log.warning("%d %s", number, LONG)
    lost = writer.lost
    assert 100 - 10 - 1 <= lost <= 100 - 10
    came: list[bytes] = []
    while sum(LONG.encode() in line for line in came) < 100 - lost:
        came += lines_until(read, b"\n")
    told = [line.decode() for line in came if LONG.encode() not in line]
    assert all(line.endswith("lines were lost, nobody read them in time") for line in told)
    assert sum(int(line.split()[1]) for line in told) == lost
    writer.close()


def test_a_line_says_its_topic_and_an_exception_its_whole_story(
    pipe: tuple[int, int], log: logging.Logger
) -> None:
    read, write = pipe
    writer = LogWriter(write)
    log.addHandler(writer)
    try:
        raise OSError("no such motor")
    except OSError:
        log.exception("the robot's %s has failed", "driver")
    writer.close()  # waits for it: nothing is lost at an orderly end
    lines = os.read(read, 1 << 16).decode().splitlines()
    assert lines[0] == "control.of-this-test: the robot's driver has failed"
    assert lines[-1] == "OSError: no such motor"
    assert writer.lost == 0


def test_a_reader_that_has_gone_is_no_trouble(log: logging.Logger) -> None:
    read, write = os.pipe()
    os.close(read)
    writer = LogWriter(write)
    log.addHandler(writer)
    log.warning("is anybody there?")
    writer.close()
    assert writer.lost == 1
    os.close(write)


def test_the_end_does_not_wait_for_a_reader_that_never_reads(
    pipe: tuple[int, int], log: logging.Logger
) -> None:
    _, write = pipe
    writer = LogWriter(write, room=1)
    log.addHandler(writer)
    for _ in range(5):
        log.warning(LONG)
    writer.close()  # returns
    assert writer.lost >= 3
