"""The queue of calls, as two consoles see it from what the robots say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from teleop import gate_state
from teleop.call_queue import (
    HIGH_MODES,
    HIGH_REASONS,
    LOW_REASONS,
    OLD_S,
    CallKey,
    CallNews,
    QueuedCall,
    Severity,
    Turn,
    next_call,
    queued,
    severity_of,
    turned,
)
from teleop.gate import Body
from teleop.glimpse import SILENT_MS, RobotGlimpse
from tests.console.fakes import OTHER, ROBOT_NS, robot_state
from tests.unit.gate_world import World
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import Call, Lease, Looker, Mode, PassedOn, ReleaseLease

YOU = "op-1"


def call(age_s: float = 10.0, reason: str = "Wedged under furniture", **more: Any) -> Call:
    stamp_ns = ROBOT_NS - round(age_s * NS_PER_S)
    return Call(call_id=3, reason=reason, detail="Wheels turn 4 s", stamp_ns=stamp_ns, **more)


def robot(
    name: str, calls: Call | None = None, *, you: str = YOU, silent_ms: float = 0.0, **state: Any
) -> RobotGlimpse:
    said = robot_state(robot=name, call=calls, mode=Mode.HOLD, **state)
    paired = f"{name}:7600"
    return RobotGlimpse(paired, paired, name, "k" * 40, said, silent_ms=silent_ms, you=you)


def only(*fleet: RobotGlimpse, skipped: tuple[CallKey, ...] = ()) -> QueuedCall:
    (found,) = queued(fleet, skipped)
    return found


def names(*fleet: RobotGlimpse, skipped: tuple[CallKey, ...] = ()) -> list[str]:
    return [one.name for one in queued(fleet, skipped)]


# --- order ---


def test_robots_that_do_not_call_are_not_in_the_queue() -> None:
    unheard = RobotGlimpse("r-3:7600", "r-3:7600", "r-3", "k" * 40)
    assert names(robot("r-1"), robot("r-2", call()), unheard) == ["r-2"]


def test_the_more_severe_comes_first_and_of_two_alike_the_older() -> None:
    assert names(
        robot("low", call(50, "Left without hand-back")),
        robot("young", call(10)),
        robot("old", call(40)),
        robot("high", call(1, "Operator is gone")),
    ) == ["high", "old", "young", "low"]


@pytest.mark.parametrize(
    ("reason", "mode", "age_s", "severity"),
    [
        ("Wedged under furniture", Mode.HOLD, 0.0, Severity.NORMAL),
        ("Wedged under furniture", Mode.HOLD, OLD_S, Severity.NORMAL),
        ("Wedged under furniture", Mode.HOLD, OLD_S + 0.1, Severity.HIGH),
        ("Left without hand-back", Mode.HOLD, OLD_S, Severity.LOW),
        ("Left without hand-back", Mode.HOLD, OLD_S + 0.1, Severity.HIGH),
        *[(reason, Mode.HOLD, 0.0, Severity.HIGH) for reason in sorted(HIGH_REASONS)],
        *[("Wedged under furniture", mode, 0.0, Severity.HIGH) for mode in sorted(HIGH_MODES)],
    ],
)
def test_a_call_is_as_severe_as_what_it_is_about_and_high_once_it_has_waited_a_minute(
    reason: str, mode: Mode, age_s: float, severity: Severity
) -> None:
    assert severity_of(reason, mode, age_s) is severity


def _gives_it_up(world: World) -> None:
    world.driving().ask(ReleaseLease(epoch=1))


def _is_gone(world: World) -> None:
    world.driving().silence(3.1)


def _has_no_battery_left(world: World) -> None:
    world.body = Body(battery_pct=2.0)
    world.tick()


def _has_a_silent_policy(world: World) -> None:
    world.policy_works = False
    world.silence(1.0)


@pytest.mark.parametrize(
    "happens", [_gives_it_up, _is_gone, _has_no_battery_left, _has_a_silent_policy]
)
def test_the_reasons_that_weigh_are_those_that_robots_give(
    happens: Callable[[World], object],
) -> None:
    world = World()
    happens(world)
    assert world.state.call is not None
    assert world.state.call.reason in HIGH_REASONS | LOW_REASONS


def test_a_call_that_you_have_skipped_comes_last_whatever_it_is() -> None:
    left = robot("left", call(100, "Operator is gone", skipped=(YOU,)))
    assert names(left, robot("low", call(1, "Left without hand-back"))) == ["low", "left"]
    assert only(left).skipped


def test_a_call_that_somebody_else_has_skipped_keeps_its_place() -> None:
    assert not only(robot("r-1", call(skipped=("op-2",)))).skipped


def test_a_skip_counts_here_before_the_robot_has_said_so_and_for_this_call_only() -> None:
    calling = robot("r-1", call())
    key = only(calling).key
    assert only(calling, skipped=(key,)).skipped
    assert not only(calling, skipped=(key._replace(call_id=2),)).skipped
    assert not only(calling, skipped=(key._replace(boot_id="earlier"),)).skipped


def test_who_this_console_is_to_a_robot_is_not_known_before_it_has_said_so() -> None:
    stranger = only(robot("r-1", call(skipped=("op-2",)), you=""))
    assert not stranger.skipped
    assert not stranger.to_you


# --- what is said of a call ---


def test_a_call_is_shown_with_all_that_the_robot_says_of_it() -> None:
    shown = only(robot("r-1", call(12.5, x_m=1.5, y_m=-2.0), intervention=4))
    assert shown == QueuedCall(
        key=CallKey("r-1:7600", "boot-1", 3),
        name="r-1",
        site="home-3 · living room",
        severity=Severity.NORMAL,
        age_s=12.5,
        reason="Wedged under furniture",
        detail="Wheels turn 4 s",
        x_m=1.5,
        y_m=-2.0,
        looking=(),
        skipped=False,
        passed_to="",
        passed_by="",
        note="",
        to_you=False,
        silent_s=0.0,
        intervention=4,
    )


def test_who_else_looks_is_told_as_long_as_they_do_also_when_the_robot_is_silent() -> None:
    looking = tuple(
        Looker(name=name, until_ns=ROBOT_NS + 3000 * NS_PER_MS) for name in (YOU, "op-2")
    )
    assert only(robot("r-1", call(looking=looking))).looking == ("op-2",)
    assert only(robot("r-1", call(looking=looking), silent_ms=2999.0)).looking == ("op-2",)
    assert only(robot("r-1", call(looking=looking), silent_ms=3000.0)).looking == ()


def test_a_call_passed_to_you_says_so_and_is_not_skipped_by_you() -> None:
    passed = PassedOn(to=YOU, by="op-2", note="your room", stamp_ns=ROBOT_NS)
    calling = robot("r-1", call(passed=passed))
    shown = only(calling, skipped=(only(calling).key,))
    assert (shown.to_you, shown.passed_to, shown.passed_by) == (True, YOU, "op-2")
    assert (shown.note, shown.skipped, shown.free) == ("your room", False, True)


def test_a_call_passed_to_somebody_else_is_theirs_first() -> None:
    passed = PassedOn(to="op-3", by="op-2", note="", stamp_ns=ROBOT_NS)
    shown = only(robot("r-1", call(passed=passed)))
    assert (shown.to_you, shown.passed_to, shown.free) == (False, "op-3", False)


def test_a_robot_that_vanishes_keeps_its_call_which_goes_on_to_age() -> None:
    gone = only(robot("r-1", call(50), silent_ms=20_000.0))
    assert (gone.age_s, gone.severity, gone.silent_s) == (70.0, Severity.HIGH, 20.0)
    assert only(robot("r-1", call(50), silent_ms=SILENT_MS)).silent_s == 0.0


def test_an_age_does_not_jump_with_how_long_a_state_was_under_way() -> None:
    late = replace(robot("r-1", call(10)), late_ms=150.0)
    assert only(late).age_s == pytest.approx(10.15)


def test_a_call_from_the_future_is_new() -> None:
    assert only(robot("r-1", call(-5))).age_s == 0.0


# --- N ---


def looked_at(by: str) -> tuple[Looker, ...]:
    return (Looker(name=by, until_ns=ROBOT_NS + NS_PER_S),)


QUEUE = queued(
    [
        robot("a", call(50)),
        robot("b", call(40, looking=looked_at("op-2"))),
        robot("c", call(30)),
        robot("d", call(20, skipped=(YOU,))),
    ]
)


def stepped(queue: tuple[QueuedCall, ...], steps: int) -> list[str]:
    at: CallKey | None = None
    went = []
    for _ in range(steps):
        found = next_call(queue, at)
        assert found is not None
        went.append(found.name)
        at = found.key
    return went


def test_n_goes_round_those_that_nobody_else_is_at() -> None:
    assert stepped(QUEUE, 4) == ["a", "c", "a", "c"]


def test_n_goes_to_what_others_look_at_only_when_nothing_else_is_left() -> None:
    assert stepped(QUEUE[:2], 3) == ["a", "b", "a"]
    assert stepped(QUEUE[3:], 2) == ["d", "d"]


def test_n_begins_at_the_front_when_its_call_has_ended() -> None:
    found = next_call(QUEUE, CallKey("gone:7600", "boot-1", 1))
    assert found is not None
    assert found.name == "a"
    assert next_call(()) is None


# --- how it ended ---

CALLING = robot("rover-12", call(), intervention=4)


def news(now: RobotGlimpse | None, before: RobotGlimpse = CALLING) -> CallNews | None:
    told = turned(queued([before]), [now] if now is not None else [], sessions=("session-1",))
    assert len(told) <= 1
    return told[0] if told else None


def with_lease(lease: Lease) -> RobotGlimpse:
    return robot("rover-12", None, intervention=5, lease=lease)


@pytest.mark.parametrize(
    ("now", "turn", "sentence"),
    [
        (with_lease(OTHER), Turn.TAKEN, "op-2 was faster"),
        (with_lease(structs.replace(OTHER, operator=YOU)), Turn.YOURS, "You have rover-12"),
        (
            replace(with_lease(structs.replace(OTHER, session="session-1")), you=""),
            Turn.YOURS,
            "You have rover-12",
        ),
        (robot("rover-12", intervention=4), Turn.FREED, "rover-12 got free itself"),
        (robot("rover-12", intervention=5), Turn.HELPED, "rover-12 was helped meanwhile"),
        (
            robot("rover-12", structs.replace(call(), call_id=4), intervention=5),
            Turn.HELPED,
            "rover-12 was helped meanwhile",
        ),
        (
            robot("rover-12", call(), boot_id="boot-2"),
            Turn.RESTARTED,
            "rover-12 has restarted",
        ),
        (None, Turn.FORGOTTEN, "rover-12 is not in the list of robots any more"),
        (
            robot("rover-12", call(), silent_ms=SILENT_MS + 1),
            Turn.SILENT,
            "rover-12 does not answer; its call stays here",
        ),
    ],
)
def test_what_became_of_a_call_is_told_in_a_sentence(
    now: RobotGlimpse | None, turn: Turn, sentence: str
) -> None:
    assert news(now) == CallNews(CallKey("rover-12:7600", "boot-1", 3), turn, sentence)


def test_a_call_that_waits_on_is_no_news() -> None:
    assert news(robot("rover-12", call(), silent_ms=SILENT_MS)) is None
    silent = robot("rover-12", call(), silent_ms=SILENT_MS + 1)
    assert news(replace(silent, silent_ms=SILENT_MS * 5), silent) is None, "it is told once"


def test_a_robot_that_answers_again_and_still_calls_is_told() -> None:
    silent = robot("rover-12", call(), silent_ms=SILENT_MS + 1)
    told = news(CALLING, silent)
    assert told is not None
    assert (told.turn, told.sentence) == (Turn.BACK, "rover-12 answers again, and still calls")


# --- whatever robots say ---

FLEETS = st.lists(
    st.builds(
        lambda n, age, silent, reason, skips, boot: robot(
            f"r-{n}",
            call(age, reason, skipped=(YOU,) if skips else ()),
            silent_ms=silent,
            boot_id=f"boot-{boot}",
        ),
        st.integers(0, 20),
        st.floats(-1e6, 1e6),
        st.floats(0, 1e7),
        st.sampled_from(["Wedged", *sorted(HIGH_REASONS | LOW_REASONS)]),
        st.booleans(),
        st.integers(0, 2),
    ),
    max_size=20,
    unique_by=lambda one: one.paired,
)


@given(FLEETS)
def test_no_call_is_lost_and_the_order_is_that_of_the_rules(fleet: list[RobotGlimpse]) -> None:
    calls = queued(fleet)
    assert sorted(one.name for one in calls) == sorted(one.name for one in fleet)
    ranks = [(one.skipped, one.severity, -one.age_s) for one in calls]
    assert ranks == sorted(ranks)
    assert queued(reversed(fleet)) == calls, "the same for every console"


@given(FLEETS, FLEETS)
def test_a_call_that_is_not_in_the_queue_any_more_is_told_and_no_other_ends(
    before: list[RobotGlimpse], after: list[RobotGlimpse]
) -> None:
    ended = {
        one.key for one in turned(queued(before), after) if one.turn not in (Turn.SILENT, Turn.BACK)
    }
    left = {one.key for one in queued(after)}
    assert ended == {one.key for one in queued(before)} - left


def test_a_call_of_a_robots_gate_goes_through_the_queue() -> None:
    world = World().called()
    said = robot_state(call=world.state.call, stamp_ns=world.now_ns + 5 * NS_PER_S)
    shown = only(RobotGlimpse("a:1", "a:1", "r", "k" * 40, said))
    assert (shown.reason, shown.age_s > 4.9) == ("Wedged", True)
    world.state, _ = gate_state.call_withdrawn(world.state, "it came free", world.now_ns)
    freed = RobotGlimpse("a:1", "a:1", "r", "k" * 40, robot_state(call=world.state.call))
    assert [one.turn for one in turned([shown], [freed])] == [Turn.FREED]
