"""What operators say about an episode after the hand-back, through a whole robot."""

from __future__ import annotations

from pathlib import Path

from recorder.episode import EndedBy
from recorder.episode_recorder import WAITS_FOR_LABEL
from recorder.library import open_episode
from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView
from tests.system.rig import Hand, agent, hand
from transport.messages import (
    AnnotationKind,
    HandBack,
    LabelEpisode,
    LastEpisode,
    Outcome,
)


def last(view: LinkView) -> LastEpisode | None:
    return view.media.last if view.media else None


def say(operator: Hand, episode: str, kind: AnnotationKind, text: str = "") -> None:
    operator.link.request(LabelEpisode(episode=episode, kind=kind, text=text))


def test_an_episode_waits_for_its_label_and_can_be_labelled_further_once_it_is_sealed(
    tmp_path: Path,
) -> None:
    with agent(tmp_path / "episodes", calls=True) as robot, hand(robot) as operator:
        operator.take_over()
        operator.drive_back()
        operator.link.set_input(OperatorInput())
        operator.link.request(HandBack(epoch=operator.state().lease.epoch))
        operator.wait(lambda v: v.media and v.media.recorder_detail == WAITS_FOR_LABEL, "it waits")
        media = operator.look().media
        assert media is not None
        episode = media.episode
        say(operator, episode, AnnotationKind.NOTE, "rug had moved")
        say(operator, episode, AnnotationKind.OUTCOME, Outcome.FAILURE)
        operator.wait(lambda v: last(v) is not None, "the seal")
        told = last(operator.look())
        assert told == LastEpisode(
            episode=episode, outcome=Outcome.FAILURE, reason="", discarded=False
        )
        sealed = open_episode(robot.episodes / episode)
        sealed.verify()
        assert sealed.manifest.ending.ended_by is EndedBy.HAND_BACK
        assert sealed.manifest.ending.outcome is Outcome.FAILURE
        assert sealed.labels.notes == ("rug had moved",)

        say(operator, episode, AnnotationKind.REASON, "wheel slipped")
        say(operator, episode, AnnotationKind.DISCARDED)
        operator.wait(lambda v: (found := last(v)) and found.discarded, "the discard")
        say(operator, episode, AnnotationKind.RESTORED)
        say(operator, episode, AnnotationKind.OUTCOME, Outcome.SUCCESS)
        operator.wait(
            lambda v: (found := last(v)) and found.outcome is Outcome.SUCCESS, "another outcome"
        )
        assert last(operator.look()) == LastEpisode(
            episode=episode, outcome=Outcome.SUCCESS, reason="wheel slipped", discarded=False
        )
        sealed = open_episode(robot.episodes / episode)
        sealed.verify()
        assert sealed.manifest.ending.outcome is Outcome.FAILURE
        assert [one.by for one in sealed.history.annotations] == ["op-1"] * 4
