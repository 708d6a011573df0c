"""Recorded live on the simulated robot, sealed, and played on it again as if it were real."""

from __future__ import annotations

from pathlib import Path

from recorder.hardware_replays import read_replays
from recorder.library import open_episode
from teleop.hardware_replay import Stage
from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from teleop.replaying import Replaying
from tests.system.rig import Hand, agent, hand, unstick
from transport.clock import now_ns
from transport.messages import STILL, MarkOutcome, Outcome, ReleaseLease


def stage(view: LinkView) -> Stage:
    assert view.replay is not None
    assert view.replay.stage is not Stage.ENDED, view.replay.sentence
    return view.replay.stage


def give_back(operator: Hand, outcome: Outcome) -> str:
    """Label it and leave; the id of the sealed episode."""
    epoch = operator.state().lease.epoch
    operator.link.request(MarkOutcome(epoch=epoch, outcome=outcome))
    operator.wait(lambda v: v.state and v.state.outcome is outcome, "the mark")
    media = operator.look().media
    assert media is not None
    episode = media.episode
    operator.link.request(ReleaseLease(epoch=epoch))
    operator.wait(
        lambda v: v.media and v.media.last and v.media.last.episode == episode, "the seal"
    )
    return episode


def test_an_episode_is_played_on_the_robot_that_recorded_it(tmp_path: Path) -> None:
    with agent(tmp_path / "episodes", calls=True) as robot:
        with hand(robot) as operator:
            operator.take_over()
            # 8 cm, slowly: where pictures are late and the speed is halved it stays near.
            back = OperatorInput(forward=-0.2, turn=0.1, deadman=True, input_ns=now_ns())
            operator.link.set_input(back)
            operator.hold(0.8)
            operator.link.set_input(OperatorInput(input_ns=now_ns()))
            operator.wait(lambda v: v.state and v.state.applied == STILL, "standing still")
            operator.hold(0.3)
            first = give_back(operator, Outcome.SUCCESS)
        replaying = Replaying.of(robot.episodes / first)
        with hand(robot, replaying=replaying) as operator:
            operator.take_over()
            assert stage(operator.look()) is Stage.CHECK
            held = OperatorInput(forward=1.0, deadman=True, input_ns=now_ns())
            operator.link.set_input(held)
            operator.wait(lambda v: stage(v) is Stage.JUDGE, "played to its end")
            operator.link.set_input(OperatorInput(input_ns=now_ns()))
            operator.link.judge(Outcome.FAILURE)
            second = give_back(operator, Outcome.FAILURE)
        (found,) = read_replays(robot.episodes)
        played = open_episode(robot.episodes / second)
        played.verify()
        recorded = open_episode(robot.episodes / first)
        recorded.verify()
    assert (found.episode, found.judged, found.approached) == (first, Outcome.FAILURE, True)
    assert found.played == found.actions
    assert found.manifest_sha256 == recorded.manifest_sha256
    assert max(found.worst["x_m"], found.worst["y_m"]) < 0.05
    marks = [label.text for label in played.manifest.ending.labels if label.kind == "marker"]
    assert marks == [f"replay of {first}"]
    assert played.manifest.ending.outcome is Outcome.FAILURE


def test_what_cannot_be_played_is_refused_before_a_window_opens(tmp_path: Path) -> None:
    (tmp_path / "episodes").mkdir()
    asked = ("console", "127.0.0.1:7600", "--episodes", str(tmp_path / "episodes"))
    refused = unstick(*asked, "--play", "01M8XY")
    assert refused.returncode == 2
    assert "No episode begins with '01M8XY'" in refused.stderr
    assert unstick(*asked, "--play", "01M8XY", "--speed", "2").returncode == 2
