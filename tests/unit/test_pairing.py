"""Who becomes known to a robot: who knows the code, in time, within the tries, by own key."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.pairing import (
    CODE_DIGITS,
    OPEN_S,
    TRIES,
    Link,
    Pairing,
    PairingAnswer,
    PairingRequest,
    PairingStage,
    new_code,
    parse_link,
    proof,
    spoken,
    typed,
)
from teleop.public_key import key_bytes, key_of
from teleop.roster import Member, Roster
from teleop.safety import ConfigError
from transport.clock import NS_PER_S
from transport.messages import PROTOCOL_VERSION, MalformedMessage, Role, decoder_of, encode

ROBOT, ANNA, BEN, EVE = (key_of(bytes([number] * 32)) for number in range(4))
CODE = "12345678"
NOBODY = Roster()
OPENED_NS = 5 * NS_PER_S
LAST_NS = OPENED_NS + OPEN_S * NS_PER_S - 1


def opened(called: str = "") -> Pairing:
    return Pairing(robot=ROBOT, code=CODE, opened_ns=OPENED_NS, called=called)


def request(
    code: str = CODE, console: str = ANNA, name: str = "anna", robot: str = ROBOT
) -> PairingRequest:
    return PairingRequest(name=name, proof=proof(code, robot, console, name))


def heard(
    pairing: Pairing, key: str, what: PairingRequest, now_ns: int = OPENED_NS
) -> tuple[Pairing, PairingAnswer]:
    return pairing.heard(key, what, NOBODY, now_ns)


def has_no_candidate(pairing: Pairing) -> bool:
    with pytest.raises(ValueError, match="right code"):
        pairing.member(Role.OPERATOR)
    return pairing.candidate is None


# --- the code ---


def test_the_right_code_lets_the_person_at_the_robot_decide() -> None:
    pairing, answer = heard(opened(), ANNA, request())
    assert answer.stage is PairingStage.ASKING
    assert pairing.member(Role.OPERATOR) == Member(ANNA, "anna", Role.OPERATOR)


def test_a_wrong_code_is_refused_and_says_how_many_tries_are_left() -> None:
    pairing, answer = heard(opened(), ANNA, request("00000000"))
    assert answer.stage is PairingStage.REFUSED
    assert answer.again
    assert f"{TRIES - 1} tries are left" in answer.reason
    assert has_no_candidate(pairing)


def test_after_five_wrong_codes_the_right_one_is_refused_too() -> None:
    pairing = opened()
    for _ in range(TRIES):
        pairing, answer = heard(pairing, ANNA, request("00000000"))
    assert not answer.again
    pairing, answer = heard(pairing, ANNA, request())
    assert answer.stage is PairingStage.REFUSED
    assert not answer.again
    assert has_no_candidate(pairing)


def test_the_fifth_try_may_still_be_the_right_one() -> None:
    pairing = opened()
    for _ in range(TRIES - 1):
        pairing, answer = heard(pairing, ANNA, request("00000000"))
    assert "1 try is left" in answer.reason
    assert heard(pairing, ANNA, request())[1].stage is PairingStage.ASKING


def test_tries_count_for_the_code_and_not_for_whoever_tries() -> None:
    pairing = opened()
    for number in range(TRIES):
        key = key_of(bytes([100 + number] * 32))
        pairing, _ = heard(pairing, key, request("00000000", key))
    assert heard(pairing, ANNA, request())[1].stage is PairingStage.REFUSED


def test_the_code_is_good_for_five_minutes() -> None:
    assert heard(opened(), ANNA, request(), LAST_NS)[1].stage is PairingStage.ASKING
    pairing, answer = heard(opened(), ANNA, request(), LAST_NS + 1)
    assert answer.stage is PairingStage.REFUSED
    assert "5 minutes" in answer.reason
    assert has_no_candidate(pairing)


def test_the_code_is_good_once() -> None:
    pairing, _ = heard(opened(), ANNA, request())
    after, answer = heard(pairing, BEN, request(console=BEN, name="ben"))
    assert answer.stage is PairingStage.REFUSED
    assert after == pairing


def test_a_console_that_had_to_connect_again_is_told_the_same() -> None:
    pairing, _ = heard(opened(), ANNA, request())
    assert heard(pairing, ANNA, request(), LAST_NS + 1) == (
        pairing,
        PairingAnswer(stage=PairingStage.ASKING),
    )


# --- what the proof is bound to ---


def test_a_proof_does_not_serve_another_key() -> None:
    pairing, answer = heard(opened(), EVE, request(console=ANNA))
    assert answer.stage is PairingStage.REFUSED
    assert has_no_candidate(pairing)


def test_a_proof_does_not_serve_another_robot() -> None:
    pairing, _ = heard(opened(), ANNA, request(robot=BEN))
    assert has_no_candidate(pairing)


def test_a_proof_does_not_serve_another_name() -> None:
    forged = PairingRequest(name="root", proof=request(name="anna").proof)
    assert has_no_candidate(heard(opened(), ANNA, forged)[0])


@given(
    tries=st.lists(
        st.tuples(
            st.sampled_from([CODE, "00000000", "12345679"]),
            st.sampled_from([ANNA, BEN, EVE]),  # whose key the proof names
            st.sampled_from([ANNA, BEN, EVE]),  # whose key CURVE has authenticated
            st.sampled_from([ROBOT, EVE]),
            st.integers(0, OPEN_S + 60),
        ),
        max_size=12,
    )
)
def test_only_the_right_code_in_time_within_the_tries_by_its_own_key_yields_a_member(
    tries: list[tuple[str, str, str, str, int]],
) -> None:
    pairing, wrong, expected = opened(), 0, None
    for code, named, key, robot, after_s in sorted(tries, key=lambda one: one[4]):
        pairing, answer = heard(
            pairing, key, request(code, named, robot=robot), OPENED_NS + after_s * NS_PER_S
        )
        right = (code, named, robot) == (CODE, key, ROBOT)
        if expected is None and after_s < OPEN_S and wrong < TRIES:
            expected, wrong = (key, wrong) if right else (None, wrong + 1)
        assert (answer.stage is PairingStage.ASKING) == (expected is not None and key == expected)
    if expected is None:
        assert has_no_candidate(pairing)
    else:
        assert pairing.member(Role.OBSERVER).key == expected


# --- names ---


def test_a_name_of_somebody_else_is_refused_and_costs_no_try() -> None:
    known = Roster([Member(BEN, "anna", Role.OPERATOR)])
    pairing, answer = opened().heard(ANNA, request(), known, OPENED_NS)
    assert answer.stage is PairingStage.REFUSED
    assert "--name" in answer.reason
    assert pairing == opened()


def test_who_is_known_may_pair_again_under_the_same_name() -> None:
    known = Roster([Member(ANNA, "anna", Role.OBSERVER)])
    assert opened().heard(ANNA, request(), known, OPENED_NS)[1].stage is PairingStage.ASKING


def test_the_name_chosen_at_the_robot_counts() -> None:
    pairing, _ = heard(opened(called="Anna Smith"), ANNA, request())
    assert pairing.member(Role.OPERATOR).name == "Anna Smith"


def test_a_name_that_would_write_over_the_robots_screen_is_refused() -> None:
    pairing, answer = heard(opened(), ANNA, request(name="a\x1b[2J"))
    assert answer.stage is PairingStage.REFUSED
    assert "\x1b" not in answer.reason
    assert has_no_candidate(pairing)


def test_another_version_is_refused_with_both_named() -> None:
    other = msgspec.structs.replace(request(), version=PROTOCOL_VERSION + 1)
    pairing, answer = heard(opened(), ANNA, other)
    assert str(PROTOCOL_VERSION) in answer.reason
    assert str(PROTOCOL_VERSION + 1) in answer.reason
    assert pairing == opened()


# --- what people see and type ---


def test_a_code_has_eight_digits_and_is_never_shown_with_the_state() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == CODE_DIGITS and code.isdigit() for code in codes)
    assert CODE not in repr(opened())


@pytest.mark.parametrize("text", ["12345678", "1234 5678", " 1234-5678\n", "1 2 3 4 5 6 7 8"])
def test_a_code_may_be_typed_as_it_is_read_out(text: str) -> None:
    assert typed(text) == CODE
    assert typed(spoken(CODE)) == CODE


@pytest.mark.parametrize("text", ["", "1234567", "123456789", "1234567a", "१२३४५६७८"])
def test_what_cannot_be_a_code_is_not_sent(text: str) -> None:
    assert typed(text) is None


@given(st.binary(min_size=32, max_size=32), st.integers(1024, 65_500))
def test_a_link_is_read_as_it_was_printed(raw: bytes, port: int) -> None:
    link = Link("robot-7.example.org", port, key_of(raw))
    assert parse_link(str(link)) == link
    assert parse_link(f" {link}\n") == link


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_written_and_read_without_loss(raw: bytes) -> None:
    assert key_bytes(key_of(raw)) == raw


def test_nothing_in_a_link_means_something_to_a_shell() -> None:
    assert set(str(Link("10.0.0.7", 7600, ANNA))).isdisjoint(" \"'`$!&|;<>()[]{}*?\\~")


GOOD = str(Link("10.0.0.7", 7600, ANNA))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.7:7600",
        GOOD.replace("teleop", "http"),
        GOOD.replace("10.0.0.7", ""),
        GOOD.replace("10.0.0.7", "a;b"),
        GOOD.replace("7600", "80"),
        GOOD.replace("7600", "9" * 5000),
        GOOD.split("#")[0],
        GOOD.split("#")[0] + "#",
        GOOD[:-1],
        GOOD + "A",
        GOOD[:-1] + "ä",
    ],
)
def test_what_is_no_whole_link_is_answered_with_what_to_do(text: str) -> None:
    with pytest.raises(ConfigError, match="quotes"):
        parse_link(text)


# --- the wire ---


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_one_way(raw: bytes) -> None:
    for kind in (PairingRequest, PairingAnswer):
        with pytest.raises(MalformedMessage):
            decoder_of(kind)(raw)


@pytest.mark.parametrize("length", [0, 31, 33, 900])
def test_a_proof_of_another_length_is_malformed(length: int) -> None:
    raw = encode(PairingRequest(name="anna", proof=b"x" * length))
    with pytest.raises(MalformedMessage):
        decoder_of(PairingRequest)(raw)


def test_the_state_cannot_be_changed_from_outside() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        opened().wrong = 0  # type: ignore[misc]
