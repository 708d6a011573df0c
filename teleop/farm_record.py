"""Reads what a farm's robots have recorded: the robots' side of its balance."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from recorder.episode import EndedBy
from recorder.library import Episode, list_episodes, open_episode
from teleop.farm_ledger import Recorded
from teleop.farm_plan import Post
from teleop.sim_rover import SimRover


def recorded(post: Post, episodes: Path, before: Collection[Path] = ()) -> Iterator[Recorded]:
    """Every episode of one robot that is not among those from `before`, oldest first.

    Whether the goal held at a hand-back is asked of the simulator, in the state recorded there.

    Raises:
        EpisodeError: one cannot be read.
        RobotError: there is no simulator here.
    """
    rover: SimRover | None = None
    for folder in sorted(list_episodes(episodes)):
        if folder in before:
            continue
        episode = open_episode(folder)
        ending = episode.manifest.ending
        solved = None
        if ending.ended_by is EndedBy.HAND_BACK:
            rover = rover or SimRover.from_description(episode.manifest.description)
            rover.restore(_state_at(episode, ending.end_tick))
            solved = rover.solved()
        kinds = [label.kind for label in ending.labels]
        yield Recorded(
            robot=post.name,
            boot_id=episode.manifest.description.boot_id,
            episode=episode.id,
            calls=kinds.count("call"),
            drivers=tuple(label.by for label in ending.labels if label.kind == "takeover"),
            ended_by=ending.ended_by,
            outcome=ending.outcome,
            intervention=ending.intervention,
            solved=solved,
        )


def _state_at(episode: Episode, number: int) -> bytes:
    """The complete state before one of its ticks."""
    return next(tick.state for tick in episode.ticks() if tick.tick == number)
