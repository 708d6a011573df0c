"""When a replay on hardware may go on, what it asks for, and why it ends: without a robot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from recorder.demonstration import NothingToReplay, demonstration_of
from recorder.hardware_replays import read_replays
from recorder.library import open_episode
from teleop.hardware_replay import APPROACH_SHARE, Plan, Player, Stage
from teleop.live_replay import LiveReplay, Seen, full_of, measured_of
from teleop.operator_input import OperatorInput
from teleop.replaying import Replaying
from tests.console.fakes import arm_state, driven
from tests.unit.recorder_support import feed, recorder, session, stamp
from transport.clock import NS_PER_S
from transport.messages import Hold, HoldReason, Lease, MarkMoment, Mode, Outcome, RobotState

TICK_NS = NS_PER_S // 60
START = (1.2, 0.4, 0.5)
HELD = OperatorInput(forward=-1.0, turn=1.0, deadman=True)
OFF = OperatorInput()


def plan(forward_mps: float = 0.2, n: int = 120) -> Plan:
    """Straight ahead along the heading of `START`."""
    x_m, y_m, heading = START
    way = np.arange(n + 1) * forward_mps / 60
    path = np.stack([x_m + way * np.cos(heading), y_m + way * np.sin(heading)], 1)
    return Plan(
        name="01M8XY2K9Q",
        action_names=("forward_mps", "turn_radps"),
        actions=np.tile([forward_mps, 0.0], (n, 1)),
        most=np.array([0.5, 1.5]),
        tracked=("x_m", "y_m", "heading_rad"),
        units=("m", "m", "rad"),
        path=np.column_stack([path, np.full(n + 1, heading)]),
        step_s=1 / 60,
    )


def at(place: tuple[float, ...] = START, **changes: object) -> RobotState:
    x_m, y_m, heading = place
    return driven(x_m=x_m, y_m=y_m, heading_rad=heading, **changes)


def seen(state: RobotState | None = None, **changes: object) -> Seen:
    usual = Seen(HELD, focused=True, frozen=False, yours=True, silent_ms=10.0, state=state or at())
    return replace(usual, **changes)  # type: ignore[arg-type]


class Turns:
    """A replay, a clock, and a robot that is exactly where it should be."""

    def __init__(self, replay: LiveReplay | None = None) -> None:
        self.live, self.now_ns = replay or LiveReplay(Player(plan())), NS_PER_S

    def look(self, what: Seen) -> None:
        self.now_ns += TICK_NS
        self.live = self.live.looked(what, self.now_ns)

    def follow(self, seconds: float) -> None:
        for _ in range(round(seconds * 60)):
            ahead = min(self.live.player.at + 1, 120)
            x_m, y_m, heading = self.live.player.plan.path[int(ahead)]
            if self.stage is not Stage.PLAY:
                x_m, y_m, heading = START
            self.look(seen(at((x_m, y_m, heading))))

    @property
    def stage(self) -> Stage:
        return self.live.player.stage


def playing() -> Turns:
    turns = Turns()
    turns.follow(0.8)
    assert turns.stage is Stage.PLAY
    return turns


def test_nothing_is_asked_until_the_robot_drives_under_a_held_deadman() -> None:
    turns = Turns()
    turns.look(seen(hands=OFF))
    assert turns.live.asked(OFF) == OFF
    turns.look(seen(at(mode=Mode.READY)))
    asked = turns.live.asked(HELD)
    assert asked.deadman, "the robot has to hear that it is held"
    assert not any(asked.axes)
    assert turns.stage is Stage.CHECK
    turns.look(seen())
    assert turns.stage is Stage.SETTLE


def test_what_is_sent_is_the_recorded_rate_as_a_share_of_the_robots_limit() -> None:
    turns = playing()
    asked = turns.live.asked(HELD)
    assert asked.forward == pytest.approx(0.2 / 0.5)
    assert (asked.turn, asked.deadman) == (0.0, True)
    slow = at(max_mps=0.4, cap_mps=0.4)
    turns.look(seen(slow))
    assert turns.live.asked(HELD).forward == pytest.approx(0.2 / 0.4)


def test_an_approach_is_slow_by_the_limits_of_the_present_robot_too() -> None:
    turns = Turns()
    x_m, y_m, heading = START
    far = at((x_m - 0.5 * np.cos(heading), y_m - 0.5 * np.sin(heading), heading), max_mps=0.3)
    for _ in range(3):
        turns.look(seen(far))
    assert turns.stage is Stage.APPROACH
    assert turns.live.asked(HELD).forward == pytest.approx(APPROACH_SHARE)
    view = turns.live.view()
    assert view is not None
    assert view.away_m == pytest.approx(0.5)


ENDINGS = {
    "STOP was pressed": seen(at(mode=Mode.ESTOP)),
    "the robot made a safe stop": seen(at(mode=Mode.SAFE_STOP)),
    "the link was lost": seen(at(mode=Mode.LINK_LOST)),
    "the robot has a fault": seen(at(mode=Mode.FAULT)),
    "the robot was not heard for 300 ms": seen(silent_ms=301.0),
    "the lease was lost": seen(at(lease=Lease()), yours=False),
    "the console's window stood still": seen(frozen=True),
    "the window lost the focus": seen(focused=False, hands=OFF),
    "the deadman was let go": seen(hands=OFF),
    "the robot held: commands were too old (812 ms, limit 300 ms)": seen(
        at(hold=Hold(reason=HoldReason.STALE, value=812.0, limit=300.0))
    ),
    "the robot was in the mode READY": seen(at(mode=Mode.READY)),
}


@pytest.mark.parametrize("why", ENDINGS)
def test_whatever_keeps_the_robot_from_it_ends_it_in_words(why: str) -> None:
    turns = playing()
    turns.look(ENDINGS[why])
    assert turns.stage is Stage.ENDED
    assert f"It ended early: {why}." in turns.live.player.sentence
    asked = turns.live.asked(HELD)
    assert not asked.deadman


@pytest.mark.parametrize("reason", HoldReason)
def test_each_reason_of_a_hold_has_words(reason: HoldReason) -> None:
    turns = playing()
    turns.look(seen(at(hold=Hold(reason=reason))))
    assert turns.live.player.why.startswith("the robot held: ")


def test_once_ended_the_hands_drive_after_they_were_off() -> None:
    turns = playing()
    turns.look(seen(at(mode=Mode.LINK_LOST)))
    turns.look(seen())
    assert not turns.live.asked(HELD).deadman
    turns.look(seen(hands=OFF))
    assert turns.live.asked(HELD) == HELD
    assert turns.live.view() is not None
    turns.look(seen())
    assert turns.live.view() is None


def test_played_to_its_end_nothing_moves_until_it_is_judged() -> None:
    turns = playing()
    turns.follow(2.5)
    assert turns.stage is Stage.JUDGE
    turns.look(seen(hands=OFF))
    assert not turns.live.asked(HELD).deadman
    judged = Turns(turns.live.judged(Outcome.FAILURE))
    assert "The operator judged it a failure" in judged.live.player.sentence
    judged.look(seen(hands=OFF))
    assert judged.live.asked(HELD) == HELD


def test_a_judgement_before_the_end_says_nothing() -> None:
    turns = playing()
    assert turns.live.judged(Outcome.SUCCESS).player is turns.live.player


def test_a_cap_on_the_speed_is_named_when_the_robot_falls_behind() -> None:
    turns = playing()
    for _ in range(60):
        turns.look(seen(at(START, cap_mps=0.2)))
    assert turns.stage is Stage.ENDED
    assert "limit 0.05; the robot's speed was capped at 40% meanwhile" in turns.live.player.why


def test_a_robot_that_was_never_capped_is_not_called_so() -> None:
    turns = playing()
    for _ in range(60):
        turns.look(seen())
    assert turns.live.player.why.endswith("from the recording, limit 0.05")


def test_a_hand_that_lets_go_is_not_asked_for_anything_even_before_the_next_look() -> None:
    assert playing().live.asked(OFF) == OFF


def test_a_recording_faster_than_this_robot_is_not_begun() -> None:
    turns = Turns()
    turns.look(seen(at(max_mps=0.15, cap_mps=0.15)))
    assert turns.stage is Stage.ENDED
    assert turns.live.player.sentence == (
        "Nothing was played: its forward_mps reaches 0.2, this robot's limit is 0.15."
    )


def test_a_robot_of_another_kind_is_refused() -> None:
    turns = Turns()
    turns.look(seen(arm_state(mode=Mode.TELEOP)))
    assert "of another kind" in turns.live.player.sentence


def test_an_arm_reports_height_yaw_and_grip() -> None:
    tracked = ("x_m", "y_m", "z_m", "yaw_rad", "grip")
    arm = replace(plan(), tracked=tracked, action_names=("up_mps", "grip_ps"), full_grip_ps=2.0)
    state = arm_state()
    assert state.hand is not None
    assert measured_of(state, arm) == (
        state.x_m,
        state.y_m,
        state.hand.z_m,
        state.heading_rad,
        state.hand.grip,
    )
    assert full_of(state, arm) == (state.max_mps, 2.0)
    assert measured_of(structs.replace(state, hand=None), arm) is None


def test_a_closed_console_ends_it_and_leaves_it_unjudged() -> None:
    turns = playing()
    assert "the console was closed" in turns.live.closed(turns.now_ns).player.sentence
    turns.follow(2.5)
    closed = turns.live.closed(turns.now_ns).player
    assert closed.stage is Stage.ENDED
    assert "Nobody has judged" in closed.sentence


def test_a_console_that_closes_before_it_began_leaves_no_line(tmp_path: Path) -> None:
    replaying = Replaying(plan(), tmp_path)
    replaying.look(seen(hands=OFF), NS_PER_S)
    replaying.close()
    assert read_replays(tmp_path) == []


def test_what_ended_is_written_once_and_marked_once(tmp_path: Path) -> None:
    replaying = Replaying(plan(), tmp_path, "ab" * 32)
    marks = [replaying.look(seen(), NS_PER_S + turn * TICK_NS) for turn in range(3)]
    assert marks == [MarkMoment(epoch=4, note="replay of 01M8XY2K9Q"), None, None]
    replaying.look(seen(hands=OFF), 2 * NS_PER_S)
    replaying.judge(Outcome.SUCCESS)
    replaying.close()
    (line,) = read_replays(tmp_path)
    assert (line.robot, line.judged, line.played) == ("rover-07", Outcome.UNLABELLED, 0)
    assert line.sentence == "Nothing was played: the deadman was let go."


def test_a_robot_without_complete_states_records_what_can_be_played(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, (structs.replace(tick, state=b"") for tick in session()))
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    with pytest.raises(NothingToReplay, match="no complete state"):
        demonstration_of(episode)
    found = demonstration_of(episode, with_states=False)
    assert (found.states, found.start) == (None, b"")
    assert found.observations is not None
    assert len(found.observations) == len(found.actions) + 1
