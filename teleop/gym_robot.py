"""Any Gymnasium environment as a robot on which demonstrations are replayed.

Owns the import of gymnasium, inside: neither the robot nor the console has it. An environment is
tried before it is trusted (`teleop.state_proof`, some seconds once per process): one that cannot be
brought back to a state says so, and nothing is proved with it.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recorder.replayable import Action, CannotReplay, Numbers, StatePart
from recorder.verdict import SOLVED_HOLD_STEPS
from teleop.environment import Environment, MakeEnv
from teleop.installed import package_of, source_sha256, versions_of
from teleop.robot import RobotError
from teleop.robot_names import provider_of
from teleop.state_proof import Proven, prove
from transport.messages import NAME_LENGTH, Description, Success

KIND: Final = "gym:"  # of `Description.robot_type`
Options = Mapping[str, Any]  # keyword arguments of `gymnasium.make`; JSON can write them

# Whose versions decide how actions become motion, where an environment has loaded them.
_LIBRARIES: Final = ("gymnasium", "mujoco", "dm_control", "pymunk", "pybullet", "numpy", "scipy")


@dataclass(frozen=True)
class Seen:
    """What an environment measured."""

    numbers: tuple[float, ...]

    def values(self) -> tuple[float, ...]:
        """All of it, in the order of `Description.observation_names`."""
        return self.numbers


@dataclass(frozen=True)
class Judging:
    """What a user says about an environment that it does not say itself."""

    solved_reward: float | None = None  # the task is solved where the reward is at least this
    action_dtype: str = ""  # "float64" for demonstrations whose actions were not float32


class GymRobot:
    """An environment as `recorder.replayable.Replayable`. One thread uses it."""

    def __init__(
        self,
        env_id: str,
        seed: int = 0,
        options: Options | None = None,
        *,
        judging: Judging = Judging(),
        make: MakeEnv | None = None,
    ) -> None:
        """`make` stands in for `gymnasium.make`.

        Raises:
            RobotError: there is no such environment here; the message says what to install.
            CannotReplay: its actions are no numbers.
        """
        if len(KIND + env_id) > NAME_LENGTH:
            raise RobotError(f"{env_id!r} is too long a name: {NAME_LENGTH} characters are left.")
        self.env_id = env_id
        self.options = json.dumps(dict(options or {}), sort_keys=True)
        self._judging = judging
        # What was found out about this environment; the first time in a process takes seconds.
        self.proven = _proven(env_id, self.options, judging, make)
        make = make or functools.partial(_made, env_id, self.options)
        self._running = Environment(make, judging.action_dtype, judging.solved_reward)
        self._package = package_of(self._running.env.unwrapped)
        self._seed = seed  # of the newest start
        self._running.start(seed, self.proven.start)

    @classmethod
    def from_description(cls, description: Description) -> GymRobot:
        """The environment that made a recording.

        Raises:
            RobotError: it is not here, or its source is another one.
        """
        robot = cls(
            description.robot_type.removeprefix(KIND),
            description.seed,
            json.loads(description.hardware.get("options", "{}")),
            judging=Judging(
                float(reward) if (reward := description.hardware.get("solved_reward")) else None,
                description.hardware.get("action_dtype", ""),
            ),
        )
        here = robot.describe("compared").assets_sha256
        if here != description.assets_sha256:
            raise RobotError(
                f"The source of {robot.env_id} is not the one that was recorded, though its name "
                f"is: {_changed(here, description.assets_sha256)}. Install the versions that "
                f"recorded it: {_words(description.versions)}."
            )
        return robot

    @property
    def restores(self) -> bool:
        """Whether it can be brought back to any state; `proven.sentence` says how, or why not."""
        return self.proven.anywhere

    @property
    def limits(self) -> tuple[Numbers, Numbers] | None:
        """Lower and upper of each number of an action, (k,) each; None: it takes choices."""
        return self._running.limits

    def start_from_seed(self, seed: int) -> None:
        """Begin the episode of `seed`, as `reset(seed=...)` does.

        Raises:
            CannotReplay: the same seed does not lead to the same episode.
        """
        if not self.proven.from_seed:
            raise CannotReplay(
                f"A seed does not say where an episode of {self.env_id} begins: "
                f"{self.proven.why_not_seed}."
            )
        self._seed = seed
        self._running.start(seed, self.proven.start)

    def apply(self, action: Sequence[float]) -> Action:
        """One step. What comes back is the action in the precision in which it was carried out.

        Raises:
            RobotError: it is no action of this environment.
        """
        return self._running.step(action)

    def snapshot(self) -> bytes:
        """The complete state, if `restores`; else what can be seen of it, to be compared.

        Raises:
            CannotReplay: the environment has diverged, or its episode is too long to be kept.
        """
        return self.proven.layout.take(self._running)

    def restore(self, state: bytes) -> None:
        """Return to `state`.

        Raises:
            CannotReplay: this environment cannot return to it, and says why.
            RobotError: these bytes are no state of this environment.
        """
        self.proven.layout.read(state)
        if not self.proven.anywhere:
            raise CannotReplay(f"{self.env_id} {self.proven.sentence}.")
        self.proven.layout.put(self._running, state)
        if self.snapshot() != state:
            raise CannotReplay(
                f"{self.env_id} was brought back to a state and is in another one: the state is "
                "not of this environment, or something changes the environment from outside."
            )

    def solved(self) -> bool:
        """What the environment's own signal said after the last step; not before the first.

        Raises:
            CannotReplay: it has none, so nothing can be proved with it.
        """
        if not self.proven.signal:
            raise CannotReplay(
                f"{self.env_id} does not say whether its task is solved, so nothing can be "
                "proved: name the reward from which on it is (solved_reward)."
            )
        return bool(self._running.success)

    def observe(self) -> Seen:
        """What the last step, or the start, measured; pictures are apart."""
        return Seen(tuple(float(value) for value in self._running.observation))

    def state_parts(self) -> tuple[StatePart, ...]:
        """What each number of a snapshot is."""
        return self.proven.layout.parts(self._running)

    def describe(self, boot_id: str) -> Description:
        """What this environment is: enough to make it again."""
        running, unwrapped = self._running, self._running.env.unwrapped
        step_s = self._step_s()
        numbers = {
            key: float(value)
            for key, value in json.loads(self.options).items()
            if isinstance(value, bool | int | float)
        }
        spec = getattr(running.env, "spec", None)
        limit = getattr(spec, "max_episode_steps", None)
        return Description(
            robot=self.env_id,
            robot_type=KIND + self.env_id,
            site="",
            boot_id=boot_id,
            scenario=self.env_id,
            seed=self._seed,
            scene_sha256="",
            task=_first_line(type(unwrapped).__doc__) or self.env_id,
            tick_hz=max(1, round(1 / step_s)),
            observation_names=running.observation_names,
            action_names=running.action_names,
            controller={
                **numbers,
                "step_s": step_s,
                **({"max_episode_steps": float(limit)} if limit else {}),
            },
            policy="none",
            versions=versions_of((*_LIBRARIES, self._package)),
            cameras=(),
            success=self._success(),
            hardware={"options": self.options, **self._judged_by()},
            assets_sha256={self._package: source_sha256(self._package)} if self._package else {},
            randomness={
                "start": f"drawn from the seed: {self.proven.start}",
                "dynamics": "what is drawn while it runs is part of the state",
            },
        )

    def close(self) -> None:
        """Let go of the environment; idempotent."""
        self._running.close()

    def _step_s(self) -> float:
        """Seconds of one step: by the simulator's clock, else by the frame rate it is shown at."""
        if self.proven.step_s:
            return self.proven.step_s
        fps = getattr(self._running.env.unwrapped, "metadata", {}).get("render_fps")
        return 1 / float(fps) if fps else 1.0

    def _judged_by(self) -> dict[str, str]:
        judging = self._judging
        return {
            **(
                {}
                if judging.solved_reward is None
                else {"solved_reward": repr(judging.solved_reward)}
            ),
            **({"action_dtype": judging.action_dtype} if judging.action_dtype else {}),
        }

    def _success(self) -> Success | None:
        signal, threshold = self.proven.signal, self._judging.solved_reward
        if not signal:
            return None
        own = f"The environment's own signal of success, {signal}"
        return Success(
            name=signal,
            version=1,
            held_ticks=SOLVED_HOLD_STEPS,
            sentence=own if threshold is None else f"A reward of {threshold:g} or more",
            judge="simulator",
        )


@functools.lru_cache(maxsize=16)
def _proven(env_id: str, options: str, judging: Judging, make: MakeEnv | None) -> Proven:
    make = make or functools.partial(_made, env_id, options)
    return prove(make, judging.action_dtype, judging.solved_reward)


def _made(env_id: str, options: str) -> Any:
    """A new environment from `gymnasium.make`, with whoever registers it imported."""
    provider = provider_of(env_id)
    try:
        import gymnasium

        if provider.module:
            importlib.import_module(provider.module)
    except ModuleNotFoundError as error:
        raise RobotError(
            f"{KIND}{env_id} is not installed ({error}). Install gymnasium and {provider.package} "
            "in an environment of their own, with this program."
        ) from error
    try:
        env = gymnasium.make(env_id, disable_env_checker=True, **json.loads(options))
    except (gymnasium.error.Error, TypeError, ImportError) as error:
        raise RobotError(
            f"gymnasium cannot make {env_id} with the options {options}: {error}"
        ) from error
    _draw_nothing(env)
    return env


def _draw_nothing(env: Any) -> None:
    """Spare the pictures that dm_control draws for every observation: no replay looks at them."""
    physics: Any = getattr(getattr(env.unwrapped, "_env", None), "physics", None)
    if type(physics).__module__.startswith("dm_control."):
        physics.render = _black


def _black(height: int = 240, width: int = 320, **_: Any) -> Any:
    return np.zeros((height, width, 3), np.uint8)


def _changed(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    return ", ".join(sorted(k for k in {*here, *there} if here.get(k) != there.get(k)))


def _words(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))


def _first_line(doc: str | None) -> str:
    lines = (line.strip() for line in (doc or "").splitlines())
    return next((line[:400] for line in lines if line and not line.startswith("#")), "")
