"""A disk that answers nothing: no episodes, and everything else as before."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from recorder.recover import Recovery
from tests.links.test_media_viewers import CAMERA, MediaProcess, watching
from tests.links.video_support import pictures_of, wait_until
from transport.messages import Mode, RecorderPhase, Role


def test_a_dead_disk_is_told_and_does_not_take_the_cameras_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def dead(path: Path) -> list[Recovery]:
        asked.append(path)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("teleop.media.recover_all", dead)
    monkeypatch.setattr("shutil.disk_usage", dead)
    with (
        closing(MediaProcess(tmp_path)) as process,
        watching(process, "driver", Role.OPERATOR) as driver,
    ):
        pictures_of(driver, CAMERA, 3)
        process.mode = Mode.TELEOP
        wait_until(
            lambda: process.media._report().recorder is RecorderPhase.FAILED, "nobody was told"
        )
        told = process.media._report()
        assert "Input/output error" in told.recorder_detail
        assert told.disk_free_bytes == 0
        driver.mailboxes[CAMERA].take()
        pictures_of(driver, CAMERA, 10)
        assert process.media._failure is None
        assert asked
