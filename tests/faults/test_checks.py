"""The checks that the long tests rely on: each finds what it is there to find."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.faults.drive import LIMITS, TICK_MS, Drive, assert_ramped
from tests.faults.test_network_faults import hold_stretches, shown_after_s
from transport.clock import NS_PER_MS
from transport.messages import Mode

STEP_MPS = LIMITS.decel_mps2 * TICK_MS / 1e3
STEP_RADPS = LIMITS.decel_radps2 * TICK_MS / 1e3


def tick(number: int, mode: Mode, forward: float = 0.0, turn: float = 0.0) -> dict[str, Any]:
    return {
        "tick": number,
        "stamp_ns": round(number * TICK_MS * NS_PER_MS),
        "mode": mode,
        "forward_mps": forward,
        "turn_radps": turn,
    }


class Seen:
    """What a drive has seen, made up."""

    def __init__(self, *ticks: dict[str, Any], views: tuple[tuple[int, str], ...] = ()) -> None:
        self._ticks = list(ticks)
        self.operator = self.lines = self
        self._views = [{"stamp_ns": at, "view": {"readiness": word}} for at, word in views]

    def ticks(self, from_ns: int = 0, to_ns: int = 2**62) -> list[dict[str, Any]]:
        return self._ticks

    def all(self) -> list[dict[str, Any]]:
        return self._views


def ramped(*ticks: dict[str, Any]) -> bool:
    try:
        assert_ramped(cast(Drive, Seen(*ticks)))
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("mode", [m for m in Mode if m not in (Mode.ESTOP, Mode.FAULT, Mode.BOOT)])
def test_whatever_the_mode_neither_speed_may_jump(mode: Mode) -> None:
    before = tick(7, Mode.TELEOP, 0.5, 1.0)
    assert ramped(before, tick(8, mode, 0.5 - STEP_MPS, 1.0 - STEP_RADPS))
    assert not ramped(before, tick(8, mode, 0.5 - 1.1 * STEP_MPS, 1.0))
    assert not ramped(before, tick(8, mode, 0.5, 1.0 - 1.1 * STEP_RADPS))


@pytest.mark.parametrize("mode", [Mode.ESTOP, Mode.FAULT, Mode.BOOT])
def test_a_cut_may(mode: Mode) -> None:
    calm = (tick(6, Mode.TELEOP, 0.5), tick(7, Mode.TELEOP, 0.5))
    assert ramped(*calm, tick(8, mode))


def test_a_tick_that_was_late_may_go_to_zero() -> None:
    calm = (tick(6, Mode.TELEOP, 0.5), tick(7, Mode.TELEOP, 0.5))
    late = tick(8, Mode.HOLD)
    assert not ramped(*calm, late)
    late["stamp_ns"] += int(LIMITS.stall_ms * NS_PER_MS)
    assert ramped(*calm, late)


def test_a_drive_of_which_no_two_ticks_were_heard_in_a_row_proves_nothing() -> None:
    assert not ramped(tick(1, Mode.TELEOP), tick(3, Mode.TELEOP))


def test_each_hold_counts_with_its_end_and_what_lasts_ends_with_the_drive() -> None:
    modes = (Mode.TELEOP, Mode.HOLD, Mode.LINK_LOST, Mode.READY, Mode.TELEOP, Mode.HOLD)
    ticks = [tick(number, mode) for number, mode in enumerate(modes)]
    stamps = [each["stamp_ns"] for each in ticks]
    assert hold_stretches(ticks, 2**62) == [(stamps[1], stamps[3]), (stamps[5], stamps[5])]
    assert hold_stretches(ticks, stamps[5]) == [(stamps[1], stamps[3])]


MS = NS_PER_MS


@pytest.mark.parametrize(
    ("views", "ended_ms", "shown_s"),
    [
        (((0, "READY"), (150, "HOLD")), 400, 0.05),
        (((0, "HOLD"),), 400, 0.0),  # it was there already
        (((0, "HOLD"), (50, "READY"), (1400, "HOLD")), 2000, 1.3),
        (((0, "READY"),), 400, None),  # over before it could be shown
        (((0, "READY"),), 1200, 1.1),  # never shown, and it lasted
        (((0, "READY"), (5000, "HOLD")), 1200, 1.1),  # another one's
    ],
)
def test_a_hold_is_shown_when_the_screen_says_so_after_it_began_and_not_by_a_later_one(
    views: tuple[tuple[int, str], ...], ended_ms: int, shown_s: float | None
) -> None:
    run = Seen(views=tuple((at_ms * MS, word) for at_ms, word in views))
    late_s = shown_after_s(cast(Drive, run), 100 * MS, ended_ms * MS)
    assert late_s == (None if shown_s is None else pytest.approx(shown_s))
