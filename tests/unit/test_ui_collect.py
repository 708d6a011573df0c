"""Gathering demonstrations: ready, go, done, keep; nothing is lost, and all can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.operator_view import LinkView, Reach, Refused
from teleop.self_test import SelfTest
from tests.console.fakes import OTHER, arm_driven, arm_state, link_view, media_state
from transport.clock import NS_PER_S
from transport.messages import LastEpisode, Mode, Outcome, RecorderPhase, VerdictNotice
from ui.collect_session import (
    COUNT_S,
    PAUSE_S,
    RESET_S,
    SEALED_S,
    TAKE_S,
    Order,
    Press,
    Session,
    Step,
    begun,
    looked,
    pressed,
)

S = NS_PER_S


def sealed(episode: str) -> LastEpisode:
    return LastEpisode(episode=episode, outcome=Outcome.SUCCESS, reason="", discarded=False)


FREE = link_view(arm_state())
MINE_NOW = link_view(arm_driven())
TESTING = replace(MINE_NOW, self_test=SelfTest())


def with_last(view: LinkView, episode: str, verdict: str = "") -> LinkView:
    notice = VerdictNotice(episode=episode, verdict=verdict, sentence="") if verdict else None
    media = media_state(last=sealed(episode), recorder=RecorderPhase.SEALED, verdict=notice)
    return replace(view, media=media)


class Sitting:
    """A session and the time, for a story to be told with."""

    def __init__(self, wanted: int = 3, longest_s: float = 30.0) -> None:
        self.now_s = 100.0
        self.session = begun(wanted, longest_s, self.ns)
        self.orders: list[Order] = []
        self.view = FREE

    @property
    def ns(self) -> int:
        return round(self.now_s * S)

    def look(self, view: LinkView | None = None, after_s: float = 0.0) -> Step:
        self.view = view or self.view
        self.now_s += after_s
        self.session, orders = looked(self.session, self.view, self.ns)
        self.orders += orders
        return self.session.step

    def press(self, press: Press) -> Step:
        self.session, orders = pressed(self.session, press, self.view, self.ns)
        self.orders += orders
        return self.session.step

    def go(self) -> None:
        assert self.press(Press.ENTER) is Step.COUNT
        assert self.look(after_s=COUNT_S) is Step.TAKE
        assert self.look(MINE_NOW, 0.5) is Step.GO

    def record(self, episode: str) -> None:
        self.go()
        assert self.press(Press.ENTER) is Step.KEEP
        self.look(with_last(FREE, episode), 1.5)

    def keep(self, episode: str) -> None:
        self.record(episode)
        assert self.press(Press.KEEP) is Step.RESET
        assert self.look(after_s=RESET_S) is Step.READY


def test_one_demonstration_from_ready_to_ready() -> None:
    sitting = Sitting()
    sitting.keep("a")
    assert sitting.orders == [
        Order.SHORT,
        Order.REQUEST,
        Order.LONG,
        Order.LET_GO,
        Order.SUCCESS,
        Order.HAND_BACK,
    ]
    assert [(a.number, a.episode, a.kept) for a in sitting.session.attempts] == [(1, "a", True)]
    assert sitting.session.number == 2


def test_the_countdown_beeps_once_a_second() -> None:
    sitting = Sitting()
    sitting.press(Press.ENTER)
    for _ in range(2 * COUNT_S - 1):
        sitting.look(after_s=0.5)
    assert sitting.orders == [Order.SHORT] * COUNT_S


def test_go_is_only_when_stop_and_link_loss_are_tested() -> None:
    sitting = Sitting()
    sitting.press(Press.ENTER)
    sitting.look(after_s=COUNT_S)
    assert sitting.look(TESTING, 0.2) is Step.TAKE
    assert sitting.look(MINE_NOW, 0.2) is Step.GO


def test_a_robot_that_is_refused_brings_it_back_to_ready_with_the_reason() -> None:
    sitting = Sitting()
    sitting.press(Press.ENTER)
    sitting.look(after_s=COUNT_S)
    sitting.look(replace(FREE, refused=Refused("Request lease", "op-2 was faster", 1)), TAKE_S + 1)
    assert (sitting.session.step, sitting.session.trouble) == (
        Step.READY,
        "Not begun: op-2 was faster",
    )


def test_a_robot_that_was_given_and_not_tested_is_handed_back() -> None:
    sitting = Sitting()
    sitting.press(Press.ENTER)
    sitting.look(after_s=COUNT_S)
    sitting.look(TESTING, TAKE_S + 1)
    assert sitting.orders[-1] is Order.HAND_BACK


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (link_view(None), "The robot cannot be heard."),
        (link_view(arm_state(lease=OTHER)), "op-2 has the robot."),
        (MINE_NOW, "Hand back first: a demonstration begins with taking the robot."),
        (link_view(arm_state(mode=Mode.ESTOP)), "The robot is in ESTOP."),
        (
            replace(
                FREE,
                media=media_state(recorder=RecorderPhase.FAILED, recorder_detail="disk full"),
            ),
            "It does not record: disk full",
        ),
    ],
)
def test_what_cannot_begin_says_why(view: LinkView, said: str) -> None:
    sitting = Sitting()
    sitting.view = view
    assert sitting.press(Press.ENTER) is Step.READY
    assert sitting.session.trouble == said


def test_somebody_who_takes_the_robot_during_the_countdown_ends_it() -> None:
    sitting = Sitting()
    sitting.press(Press.ENTER)
    assert sitting.look(link_view(arm_state(lease=OTHER)), 1.0) is Step.READY
    assert sitting.session.trouble == "op-2 has the robot."


def test_the_longest_one_ends_by_itself() -> None:
    sitting = Sitting(longest_s=10.0)
    sitting.go()
    assert sitting.look(after_s=9.0) is Step.GO
    assert sitting.look(after_s=1.0) is Step.KEEP
    assert sitting.orders[-3:] == [Order.LET_GO, Order.SUCCESS, Order.HAND_BACK]


def test_a_lost_lease_asks_what_to_do_with_what_there_is() -> None:
    sitting = Sitting()
    sitting.go()
    assert sitting.look(link_view(arm_state(lease=OTHER)), 1.0) is Step.KEEP
    assert sitting.session.trouble == "The lease was lost meanwhile."


def test_a_robot_that_falls_silent_does_not_end_it() -> None:
    sitting = Sitting()
    sitting.go()
    assert sitting.look(replace(MINE_NOW, reach=Reach.LOST), 1.0) is Step.GO


def test_it_cannot_be_kept_before_the_recorder_has_sealed_it() -> None:
    sitting = Sitting()
    sitting.look(with_last(FREE, "before"))
    sitting.go()
    sitting.press(Press.ENTER)
    sitting.look(with_last(FREE, "before"), 0.5)
    assert sitting.press(Press.KEEP) is Step.KEEP
    sitting.look(with_last(FREE, "a"), 0.5)
    assert sitting.press(Press.KEEP) is Step.RESET


def test_a_recorder_that_does_not_seal_is_told() -> None:
    sitting = Sitting()
    sitting.go()
    sitting.press(Press.ENTER)
    sitting.look(FREE, SEALED_S + 1)
    assert sitting.session.trouble == "The recorder has not sealed it yet."


def test_redo_keeps_the_number_and_discards_what_there_was() -> None:
    sitting = Sitting()
    sitting.record("a")
    assert sitting.press(Press.REDO) is Step.RESET
    assert sitting.orders[-1] is Order.DISCARD
    assert sitting.session.number == 1


def test_a_discarded_one_has_its_number_and_is_not_counted_as_kept() -> None:
    sitting = Sitting()
    sitting.record("a")
    assert sitting.press(Press.DISCARD) is Step.RESET
    assert sitting.orders[-1] is Order.DISCARD
    assert [(a.number, a.kept) for a in sitting.session.final] == [(1, False)]
    assert sitting.session.number == 2


def test_undo_asks_again_and_restores_what_was_discarded() -> None:
    sitting = Sitting()
    sitting.record("a")
    sitting.press(Press.DISCARD)
    assert sitting.press(Press.UNDO) is Step.KEEP
    assert sitting.orders[-1] is Order.RESTORE
    assert sitting.press(Press.KEEP) is Step.RESET
    assert [(a.number, a.episode, a.kept) for a in sitting.session.final] == [(1, "a", True)]


def test_undo_of_what_was_kept_restores_nothing() -> None:
    sitting = Sitting()
    sitting.keep("a")
    before = list(sitting.orders)
    assert sitting.press(Press.UNDO) is Step.KEEP
    assert sitting.orders == before


def test_nothing_is_undone_while_the_next_one_runs() -> None:
    sitting = Sitting()
    sitting.keep("a")
    sitting.view = FREE
    sitting.go()
    assert sitting.press(Press.UNDO) is Step.GO


def test_the_scene_is_waited_for_and_the_robot_too() -> None:
    sitting = Sitting()
    sitting.record("a")
    sitting.press(Press.KEEP)
    assert sitting.look(after_s=RESET_S / 2) is Step.RESET
    assert sitting.look(MINE_NOW, RESET_S) is Step.RESET
    assert sitting.look(FREE) is Step.READY


def test_verdicts_come_later_and_are_counted_for_what_is_kept() -> None:
    sitting = Sitting()
    sitting.keep("a")
    sitting.look(with_last(FREE, "a", "EXACT"))
    assert sitting.session.verified == (1, 1)
    sitting.view = FREE
    sitting.keep("b")
    sitting.look(with_last(FREE, "b", "DIVERGED"))
    assert sitting.session.verified == (1, 2)
    sitting.press(Press.UNDO)
    sitting.press(Press.DISCARD)
    assert sitting.session.verified == (1, 1)


def test_as_many_as_wanted_are_enough() -> None:
    sitting = Sitting(wanted=1)
    sitting.keep("a")
    assert sitting.session.done
    assert sitting.press(Press.ENTER) is Step.READY


def test_a_minute_without_anything_is_a_pause_and_enter_goes_on() -> None:
    sitting = Sitting()
    assert sitting.look(after_s=PAUSE_S) is Step.PAUSED
    assert sitting.press(Press.ENTER) is Step.COUNT


def test_a_pause_ends_the_countdown_and_never_a_recording() -> None:
    sitting = Sitting()
    sitting.press(Press.ENTER)
    assert sitting.press(Press.PAUSE) is Step.PAUSED
    sitting.go()
    assert sitting.press(Press.PAUSE) is Step.GO
    assert sitting.press(Press.END) is Step.GO


VIEWS = [FREE, MINE_NOW, TESTING, link_view(None), link_view(arm_state(lease=OTHER))]
STORY = st.lists(
    st.one_of(
        st.sampled_from(list(Press)),
        st.tuples(st.sampled_from(VIEWS), st.sampled_from(["", "a", "b", "c"]), st.floats(0, 20)),
    ),
    max_size=60,
)


@given(STORY)
def test_whatever_happens_each_number_has_one_fate_and_no_episode_two(story: list[object]) -> None:
    sitting = Sitting()
    for each in story:
        if isinstance(each, Press):
            sitting.press(each)
        elif isinstance(each, tuple):
            view, episode, after_s = each
            sitting.look(with_last(view, episode) if episode else view, after_s)
    session: Session = sitting.session
    assert [one.number for one in session.final] == list(range(1, len(session.final) + 1))
    assert all(one.episode for one in session.attempts)
