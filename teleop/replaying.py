"""A replay on hardware beside the operator's link: loads it, carries it on, writes it down.

`look` and `asked` are called by the link's thread, `judge`, `view` and `close` by the window's.
Nothing here decides: see `teleop.live_replay`. The line in the library is written by a thread of
its own, so that neither commands nor the window wait for a disk.
"""

from __future__ import annotations

import threading
from pathlib import Path

from recorder.demonstration import demonstration_of
from recorder.hardware_replays import HardwareReplay, note_replay
from recorder.library import open_episode
from teleop.hardware_replay import Plan, Played, Player, Stage, plan_of, played
from teleop.live_replay import LiveReplay, Seen
from teleop.operator_input import OperatorInput
from teleop.operator_view import ReplayView
from transport.clock import now_ns, wall_time
from transport.messages import MarkMoment, Outcome

WRITE_S = 10.0  # a disk that takes longer is not waited for when the console closes


class Replaying:
    """One demonstration for one robot, played once."""

    def __init__(
        self, plan: Plan, library: Path, manifest_sha256: str = "", speed: float = 1.0
    ) -> None:
        """`library` is where what it showed is written down; the hash is of the episode's manifest.

        Raises:
            ConfigError: no such speed.
        """
        self._library, self._manifest_sha256 = library, manifest_sha256
        self._lock = threading.Lock()
        self._live = LiveReplay(Player(plan, speed))
        self._robot = ""
        self._trouble = ""
        self._writer: threading.Thread | None = None

    @classmethod
    def of(cls, path: Path, speed: float = 1.0) -> Replaying:
        """Of the episode in folder `path`.

        Raises:
            ConfigError: no such speed.
            EpisodeError: the episode cannot be read.
            NothingToReplay: it cannot be played on hardware.
        """
        episode = open_episode(path)
        plan = plan_of(demonstration_of(episode, with_states=False))
        return cls(plan, path.resolve().parent, episode.manifest_sha256, speed)

    def look(self, seen: Seen, stamp_ns: int) -> MarkMoment | None:
        """Carry it on; the marker for the robot's record in the moment it begins."""
        with self._lock:
            before, self._live = self._live, self._live.looked(seen, stamp_ns)
            if seen.state is not None:
                self._robot = seen.state.robot
            self._write_when_over(before)
            if before.begun or not self._live.begun or seen.state is None:
                return None
            note = f"replay of {self._live.player.plan.name}"
            return MarkMoment(epoch=seen.state.lease.epoch, note=note)

    def asked(self, hands: OperatorInput) -> OperatorInput:
        """What goes to the robot while the hands do that."""
        with self._lock:
            return self._live.asked(hands)

    def judge(self, outcome: Outcome) -> None:
        """The operator says whether it solved the task; heeded once it was played to its end."""
        with self._lock:
            before, self._live = self._live, self._live.judged(outcome)
            self._write_when_over(before)

    def view(self) -> ReplayView | None:
        """For the screen."""
        with self._lock:
            return self._live.view(self._trouble)

    def close(self) -> None:
        """The console goes away: write down what there is; idempotent."""
        with self._lock:
            before, self._live = self._live, self._live.closed(now_ns())
            if before.begun:
                self._write_when_over(before)
            writer = self._writer
        if writer is not None:
            writer.join(WRITE_S)

    def _write_when_over(self, before: LiveReplay) -> None:
        over = self._live.player.stage is Stage.ENDED
        if over and before.player.stage is not Stage.ENDED:
            self._writer = threading.Thread(
                target=self._write, args=(played(self._live.player), self._robot), name="replays"
            )
            self._writer.start()

    def _write(self, done: Played, robot: str) -> None:
        record = HardwareReplay(
            wall=wall_time().isoformat(timespec="milliseconds"),
            episode=done.demonstration,
            manifest_sha256=self._manifest_sha256,
            robot=robot,
            speed=done.speed,
            played=done.played,
            actions=done.actions,
            approached=done.approached,
            worst=done.worst,
            judged=done.judged,
            sentence=done.sentence,
        )
        try:
            note_replay(self._library, record)
        except OSError as error:
            with self._lock:
                why = error.strerror or error
                self._trouble = f"It could not be written to {self._library}: {why}."
