"""Whether a gamepad is fit to drive: stuck, pushed, drifting, held too early, frozen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.pad_health import SETTLE_MS, PadHealth, ordered
from teleop.pad_mapping import DEAD_ZONE, FROZEN_S, PadReading, PadSettings
from transport.clock import NS_PER_MS, NS_PER_S

LB = frozenset({"LB"})
LOOK_MS = 4
REST = PadReading()
HELD = PadReading(held=LB)


class Watched:
    """A pad looked at every 4 ms."""

    def __init__(self, settings: PadSettings | None = None) -> None:
        self.settings = settings or PadSettings()
        self.health = PadHealth()
        self.now_ns = 10 * NS_PER_S

    def see(self, pad: PadReading, for_ms: float = LOOK_MS) -> PadHealth:
        for _ in range(round(for_ms / LOOK_MS)):
            self.health = self.health.step(pad, self.settings, self.now_ns)
            self.now_ns += LOOK_MS * NS_PER_MS
        return self.health

    def settled(self) -> Watched:
        self.see(REST, SETTLE_MS + 2 * LOOK_MS)
        return self


def test_pressed_with_the_sticks_at_rest_it_drives() -> None:
    pad = Watched().settled()
    assert pad.see(HELD).armed
    assert pad.see(PadReading(left_y=1.0, held=LB)).armed
    assert pad.health.problem == ""


def test_let_go_it_does_not_drive() -> None:
    pad = Watched().settled()
    pad.see(HELD)
    assert not pad.see(REST).armed


@pytest.mark.parametrize("value", [1.0, -1.0, 0.51, math.nan, math.inf])
@pytest.mark.parametrize(
    ("axis", "spoken"),
    [("left_y", "left stick (up/down)"), ("right_x", "right stick (left/right)")],
)
def test_an_axis_that_is_stuck_when_the_pad_comes_blocks_and_is_named(
    value: float, axis: str, spoken: str
) -> None:
    pad = Watched()
    health = pad.see(PadReading(**{axis: value}), SETTLE_MS + 2 * LOOK_MS)
    assert health.problem.startswith(f"{spoken} stuck at ")
    assert not pad.see(PadReading(**{axis: value}, held=LB), 1000).armed


def test_a_stick_touched_while_the_pad_comes_is_not_stuck() -> None:
    pad = Watched()
    pad.see(PadReading(left_y=1.0), SETTLE_MS / 2)
    pad.settled()
    assert pad.see(HELD).armed


def test_a_stick_held_while_the_pad_comes_is_free_once_it_was_at_rest() -> None:
    pad = Watched()
    pad.see(PadReading(left_y=1.0), 2 * SETTLE_MS)
    assert pad.see(PadReading(left_y=0.4)).problem.startswith("left stick (up/down) stuck at 40 %")
    assert pad.see(REST).problem == ""
    assert pad.see(HELD).armed


def test_a_stick_that_is_not_used_for_driving_may_be_broken() -> None:
    pad = Watched()
    pad.see(PadReading(left_x=1.0, right_y=-1.0), 2 * SETTLE_MS)
    assert pad.see(PadReading(left_x=1.0, right_y=-1.0, held=LB)).armed


def test_it_does_not_drive_while_it_settles() -> None:
    pad = Watched()
    pad.see(REST)
    assert not pad.see(HELD, SETTLE_MS / 2).armed
    assert pad.see(HELD, SETTLE_MS).armed


def test_a_stick_pushed_at_the_press_blocks_until_it_was_at_rest() -> None:
    pad = Watched().settled()
    pushed = PadReading(left_y=0.62, held=LB)
    pad.see(PadReading(left_y=0.62))
    assert not pad.see(pushed, 2000).armed
    assert pad.health.problem.startswith("left stick (up/down) is 62 % off centre: let go")
    assert pad.see(HELD).armed
    assert pad.see(pushed).armed


def test_a_drifting_stick_is_told_together_with_the_dead_zone_that_would_do() -> None:
    pad = Watched()
    drift = PadReading(left_y=0.2)
    assert pad.see(drift, 2 * SETTLE_MS).problem == ""
    blocked = pad.see(PadReading(left_y=0.2, held=LB))
    assert not blocked.armed
    assert "raise dead_zone (0.12) in the profile" in blocked.problem
    wider = Watched(PadSettings(dead_zone=0.25))
    wider.see(drift, 2 * SETTLE_MS)
    assert wider.see(PadReading(left_y=0.2, held=LB)).armed


def test_a_deadman_held_since_the_pad_came_must_be_let_go() -> None:
    pad = Watched()
    assert not pad.see(HELD, 4 * SETTLE_MS).armed
    assert pad.health.problem == "LB is held since before: let go of it, then hold it again"
    pad.see(REST)
    assert pad.see(HELD).armed


def test_the_press_that_chooses_a_pad_does_not_drive() -> None:
    pad = Watched().settled()
    pad.see(HELD)
    pad.health = pad.health.chosen(HELD, pad.settings)
    assert not pad.see(HELD, 1000).armed
    pad.see(REST)
    assert pad.see(HELD).armed


def test_a_pad_chosen_by_another_button_drives_at_the_next_press() -> None:
    pad = Watched().settled()
    pad.health = pad.health.chosen(REST, pad.settings)
    assert pad.see(HELD).armed


def test_a_pad_that_drives_and_reports_no_change_is_let_go() -> None:
    pad = Watched().settled()
    pad.see(HELD)
    pushed = PadReading(left_y=1.0, held=LB)
    assert pad.see(pushed, (FROZEN_S - 0.1) * 1000).armed
    frozen = pad.see(pushed, 200)
    assert not frozen.armed
    assert frozen.problem.startswith("gamepad has reported no change for 10 s: let go of LB")
    assert not pad.see(PadReading(left_y=0.9, held=LB), 1000).armed, "it has to be pressed again"
    pad.see(REST)
    assert pad.see(HELD).armed


def test_a_thumb_that_trembles_is_no_frozen_pad() -> None:
    pad = Watched().settled()
    pad.see(HELD)
    for number in range(30):
        tremor = PadReading(left_x=number % 2 / 32767, left_y=1.0, held=LB)
        assert pad.see(tremor, 1000).armed


def test_a_deadman_held_with_the_sticks_at_rest_may_be_held_for_ever() -> None:
    pad = Watched().settled()
    assert pad.see(HELD, 3 * FROZEN_S * 1000).armed


def test_a_number_that_breaks_while_driving_stays_harmless() -> None:
    pad = Watched().settled()
    pad.see(HELD)
    pad.see(PadReading(left_y=math.nan, held=LB))
    pad.see(REST)
    assert not pad.see(PadReading(left_y=math.nan, held=LB)).armed


def test_buttons_of_a_chord_are_named_shoulders_first() -> None:
    assert ordered(frozenset({"B", "RB", "LB"})) == ("LB", "RB", "B")


readings = st.builds(
    PadReading,
    left_y=st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0, math.nan]),
    right_x=st.sampled_from([0.0, -0.3, -1.0]),
    held=st.sampled_from([frozenset(), LB]),
)


@given(st.lists(st.tuples(readings, st.sampled_from([4, 300, 12_000])), max_size=30))
def test_it_never_drives_without_a_press_at_rest_since_the_last_release(
    history: list[tuple[PadReading, int]],
) -> None:
    health, now_ns, rested = PadHealth(), 0, False
    released = False
    for pad, wait_ms in history:
        now_ns += wait_ms * NS_PER_MS
        health = health.step(pad, PadSettings(), now_ns)
        pressed = "LB" in pad.held
        at_rest = abs(pad.left_y) <= DEAD_ZONE and abs(pad.right_x) <= DEAD_ZONE
        released = released or not pressed
        rested = pressed and (rested or at_rest)
        assert not health.armed or (pressed and released and rested)
        assert not (health.armed and health.problem)


@pytest.mark.parametrize(
    ("axis", "spoken"),
    [
        ("left_x", "left stick (left/right)"),
        ("right_y", "right stick (up/down)"),
        ("right_trigger", "right trigger"),
        ("left_trigger", "left trigger"),
    ],
)
def test_every_axis_of_a_hand_has_to_rest_before_the_pad_drives(axis: str, spoken: str) -> None:
    hand = PadSettings(slide="left_x", lift="right_y", close="right_trigger", open="left_trigger")
    pushed = PadReading(**{axis: 0.4}, held=LB)  # type: ignore[arg-type]
    pad = Watched(hand).settled()
    assert not pad.see(pushed).armed
    assert pad.health.problem.startswith(f"{spoken} is 40 % off centre")
    assert Watched().settled().see(pushed).armed  # to a rover it means nothing
