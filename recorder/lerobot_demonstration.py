"""A demonstration as a data set has it: at the set's own rate and precision.

What is trained on is what has to solve the task. Of a set that Unstick wrote, the recorded episode
knows the start and all states, so its labels are checked as well; of anybody else's, somebody has
to say which robot it is for and where each episode starts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration, NothingToReplay, demonstration_of
from recorder.episode import EpisodeError
from recorder.lerobot_set import Column, LeRobotSet, SetEpisode
from recorder.library import Episode, open_episode
from recorder.sources import SOURCES_FILE
from recorder.verdict import SOLVED_HOLD_STEPS, Diagnosis, Fault
from transport.messages import Description, Outcome

TICK: Final = "unstick.tick"
EACH_TICK: Final = "unstick.action_ticks"


def name_of(data_set: LeRobotSet, episode: SetEpisode) -> str:
    """How an episode of a data set is called."""
    return f"{data_set.path.name}#{episode.index}"


def recorded_episode(episode: SetEpisode, library: Path) -> Episode:
    """The episode of `library` that one of ours was exported from.

    Raises:
        EpisodeError: there is none, or the set is not one of ours.
    """
    told = episode.said.get("unstick/episode")
    if not told:
        raise EpisodeError(
            f"Episode {episode.index} does not say what it was made from",
            library,
            "Name a robot and a start (--robot, --start); see recorder/README.md.",
        )
    return open_episode(library / str(told))


def own_demonstration(
    data_set: LeRobotSet, episode: SetEpisode, library: Path
) -> tuple[Demonstration, Diagnosis | None]:
    """An episode that Unstick exported, and what its columns themselves contradict.

    Its `fine` demonstration has what every control tick was told, in the set's precision.

    Raises:
        EpisodeError: it or its recording cannot be read.
        NothingToReplay: it has no intervention.
    """
    recorded = recorded_episode(episode, library)
    raw = demonstration_of(recorded)
    columns = data_set.columns(episode, ("action", TICK, EACH_TICK))
    for name in ("action", TICK, EACH_TICK):
        if name not in columns:
            raise EpisodeError(
                f"Episode {episode.index} lacks the column {name!r}",
                data_set.path / SOURCES_FILE,
                "Export it again.",
            )
    places = np.searchsorted(raw.numbers, columns[TICK])
    inside = (places < len(raw.numbers)) & (
        raw.numbers[np.minimum(places, len(raw.numbers) - 1)] == columns[TICK]
    )
    rows = np.flatnonzero(inside)
    if len(rows) < 2:
        raise NothingToReplay("The intervention is not among its rows: nothing can be replayed.")
    width, steps = raw.actions.shape[1], raw.description.tick_hz // data_set.fps
    at = places[rows]
    if (np.diff(at) != steps).any():
        raise NothingToReplay("Rows are missing within the intervention.")
    states = raw.states
    assert states is not None
    action = np.asarray(columns["action"][rows], np.float64)
    each = np.asarray(columns[EACH_TICK][rows], np.float64).reshape(len(rows), steps, width)
    # The last row is played only as far as its following state was recorded.
    n = len(rows) if at[-1] + steps < len(states) else len(rows) - 1
    last = int(at[0]) + n * steps
    fine = replace(
        raw,
        name=name_of(data_set, episode),
        actions=each[:n].reshape(-1, width),
        states=states[at[0] : last + 1],
        start=raw.state(int(at[0])),
        end=min(max(raw.end - int(at[0]), 1), n * steps),
        numbers=raw.numbers[at[0] : last + 1],
        observations=None,
        ages_s=raw.ages_s[at[0] : last],
        seams=frozenset(),
        rounded=True,
    )
    coarse = replace(
        fine,
        actions=action[:n],
        states=fine.states[::steps] if fine.states is not None else None,
        end=min(-(-fine.end // steps), n),
        numbers=fine.numbers[::steps],
        ages_s=fine.ages_s[::steps],
        steps_per_action=steps,
        fine=fine,
    )
    return coarse, _contradiction(action, each[:, 0], columns[TICK][rows])


def _contradiction(action: Column, first: Column, ticks: Column) -> Diagnosis | None:
    """`action` is what the row's own tick was told, which the set says twice."""
    differing = np.flatnonzero((action != first).any(axis=1))
    if not len(differing):
        return None
    return Diagnosis(
        fault=Fault.CONTRADICTION,
        sentence=(
            f"In {len(differing)} of {len(action)} rows the column action is not what {EACH_TICK} "
            f"says of the same tick, the first at tick {int(ticks[differing[0]])}."
        ),
        advice="Another program has changed one of them; export the set again.",
        explains=1.0,
    )


def foreign_demonstration(
    data_set: LeRobotSet, episode: SetEpisode, description: Description, start: bytes
) -> Demonstration:
    """An episode of anybody's set, for a robot of `description` that starts at `start`.

    Sets end when the task is solved, often with that very row: behind the last one its action goes
    on, so that it shows whether the task stays solved, as far as the robot's episodes may last.

    Raises:
        EpisodeError: it cannot be read.
        NothingToReplay: its rate or its actions are not those of the robot.
    """
    names = data_set.names("action")
    if len(names) != len(description.action_names):
        raise NothingToReplay(
            f"Its actions have {len(names)} numbers, the robot takes "
            f"{len(description.action_names)} ({', '.join(description.action_names)}). Name the "
            "robot and the options it was recorded with."
        )
    steps, odd = divmod(description.tick_hz, data_set.fps)
    if odd or not steps:
        raise NothingToReplay(
            f"It has {data_set.fps} rows a second, the robot takes {description.tick_hz} actions a "
            "second: no row lasts a whole number of them. If each row is one action, correct fps "
            "in meta/info.json; else name the robot with the options that give this rate."
        )
    found = data_set.columns(episode, ("action",))
    if "action" not in found or not len(found["action"]):
        raise NothingToReplay("It has no rows with a column action: there is nothing to replay.")
    actions = np.asarray(found["action"], np.float64).reshape(len(found["action"]), -1)
    if actions.shape[1] != len(names):
        raise NothingToReplay(
            f"meta/info.json says that an action has {len(names)} numbers, its rows have "
            f"{actions.shape[1]}: convert the set again."
        )
    if not np.isfinite(actions).all():
        raise NothingToReplay("Its actions are not numbers everywhere.")
    n = len(actions)
    limit, after = int(description.controller.get("max_episode_steps", 0)), SOLVED_HOLD_STEPS
    if limit:  # some environments refuse to go on behind it
        after = min(after, max(0, limit // steps - n))
    return Demonstration(
        name=name_of(data_set, episode),
        description=description,
        label=_label(data_set, episode),
        actions=np.concatenate([actions, np.repeat(actions[-1:], after, axis=0)]),
        states=None,
        start=start,
        end=n,
        numbers=np.arange(n + after + 1),
        steps_per_action=steps,
        rounded=found["action"].dtype != np.float64,
    )


def _label(data_set: LeRobotSet, episode: SetEpisode) -> Outcome:
    """What the set itself claims, where it says so; demonstrations are meant to be successes."""
    success = episode.said.get("success")
    if success is None:
        found = data_set.columns(episode, ("next.success",))
        success = bool(np.any(found["next.success"])) if found else None
    declared = success is not None and not success
    return Outcome.FAILURE if declared else Outcome.SUCCESS
