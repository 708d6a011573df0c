"""Rates with their interval, and the exit code of a run."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.baseline import compare, lines_of
from recorder.verdict import Fault, Kind
from recorder.verdict_report import (
    FAILING,
    NO_TASK,
    UNJUDGED,
    Unreadable,
    exit_code,
    proved_sentence,
    rate_of,
    rate_sentence,
    rates,
    wilson,
)
from recorder.verdict_words import FAULT, MEANING, TRY
from tests.unit.report_support import a_whole_run, entry, report, verdict

LOST = Unreadable(path="episodes/x", sentence="No such folder: episodes/x. Look again.")


@pytest.mark.parametrize(
    ("passed", "judged", "low", "high"),
    [
        (10, 10, 72.25, 100.0),  # ten of ten prove no more than 72 %
        (50, 50, 92.87, 100.0),
        (38, 40, 83.50, 98.62),
        (0, 10, 0.0, 27.75),
        (1, 2, 9.45, 90.55),
        (1693, 2000, 83.00, 86.16),
    ],
)
def test_the_interval_has_the_known_values(
    passed: int, judged: int, low: float, high: float
) -> None:
    assert [round(100 * limit, 2) for limit in wilson(passed, judged)] == [low, high]


COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_its_limits_are_where_the_score_test_just_rejects(counts: tuple[int, int]) -> None:
    passed, judged = counts
    rate = passed / judged
    low, high = wilson(passed, judged)
    assert 0.0 <= low <= rate <= high <= 1.0
    for limit in (low, high):
        if 0.0 < limit < 1.0:
            off = abs(rate - limit) / math.sqrt(limit * (1 - limit) / judged)
            assert off == pytest.approx(1.959964, abs=1e-4)


@given(COUNTS)
def test_it_is_the_same_for_failures_as_for_successes(counts: tuple[int, int]) -> None:
    passed, judged = counts
    low, high = wilson(passed, judged)
    assert wilson(judged - passed, judged) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_nothing_judged_proves_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("passed", "judged"), [(2, 1), (-1, 3), (0, -1)])
def test_counts_that_cannot_be_are_refused(passed: int, judged: int) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        wilson(passed, judged)


@pytest.mark.parametrize("kind", Kind)
def test_only_exact_and_semantic_count_as_proved(kind: Kind) -> None:
    rate = rate_of([entry(kind)])
    assert rate.passed == (kind in (Kind.EXACT, Kind.SEMANTIC))
    assert rate.judged == (kind not in (Kind.UNVERIFIABLE, Kind.NOT_APPLIED))
    assert rate.judged + rate.not_judged == 1


def test_what_was_not_judged_neither_raises_nor_lowers_the_rate() -> None:
    judged = [entry(Kind.EXACT, 1), entry(Kind.DIVERGED, 2)]
    more = [*judged, entry(Kind.UNVERIFIABLE, 3), entry(Kind.NOT_APPLIED, 4)]
    assert (rate_of(more).low, rate_of(more).high) == (rate_of(judged).low, rate_of(judged).high)
    assert rate_of(more).not_judged == 2


def test_each_task_has_its_rate_and_none_is_left_out() -> None:
    run = [
        entry(Kind.EXACT, 1, task="push"),
        entry(Kind.DIVERGED, 2, task="lift"),
        entry(Kind.EXACT, 3, task="push"),
        entry(Kind.UNVERIFIABLE, 4, task=""),
    ]
    found = {rate.task: (rate.passed, rate.judged, rate.not_judged) for rate in rates(run)}
    assert found == {NO_TASK: (0, 0, 1), "lift": (0, 1, 0), "push": (2, 2, 0)}


def test_the_sentence_gives_n_interval_and_what_nobody_knows() -> None:
    run = a_whole_run()
    assert rate_sentence(rate_of(run.entries), len(run.unreadable)) == (
        "32 of 36 proved, 95 % interval 75 to 96 %; 3 more could not be judged; 1 could not be read"
    )
    assert proved_sentence(rate_of([entry(Kind.NOT_APPLIED)])) == "None could be judged"
    assert rate_sentence(rate_of([]), 2) == "None were replayed; 2 could not be read"


# --- exit code -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_the_exit_code_of_each_verdict(kind: Kind) -> None:
    wanted = 1 if kind in FAILING else 2 if kind in UNJUDGED else 0
    assert exit_code(report(entry(Kind.EXACT, 1), entry(kind, 2))) == wanted
    assert (kind is Kind.FRAGILE) <= (wanted == 1)


def test_what_could_not_be_judged_or_read_wins_over_a_failure() -> None:
    failed = entry(Kind.DIVERGED, 1)
    assert exit_code(report(failed, entry(Kind.NOT_APPLIED, 2))) == 2
    assert exit_code(report(failed, unreadable=(LOST,))) == 2
    assert exit_code(report(unreadable=(LOST,))) == 2
    assert exit_code(report()) == 0


def test_with_a_baseline_only_the_change_counts() -> None:
    before = lines_of([verdict(Kind.DIVERGED, 1), verdict(Kind.EXACT, 2)])

    def code(*kinds: Kind, accepted: bool = False, lost: tuple[Unreadable, ...] = ()) -> int:
        entries = [entry(kind, number + 1) for number, kind in enumerate(kinds)]
        after = lines_of(one.verdict for one in entries)
        found = compare(before, after, "b.json")
        return exit_code(report(*entries, comparison=found, accepted=accepted, unreadable=lost))

    assert code(Kind.DIVERGED, Kind.EXACT) == 0, "a known failure is known"
    assert code(Kind.DIVERGED, Kind.SEMANTIC) == 1, "it still passes, but got worse"
    assert code(Kind.DIVERGED) == 1, "one is gone"
    assert code(Kind.DIVERGED, Kind.EXACT, Kind.LABEL_FAULT) == 0, "a new one is told, not failed"
    assert code(Kind.DIVERGED, Kind.EXACT, lost=(LOST,)) == 2
    assert code(Kind.DIVERGED, Kind.SEMANTIC, lost=(LOST,)) == 1
    assert code(Kind.DIVERGED, Kind.SEMANTIC, accepted=True) == 0, "the change is meant"


def test_there_are_words_for_every_verdict_and_every_fault() -> None:
    assert set(MEANING) == set(TRY) == set(Kind)
    assert set(FAULT) == set(Fault)
