"""Replays spread over real worker processes, which die, hang and come back."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from recorder.verdict import Kind
from teleop.replay_jobs import ReplayJob
from teleop.replay_pool import ATTEMPTS, judged_by_processes
from tests.unit.recorder_support import record

# The rover of these episodes is no robot that a worker knows: each answer is a verdict all the
# same (UNVERIFIABLE, no such robot), which is enough to see who answered and how often.


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[ReplayJob]:
    root = tmp_path_factory.mktemp("episodes")
    return [ReplayJob(path=str(record(root, drive=60 + n).path)) for n in range(3)]


def python_that(folder: Path, body: str) -> str:
    """A program to start workers with: runs `body` first, with `n` the number of its start."""
    count = folder / "count"
    program = folder / "python"
    program.write_text(
        f"""#!{sys.executable}
import os, sys, time
with open({str(count)!r}, "a") as starts:
    starts.write("x")
n = os.path.getsize({str(count)!r})
{body}
os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_every_job_is_answered_once(jobs: list[ReplayJob]) -> None:
    answers = list(judged_by_processes(jobs, workers=2))
    assert {answer.job.path for answer in answers} == {job.path for job in jobs}
    for answer in answers:
        assert answer.verdict is not None
        assert answer.verdict.verdict is Kind.UNVERIFIABLE
        assert "no robot of type" in answer.verdict.sentence


def test_a_worker_that_dies_costs_its_jobs_retry_and_nothing_else(
    jobs: list[ReplayJob], tmp_path: Path
) -> None:
    python = python_that(
        tmp_path, "if n == 1: sys.stdin.buffer.readline(); os.kill(os.getpid(), 9)"
    )
    answers = list(judged_by_processes(jobs, workers=1, python=python))
    assert all(answer.verdict is not None for answer in answers)
    assert sorted(answer.attempts for answer in answers) == [1, 1, 2]


def test_a_job_that_kills_every_worker_is_told_and_the_others_go_on(
    jobs: list[ReplayJob], tmp_path: Path
) -> None:
    python = python_that(
        tmp_path,
        f"if n <= {ATTEMPTS}: sys.stdin.buffer.readline(); os.kill(os.getpid(), 9)",
    )
    answers = list(judged_by_processes(jobs[:1], workers=1, python=python))
    assert [answer.verdict for answer in answers] == [None]
    assert f"{ATTEMPTS} times" in answers[0].error
    assert all(
        a.verdict is not None for a in judged_by_processes(jobs[1:], workers=1, python=python)
    )


@pytest.mark.long
def test_a_worker_that_hangs_is_ended(jobs: list[ReplayJob], tmp_path: Path) -> None:
    python = python_that(tmp_path, "if n == 1: time.sleep(600)")
    answers = list(judged_by_processes(jobs[:1], workers=1, python=python, limit_s=20.0))
    assert [(a.verdict is not None, a.attempts) for a in answers] == [(True, 2)]


def test_a_run_that_is_given_up_leaves_no_process(jobs: list[ReplayJob], tmp_path: Path) -> None:
    python = python_that(
        tmp_path, f"open({str(tmp_path)!r} + f'/pid{{n}}', 'w').write(str(os.getpid()))"
    )
    run = judged_by_processes(jobs, workers=1, python=python)
    next(run)
    run.close()
    (pid,) = [int(path.read_text()) for path in tmp_path.glob("pid*")]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
