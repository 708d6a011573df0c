"""What the screen says of a replay on hardware."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from teleop.hardware_replay import Stage
from teleop.operator_view import ReplayView
from tests.console.fakes import driven, link_view, robot_state, wish
from tests.unit.screen_support import screen
from ui.replay_words import amount, replay_notice
from ui.screen import Act, Notice

AT_FIRST = ReplayView(
    name="01M8XY2K9QABCDEFGHJKMNPQRS",
    stage=Stage.CHECK,
    played=0,
    actions=540,
    off=0.12,
    limit=0.05,
    unit="m",
    away_m=0.12,
    known=True,
    sentence="Nothing was played: it has not begun.",
)
HOLD = "Replay of 01M8XY2K9Q…: hold the deadman"


def said(**changes: object) -> tuple[str, str]:
    notice = replay_notice(replace(AT_FIRST, **changes))  # type: ignore[arg-type]
    return notice.title, notice.detail


def test_before_it_begins_it_says_what_to_hold_and_what_will_happen() -> None:
    assert said() == (
        HOLD,
        "Its start is 0.12 m away: approached first, at a tenth of the speed",
    )
    assert said(known=False) == (HOLD, "Where the robot is, is not known yet")
    there = said(away_m=0.004, off=0.004)
    assert there == (HOLD, "The robot is where it began, or turns there first")


def test_on_the_way_to_the_start_it_says_how_far() -> None:
    assert said(stage=Stage.APPROACH) == (HOLD, "Approach, 0.12 m to go")
    turning = said(stage=Stage.APPROACH, away_m=0.004, off=math.radians(12), unit="rad")
    assert turning == (HOLD, "Approach, 12.0° to go")
    assert said(stage=Stage.SETTLE) == (HOLD, "At the start")


def test_while_it_plays_it_says_how_far_off() -> None:
    play = replace(AT_FIRST, stage=Stage.PLAY, played=214, off=0.004)
    assert said(stage=Stage.PLAY, played=214, off=0.004) == (
        "Playing 214 of 540",
        "4 mm off, limit 50 mm",
    )
    assert replay_notice(play).buttons == ()


def test_at_its_end_it_asks_the_operator() -> None:
    notice = replay_notice(replace(AT_FIRST, stage=Stage.JUDGE))
    assert (notice.title, notice.detail) == (
        "Played. Did it solve the task?",
        "Y yes, Backspace no. Nothing drives before.",
    )
    assert notice.buttons == (("Yes", Act.SUCCESS), ("No", Act.FAILURE))


def test_ended_it_says_what_it_has_shown_and_whether_that_was_kept() -> None:
    shown = "Played 12 of 540 actions, tracked within 4 mm. It ended early: STOP was pressed."
    title, detail = said(stage=Stage.ENDED, sentence=shown)
    assert title == "Replay of 01M8XY2K9Q… has ended"
    assert detail == f"{shown} Let go, then keys and pad drive again."
    full = "It could not be written to episodes: No space left on device."
    assert full in said(stage=Stage.ENDED, sentence=shown, trouble=full)[1]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.0444, "m", "44 mm"), (math.radians(10), "rad", "10.0°"), (0.5, "1", "50 % of the stroke")],
)
def test_amounts_have_their_units(value: float, unit: str, words: str) -> None:
    assert amount(value, unit) == words


def notice(**changes: object) -> Notice | None:
    return screen(link_view(driven(), replay=AT_FIRST, **changes)).notice


def test_it_is_shown_over_the_picture_unless_somebody_waits_for_an_answer() -> None:
    shown = notice()
    assert shown is not None
    assert shown.title == HOLD
    asked = screen(link_view(driven(wanted=wish()), replay=AT_FIRST)).notice
    assert asked is not None
    assert asked.title == "op-2 asks for the robot"


def test_it_is_shown_also_while_the_robot_is_not_heard() -> None:
    lost = screen(link_view(None, replay=AT_FIRST)).notice
    assert lost is not None
    assert lost.title == HOLD
    assert screen(link_view(robot_state())).notice is None
