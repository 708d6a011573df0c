"""Which sound is due when, from what changed on the screen."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from transport.clock import NS_PER_S
from ui.kept_preferences import Sound
from ui.screen import Chip, Look
from ui.sound_plan import Ears, Heard, sentence

CALLING = Heard(calls=frozenset({"rover-07"}))
QUIET = Heard()


def heard_in(*moments: tuple[float, Heard]) -> list[tuple[float, Sound]]:
    """The sounds due at these times, in s."""
    ears, found = Ears(), []
    for at_s, moment in moments:
        ears, due = ears.step(moment, round(at_s * NS_PER_S))
        found += [(at_s, sound) for sound in due]
    return found


def test_a_call_is_heard_at_once_and_again_after_30_and_60_s() -> None:
    moments = [(float(at_s), CALLING) for at_s in range(200)]
    times = [at_s for at_s, sound in heard_in(*moments) if sound is Sound.CALL]
    assert times == [0.0, 30.0, 60.0]


def test_a_second_robot_is_heard_for_itself() -> None:
    both = Heard(calls=frozenset({"rover-07", "rover-12"}))
    assert heard_in((0, CALLING), (5, both), (6, both)) == [(0, Sound.CALL), (5, Sound.CALL)]


def test_a_call_that_was_answered_and_comes_again_is_new() -> None:
    assert heard_in((0, CALLING), (1, QUIET), (2, CALLING)) == [(0, Sound.CALL), (2, Sound.CALL)]


def test_a_call_while_you_drive_is_heard_when_you_let_go() -> None:
    driving = replace(CALLING, driving=True)
    assert heard_in((0, driving), (40, driving), (41, CALLING)) == [(41, Sound.CALL)]


def test_each_trouble_is_heard_once_when_it_begins() -> None:
    for name, sound in (
        ("hold", Sound.HOLD),
        ("stopped", Sound.STOPPED),
        ("stale", Sound.STALE),
        ("asked", Sound.ASKED),
    ):
        bad = replace(QUIET, **{name: True})
        assert heard_in((0, QUIET), (1, bad), (2, bad), (3, QUIET), (4, bad)) == [
            (1, sound),
            (4, sound),
        ]


def test_what_was_so_when_the_window_opened_is_no_change() -> None:
    assert heard_in((0, Heard(hold=True, stopped=True, stale=True))) == []


def test_a_stop_is_heard_and_not_the_hold_that_comes_with_it() -> None:
    assert heard_in((0, QUIET), (1, Heard(hold=True, stopped=True))) == [(1, Sound.STOPPED)]


def test_the_most_severe_comes_first() -> None:
    bad = Heard(calls=frozenset({"a"}), hold=True, stale=True)
    assert [sound for _, sound in heard_in((0, QUIET), (1, bad))] == [
        Sound.HOLD,
        Sound.CALL,
        Sound.STALE,
    ]


def test_a_countdown_is_three_short_ones_and_go() -> None:
    moments = [(at_s / 2, Heard(count=count)) for at_s, count in enumerate((3, 3, 2, 2, 1, 1, 0))]
    assert [sound for _, sound in heard_in((-1, QUIET), *moments)] == [
        *([Sound.READY] * 3),
        Sound.GO,
    ]


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=60))
def test_one_call_is_never_heard_more_than_three_times(steps: list[tuple[int, bool]]) -> None:
    at_s, moments = 0, []
    for wait_s, driving in steps:
        at_s += wait_s
        moments.append((float(at_s), replace(CALLING, driving=driving)))
    assert len(heard_in(*moments)) <= 3


def test_the_voice_says_what_the_readiness_line_says() -> None:
    ready = Chip("ready", "READY", "Moving. Full speed allowed, deadman held")
    hold = Chip("bars", "HOLD", "Not moving: commands are 340 ms old", Look.HOLD)
    assert sentence(None, hold) == ""
    assert sentence(ready, hold) == "Hold: commands are 340 ms old"
    assert sentence(hold, replace(hold, detail="Not moving: commands are 360 ms old")) == ""
    assert sentence(hold, ready) == "Ready: Moving. Full speed allowed, deadman held"
    assert sentence(ready, replace(ready, detail="Hold the deadman to move")) == ""
