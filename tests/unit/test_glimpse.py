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


def heard_at(heard: Heard, stamp_ns: int, now_ns: int, boot: str = "boot-1") -> Heard:
    return heard.with_state(robot_state(stamp_ns=stamp_ns, boot_id=boot), now_ns)


def test_how_late_a_state_came_is_told_against_the_fastest() -> None:
    heard = Heard(RobotGlimpse("a:1", "a:1", "r", "k" * 40), NOW, NOW)
    heard = heard_at(heard, 1_000 * NS_PER_MS, NOW)
    assert heard.glimpse.late_ms == 0.0, "of the first one nothing is known"
    heard = heard_at(heard, 1_200 * NS_PER_MS, NOW + 290 * NS_PER_MS)
    assert heard.glimpse.late_ms == pytest.approx(90.0, abs=0.5)
    heard = heard_at(heard, 1_400 * NS_PER_MS, NOW + 350 * NS_PER_MS)
    assert heard.glimpse.late_ms == 0.0, "a faster one is the measure from here on"
    heard = heard_at(heard, 1_600 * NS_PER_MS, NOW + 600 * NS_PER_MS)
    assert heard.glimpse.late_ms == pytest.approx(50.0, abs=0.5)
    heard = heard_at(heard, 5 * NS_PER_MS, NOW + 700 * NS_PER_MS, boot="boot-2")
    assert heard.glimpse.late_ms == 0.0, "a restart is another clock"


def test_a_clock_that_runs_slow_for_a_day_makes_no_state_late() -> None:
    heard = Heard(RobotGlimpse("a:1", "a:1", "r", "k" * 40), NOW, NOW)
    for second in range(1000):
        slow_ns = second * (1_000 * NS_PER_MS - 50_000)  # 50 millionths, as quartz may
        heard = heard_at(heard, slow_ns, NOW + second * 1_000 * NS_PER_MS)
    assert heard.glimpse.late_ms < 1.0


def test_a_heard_robot_has_its_own_name_and_no_trouble() -> None:
    heard = Heard(RobotGlimpse("a:1", "a:1", "as paired", "k" * 40, unreadable=True), NOW, NOW)
    found = heard_at(heard, 0, NOW + 7).at(NOW + 7)
    assert (found.name, found.trouble, found.unreadable) == ("rover-07", None, False)
    assert found.silent_ms == 0.0
