"""Proves that an environment can be brought back to a state, or says why not.

A state counts as complete when another environment of the same kind, in the middle of another
episode, is brought to it, gives the same bytes again, and then goes on through the same actions
with the same bytes after each, and so does the first one. It is tried from several states; the
means (`teleop.engines.Means`) grow until they suffice. Where none does, `reset(seed)` and the
actions since may still lead to the same numbers: then going back is going through them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.replayable import Action, CannotReplay
from teleop.engines import ladder
from teleop.environment import Environment, MakeEnv, Start
from teleop.gym_state import Layout
from teleop.object_graph import engine_of, get
from teleop.robot import RobotError
from teleop.state_survey import Survey, layout_of, out_of_sight, survey

MOMENTS: Final = (0, 1, 9, 34, 77)  # steps of an episode from whose states it has to go on
GOES_ON: Final = 8  # steps after each, one action held for ten included
SEED: Final = 21  # of the episode
OTHER_SEED: Final = 22  # of the episode the other environment is in the middle of
_STRIDE: Final = 37  # no divisor of the number of steps
_ELSEWHERE: Final = 7  # steps it has done there


@dataclass(frozen=True)
class Proven:
    """What is known of an environment after it was tried."""

    layout: Layout
    anywhere: bool  # it can be brought back to any state, also one of another process
    why_not: str  # by putting it there: why that fails, "" when it does not
    from_seed: bool  # `start` with the same seed leads to the same episode
    why_not_seed: str
    start: Start  # what it takes for that
    signal: str  # by which it says that its task is solved; "" when it does not
    step_s: float  # of one step, by the simulator's own clock; 0: it has none

    @property
    def sentence(self) -> str:
        """How it can be replayed, for people."""
        how = self.layout.means.sentence([kind for _, kind, _ in self.layout.engines])
        if not self.anywhere:
            return f"cannot be brought back to a state: {self.why_not}; {self.why_not_seed}"
        if self.layout.means.again:
            return f"comes back to any state: {how} ({self.start}), for {self.why_not}"
        return f"comes back to any state by {how}"


def prove(make: MakeEnv, action_dtype: str = "", solved_reward: float | None = None) -> Proven:
    """Try two environments that `make` makes."""
    first, second = (Environment(make, action_dtype, solved_reward) for _ in range(2))
    try:
        ways = [way for way in Start if way is not Start.SEED or _has(first, "seed")]
        same = next((way for way in ways if _same_start(first, second, way)), None)
        how = same or Start.RESET
        seen = survey(first, how)
        return _proven(first, second, seen, survey(second, how) if same else None, how)
    finally:
        first.close()
        second.close()


def _proven(
    first: Environment, second: Environment, seen: Survey, other: Survey | None, how: Start
) -> Proven:
    engines = [engine_of(engine) for engine in seen.looks[-1].found.engines.values()]
    own = _has(first, "get_env_state") and _has(first, "set_env_state")
    why_not = wrong = ""
    for means in ladder(engines, own=own, again=other is not None):
        layout = layout_of(seen, other, means, first, how)
        wrong = _cannot_return(layout, first, second, how)
        if not wrong:
            break
        why_not = wrong
    anywhere, again = not wrong, layout.means.again
    if anywhere and not again:
        why_not = ""
    elif hidden := out_of_sight(seen):
        why_not += f" ({hidden})"
    why_not_seed = _differs_from_seed(layout, first, second, how)
    return Proven(
        layout=layout,
        anywhere=anywhere,
        why_not=why_not,
        from_seed=not why_not_seed,
        why_not_seed=why_not_seed,
        start=how,
        signal=first.signal,
        step_s=_step_s(first, layout),
    )


def _has(running: Environment, method: str) -> bool:
    return callable(getattr(running.env.unwrapped, method, None))


def _same_start(first: Environment, second: Environment, how: Start) -> bool:
    """Whether both see the same in an episode with the same seed, the second once more later."""
    seen = []
    for running, seed in ((first, SEED), (second, SEED), (second, OTHER_SEED), (second, SEED)):
        running.start(seed, how)
        observations = [running.observation]
        for action in running.varied_actions(MOMENTS[2] + GOES_ON, SEED):
            running.step(action)
            observations.append(running.observation)
        seen.append(np.concatenate(observations).tobytes())
    return seen[0] == seen[1] == seen[3]


def _cannot_return(layout: Layout, first: Environment, second: Environment, how: Start) -> str:
    """Why neither, or one of them, can be brought back to states of the first; "" when both can."""
    actions = first.varied_actions(MOMENTS[-1] + GOES_ON, SEED)
    try:
        first.start(SEED, how)
        states = [layout.take(first)]
        for action in actions:
            first.step(action)
            states.append(layout.take(first))
        for running in (second, first):
            for moment in MOMENTS:
                running.start(OTHER_SEED, how)
                for action in running.varied_actions(_ELSEWHERE, OTHER_SEED):
                    running.step(action)
                if wrong := _goes_wrong(layout, running, states, actions, moment, GOES_ON):
                    return wrong
        # Every single step, in an order that leaves something else behind each time.
        moments = (
            [] if layout.means.again else [i * _STRIDE % len(actions) for i in range(len(actions))]
        )
        for moment in moments:
            if wrong := _goes_wrong(layout, first, states, actions, moment, 1):
                return wrong
    except (CannotReplay, RobotError) as error:
        return str(error)
    return ""


def _goes_wrong(
    layout: Layout,
    running: Environment,
    states: list[bytes],
    actions: list[Action],
    moment: int,
    steps: int,
) -> str:
    """What differs when `running` is brought back to `moment` and goes on; "" when nothing does."""
    layout.put(running, states[moment])
    if different := _difference(layout, running, states[moment]):
        return f"brought back to step {moment}, {different}"
    for step in range(moment, moment + steps):
        running.step(actions[step])
        if different := _difference(layout, running, states[step + 1]):
            went = step + 1 - moment
            return f"{went} step{'s' * (went > 1)} after step {moment}, {different}"
    return ""


def _differs_from_seed(layout: Layout, first: Environment, second: Environment, how: Start) -> str:
    """Why an episode from the same seed is another one; "" when it is the same, bit for bit."""
    actions = first.varied_actions(MOMENTS[-1], SEED)
    try:
        outcome = layout.outcome()
        states = list(_states_from(layout, first, actions, how))
        for running in (second, first):
            for step, state in enumerate(_states_from(layout, running, actions, how)):
                here, there = np.frombuffer(state, "<f8"), np.frombuffer(states[step], "<f8")
                if here[outcome].tobytes() != there[outcome].tobytes():
                    running_to = _difference(layout, running, states[step])
                    return f"with the same seed, after {step} steps, {running_to}"
    except CannotReplay as error:
        return str(error)
    return ""


def _step_s(running: Environment, layout: Layout) -> float:
    """How long MuJoCo's clock says that a step takes."""
    clocks = [get(running, path) for path, kind, _ in layout.engines if kind == "mujoco"]
    if not clocks:
        return 0.0
    before_s = float(clocks[0].time)
    running.step(running.varied_actions(1, SEED)[0])
    return round(float(clocks[0].time) - before_s, 9)  # a nanosecond


def _states_from(
    layout: Layout, running: Environment, actions: list[Action], how: Start
) -> Iterator[bytes]:
    running.start(SEED, how)
    yield layout.take(running)
    for action in actions:
        running.step(action)
        yield layout.take(running)


def _difference(layout: Layout, running: Environment, state: bytes) -> str:
    """Which number of `running` is furthest from `state`, and by how much; "" when none is."""
    here, there = np.frombuffer(layout.take(running), "<f8"), np.frombuffer(state, "<f8")
    if here.tobytes() == there.tobytes():
        return ""
    parts = layout.parts(running)
    off = np.abs(here - there)
    # Bodies and joints say most, then attributes; what was seen follows from them.
    bodies = np.where([part.counts for part in parts], off, 0.0)
    attributes = np.where([part.name.startswith("env.") for part in parts], off, 0.0)
    worst = int(np.argmax(next(o for o in (bodies, attributes, off) if o.any() or o is off)))
    unit = f" {parts[worst].unit}" if parts[worst].unit not in ("", "1") else ""
    return f"{parts[worst].name} is off by {off[worst]:.3g}{unit}"
