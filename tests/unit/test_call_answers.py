"""What people do with a call: look, skip, pass on; bounded, and by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teleop.call_answers import (
    LOOKING_MS,
    MOST_LOOKERS,
    MOST_SKIPPED,
    aged,
    looked_at,
    passed_on,
    skipped,
)
from transport.channels import STATE
from transport.clock import NS_PER_MS
from transport.messages import NAME_LENGTH, Call, encode

CALL = Call(call_id=3, reason="Wedged", detail="Wheels turn 4 s", stamp_ns=100)
NOW = 1_000
UNTIL = NOW + LOOKING_MS * NS_PER_MS


def looking(call: Call) -> list[str]:
    return [one.name for one in call.looking]


def test_a_look_that_is_said_again_lasts_from_then_on() -> None:
    twice = looked_at(looked_at(CALL, "op-1", NOW), "op-1", NOW + 5)
    assert [(one.name, one.until_ns) for one in twice.looking] == [("op-1", UNTIL + 5)]


def test_a_call_that_nobody_has_left_is_the_same_call() -> None:
    seen = looked_at(CALL, "op-1", NOW)
    assert aged(seen, UNTIL - 1) is seen
    assert looking(aged(seen, UNTIL)) == []


def test_who_skips_looks_no_more_and_who_looks_again_has_not_skipped() -> None:
    left = skipped(looked_at(CALL, "op-1", NOW), "op-1")
    assert (looking(left), left.skipped) == ([], ("op-1",))
    back = looked_at(left, "op-1", NOW)
    assert (looking(back), back.skipped) == (["op-1"], ())


def test_who_passes_on_has_left_it_and_whom_it_is_passed_to_has_not() -> None:
    seen = looked_at(skipped(CALL, "op-2"), "op-1", NOW)
    passed = passed_on(seen, "op-1", "op-2", "your room", NOW)
    assert (looking(passed), passed.skipped) == ([], ("op-1",))


def test_a_call_that_is_skipped_by_whom_it_was_passed_to_is_everybodys_again() -> None:
    passed = passed_on(CALL, "op-1", "op-2", "", NOW)
    assert skipped(passed, "op-3").passed == passed.passed
    assert skipped(passed, "op-2").passed is None


def test_the_last_who_passes_it_on_has_the_word() -> None:
    passed = passed_on(passed_on(CALL, "op-1", "op-2", "", NOW), "op-2", "op-3", "busy", NOW + 1)
    assert passed.passed is not None
    assert (passed.passed.to, passed.passed.by, passed.passed.note) == ("op-3", "op-2", "busy")


NAMES = st.integers(0, 60).map(lambda number: f"op-{number:0{NAME_LENGTH - 3}d}")
ANSWERS = st.lists(st.tuples(st.sampled_from("lsp"), NAMES, NAMES), max_size=200)


@given(ANSWERS)
def test_whatever_is_answered_each_is_named_once_and_a_state_carries_it(
    answers: list[tuple[str, str, str]],
) -> None:
    call = CALL
    for at, (what, who, to) in enumerate(answers):
        match what:
            case "l":
                call = looked_at(call, who, NOW + at)
            case "s":
                call = skipped(call, who)
            case "p":
                call = passed_on(call, who, to, "n" * 200, NOW + at)
    names = looking(call)
    assert len(names) == len(set(names)) <= MOST_LOOKERS
    assert len(call.skipped) == len(set(call.skipped)) <= MOST_SKIPPED
    assert not set(names) & set(call.skipped), "nobody looks at what they have left"
    assert len(encode(call)) < STATE.max_bytes / 8
    if answers and answers[-1][0] != "l":
        assert answers[-1][1] in (*call.skipped, answers[-1][2])
