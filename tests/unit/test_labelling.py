"""Labels on their way: into the open episode, beside the sealed one, or waiting for the seal."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recorder.episode_recorder import Heard
from recorder.library import Episode, open_episode
from teleop.labelling import WAITING, Labelling
from tests.unit.recorder_support import InlineDisk, feed, record, recorder, session, stamp
from transport.messages import AnnotationKind, Outcome, Said


@dataclass
class Desk:
    """A `Labelling` and what it was told."""

    folder: Path
    heard: Heard = Heard.NOT_HERE
    disk: Executor | None = None
    recorded: list[Said] = field(default_factory=list)
    replayed: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labelling = Labelling(
            self.folder, self._record, self.replayed.append, self.disk or InlineDisk()
        )

    def _record(self, said: Said) -> Heard:
        self.recorded += [said] if self.heard is Heard.RECORDED else []
        return self.heard

    def say(self, episode: str, kind: AnnotationKind, text: str = "") -> None:
        self.labelling.say(Said(episode=episode, kind=kind, text=text, by="ada"))


@pytest.fixture
def episode(tmp_path: Path) -> Episode:
    return record(tmp_path)


def test_what_belongs_to_the_open_episode_is_the_recorders(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Heard.RECORDED)
    desk.say("01K0000000000000000000000Z", AnnotationKind.NOTE, "squeaks")
    assert [said.text for said in desk.recorded] == ["squeaks"]


def test_a_sealed_episode_is_labelled_beside_its_files(episode: Episode) -> None:
    desk = Desk(episode.path.parent)
    desk.say(episode.id, AnnotationKind.REASON, "slipped")
    assert open_episode(episode.path).labels.reason == "slipped"
    last = desk.labelling.last
    assert last is not None
    assert (last.episode, last.reason) == (episode.id, "slipped")
    assert desk.replayed == []


def test_another_outcome_needs_another_replay(episode: Episode) -> None:
    desk = Desk(episode.path.parent)
    desk.say(episode.id, AnnotationKind.OUTCOME, Outcome.FAILURE)
    assert desk.replayed == [episode.path]


def test_what_comes_while_an_episode_is_being_saved_is_said_once_it_is(episode: Episode) -> None:
    desk = Desk(episode.path.parent, Heard.LATER)
    desk.say(episode.id, AnnotationKind.NOTE, "in between")
    assert open_episode(episode.path).labels.notes == ()
    desk.heard = Heard.NOT_HERE
    desk.labelling.sealed(episode.path)
    assert open_episode(episode.path).labels.notes == ("in between",)


@pytest.mark.parametrize("name", ["01K0000000000000000000000Z", "../../etc", ""])
def test_a_label_of_what_is_no_episode_is_logged_and_changes_nothing(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path)
    with caplog.at_level(logging.WARNING):
        desk.say(name, AnnotationKind.NOTE, "hello")
    assert caplog.records
    assert desk.labelling.last is None
    assert list(tmp_path.iterdir()) == []


def test_an_older_episode_that_is_labelled_does_not_become_the_last(tmp_path: Path) -> None:
    older, newer = record(tmp_path), record(tmp_path)
    desk = Desk(tmp_path)
    desk.labelling.sealed(newer.path)
    desk.say(older.id, AnnotationKind.DISCARDED)
    last = desk.labelling.last
    assert last is not None
    assert (last.episode, last.discarded) == (newer.id, False)
    assert open_episode(older.path).labels.discarded


def test_a_sync_that_hangs_keeps_nobody_waiting(
    episode: Episode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on, syncs, syncing = threading.Event(), os.fsync, threading.Event()

    def hangs(fd: int) -> None:
        syncing.set()
        assert goes_on.wait(60)
        syncs(fd)

    monkeypatch.setattr(os, "fsync", hangs)
    with ThreadPoolExecutor(1) as disk:
        desk = Desk(episode.path.parent, disk=disk)
        desk.say(episode.id, AnnotationKind.OUTCOME, Outcome.FAILURE)  # this thread would hang
        assert syncing.wait(60)
        assert desk.replayed == [], "nothing is told before it is kept"
        for _ in range(2 * WAITING):
            desk.say(episode.id, AnnotationKind.NOTE, "still there?")
        assert "hangs" in caplog.text
        goes_on.set()
    labels = open_episode(episode.path).labels
    assert (labels.outcome, len(labels.notes)) == (Outcome.FAILURE, WAITING - 1)
    assert desk.replayed == [episode.path]


# --- the recorder's part --------------------------------------------------------------------------


def test_what_was_said_while_recording_is_in_the_log_and_in_the_manifest(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    ticks = session()
    for tick in ticks:
        rec.tick(tick)
        if tick.tick == 150:
            break
    _, name, _, _ = rec.status()
    said = Said(episode=name, kind=AnnotationKind.NOTE, text="squeaks", by="bob")
    assert rec.say(said) is Heard.RECORDED
    outcome = Said(episode=name, kind=AnnotationKind.OUTCOME, text="failure", by="bob")
    assert rec.say(outcome) is Heard.LATER
    feed(rec, ticks)
    rec.close(stamp(10_000))
    episode = open_episode(rec.sealed()[0])
    episode.verify()
    assert episode.labels.notes == ("squeaks",)
    (label,) = [label for label in episode.manifest.ending.labels if label.kind == "note"]
    assert (label.tick, label.by) == (150, "bob")
    assert rec.say(said) is Heard.NOT_HERE
