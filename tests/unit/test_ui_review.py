"""The words of the review, its playhead and where its lanes lie."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from recorder.driven import Driven
from recorder.finding import Finding, Rule
from recorder.library import Episode
from recorder.listing import NOT_REPLAYED, OUT_OF_DATE, Listed, Wanted
from recorder.validate import validate
from recorder.verdict import (
    Controls,
    Diagnosis,
    Disturbance,
    Divergence,
    Fault,
    Kind,
    Margin,
    OneStep,
    OpenLoop,
    Repeats,
    Verdict,
)
from tests.unit.recorder_support import Rover, record
from transport.clock import NS_PER_S
from transport.messages import Outcome
from ui.review_lane_layout import lay_out, least_height
from ui.review_levels import levels
from ui.review_playback import Playback
from ui.review_state import (
    VERDICTS,
    Filters,
    axis,
    axis_value,
    choice,
    count,
    deviation,
    difference,
    failing_blocks,
    first_difference,
    first_sentence,
    headline,
    made_by,
    rate_lines,
    repair_button,
    repaired,
    row_of,
    trimmed,
)
from ui.review_tape import tape_of
from ui.screen import Look

NOW = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
LISTED = Listed(
    episode="01M8PBF21V6W0YDJ3PE4GE2BQS",
    folder="01M8PBF21V6W0YDJ3PE4GE2BQS",
    recorded="2026-03-06T14:28:07.000+00:00",
    seconds=40.2,
    rows=1200,
    status="sealed",
    outcome="success",
    reason="",
    task="Reach open floor",
    notes=0,
    discarded=False,
    ended_by="hand_back",
    operator="op-1",
    robot="rover-07",
    site="home-3",
    verdict="EXACT",
    doubt="",
)
DIAGNOSIS = Diagnosis(
    fault=Fault.SHIFTED,
    sentence="The actions are recorded 1 step late.",
    advice="Shift the column action by -1 and validate again.",
    explains=1.0,
)
DOUBT = "It was judged as success and is labelled failure now; replay it again."


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    return record(tmp_path_factory.mktemp("one"), pause=range(200, 440), drive=420)


@pytest.fixture(scope="module")
def exact(episode: Episode) -> Verdict:
    return validate(episode, lambda _: Driven(Rover()))


def but(verdict: Verdict, **evidence: object) -> Verdict:
    changed = msgspec.structs.replace(verdict.evidence, **evidence)
    return msgspec.structs.replace(verdict, evidence=changed)


# --- the list -------------------------------------------------------------------------------------


def test_a_line_says_what_it_is_who_drove_how_long_and_when() -> None:
    row = row_of(LISTED, NOW)
    assert (row.name, row.title) == ("E2BQS", "Reach open floor")
    assert row.detail == "rover-07 · op-1 · 0:40 · 14:28"
    assert (row.outcome.icon, row.outcome.word) == ("tick", "success")
    assert row.verdict.word == "EXACT"


@pytest.mark.parametrize(
    ("now", "when"),
    [
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), "6 Mar 14:28"),
        (datetime(2027, 1, 7, 15, 0, tzinfo=UTC), "6 Mar 2026"),
    ],
)
def test_an_older_episode_has_its_day(now: datetime, when: str) -> None:
    assert row_of(LISTED, now).detail.endswith(f"· {when}")


def test_what_nobody_proved_and_what_is_proved_no_more_is_not_shown_as_proved() -> None:
    none = row_of(msgspec.structs.replace(LISTED, verdict=None), NOW).verdict
    old = row_of(msgspec.structs.replace(LISTED, doubt=DOUBT), NOW).verdict
    assert (none.icon, none.word, none.look) == ("dashed", "NOT REPLAYED", Look.DIM)
    assert (old.icon, old.word, old.look) == ("clock", "OUT OF DATE", Look.LIMITED)


def test_a_failure_has_its_reason_and_a_discard_is_told() -> None:
    failed = msgspec.structs.replace(LISTED, outcome="failure", reason="hit a vase")
    assert row_of(failed, NOW).outcome.word == "failure: hit a vase"
    gone = msgspec.structs.replace(failed, discarded=True)
    assert row_of(gone, NOW).outcome.word == "discarded, failure: hit a vase"


def test_each_verdict_can_be_asked_for() -> None:
    assert set(VERDICTS) == {"", *Kind, NOT_REPLAYED, OUT_OF_DATE}
    names = [choice("verdict", name) for name in ("", "EXACT", NOT_REPLAYED, OUT_OF_DATE)]
    assert names == ["Verdict: any", "EXACT", "not replayed", "out of date"]


def test_a_filter_says_what_it_is_narrowed_to_or_that_it_is_not() -> None:
    said = [choice("outcome", name) for name in ("", "failure")]
    said += [choice("days", days) for days in ("", "1", "7")]
    said += [choice("robot", ""), choice("robot", "rover-07"), choice("task", "")]
    assert said[:5] == ["Outcome: any", "failure", "Recorded: any", "Today", "7 days"]
    assert said[5:] == ["Robot: any", "rover-07", "Task: any"]


@pytest.mark.parametrize(("days", "day"), [("1", 6), ("7", 28)])
def test_days_count_from_their_first_moment_here(days: str, day: int) -> None:
    today = datetime(2026, 3, 6, tzinfo=timezone(timedelta(hours=5)))
    since = Filters(days=days).wanted(0, today=today).since
    assert since is not None
    assert (since.day, since.hour, since.tzinfo) == (day, 0, today.tzinfo)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": Fault.SHIFTED, "rows": 1}, "Shift actions by \N{MINUS SIGN}1"),
        ({"fault": Fault.SHIFTED, "rows": -2}, "Shift actions by 2"),
        ({"fault": Fault.SWAPPED, "axes": ("forward_mps", "turn_radps")}, "Swap forward and turn"),
        ({"fault": Fault.SIGN, "axes": ("turn_radps",), "factor": -1.0}, "Reverse turn"),
        ({"fault": Fault.SCALED, "axes": ("grip_ps",), "factor": 2.0}, "Divide grip by 2"),
    ],
)
def test_the_one_repair_says_what_it_does(fault: dict[str, Any], said: str) -> None:
    found = Diagnosis(sentence="", advice="", explains=1.0, **fault)
    assert repair_button(found).startswith(f"{said} and validate")


def test_what_came_of_a_cut_or_a_repair_is_a_sentence() -> None:
    assert trimmed("/l/01ABCDE", False, "EXACT", 9.0) == "Episode ABCDE is 9.0 s shorter: EXACT."
    assert "its replay fails (DIVERGED)" in trimmed("", True, "DIVERGED", 9.0)
    assert repaired("/l/01ABCDE", "EXACT") == "Episode ABCDE is the repaired one: EXACT."
    assert "does not pass (not judged)" in repaired("", "")


@pytest.mark.parametrize(
    ("verdicts", "lines"),
    [
        (
            {"EXACT": 30, "SEMANTIC": 3, "FRAGILE": 1, "DIVERGED": 2, "UNVERIFIABLE": 2},
            ("33 of 36 verified", "78\N{EN DASH}97 % (95 %), 2 not judged"),
        ),
        (
            {"EXACT": 1, NOT_REPLAYED: 3, OUT_OF_DATE: 2},
            ("1 of 1 verified", "21\N{EN DASH}100 % (95 %), 5 not judged"),
        ),
        ({"NOT_APPLIED": 4}, ("None verified", "4 not judged")),
        ({}, ("None verified", "no episodes")),
    ],
)
def test_the_rate_has_its_n_its_interval_and_what_nobody_judged(
    verdicts: dict[str, int], lines: tuple[str, str]
) -> None:
    assert rate_lines(verdicts) == lines


def test_filters_are_asked_of_the_catalogue_page_by_page() -> None:
    assert Filters().wanted(0, 50) == Wanted(limit=50)
    narrowed = Filters("sofa", "EXACT", "failure").wanted(200, 50)
    expected = Wanted(outcome=Outcome.FAILURE, verdict="EXACT", words="sofa", skip=200, limit=50)
    assert narrowed == expected


def test_the_count_says_when_it_is_not_of_all() -> None:
    assert count(Filters(), 1204, 0) == "1,204"
    assert count(Filters(text="sofa"), 38, 2) == "38 found, 2 unreadable"


# --- the sentence ---------------------------------------------------------------------------------


def test_the_headline_is_the_first_sentence_of_the_verdict(exact: Verdict) -> None:
    said = msgspec.structs.replace(
        exact,
        verdict=Kind.LABEL_FAULT,
        sentence="The actions are recorded 1 step late. 832 of 907 do not fit (off by 0.5). Shift.",
    )
    shown = headline(said, "")
    assert shown.chip.word == "LABEL_FAULT"
    assert shown.title == "The actions are recorded 1 step late."
    assert shown.detail == "832 of 907 do not fit (off by 0.5). Shift."


def test_a_number_ends_no_sentence() -> None:
    assert first_sentence("It is 0.5 m off.") == ("It is 0.5 m off.", "")


def test_without_a_verdict_the_headline_says_what_to_do() -> None:
    shown = headline(None, "")
    assert shown.title == "This episode was not replayed yet."
    assert "Replay it (R)" in shown.detail


def test_a_verdict_out_of_date_says_why_and_what_it_said(exact: Verdict) -> None:
    shown = headline(exact, DOUBT)
    assert shown.chip.word == "OUT OF DATE"
    assert shown.title == "It was judged as success and is labelled failure now."
    assert shown.detail.startswith("R replays it again. It said EXACT: ")


# --- levels ---------------------------------------------------------------------------------------


def of(verdict: Verdict | None, start: str, findings: tuple[Finding, ...] | None = ()) -> tuple:  # type: ignore[type-arg]
    (level,) = (one for one in levels(verdict, findings) if one.title.startswith(start))
    return level.icon, level.title, level.detail


def test_a_clean_replay_is_quiet(exact: Verdict) -> None:
    shown = levels(exact, ())
    assert {level.look for level in shown} <= {Look.QUIET, Look.DIM}
    steps = exact.evidence.recorded_steps
    assert of(exact, "Labels") == (
        "tick",
        f"Labels: {steps} steps fit",
        "each leads to the next state",
    )
    assert of(exact, "Open loop") == ("tick", "Open loop: solved", "every state bit for bit")
    assert of(exact, "Controls")[1] == "Controls: both behave"
    assert of(exact, "Repeats")[1] == "Repeats: not run"
    assert of(exact, "Margin")[1] == "Margin: not run"


def test_lint_is_told_while_it_looks_and_after() -> None:
    finding = Finding(rule=Rule.IDLE, first_row=1, last_row=9, reason="", figures={})
    late = msgspec.structs.replace(finding, rule=Rule.LATE_PICTURES)
    assert of(None, "Lint", None)[1] == "Lint: looking"
    assert of(None, "Lint", ())[1] == "Lint: no findings"
    assert of(None, "Lint", (finding,)) == ("triangle", "Lint: 1 finding", "idle")
    assert of(None, "Lint", (finding, late, finding))[1:] == (
        "Lint: 3 findings",
        "idle, late pictures",
    )


def test_wrong_labels_are_counted_and_explained(exact: Verdict) -> None:
    step = OneStep(checked=907, failed=832, max_deviation=0.0023, tolerance=0.0, shift=1)
    why = "The actions are recorded 1 step late."
    assert of(but(exact, one_step=step, diagnosis=DIAGNOSIS), "Labels") == (
        *("fault", "Labels: 832 of 907 steps off", why),
    )
    assert of(but(exact, one_step=step), "Labels")[2] == "off by up to 0.0023"


def test_a_replay_that_leaves_the_record_says_where(exact: Verdict) -> None:
    loop = OpenLoop(
        solved=False,
        exact=False,
        max_deviation=0.2,
        first_divergent_step=12,
        first_divergent_tick=132,
    )
    apart = Divergence(step=612, tick=732, part="cube x", off_by=0.0018, tolerance=0.001, unit="m")
    assert of(but(exact, open_loop=loop), "Open loop") == (
        *("fault", "Open loop: not solved", "states differ from step 12"),
    )
    both = but(exact, open_loop=loop, divergence=apart)
    assert of(both, "Open loop")[2] == "cube x beyond 1 mm from step 612"
    assert difference(both) == "first beyond 1 mm at step 612: cube x"


def test_repeats_margins_and_controls_that_fail_are_told(exact: Verdict) -> None:
    some = but(exact, repeats=Repeats(runs=3, solved=2, alike=False))
    assert of(some, "Repeats") == ("triangle", "Repeats: 2 of 3 solved", "not all alike")
    start = Margin(disturbance=Disturbance.START, unit="m", bears=0.012, fails_at=0.02, replays=5)
    loss = Margin(disturbance=Disturbance.LOSS, unit="1", bears=0.0, fails_at=0.05, replays=5)
    assert of(but(exact, margins=(start,)), "Margin")[1:] == (
        *("Margin: bears all that was tried", "start 12 mm"),
    )
    thin = of(but(exact, margins=(start, loss)), "Margin")
    assert thin == ("triangle", "Margin: none for loss", "start 12 mm · loss 0%")
    idle = Controls(null_actions_solved=True, recorded_states_solved=True)
    assert of(but(exact, controls=idle), "Controls")[1] == "Controls: the goal test is doubtful"


def test_what_could_not_be_replayed_says_why_once(exact: Verdict) -> None:
    shown = levels(but(exact, problem="Nobody took over."), ())
    assert [level.title for level in shown] == ["Lint: no findings", "Replay: not possible"]


def test_where_it_came_from(episode: Episode, exact: Verdict) -> None:
    rows = dict(made_by(episode.manifest, exact))
    assert rows["Scene"] == "wedged"
    assert rows["Policy"] == "patrol 1"
    assert rows["Start state"].startswith("complete, ")


# --- the lanes ------------------------------------------------------------------------------------


def test_axes_are_named_and_scaled_for_people() -> None:
    assert axis("turn_radps").title == "Turn"
    assert axis_value(-0.25, axis("turn_radps")) == "\N{MINUS SIGN}14 °/s"
    assert axis_value(0.28, axis("forward_mps")) == "0.28 m/s"
    assert axis("elbow_pos").title == "Elbow pos"


def test_a_deviation_keeps_its_unit() -> None:
    assert deviation(0.0186) == "18.6 mm"
    assert deviation(4.4625) == "4.46 m"
    assert deviation(0.0186, angles=True) == "18.6 mm or mrad"
    assert deviation(None) == ""


def test_wrong_steps_that_are_close_are_one_block() -> None:
    assert failing_blocks([(3, 4), (8, 9), (40, 40)], gap=5) == ((3, 9, 4), (40, 40, 1))


def test_the_first_difference_is_that_of_labels_then_of_what_is_seen_then_of_any_number(
    exact: Verdict,
) -> None:
    loop = OpenLoop(
        solved=True, exact=False, max_deviation=1.0, first_divergent_step=12, first_divergent_tick=0
    )
    apart = Divergence(step=67, tick=0, part="x", off_by=1.0, tolerance=0.001, unit="m")
    off = but(exact, open_loop=loop, divergence=apart)
    assert first_difference(off, [(5, 9)]) == 5
    assert first_difference(off, []) == 67
    assert first_difference(but(exact, open_loop=loop), []) == 12
    assert first_difference(exact, []) == -1
    assert first_difference(None, []) == -1


@pytest.mark.parametrize("height", [260, 420, 700])
@pytest.mark.parametrize("axes", [1, 2, 5])
def test_lanes_never_overlap_and_axes_grow_with_the_room(height: int, axes: int) -> None:
    lanes = lay_out([f"axis_{n}" for n in range(axes)], height, deviates=True)
    for above, below in itertools.pairwise(lanes):
        assert above.top + above.height < below.top
    assert lanes[-1].kind == "time"
    if axes <= 2:
        assert lanes[-1].top + lanes[-1].height <= height + 1


@pytest.mark.parametrize("text", [1.0, 1.33, 2.0])
@pytest.mark.parametrize("axes", [1, 2, 5, 9])
def test_at_their_least_height_all_lanes_are_seen(axes: int, text: float) -> None:
    high = least_height(axes, text)
    lanes = lay_out(["axis"] * axes, high, deviates=True, text=text)
    assert lanes[-1].top + lanes[-1].height <= high + 1
    assert min(lane.height for lane in lanes) >= 15 * text


def test_a_deviation_nobody_would_see_gets_less_room() -> None:
    def high(deviates: bool) -> float:
        lanes = lay_out(["a", "b"], 420, deviates=deviates)
        return next(lane.height for lane in lanes if lane.kind == "deviation")

    assert high(False) < high(True)


def test_an_episode_lies_on_one_axis(episode: Episode) -> None:
    tape = tape_of(episode)
    assert [segment.word for segment in tape.control] == [
        *("AUTONOMY", "CALLING", "ada DRIVES", "HOLD"),
    ]
    assert [mark.text for mark in tape.marks] == [
        *("call: Wedged", "ada took over", "marker here", "handed back"),
    ]
    assert tape.second_of(0) == pytest.approx(2.0, abs=0.001)
    assert tape.step_at(2.0) == 0
    assert tape.step_at(1.9) < 0
    assert tape.row_at(2.0) == 60
    assert tape.next_row(2.0, 1) == pytest.approx(2.0 + 1 / 30, abs=0.001)
    assert tape.next_row(0.0, -1) == 0.0
    ((first, last),) = tape.idle
    assert 3.5 < first < 5.0
    assert 6.0 < last < 7.4


def test_between_two_rows_a_step_back_goes_to_the_one_before(episode: Episode) -> None:
    tape = tape_of(episode)
    between = float(tape.row_s[7]) + 0.01
    assert tape.next_row(between, -1) == float(tape.row_s[7])
    assert tape.next_row(float(tape.row_s[7]), -1) == float(tape.row_s[6])


# --- the playhead ---------------------------------------------------------------------------------


def test_the_playhead_moves_with_time_and_stops_at_the_end() -> None:
    playing = Playback(length_s=10.0, at_s=2.0).toggled(now_ns=0)
    assert playing.moved(3 * NS_PER_S).at_s == 5.0
    ended = playing.moved(60 * NS_PER_S)
    assert (ended.at_s, ended.playing) == (10.0, False)
    assert ended.toggled(0).at_s == 0.0


def test_another_speed_counts_from_there_on() -> None:
    playing = Playback(length_s=100.0).toggled(0).at_speed(4.0, 2 * NS_PER_S)
    assert playing.moved(5 * NS_PER_S).at_s == 14.0


def test_scrubbing_stays_within_the_episode_and_keeps_playing() -> None:
    playing = Playback(length_s=10.0).toggled(0).sought(99.0, 5)
    assert (playing.at_s, playing.playing) == (10.0, True)
    assert Playback(length_s=10.0).sought(-3.0, 5) == Playback(length_s=10.0)
    assert not playing.paused().playing


def test_a_paused_playhead_stays(tmp_path: Path) -> None:
    standing = Playback(length_s=10.0, at_s=2.0)
    assert standing.moved(99 * NS_PER_S) == standing
    assert not standing.toggled(0).toggled(NS_PER_S).playing
