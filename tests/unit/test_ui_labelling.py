"""Labels after the hand-back: which episode they are about, and why there is nothing to say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from recorder.episode_recorder import WAITS_FOR_LABEL
from tests.console.fakes import OTHER, driven, link_view, media_state, robot_state
from transport.messages import (
    AnnotationKind,
    LabelEpisode,
    LastEpisode,
    Outcome,
    RecorderPhase,
)
from ui.labelling import OUTCOMES, SAYS, label_of, last_outcome, why_no_label
from ui.screen import Act, Look
from ui.view_state import recording_chip

OPEN, SEALED = "01K0000000000000000000000B", "01K0000000000000000000000A"
LAST = LastEpisode(episode=SEALED, outcome=Outcome.SUCCESS, reason="", discarded=False)
NOTHING = link_view(robot_state(), media=media_state())
AFTERWARDS = link_view(robot_state(), media=media_state(last=LAST))
DRIVING = media_state(recorder=RecorderPhase.RECORDING, episode=OPEN, last=LAST)
WAITING = link_view(robot_state(), media=replace(DRIVING, recorder_detail=WAITS_FOR_LABEL))


@pytest.mark.parametrize("act", SAYS)
def test_before_anything_was_recorded_there_is_nothing_to_label(act: Act) -> None:
    assert label_of(act, NOTHING) is None
    assert why_no_label(act, NOTHING) == "No episode has been recorded yet."


@pytest.mark.parametrize("act", SAYS)
def test_afterwards_a_label_is_about_the_episode_sealed_last(act: Act) -> None:
    label = label_of(act, AFTERWARDS, "because")
    assert label is not None
    assert (label.episode, label.kind) == (SEALED, SAYS[act][0])


@pytest.mark.parametrize("act", OUTCOMES)
def test_an_episode_that_waits_for_its_outcome_gets_it(act: Act) -> None:
    kind, outcome = SAYS[act]
    assert label_of(act, WAITING) == LabelEpisode(episode=OPEN, kind=kind, text=outcome)
    assert why_no_label(act, WAITING) == ""


@pytest.mark.parametrize("act", OUTCOMES)
def test_while_somebody_else_drives_the_outcome_is_that_persons_business(act: Act) -> None:
    view = link_view(driven(lease=OTHER), media=DRIVING)
    assert why_no_label(act, view) == "op-2 drives, and marks how it went."


@pytest.mark.parametrize("act", [Act.REASON, Act.NOTE, Act.TASK])
def test_a_reason_a_note_and_a_task_are_about_what_is_being_recorded(act: Act) -> None:
    label = label_of(act, link_view(driven(), media=DRIVING), "rug had moved")
    assert label == LabelEpisode(episode=OPEN, kind=SAYS[act][0], text="rug had moved")


@pytest.mark.parametrize("act", [Act.DISCARD, Act.RESTORE])
def test_only_what_is_sealed_can_be_discarded(act: Act) -> None:
    label = label_of(act, link_view(driven(), media=DRIVING))
    assert label is not None
    assert label.episode == SEALED


def test_a_discard_can_be_undone_and_neither_is_offered_twice() -> None:
    discarded = link_view(robot_state(), media=media_state(last=replace(LAST, discarded=True)))
    assert why_no_label(Act.DISCARD, AFTERWARDS) == why_no_label(Act.RESTORE, discarded) == ""
    assert why_no_label(Act.RESTORE, AFTERWARDS) == "It is not discarded."
    assert why_no_label(Act.DISCARD, discarded) == "It is discarded already."


def test_the_outcome_shown_is_that_of_the_episode_a_label_would_be_about() -> None:
    assert last_outcome(AFTERWARDS) is Outcome.SUCCESS
    assert last_outcome(WAITING) is Outcome.UNLABELLED
    assert last_outcome(NOTHING) is Outcome.UNLABELLED


def test_the_recording_chip_asks_for_the_label_and_then_tells_it() -> None:
    waiting = recording_chip(WAITING)
    assert (waiting.detail, waiting.look) == ("not labelled yet", Look.LIMITED)
    media = media_state(recorder=RecorderPhase.SEALED, episode=SEALED, last=LAST)
    assert recording_chip(link_view(robot_state(), media=media)).detail.endswith(", success")
    gone = replace(media, last=replace(LAST, discarded=True))
    assert recording_chip(link_view(robot_state(), media=gone)).detail.endswith(", discarded")


def test_the_kinds_of_labels_are_all_offered() -> None:
    assert {kind for kind, _ in SAYS.values()} == set(AnnotationKind)
