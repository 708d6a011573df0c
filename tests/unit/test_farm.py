"""The pure parts of a farm: what is planned, what is told, and the balance at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from recorder.episode import EndedBy
from teleop.farm_ledger import Recorded, balance
from teleop.farm_plan import Post, load_notice, planned, ports_from
from teleop.farm_story import HEADINGS, SILENT_NS, Standing
from teleop.safety import ConfigError
from teleop.shift import CallId, End, Served
from tests.unit.test_shift import MINE, at_work, calling, driven
from transport.clock import NS_PER_S
from transport.messages import Mode, Outcome, RobotState

POST = Post("rover-01", "home-3 · kitchen", 7600, "high-centred", 0)


# --- the plan ---


def test_every_robot_has_a_name_a_place_a_seed_and_ports_of_its_own() -> None:
    posts = planned(ports_from(7600, 9), seed=5, scenarios=[])
    assert [post.name for post in posts][:2] == ["rover-01", "rover-02"]
    for what in ("name", "site", "port", "seed"):
        assert len({getattr(post, what) for post in posts}) == 9, what
    assert len({post.scenario for post in posts}) == 4
    assert posts[1].address == "127.0.0.1:7610"


def test_the_scenarios_that_are_asked_for_come_in_turn() -> None:
    asked = ["chair-legs", "loose-rug"]
    posts = planned(ports_from(7600, 3), 0, asked)
    assert [post.scenario for post in posts] == ["chair-legs", "loose-rug", "chair-legs"]


def test_a_scenario_in_which_nothing_calls_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match="'pick-place'; choose among wedged-under-sofa"):
        planned([7600], 0, ["pick-place"])
    with pytest.raises(ConfigError, match="choose a lower --port"):
        ports_from(65_000, 60)


def test_what_limits_the_number_of_robots_is_told() -> None:
    assert load_notice(2, 1, 2) == "2 robots and 1 operator take about 0.8 of 2 cores and 1.1 GB."
    assert "room for about 6 robots" in load_notice(9, 0, 2)
    assert "the robots hold now and then" in load_notice(9, 0, 2)


# --- what happened ---


def told(*states: RobotState) -> tuple[Standing, list[str]]:
    """A robot after these states, a second each, and the events in words."""
    standing, events = Standing(POST), []
    for number, state in enumerate(states, start=1):
        standing, new = standing.heard(state, number * NS_PER_S)
        events += [e["event"] for e in new]
        assert all(e["robot"] == "rover-01" for e in new)
    return standing, events


def test_a_rescue_reads_call_accepted_handed_back() -> None:
    back = structs.replace(at_work("a"), outcome=Outcome.SUCCESS)
    standing, events = told(at_work("a"), calling("a"), driven("a", MINE), back)
    assert events == ["call", "accepted", "handed_back"]
    assert (standing.calls, standing.rescues) == (1, 1)


def test_a_call_without_an_answer_times_out_and_one_that_is_left_calls_again() -> None:
    assert told(calling("a"), at_work("a"))[1] == ["call", "timed_out"]
    left = told(calling("a"), driven("a", MINE), calling("a", 2))
    assert left[1] == ["call", "accepted", "call", "left"]
    assert left[0].rescues == 0


def test_calls_are_counted_by_their_number_also_those_that_were_never_heard() -> None:
    reborn = structs.replace(calling("a", 2), boot_id="after")
    standing, events = told(calling("a", 1), calling("a", 4), reborn)
    assert standing.calls == 4 + 2
    assert events == ["call", "call", "restarted", "call"]


def words(standing: Standing, now_ns: int) -> dict[str, str]:
    return dict(zip(HEADINGS, standing.row(now_ns), strict=True))


@pytest.mark.parametrize(
    ("state", "mode"),
    [
        (at_work("a"), "AUTONOMY"),
        (calling("a"), "CALLS"),
        (driven("a", MINE), "op-1 DRIVES"),
        (structs.replace(calling("a"), stopped_by="ada"), "STOPPED by ada"),
        (structs.replace(at_work("a"), mode=Mode.FAULT), "FAULT"),
    ],
)
def test_the_table_says_who_moves_a_robot_and_since_when(state: RobotState, mode: str) -> None:
    standing, _ = told(structs.replace(at_work("a"), mode=Mode.BOOT), state, state)
    row = words(standing, 4 * NS_PER_S)
    assert (row["Mode"], row["Since"]) == (mode, "2 s")
    assert row["Where"] == "home-3 · kitchen"


def test_the_table_says_what_is_not_there() -> None:
    assert words(Standing(POST), 0)["Mode"] == "starts"
    standing, _ = told(at_work("a"))
    assert words(standing, NS_PER_S + SILENT_NS + 1)["Mode"] == "silent"
    gone = replace(standing, ended="ended (exit code 1)")
    assert words(gone, 60 * NS_PER_S)["Mode"] == "ended (exit code 1)"


# --- the balance ---


def episode(
    intervention: int = 0,
    *,
    drivers: tuple[str, ...] = ("op-1",),
    ended_by: EndedBy = EndedBy.HAND_BACK,
    outcome: Outcome = Outcome.SUCCESS,
    solved: bool | None = True,
    calls: int = 1,
) -> Recorded:
    return Recorded(
        robot="rover-01",
        boot_id="boot",
        episode=f"episode-{intervention}",
        calls=calls,
        drivers=drivers,
        ended_by=ended_by,
        outcome=outcome,
        intervention=intervention if drivers else -1,
        solved=solved,
    )


def entry(
    number: int = 1,
    intervention: int = 0,
    outcome: Outcome = Outcome.SUCCESS,
    end: End = End.SERVED,
) -> Served:
    return Served(CallId("rover-01", "boot", number), end, outcome, intervention, 20.0)


TIMED_OUT = episode(drivers=(), ended_by=EndedBy.WITHDRAWN, outcome=Outcome.UNLABELLED, solved=None)


def test_a_farm_in_which_all_went_well_balances() -> None:
    episodes = [
        episode(0),
        episode(1, drivers=("op-2",), outcome=Outcome.FAILURE, solved=False),
        TIMED_OUT,
        episode(2, drivers=(), ended_by=EndedBy.SHUTDOWN, solved=None),
        episode(3, ended_by=EndedBy.RELEASED, solved=None),
        episode(4, calls=0),
    ]
    lists = {"op-1": [entry()], "op-2": [entry(2, 1, Outcome.FAILURE), entry(1, end=End.TAKEN)]}
    found = balance({"rover-01": 5}, episodes, lists)
    assert found.faults == ()
    assert (found.calls, found.recorded, found.accepted) == (5, 5, {"op-1": 3, "op-2": 1})
    assert (found.freed, found.not_freed, found.timed_out) == (2, 1, 1)
    assert (found.again, found.open, found.uncalled) == (1, 1, 1)


def fault_of(
    episodes: list[Recorded], lists: dict[str, list[Served]], made: int | None = None
) -> str:
    calls = sum(one.calls for one in episodes) if made is None else made
    (fault,) = balance({"rover-01": calls}, episodes, lists).faults
    return fault


def test_a_call_without_a_record_is_lost() -> None:
    assert fault_of([episode()], {"op-1": [entry()]}, made=2) == (
        "rover-01 called 2 times, and recorded 1: calls are lost"
    )


def test_a_call_that_two_drove_was_served_twice() -> None:
    both = episode(drivers=("op-2", "op-1"))
    assert "driven by op-2 and op-1" in fault_of([both], {"op-1": [entry()]})


def test_a_call_that_two_say_they_served_was_served_twice() -> None:
    lists = {"op-1": [entry(1, 0)], "op-2": [entry(1, 1)]}
    episodes = [episode(0), episode(1, drivers=("op-2",))]
    assert fault_of(episodes, lists) == "call 1 of rover-01 was served by op-1 and op-2"


def test_one_that_takes_over_again_after_a_lost_link_has_not_served_twice() -> None:
    again = episode(drivers=("op-1", "op-1"))
    assert balance({"rover-01": 1}, [again], {"op-1": [entry()]}).faults == ()


def test_a_rescue_of_which_the_robot_knows_nothing_is_a_fault() -> None:
    assert "has no record of it" in fault_of([], {"op-1": [entry()]})
    other = episode(drivers=("op-2",))
    assert "the robot says op-2" in fault_of([other], {"op-1": [entry()]})


def test_a_label_that_is_not_the_robots_is_a_fault() -> None:
    failed = episode(outcome=Outcome.FAILURE, solved=False)
    assert "the robot has failure" in fault_of([failed], {"op-1": [entry()]})
    left = episode(ended_by=EndedBy.LINK_LOST, solved=None)
    assert "link_lost" in fault_of([left], {"op-1": [entry()]})


@pytest.mark.parametrize(
    ("outcome", "solved", "what"),
    [(Outcome.SUCCESS, False, "was not free"), (Outcome.FAILURE, True, "was free")],
)
def test_a_label_that_is_not_what_the_robot_came_to_is_a_fault(
    outcome: Outcome, solved: bool, what: str
) -> None:
    episodes = [episode(outcome=outcome, solved=solved)]
    assert what in fault_of(episodes, {"op-1": [entry(outcome=outcome)]})


def test_a_lease_without_a_word_is_no_label_to_be_wrong() -> None:
    quiet = episode(drivers=("you",), outcome=Outcome.UNLABELLED, solved=False)
    found = balance({"rover-01": 1}, [quiet], {})
    assert (found.unlabelled, found.faults) == (1, ())
