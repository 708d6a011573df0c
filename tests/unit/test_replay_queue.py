"""Replays of what was sealed: one after the other, in a process that was there before."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from teleop import replay_queue
from teleop.replay_jobs import job_of
from teleop.replay_queue import ReplayQueue


class Pipe(io.StringIO):
    """Keeps what was written when it is closed."""

    text = ""

    def close(self) -> None:
        self.text = self.getvalue()
        super().close()


class Child:
    """A process that ends when it is told to."""

    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments
        self.stdin = Pipe()
        self.code: int | None = None
        self.ended = False

    def poll(self) -> int | None:
        return self.code


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    started: list[Child] = []

    def start(arguments: list[str]) -> Child:
        started.append(Child(arguments))
        return started[-1]

    def end(child: Child, patience_s: float = 5.0) -> int:
        child.ended = True
        return 0

    monkeypatch.setattr(replay_queue, "start_child", start)
    monkeypatch.setattr(replay_queue, "end_child", end)
    return started


def test_the_next_process_waits_before_there_is_an_episode(
    children: list[Child], tmp_path: Path
) -> None:
    queue = ReplayQueue()
    queue.prepare()
    queue.prepare()
    (child,) = children
    assert child.arguments == ["replay-worker", "--ahead"]
    queue.waiting.append(tmp_path / "one")
    queue.poll()
    assert len(children) == 1
    assert job_of(child.stdin.text.encode()).path == str(tmp_path / "one")
    assert queue.running == tmp_path / "one"


def test_one_episode_after_the_other_each_in_a_process_of_its_own(
    children: list[Child], tmp_path: Path
) -> None:
    queue = ReplayQueue()
    queue.waiting.extend([tmp_path / "one", tmp_path / "two"])
    queue.poll()
    queue.poll()
    assert len(children) == 1
    children[0].code = 0
    queue.poll()
    assert len(children) == 2
    assert queue.running == tmp_path / "two"
    assert queue.notice is not None
    assert (queue.notice.episode, queue.notice.verdict) == ("one", "NOT_APPLIED")


def test_a_waiting_process_that_somebody_ended_is_replaced(
    children: list[Child], tmp_path: Path
) -> None:
    queue = ReplayQueue()
    queue.prepare()
    children[0].code = -9
    queue.waiting.append(tmp_path / "one")
    queue.poll()
    assert children[0].ended
    assert children[1].stdin.text != ""


def test_closing_ends_both(children: list[Child], tmp_path: Path) -> None:
    queue = ReplayQueue()
    queue.waiting.append(tmp_path / "one")
    queue.poll()
    queue.prepare()
    queue.close()
    assert [child.ended for child in children] == [True, True]
