"""What operators say about episodes, brought to where it belongs, and what counts of the last one.

Used by the recorder's thread, which never waits for a disk: what is said about the open episode
goes into its log; about a sealed one, beside its files, on a thread that reads and syncs them; in
between it waits for the seal. Another outcome needs another replay.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from recorder.annotations import annotate
from recorder.episode import EpisodeError, is_episode_id
from recorder.episode_recorder import Heard
from recorder.library import Episode, open_episode
from transport.messages import AnnotationKind, LastEpisode, Said

log = logging.getLogger("recorder")

WAITING: Final = 100  # said and not kept yet; more than anybody types


class Labelling:
    """Of one robot's episodes."""

    def __init__(
        self,
        episodes: Path,
        to_recorder: Callable[[Said], Heard],
        replay: Callable[[Path], None],
        disk: Executor | None = None,
        sealed: Callable[[Episode], None] | None = None,
    ) -> None:
        """`to_recorder` says it to whoever has the open episode; `replay` judges a sealed one.

        `disk` runs jobs one after the other; by default a thread of its own. `replay` is called
        there, and `sealed` with each episode once it is complete.
        """
        self._episodes = episodes
        self._to_recorder = to_recorder
        self._replay = replay
        self._told_sealed = sealed
        self._disk = disk or ThreadPoolExecutor(1, thread_name_prefix="labels")
        self._owned = disk is None
        self._jobs: deque[Future[None]] = deque()
        self._waiting: deque[Said] = deque(maxlen=WAITING)
        self.last: LastEpisode | None = None  # any thread may look

    def say(self, said: Said) -> None:
        """Take one thing in; never raises for what a disk or a stranger does."""
        if not is_episode_id(said.episode):
            log.warning("%s labels %r, which is no episode", said.by, said.episode)
            return
        heard = self._to_recorder(said)
        if heard is Heard.LATER:
            self._waiting.append(said)
        elif heard is Heard.NOT_HERE:
            self._later(lambda: self._annotate(said), f"{said.kind} of {said.by}")

    def sealed(self, folder: Path) -> None:
        """An episode is complete: what waited is said again."""
        self._later(lambda: self._meet(folder), folder.name)
        waiting = tuple(self._waiting)
        self._waiting.clear()
        for said in waiting:
            self.say(said)

    def close(self) -> None:
        """Wait until all that was said is kept; idempotent."""
        if self._owned:
            self._disk.shutdown(wait=True)

    def _later(self, job: Callable[[], None], what: str) -> None:
        """Have the disk's thread do it; a disk that hangs must not fill the memory."""
        while self._jobs and self._jobs[0].done():
            self._jobs.popleft().result()  # a fault of ours ends the recorder's thread, loudly
        if len(self._jobs) >= WAITING:
            log.error("the disk hangs: %s is not kept", what)
            return
        self._jobs.append(self._disk.submit(job))

    def _annotate(self, said: Said) -> None:
        folder = self._episodes / said.episode
        try:
            episode = open_episode(folder)
            annotate(folder, episode.manifest_sha256, said.kind, said.text, said.by)
            log.info("%s: %s %s, says %s", said.episode, said.kind, said.text, said.by)
        except (EpisodeError, OSError) as error:
            log.error("%s of %s is not kept: %s", said.kind, said.by, error)
            return
        if said.kind is AnnotationKind.OUTCOME:
            self._replay(folder)
        if self.last is None or self.last.episode <= said.episode:
            self._tell(folder)

    def _meet(self, folder: Path) -> None:
        episode = self._tell(folder)
        if episode is not None and self._told_sealed is not None:
            self._told_sealed(episode)

    def _tell(self, folder: Path) -> Episode | None:
        try:
            episode = open_episode(folder)
        except EpisodeError as error:
            log.error("%s", error)
            return None
        self.last = _last(episode)
        return episode


def _last(episode: Episode) -> LastEpisode:
    labels = episode.labels
    return LastEpisode(
        episode=episode.id,
        outcome=labels.outcome,
        reason=labels.reason[:400],
        discarded=labels.discarded,
    )
