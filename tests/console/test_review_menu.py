"""The console offers the review of episodes that are kept on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.console.fakes import FakeLink, FakeVideo, link_view
from ui import main_window
from ui.main_window import MainWindow
from ui.review_process import review_command
from ui.theme import Theme


def console(qtbot: QtBot, theme: Theme, library: Path | None) -> MainWindow:
    window = MainWindow(FakeLink(link_view(None)), FakeVideo(), theme, library=library)
    qtbot.addWidget(window)
    return window


def test_without_a_library_here_review_is_greyed(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    assert not console(qtbot, theme, None).menus.review.isEnabled()
    assert not console(qtbot, theme, tmp_path / "none").menus.review.isEnabled()


def test_with_the_first_episode_review_can_be_chosen(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    window = console(qtbot, theme, tmp_path / "episodes")
    (tmp_path / "episodes").mkdir()
    window.menus.look_for_library()  # as the menu does when it is opened
    assert window.menus.review.isEnabled()


def test_review_opens_beside_the_console_and_behind_it(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(main_window, "open_review", opened.append)
    console(qtbot, theme, tmp_path).menus.review.trigger()
    assert opened == [tmp_path]
    assert review_command(tmp_path)[1:] == ("-m", "ui.review", str(tmp_path), "--behind")
