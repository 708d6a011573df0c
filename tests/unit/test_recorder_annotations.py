"""Labels given later count, the sealed files stay as they are, and an edited history is noticed."""

import os
import shutil
import threading
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.annotations import ANNOTATIONS_FILE, annotate, read_history
from recorder.driven import Driven
from recorder.episode import EndedBy, Ending, EpisodeError, Label
from recorder.export_lerobot import export_lerobot
from recorder.labels import Annotation, AnnotationKind, labels_of
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, open_episode
from recorder.validate import validate
from tests.unit.recorder_support import Rover, record
from transport.messages import Outcome

OUTCOME, NOTE, REASON = AnnotationKind.OUTCOME, AnnotationKind.NOTE, AnnotationKind.REASON
DISCARDED, RESTORED = AnnotationKind.DISCARDED, AnnotationKind.RESTORED


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    episode = record(tmp_path_factory.mktemp("sealed"))
    assert validate(episode, lambda _: Driven(Rover())).passed
    return episode.path


@pytest.fixture
def episode(sealed: Path, tmp_path: Path) -> Episode:
    shutil.copytree(sealed, tmp_path / sealed.name)
    return open_episode(tmp_path / sealed.name)


def say(episode: Episode, kind: AnnotationKind, text: str = "", by: str = "eve") -> Episode:
    annotate(episode.path, episode.manifest_sha256, kind, text, by)
    return open_episode(episode.path)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ANNOTATIONS_FILE}


# --- which label counts ---------------------------------------------------------------------------


def ending(*labels: Label, outcome: Outcome = Outcome.SUCCESS) -> Ending:
    return Ending(
        ended_by=EndedBy.HAND_BACK,
        outcome=outcome,
        operator="ada",
        intervention=0,
        start_tick=1,
        end_tick=2,
        labels=labels,
    )


def later(kind: AnnotationKind, text: str = "") -> Annotation:
    return Annotation(number=1, wall="", kind=kind, text=text, by="eve", previous="")


def test_without_annotations_the_sealed_labels_count() -> None:
    labels = labels_of(ending(), "Reach open floor")
    assert (labels.outcome, labels.task, labels.reason) == (Outcome.SUCCESS, "Reach open floor", "")
    assert (labels.notes, labels.discarded) == ((), False)


def test_the_last_word_counts_and_notes_add_up() -> None:
    said = [
        later(OUTCOME, "failure"),
        later(NOTE, "blurred"),
        later(OUTCOME, "unlabelled"),
        later(REASON, "wheel slipped"),
        later(NOTE, "see the other one"),
        later(AnnotationKind.TASK, "Dock"),
    ]
    labels = labels_of(ending(), "Reach open floor", said)
    assert (labels.outcome, labels.reason) == (Outcome.UNLABELLED, "wheel slipped")
    assert (labels.task, labels.notes) == ("Dock", ("blurred", "see the other one"))


def test_an_empty_task_returns_to_the_recorded_one() -> None:
    said = [later(AnnotationKind.TASK, "Dock"), later(AnnotationKind.TASK, "")]
    assert labels_of(ending(), "Reach open floor", said).task == "Reach open floor"


def test_what_was_said_while_recording_counts_until_something_is_said_later() -> None:
    sealed = ending(
        Label(tick=1, kind="note", text="dark"),
        Label(tick=2, kind="outcome", text="failure"),  # taken back before the hand-back
        Label(tick=2, kind="discarded", text="test run"),
    )
    labels = labels_of(sealed, "")
    assert (labels.outcome, labels.notes) == (Outcome.SUCCESS, ("dark",))
    assert (labels.discarded, labels.discarded_why) == (True, "test run")
    restored = labels_of(sealed, "", [later(RESTORED)])
    assert (restored.discarded, restored.discarded_why) == (False, "")


@given(st.lists(st.sampled_from([DISCARDED, RESTORED])))
def test_discarded_is_what_was_said_last(kinds: list[AnnotationKind]) -> None:
    labels = labels_of(ending(), "", [later(kind) for kind in kinds])
    assert labels.discarded == (kinds[-1:] == [DISCARDED])


# --- the file -------------------------------------------------------------------------------------


def test_a_label_given_later_counts_without_touching_the_sealed_files(episode: Episode) -> None:
    before = files(episode.path)
    relabelled = say(say(episode, OUTCOME, "failure"), REASON, "stuck on the rug")
    assert relabelled.labels.outcome is Outcome.FAILURE
    assert relabelled.labels.reason == "stuck on the rug"
    assert [(one.number, one.by) for one in relabelled.history.annotations] == [
        (1, "eve"),
        (2, "eve"),
    ]
    assert files(episode.path) == before
    relabelled.verify()


def test_an_annotation_is_on_the_disk_when_it_is_told(
    episode: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    say(episode, NOTE, "one")
    assert synced == [str(episode.path / ANNOTATIONS_FILE), str(episode.path)]


def test_a_torn_last_line_is_told_and_does_not_count(episode: Episode) -> None:
    say(say(episode, NOTE, "one"), OUTCOME, "failure")
    path = episode.path / ANNOTATIONS_FILE
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        history = read_history(episode.path, episode.manifest_sha256)
        assert len(history.annotations) == (size >= first)
        assert bool(history.torn) == (size not in (0, first))
    relabelled = say(episode, OUTCOME, "unlabelled")
    assert relabelled.labels.outcome is Outcome.UNLABELLED
    assert [one.number for one in relabelled.history.annotations] == [1, 2]
    relabelled.verify()


@pytest.mark.parametrize("edit", ["a word", "a line taken out", "lines swapped", "not JSON"])
def test_an_edited_history_is_noticed(episode: Episode, edit: str) -> None:
    for text in ("one", "two", "three"):
        say(episode, NOTE, text)
    path = episode.path / ANNOTATIONS_FILE
    one, two, three = path.read_bytes().splitlines(keepends=True)
    edited = {
        "a word": one.replace(b"one", b"own") + two + three,
        "a line taken out": one + three,
        "lines swapped": two + one + three,
        "not JSON": one + b"{\n" + three,
    }
    path.write_bytes(edited[edit])
    with pytest.raises(EpisodeError, match=r"annotations\.jsonl"):
        open_episode(episode.path).verify()


def test_annotations_of_another_episode_do_not_count(episode: Episode, tmp_path: Path) -> None:
    say(episode, OUTCOME, "failure")
    other = record(tmp_path / "other")
    shutil.copy(episode.path / ANNOTATIONS_FILE, other.path)
    with pytest.raises(EpisodeError, match="does not follow"):
        open_episode(other.path).labels  # noqa: B018


@pytest.mark.parametrize(
    ("kind", "text"), [(OUTCOME, "splendid"), (NOTE, "  "), (REASON, "x" * 4001)]
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    episode: Episode, kind: AnnotationKind, text: str
) -> None:
    with pytest.raises(EpisodeError):
        say(episode, kind, text)
    assert not (episode.path / ANNOTATIONS_FILE).exists()


def test_people_who_annotate_at_once_take_turns(episode: Episode) -> None:
    def write(who: str) -> None:
        for number in range(10):
            say(episode, NOTE, str(number), by=who)

    writers = [threading.Thread(target=write, args=(who,)) for who in ("ada", "eve", "joe")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    history = read_history(episode.path, episode.manifest_sha256)
    assert [one.number for one in history.annotations] == list(range(1, 31))


# --- verdict and export ---------------------------------------------------------------------------


def test_a_verdict_judged_with_another_outcome_is_out_of_date(episode: Episode) -> None:
    verdict = episode.verdict()
    assert verdict is not None
    assert episode.doubt(verdict) == ""
    relabelled = say(episode, OUTCOME, "failure")
    assert "judged as success and is labelled failure" in relabelled.doubt(verdict)
    again = validate(relabelled, lambda _: Driven(Rover()))
    assert again.evidence.label is Outcome.FAILURE
    assert relabelled.doubt(again) == ""


def test_a_verdict_of_another_manifest_is_out_of_date(episode: Episode) -> None:
    verdict = episode.verdict()
    assert verdict is not None
    other = msgspec.structs.replace(verdict, manifest_sha256="00" * 32)
    assert "another manifest" in episode.doubt(other)


def test_an_export_goes_by_the_labels_that_count(episode: Episode, tmp_path: Path) -> None:
    relabelled = say(episode, OUTCOME, "failure")
    with pytest.raises(EpisodeError, match="replay it again"):
        export_lerobot([relabelled], tmp_path / "refused")
    renamed = say(relabelled, AnnotationKind.TASK, "Leave the rug")
    out = export_lerobot(
        [renamed], tmp_path / "set", options=ExportOptions(include_unverified=True)
    ).path
    row = pq.read_table(out / "meta/episodes/chunk-000/file-000.parquet").to_pylist()[0]
    assert (row["success"], row["unstick/outcome"]) == (False, "failure")
    assert row["replay/verdict"] == "NOT_REPLAYED"  # what was judged is something else
    assert row["tasks"] == ["Leave the rug"]


def test_a_discarded_episode_is_left_out_and_kept(episode: Episode, tmp_path: Path) -> None:
    discarded = say(episode, DISCARDED, "a child in the picture")
    with pytest.raises(EpisodeError, match="a child in the picture"):
        export_lerobot(
            [discarded], tmp_path / "set", options=ExportOptions(include_unverified=True)
        )
    discarded.verify()
    assert export_lerobot([say(discarded, RESTORED)], tmp_path / "set").episodes == (episode.id,)
