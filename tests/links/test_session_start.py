"""The self-test of a session, the lease between people, and a forgotten console, end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleop import attendance
from teleop.operator_input import OperatorInput
from teleop.self_test import STOP_WITHIN_MS, Stage
from tests.links.control_support import Console, console, control, forward
from transport.clock import NS_PER_MS, now_ns
from transport.messages import (
    STILL,
    Arm,
    ChooseProfile,
    DenyLease,
    ForceLease,
    GrantLease,
    HoldReason,
    Mode,
    Phase,
    Profile,
    RequestLease,
    ResetStop,
    Role,
    StartPolicy,
)


def answered(operator: Console) -> None:
    operator.wait(lambda v: v.stop is not None and v.stop.acked_ns is not None, "the answer")


def both(one: Console, other: Console) -> None:
    """A look at both windows: a window that nobody looks at counts as frozen."""
    one.look()
    other.look()


# --- self-test ------------------------------------------------------------------------------------


def test_a_session_begins_with_a_self_test_and_shows_what_was_measured(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.knock()
        operator.link.request(RequestLease())
        view = operator.wait(lambda v: v.self_test.passed, "the self-test")
        assert view.state is not None
        test = view.self_test
        assert test.epoch == operator.epoch
        assert test.stop_ms is not None
        assert 0.0 < test.stop_ms < STOP_WITHIN_MS
        hold_ms = view.state.timing.hold_ms
        assert test.robot_loss_ms is not None
        assert test.loss_ms is not None
        assert hold_ms <= test.robot_loss_ms == view.state.loss_to_zero_ms
        assert hold_ms <= test.loss_ms < view.state.timing.lost_ms
        assert loop.state.stopped_by == "", "a test latches nothing"
        operator.settle()
        operator.push(forward(), lambda _: robot.told.forward_mps > 0.2, "motion")


def test_the_silence_is_over_before_the_link_counts_as_lost(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop) as operator:
        operator.knock()
        operator.link.request(RequestLease())
        modes = set()

        def through(view: object) -> bool:
            modes.add(loop.state.mode)
            return operator.link.view(now_ns()).self_test.passed

        operator.wait(through, "the self-test")
        operator.wait_mode(Mode.READY)
        assert Mode.LINK_LOST not in modes


def test_each_new_lease_is_tested(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop) as operator, console(loop, "op-2") as other:
        operator.take()
        first = operator.look().self_test
        other.knock()
        other.link.request(RequestLease())
        operator.wait(lambda v: v.state is not None and v.state.wanted is not None, "the wish")
        wanted = operator.state.wanted
        assert wanted is not None
        operator.link.request(GrantLease(epoch=operator.epoch, session=wanted.session))
        other.wait(lambda v: v.yours and not operator.look().yours, "the lease")
        other.wait(lambda v: v.self_test.passed, "its self-test")
        assert other.look().self_test.epoch > first.epoch
        assert operator.look().self_test.epoch == 0


def test_a_robot_that_does_not_answer_stop_is_not_driven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        carry_out = loop._stop.carried_out
        monkeypatch.setattr(
            loop._stop,
            "carried_out",
            lambda *, stands, tested: carry_out(stands=stands, tested=False),
        )
        operator.knock()
        operator.link.request(RequestLease())
        operator.wait(lambda v: v.self_test.stop is Stage.FAILED, "the failure")
        operator.wait(lambda v: v.self_test.loss is Stage.PASSED, "the other part")
        operator.hold(0.7)
        operator.link.set_input(forward())
        operator.hold(0.5)
        assert robot.told == STILL
        assert not loop.state.deadman

        monkeypatch.setattr(loop._stop, "carried_out", carry_out)
        operator.wait(lambda v: v.self_test.stop is Stage.PASSED, "the answer to a later attempt")
        operator.hold(0.7)
        assert robot.told == STILL, "the key was held all the time"
        operator.link.set_input(OperatorInput(input_ns=now_ns()))
        operator.wait(lambda v: v.self_test.may_drive, "the link has seen it")
        operator.wait(operator.may_press, "hands were off long enough")
        operator.push(forward(), lambda _: robot.told.forward_mps > 0.2, "motion")


def test_a_real_stop_goes_before_the_test_and_latches(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.knock()
        operator.link.request(RequestLease())
        operator.wait(lambda v: v.yours, "the lease")
        operator.link.stop()
        operator.wait_mode(Mode.ESTOP)
        answered(operator)
        operator.wait(lambda v: v.self_test.stop is Stage.PASSED, "STOP is tested all the same")
        assert robot.told == STILL


def test_while_stop_is_latched_stop_is_tested_and_link_loss_after_arming(tmp_path: Path) -> None:
    with (
        control(tmp_path) as (loop, robot),
        console(loop, "op-3") as watcher,
        console(loop) as operator,
    ):
        watcher.knock()
        watcher.link.stop()
        watcher.wait_mode(Mode.ESTOP)
        answered(watcher)
        operator.take()
        test = operator.look().self_test
        assert (test.stop, test.loss) == (Stage.PASSED, Stage.WAITING)
        operator.link.request(ResetStop(epoch=operator.epoch, reason="looked around"))
        operator.wait_mode(Mode.DISARMED)
        operator.hold(0.3)
        assert operator.look().self_test.loss is Stage.WAITING
        operator.link.request(Arm(epoch=operator.epoch))
        operator.wait(lambda v: v.self_test.passed, "link loss")
        operator.settle()
        operator.push(forward(), lambda _: robot.told.forward_mps > 0.2, "motion")


def test_a_test_of_stop_from_somebody_who_only_watches_disturbs_nobody(tmp_path: Path) -> None:
    with (
        control(tmp_path) as (loop, _),
        console(loop) as operator,
        console(loop, "guest", Role.OBSERVER) as guest,
    ):
        guest.knock()
        operator.take()
        operator.drive()
        guest.link._stop.test()
        for _ in range(60):
            both(operator, guest)
            guest.hold(0.005)
        assert operator.state.mode is Mode.TELEOP
        assert loop.state.stopped_by == ""


# --- the lease between people ---------------------------------------------------------------------


def test_a_second_console_asks_and_is_denied_in_words(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop) as first, console(loop, "op-2") as second:
        first.take()
        second.knock()
        second.link.request(RequestLease())
        view = first.wait(lambda v: v.state is not None and v.state.wanted is not None, "the wish")
        assert view.state is not None
        wanted = view.state.wanted
        assert wanted is not None
        assert wanted.operator == "op-2"
        assert second.link.session == wanted.session
        first.link.request(DenyLease(epoch=first.epoch, session=wanted.session))
        second.wait(
            lambda v: first.look().yours and v.state is not None and v.state.wanted is None, "no"
        )
        assert second.state.lease_note == "op-1 keeps the robot"
        assert not second.look().yours
        assert second.look().refused is None, "to be asked is no refusal"


def test_a_supervisor_takes_over_and_the_displaced_has_no_effect_any_more(tmp_path: Path) -> None:
    with (
        control(tmp_path) as (loop, robot),
        console(loop) as driver,
        console(loop, "sup-1", Role.SUPERVISOR) as supervisor,
    ):
        supervisor.knock()
        driver.take()
        driver.drive()
        supervisor.link.request(ForceLease(reason="people near the robot"))
        supervisor.wait(lambda v: v.yours and not driver.look().yours, "the lease")
        supervisor.wait(lambda _: driver.look() and robot.told == STILL, "it stands")
        assert driver.state.lease_note == "sup-1 took the robot from op-1: people near the robot"
        driver.hold(0.3)
        assert robot.told == STILL, "its held key has no effect any more"


def test_an_observer_sees_who_it_is_and_is_refused(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop, "guest", Role.OBSERVER) as guest:
        guest.knock()
        view = guest.look()
        assert (view.name, view.role) == ("guest", Role.OBSERVER)
        guest.link.request(RequestLease())
        refused = guest.wait(lambda v: v.refused is not None, "a refusal").refused
        assert refused is not None
        assert "observer" in refused.reason
        guest.link.stop()
        guest.wait_mode(Mode.ESTOP)
        assert loop.state.stopped_by == "guest"


def test_the_policy_works_under_the_lease_until_a_key_is_held(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, robot), console(loop) as operator:
        operator.take()
        operator.link.request(StartPolicy(epoch=operator.epoch))
        operator.wait_mode(Mode.AUTONOMY)
        operator.wait(lambda _: robot.told.forward_mps > 0.1, "it works by itself")
        operator.hold(0.7)
        assert operator.look().yours
        operator.wait(operator.may_press, "hands were off long enough")
        operator.drive()
        assert operator.state.phase is Phase.CORRECTION
        operator.link.set_input(OperatorInput(input_ns=now_ns()))
        operator.wait_mode(Mode.READY)


def test_the_slow_profile_is_chosen_while_standing_and_told_with_its_limits(tmp_path: Path) -> None:
    with control(tmp_path) as (loop, _), console(loop) as operator:
        operator.take()
        operator.link.request(ChooseProfile(epoch=operator.epoch, profile=Profile.HIGH_LATENCY))
        operator.wait(
            lambda v: v.state is not None and v.state.profile is Profile.HIGH_LATENCY, "the profile"
        )
        timing = operator.state.timing
        assert timing.max_age_ms == timing.high_latency_max_age_ms
        assert timing.normal_max_age_ms < timing.max_age_ms
        assert operator.state.cap_mps < operator.state.max_mps


# --- a forgotten console --------------------------------------------------------------------------


def soon_forgotten(operator: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on; to take a robot may last longer than that."""
    operator.link.touched(now_ns())
    monkeypatch.setattr(attendance, "UNATTENDED_S", 1.5)


def test_a_console_that_nobody_uses_gives_the_lease_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with control(tmp_path) as (loop, _), console(loop) as operator:
        operator.take()
        assert operator.look().unattended_s is not None
        soon_forgotten(operator, monkeypatch)
        view = operator.wait(lambda v: not v.yours, "the lease is given back")
        assert view.let_go_ns is not None
        assert view.state is not None
        assert view.state.lease.session == ""
        hold = view.state.hold
        assert hold is None or hold.reason is not HoldReason.GAP


def test_a_touch_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with control(tmp_path) as (loop, _), console(loop) as operator:
        operator.take()
        soon_forgotten(operator, monkeypatch)
        end_ns = now_ns() + 2500 * NS_PER_MS
        while now_ns() < end_ns:
            operator.link.touched(now_ns())
            operator.hold(0.1)
        assert operator.look().yours
        assert operator.look().let_go_ns is None


@pytest.mark.parametrize("used", [False, True], ids=["it lies there", "somebody holds it"])
def test_a_gamepad_keeps_it_only_while_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: bool
) -> None:
    with control(tmp_path) as (loop, _), console(loop) as operator:
        operator.take()
        soon_forgotten(operator, monkeypatch)
        end_ns = now_ns() + 2500 * NS_PER_MS
        while now_ns() < end_ns:  # its thread says so all the time, used or not
            operator.link.set_pad(OperatorInput("Pad", deadman=used, input_ns=now_ns()))
            operator.hold(0.05)
        operator.wait(lambda v: v.yours is used, "it is kept, or given back")
