"""The age of the main picture is in sight whatever lies over the window, and is never cut short."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from teleop.operator_view import Reach
from tests.console.fakes import dark, driven, frozen, link_view, media_state, wish
from tests.console.support import Console
from tests.unit.screen_support import WALL, camera
from ui.screen import Chip, Look
from ui.theme import BODY, CAPTION, contrast, text_width
from ui.view_state import link_chip

SIZES = ((1180, 720), (1280, 800), (1920, 1080))


def in_window(console: Console, part: QWidget) -> QRect:
    return QRect(part.mapTo(console.window, QPoint(0, 0)), part.size())


@pytest.mark.parametrize("scheme", [Qt.ColorScheme.Dark, Qt.ColorScheme.Light], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_that_opens_covers_it(
    console: Console, qtbot: QtBot, size: tuple[int, int], scheme: Qt.ColorScheme
) -> None:
    window = console.window
    console.theme.choose(scheme)
    window.resize(*size)
    console.show(link_view(driven(wanted=wish())))
    window.toggle_reasons()
    window.show_keys()
    window.toggle_figures()
    qtbot.wait(1)

    chip = window.top.link
    overlays: list[QWidget] = [window.reasons, window.cheat_sheet, window.notice]
    try:
        assert all(each.isVisible() for each in overlays)
        assert chip.isVisible()
        assert [
            each
            for each in overlays
            if in_window(console, each).intersects(in_window(console, chip))
        ] == []
    finally:
        console.theme.choose(Qt.ColorScheme.Dark)


def chips() -> list[Chip]:
    """Every kind of it with the longest figures it can have."""
    driving = link_view(driven(command_age_ms=999.0, picture_age_ms=999.0))
    watching = replace(driving, yours=False, round_trip_ms=999.0)
    made = []
    for link in (
        driving,
        watching,
        replace(driving, media=frozen(media_state())),
        replace(driving, media=dark(media_state())),
        replace(driving, reach=Reach.LOST, silent_ms=99_000.0),
    ):
        for age_ms in (188.0, 488.0, 5_800.0, 110_000.0, None):
            picture = camera(age_ms=age_ms, ages_ms=(), fps=120.0)
            latency = None if age_ms is None else min(age_ms + 111.0, 9_999.0)
            made.append(link_chip(link, picture, latency, WALL))
    return made


def test_its_words_have_room_in_the_smallest_layout(console: Console, qtbot: QtBot) -> None:
    console.window.resize(1280, 800)
    qtbot.wait(1)
    room = console.window.top.link.width()
    short = [
        chip
        for chip in chips()
        if text_width(chip.word, BODY, 600) + (20 if chip.icon else 0) > room
        or text_width(chip.detail, CAPTION) > room
    ]
    assert short == []


def test_less_than_normal_has_a_shape_and_a_colour_that_can_be_read(console: Console) -> None:
    assert all(chip.icon and chip.look is not Look.QUIET for chip in chips())
    young = link_chip(link_view(driven()), camera(), 76.0, WALL)
    assert (young.icon, young.look) == ("", Look.QUIET)
    for scheme in (Qt.ColorScheme.Dark, Qt.ColorScheme.Light):
        console.theme.choose(scheme)
        tokens = console.theme.tokens
        for ink in (tokens.text, tokens.amber, tokens.red):
            assert contrast(ink, tokens.panel) >= 4.5
    console.theme.choose(Qt.ColorScheme.Dark)
