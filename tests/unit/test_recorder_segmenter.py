"""The segmenter's table, row by row, and what holds for any sequence of events."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.episode import EndedBy, Label
from recorder.segmenter import LIMIT_NS, Close, Open, Segmenter, State
from tests.unit.recorder_support import session
from transport.clock import NS_PER_S
from transport.messages import AnnotationKind, Event, Mode, Outcome, Phase, Tick

BLANK = msgspec.structs.replace(next(session()), mode=Mode.HOLD, phase=Phase.HANDOVER, events=())
KINDS = [
    "call",
    "takeover",
    "phase",
    "outcome",
    "marker",
    "hand_back",
    "stop",
    "stop_reset",
    "link_lost",
    "released",
    "mode",
    "scene_reset",
]


class Run:
    """A segmenter with a tick counter; times in seconds."""

    def __init__(self) -> None:
        self.segmenter = Segmenter()
        self.number = 0
        self.done: list[Open | Close] = []

    def at(self, seconds: float, *kinds: str, **changes: object) -> "Run":
        self.number += 1
        tick: Tick = msgspec.structs.replace(
            BLANK,
            tick=self.number,
            stamp_ns=int(seconds * NS_PER_S),
            events=tuple(
                Event(kind=kind, text="success" if kind == "hand_back" else "", by="ada")
                for kind in kinds
            ),
            **changes,
        )
        self.done += self.segmenter.step(tick)
        return self

    @property
    def endings(self) -> list[str]:
        return [a.ending.ended_by.value for a in self.done if isinstance(a, Close)]


def test_call_takeover_hand_back_closes_a_second_later() -> None:
    run = Run().at(0, "call").at(1, "takeover").at(5, "hand_back").at(5.9)
    assert run.done == [Open()]
    run.at(6.0)
    assert run.endings == ["hand_back"]
    ending = run.done[-1].ending  # type: ignore[union-attr]
    assert (ending.start_tick, ending.end_tick, ending.operator) == (2, 3, "ada")


def test_a_scene_that_is_put_back_after_the_hand_back_ends_the_episode_with_the_old_one() -> None:
    run = handed_back_unlabelled().at(6.0)
    assert run.endings == []
    run.at(6.1, "scene_reset")
    assert run.endings == ["hand_back"]
    ending = run.done[-1].ending  # type: ignore[union-attr]
    assert ending.labels[-1] == Label(tick=run.number, kind="scene_reset", text="", by="ada")
    assert run.at(30.0).at(31.0, "scene_reset").endings == ["hand_back"]


def test_a_scene_that_is_put_back_ends_a_call_that_nobody_answered_with_the_old_one() -> None:
    run = Run().at(0, "call").at(60, "scene_reset")
    assert run.endings == ["withdrawn"]
    ending = run.done[-1].ending  # type: ignore[union-attr]
    assert [label.kind for label in ending.labels] == ["call", "scene_reset"]
    assert ending.start_tick == ending.end_tick == -1


def handed_back_unlabelled() -> Run:
    run = Run().at(0, "takeover").at(1, mode=Mode.TELEOP)
    run.number += 1
    said = Event(kind="hand_back", text="unlabelled", by="ada")
    tick = msgspec.structs.replace(BLANK, tick=run.number, stamp_ns=5 * NS_PER_S, events=(said,))
    run.done += run.segmenter.step(tick)
    return run


def test_without_an_outcome_there_are_ten_seconds_to_say_it() -> None:
    run = handed_back_unlabelled().at(14.9)
    assert (run.endings, run.segmenter.unlabelled) == ([], True)
    assert run.at(15.0).done[-1].ending.outcome is Outcome.UNLABELLED  # type: ignore[union-attr]


def test_an_outcome_said_after_the_hand_back_counts_and_ends_the_wait() -> None:
    run = handed_back_unlabelled().at(7)
    label = run.segmenter.say(AnnotationKind.OUTCOME, "failure", "bob")
    assert label == Label(tick=4, kind="outcome", text="failure", by="bob")
    assert not run.segmenter.unlabelled
    ending = run.at(7.1).done[-1].ending  # type: ignore[union-attr]
    assert (ending.outcome, ending.labels[-1]) == (Outcome.FAILURE, label)


def test_one_second_after_the_hand_back_is_recorded_however_fast_the_label_comes() -> None:
    run = handed_back_unlabelled().at(5.1)
    run.segmenter.say(AnnotationKind.OUTCOME, "success", "ada")
    assert run.at(5.9).endings == []
    assert run.at(6.0).endings == ["hand_back"]


def test_an_outcome_said_while_somebody_drives_is_left_to_the_driver() -> None:
    run = Run().at(0, "takeover").at(1, mode=Mode.TELEOP)
    assert run.segmenter.say(AnnotationKind.OUTCOME, "success", "bob") is None
    note = run.segmenter.say(AnnotationKind.NOTE, "wheel squeaks", "bob")
    assert note == Label(tick=2, kind="note", text="wheel squeaks", by="bob")


def test_what_is_no_outcome_is_not_taken_for_one() -> None:
    run = handed_back_unlabelled()
    assert run.segmenter.say(AnnotationKind.OUTCOME, "splendid", "bob") is None
    assert run.segmenter.unlabelled


def test_nothing_can_be_said_about_an_episode_that_is_not_open() -> None:
    assert Run().at(0).segmenter.say(AnnotationKind.NOTE, "hello", "bob") is None


@pytest.mark.parametrize("kind", ["link_lost", "released", "stop"])
def test_a_loss_closes_three_seconds_later(kind: str) -> None:
    run = Run().at(0, "takeover").at(1, kind).at(3.9)
    assert run.endings == []
    assert run.at(4.0).endings == [kind]


@pytest.mark.parametrize("back", ["takeover", "stop_reset"])
def test_an_operator_who_comes_back_in_time_goes_on_in_the_same_episode(back: str) -> None:
    run = Run().at(0, "takeover").at(1, "stop").at(2, back).at(9).at(10, "hand_back").at(11)
    assert run.endings == ["hand_back"]
    assert run.done[-1].ending.start_tick == 1  # type: ignore[union-attr]


def test_a_recorder_that_starts_during_an_intervention_records_it() -> None:
    run = Run().at(0, mode=Mode.TELEOP).at(1, "hand_back", mode=Mode.TELEOP).at(2)
    assert run.endings == ["hand_back"]


def test_a_second_call_during_the_post_roll_is_another_episode() -> None:
    run = Run().at(0, "takeover").at(1, "hand_back").at(1.5, "call").at(2, "takeover")
    assert [type(action) for action in run.done] == [Open, Close, Open]
    assert run.segmenter.state is State.DRIVING


def test_a_robot_that_frees_itself_withdraws_its_call() -> None:
    run = (
        Run().at(0, "call").at(0.5, phase=Phase.AUTONOMOUS).at(1.5, phase=Phase.AUTONOMOUS).at(2.5)
    )
    assert run.endings == ["withdrawn"]
    assert run.done[-1].ending.start_tick == -1  # type: ignore[union-attr]


def test_the_limit_closes_any_episode() -> None:
    run = Run().at(0, "takeover").at(LIMIT_NS / NS_PER_S)
    assert run.endings == ["limit"]


def test_the_mark_that_stands_at_the_hand_back_counts() -> None:
    run = Run().at(0, "takeover", intervention=3)
    run.at(1, intervention=3, outcome=Outcome.FAILURE)
    run.at(2, "hand_back", intervention=3, outcome=Outcome.SUCCESS)
    run.at(3, intervention=3, outcome=Outcome.FAILURE)
    ending = run.done[-1].ending  # type: ignore[union-attr]
    assert (ending.outcome, ending.intervention) == (Outcome.SUCCESS, 3)


def test_shutdown_ends_the_intervention_at_the_last_tick() -> None:
    run = Run().at(0, "takeover").at(1)
    (close,) = run.segmenter.close(EndedBy.SHUTDOWN)
    assert isinstance(close, Close)
    assert (close.ending.ended_by, close.ending.end_tick) == (EndedBy.SHUTDOWN, 2)
    assert run.segmenter.close(EndedBy.SHUTDOWN) == []


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("kind", KINDS)
def test_every_event_in_every_state_leads_where_the_table_says(state: State, kind: str) -> None:
    run = Run()
    if state is not State.IDLE:
        run.at(0, "call")
    if state in (State.DRIVING, State.CLOSING):
        run.at(0.1, "takeover")
    if state is State.CLOSING:
        run.at(0.2, "link_lost")
    run.at(0.3, kind)
    goes = {
        (State.IDLE, "call"): State.WAITING,
        (State.IDLE, "takeover"): State.DRIVING,
        (State.WAITING, "takeover"): State.DRIVING,
        (State.WAITING, "hand_back"): State.CLOSING,
        (State.DRIVING, "hand_back"): State.CLOSING,
        (State.DRIVING, "link_lost"): State.CLOSING,
        (State.DRIVING, "released"): State.CLOSING,
        (State.DRIVING, "stop"): State.CLOSING,
        (State.CLOSING, "call"): State.WAITING,
        (State.CLOSING, "takeover"): State.DRIVING,
        (State.CLOSING, "stop_reset"): State.DRIVING,
        (State.WAITING, "scene_reset"): State.IDLE,
        (State.CLOSING, "scene_reset"): State.IDLE,
    }
    assert run.segmenter.state is goes.get((state, kind), state)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*KINDS, ""]),
            st.floats(0, 20),
            st.sampled_from(list(Mode)),
            st.sampled_from(list(Phase)),
        ),
        max_size=60,
    )
)
def test_openings_and_closings_alternate_and_ranges_are_sane(
    story: list[tuple[str, float, Mode, Phase]],
) -> None:
    run = Run()
    now = 0.0
    for kind, wait, mode, phase in story:
        now += wait
        run.at(now, *([kind] if kind else []), mode=mode, phase=phase)
    run.done += run.segmenter.close(EndedBy.SHUTDOWN)
    assert [type(a) for a in run.done] == [Open, Close] * (len(run.done) // 2)
    for action in run.done:
        if isinstance(action, Close):
            ending = action.ending
            assert (ending.start_tick < 0) == (ending.end_tick < 0)
            assert ending.start_tick <= ending.end_tick


def test_a_mark_counts_when_it_comes_in_the_tick_of_the_hand_back() -> None:
    segmenter = Segmenter()
    ticks = session()
    taken = next(t for t in ticks if any(e.kind == "takeover" for e in t.events))
    segmenter.step(taken)
    last = msgspec.structs.replace(
        taken,
        tick=taken.tick + 1,
        intervention=-1,
        events=(
            Event(kind="outcome", text="success", by="op-1"),
            Event(kind="hand_back", text="success", by="op-1"),
        ),
    )
    segmenter.step(last)
    (closed,) = segmenter.close(EndedBy.SHUTDOWN)
    assert isinstance(closed, Close)
    assert closed.ending.outcome is Outcome.SUCCESS
