"""A data set that Unstick exported is validated from its library: labels, states and all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recorder.annotations import annotate
from recorder.driven import Driven
from recorder.export_lerobot import export_lerobot
from recorder.labels import AnnotationKind
from recorder.library import Episode
from recorder.validate import validate
from recorder.verdict import Kind
from teleop import replay_robots, replay_worker, validation
from teleop.replay_jobs import ReplayAnswer, ReplayJob
from teleop.replay_worker import judged
from teleop.validation import Asked, run_validation
from tests.unit.recorder_support import Rover, record
from transport.messages import Outcome


@pytest.fixture
def episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Episode]:
    """Two proved ones, of a robot that a worker knows."""
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover()))
    found = [record(tmp_path / "episodes", drive=drive) for drive in (180, 190)]
    for one in found:
        assert validate(one, lambda _: Driven(Rover())).passed
    return found


@pytest.fixture
def data_set(tmp_path: Path, episodes: list[Episode]) -> Path:
    export_lerobot(episodes, tmp_path / "set")
    return tmp_path / "set"


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the jobs that were really replayed."""
    done: list[str] = []

    def noting(job: ReplayJob) -> ReplayAnswer:
        done.append(job.name)
        return replay_worker.judged(job)

    monkeypatch.setattr(validation, "judged", noting)
    return done


def run(data_set: Path) -> int:
    asked = Asked(start=str(data_set.parent / "episodes"))
    return run_validation(data_set, json=True, background=False, asked=asked)


def job(data_set: Path) -> ReplayJob:
    return ReplayJob(path=str(data_set), episode=0, start=str(data_set.parent / "episodes"))


def test_its_labels_and_its_recorded_states_are_checked(data_set: Path) -> None:
    verdict = judged(job(data_set)).verdict
    assert verdict is not None
    assert verdict.passed
    assert verdict.evidence.one_step is not None
    assert verdict.evidence.one_step.failed == 0
    assert verdict.evidence.controls is not None
    assert verdict.evidence.controls.recorded_states_solved is True
    assert verdict.versions_recorded


def test_a_column_that_was_scaled_is_a_label_fault(data_set: Path) -> None:
    """Unlike in somebody else's set, where only success would show it."""
    file = min((data_set / "data").rglob("*.parquet"))  # of the first episode
    table = pq.read_table(file)
    for name in ("action", "unstick.action_ticks"):
        column = table[name].combine_chunks()
        halved = [[0.5 * value for value in row] for row in column.to_pylist()]
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(halved, column.type))
    pq.write_table(table, file)
    verdict = judged(job(data_set)).verdict
    assert verdict is not None
    assert verdict.verdict is Kind.LABEL_FAULT


def test_a_second_run_replays_nothing_until_an_outcome_is_another(
    data_set: Path, episodes: list[Episode], replays: list[str]
) -> None:
    assert run(data_set) == 0
    assert run(data_set) == 0
    assert replays == ["set#0", "set#1"]
    said = (AnnotationKind.OUTCOME, Outcome.FAILURE, "ada")
    annotate(episodes[1].path, episodes[1].manifest_sha256, *said)
    assert run(data_set) == 1
    assert replays[2:] == ["set#1"]


def test_a_file_that_is_gone_is_told_and_the_other_verdicts_are_kept(
    data_set: Path, replays: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data_set) == 0
    gone = max((data_set / "data").rglob("*.parquet"))  # of the second episode
    gone.unlink()
    assert run(data_set) == 2
    assert replays[2:] == ["set#1"]
    assert gone.name in capsys.readouterr().out


def test_a_library_that_lacks_the_episode_is_told(data_set: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    answer = judged(ReplayJob(path=str(data_set), episode=0, start=str(tmp_path / "other")))
    assert answer.verdict is None
    assert str(tmp_path / "other") in answer.error
