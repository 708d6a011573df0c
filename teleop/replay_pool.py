"""Spreads replay jobs over processes of this machine.

Each worker is a process of its own that is given one job at a time. One that dies takes its job
with it, which is tried once more in a fresh process, and nothing else; one that says nothing for
too long is ended and counts as dead.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from teleop.replay_jobs import ReplayAnswer, ReplayJob, answer_of, line_of

ATTEMPTS: Final = 2
LIMIT_S: Final = 600.0  # a replay runs many times faster than the episode did


def judged_by_processes(
    jobs: Sequence[ReplayJob],
    workers: int,
    *,
    python: str = sys.executable,
    limit_s: float = LIMIT_S,
) -> Iterator[ReplayAnswer]:
    """The answer to every job, in the order in which they come; `python` is who runs them."""
    waiting: queue.SimpleQueue[tuple[ReplayJob, int]] = queue.SimpleQueue()
    answers: queue.SimpleQueue[ReplayAnswer] = queue.SimpleQueue()
    for job in jobs:
        waiting.put((job, 1))
    hands = [
        _Worker(waiting, answers, python, limit_s) for _ in range(max(1, min(workers, len(jobs))))
    ]
    for hand in hands:
        hand.start()
    try:
        for _ in jobs:
            yield answers.get()
    finally:
        for hand in hands:
            hand.end()


class _Worker:
    """One thread that feeds one process after the other."""

    def __init__(
        self,
        waiting: queue.SimpleQueue[tuple[ReplayJob, int]],
        answers: queue.SimpleQueue[ReplayAnswer],
        python: str,
        limit_s: float,
    ) -> None:
        self._waiting = waiting
        self._answers = answers
        self._python = python
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._work, name="replays", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """End the process, whatever it does; what it had not answered is not judged."""
        self._leaving.set()
        if (process := self._process) is not None:
            process.kill()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._leaving.is_set():
                try:
                    job, attempt = self._waiting.get(block=False)
                except queue.Empty:
                    return
                answer = self._asked(job)
                if answer is not None:
                    self._answers.put(msgspec.structs.replace(answer, attempts=attempt))
                elif attempt < ATTEMPTS:
                    self._waiting.put((job, attempt + 1))
                else:
                    why = (
                        f"{job.name}: its replay ended the process, or took over "
                        f"{self._limit_s:.0f} s, {attempt} times. Leave it out."
                    )
                    self._answers.put(ReplayAnswer(job=job, error=why, attempts=attempt))
        finally:
            self._let_go()

    def _asked(self, job: ReplayJob) -> ReplayAnswer | None:
        """The answer of the process; None when it died over this job."""
        process = self._process
        if process is None:
            try:
                process = self._process = subprocess.Popen(
                    [self._python, "-m", "teleop", "replay-worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            except OSError as error:
                why = f"{job.name}: no process can be started for it ({error.strerror})."
                return ReplayAnswer(job=job, error=why)
        assert process.stdin is not None
        assert process.stdout is not None
        alarm = threading.Timer(self._limit_s, process.kill)
        alarm.start()
        try:
            process.stdin.write(line_of(job))
            process.stdin.flush()
            return answer_of(process.stdout.readline())
        except (OSError, msgspec.DecodeError):
            process.kill()
            self._let_go()
            return None
        finally:
            alarm.cancel()

    def _let_go(self) -> None:
        if (process := self._process) is None:
            return
        self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()
