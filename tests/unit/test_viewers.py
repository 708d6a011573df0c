"""Places in front of the cameras: bounded per key and in all, taken back from who is not there."""

from __future__ import annotations

import pytest

from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import (
    SDP_LENGTH,
    MalformedMessage,
    VideoConfirm,
    VideoOffer,
    ViewerMessage,
    decoder_of,
    encode,
)
from transport.rate_limit import RateLimit
from transport.viewers import (
    CONFIRM_MS,
    DRIVERS_PLACES,
    OFFERS_AT_ONCE,
    OFFERS_PER_S,
    PLACES,
    PLACES_PER_KEY,
    SILENT_MS,
    ViewerId,
    no_place,
    place_lost,
)

T0 = 7 * NS_PER_S

decode = decoder_of(ViewerMessage)  # type: ignore[arg-type]


def viewers(count: int) -> list[ViewerId]:
    return [ViewerId(f"key {number}", "session") for number in range(count)]


# --- messages ---


def offer(**changes: object) -> VideoOffer:
    fields: dict[str, object] = {
        "request_id": 1,
        "session": "s",
        "sdp": "v=0",
        "cameras": ("front",),
    }
    return VideoOffer(**{**fields, **changes})  # type: ignore[arg-type]


def test_an_offer_and_a_confirmation_come_back_as_what_they_were() -> None:
    confirm = VideoConfirm(request_id=1, session="s")
    assert decode(encode(offer())) == offer()
    assert decode(encode(confirm)) == confirm


@pytest.mark.parametrize(
    "changes",
    [
        {"sdp": "x" * (SDP_LENGTH + 1)},
        {"cameras": ()},
        {"cameras": ("front",) * 17},
        {"cameras": ("",)},
        {"session": ""},
    ],
)
def test_an_offer_beyond_its_bounds_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedMessage):
        decode(encode(offer(**changes)))


# --- places ---


def test_a_first_viewer_gets_a_place() -> None:
    assert no_place([], ViewerId("key", "session"), may_drive=False) == ""


def test_a_key_gets_two_places_and_no_third() -> None:
    taken = [ViewerId("key", f"console {number}") for number in range(PLACES_PER_KEY)]
    assert PLACES_PER_KEY == 2
    assert no_place(taken[:1], ViewerId("key", "another"), may_drive=True) == ""
    refusal = no_place(taken, ViewerId("key", "another"), may_drive=True)
    assert "close one of them" in refusal


def test_a_viewer_that_offers_again_keeps_its_place() -> None:
    taken = [ViewerId("key", "a"), ViewerId("key", "b"), *viewers(PLACES - 2)]
    assert no_place(taken, ViewerId("key", "a"), may_drive=False) == ""


def test_the_session_of_another_key_is_another_viewer() -> None:
    taken = [ViewerId("key", "a"), ViewerId("key", "b")]
    assert no_place(taken, ViewerId("other", "a"), may_drive=False) == ""
    assert no_place(taken, ViewerId("key", "c"), may_drive=False)


def test_watching_never_takes_the_last_places_from_who_may_drive() -> None:
    watching = viewers(PLACES - DRIVERS_PLACES)
    newcomer = ViewerId("newcomer", "session")
    assert no_place(watching[:-1], newcomer, may_drive=False) == ""
    assert "kept for those who may drive" in no_place(watching, newcomer, may_drive=False)
    assert no_place(watching, newcomer, may_drive=True) == ""
    assert no_place(viewers(PLACES - 1), newcomer, may_drive=True) == ""
    assert "try again when one has left" in no_place(viewers(PLACES), newcomer, may_drive=True)


# --- places lost ---


def lost(*, confirmed: bool, since_ms: int) -> str:
    now_ns = T0 + since_ms * NS_PER_MS
    heard_ns = T0 if confirmed else 0
    return place_lost(answered_ns=T0, confirmed=confirmed, heard_ns=heard_ns, now_ns=now_ns)


def test_a_viewer_that_has_not_confirmed_loses_its_place_after_five_seconds() -> None:
    assert CONFIRM_MS == 5_000
    assert lost(confirmed=False, since_ms=4_999) == ""
    assert lost(confirmed=False, since_ms=5_000) == "not confirmed within 5 s"


def test_a_confirmed_viewer_keeps_its_place_while_it_is_heard() -> None:
    long_ago_ns = T0 - 3_600 * NS_PER_S
    assert place_lost(answered_ns=long_ago_ns, confirmed=True, heard_ns=T0, now_ns=T0) == ""


def test_a_confirmed_viewer_that_falls_silent_loses_its_place() -> None:
    assert lost(confirmed=True, since_ms=SILENT_MS - 1) == ""
    assert lost(confirmed=True, since_ms=SILENT_MS) == "silent for 5 s"


# --- offers ---


def test_a_console_that_fails_at_once_for_a_minute_is_never_refused() -> None:
    rate = RateLimit(OFFERS_PER_S, OFFERS_AT_ONCE)
    assert all(rate.admits("key", T0 + n * 500 * NS_PER_MS) for n in range(120))
