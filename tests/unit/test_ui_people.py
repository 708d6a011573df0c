"""What happens between people: who asked, who gave, who took, and how this window says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from teleop.operator_view import LinkView, Reach
from tests.console.fakes import (
    MINE,
    MS,
    OTHER,
    ROBOT_NS,
    SESSION,
    SLOW_TIMING,
    driven,
    link_view,
    media_state,
    robot_state,
    wish,
)
from transport.messages import (
    STILL,
    Hold,
    HoldReason,
    Lease,
    LeaseWish,
    Mode,
    Phase,
    Profile,
    RecorderPhase,
    Refusal,
    RobotState,
)
from ui.facts import Facts
from ui.history import History
from ui.notices import notice_of
from ui.screen import Act, Look, Notice

S = 10**9
START = 50 * S
TAKEN = structs.replace(OTHER, epoch=6)
NOTE = "op-2 took the robot from op-1: change of shift"
STANDING = driven(mode=Mode.READY, applied=STILL)
MY_WISH = wish(operator="op-1", session=SESSION)


def noted(*states: RobotState | LinkView) -> History:
    """A window that saw these, a second apart."""
    history = History()
    for number, state in enumerate(states):
        view = state if isinstance(state, LinkView) else link_view(state)
        history.note(view, 76.0, START + number * S)
    return history


def notice(link: LinkView, facts: Facts | None = None, now_ns: int = START) -> Notice | None:
    return notice_of(link, facts or Facts(), now_ns)


# --- the holder is asked --------------------------------------------------------------------------


def test_the_holder_is_asked_calmly_with_a_name_seconds_and_both_answers() -> None:
    shown = notice(link_view(driven(wanted=wish())))
    assert shown == Notice(
        "hand",
        "op-2 asks for the robot",
        "8 s left. Say nothing and you keep it.",
        (("Grant", Act.GRANT), ("Deny", Act.DENY)),
        Look.LIMITED,
    )


def test_who_only_watches_is_not_asked() -> None:
    assert notice(link_view(robot_state(lease=OTHER, wanted=wish(operator="op-3")))) is None


def test_a_wish_is_in_the_log_once() -> None:
    history = noted(driven(), driven(wanted=wish()), driven(wanted=wish()))
    assert [mark.text for mark in history.marks][-1] == "op-2 asks for it"
    assert sum(mark.text.endswith("asks for it") for mark in history.marks) == 1


def test_a_second_wish_of_the_same_person_is_a_new_one() -> None:
    later = wish(until_ns=ROBOT_NS + 30_000 * MS)
    history = noted(driven(wanted=wish()), driven(), driven(wanted=later))
    assert [mark.text for mark in history.marks][-1] == "op-2 asks for it"


# --- the one who asks -----------------------------------------------------------------------------


def test_who_asks_sees_that_it_waits() -> None:
    shown = notice(link_view(driven(lease=OTHER, wanted=MY_WISH)))
    assert shown == Notice(
        "hand", "You asked op-2 for the robot", "8 s left; silence keeps it with op-2."
    )


@pytest.mark.parametrize("note", ["op-2 keeps the robot", "op-2 did not answer op-1"])
def test_who_asked_in_vain_reads_how_it_ended_until_it_is_dismissed(note: str) -> None:
    asked = driven(lease=OTHER, wanted=MY_WISH)
    history = noted(asked, driven(lease=OTHER, lease_note=note))
    shown = notice(link_view(driven(lease=OTHER)), history.facts)
    assert shown == Notice("person", note, "", (("Dismiss", Act.DISMISS),))

    history.dismiss()

    assert notice(link_view(driven(lease=OTHER)), history.facts) is None


def test_who_asked_and_got_it_needs_no_note() -> None:
    asked = driven(lease=structs.replace(OTHER, epoch=3), wanted=MY_WISH)
    history = noted(asked, driven(lease_note="op-2 gave the robot to op-1"))
    assert history.facts.note == ""
    assert "op-2 gave the robot to op-1" in [mark.text for mark in history.marks]


def test_what_others_agreed_on_is_in_the_log_and_nowhere_else() -> None:
    third = structs.replace(OTHER, epoch=7, operator="op-3", session="session-3")
    history = noted(
        driven(lease=OTHER, wanted=wish(operator="op-3", session="session-3")),
        driven(lease=third, lease_note="op-2 gave the robot to op-3"),
    )
    assert history.facts.note == ""
    assert "op-2 gave the robot to op-3" in [mark.text for mark in history.marks]


# --- taken and given ------------------------------------------------------------------------------


def test_who_was_displaced_reads_by_whom_and_why() -> None:
    history = noted(driven(), driven(lease=TAKEN, lease_note=NOTE))
    shown = notice(link_view(driven(lease=TAKEN, lease_note=NOTE)), history.facts)
    assert shown is not None
    assert (shown.title, shown.buttons) == (NOTE, (("Dismiss", Act.DISMISS),))


def test_who_was_displaced_while_the_link_was_lost_is_told_when_it_is_back() -> None:
    lost = link_view(driven(), reach=Reach.LOST, silent_ms=4_000.0)
    history = noted(driven(), lost, driven(lease=TAKEN, lease_note=NOTE))
    assert history.facts.note == NOTE


def test_the_note_outlives_a_lost_link() -> None:
    history = noted(driven(), driven(lease=TAKEN, lease_note=NOTE))
    assert notice(link_view(None), history.facts) is not None


def test_the_next_takeover_ends_the_note() -> None:
    again = structs.replace(MINE, epoch=7)
    history = noted(
        driven(), driven(lease=TAKEN, lease_note=NOTE), driven(lease=again, lease_note=NOTE)
    )
    assert history.facts.note == ""


def test_a_lease_that_is_only_given_up_does_not_end_the_note() -> None:
    history = noted(
        driven(),
        driven(lease=TAKEN, lease_note=NOTE),
        driven(lease=Lease(epoch=6), lease_note=NOTE),
    )
    assert history.facts.note == NOTE


def test_who_granted_it_needs_no_note() -> None:
    granted = driven(lease=TAKEN, lease_note="op-1 gave the robot to op-2")
    history = noted(driven(wanted=wish()), granted)
    assert history.facts.note == ""


def test_a_restarted_robot_has_no_past() -> None:
    history = noted(driven(), driven(boot_id="boot-2", lease=TAKEN, lease_note=NOTE))
    assert history.facts.note == ""


# --- a forgotten console --------------------------------------------------------------------------


def test_a_minute_before_the_lease_is_released_the_window_says_so() -> None:
    assert notice(link_view(STANDING, unattended_s=61.0)) is None
    shown = notice(link_view(STANDING, unattended_s=48.0))
    assert shown is not None
    assert (shown.title, shown.detail) == (
        "Nobody has used this console for 9 min",
        "In 48 s the lease is released. Any key keeps it.",
    )


def test_a_released_lease_is_explained_to_who_comes_back() -> None:
    history = noted(link_view(STANDING), link_view(robot_state(), let_go_ns=START + S))
    assert history.facts.note == "Nobody used this console for 10 min: the lease was released"
    assert [mark.text for mark in history.marks][-1] == "lease released, nobody was here"


# --- a slow link ----------------------------------------------------------------------------------

OFFER = Notice(
    "clock",
    "The link is too slow for full speed",
    "High latency: slower, and commands up to 800 ms old count.",
    (("Use high latency", Act.HIGH_LATENCY),),
    Look.LIMITED,
)


def test_a_round_trip_near_the_limit_offers_the_slow_profile() -> None:
    assert notice(link_view(STANDING, round_trip_p95_ms=239.0)) is None
    assert notice(link_view(STANDING, round_trip_p95_ms=241.0)) == OFFER


def test_a_hold_for_late_commands_offers_it_too() -> None:
    hold = Hold(reason=HoldReason.STALE, value=340.0, limit=300.0)
    assert notice(link_view(driven(mode=Mode.HOLD, applied=STILL, hold=hold))) == OFFER


def test_late_commands_are_remembered_for_some_seconds() -> None:
    late = driven(mode=Mode.READY, applied=STILL, commands_refused={Refusal.STALE: 3})
    history = noted(STANDING, late)
    assert history.facts.stale_ns == START + S
    assert notice(link_view(late), history.facts, START + 2 * S) == OFFER
    assert notice(link_view(late), history.facts, START + 7 * S) is None


def test_late_commands_of_somebody_else_are_no_news() -> None:
    before = driven(lease=OTHER)
    late = driven(lease=OTHER, commands_refused={Refusal.STALE: 3})
    assert noted(before, late).facts.stale_ns is None


@pytest.mark.parametrize(
    "state",
    [
        driven(),  # it moves
        driven(mode=Mode.READY, applied=STILL, profile=Profile.HIGH_LATENCY, timing=SLOW_TIMING),
        robot_state(),  # somebody else's business
    ],
)
def test_the_slow_profile_is_not_offered(state: RobotState) -> None:
    assert notice(link_view(state, round_trip_p95_ms=400.0)) is None


# --- when nothing moves ---------------------------------------------------------------------------

RECORDING = media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118")
WAITING = robot_state(mode=Mode.HOLD, phase=Phase.HANDOVER, idle_s=14.0)


@pytest.mark.parametrize(
    ("state", "detail"),
    [
        (driven(idle_s=14.0), "The episode goes on; after 60 s it shows a pause."),
        (driven(idle_s=75.0, phase=Phase.PAUSED), "The episode shows it as a pause."),
        (
            WAITING,
            "The robot has called and waits. The episode goes on; after 60 s it shows a pause.",
        ),
    ],
)
def test_a_notice_tells_that_an_episode_goes_on_in_which_nothing_moves(
    state: RobotState, detail: str
) -> None:
    shown = notice(link_view(state, media=RECORDING))
    assert shown is not None
    assert shown.title == f"Nothing has moved for {state.idle_s:.0f} s"
    assert (shown.detail, shown.look) == (detail, Look.LIMITED)


def test_there_is_no_such_notice_while_something_moves_or_nothing_is_recorded() -> None:
    assert notice(link_view(driven(idle_s=9.9), media=RECORDING)) is None
    assert notice(link_view(driven(idle_s=14.0), media=media_state())) is None
    somebody_else = driven(idle_s=14.0, lease=OTHER)
    assert notice(link_view(somebody_else, media=RECORDING)) is None


# --- one at a time --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "unattended_s", "title"),
    [
        (wish(), 10.0, "op-2 asks for the robot"),
        (None, 10.0, "Nobody has used this console for 9 min"),
        (None, None, NOTE),
    ],
)
def test_the_most_urgent_notice_is_shown(
    wanted: LeaseWish | None, unattended_s: float | None, title: str
) -> None:
    state = driven(mode=Mode.READY, applied=STILL, wanted=wanted)
    view = link_view(state, unattended_s=unattended_s, round_trip_p95_ms=400.0)
    shown = notice(view, replace(Facts(), note=NOTE))
    assert shown is not None
    assert shown.title == title


def test_why_a_key_did_nothing_stands_in_the_status_line_for_a_while() -> None:
    from tests.unit.screen_support import screen

    history = noted(robot_state())
    history.tell("You watch (observer): only an operator may do that.", START)
    view = link_view(robot_state())
    assert screen(view, history.facts, now_ns=START + 5 * S).status.message.startswith("You watch")
    assert screen(view, history.facts, now_ns=START + 7 * S).status.message.startswith("Watching")
