"""What a replay worker is asked and answers; when a verdict that is there will do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from recorder.driven import Driven
from recorder.library import open_episode
from recorder.replay import Wanted
from recorder.replayable import CannotReplay
from recorder.verdict import Kind
from teleop import replay_worker
from teleop.replay_jobs import ReplayJob, answer_of, covers, job_of, line_of
from teleop.replay_worker import judged
from tests.unit.recorder_support import Rover, record


@pytest.fixture(autouse=True)
def _rovers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_worker, "make_robot", lambda *_: Driven(Rover()))


@pytest.fixture
def job(tmp_path: Path) -> ReplayJob:
    return ReplayJob(path=str(record(tmp_path).path))


def test_a_job_and_its_answer_survive_the_line(job: ReplayJob) -> None:
    assert job_of(line_of(job)) == job
    answer = judged(job)
    assert answer.verdict is not None
    assert answer_of(line_of(answer)) == answer
    assert line_of(answer).count(b"\n") == 1


@pytest.mark.parametrize("line", [b"", b"\n", b"{}", b"{", b'{"path":1}', b'{"path":"x","y":1}'])
def test_a_line_that_is_no_job_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        job_of(line)


def test_a_verdict_that_is_up_to_date_is_not_made_again(job: ReplayJob) -> None:
    first, second = judged(job), judged(job)
    assert (first.kept, second.kept) == (False, True)
    assert second.verdict == first.verdict


def test_unless_it_is_asked_for(job: ReplayJob) -> None:
    judged(job)
    assert not judged(msgspec.structs.replace(job, again=True)).kept


@pytest.mark.parametrize("more", [{"repeats": 2}, {"margins": True}, {"prefix": True}])
def test_or_more_is_wanted_than_it_says(job: ReplayJob, more: dict[str, bool]) -> None:
    judged(job)
    asked = msgspec.structs.replace(job, **more)
    answer = judged(asked)
    assert not answer.kept
    assert answer.verdict is not None
    assert covers(answer.verdict, asked.wanted)
    assert judged(asked).kept


def test_or_the_robot_is_another_version_by_now(
    job: ReplayJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(job)

    class Newer(Rover):
        def describe(self, boot_id: str):  # type: ignore[no-untyped-def]
            return msgspec.structs.replace(super().describe(boot_id), versions={"integrator": "2"})

    monkeypatch.setattr(replay_worker, "make_robot", lambda *_: Driven(Newer()))
    answer = judged(job)
    assert not answer.kept
    assert answer.verdict is not None
    assert answer.verdict.verdict is Kind.EXACT


def test_what_is_not_to_be_kept_is_not_written(job: ReplayJob) -> None:
    answer = judged(msgspec.structs.replace(job, keep=False))
    assert answer.verdict is not None
    assert open_episode(Path(job.path)).verdict() is None


def test_an_episode_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    answer = judged(ReplayJob(path=str(tmp_path / "none")))
    assert answer.verdict is None
    assert "none" in answer.error


def test_what_could_not_be_replayed_is_tried_again(
    job: ReplayJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package that was missing may be there by now."""
    with monkeypatch.context() as missing:

        def no_robot(*_: object) -> Driven:
            raise CannotReplay("gym:Push is not installed")

        missing.setattr(replay_worker, "make_robot", no_robot)
        answer = judged(job)
        assert answer.verdict is not None
        assert answer.verdict.verdict is Kind.UNVERIFIABLE
    answer = judged(job)
    assert answer.verdict is not None
    assert answer.verdict.verdict is Kind.EXACT


def test_a_verdict_without_a_solution_has_all_there_is(tmp_path: Path) -> None:
    """Margins and prefixes are those of a solution: nothing more can be found out."""
    answer = judged(ReplayJob(path=str(record(tmp_path, drive=60).path)))
    assert answer.verdict is not None
    assert not answer.verdict.passed
    assert covers(answer.verdict, Wanted(margins=True, prefix=True))
    assert not covers(answer.verdict, Wanted(repeats=1))
