"""Who may do what, and when, in words: roles against the robot's own table, states one by one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from teleop.operator_view import LinkView
from teleop.requests import MAY
from tests.console.fakes import (
    CALL,
    OTHER,
    SLOW_TIMING,
    driven,
    link_view,
    media_state,
    robot_state,
    wish,
)
from tests.unit.screen_support import CALLING
from transport.messages import STILL, LastEpisode, Mode, Outcome, Profile, Role
from ui.acting import body_of
from ui.offers import LOCAL, ROLES, too_slow_for, why_not, wish_left_s
from ui.screen import Act

OTHERS = driven(lease=OTHER)
STANDING = driven(mode=Mode.READY, applied=STILL)
SEALED = LastEpisode(
    episode="01K0000000000000000000000Z", outcome=Outcome.UNLABELLED, reason="", discarded=False
)
DISCARDED = replace(SEALED, discarded=True)
AFTERWARDS = link_view(robot_state(), media=media_state(last=SEALED))
# A view in which each act is possible for who has the role.
POSSIBLE: dict[Act, LinkView] = {
    Act.REQUEST: link_view(OTHERS),
    Act.ACCEPT: link_view(CALLING),
    Act.TAKE_OVER: link_view(OTHERS),
    Act.GRANT: link_view(driven(wanted=wish())),
    Act.DENY: link_view(driven(wanted=wish())),
    Act.RELEASE: link_view(driven()),
    Act.ARM: link_view(driven(mode=Mode.DISARMED)),
    Act.RESET: link_view(driven(mode=Mode.SAFE_STOP)),
    Act.HAND_BACK: link_view(driven(mode=Mode.AUTONOMY)),
    Act.LET_DRIVE: link_view(driven()),
    Act.SUCCESS: link_view(driven()),
    Act.FAILURE: link_view(driven()),
    Act.CLEAR: link_view(driven()),
    Act.MARKER: link_view(driven()),
    Act.RECOVERY: link_view(driven()),
    Act.CORRECTION: link_view(driven()),
    Act.SCENE_RESET: link_view(driven()),
    Act.REASON: AFTERWARDS,
    Act.NOTE: AFTERWARDS,
    Act.TASK: AFTERWARDS,
    Act.DISCARD: AFTERWARDS,
    Act.RESTORE: link_view(robot_state(), media=media_state(last=DISCARDED)),
    Act.HIGH_LATENCY: link_view(STANDING),
    Act.NORMAL: link_view(driven(applied=STILL, profile=Profile.HIGH_LATENCY, timing=SLOW_TIMING)),
    Act.CLEAR_FAULT: link_view(robot_state(mode=Mode.FAULT)),
}


def as_role(link: LinkView, role: Role | None) -> LinkView:
    return link_view(link.state, role=role, deadman=link.deadman, media=link.media)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", ROLES)
def test_what_is_offered_to_a_role_is_what_the_robot_allows_it(act: Act, role: Role) -> None:
    state = POSSIBLE[act].state
    assert state is not None
    body = body_of(act, POSSIBLE[act], state, "because")
    allowed = role in MAY[type(body)]
    assert (why_not(act, as_role(POSSIBLE[act], role)) == "") is allowed


@pytest.mark.parametrize("act", LOCAL)
@pytest.mark.parametrize("role", Role)
def test_stop_and_what_is_this_consoles_own_business_is_for_everybody(act: Act, role: Role) -> None:
    for view in (link_view(None), link_view(driven(lease=OTHER), role=role)):
        assert why_not(act, view) == ""


def test_stop_is_among_them() -> None:
    assert Act.STOP in LOCAL


@pytest.mark.parametrize("act", ROLES)
def test_without_a_robot_nothing_is_asked(act: Act) -> None:
    assert why_not(act, link_view(None)) == "There is no robot to ask."


@pytest.mark.parametrize("act", ROLES)
def test_before_the_robot_has_said_who_this_is_nothing_is_offered(act: Act) -> None:
    view = as_role(POSSIBLE[act], None)
    assert why_not(act, view) == "The robot has not said yet who you are to it."


@pytest.mark.parametrize(
    ("act", "role", "words"),
    [
        (Act.REQUEST, Role.OBSERVER, "You watch (observer): only an operator may do that."),
        (Act.TAKE_OVER, Role.OPERATOR, "You are operator here: only a supervisor may do that."),
        (Act.CLEAR_FAULT, Role.OPERATOR, "You are operator here: only maintenance may do that."),
    ],
)
def test_a_role_that_may_not_is_told_who_may(act: Act, role: Role, words: str) -> None:
    assert why_not(act, as_role(POSSIBLE[act], role)) == words


@pytest.mark.parametrize(
    ("act", "link", "words"),
    [
        (Act.REQUEST, link_view(driven()), "You have the lease already."),
        (
            Act.REQUEST,
            link_view(driven(lease=OTHER, wanted=wish(session="session-1"))),
            "You have asked; op-2 has 8 s to answer.",
        ),
        (
            Act.REQUEST,
            link_view(driven(lease=OTHER, wanted=wish(operator="op-3", session="session-3"))),
            "op-3 has asked op-2 already.",
        ),
        (Act.ACCEPT, link_view(robot_state()), "No call waits for you."),
        (Act.ACCEPT, link_view(driven(lease=OTHER, call=CALL)), "No call waits for you."),
        (
            Act.TAKE_OVER,
            link_view(driven(), role=Role.SUPERVISOR),
            "You have the lease already.",
        ),
        (
            Act.TAKE_OVER,
            link_view(robot_state(), role=Role.SUPERVISOR),
            "Nobody has the lease: F2 requests it.",
        ),
        (Act.GRANT, link_view(driven()), "Nobody asks for the lease."),
        (
            Act.MARKER,
            link_view(robot_state()),
            "Only who has the lease may do that; F2 requests it.",
        ),
        (Act.ARM, link_view(driven()), "Nothing to arm: the motors are on, or latched."),
        (Act.RESET, link_view(driven()), "No STOP is latched."),
        (
            Act.CLEAR_FAULT,
            link_view(driven(), role=Role.MAINTENANCE),
            "There is no fault to clear.",
        ),
        (Act.LET_DRIVE, link_view(driven(mode=Mode.AUTONOMY)), "It works by itself already."),
        (
            Act.HIGH_LATENCY,
            link_view(driven()),
            WHILE := ("Only while the robot stands and nobody holds the deadman."),
        ),
        (Act.HIGH_LATENCY, link_view(STANDING, deadman=True), WHILE),
        (Act.NORMAL, link_view(STANDING), "That is in force already."),
        (
            Act.NORMAL,
            link_view(
                driven(applied=STILL, profile=Profile.HIGH_LATENCY, timing=SLOW_TIMING),
                round_trip_p95_ms=350.0,
            ),
            "The link is too slow for that: it takes up to 350 ms there and back.",
        ),
    ],
)
def test_what_cannot_be_done_now_says_why(act: Act, link: LinkView, words: str) -> None:
    assert why_not(act, link) == words


@pytest.mark.parametrize("act", [Act.LET_DRIVE, Act.HAND_BACK])
@pytest.mark.parametrize(
    ("mode", "first"),
    [
        (Mode.DISARMED, "arm it first (F5)"),
        (Mode.ESTOP, "reset STOP first"),
        (Mode.SAFE_STOP, "reset it first"),
        (Mode.FAULT, "its fault has to be cleared first"),
        (Mode.LINK_LOST, "drive once first, so that the lost link is over"),
        (Mode.BOOT, "wait until the robot has checked itself"),
    ],
)
def test_a_robot_that_a_person_has_to_see_to_first_is_not_handed_back(
    act: Act, mode: Mode, first: str
) -> None:
    assert why_not(act, link_view(driven(mode=mode))) == f"The robot is {mode}: {first}."


@pytest.mark.parametrize(
    ("trip_ms", "too_slow"), [(None, False), (240.0, False), (240.1, True), (900.0, True)]
)
def test_a_link_is_too_slow_when_its_round_trip_and_60_ms_exceed_the_age_that_counts(
    trip_ms: float | None, too_slow: bool
) -> None:
    assert too_slow_for(300.0, link_view(driven(), round_trip_p95_ms=trip_ms)) is too_slow


@pytest.mark.parametrize(("silent_ms", "left_s"), [(0.0, 8), (20.0, 8), (1500.0, 7), (9000.0, 0)])
def test_the_seconds_to_answer_count_down_between_two_states(silent_ms: float, left_s: int) -> None:
    state = driven(wanted=wish())
    assert wish_left_s(link_view(state, silent_ms=silent_ms), state) == left_s
