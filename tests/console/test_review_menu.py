"""The console offers the review of episodes that are kept on this machine."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from tests.console.fakes import FakeLink, FakeVideo, link_view
from ui.main_window import MainWindow
from ui.pages import Page
from ui.review_page import ReviewPage
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


def test_review_is_a_page_and_costs_nothing_while_it_is_out_of_sight(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    window = console(qtbot, theme, tmp_path)
    window.menus.review.trigger()
    page = window.stack.currentWidget()
    assert isinstance(page, ReviewPage)
    assert page.in_view
    window.show_page(Page.DRIVE)
    assert not page.in_view
    window.show_page(Page.REVIEW)
    assert window.stack.currentWidget() is page
    window.close()


def test_without_an_episode_the_page_says_so(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    window = console(qtbot, theme, tmp_path / "none")
    window.show_page(Page.REVIEW)
    assert window.page is Page.DRIVE
    assert window.history.facts.told == "No episode has been recorded on this machine yet."
