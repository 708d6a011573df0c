"""Contrast of every text and background pair that is used, by formula; fonts that are there."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFontDatabase, QFontMetrics

from ui.theme import DARK, FAMILY, LIGHT, ON_PLATE, ON_PLATE_2, PLATE, Theme, Tokens, contrast, font

TEXT = 4.5  # WCAG AA
SHAPE = 3.0  # outlines of controls and shapes

GROUNDS = ("win", "panel", "ctl", "hover")
TEXTS = ("text", "text2", "text3", "blue", "amber", "red")
FILLS = (
    ("on_blue", "blue_fill"),
    ("on_amber", "amber_fill"),
    ("on_red", "red_fill"),
    ("on_stop", "stop"),
    ("on_lane_yours", "lane_yours"),
    ("text", "lane_policy"),
    ("text", "phase_yours"),
)
BOTH = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])


@BOTH
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_reads_on_every_ground(tokens: Tokens, text: str, ground: str) -> None:
    assert contrast(getattr(tokens, text), getattr(tokens, ground)) >= TEXT


@BOTH
@pytest.mark.parametrize(("text", "fill"), FILLS)
def test_text_reads_on_every_fill(tokens: Tokens, text: str, fill: str) -> None:
    assert contrast(getattr(tokens, text), getattr(tokens, fill)) >= TEXT


@BOTH
@pytest.mark.parametrize("ground", GROUNDS)
def test_the_outline_of_a_control_can_be_seen(tokens: Tokens, ground: str) -> None:
    assert contrast(tokens.edge, getattr(tokens, ground)) >= SHAPE


@pytest.mark.parametrize("ink", [ON_PLATE, ON_PLATE_2, "#F0B84A", "#FF8B82"])
def test_a_plate_reads_over_a_white_picture(ink: str) -> None:
    # 85 % of the plate over white.
    mixed = "#" + "".join(
        f"{round(int(PLATE[i : i + 2], 16) * 0.85 + 255 * 0.15):02X}" for i in (1, 3, 5)
    )
    assert contrast(ink, mixed) >= TEXT


@BOTH
def test_there_is_no_green(tokens: Tokens) -> None:
    for name, color in vars(tokens).items():
        red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        assert not (green > red + 24 and green > blue + 24), name


def test_the_bundled_font_is_used_and_its_figures_have_one_width(theme: Theme) -> None:
    assert FAMILY in QFontDatabase.families()
    metrics = QFontMetrics(font(13, 600))
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1
