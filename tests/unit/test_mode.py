"""The mode table, walked completely: a pair that is not listed is a decision."""

from __future__ import annotations

import itertools

import pytest

from teleop.mode import DRIVEN_MODES, STILL_MODES, TABLE, Trigger, after
from transport.messages import Mode

PAIRS = list(itertools.product(Mode, Trigger))


@pytest.mark.parametrize(("mode", "trigger"), PAIRS)
def test_each_pair_is_listed_or_changes_nothing(mode: Mode, trigger: Trigger) -> None:
    assert after(mode, trigger) is TABLE.get((mode, trigger), mode)


@pytest.mark.parametrize("mode", [m for m in Mode if m is not Mode.FAULT])
def test_stop_wins_from_everywhere_but_a_fault(mode: Mode) -> None:
    assert after(mode, Trigger.STOPPED) is Mode.ESTOP


@pytest.mark.parametrize("mode", Mode)
def test_a_failure_wins_from_everywhere(mode: Mode) -> None:
    assert after(mode, Trigger.FAILED) is Mode.FAULT


@pytest.mark.parametrize("trigger", [t for t in Trigger if t is not Trigger.FAILED])
def test_nothing_leaves_a_fault(trigger: Trigger) -> None:
    assert after(Mode.FAULT, trigger) is Mode.FAULT


@pytest.mark.parametrize(
    "trigger", [t for t in Trigger if t not in (Trigger.STOP_RESET, Trigger.FAILED)]
)
def test_only_a_reset_leaves_a_stop_and_it_leaves_the_motors_off(trigger: Trigger) -> None:
    assert after(Mode.ESTOP, trigger) is Mode.ESTOP
    assert after(Mode.ESTOP, Trigger.STOP_RESET) is Mode.DISARMED


@pytest.mark.parametrize("mode", sorted(STILL_MODES - {Mode.LINK_LOST}))
def test_no_deadman_moves_a_latched_robot(mode: Mode) -> None:
    assert after(mode, Trigger.DEADMAN_PRESSED) is mode


def test_only_a_policy_start_leads_to_autonomy() -> None:
    for (_, trigger), mode in TABLE.items():
        if mode is Mode.AUTONOMY:
            assert trigger is Trigger.POLICY_STARTED


def test_the_policy_never_starts_from_a_latched_state() -> None:
    for mode in STILL_MODES - {Mode.DISARMED}:
        assert after(mode, Trigger.POLICY_STARTED) is mode


def test_silence_leads_to_hold_and_then_to_a_latch() -> None:
    for mode in DRIVEN_MODES:
        assert after(mode, Trigger.HELD) is Mode.HOLD
        assert after(mode, Trigger.LOST) is Mode.LINK_LOST
