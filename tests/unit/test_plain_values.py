"""What an environment keeps comes back bit for bit, and only what is plain is kept."""

from __future__ import annotations

import json
import random
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop.plain_values import (
    MAX_ELEMENTS,
    decoded,
    encoded,
    is_plain,
    is_random,
    set_random,
    text,
)

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.floats(width=32, allow_nan=False).map(np.float32),
)
_hashable = st.one_of(st.integers(), st.text(max_size=5), st.tuples(st.integers(), st.booleans()))
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(_hashable, inner, max_size=4),
        st.lists(inner, max_size=4).map(lambda items: deque(items, maxlen=5)),
        st.frozensets(_hashable, max_size=4),
        st.sets(_hashable, max_size=4),
    ),
    max_leaves=12,
)


def through_text(value: Any) -> Any:
    return decoded(json.loads(text(encoded(value))))


@settings(max_examples=60, deadline=None)
@given(_values)
def test_a_plain_value_comes_back_as_the_same_type_with_the_same_bits(value: Any) -> None:
    assert is_plain(value)
    back = through_text(value)
    assert type(back) is type(value)
    assert back == value
    assert text(encoded(back)) == text(encoded(value))


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8", "|u1", "|b1", ">f8"])
def test_an_array_comes_back_with_its_type_and_shape(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)[:, ::-1]
    back = through_text(array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert np.array_equal(back, array)
    assert back.flags.writeable


def test_not_a_number_and_minus_zero_keep_their_bits() -> None:
    array = np.array([-0.0, np.nan, np.inf])
    assert through_text(array).tobytes() == array.tobytes()


def test_a_set_has_one_text_whatever_its_order() -> None:
    first, second = set(), set()
    for number in (0, 8):  # they collide, so the order of adding shows
        first.add(number)
        second.add(8 - number)
    assert list(first) != list(second)
    assert text(encoded(first)) == text(encoded(second))


@pytest.mark.parametrize(
    "generator",
    [np.random.default_rng(1), np.random.RandomState(1), random.Random(1)],
    ids=lambda generator: type(generator).__name__,
)
def test_a_generator_goes_on_from_its_state(generator: Any) -> None:
    assert is_random(generator)
    state = json.loads(text(encoded(generator)))
    first = [generator.random() for _ in range(3)]
    set_random(generator, decoded(state))
    assert [generator.random() for _ in range(3)] == first


def test_what_is_not_plain_is_not_kept() -> None:
    class Thing:
        pass

    recursive: list[Any] = []
    recursive.append(recursive)
    for value in (Thing(), [Thing()], {"a": Thing()}, print, recursive, np.array(["text"]), object):
        assert not is_plain(value)


def test_what_is_large_is_not_kept() -> None:
    assert is_plain(np.zeros(MAX_ELEMENTS))
    assert not is_plain(np.zeros(MAX_ELEMENTS + 1))
    assert not is_plain(list(range(MAX_ELEMENTS + 1)))


def test_memory_that_is_not_numpys_is_not_kept() -> None:
    simulator = bytearray(80)
    assert not is_plain(np.frombuffer(simulator))
    assert not is_plain(np.frombuffer(simulator)[2:4])
    assert is_plain(np.zeros(10)[2:4])


@pytest.mark.parametrize(
    "code", [["pickle", "x"], ["array", "|O", [1], "00" * 8], ["float"], ["dict", [1]], {"a": 1}]
)
def test_a_code_that_nobody_wrote_is_refused(code: Any) -> None:
    with pytest.raises(ValueError):
        decoded(code)
