"""The self-test of a session: STOP is answered, silence makes it hold, or it is not driven."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from teleop.safety import Limits
from teleop.self_test import (
    AGAIN_MS,
    REPORT_MS,
    SPARE_MS,
    STOP_WITHIN_MS,
    TESTABLE,
    Seen,
    SelfTest,
    Stage,
    silence_ns,
    step,
)
from tests.console.fakes import MINE, driven, robot_state
from transport.clock import NS_PER_MS
from transport.messages import STILL, Hold, HoldReason, Mode, Profile, RobotState, Twist

EPOCH = MINE.epoch
STANDING = driven(mode=Mode.READY, applied=STILL, command_seq=1)
GAP = Hold(reason=HoldReason.GAP, value=217.0, limit=200.0)
HOLDING = structs.replace(STANDING, mode=Mode.HOLD, hold=GAP, loss_to_zero_ms=214.0)


@dataclass
class Bench:
    """A link around the self-test, on a virtual clock; one look takes a millisecond."""

    now_ns: int = 10**12
    test: SelfTest = field(default_factory=SelfTest)
    state: RobotState | None = STANDING
    hands_off: bool = True
    sent_ns: int = 0
    stop_ms: float | None = None

    def look(self, ms: float = 1.0) -> SelfTest:
        """One look after `ms`; a command goes out unless they are withheld."""
        self.now_ns += round(ms * NS_PER_MS)
        seen = Seen(self.state, self.now_ns, self.hands_off, self.sent_ns, self.stop_ms)
        self.test = step(self.test, EPOCH, seen, self.now_ns)
        if not self.test.withholds(self.now_ns):
            self.sent_ns = self.now_ns
        return self.test

    def begun(self) -> Bench:
        """Commands have gone out, STOP has answered, the silence has begun."""
        self.look()
        self.stop_ms = 21.0
        self.look()
        return self

    def passed(self) -> Bench:
        """Both parts are through."""
        self.begun()
        self.state = HOLDING
        self.look(217.0)
        self.state = STANDING
        self.look(20.0)
        return self


def test_a_standing_robot_that_answers_and_holds_passes_with_its_figures() -> None:
    bench = Bench().passed()
    test = bench.test
    assert test.passed
    assert test.may_drive
    assert (test.stop_ms, test.robot_loss_ms) == (21.0, 214.0)
    assert test.loss_ms == pytest.approx(217.0, abs=2.0)


def test_it_adds_less_than_400_ms_to_a_session() -> None:
    bench = Bench()
    begin_ns = bench.now_ns
    bench.passed()
    assert (bench.now_ns - begin_ns) / NS_PER_MS < 400


def test_without_a_lease_nothing_is_tested() -> None:
    seen = Seen(STANDING, 1, True, 1, None)
    assert step(SelfTest(), 0, seen, 10**12) == SelfTest()


def test_each_new_lease_is_tested_anew() -> None:
    bench = Bench().passed()
    seen = Seen(STANDING, bench.now_ns, True, bench.now_ns, 21.0)
    again = step(bench.test, EPOCH + 1, seen, bench.now_ns)
    assert (again.epoch, again.stop, again.loss) == (EPOCH + 1, Stage.RUNNING, Stage.WAITING)
    assert not again.may_drive


# --- STOP -----------------------------------------------------------------------------------------


def test_stop_is_tested_only_once_the_robot_stands() -> None:
    bench = Bench(state=structs.replace(STANDING, applied=Twist(forward_mps=0.2, turn_radps=0.0)))
    assert bench.look().stop is Stage.WAITING
    bench.state = STANDING
    assert bench.look().stop is Stage.RUNNING


@pytest.mark.parametrize("mode", [Mode.ESTOP, Mode.DISARMED, Mode.SAFE_STOP, Mode.FAULT])
def test_stop_is_tested_also_while_it_is_latched_or_the_motors_are_off(mode: Mode) -> None:
    bench = Bench(state=structs.replace(STANDING, mode=mode))
    bench.look()
    bench.stop_ms = 21.0
    test = bench.look()
    assert (test.stop, test.loss) == (Stage.PASSED, Stage.WAITING)


def test_no_answer_within_a_second_is_a_failure_and_the_next_attempt_begins() -> None:
    bench = Bench()
    first_ns = bench.look().stop_sent_ns
    assert bench.look(STOP_WITHIN_MS).stop is Stage.RUNNING
    test = bench.look()
    assert test.stop is Stage.FAILED
    assert test.stop_sent_ns > first_ns


def test_an_answer_to_a_later_attempt_passes_after_all() -> None:
    bench = Bench()
    bench.look()
    bench.look(STOP_WITHIN_MS + 1)
    bench.stop_ms = 40.0
    assert bench.look(100.0).stop is Stage.PASSED


def test_without_an_answer_to_stop_nothing_is_driven_however_long_it_takes() -> None:
    bench = Bench()
    for _ in range(200):
        assert not bench.look(50.0).may_drive


def test_an_answer_that_took_too_long_is_none() -> None:
    bench = Bench()
    bench.look()
    bench.stop_ms = STOP_WITHIN_MS + 1.0
    assert bench.look().stop is Stage.RUNNING


# --- link loss ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        None,
        structs.replace(STANDING, command_seq=-1),  # no command of this lease has arrived yet
        structs.replace(STANDING, applied=Twist(forward_mps=0.1, turn_radps=0.0)),
        structs.replace(STANDING, lease=structs.replace(MINE, epoch=3)),  # an old report
        HOLDING,  # it is silent anyway
        structs.replace(STANDING, mode=Mode.HOLD, hold=Hold(reason=HoldReason.STALE)),
        structs.replace(STANDING, mode=Mode.HOLD, hold=Hold(reason=HoldReason.REFUSED)),
        *(structs.replace(STANDING, mode=mode) for mode in Mode if mode not in TESTABLE),
    ],
)
def test_no_silence_is_made_when_it_could_not_be_told_from_another(
    state: RobotState | None,
) -> None:
    bench = Bench(state=state)
    for _ in range(3):
        assert bench.look().loss is Stage.WAITING
    assert not bench.test.withholds(bench.now_ns)


def test_no_silence_is_made_while_hands_are_on() -> None:
    bench = Bench(hands_off=False)
    for _ in range(3):
        assert bench.look().loss is Stage.WAITING


@pytest.mark.parametrize(
    "hold", [None, Hold(reason=HoldReason.NOT_NEUTRAL), Hold(reason=HoldReason.NO_PICTURE)]
)
@pytest.mark.parametrize("mode", sorted(TESTABLE))
def test_it_is_tested_in_each_mode_in_which_silence_shows(mode: Mode, hold: Hold | None) -> None:
    bench = Bench(state=structs.replace(STANDING, mode=mode, hold=hold))
    bench.look()
    assert bench.look().loss is Stage.RUNNING


def test_after_arming_it_is_made_up_for() -> None:
    bench = Bench(state=structs.replace(STANDING, mode=Mode.DISARMED))
    bench.begun()
    assert bench.test.loss is Stage.WAITING
    bench.state = STANDING
    assert bench.look().loss is Stage.RUNNING


def test_commands_are_withheld_until_the_hold_is_reported_and_no_longer() -> None:
    bench = Bench().begun()
    assert bench.test.withholds(bench.now_ns)
    bench.look(150.0)
    assert bench.test.withholds(bench.now_ns)
    bench.state = HOLDING
    bench.look(67.0)
    assert not bench.test.withholds(bench.now_ns)


def test_it_is_through_when_the_robot_hears_commands_again() -> None:
    bench = Bench().begun()
    bench.state = HOLDING
    assert bench.look(217.0).losing
    assert not bench.test.may_drive
    bench.state = STANDING
    assert bench.look(20.0).loss is Stage.PASSED


def test_a_hold_that_stays_for_another_reason_does_not_keep_it_open() -> None:
    bench = Bench().begun()
    bench.state = HOLDING
    bench.look(217.0)
    bench.state = structs.replace(HOLDING, hold=Hold(reason=HoldReason.NO_PICTURE))
    assert bench.look(20.0).loss is Stage.PASSED


def test_in_a_lost_link_the_robots_own_figure_is_of_another_loss() -> None:
    lost = structs.replace(STANDING, mode=Mode.LINK_LOST, hold=Hold(reason=HoldReason.NOT_NEUTRAL))
    bench = Bench(state=lost).begun()
    bench.state = structs.replace(HOLDING, mode=Mode.LINK_LOST)
    bench.look(217.0)
    assert bench.test.loss_ms == pytest.approx(217.0, abs=2.0)
    assert bench.test.robot_loss_ms is None


def test_a_report_from_before_the_silence_proves_nothing() -> None:
    bench = Bench().begun()
    began_ns = bench.test.loss_began_ns
    seen = Seen(HOLDING, began_ns - 1, True, began_ns, 21.0)
    assert step(bench.test, EPOCH, seen, bench.now_ns + NS_PER_MS).loss_ms is None


@pytest.mark.parametrize("mode", [Mode.ESTOP, Mode.DISARMED, Mode.AUTONOMY, Mode.FAULT])
def test_a_stop_in_the_middle_puts_it_off_and_lets_commands_flow(mode: Mode) -> None:
    bench = Bench().begun()
    bench.state = structs.replace(STANDING, mode=mode)
    test = bench.look(50.0)
    assert test.loss is Stage.WAITING
    assert not test.withholds(bench.now_ns)


def test_a_robot_that_does_not_hold_fails_is_not_driven_and_is_tested_again() -> None:
    bench = Bench().begun()
    assert bench.look(REPORT_MS - 5.0).loss is Stage.RUNNING
    assert bench.look(10.0).loss is Stage.FAILED
    assert not bench.test.may_drive
    assert bench.look(AGAIN_MS - 15.0).loss is Stage.FAILED
    assert bench.look(20.0).loss is Stage.RUNNING


def test_a_robot_that_is_not_heard_has_not_failed() -> None:
    bench = Bench().begun()
    bench.state = None
    assert bench.look(REPORT_MS + 1.0).loss is Stage.WAITING


def test_a_late_report_still_counts() -> None:
    bench = Bench().begun()
    bench.look(600.0)
    assert not bench.test.withholds(bench.now_ns), "commands flow again meanwhile"
    bench.state = HOLDING
    assert bench.look(100.0).loss_ms == pytest.approx(700.0, abs=2.0)


@given(
    hold_ms=st.floats(100.0, 500.0),
    spare_ms=st.floats(1.0, 4500.0),
    profile=st.sampled_from(Profile),
)
def test_the_silence_never_makes_the_robot_lose_the_link(
    hold_ms: float, spare_ms: float, profile: Profile
) -> None:
    lost_ms = min(5000.0, max(500.0, hold_ms + spare_ms))
    if lost_ms <= hold_ms:
        return
    timing = Limits(hold_ms=hold_ms, lost_ms=lost_ms).timing(profile)
    silence_ms = silence_ns(timing) / NS_PER_MS
    assert hold_ms <= silence_ms < lost_ms
    assert silence_ms <= hold_ms + SPARE_MS + 1e-6


# --- what may be driven ---------------------------------------------------------------------------


def test_a_key_held_all_the_time_has_to_be_let_go_after_the_test() -> None:
    bench = Bench().begun()
    bench.hands_off = False
    bench.state = HOLDING
    bench.look(217.0)
    bench.state = STANDING
    bench.look(20.0)
    assert bench.test.passed
    assert not bench.test.may_drive
    bench.hands_off = True
    assert bench.look().may_drive
    bench.hands_off = False
    assert bench.look().may_drive


def test_whoever_let_the_policy_drive_before_the_second_part_may_take_over() -> None:
    bench = Bench(state=structs.replace(STANDING, mode=Mode.AUTONOMY)).begun()
    assert (bench.test.loss, bench.test.may_drive) == (Stage.WAITING, True)


@given(
    looks=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    None,
                    STANDING,
                    HOLDING,
                    structs.replace(STANDING, mode=Mode.ESTOP),
                    structs.replace(STANDING, mode=Mode.AUTONOMY),
                    robot_state(),
                ]
            ),
            st.booleans(),
            st.sampled_from([None, 21.0, 5000.0]),
            st.floats(0.0, 3000.0),
        ),
        max_size=40,
    )
)
def test_whatever_happens_nothing_is_driven_before_stop_was_answered(
    looks: list[tuple[RobotState | None, bool, float | None, float]],
) -> None:
    bench = Bench()
    answered = False
    for state, hands_off, stop_ms, ms in looks:
        bench.state, bench.hands_off, bench.stop_ms = state, hands_off, stop_ms
        test = bench.look(ms)
        answered = answered or test.stop is Stage.PASSED
        assert answered or not test.may_drive
        assert not (test.may_drive and test.losing)
        assert not (test.may_drive and test.loss is Stage.FAILED)
        if test.withholds(bench.now_ns):
            assert bench.now_ns - test.loss_began_ns <= silence_ns(STANDING.timing)


def test_figures_belong_to_the_attempt_they_were_measured_in() -> None:
    failed = replace(SelfTest(epoch=EPOCH), stop=Stage.PASSED, stop_ms=21.0, loss=Stage.FAILED)
    bench = Bench(test=replace(failed, loss_ms=None, loss_began_ns=0))
    bench.look()
    assert bench.look().loss is Stage.RUNNING
    assert bench.test.loss_ms is None
