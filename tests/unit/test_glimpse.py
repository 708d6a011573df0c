"""What is known of a robot among many, by this console's clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from teleop.glimpse import SILENT_MS, Heard, RobotGlimpse, place_at
from tests.console.fakes import robot_state
from transport.clock import NS_PER_MS

NOW = 10**12
GLIMPSE = RobotGlimpse("home:7600", "home:7600", "rover-1", "k" * 40, state=robot_state())


def test_ages_grow_although_nothing_comes() -> None:
    heard = Heard(GLIMPSE, NOW, NOW - 500 * NS_PER_MS)
    assert heard.at(NOW) == replace(GLIMPSE, silent_ms=0.0, media_silent_ms=500.0)
    later = heard.at(NOW + 250 * NS_PER_MS)
    assert (later.silent_ms, later.media_silent_ms) == (250.0, 750.0)


def test_a_robot_answers_while_its_state_is_of_now() -> None:
    assert replace(GLIMPSE, silent_ms=SILENT_MS).answers
    assert not replace(GLIMPSE, silent_ms=SILENT_MS + 1).answers
    assert not replace(GLIMPSE, state=None).answers


@pytest.mark.parametrize(
    ("elsewhere", "looked_for"),
    [
        ((), ["a:1", "a:1", "a:1", "a:1"]),
        (("b:1",), ["a:1", "b:1", "a:1", "b:1"]),
        (("b:1", "a:1", "c:1"), ["a:1", "b:1", "c:1", "a:1"]),
    ],
)
def test_a_robot_is_looked_for_where_it_was_paired_and_where_it_was_seen_by_turns(
    elsewhere: tuple[str, ...], looked_for: list[str]
) -> None:
    assert [place_at("a:1", elsewhere, turn) for turn in range(4)] == looked_for
