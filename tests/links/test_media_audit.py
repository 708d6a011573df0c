"""The media process keeps the audit log of what it hears on the robot's real inner bus."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from teleop.audit_entry import AuditEntry, Kind
from teleop.audit_file import FOLDER, read_audit
from tests.links.test_media_viewers import CAMERA, MediaProcess, watching
from tests.links.video_support import HANG_S, pictures_of, wait_until
from tests.system.rig import until
from transport.messages import AnnotationKind, Mode, Role, Said

JUDGED_S = 90.0  # a process of its own loads a simulator, at low priority


def entries_in(folder: Path) -> tuple[AuditEntry, ...]:
    return read_audit([folder]).entries if any((folder / FOLDER).glob("*.jsonl")) else ()


def test_a_shift_is_on_the_disk_while_it_goes_on(tmp_path: Path) -> None:
    with closing(MediaProcess(tmp_path)) as process:
        wait_until(lambda: bool(entries_in(tmp_path)), "it has not begun")  # the bus is heard now
        said = Said(episode="01K", kind=AnnotationKind.NOTE, text="squeaks", by="ada")
        process.saying.append(said)
        wait_until(
            lambda: Kind.LABEL in [one.kind for one in entries_in(tmp_path)],
            "it is not written down",
        )
    first, *_ = entries_in(tmp_path)
    assert first.kind is Kind.STARTED
    last = entries_in(tmp_path)[-1]
    assert (last.kind, last.robot, last.site, last.boot_id) == (
        *(Kind.ENDED, "toy-1", "Test bench", "boot"),
    )


def test_an_episode_that_is_sealed_is_named_and_so_is_its_verdict(tmp_path: Path) -> None:
    with closing(MediaProcess(tmp_path)) as process:
        wait_until(lambda: bool(entries_in(tmp_path)), "it has not begun")
        process.mode = Mode.TELEOP
        wait_until(lambda: bool(process.media._report().episode), "nothing is recorded")
        episode = process.media._report().episode
        process.boot_id = "next"  # control starts anew, and ends the episode
        until(
            lambda: Kind.VERDICT in [one.kind for one in entries_in(tmp_path)],
            "the verdict",
            limit_s=JUDGED_S,
        )
    sealed, verdict = (
        next(one for one in entries_in(tmp_path) if one.kind is kind)
        for kind in (Kind.EPISODE, Kind.VERDICT)
    )
    assert (sealed.episode, sealed.shown_boot_id) == (episode, "boot")
    assert (verdict.episode, verdict.verdict) == (episode, "UNVERIFIABLE")


def test_a_log_that_hangs_holds_up_neither_pictures_nor_the_bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, goes_on, really = threading.Event(), threading.Event(), os.write

    def hangs(fd: int, raw: bytes) -> int:
        if threading.current_thread().name == "audit":
            hanging.set()
            goes_on.wait(HANG_S)
        return really(fd, raw)

    monkeypatch.setattr("teleop.audit_file.os.write", hangs)
    try:
        with (
            closing(MediaProcess(tmp_path)) as process,
            watching(process, "driver", Role.OPERATOR) as driver,
        ):
            assert hanging.wait(HANG_S)
            driver.mailboxes[CAMERA].take()
            pictures_of(driver, CAMERA, 10)
            assert process.media._failure is None
            goes_on.set()
    finally:
        goes_on.set()
