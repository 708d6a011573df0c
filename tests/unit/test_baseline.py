"""Baseline files, and what changed between two runs."""

import random
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.baseline import (
    GOODNESS,
    BaselineLine,
    Change,
    baseline_bytes,
    change_sentence,
    compare,
    comparison_sentence,
    lines_of,
    parse_baseline,
    versions_fingerprint,
)
from recorder.episode import EpisodeError
from recorder.verdict import Kind
from recorder.verdict_report import UNJUDGED
from tests.unit.report_support import name, verdict
from transport.messages import Outcome

WHERE = Path("baseline.json")
LINES = st.builds(
    BaselineLine,
    id=st.text(),
    verdict=st.sampled_from(Kind),
    label=st.sampled_from(Outcome),
    versions=st.text("0123456789abcdef", min_size=16, max_size=16),
)
RUNS = st.lists(LINES, unique_by=lambda line: line.id)


def line(number: int, kind: Kind, label: Outcome = Outcome.SUCCESS) -> BaselineLine:
    return BaselineLine(id=name(number), verdict=kind, label=label, versions="ab" * 8)


def test_every_verdict_has_its_place() -> None:
    assert sorted(GOODNESS) == sorted(Kind)


def test_proved_is_better_than_unknown_is_better_than_disproved() -> None:
    place = {kind: GOODNESS.index(kind) for kind in Kind}
    proved = {Kind.EXACT, Kind.SEMANTIC, Kind.FRAGILE}
    disproved = set(Kind) - proved - UNJUDGED
    assert min(map(place.__getitem__, proved)) > max(map(place.__getitem__, UNJUDGED))
    assert min(map(place.__getitem__, UNJUDGED)) > max(map(place.__getitem__, disproved))
    assert place[Kind.EXACT] > place[Kind.SEMANTIC] > place[Kind.FRAGILE]


@pytest.mark.parametrize(("worse", "better"), [*combinations(GOODNESS, 2)])
def test_every_step_down_is_worse_and_the_way_back_is_better(worse: Kind, better: Kind) -> None:
    down = compare([line(1, better)], [line(1, worse)], "b")
    up = compare([line(1, worse)], [line(1, better)], "b")
    assert [one.change for one in down.changed] == [Change.WORSE]
    assert [one.change for one in up.changed] == [Change.BETTER]
    assert (down.broken, up.broken) == (True, False)


def test_gone_breaks_and_new_does_not() -> None:
    found = compare([line(1, Kind.EXACT)], [line(2, Kind.DIVERGED)], "b")
    assert [(one.id, one.change) for one in found.changed] == [
        (name(1), Change.GONE),
        (name(2), Change.NEW),
    ]
    assert found.broken
    assert not compare([], [line(2, Kind.DIVERGED)], "b").broken


def test_another_label_with_the_same_verdict_is_told_and_does_not_break() -> None:
    before = line(1, Kind.UNVERIFIABLE, Outcome.UNLABELLED)
    found = compare([before], [line(1, Kind.UNVERIFIABLE, Outcome.FAILURE)], "b")
    assert [one.change for one in found.changed] == [Change.RELABELLED]
    assert not found.broken
    assert "was labelled unlabelled, is labelled failure" in change_sentence(found.changed[0])


def test_other_versions_alone_change_nothing_but_are_named_with_a_change() -> None:
    before = msgspec.structs.replace(line(1, Kind.EXACT), versions="cd" * 8)
    assert compare([before], [line(1, Kind.EXACT)], "b").changed == ()
    (worse,) = compare([before], [line(1, Kind.DIVERGED)], "b").changed
    assert change_sentence(worse) == "Was EXACT, is DIVERGED; replayed with other versions."


def test_what_breaks_comes_first_and_everything_is_counted() -> None:
    before = [line(n, Kind.SEMANTIC) for n in range(5)]
    after = [
        line(0, Kind.SEMANTIC),
        line(1, Kind.EXACT),
        line(2, Kind.FRAGILE),
        line(3, Kind.DIVERGED),
        line(9, Kind.EXACT),
    ]
    found = compare(before, after, "main")
    assert [one.change.value for one in found.changed] == [
        "worse",
        "worse",
        "gone",
        "better",
        "new",
    ]
    assert comparison_sentence(found) == (
        "Against main: 2 worse, 1 gone, 1 better, 1 new, 1 the same"
    )


@given(RUNS, RUNS)
def test_no_episode_is_lost_and_none_is_told_twice(
    before: list[BaselineLine], after: list[BaselineLine]
) -> None:
    found = compare(before, after, "b")
    ids = {one.id for one in (*before, *after)}
    assert len(found.changed) + found.same == len(ids)
    assert len({one.id for one in found.changed}) == len(found.changed)


@given(RUNS)
def test_a_run_against_itself_has_not_changed(run: list[BaselineLine]) -> None:
    assert compare(run, reversed(run), "b").changed == ()


# --- the file ------------------------------------------------------------------------------------


@given(RUNS, st.randoms(use_true_random=False))
def test_the_same_bytes_in_whatever_order_and_they_read_back(
    run: list[BaselineLine], shuffle: random.Random
) -> None:
    raw = baseline_bytes(run)
    assert list(parse_baseline(raw, WHERE)) == sorted(run, key=lambda one: one.id)
    shuffle.shuffle(run)
    assert baseline_bytes(run) == raw


def test_each_episode_stands_on_a_line_of_its_own() -> None:
    raw = baseline_bytes(lines_of([verdict(Kind.EXACT, 2), verdict(Kind.DIVERGED, 1)]))
    lines = raw.decode().splitlines()
    assert [text.strip()[:34] for text in lines if "verdict" in text] == [
        f'{{"id":"{name(1)}"',
        f'{{"id":"{name(2)}"',
    ]
    assert raw.endswith(b"  ]\n}\n")


def test_an_empty_baseline_is_a_baseline() -> None:
    assert parse_baseline(baseline_bytes([]), WHERE) == ()


def test_lines_say_what_was_claimed_and_what_replayed() -> None:
    (found,) = lines_of([verdict(Kind.UNVERIFIABLE, 1, label=Outcome.FAILURE)])
    versions = verdict(Kind.EXACT).versions_replayed
    assert found.label is Outcome.FAILURE
    assert found.versions == versions_fingerprint(dict(reversed(versions.items())))
    assert found.versions != versions_fingerprint({**versions, "mujoco": "4.0.1"})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "unreadable"),
        (b"[]", "unreadable"),
        (b'{"format": 2, "episodes": []}', "format 2 is unknown"),
        (b'{"format": 1, "episodes": [{"id": "a"}]}', "unreadable"),
        (baseline_bytes([line(1, Kind.EXACT)]).replace(b"EXACT", b"GREAT"), "unreadable"),
    ],
)
def test_a_damaged_baseline_is_refused_with_advice(raw: bytes, said: str) -> None:
    with pytest.raises(EpisodeError, match=f"{said}.*baseline.json.*--update-baseline"):
        parse_baseline(raw, WHERE)


def test_an_episode_named_twice_is_refused() -> None:
    row = baseline_bytes([line(1, Kind.EXACT)]).splitlines()[3]
    raw = b'{"format":1,"episodes":[' + row + b"," + row + b"]}"
    with pytest.raises(EpisodeError, match="twice"):
        parse_baseline(raw, WHERE)
    with pytest.raises(EpisodeError, match="twice"):
        lines_of([verdict(Kind.EXACT, 1), verdict(Kind.SEMANTIC, 1)])
