"""Plain Python and numpy values as text, and back: what an environment keeps in its attributes.

Pure, and no pickle: a closed list of types, each written so that it comes back bit for bit. The
same value always gives the same text, so texts can be compared instead of values.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np

Code = Any  # of JSON: what `encoded` makes of a value

MAX_ELEMENTS: Final = 4096  # of one value; larger ones are pictures, tables and logs
_DEPTH: Final = 8  # of nested lists and dictionaries
_NUMERIC: Final = "biuf"  # kinds of numpy's types: bool, integers, floats


def is_plain(value: object) -> bool:
    """Whether `encoded` can write it: numbers, text, arrays, generators, containers of those."""
    return _size(value, _DEPTH) <= MAX_ELEMENTS


def is_random(value: object) -> bool:
    """Whether it draws random numbers and can say its state."""
    return isinstance(value, np.random.Generator | np.random.RandomState) or (
        type(value) is random.Random
    )


def encoded(value: Any) -> Code:
    """`value`, for which `is_plain` holds, in JSON's types."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return ["float", value.hex()]
    if kind is bytes:
        return ["bytes", value.hex()]
    if kind is np.ndarray:
        data = np.ascontiguousarray(value)
        return ["array", data.dtype.str, list(value.shape), data.tobytes().hex()]
    if isinstance(value, np.generic):
        return ["number", value.dtype.str, value.tobytes().hex()]
    if is_random(value):
        return ["random", encoded(_random_state(value))]
    if kind is dict:
        return ["dict", *([encoded(k), encoded(v)] for k, v in value.items())]
    if kind is deque:
        return ["deque", value.maxlen, *map(encoded, value)]
    items = [encoded(item) for item in value]
    return [kind.__name__, *(sorted(items, key=text) if kind in (set, frozenset) else items)]


def decoded(code: Code) -> Any:
    """The value that `encoded` wrote; of a random generator, its state.

    Raises:
        ValueError: it is not what `encoded` writes.
    """
    if code is None or isinstance(code, bool | int | str):
        return code
    try:
        kind, *rest = code
        return _DECODERS[kind](*rest)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{str(code)[:60]} is no value of an environment") from error


def text(code: Code) -> str:
    """One line for each code, the same for the same code."""
    return json.dumps(code, separators=(",", ":"))


def set_random(generator: Any, state: Any) -> None:
    """Put a generator into a state that was `decoded`."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)


def _random_state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()


def _size(value: Any, depth: int) -> int:
    """How many elements it has; more than `MAX_ELEMENTS` when it is not plain."""
    too_many = MAX_ELEMENTS + 1
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return 1
    if kind in (str, bytes):
        return 1 + len(value) // 8
    if kind is np.ndarray:
        return value.size if value.dtype.kind in _NUMERIC and _owned(value) else too_many
    if isinstance(value, np.generic):
        return 1 if value.dtype.kind in _NUMERIC else too_many
    if is_random(value):
        return 1
    if kind not in (list, tuple, set, frozenset, dict, deque) or depth == 0:
        return too_many
    size = len(value)
    items = [*value, *value.values()] if kind is dict else value
    for item in items:
        if size > MAX_ELEMENTS:
            break
        size += _size(item, depth - 1)
    return size


def _owned(value: Any) -> bool:
    """Whether the numbers are Python's: a simulator's own memory is saved by other means."""
    while type(value.base) is np.ndarray:
        value = value.base
    return value.base is None


def _array(dtype: str, shape: list[int], data: str) -> Any:
    return np.frombuffer(bytes.fromhex(data), _numeric(dtype)).reshape(shape).copy()


def _numeric(dtype: str) -> Any:
    found = np.dtype(dtype)
    if found.kind not in _NUMERIC:
        raise ValueError(f"arrays of {dtype} are not kept")
    return found


_DECODERS: Final[dict[str, Callable[..., Any]]] = {
    "float": float.fromhex,
    "bytes": bytes.fromhex,
    "array": _array,
    "number": lambda dtype, data: np.frombuffer(bytes.fromhex(data), _numeric(dtype))[0],
    "random": decoded,
    "dict": lambda *pairs: {decoded(k): decoded(v) for k, v in pairs},
    "deque": lambda maxlen, *items: deque(map(decoded, items), maxlen),
    "list": lambda *items: [decoded(item) for item in items],
    "tuple": lambda *items: tuple(decoded(item) for item in items),
    "set": lambda *items: {decoded(item) for item in items},
    "frozenset": lambda *items: frozenset(decoded(item) for item in items),
}
