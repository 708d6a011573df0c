"""What a console makes of states, replies and pings: its lease, its name, the robot's clock."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec import structs

from teleop.asking import SPOKEN, UNANSWERED, WAITING, Asked, Asking
from teleop.hearing import Hearing
from teleop.operator_view import Reach
from tests.console.fakes import MINE, OTHER, SESSION, driven, media_state, robot_state
from transport.channels import STATE
from transport.clock import NS_PER_MS
from transport.handshake import Trouble
from transport.messages import (
    Beat,
    ForceLease,
    HandBack,
    KeepLease,
    Lease,
    MarkMoment,
    Ping,
    ReleaseLease,
    Reply,
    RequestBody,
    RequestLease,
    Role,
)

START = 10**12
MS = NS_PER_MS


def hearing() -> Hearing:
    return Hearing(SESSION, START)


def replied(heard: Hearing, body: RequestBody, *, ok: bool = True, reason: str = "") -> Hearing:
    reply = Reply(
        request_id=7, ok=ok, reason=reason, epoch=9, stamp_ns=5, name="op-1", role=Role.OPERATOR
    )
    heard.hear_reply(Asked(body, START), reply, START + 3 * MS)
    return heard


# --- states ---------------------------------------------------------------------------------------


def test_a_robot_that_was_never_heard_is_searched_for() -> None:
    heard = hearing()
    assert heard.reach(START + 10**10) is Reach.SEARCHING
    assert heard.silent_ms(START + 5 * MS) == 5.0
    assert heard.fresh(START) is None


def test_a_state_older_than_its_ttl_is_no_state() -> None:
    heard = hearing()
    heard.hear_state(driven(), START)
    ttl_ns = STATE.ttl_ms * MS
    assert (heard.reach(START + ttl_ns), heard.fresh(START + ttl_ns)) == (
        Reach.CONNECTED,
        heard.state,
    )
    assert (heard.reach(START + ttl_ns + 1), heard.fresh(START + ttl_ns + 1)) == (Reach.LOST, None)


def test_a_command_echoes_the_newest_stamp_whichever_connection_brought_it() -> None:
    heard = hearing()
    assert heard.echo_ns(START) == 0
    heard.hear_beat(Beat(boot_id=driven().boot_id, stamp_ns=driven().stamp_ns + 5))
    assert heard.echo_ns(START) == 0, "a beat alone is nothing to drive by"
    heard.hear_state(driven(), START)
    assert heard.echo_ns(START) == driven().stamp_ns + 5
    newer = structs.replace(driven(), stamp_ns=driven().stamp_ns + 9)
    heard.hear_state(newer, START)
    assert heard.echo_ns(START) == newer.stamp_ns


def test_a_beat_of_another_life_of_the_robot_is_not_echoed() -> None:
    heard = hearing()
    heard.hear_state(driven(), START)
    heard.hear_beat(Beat(boot_id="another", stamp_ns=driven().stamp_ns + 5))
    assert heard.echo_ns(START) == driven().stamp_ns


def test_a_beat_keeps_nothing_fresh_while_the_states_are_lost() -> None:
    heard = hearing()
    heard.hear_state(driven(), START)
    heard.hear_beat(Beat(boot_id=driven().boot_id, stamp_ns=driven().stamp_ns + 5))
    lost_ns = START + STATE.ttl_ms * MS + 1
    assert heard.echo_ns(lost_ns - 1) == driven().stamp_ns + 5
    assert heard.echo_ns(lost_ns) == driven().stamp_ns


def test_the_lease_is_ours_by_session_and_its_epoch_is_the_robots() -> None:
    heard = hearing()
    heard.hear_state(driven(), START)
    assert (heard.yours, heard.epoch) == (True, MINE.epoch)
    heard.hear_state(driven(lease=OTHER), START)
    assert (heard.yours, heard.epoch) == (False, 0)


def test_a_state_from_before_the_grant_does_not_take_the_lease_away_again() -> None:
    heard = replied(hearing(), RequestLease())
    assert heard.epoch == 9
    heard.hear_state(robot_state(lease=Lease(epoch=8)), START)
    assert heard.epoch == 9
    heard.hear_state(robot_state(lease=Lease(epoch=9)), START)
    assert heard.epoch == 0


def test_a_restarted_robot_has_another_clock_and_gave_no_lease() -> None:
    heard = replied(hearing(), Ping())
    heard.hear_state(driven(), START)
    assert heard.round_trips.offset_ns is not None
    assert heard.hear_state(robot_state(boot_id="boot-2"), START)
    assert (heard.epoch, heard.round_trips.offset_ns) == (0, None)


def test_media_are_heard_apart() -> None:
    heard = hearing()
    assert heard.media_silent_ms(START + 7 * MS) == 7.0
    heard.hear_media(media_state(), START + 7 * MS)
    assert (heard.media, heard.media_silent_ms(START + 8 * MS)) == (media_state(), 1.0)


def test_key_to_motors_is_measured_on_this_consoles_clock() -> None:
    heard = replied(hearing(), Ping())
    offset_ns = heard.round_trips.offset_ns
    assert offset_ns is not None
    pressed_ns = START + 100 * MS
    applied_ns = pressed_ns + 11 * MS + offset_ns
    state = driven(
        stamp_ns=START + offset_ns - 3 * MS,
        command_input_ns=pressed_ns,
        command_applied_ns=applied_ns,
    )
    heard.hear_state(state, START)
    heard.hear_state(state, START)
    assert list(heard.command_ms) == [pytest.approx(11.0)]


def test_the_motion_of_others_is_not_measured() -> None:
    heard = replied(hearing(), Ping())
    heard.hear_state(driven(lease=OTHER, command_input_ns=5, command_applied_ns=9), START)
    assert list(heard.command_ms) == []


# --- replies --------------------------------------------------------------------------------------


def test_the_robot_says_who_this_console_is() -> None:
    heard = hearing()
    assert (heard.name, heard.role) == ("", None)
    replied(heard, Ping())
    assert (heard.name, heard.role) == ("op-1", Role.OPERATOR)


def test_a_key_that_is_not_on_the_list_any_more_is_nobody() -> None:
    heard = replied(hearing(), Ping())
    heard.trouble = Trouble.NOT_PAIRED
    assert (heard.name, heard.role) == ("", None)


@pytest.mark.parametrize("body", [RequestLease(), ForceLease(reason="change of shift")])
def test_a_granted_lease_has_its_epoch_at_once(body: RequestBody) -> None:
    assert replied(hearing(), body).epoch == 9


@pytest.mark.parametrize("body", [HandBack(epoch=9), ReleaseLease(epoch=9)])
def test_a_lease_given_back_is_gone_at_once(body: RequestBody) -> None:
    heard = replied(hearing(), RequestLease())
    assert replied(heard, body, ok=False).epoch == 9
    assert replied(heard, body).epoch == 0


def test_a_renewal_that_is_refused_ends_the_lease_without_a_word() -> None:
    heard = replied(hearing(), RequestLease())
    replied(heard, KeepLease(epoch=9), ok=False, reason="your lease has run out")
    assert (heard.epoch, heard.refused) == (0, None)


def test_a_refusal_is_kept_in_the_robots_words_until_something_is_granted() -> None:
    heard = replied(hearing(), HandBack(epoch=9), ok=False, reason="reset STOP first")
    assert heard.refused is not None
    assert (heard.refused.what, heard.refused.reason) == ("Hand back", "reset STOP first")
    replied(heard, Ping())
    assert heard.refused is not None
    replied(heard, MarkMoment(epoch=9))
    assert heard.refused is None


def test_a_request_that_could_not_be_sent_is_refused_here() -> None:
    heard = hearing()
    heard.not_sent(RequestLease(), START)
    assert heard.refused is not None
    assert heard.refused.reason == "the robot does not answer"


# --- requests -------------------------------------------------------------------------------------


def test_each_request_has_a_name_in_the_operators_words() -> None:
    assert set(SPOKEN) == set(get_args(RequestBody))


def test_a_reply_is_recognised_once() -> None:
    asking = Asking(SESSION)
    request = asking.request(Ping(), START)
    reply = Reply(request_id=request.request_id, ok=True)
    assert asking.answered(reply) == Asked(Ping(), START)
    assert asking.answered(reply) is None


def test_what_waits_is_sent_in_order_and_is_bounded() -> None:
    asking = Asking(SESSION)
    for epoch in range(WAITING + 1):
        asking.want(MarkMoment(epoch=epoch))
    assert asking.next_wanted() == MarkMoment(epoch=1)
    assert sum(1 for _ in iter(asking.next_wanted, None)) == WAITING - 1


def test_replies_that_never_come_are_forgotten() -> None:
    asking = Asking(SESSION)
    first = asking.request(Ping(), START)
    for _ in range(UNANSWERED):
        asking.request(Ping(), START)
    assert asking.answered(Reply(request_id=first.request_id, ok=True)) is None


def test_a_lease_of_the_same_name_at_another_window_is_not_ours() -> None:
    heard = hearing()
    heard.hear_state(driven(lease=structs.replace(MINE, session="session-9")), START)
    assert not heard.yours
