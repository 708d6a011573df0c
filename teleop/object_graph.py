"""Walks the objects an environment is made of and names every plain value it keeps.

Pure reading: no property, no method and no descriptor is called, only what lies in instances, in
dictionaries and in lists is followed. Simulators are named, not entered: they have means of their
own to save their state (`teleop.engines`).
"""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import numpy as np

from teleop.plain_values import is_plain, is_random

# (".", attribute of the instance), ("[", key or index), ("@", field of a simulator's structure)
Step = tuple[str, Any]
Path = tuple[Step, ...]

MAX_OBJECTS: Final = 20_000
# Where nothing decides how a robot moves: spaces to sample from, registries, windows, parsed files.
_SKIPPED: Final = (
    "gymnasium.spaces",
    "gymnasium.envs.registration",
    "gymnasium.envs.mujoco.mujoco_rendering",
    "dm_control.mujoco.index",
    "glfw",
    "lxml",
    "logging",
    "threading",
    "pygame",
    "teleop.history",  # saved by other means
    "pymunk",  # bodies and shapes belong to their space
    "OpenGL",
)
_FUNCTIONS: Final = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    functools.partial,
)

_HARMLESS: Final = (dict, list, tuple, deque, set, frozenset, np.ndarray, np.dtype, Enum)


@dataclass
class Found:
    """What a walk met."""

    leaves: dict[Path, Any] = field(default_factory=dict)  # plain values
    engines: dict[Path, Any] = field(default_factory=dict)  # MuJoCo's data, pymunk's spaces
    opaque: set[str] = field(default_factory=set)  # types that Python cannot look into
    complete: bool = True  # false: there were too many objects


def walk(root: object) -> Found:
    """Everything that can be reached from `root`, in an order that is the same in each process."""
    found = Found()
    seen: set[int] = set()
    waiting: deque[tuple[Path, Any]] = deque([((), root)])
    while waiting:
        path, value = waiting.popleft()
        if is_plain(value):
            if not is_random(value) or id(value) not in seen:  # a shared generator once
                found.leaves[path] = value
            seen.add(id(value))
            continue
        if id(value) in seen or isinstance(value, _FUNCTIONS):
            continue
        seen.add(id(value))
        if len(seen) > MAX_OBJECTS:
            found.complete = False
            break
        if engine_of(value):
            found.engines[path] = value
        elif not moves_nothing(value):
            children = list(_children(value))
            if not children and not isinstance(value, _HARMLESS):
                found.opaque.add(f"{_module(value)}.{type(value).__name__}")
            waiting.extend(((*path, step), child) for step, child in children)
    return found


def engine_of(value: object) -> str:
    """Which simulator's state it is: "mujoco", "pymunk", or "" when it is none."""
    package, name = _module(value).partition(".")[0], type(value).__name__
    if name == "MjData" and package == "mujoco":
        return "mujoco"
    return "pymunk" if package == "pymunk" and name == "Space" else ""


def moves_nothing(value: object) -> bool:
    """Whether it is of a kind that decides nothing: a space to sample from, a window."""
    return _module(value).startswith(_SKIPPED)


def get(root: object, path: Path) -> Any:
    """What lies at `path`.

    Raises:
        LookupError: nothing does any more.
    """
    value = root
    for kind, key in path:
        value = _child(value, kind, key)
    return value


def put(root: object, path: Path, value: Any) -> None:
    """Let `path` lead to `value`.

    Raises:
        LookupError: what should hold it is not there any more, or cannot be changed.
    """
    holder, (kind, key) = get(root, path[:-1]), path[-1]
    if kind == "@":
        setattr(holder, key, value)
    elif kind == "[" and isinstance(holder, dict | list | deque):
        holder[key] = value
    elif kind == "." and hasattr(holder, "__dict__"):
        vars(holder)[key] = value  # past properties, frozen dataclasses and __setattr__
    elif kind == "." and key in _attributes(holder):
        object.__setattr__(holder, key, value)
    else:
        raise LookupError(f"{name(path)} cannot be changed")


def drop(root: object, path: Path) -> None:
    """Let nothing lie at `path`, as before it was first assigned.

    Raises:
        LookupError: that cannot be done.
    """
    holder, (kind, key) = get(root, path[:-1]), path[-1]
    if kind == "[" and isinstance(holder, dict):
        holder.pop(key, None)
    elif kind == "." and hasattr(holder, "__dict__"):
        vars(holder).pop(key, None)
    else:
        raise LookupError(f"{name(path)} cannot be taken away")


def name(path: Path) -> str:
    """For people: `env.robot.gains[2]`."""
    words = (f"[{key!r}]" if kind == "[" else f".{key}" for kind, key in path)
    return "".join(words).removeprefix(".")


def _child(value: Any, kind: str, key: Any) -> Any:
    if kind == "[":
        return value[key]
    if kind == "@":
        return getattr(value, key)
    own = getattr(value, "__dict__", None)
    return own[key] if own is not None and key in own else _attributes(value)[key]


def _children(value: Any) -> Iterator[tuple[Step, Any]]:
    if isinstance(value, dict):
        yield from ((("[", k), v) for k, v in value.items() if isinstance(k, str | int))
    elif isinstance(value, list | tuple | deque):
        yield from ((("[", i), item) for i, item in enumerate(value))
    yield from (((".", k), v) for k, v in sorted(_attributes(value).items()))


def _attributes(value: Any) -> dict[str, Any]:
    """Of the instance itself, slots included; nothing that a class computes."""
    found = dict(getattr(value, "__dict__", None) or {})
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            member = kind.__dict__.get(slot)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found[slot] = member.__get__(value)
                except AttributeError:
                    continue  # never assigned
    return found


def _module(value: object) -> str:
    return str(getattr(type(value), "__module__", ""))
