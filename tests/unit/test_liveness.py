"""When a silent loop hangs, and when nobody can know."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teleop.liveness import LATE_NS, OWN_GAP_NS, STALLED_NS, Looks, Verdict, judged
from transport.clock import NS_PER_MS, NS_PER_S

LOOK_NS = 20 * NS_PER_MS
T0 = 1000 * NS_PER_S


def looked(*, until_ns: int, every_ns: int = LOOK_NS) -> Looks:
    """Looks on time from T0 to `until_ns` after it."""
    looks = Looks.begun(T0)
    for stamp_ns in range(T0, T0 + until_ns, every_ns):
        looks = looks.at(stamp_ns)
    return looks.at(T0 + until_ns)


def after(silent_ns: int) -> Verdict:
    """The verdict on a loop that was on time until now and then fell silent."""
    return judged(T0 + NS_PER_S, looked(until_ns=NS_PER_S + silent_ns))


def test_what_never_turned_is_starting() -> None:
    assert judged(0, looked(until_ns=NS_PER_S)) is Verdict.STARTING


def test_the_limits_of_on_time_late_and_stalled() -> None:
    assert after(0) is Verdict.ON_TIME
    assert after(LATE_NS) is Verdict.ON_TIME
    assert after(LATE_NS + 1) is Verdict.LATE
    assert after(STALLED_NS) is Verdict.LATE
    assert after(STALLED_NS + 1) is Verdict.STALLED


def test_one_who_was_late_knows_nothing() -> None:
    looks = looked(until_ns=NS_PER_S)
    late = looks.at(looks.last_ns + OWN_GAP_NS + 1)
    assert judged(looks.last_ns, late) is Verdict.UNKNOWN
    just_in_time = looks.at(looks.last_ns + OWN_GAP_NS)
    assert judged(looks.last_ns, just_in_time) is Verdict.ON_TIME


def test_after_a_gap_of_its_own_the_loop_gets_all_its_time_again() -> None:
    tick_ns = T0 + NS_PER_S
    looks = looked(until_ns=NS_PER_S).at(tick_ns + 2 * NS_PER_S)  # the machine stood for 2 s
    woke_ns = looks.last_ns
    verdicts = []
    while looks.last_ns - woke_ns <= STALLED_NS:
        verdicts.append(judged(tick_ns, looks))
        looks = looks.at(looks.last_ns + LOOK_NS)
    assert Verdict.STALLED not in verdicts
    assert verdicts[0] is Verdict.UNKNOWN
    assert judged(tick_ns, looks) is Verdict.STALLED, "it had the time and did not turn"


def test_a_loop_that_turns_again_after_the_gap_is_on_time() -> None:
    looks = looked(until_ns=NS_PER_S).at(T0 + 3 * NS_PER_S).at(T0 + 3 * NS_PER_S + LOOK_NS)
    assert judged(looks.last_ns - NS_PER_MS, looks) is Verdict.ON_TIME


def test_a_stamp_from_the_future_is_no_sign_of_life() -> None:
    assert judged(T0 + NS_PER_S, looked(until_ns=STALLED_NS + 1)) is Verdict.STALLED


gaps_ns = st.lists(st.integers(1, OWN_GAP_NS), max_size=12)


@given(gaps_ns, st.integers(OWN_GAP_NS + 1, 10 * NS_PER_S), gaps_ns, st.integers(0, 10 * NS_PER_S))
def test_nothing_is_stalled_before_it_was_watched_without_a_gap_for_the_limit(
    before: list[int], gap_ns: int, later: list[int], silent_ns: int
) -> None:
    looks = Looks.begun(T0)
    for ns in before:
        looks = looks.at(looks.last_ns + ns)
    looks = looks.at(looks.last_ns + gap_ns)
    for ns in later:
        looks = looks.at(looks.last_ns + ns)
    tick_ns = max(1, looks.last_ns - silent_ns)
    stalled = judged(tick_ns, looks) is Verdict.STALLED
    assert stalled == (silent_ns > STALLED_NS and sum(later) > STALLED_NS)
