"""Labels for other trainers, against sequences written by hand. One row is a tenth of a second."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.intervention_labels import (
    interventions,
    needed_help_s,
    sirius_action_modes,
    sirius_intervention_labels,
    stretches,
)

HZ = 10.0


def mask(letters: str, wanted: str) -> np.ndarray:
    """p: the policy drives, h: a person, a dot: nobody."""
    return np.array([letter == wanted for letter in letters], np.bool_)


def modes_of(letters: str) -> list[int]:
    """h and a comma: a person has the robot, and drives or lets go."""
    taken = mask(letters, "h") | mask(letters, ",")
    return sirius_action_modes(mask(letters, "p"), taken).tolist()


def of_one(human: np.ndarray) -> np.ndarray:
    return np.zeros(len(human), np.int64)


@pytest.mark.parametrize(
    ("driven", "meant"),
    [
        ("pppp", []),
        ("", []),
        ("pphhhpp", [range(2, 5)]),
        ("hhhh", [range(4)]),
        ("pphh....hhpp", [range(2, 10)]),  # let go for 0.4 s: still the same stretch
        ("pphh.....hhpp", [range(2, 4), range(9, 11)]),  # 0.5 s ends it
    ],
)
def test_a_stretch_ends_when_a_person_lets_go_for_half_a_second(
    driven: str, meant: list[range]
) -> None:
    human = mask(driven, "h")
    assert stretches(human, of_one(human), HZ) == meant


def test_another_driver_begins_another_stretch() -> None:
    human, whose = mask("phhhhp", "h"), np.array([-1, 0, 0, 1, 1, -1])
    assert stretches(human, whose, HZ) == [range(1, 3), range(3, 5)]


@given(st.lists(st.booleans(), max_size=200))
def test_stretches_hold_all_that_a_person_drove_and_begin_and_end_with_it(
    driven: list[bool],
) -> None:
    human = np.array(driven, np.bool_)
    found = stretches(human, of_one(human), HZ)
    covered = {row for stretch in found for row in stretch}
    assert {i for i, on in enumerate(driven) if on} <= covered
    assert all(human[s.start] and human[s.stop - 1] for s in found)
    assert all(b.start - a.stop >= 5 for a, b in pairwise(found))


def test_sirius_counts_robot_as_zero_and_a_person_as_one() -> None:
    assert modes_of("pp.hh,hpp") == [0, 0, 0, 1, 1, 1, 1, 0, 0]


def test_sirius_counts_from_the_takeover_to_the_hand_back_however_long_a_person_lets_go() -> None:
    assert modes_of("p,h,,,,,,,,h,p") == [0, *[1] * 12, 0]


def test_interventions_are_told_apart_by_their_number_and_by_what_lies_between() -> None:
    taken = mask("phhhhph", "h")
    number = np.array([-1, 3, 3, 4, 4, 4, 4])
    assert interventions(taken, number) == [range(1, 3), range(3, 5), range(6, 7)]
    assert interventions(mask("hhh", "h"), number[1:4]) == [range(2), range(2, 3)]
    assert interventions(mask("", "h"), number[:0]) == []


def test_an_episode_without_the_policy_is_a_demonstration() -> None:
    assert modes_of(".hhh.") == [0, -1, -1, -1, 0]


def test_before_an_intervention_the_robots_rows_are_marked_for_the_window() -> None:
    modes = np.array([0] * 8 + [1, 1, 0, 0])
    labels = sirius_intervention_labels(modes, [(8, 0.0)], 0.3, HZ)
    assert labels.tolist() == [0] * 5 + [-10] * 3 + [1, 1, 0, 0]


def test_help_needed_earlier_moves_the_window_and_marks_all_up_to_the_takeover() -> None:
    modes = np.array([0] * 8 + [1, 1])
    labels = sirius_intervention_labels(modes, [(8, 0.2)], 0.3, HZ)
    assert labels.tolist() == [0] * 3 + [-10] * 5 + [1, 1]


def test_the_window_neither_leaves_the_episode_nor_relabels_a_person() -> None:
    modes = np.array([1, 1, 0, 1, 1])
    labels = sirius_intervention_labels(modes, [(0, 1.0), (3, 0.0)], 1.0, HZ)
    assert labels.tolist() == [1, 1, -10, 1, 1]


def test_a_demonstration_has_nothing_before_it_to_blame() -> None:
    modes = np.array([0, 0, -1, -1])
    assert sirius_intervention_labels(modes, [(2, 0.0)], 1.0, HZ).tolist() == [0, 0, -1, -1]


@pytest.mark.parametrize(
    ("call_s", "latency_s", "needed_s"),
    [
        (7.5, 0.3, 7.5),  # the robot called: that is when, whatever the link takes
        (None, 0.3, 9.7),  # a person saw it, through the link
        (None, 0.0, 10.0),  # nothing is known
        (None, -1.0, 10.0),  # no measurement
        (10.5, 0.3, 10.0),  # never after the takeover
    ],
)
def test_when_help_was_needed(call_s: float | None, latency_s: float, needed_s: float) -> None:
    assert needed_help_s(10.0, call_s, latency_s) == pytest.approx(needed_s)
