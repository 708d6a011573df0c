"""A walk names everything plain that an environment keeps, and calls nothing while it looks."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from teleop.object_graph import drop, get, name, put, walk


class Arm:
    __slots__ = ("_lazy", "gains")

    def __init__(self) -> None:
        self.gains = np.ones(3)


class Env:
    def __init__(self) -> None:
        self.arms = [Arm(), Arm()]
        self.by_side = {"left": self.arms[0]}
        self.goal = {"x": 1.0}
        self.step_size = 0.1
        self.work = functools.partial(print)

    @property
    def trap(self) -> Any:
        raise AssertionError("a walk must not call anything")

    def __getattr__(self, word: str) -> Any:
        raise AttributeError(word)


def test_finds_plain_values_in_objects_lists_dictionaries_and_slots() -> None:
    found = {name(path) for path in walk({"env": Env()}).leaves}
    assert found == {
        "['env'].step_size",
        "['env'].goal",
        "['env'].arms[0].gains",
        "['env'].arms[1].gains",
    }


def test_a_path_leads_to_what_was_found_there_and_back() -> None:
    env = Env()
    for path, value in walk(env).leaves.items():
        assert get(env, path) is value
        put(env, path, "changed")
        assert get(env, path) == "changed"


def test_an_attribute_that_comes_and_goes_can_be_put_and_dropped() -> None:
    env = Env()
    path = ((".", "new"),)
    with pytest.raises(LookupError):
        get(env, path)
    put(env, path, 3)
    assert env.new == 3
    drop(env, path)
    with pytest.raises(LookupError):
        get(env, path)


def test_what_cannot_be_changed_is_told() -> None:
    with pytest.raises(LookupError, match="cannot be changed"):
        put({"pair": (1, object())}, (("[", "pair"), ("[", 0)), 2)
    with pytest.raises(LookupError, match="cannot be taken away"):
        drop([1], (("[", 0),))


def test_a_circle_ends() -> None:
    env = Env()
    env.arms.append(env)  # type: ignore[arg-type]
    assert len(walk(env).leaves) == 4


def test_a_generator_that_two_share_is_found_once() -> None:
    shared = np.random.default_rng(1)
    assert len(walk({"a": [object(), shared], "b": [object(), shared]}).leaves) == 1


def test_what_python_cannot_look_into_is_named() -> None:
    def frames() -> Any:
        yield 1

    assert walk({"a": [frames()]}).opaque == {"builtins.generator"}


def test_too_many_objects_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teleop.object_graph.MAX_OBJECTS", 10)
    assert not walk([Env() for _ in range(20)]).complete
    assert walk([Env()]).complete
