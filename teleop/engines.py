"""The state of the simulators an environment may run on: MuJoCo and pymunk.

Each keeps what decides how it goes on in memory of its own, where no walk through Python objects
finds it. How much of it is needed differs by environment: `Means` says how much is taken, and
`teleop.state_proof` finds out whether that is enough. Simulators are imported inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from recorder.replayable import Numbers, StatePart


class Derived(StrEnum):
    """How much of what MuJoCo derives from its state is kept beside it.

    After a step it belongs to the state before the last substep, so an environment that reads it
    before the next step goes on from stale values, which nothing brings back but a copy.
    """

    NONE = "integration state"
    POSES = "integration state and the poses derived from it"
    ALL = "integration state and all that is derived from it"


@dataclass(frozen=True)
class Means:
    """By which means a state is saved and restored."""

    derived: Derived = Derived.NONE
    own: bool = False  # beside it, through the environment's get_env_state and set_env_state
    again: bool = False  # not at all: the episode is gone through again from its seed

    def sentence(self, engines: Sequence[str]) -> str:
        """In words, of an environment that runs on `engines`."""
        words = []
        if self.again:
            return "the episode is gone through again from its seed"
        if "mujoco" in engines:
            words.append(f"MuJoCo's {self.derived}")
        if "pymunk" in engines:
            words.append("pymunk's bodies")
        if self.own:
            words.append("its own get_env_state")
        return ", ".join([*words, "random generators and attributes"])


_POSES: Final = (
    *("xpos", "xquat", "xmat", "xipos", "ximat", "xanchor", "xaxis"),
    *("geom_xpos", "geom_xmat", "site_xpos", "site_xmat"),
    *("cam_xpos", "cam_xmat", "light_xpos", "light_xdir"),
)
# Of the state itself, or of the contacts, whose number changes: they are derived anew.
_NOT_DERIVED: Final = ("qpos", "qvel", "act", "ctrl", "qacc_warmstart", "efc_", "iefc_", "mocap_")

_BODY: Final = (
    *("angle", "x", "y", "speed x", "speed y", "turning"),
    *("force x", "force y", "torque"),
)


def ladder(engines: Sequence[str], *, own: bool, again: bool) -> Iterator[Means]:
    """From the smallest means to the last resort, for an environment that runs on `engines`.

    `own`: it has a state of its own to give; `again`: the same seed leads to the same episode.
    """
    rungs = list(Derived) if "mujoco" in engines else [Derived.NONE]
    yield from (Means(derived) for derived in rungs)
    if own:
        yield Means(rungs[-1], own=True)
    if again:
        yield Means(again=True)


def numbers_of(engine: Any, kind: str, means: Means) -> Numbers:
    """The state of a simulator, `kind` as `teleop.object_graph.engine_of` says."""
    if kind == "pymunk":
        return np.array([value for body in engine.bodies for value in _body(body)], np.float64)
    from teleop.mujoco_state import state_bytes

    state = np.frombuffer(state_bytes(engine.model, engine), "<f8")
    return np.concatenate([state, *(a.ravel() for _, a in _derived(engine, means.derived))])


def put_numbers(engine: Any, kind: str, means: Means, numbers: Numbers) -> None:
    """Bring a simulator back to numbers that `numbers_of` gave."""
    if kind == "pymunk":
        _put_bodies(engine, numbers)
    else:
        _put_mujoco(engine, means.derived, numbers)


def parts_of(engine: Any, kind: str, means: Means) -> list[StatePart]:
    """What each of these numbers is; pymunk's lengths are in units of the environment's own."""
    if kind == "pymunk":
        return [StatePart(f"body {i} {n}", "") for i in range(len(engine.bodies)) for n in _BODY]
    from teleop.mujoco_state import state_parts

    return [
        *state_parts(engine.model),
        *(
            StatePart(f"{name} {i}", "", counts=False)
            for name, array in _derived(engine, means.derived)
            for i in range(array.size)
        ),
    ]


def _put_mujoco(data: Any, much: Derived, numbers: Numbers) -> None:
    from teleop.mujoco_loading import mujoco
    from teleop.mujoco_state import set_state, state_bytes

    size = len(state_bytes(data.model, data)) // 8
    state = np.ascontiguousarray(numbers[:size], "<f8").tobytes()
    set_state(data.model, data, state)
    mujoco.mj_forward(data.model, data)
    set_state(data.model, data, state)  # forward may have changed the solver's warm start
    for _, array in _derived(data, much):
        array.ravel()[:] = numbers[size : size + array.size]
        size += array.size


def _derived(data: Any, much: Derived) -> list[tuple[str, Any]]:
    if much is Derived.NONE:
        return []
    names = _POSES if much is Derived.POSES else sorted(dir(data))
    found = [(n, getattr(data, n)) for n in names if not n.startswith(("_", *_NOT_DERIVED))]
    return [
        (n, a)
        for n, a in found
        if isinstance(a, np.ndarray) and a.dtype == np.float64 and a.flags.c_contiguous
    ]


def _body(body: Any) -> tuple[float, ...]:
    return (
        *(body.angle, *body.position, *body.velocity, body.angular_velocity),
        *(*body.force, body.torque),
    )


def _put_bodies(space: Any, numbers: Numbers) -> None:
    """Bring each body back; what pymunk remembers of contacts, nothing can.

    The angle first: turning a body whose centre of gravity is elsewhere moves its origin.
    """
    for body, values in zip(space.bodies, numbers.reshape(-1, len(_BODY)).tolist(), strict=True):
        body.angle = values[0]
        body.position = (values[1], values[2])
        body.velocity = (values[3], values[4])
        body.angular_velocity = values[5]
        body.force = (values[6], values[7])
        body.torque = values[8]
        space.reindex_shapes_for_body(body)
