"""What the window remembers: lanes, events, facts, and how long a word stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from teleop.operator_view import Reach
from tests.console.fakes import CALL, EXACT, OTHER, driven, link_view, media_state, robot_state
from transport.messages import Hold, HoldReason, Lease, Mode, Outcome, Phase, Twist
from ui.history import SPAN_S, History
from ui.layout import is_compact, widths
from ui.rail import COMPACT_WIDTH, WIDTH
from ui.screen import Chip, Look, Screen
from ui.settle import Settle
from ui.view_state import screen_of

S = 10**9
START = 50 * S
CALLING = link_view(
    robot_state(
        mode=Mode.HOLD, phase=Phase.HANDOVER, call=CALL, hold=Hold(reason=HoldReason.CALLING)
    )
)
STILL_DRIVEN = driven(applied=Twist(forward_mps=0.0, turn_radps=0.0))


def noted(*views: tuple[float, object]) -> History:
    history = History()
    for at_s, view in views:
        history.note(view, 76.0, START + int(at_s * S))  # type: ignore[arg-type]
    return history


def test_a_rescue_from_call_to_hand_back() -> None:
    done = link_view(driven(outcome=Outcome.SUCCESS))
    history = noted(
        (0, link_view(robot_state())),
        (10, CALLING),
        (30, link_view(STILL_DRIVEN)),
        (36, link_view(driven())),
        (90, done),
        (100, link_view(robot_state(lease=Lease(epoch=4)))),
    )

    assert [segment.word for segment in history.control] == [
        "AUTONOMY",
        "CALLING",
        "YOU DRIVE",
        "AUTONOMY",
    ]
    assert [mark.text for mark in history.marks] == [
        "call: wedged under furniture",
        "you took over",
        "success",
        "handed back",
    ]
    facts = history.facts
    assert (facts.rescues, facts.freed, facts.median_free_s) == (1, 1, 70.0)
    assert facts.call is None


def test_facts_of_a_running_rescue() -> None:
    history = noted((0, CALLING), (20, link_view(STILL_DRIVEN)), (26, link_view(driven())))

    facts = history.facts
    assert facts.call == CALL
    assert facts.call_ns == START - 39 * S
    assert facts.accepted_ns == START + 20 * S
    assert facts.first_motion_ns == START + 26 * S
    assert facts.lease_ns == START + 20 * S


def test_a_link_that_comes_back_is_the_same_rescue() -> None:
    lost = link_view(driven(), reach=Reach.LOST, yours=False)
    history = noted((0, link_view(driven())), (5, lost), (9, link_view(driven())))

    assert history.facts.rescues == 0
    assert history.facts.accepted_ns == START
    assert [mark.text for mark in history.marks] == ["you took over", "link lost", "link is back"]


def test_the_first_contact_is_not_a_link_that_came_back() -> None:
    history = noted((0, link_view(None)), (2, link_view(robot_state())))

    assert [mark.text for mark in history.marks] == ["robot found"]


def test_stop_is_remembered_with_its_time_until_it_is_reset() -> None:
    stopped = link_view(driven(mode=Mode.ESTOP, stopped_by="op-3"))
    history = noted((0, link_view(driven())), (3, stopped), (8, stopped))
    assert (history.facts.stopped_ns, history.control[-1].word) == (START + 3 * S, "STOPPED")

    history.note(link_view(driven(mode=Mode.DISARMED)), 76.0, START + 9 * S)
    assert history.facts.stopped_ns is None
    assert history.marks[-1].text == "STOP reset"


def test_a_window_that_comes_later_does_not_make_up_when_it_happened() -> None:
    stopped = link_view(robot_state(mode=Mode.ESTOP, stopped_by="op-3", lease=OTHER))
    history = noted((0, link_view(None)), (1, stopped), (2, stopped))

    assert (history.facts.stopped_ns, history.facts.lease_ns) == (None, None)
    assert [mark.text for mark in history.marks] == ["robot found", "STOP by op-3, earlier"]

    history.note(link_view(robot_state(mode=Mode.DISARMED)), 76.0, START + 3 * S)
    assert history.marks[-1].text == "STOP reset"


def test_each_verdict_is_counted_once() -> None:
    view = link_view(robot_state(), media=media_state(verdict=EXACT))
    history = noted((0, view), (1, view), (2, view))

    assert (history.facts.verified, history.facts.replayed) == (1, 1)


def test_lanes_have_no_gaps_and_old_parts_leave() -> None:
    history = noted((0, link_view(robot_state())), (10, CALLING), (20, link_view(driven())))
    for second in range(21, SPAN_S + 60, 10):
        history.note(link_view(driven()), 76.0, START + second * S)

    lanes = list(history.control)
    assert [segment.word for segment in lanes] == ["YOU DRIVE"]
    assert len(history.latency) <= SPAN_S * 5 + 1
    for trace in history.traces.values():
        assert trace[-1][0] - trace[0][0] <= 60 * S


def test_the_timeline_grows_with_the_session() -> None:
    history = noted((0, link_view(driven())))
    spans = []
    for second in (1, 59, 61, 119, 121, 239, 241, 2000):
        history.note(link_view(driven()), 76.0, START + second * S)
        spans.append(history.span_s)

    assert spans == [60, 60, 120, 120, 240, 240, 480, 480]


# --- how long a word stands -----------------------------------------------------------------------


def shown(look: Look, word: str) -> Screen:
    made = screen_of(link_view(driven()), [], History().facts, 0, datetime(2026, 3, 4))  # noqa: DTZ001
    return replace(made, readiness=Chip("", word, "", look))


def word_at(settle: Settle, screen: Screen, ms: int) -> str:
    return settle.settled(screen, ms * 1_000_000).readiness.word


def test_the_more_severe_appears_at_once() -> None:
    settle = Settle()
    assert word_at(settle, shown(Look.QUIET, "READY"), 0) == "READY"
    assert word_at(settle, shown(Look.HOLD, "HOLD"), 10) == "HOLD"
    assert word_at(settle, shown(Look.LATCHED, "STOPPED"), 20) == "STOPPED"


def test_the_abnormal_leaves_after_half_a_second_of_normal() -> None:
    settle = Settle()
    word_at(settle, shown(Look.HOLD, "HOLD"), 0)
    assert word_at(settle, shown(Look.QUIET, "READY"), 600) == "HOLD"
    assert word_at(settle, shown(Look.QUIET, "READY"), 1090) == "HOLD"
    assert word_at(settle, shown(Look.QUIET, "READY"), 1110) == "READY"


def test_a_relapse_starts_the_half_second_anew() -> None:
    settle = Settle()
    word_at(settle, shown(Look.HOLD, "HOLD"), 0)
    word_at(settle, shown(Look.QUIET, "READY"), 600)
    word_at(settle, shown(Look.HOLD, "HOLD"), 700)
    assert word_at(settle, shown(Look.QUIET, "READY"), 1150) == "HOLD"


def test_a_reset_is_seen_at_once() -> None:
    settle = Settle()
    word_at(settle, shown(Look.LATCHED, "STOPPED"), 0)
    assert word_at(settle, shown(Look.QUIET, "DISARMED"), 100) == "DISARMED"


# --- widths ---------------------------------------------------------------------------------------


def test_the_video_is_at_least_720_px_wide_while_the_docks_are_open() -> None:
    for width in range(1280, 3841, 40):
        for height in range(800, 2161, 40):
            compact = is_compact(width, height)
            page = width - (COMPACT_WIDTH if compact else WIDTH)
            found = widths(page, height - 200, compact=compact, left_open=True, right_open=True)
            assert page - found.left - found.right - 16 >= 720, (width, height)


def test_a_closed_dock_takes_no_width() -> None:
    found = widths(1856, 856, compact=False, left_open=False, right_open=True)
    assert found.left == 0
    assert found.right > 0
