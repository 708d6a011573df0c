"""Finds out which attributes of an environment belong to its state, by watching it run.

Two environments of the same kind run the same episodes: what changes in them is state; what differs
*between* them is none (a clock, a counter of the process). All plain attributes of the environment
and its wrappers are taken, too, whether they changed or not: something may not have happened yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from teleop.engines import Means, numbers_of
from teleop.environment import Environment, Start
from teleop.gym_state import MISSING, Cell, Layout, kind_of
from teleop.object_graph import Found, Path, engine_of, walk
from teleop.plain_values import encoded, text

SEEDS: Final = (11, 12)  # of the episodes that are watched
_LEGS: Final = 4  # looks at an episode while it runs
_LEG_STEPS: Final = 12
_LONGEST: Final = 4096  # characters of an attribute that did not change
_SPARE: Final = 512  # bytes of text for what has not happened yet
_REMEMBERED: Final = (200, 1000)  # steps of an episode that can be gone through again, least, most
_UNIT: Final = 252  # a multiple of six: room is given in whole ones
# Pictures' shapes and textures, names and search trees: large, and they move nothing.
_NOT_MOVING: Final = ("mesh_", "tex_", "skin_", "bvh_", "oct_", "name", "text_", "flex_")


@dataclass
class Look:
    """What an environment held at one moment."""

    found: Found
    codes: dict[Path, str]
    fields: dict[Path, Any] = field(default_factory=dict)  # of MuJoCo models

    def value(self, path: Path) -> Any:
        """What lay there, the very object."""
        return self.found.leaves.get(path, self.fields.get(path))


@dataclass(frozen=True)
class Survey:
    """Looks at one environment through two episodes."""

    looks: tuple[Look, ...]
    starts: tuple[int, ...]  # which of them are right after a start


def survey(running: Environment, how: Start) -> Survey:
    """Run two episodes and look at their beginning and several times while they run."""
    looks: list[Look] = []
    starts: list[int] = []
    for seed in SEEDS:
        running.start(seed, how)
        starts.append(len(looks))
        looks.append(_look_at(running))
        actions = running.varied_actions(_LEGS * _LEG_STEPS, seed)
        for leg in range(_LEGS):
            for action in actions[leg * _LEG_STEPS : (leg + 1) * _LEG_STEPS]:
                running.step(action)
            looks.append(_look_at(running))
    return Survey(tuple(looks), tuple(starts))


def layout_of(
    first: Survey, second: Survey | None, means: Means, running: Environment, how: Start
) -> Layout:
    """What the state of these environments is made of; without `second` nothing is a clock."""
    looks = first.looks
    paths = list(dict.fromkeys(path for look in looks for path in look.codes))
    unstable: set[Path] = set()
    for a, b in zip(looks, second.looks if second else looks, strict=True):
        unstable |= {path for path in paths if a.codes.get(path) != b.codes.get(path)}
    cells = []
    for path in paths:
        codes = [look.codes.get(path, "") for look in looks]
        changes = len(set(codes)) > 1
        if path in unstable or (changes and _grows(codes[: _LEGS + 1])):
            continue
        if changes or _of_environment(path, codes[-1]):
            cells.append(_cell(first, path, changes))
    engines = []
    for path, engine in looks[-1].found.engines.items():
        kind = engine_of(engine)
        engines.append((path, kind, numbers_of(engine, kind, means).size))
    spec = getattr(running.env, "spec", None)
    limit = getattr(spec, "max_episode_steps", None) or _REMEMBERED[1]
    steps = min(max(2 * limit, _REMEMBERED[0]), _REMEMBERED[1])  # some are driven past their limit
    made_by = type(running.env.unwrapped)
    return Layout(
        kind=f"{made_by.__module__}.{made_by.__qualname__}",
        cells=tuple(cells),
        engines=tuple(engines),
        text_bytes=_room(cells, first, means, running),
        means=means,
        start=how,
        actions=(steps, len(running.action_names)),
    )


def out_of_sight(seen: Survey) -> str:
    """What a walk could not look into, for a sentence; "" when it saw all."""
    found = seen.looks[-1].found
    if not found.complete:
        return "it is made of more objects than are looked at"
    return f"Python cannot look into {', '.join(sorted(found.opaque))}" if found.opaque else ""


def _look_at(running: Environment) -> Look:
    found = walk(running)
    look = Look(found, {path: text(encoded(value)) for path, value in found.leaves.items()})
    models: set[int] = set()
    for path, engine in found.engines.items():
        if engine_of(engine) == "mujoco" and id(engine.model) not in models:
            models.add(id(engine.model))
            for where, value in _model_fields(engine, path):
                look.fields[where] = value
                look.codes[where] = hashlib.sha256(np.asarray(value).tobytes()).hexdigest()
    return look


def _model_fields(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Numbers of a MuJoCo model and its options: some environments change them at a reset."""
    for steps, holder in ((("model",), data.model), (("model", "opt"), data.model.opt)):
        for word in sorted(dir(holder)):
            if word.startswith(("_", *_NOT_MOVING)):
                continue
            value = getattr(holder, word)
            if isinstance(value, float) or (isinstance(value, np.ndarray) and value.size):
                yield (*path, *(("@", step) for step in (*steps, word))), value


def _of_environment(path: Path, code: str) -> bool:
    """Whether it is an attribute of the environment or of one of its wrappers."""
    own = path[-1][0] == "." and all(step == (".", "env") for step in path[:-1])
    return own and len(code) <= _LONGEST


def _grows(codes: list[str]) -> bool:
    """Whether it is a log: a list that gets longer at each look while an episode runs."""
    if not all(code.startswith(('["list"', '["dict"')) for code in codes):
        return False
    lengths = [len(json.loads(code)) for code in codes]
    return all(a < b for a, b in pairwise(lengths))


def _cell(seen: Survey, path: Path, changes: bool) -> Cell:
    looks = seen.looks
    last = looks[-1].value(path)
    kind = kind_of(last) if changes else ""
    code = looks[0].codes.get(path)
    same = all(
        before.value(path) is after.value(path)
        for i, (before, after) in enumerate(pairwise(looks))
        if i + 1 not in seen.starts
    )
    return Cell(
        path=path,
        kind=kind,
        shape=tuple(getattr(last, "shape", ())) if kind else (),
        in_place=same or path[-1][0] == "@",
        baseline=None if kind else json.loads(code) if code else MISSING,
    )


def _room(cells: list[Cell], seen: Survey, means: Means, running: Environment) -> int:
    """Bytes for what is kept as text: twice what was needed so far, and some."""
    kept = [(cell.path, text(cell.baseline)) for cell in cells if not cell.kind]
    needed = max(
        sum(
            len(look.codes.get(path, "")) + 8
            for path, baseline in kept
            if look.codes.get(path) != baseline
        )
        for look in seen.looks
    )
    if means.own:
        needed += len(text(encoded(running.env.unwrapped.get_env_state())))
    return -(-(2 * needed + _SPARE) // _UNIT) * _UNIT
