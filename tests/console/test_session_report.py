"""The figures of a session: the ages of every camera's pictures, not of the main one alone."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from pytestqt.qtbot import QtBot

from tests.console.fakes import driven, link_view, picture
from tests.console.support import Console
from transport import clock
from transport.clock import NS_PER_MS
from ui.session_report import ReportedLink, write_report

# What a link that never heard of a robot has noted.
UNUSED = cast(
    "ReportedLink",
    SimpleNamespace(commands_applied=0, ages_ms=[], command_times_ms=[], first_painted_ns=None),
)


def test_each_camera_has_its_own_ages(console: Console, qtbot: QtBot, tmp_path: Path) -> None:
    console.show(link_view(driven()))
    feeds = console.window.cameras.feeds
    for camera, age_ms in (("front", 40), ("ceiling", 60_000)):
        captured_ns = clock.now_ns() - age_ms * NS_PER_MS
        console.video.put(picture(camera, captured_ns=captured_ns))
        qtbot.waitUntil(lambda shown=feeds[camera]: shown.painted == 1)

    write_report(tmp_path / "report.json", UNUSED, console.window)

    facts = json.loads((tmp_path / "report.json").read_text())
    front, ceiling = facts["camera_age_ms"]["front"], facts["camera_age_ms"]["ceiling"]
    assert 40 <= front["p50"] == front["p99"] < 60_000 <= ceiling["p50"]
    assert facts["frames_painted"] == {"front": 1, "ceiling": 1}


def test_a_camera_that_was_never_shown_has_no_ages(console: Console, tmp_path: Path) -> None:
    console.show(link_view(driven()))
    write_report(tmp_path / "report.json", UNUSED, console.window)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert facts["camera_age_ms"] == {"front": None, "ceiling": None}
