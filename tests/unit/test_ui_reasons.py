"""The reasons pop-up: rows, what was refused and how often, the one thing that can be done."""

from __future__ import annotations

import pytest
from msgspec import structs

from teleop.operator_view import LinkView
from teleop.self_test import SelfTest, Stage
from tests.console.fakes import (
    OTHER,
    SLOW_TIMING,
    TESTED,
    TIMING,
    driven,
    link_view,
    robot_state,
    wish,
)
from tests.unit.screen_support import camera, screen
from transport.messages import (
    STILL,
    CapCause,
    Hold,
    HoldReason,
    Mode,
    Profile,
    Refusal,
    RobotState,
    Role,
)
from ui.screen import Act, Look, ReasonRow

STANDING = driven(mode=Mode.READY, applied=STILL)
SLOW = driven(mode=Mode.READY, applied=STILL, profile=Profile.HIGH_LATENCY, timing=SLOW_TIMING)


def row(link: LinkView, name: str) -> ReasonRow:
    return next(row for row in screen(link).reasons.rows if row.name == name)


# --- refused so far -------------------------------------------------------------------------------

COUNTED: dict[Refusal, str] = {
    Refusal.FLOOD: "beyond what one console may send",
    Refusal.MALFORMED: "could not be read",
    Refusal.ROLE: "from a key that may not drive",
    Refusal.BOOT_ID: "for the robot before its restart",
    Refusal.NO_LEASE: "while nobody had the lease",
    Refusal.HELD_BY_OTHER: "from another than the driver",
    Refusal.OLD_EPOCH: "under a lease that had ended",
    Refusal.SEQUENCE: "out of order",
    Refusal.ECHO: "with an echo that was never sent",
    Refusal.STALE: "too old",
    Refusal.NOT_FINITE: "with an input that is no number",
    Refusal.MODE: "while latched or disarmed",
}


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_is_counted_in_plain_words(refusal: Refusal) -> None:
    reasons = screen(link_view(driven(commands_refused={refusal: 12}))).reasons
    assert [(tally.count, tally.why) for tally in reasons.refused] == [(12, COUNTED[refusal])]
    assert row(link_view(driven(commands_refused={refusal: 12})), "Commands").note == (
        "12 of 912 refused"
    )


def test_the_most_frequent_refusal_stands_first_and_the_policys_are_among_them() -> None:
    state = driven(
        commands_refused={Refusal.SEQUENCE: 3, Refusal.STALE: 14, Refusal.ROLE: 0},
        policy_refused=7,
    )
    assert [(tally.count, tally.why) for tally in screen(link_view(state)).reasons.refused] == [
        (14, "too old"),
        (7, "of the policy, which were no use"),
        (3, "out of order"),
    ]


def test_nothing_refused_is_nothing_to_show() -> None:
    assert screen(link_view(driven())).reasons.refused == ()


# --- what the robot reports, row by row -----------------------------------------------------------


def test_the_limits_are_those_that_this_robot_reports() -> None:
    timing = structs.replace(
        TIMING, picture_slow_ms=700.0, picture_hold_ms=1500.0, full_speed_ms=150.0
    )
    link = link_view(driven(timing=timing))
    assert row(link, "Picture").note == "slows at 700 ms, stops at 1.5 s"
    assert screen(link).reasons.foot == "Speed is full up to 150 ms latency"
    assert screen(link).latency_limit_ms == 150.0
    assert screen(link, None, camera(age_ms=600.0)).pictures[0].veil is None
    assert screen(link, None, camera(age_ms=701.0)).pictures[0].veil is not None


@pytest.mark.parametrize(
    ("link", "name", "value", "note", "look"),
    [
        (link_view(driven()), "STOP", "not pressed", "self-test 21 ms", Look.QUIET),
        (
            link_view(driven(disk_refuses=True)),
            "STOP",
            "not pressed",
            "a restart would forget it: disk refuses",
            Look.LIMITED,
        ),
        (
            link_view(driven(), self_test=SelfTest(epoch=4, stop=Stage.FAILED)),
            "STOP",
            "its test has no answer: the console does not drive",
            "",
            Look.HOLD,
        ),
        (link_view(driven(wanted=wish())), "Lease", "yours, op-2 asks for it", "", Look.LIMITED),
        (
            link_view(driven(lease=OTHER, wanted=wish(operator="op-3"))),
            "Lease",
            "op-2 has it, op-3 asks for it",
            "",
            Look.LIMITED,
        ),
        (
            link_view(robot_state(), role=Role.OBSERVER),
            "Lease",
            "free",
            "You watch (observer)",
            Look.QUIET,
        ),
        (
            link_view(driven(), deadman=True, self_test=SelfTest(epoch=4)),
            "Input",
            "Keyboard, deadman held",
            "not sent before the self-test",
            Look.LIMITED,
        ),
        (
            link_view(driven(loss_to_zero_ms=214.0)),
            "Commands",
            "60 Hz, 14 ms old",
            "last loss: stood after 214 ms",
            Look.QUIET,
        ),
        (
            link_view(driven(), self_test=SelfTest(epoch=4, loss=Stage.RUNNING)),
            "Commands",
            "none sent: self-test of link loss",
            "",
            Look.QUIET,
        ),
        (
            link_view(driven(), self_test=SelfTest(epoch=4, loss=Stage.FAILED)),
            "Commands",
            "without them it did not hold, in the self-test",
            "",
            Look.HOLD,
        ),
        (
            link_view(
                driven(
                    profile=Profile.HIGH_LATENCY,
                    timing=SLOW_TIMING,
                    cap_mps=0.15,
                    cap_cause=CapCause.PROFILE,
                )
            ),
            "Speed",
            "capped at 0.15 of 0.50 m/s",
            "HIGH LATENCY, commands up to 800 ms old",
            Look.LIMITED,
        ),
        (
            link_view(driven(watchdog_trips=1)),
            "Robot",
            "battery 64 %, motors 1.8 A",
            "its watchdog had to stop it once",
            Look.LIMITED,
        ),
        (
            link_view(driven(watchdog_trips=3)),
            "Robot",
            "battery 64 %, motors 1.8 A",
            "its watchdog had to stop it 3 times",
            Look.LIMITED,
        ),
    ],
)
def test_a_row(link: LinkView, name: str, value: str, note: str, look: Look) -> None:
    found = row(link, name)
    assert (found.value, found.note, found.look) == (value, note, look)


# --- the one thing that can be done ---------------------------------------------------------------

LATE = Hold(reason=HoldReason.STALE, value=340.0, limit=300.0)
FAULTY = driven(mode=Mode.FAULT)
OTHERS = driven(lease=OTHER)


@pytest.mark.parametrize(
    ("link", "foot", "button", "act"),
    [
        (
            link_view(robot_state()),
            "Whoever has the lease may drive",
            "Request lease",
            Act.REQUEST,
        ),
        (link_view(OTHERS), "op-2 has the lease", "Ask for it", Act.REQUEST),
        (
            link_view(OTHERS, role=Role.SUPERVISOR),
            "op-2 has the lease",
            "Take over…",
            Act.TAKE_OVER,
        ),
        (link_view(OTHERS, role=Role.OBSERVER), "op-2 has the lease", "", None),
        (link_view(robot_state(), role=Role.OBSERVER), "You watch (observer)", "", None),
        (
            link_view(driven(mode=Mode.DISARMED)),
            "Arming switches the motors on; nothing moves",
            "Arm",
            Act.ARM,
        ),
        (
            link_view(driven(mode=Mode.ESTOP)),
            "A reset never moves the robot",
            "Reset…",
            Act.RESET,
        ),
        (
            link_view(driven(mode=Mode.SAFE_STOP)),
            "A reset never moves the robot",
            "Reset…",
            Act.RESET,
        ),
        (link_view(FAULTY), "Only maintenance can clear a fault", "", None),
        (
            link_view(FAULTY, role=Role.MAINTENANCE),
            "Look at the robot first",
            "Clear fault…",
            Act.CLEAR_FAULT,
        ),
        (link_view(driven()), "Speed is full up to 200 ms latency", "", None),
        (
            link_view(STANDING),
            "Slow link: slower, by commands up to 800 ms old",
            "High latency",
            Act.HIGH_LATENCY,
        ),
        (link_view(SLOW), "HIGH LATENCY is on: slower", "Back to normal", Act.NORMAL),
        (
            link_view(SLOW, round_trip_p95_ms=241.0),
            "HIGH LATENCY is on: commands up to 800 ms old count",
            "",
            None,
        ),
    ],
)
def test_the_one_thing_that_can_be_done(
    link: LinkView, foot: str, button: str, act: Act | None
) -> None:
    reasons = screen(link).reasons
    assert (reasons.foot, reasons.button, reasons.act) == (foot, button, act)


@pytest.mark.parametrize("state", [driven(), driven(mode=Mode.AUTONOMY, applied=STILL)])
def test_no_profile_is_offered_while_it_moves_or_works_by_itself(state: RobotState) -> None:
    assert screen(link_view(state)).reasons.act is None


def test_no_profile_is_offered_while_the_deadman_is_held() -> None:
    assert screen(link_view(STANDING, deadman=True, self_test=TESTED)).reasons.act is None
