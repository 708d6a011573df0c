"""Smaller and fewer pictures of a simulated camera: what the agent's option may say."""

from __future__ import annotations

import pytest

from teleop.cli_robot import pictures_asked
from teleop.safety import ConfigError


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("640x480", (640, 480, 1)),
        ("320x240@15", (320, 240, 2)),
        ("64x64@10", (64, 64, 3)),
    ],
)
def test_size_and_rate_are_read(text: str, asked: tuple[int, int, int]) -> None:
    assert pictures_asked(text) == asked


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("small", "says nothing about pictures"),
        ("320x240@", "says nothing about pictures"),
        ("320x240x3", "says nothing about pictures"),
        ("321x240", "even, 64 to 4096"),
        ("32x240", "even, 64 to 4096"),
        ("9998x240", "even, 64 to 4096"),
        ("320x240@7", "7 pictures a second do not fit into 30"),
        ("320x240@1", "1 pictures a second do not fit into 30"),
        ("320x240@60", "60 pictures a second do not fit into 30"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_what_can(text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        pictures_asked(text)
