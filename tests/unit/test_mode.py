"""The mode table, walked completely: a pair that is not listed is a decision."""

from __future__ import annotations

import itertools

import pytest

from teleop.mode import DRIVEN_MODES, SEVERITY, STILL_MODES, TABLE, Trigger, after
from transport.messages import Mode

PAIRS = list(itertools.product(Mode, Trigger))


# Every pair that does something, once more and in other words: a row is a trigger, an entry is
# "from > to". A pair that is not here must change nothing.
EXPECTED = {
    Trigger.CHECKED: "BOOT > DISARMED",
    Trigger.ARMED: "DISARMED > READY",
    Trigger.POLICY_STARTED: "DISARMED > AUTONOMY, HOLD > AUTONOMY, READY > AUTONOMY, "
    "TELEOP > AUTONOMY",
    Trigger.PUT_BACK: "HOLD > AUTONOMY, LINK_LOST > AUTONOMY",
    Trigger.LEFT_TO_POLICY: "HOLD > AUTONOMY, READY > AUTONOMY, TELEOP > AUTONOMY, "
    "LINK_LOST > AUTONOMY",
    Trigger.TAKEN_OVER: "AUTONOMY > READY, HOLD > READY, TELEOP > READY",
    Trigger.DEADMAN_PRESSED: "READY > TELEOP, LINK_LOST > TELEOP, AUTONOMY > TELEOP",
    Trigger.DEADMAN_RELEASED: "TELEOP > READY",
    Trigger.RESUMED: "HOLD > READY",
    Trigger.RELEASED: "READY > HOLD, TELEOP > HOLD, AUTONOMY > HOLD",
    Trigger.CALLED: "AUTONOMY > HOLD",
    Trigger.HELD: "READY > HOLD, TELEOP > HOLD, AUTONOMY > HOLD",
    Trigger.LOST: "READY > LINK_LOST, TELEOP > LINK_LOST, HOLD > LINK_LOST",
    Trigger.STOP_RESET: "ESTOP > DISARMED, SAFE_STOP > DISARMED",
    Trigger.REPAIRED: "FAULT > DISARMED",
    Trigger.UNSAFE: ", ".join(
        f"{mode} > SAFE_STOP" for mode in Mode if mode not in (Mode.ESTOP, Mode.FAULT)
    ),
    Trigger.STOPPED: ", ".join(f"{mode} > ESTOP" for mode in Mode if mode is not Mode.FAULT),
    Trigger.FAILED: ", ".join(f"{mode} > FAULT" for mode in Mode),
}


@pytest.mark.parametrize(("mode", "trigger"), PAIRS)
def test_each_pair_leads_where_it_should(mode: Mode, trigger: Trigger) -> None:
    moves = dict(move.split(" > ") for move in EXPECTED[trigger].split(", "))
    assert after(mode, trigger) == moves.get(mode, mode)


@pytest.mark.parametrize("mode", [m for m in Mode if m is not Mode.FAULT])
def test_stop_wins_from_everywhere_but_a_fault(mode: Mode) -> None:
    assert after(mode, Trigger.STOPPED) is Mode.ESTOP


@pytest.mark.parametrize("mode", Mode)
def test_a_failure_wins_from_everywhere(mode: Mode) -> None:
    assert after(mode, Trigger.FAILED) is Mode.FAULT


@pytest.mark.parametrize("trigger", [t for t in Trigger if t is not Trigger.REPAIRED])
def test_only_maintenance_leaves_a_fault(trigger: Trigger) -> None:
    assert after(Mode.FAULT, trigger) is Mode.FAULT


@pytest.mark.parametrize("mode", STILL_MODES)
def test_a_latch_is_left_to_a_more_severe_one_or_by_a_decision(mode: Mode) -> None:
    ways_out = {
        Mode.BOOT: {Trigger.CHECKED},
        Mode.DISARMED: {Trigger.ARMED, Trigger.POLICY_STARTED},
        Mode.LINK_LOST: {Trigger.DEADMAN_PRESSED, Trigger.PUT_BACK, Trigger.LEFT_TO_POLICY},
        Mode.SAFE_STOP: {Trigger.STOP_RESET},
        Mode.ESTOP: {Trigger.STOP_RESET},
        Mode.FAULT: {Trigger.REPAIRED},
    }[mode]
    for trigger in set(Trigger) - ways_out:
        later = after(mode, trigger)
        assert SEVERITY.index(later) >= SEVERITY.index(mode)


def test_all_modes_have_a_severity() -> None:
    assert sorted(SEVERITY) == sorted(Mode)


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
            starts = (Trigger.POLICY_STARTED, Trigger.PUT_BACK, Trigger.LEFT_TO_POLICY)
            assert trigger in starts


def test_the_policy_never_starts_from_a_latched_state() -> None:
    for mode in STILL_MODES - {Mode.DISARMED}:
        assert after(mode, Trigger.POLICY_STARTED) is mode


def test_silence_leads_to_hold_and_then_to_a_latch() -> None:
    for mode in DRIVEN_MODES:
        assert after(mode, Trigger.HELD) is Mode.HOLD
        assert after(mode, Trigger.LOST) is Mode.LINK_LOST
