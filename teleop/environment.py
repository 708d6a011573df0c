"""One Gymnasium environment while it runs, and what its last step said.

By duck typing: whatever has `reset`, `step`, `unwrapped`, `action_space`; no import of gymnasium.
An action is one number for each element of the action space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np

from recorder.replayable import Action, CannotReplay, Numbers
from teleop.history import History
from teleop.robot import RobotError

Env = Any  # of gymnasium, or of its kind
MakeEnv = Callable[[], Env]

_PICTURE: Final = 1024  # elements: more of one measurement is a picture, and apart


class Start(StrEnum):
    """What it takes so that the same seed leads to the same episode."""

    RESET = "reset(seed)"
    SEED = "the environment's own seed(seed), then reset()"
    FRESH = "a new environment, then reset(seed)"  # a reset leaves something behind


class Environment:
    """An environment, what it saw last and how far it went. One thread uses it."""

    def __init__(
        self, make: MakeEnv, action_dtype: str = "", solved_reward: float | None = None
    ) -> None:
        self._make = make
        self.env = env = make()
        self.seed = -1  # of the running episode
        self.steps = 0  # of the running episode
        self.history = History()  # of the running episode
        self.observation = np.zeros(0)
        self.observation_names: tuple[str, ...] = ()
        # By which it says that the task is solved; some say nothing before the first step.
        self.signal = "" if solved_reward is None else "reward"
        self.success: bool | None = None  # None: nothing was said about it
        self._solved_reward = solved_reward
        self._cast = _cast_for(env.action_space, action_dtype)
        self._closed = False

    @property
    def action_names(self) -> tuple[str, ...]:
        """By the environment's own names, else a0, a1 ..."""
        own = getattr(self.env.unwrapped, "action_names", None)
        if isinstance(own, list | tuple) and len(own) == self._cast.size:
            return tuple(str(name) for name in own)
        return tuple(f"a{i}" for i in range(self._cast.size))

    @property
    def limits(self) -> tuple[Numbers, Numbers] | None:
        """Lower and upper of each number of an action, (k,) each; None: it takes choices."""
        space = self.env.action_space
        if not (hasattr(space, "low") and hasattr(space, "high")):
            return None
        return np.asarray(space.low, float).ravel(), np.asarray(space.high, float).ravel()

    def start(self, seed: int, how: Start = Start.RESET) -> None:
        """Begin an episode."""
        if how is Start.FRESH and self.seed >= 0:
            self.env.close()
            self.env = self._make()
        elif how is Start.SEED:
            self.env.unwrapped.seed(seed)
        observation, info = self.env.reset(seed=seed)
        self.seed, self.steps, self.history = seed, 0, History()
        self._see(observation, info)

    def step(self, action: Sequence[float]) -> Action:
        """One step; returns the action in the precision in which it was carried out.

        Raises:
            RobotError: it is no action of this environment.
        """
        told, numbers = self._cast(action)
        observation, reward, _, _, info = self.env.step(told)
        self.steps += 1
        self.history.append(numbers)
        self._see(observation, info)
        if self._solved_reward is not None:
            self.success = bool(reward >= self._solved_reward)
        return numbers

    def close(self) -> None:
        """Let go of the environment; idempotent."""
        if not self._closed:
            self._closed = True
            self.env.close()

    def varied_actions(self, count: int, seed: int) -> list[Action]:
        """Random actions, each held for one to ten steps; the same for the same seed."""
        rng = np.random.default_rng(seed)
        actions: list[Action] = []
        while len(actions) < count:
            actions += [self._cast.sample(rng)] * int(rng.integers(1, 11))
        return actions[:count]

    def _see(self, observation: Any, info: Mapping[str, Any]) -> None:
        named = list(numbers_in(observation))
        self.observation = np.array([value for _, value in named], np.float64)
        self.observation_names = tuple(name for name, _ in named)
        self.signal = self.signal or signal_of(info, self.env)
        self.success = success_in(info, self.env)


def numbers_in(observation: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """(name, value) of each number that was measured; pictures are left out."""
    if isinstance(observation, Mapping):
        for key in sorted(observation):
            yield from numbers_in(observation[key], f"{name}.{key}" if name else str(key))
    elif isinstance(observation, tuple):
        for i, part in enumerate(observation):
            yield from numbers_in(part, f"{name}.{i}" if name else str(i))
    else:
        array = np.asarray(observation)
        if array.dtype.kind in "biuf" and array.size <= _PICTURE:
            for i, value in enumerate(array.ravel()):
                yield f"{name or 'observation'}.{i}", float(value)


SIGNALS: Final = ("is_success", "success", "tasks_to_complete", "step_task_completions")


def signal_of(info: Mapping[str, Any], env: Env) -> str:
    """What an environment calls success: a key of `info`, a method, or "" when it says nothing."""
    for key in SIGNALS:
        if key in info:
            return key
    return "_check_success" if callable(getattr(env.unwrapped, "_check_success", None)) else ""


def success_in(info: Mapping[str, Any], env: Env) -> bool | None:
    """Whether the task is solved, by the environment's own signal; None: it does not say."""
    signal = signal_of(info, env)
    if not signal:
        return None
    if signal == "_check_success":
        return bool(env.unwrapped._check_success())
    if signal == "tasks_to_complete":
        return len(info[signal]) == 0  # each task leaves the list when it is done
    if signal == "step_task_completions":
        return len(info[signal]) > 0
    return bool(np.all(info[signal]))


class _Cast:
    """Numbers to an action of one kind of space, and back."""

    def __init__(self, size: int, dtype: Any, low: Any, high: Any, shape: tuple[int, ...]) -> None:
        self.size, self._dtype, self._shape = size, np.dtype(dtype), shape
        self._low, self._high = low, high
        self._whole = self._dtype.kind in "iu"

    def __call__(self, action: Sequence[float]) -> tuple[Any, Action]:
        if len(action) != self.size:
            raise RobotError(f"An action here has {self.size} numbers, not {len(action)}.")
        if not all(math.isfinite(value) for value in action):
            raise RobotError(f"{tuple(action)} is no action: each number must be finite.")
        asked = np.asarray(action, np.float64)
        if self._whole:
            asked = np.clip(np.rint(asked), self._low, self._high)
        told = asked.astype(self._dtype)
        numbers = tuple(float(value) for value in told)
        shaped = told.reshape(self._shape)
        return (int(shaped) if self._whole and self._shape == () else shaped), numbers

    def sample(self, rng: np.random.Generator) -> Action:
        numbers = rng.uniform(self._low, self._high)
        return self(numbers.tolist())[1]


def _cast_for(space: Any, dtype: str) -> _Cast:
    """By what a space has: a box its bounds, choices their number."""
    if hasattr(space, "low") and hasattr(space, "high"):
        low = np.asarray(space.low, np.float64).ravel()
        high = np.asarray(space.high, np.float64).ravel()
        low, high = np.where(np.isfinite(low), low, -1.0), np.where(np.isfinite(high), high, 1.0)
        return _Cast(low.size, dtype or space.dtype, low, high, tuple(space.shape))
    if hasattr(space, "nvec"):
        counts = np.asarray(space.nvec).ravel()
        zeros = np.zeros(counts.size)
        return _Cast(counts.size, space.dtype, zeros, counts - 1.0, tuple(space.shape))
    if hasattr(space, "n") and tuple(space.shape) == ():
        first = float(getattr(space, "start", 0))
        last = first + float(space.n) - 1.0
        return _Cast(1, np.int64, np.array([first]), np.array([last]), ())
    raise CannotReplay(
        f"Actions of a {type(space).__name__} cannot be replayed: numbers of fixed count are "
        "needed. Wrap the environment so that its action space is a Box."
    )
