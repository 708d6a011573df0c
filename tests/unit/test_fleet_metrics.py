"""Figures of a fleet from the audit logs of its robots."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from recorder.verdict import Kind as Verdict
from teleop.audit_entry import AuditEntry, Kind, entry_in, line_of
from teleop.fleet_metrics import (
    By,
    Figures,
    figures,
    freed_before,
    grouped,
    per_hour,
    recent_calls,
    times,
    weekly,
)
from teleop.rescues import History, history_of
from tests.unit.audit_support import MONDAY, driven, entry, rescue
from transport.messages import Mode, Outcome


def of(entries: Iterable[AuditEntry]) -> Figures:
    return figures(history_of(entries))


def test_one_rescue_in_figures() -> None:
    found = of(rescue())
    assert (found.robots, found.calls, found.interventions.n) == (1, 1, 1)
    assert found.accepted.median_s == 0.5
    assert found.free.median_s == 3.0
    assert (found.success.passed, found.success.judged) == (1, 1)
    assert found.human_min == pytest.approx(3 / 60)
    assert found.actions == 89
    assert found.rohe == pytest.approx(100 / 89)
    assert (found.verified.passed, found.verified.judged) == (1, 1)
    assert found.reasons == (("Wedged", 1),)
    assert found.hours_of_day[9] == 1
    assert sum(found.hours_of_day) == 1


def test_the_time_to_the_first_motion_is_from_the_takeover() -> None:
    found = of(rescue(pause=range(120, 150))).first_motion
    assert (found.n, found.median_s) == (1, 0.5)


def test_robot_hours_are_the_seconds_of_all_modes() -> None:
    found = of([entry(Kind.MINUTE, 60, modes={Mode.AUTONOMY: 45.0, Mode.HOLD: 15.0})] * 2)
    assert found.interventions.hours == pytest.approx(1 / 60), "the same minute counts once"
    assert found.autonomy == 0.75


def test_interventions_per_hour_come_with_an_interval() -> None:
    found = per_hour(10, 5.0)
    assert found.rate == 2.0
    assert (found.low, found.high) == (
        pytest.approx(1.0864, abs=1e-4),
        pytest.approx(3.6819, abs=1e-4),
    )
    assert per_hour(0, 2.0).high == pytest.approx(1.92, abs=0.01), "none in two hours is not never"
    assert per_hour(3, 0.0).rate is None


def test_a_failure_costs_actions_and_is_no_success() -> None:
    found = of([*rescue(), *rescue(boot_id="b", outcome=Outcome.FAILURE)])
    assert (found.success.passed, found.success.judged) == (1, 2)
    assert found.rohe == pytest.approx(100 / 178)
    assert found.free.n == 1, "the time to free is of those that were freed"


def test_what_nobody_labelled_is_neither_success_nor_failure() -> None:
    found = of(rescue(outcome=Outcome.UNLABELLED))
    assert (found.success.judged, found.success.not_judged) == (0, 1)
    assert (found.success.low, found.success.high) == (0.0, 1.0)


def test_a_label_that_is_said_later_counts() -> None:
    episode = "episode of rover-1 boot"
    later = entry(
        Kind.LABEL, 9000, boot_id="next", episode=episode, label="outcome", text="failure"
    )
    found = of([*rescue(), later])
    assert (found.success.passed, found.success.judged) == (0, 1)


def test_verified_is_of_those_that_could_be_judged() -> None:
    verdicts = [Verdict.EXACT, Verdict.SEMANTIC, Verdict.FRAGILE, Verdict.UNVERIFIABLE]
    logs = [rescue(boot_id=str(n), verdict=verdict) for n, verdict in enumerate(verdicts)]
    found = of(one for log in logs for one in log).verified
    assert (found.passed, found.judged, found.not_judged) == (2, 3, 1)


def test_the_last_verdict_on_an_episode_counts() -> None:
    again = entry(Kind.VERDICT, 9000, episode="episode of rover-1 boot", verdict=Verdict.DIVERGED)
    found = of([*rescue(), again]).verified
    assert (found.passed, found.judged) == (0, 1)


def waiting(*waits_s: float | None) -> list[AuditEntry]:
    """Calls an hour apart, each accepted after so long; None: the last one is not."""
    found = []
    for number, wait_s in enumerate(waits_s):
        at_s = 3600.0 * number
        found.append(entry(Kind.CALL, at_s, reason="Wedged"))
        if wait_s is not None:
            ended = {"reason": "Wedged", "text": "accepted", "by": "ada", "after_s": wait_s}
            found.append(entry(Kind.CALL_ENDED, at_s + wait_s, **ended))
    return found


def test_calls_that_wait_longer_than_a_minute_are_a_share_of_all() -> None:
    found = of(waiting(5.0, 61.0, 60.0)).long_waits
    assert (found.passed, found.judged, found.not_judged) == (1, 3, 0)


def test_an_open_call_counts_once_it_has_waited_for_a_minute() -> None:
    call = waiting(5.0, None)
    young = of([*call, entry(Kind.MARKER, 3630)]).long_waits
    old = of([*call, entry(Kind.MARKER, 3700)]).long_waits
    assert (young.passed, young.judged, young.not_judged) == (0, 1, 1)
    assert (old.passed, old.judged, old.not_judged) == (1, 2, 0)


def test_a_call_whose_beginning_is_missing_still_has_waited() -> None:
    (call,) = history_of(waiting(90.0)[1:]).calls
    assert (call.wall, call.waited_s, call.reason) == (MONDAY, 90.0, "Wedged")


def test_times_say_of_how_many_they_are() -> None:
    assert (times([]).n, times([None]).median_s) == (0, None)
    found = times([3.0, None, 1.0, 2.0, 10.0])
    assert (found.n, found.median_s, found.p90_s) == (4, 2.5, 10.0)


def test_two_operators_in_one_intervention_are_one_with_the_minutes_of_both() -> None:
    taken = {"by": "ada", "session": 1, "intervention": 4}
    passed = {"by": "eve", "session": 2, "intervention": 4}
    found = history_of(
        [
            entry(Kind.TAKEOVER, 0, **taken),
            entry(Kind.REPLACED, 60, did=driven(1.0), **taken),
            entry(Kind.TAKEOVER, 60, n=1, **passed),
            entry(Kind.HAND_BACK, 180, text="success", did=driven(2.0), **passed),
        ]
    )
    (one,) = found.interventions
    assert (one.by, one.free_s, one.did.held_s) == ("eve", 180.0, 180.0)
    assert [(drive.by, drive.how, drive.did.held_s) for drive in found.drives] == [
        ("ada", "replaced", 60.0),
        ("eve", "hand_back", 120.0),
    ]


def test_a_robot_that_crashes_while_driven_keeps_the_minutes_that_were_written() -> None:
    taken = {"by": "ada", "session": 1, "intervention": 0}
    log = [
        entry(Kind.TAKEOVER, 0, **taken),
        entry(Kind.MINUTE, 60, did=driven(1.0, rows=50), **taken),
        entry(Kind.MINUTE, 120, did=driven(2.0, rows=90), **taken),
    ]
    (one,) = history_of(log).interventions
    assert (one.did.held_s, one.did.motion_rows, one.free_s) == (120.0, 90, None)
    (drive,) = history_of(log).drives
    assert (drive.ended, drive.how) == (None, "")


def test_two_boots_with_the_same_numbers_are_two_interventions() -> None:
    one, other = rescue(), rescue(boot_id="next", drive=60, began=MONDAY + timedelta(hours=1))
    found = history_of([*one, *other])
    assert [i.free_s for i in found.interventions] == [3.0, 1.0]
    apart = of(one).human_min + of(other).human_min
    assert figures(found).human_min == pytest.approx(apart)


def test_two_robots_that_share_a_boot_id_are_two() -> None:
    assert of([*rescue("rover-1"), *rescue("rover-2")]).interventions.n == 2


# --- told apart ----------------------------------------------------------------------------------


@cache
def fleet() -> tuple[AuditEntry, ...]:
    logs = [
        rescue("rover-1", "a"),
        rescue("rover-1", "b", MONDAY + timedelta(weeks=1), operator="eve", drive=240),
        rescue("rover-2", "c", outcome=Outcome.FAILURE, verdict=Verdict.DIVERGED),
    ]
    return tuple(one for log in logs for one in log)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (By.ROBOT, ["rover-1", "rover-2"]),
        (By.OPERATOR, ["ada", "eve"]),
        (By.TASK, ["Reach open floor"]),
        (By.WEEK, ["2026-W19", "2026-W20"]),
    ],
)
def test_figures_are_told_apart_and_add_up(by: By, names: list[str]) -> None:
    whole, parts = of(fleet()), grouped(history_of(fleet()), by)
    assert [name for name, _ in parts] == names
    assert sum(part.interventions.n for _, part in parts) == whole.interventions.n == 3
    assert sum(part.actions for _, part in parts) == whole.actions
    assert sum(part.success.passed for _, part in parts) == whole.success.passed
    assert sum(part.verified.judged for _, part in parts) == whole.verified.judged == 3


def test_an_operator_has_no_robot_hours() -> None:
    for _, found in grouped(history_of(fleet()), By.OPERATOR):
        assert found.interventions.rate is None
        assert found.autonomy is None


def test_eight_weeks_are_eight_also_when_nothing_happened() -> None:
    found = weekly(history_of(fleet()), MONDAY + timedelta(weeks=1, days=2))
    assert [name for name, _ in found][-2:] == ["2026-W19", "2026-W20"]
    assert [one.interventions.n for _, one in found] == [0, 0, 0, 0, 0, 0, 2, 1]


# --- for the page of a call ----------------------------------------------------------------------


def test_a_robots_last_seven_days_are_its_calls_by_reason() -> None:
    history = history_of(fleet())
    assert recent_calls(history, "rover-1", MONDAY + timedelta(days=8)) == (("Wedged", 1),)
    assert recent_calls(history, "rover-1", MONDAY + timedelta(days=20)) == ()
    assert recent_calls(history, "nobody", MONDAY) == ()


def test_how_it_was_freed_before_is_of_the_same_place_and_reason_newest_first() -> None:
    history = history_of(fleet())
    newest, oldest = freed_before(history, "rover-1", "Wedged", (0.6, 0.8))
    assert (newest.by, oldest.by) == ("eve", "ada")
    assert newest.wall > oldest.wall
    assert (newest.free_s, newest.outcome, newest.verdict) == (4.0, Outcome.SUCCESS, Verdict.EXACT)
    assert newest.distance_m == pytest.approx(1.0)
    assert freed_before(history, "rover-1", "Wedged", (0.7, 0.8)) == ()
    assert freed_before(history, "rover-1", "High-centred", (0.0, 0.0)) == ()
    assert freed_before(history, "rover-2", "Wedged", (9.0, 9.0)) == ()


# --- whatever the logs are ------------------------------------------------------------------------


@given(st.randoms(use_true_random=False), st.booleans())
def test_logs_give_the_same_in_whatever_order_and_how_often_they_come(
    order: random.Random, twice: bool
) -> None:
    mixed = list(fleet()) * (1 + twice)
    order.shuffle(mixed)
    assert history_of(mixed) == history_of(fleet())


def no_negative_times(history: History) -> bool:
    waits = [call.waited_s for call in history.calls]
    waits += [t for one in history.interventions for t in (one.first_motion_s, one.free_s)]
    waits += [drive.did.held_s for drive in history.drives]
    lasted = [d.ended >= d.began for d in history.drives if d.ended is not None]
    return all(wait is None or wait >= 0.0 for wait in waits) and all(lasted)


LOG = b"".join(map(line_of, rescue()))


@given(st.integers(0, len(LOG)))
def test_a_log_that_is_cut_at_any_byte_gives_figures_of_what_is_there(cut: int) -> None:
    lines = LOG[:cut].splitlines()
    history = history_of(one for line in lines if (one := entry_in(line)) is not None)
    assert no_negative_times(history)
    found = figures(history)
    assert found.calls <= 1
    assert found.interventions.n <= 1
    assert found.actions in (0, 89)


@given(st.sets(st.sampled_from(range(len(fleet())))))
def test_entries_that_are_missing_invent_nothing(kept: set[int]) -> None:
    history = history_of(fleet()[number] for number in kept)
    whole = history_of(fleet())
    assert no_negative_times(history)
    assert {(i.robot, i.boot_id, i.number) for i in history.interventions} <= {
        (i.robot, i.boot_id, i.number) for i in whole.interventions
    }
    found, most = figures(history), figures(whole)
    assert found.human_min <= most.human_min + 1e-9
    assert found.interventions.hours <= most.interventions.hours + 1e-9


@given(st.lists(st.integers(-40, 40), min_size=len(fleet()), max_size=len(fleet())))
def test_a_wall_clock_that_jumps_changes_no_duration(hours: list[int]) -> None:
    """Only when something was is as wrong as the clock."""
    jumped = [
        structs.replace(one, wall=one.wall + timedelta(hours=by))
        for one, by in zip(fleet(), hours, strict=True)
    ]
    found, right = of(jumped), of(fleet())
    assert (found.accepted, found.first_motion, found.free) == (
        *(right.accepted, right.first_motion, right.free),
    )
    assert found.human_min == pytest.approx(right.human_min)


def test_nothing_at_all_is_a_fleet_without_figures() -> None:
    found = of([])
    assert (found.robots, found.calls, found.rohe, found.human_min_each) == (0, 0, None, None)
    assert found.interventions.rate is None
    assert all(a <= b for a, b in pairwise(found.hours_of_day))
