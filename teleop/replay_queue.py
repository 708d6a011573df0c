"""Replays what was sealed, one episode after the other, each in a fresh process of its own.

Loading a simulator takes as long as the replay of most episodes, so the process of the next one is
started while it is recorded, and waits: the operator sees the verdict that much sooner.

The media process polls it; nothing here waits. The verdict lies beside the episode, the last one is
told to the operators.
"""

from __future__ import annotations

import logging
import subprocess
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from recorder.episode import EpisodeError
from recorder.library import open_episode
from teleop.child import end_child, start_child
from teleop.replay_jobs import ReplayJob, line_of
from transport.clock import NS_PER_S, now_ns
from transport.messages import VerdictNotice

log = logging.getLogger("media")

LIMIT_S = 600  # a replay runs many times faster than the episode did


@dataclass
class ReplayQueue:
    """Replays sealed episodes one after the other, each in a fresh process at low priority."""

    scene: Path | None = None
    waiting: deque[Path] = field(default_factory=deque)
    running: Path | None = None
    notice: VerdictNotice | None = None
    _process: subprocess.Popen[str] | None = None
    _next: subprocess.Popen[str] | None = None  # has loaded what it needs, and waits
    _limit_ns: int = 0  # when the running replay has taken too long

    def poll(self) -> None:
        """Start the next replay, or fetch the verdict of one that has ended; never waits."""
        if self._process is not None and self.running is not None:
            if self._process.poll() is None and now_ns() < self._limit_ns:
                return
            end_child(self._process)
            self.notice = _notice(self.running)
            log.info("%s: %s", self.running.name, self.notice.verdict)
            self._process = self.running = None
        if self.waiting:
            self.running = self.waiting.popleft()
            self._limit_ns = now_ns() + LIMIT_S * NS_PER_S
            self._process = self._started(self.running)

    def prepare(self) -> None:
        """Start the process of the next replay; never waits, and does nothing when there is one."""
        if self._next is not None and self._next.poll() is not None:
            end_child(self._next)  # somebody has ended it
            self._next = None
        if self._next is None:
            self._next = start_child(["replay-worker", "--ahead"])

    def _started(self, episode: Path) -> subprocess.Popen[str]:
        """The waiting process, which judges this one episode and ends."""
        self.prepare()
        process, self._next = self._next, None
        assert process is not None
        assert process.stdin is not None
        job = ReplayJob(path=str(episode.absolute()), scene=str(self.scene or ""))
        try:
            process.stdin.write(line_of(job).decode())
            process.stdin.close()
        except BrokenPipeError:  # it ended just now: the next poll tells that it gave no verdict
            log.warning("the process that was to replay %s has ended", episode.name)
        return process

    def close(self) -> None:
        """End a replay that is under way; the next `unstick validate` makes up for it."""
        for process in (self._process, self._next):
            if process is not None:
                end_child(process, patience_s=1.0)
        self._process = self._next = None


def _notice(episode: Path) -> VerdictNotice:
    try:
        verdict = open_episode(episode).verdict()
    except EpisodeError as error:
        log.error("%s", error)
        verdict = None
    if verdict is None:
        return VerdictNotice(
            episode=episode.name,
            verdict="NOT_APPLIED",
            sentence="The replay ended without a verdict; run unstick validate to see why.",
        )
    return VerdictNotice(
        episode=episode.name, verdict=verdict.verdict, sentence=verdict.sentence[:400]
    )
