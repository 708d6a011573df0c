"""Where the episodes of a data set begin, and which action asks for nothing. Pure.

--start LIBRARY        the folder of episodes that Unstick exported it from
--start seed[:FIRST]   a seed: FIRST + the episode's number, else the column `seed` of
                       meta/episodes, else the episode's number
--start column:NAME    a complete state: in the first row, or in meta/episodes
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.demonstration import NothingToReplay
from recorder.lerobot_set import LeRobotSet, SetEpisode
from recorder.replayable import Numbers
from teleop.safety import ConfigError

SEED: Final = "seed"
COLUMN: Final = "column"
RESTS: Final = ("first", "zero")
# Actions that are positions lie near what was measured; those that are steps or rates do not.
_FOLLOWS: Final = 0.5  # root mean square of action - state, as a share of that of the action


@dataclass(frozen=True)
class FromLibrary:
    """The recorded episodes know."""

    path: Path


@dataclass(frozen=True)
class FromSeed:
    """The environment draws it."""

    first: int | None  # None: the set says, or episode 0 has seed 0


@dataclass(frozen=True)
class FromColumn:
    """The set holds it."""

    name: str


SetStart = FromLibrary | FromSeed | FromColumn


def parse_start(said: str) -> SetStart:
    """What `--start` means.

    Raises:
        ConfigError: it names no seed, no column and no folder.
    """
    kind, colon, rest = said.partition(":")
    if kind == SEED:
        if not colon:
            return FromSeed(None)
        if rest.isascii() and rest.isdigit():
            return FromSeed(int(rest))
        raise ConfigError(f"--start {said}: the first seed is a number from 0, as in seed:100")
    if kind == COLUMN and colon:
        if rest:
            return FromColumn(rest)
        raise ConfigError("--start column: lacks the column's name, as in column:observation.state")
    if not said:
        raise ConfigError(
            "a data set does not say where its episodes start: give --start LIBRARY, the "
            "folder of episodes it was exported from, or --robot gym:ID --start seed"
        )
    return FromLibrary(Path(said))


def seed_of(start: FromSeed, episode: SetEpisode) -> int:
    """The seed of one episode.

    Raises:
        NothingToReplay: what the set says is no seed.
    """
    if start.first is not None:
        return start.first + episode.index
    said = episode.said.get(SEED)
    if said is None:
        return episode.index
    if isinstance(said, bool) or not isinstance(said, int) or said < 0:
        raise NothingToReplay(
            f"The column seed of meta/episodes says {said!r}, which is no seed: name the first "
            "one yourself (--start seed:FIRST)."
        )
    return said


def state_of(start: FromColumn, data_set: LeRobotSet, episode: SetEpisode) -> bytes:
    """The complete state at the start of one episode, as the set holds it.

    Raises:
        EpisodeError: its rows cannot be read.
        NothingToReplay: there is no such column, or it holds no complete state.
    """
    said: Any = episode.said.get(start.name)
    if said is None:
        rows = data_set.columns(episode, (start.name,)).get(start.name)
        if rows is None or not len(rows):
            there = ", ".join(sorted({*data_set.info.get("features", {}), *episode.said}))
            raise NothingToReplay(
                f"Neither its rows nor meta/episodes have a column {start.name!r}; there are: "
                f"{there}."
            )
        said = rows[0]
    try:
        numbers = np.atleast_1d(np.asarray(said))
        exact = numbers.dtype.kind in "biu" or numbers.dtype == np.float64
        state: bytes = numbers.astype("<f8").ravel().tobytes()
    except (TypeError, ValueError):
        raise NothingToReplay(f"Column {start.name!r} holds no numbers: name another.") from None
    if not exact:
        raise NothingToReplay(
            f"Column {start.name!r} is {numbers.dtype}; a complete state takes float64: store it "
            "so, or start from a seed."
        )
    return state


def rest_of(
    rule: str, actions: Numbers, limits: tuple[Numbers, Numbers] | None, measured: Numbers | None
) -> Numbers:
    """(k,): the action that asks for nothing, for `actions`, (n, k), of one episode.

    By `rule`: "zero", or "first", the first action, which asks a robot that is driven by positions
    to stay about where it starts. Without a rule zero, when zero is the middle of the action space
    (`limits`, lower and upper, (k,) each) and the actions do not follow what was `measured`, (n, m)
    (`observation.state`), as positions do.
    """
    zero: Numbers = np.zeros(actions.shape[1])
    first: Numbers = actions[0]
    if rule:
        return zero if rule == "zero" else first
    if limits is None or not np.isfinite(limits).all() or (limits[0] != -limits[1]).any():
        return first
    return first if _are_positions(actions, measured) else zero


def _are_positions(actions: Numbers, measured: Numbers | None) -> bool:
    if measured is None or measured.shape != actions.shape:
        return False
    apart = float(np.square(actions - measured).mean())
    return apart < _FOLLOWS**2 * float(np.square(actions).mean())
