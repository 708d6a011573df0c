"""A demonstration as arrays: what a replay needs of it, wherever it is stored.

n actions lead through n + 1 states: state i is before action i. Pure but for `demonstration_of`,
which reads the log of an episode once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from recorder.contents import Removed, between, lost_before
from recorder.driven import values_of
from recorder.library import Episode
from recorder.replayable import Numbers
from recorder.series import Integers
from recorder.verdict import SOLVED_HOLD_STEPS
from transport.messages import Description, Outcome, Tick

UNKNOWN_AGE_S: Final = -1.0


class NothingToReplay(Exception):
    """A demonstration has no part that could be replayed; the message says why, as a sentence."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """One demonstration of a task, from the takeover until shortly after the hand-back."""

    name: str
    description: Description
    label: Outcome
    actions: Numbers  # (n, k): what the robot was told, in the order of the action names
    states: Numbers | None  # (n + 1, s): complete states; None: none were stored
    start: bytes  # where a replay begins; the first state, unless another source names it
    end: int  # index of the state at the hand-back
    numbers: Integers  # (n + 1,): of each tick or row, as it was recorded
    observations: Numbers | None = None  # (n + 1, m), in the order of the observation names
    ages_s: Numbers = field(default_factory=lambda: np.empty(0))  # (n,): of the operator's command
    seams: frozenset[int] = frozenset()  # actions after which a trim has taken something out
    lost: int = 0  # ticks of this part that never reached the recorder
    steps_per_action: int = 1  # a set of 30 rows a second on a robot of 60 ticks: 2
    rounded: bool = False  # its actions were stored in single precision
    fine: Demonstration | None = None  # the same for each step of the robot: for its labels
    rest: Numbers | None = None  # (k,): the action that asks for nothing; None: all zero

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Of the columns of `actions`."""
        return self.description.action_names

    @property
    def still(self) -> Numbers:
        """(k,): the action that asks for nothing."""
        return np.zeros(self.actions.shape[1]) if self.rest is None else self.rest

    @property
    def step_s(self) -> float:
        """Time between two actions."""
        return self.steps_per_action / self.description.tick_hz

    @property
    def window(self) -> range:
        """States whose goal test decides whether the task was solved and stayed solved."""
        return range(max(0, self.end - SOLVED_HOLD_STEPS + 1), len(self) + 1)

    def state(self, index: int) -> bytes:
        """State `index` as a robot wants it; there must be states."""
        assert self.states is not None
        state: bytes = self.states[index].astype("<f8").tobytes()
        return state


def demonstration_of(episode: Episode, *, with_states: bool = True) -> Demonstration:
    """The intervention of an episode: takeover to hand-back and up to ten ticks beyond.

    Complete states are needed where a robot is put back to them; a real one has none.

    Raises:
        EpisodeError: the log cannot be read.
        NothingToReplay: nobody took over, or there is no complete state.
    """
    manifest = episode.manifest
    if manifest.ending.start_tick < 0:
        raise NothingToReplay("Nobody took over in this episode: there is nothing to replay.")
    return demonstration_from(
        episode.ticks(),
        name=episode.id,
        description=manifest.description,
        label=episode.labels.outcome,
        start_tick=manifest.ending.start_tick,
        end_tick=manifest.ending.end_tick,
        removed=manifest.removed,
        with_states=with_states,
    )


def demonstration_from(
    ticks: Iterable[Tick],
    *,
    name: str,
    description: Description,
    label: Outcome,
    start_tick: int,
    end_tick: int,
    removed: Removed = (),
    with_states: bool = True,
) -> Demonstration:
    """The same from control ticks in order, wherever they come from.

    Raises:
        NothingToReplay: the intervention is not among them, or not every one has a state.
    """
    names = description.action_names
    actions, measured, ages = array("d"), array("d"), array("d")
    numbers: list[int] = []
    states: list[bytes] = []
    seams: set[int] = set()
    end = lost = 0
    previous: Tick | None = None
    for tick in ticks:
        if tick.tick < start_tick:
            continue
        if previous is not None:
            lost += lost_before(previous.tick, tick, removed)
            if between(previous.tick, tick, removed):
                seams.add(len(numbers) - 1)
        if tick.tick <= end_tick:
            end = len(numbers)
        elif len(numbers) - end >= SOLVED_HOLD_STEPS:
            break
        numbers.append(tick.tick)
        actions.extend(values_of(tick.applied, names))
        measured.extend(tick.observation)
        ages.append(tick.command_age_ms / 1e3 if tick.command_age_ms >= 0 else UNKNOWN_AGE_S)
        states.append(tick.state if with_states else b"")
        previous = tick
    if not numbers or numbers[0] != start_tick or end == 0:
        raise NothingToReplay(
            "The intervention is not in the record: there is no start to replay from."
        )
    if with_states and not all(states):
        raise NothingToReplay(
            "This robot recorded no complete state: there is no start to replay from."
        )
    if with_states and (len({len(state) for state in states}) > 1 or len(states[0]) % 8):
        raise NothingToReplay("The recorded states differ in size: some are not of this robot.")
    n = len(numbers)
    return Demonstration(
        name=name,
        description=description,
        label=label,
        actions=np.array(actions).reshape(n, -1)[:-1],
        states=np.frombuffer(b"".join(states), "<f8").astype(np.float64).reshape(n, -1)
        if with_states
        else None,
        start=states[0] if with_states else b"",
        end=end,
        numbers=np.array(numbers, np.int64),
        observations=np.array(measured).reshape(n, -1),
        ages_s=np.array(ages)[:-1],
        seams=frozenset(seams),
        lost=lost,
    )
