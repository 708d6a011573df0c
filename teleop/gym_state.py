"""The complete state of a Gymnasium environment as bytes, and back.

A `Layout` says what it is made of: the simulators' numbers, and the attributes that change
while the environment runs (`teleop.state_proof` finds them). All of it is little-endian float64 of
one length: numbers as they are, everything else (generators, lists, None) as text, six bytes to a
number, and only where it differs from what it was when the layout was made. No pickle.
Whether that is the complete state, only a proof can say.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recorder.replayable import CannotReplay, Numbers, StatePart
from teleop.engines import Means, numbers_of, parts_of, put_numbers
from teleop.environment import Environment, Start
from teleop.history import actions_in
from teleop.object_graph import Path, drop, get, moves_nothing, name, put
from teleop.plain_values import Code, decoded, encoded, is_plain, is_random, set_random, text
from teleop.robot import RobotError

MISSING: Final = ["missing"]  # the code of an attribute that has not been assigned yet
_EXACT: Final = 2**53  # integers up to here are float64 without loss
_PACK: Final = 6  # bytes of text to a number: below 2**53
_OWN: Final = -1  # the place of the environment's own state among the texts


@dataclass(frozen=True)
class Cell:
    """One attribute that belongs to the state."""

    path: Path
    kind: str  # "float", "int", "bool", "array <f8" or "number <f4"; "" when it is kept as text
    shape: tuple[int, ...]
    in_place: bool  # the same object while the environment steps: others may hold it, too
    baseline: Code  # when the layout was made

    @property
    def size(self) -> int:
        """How many numbers it takes."""
        return int(np.prod(self.shape, dtype=int)) if self.kind else 0

    def numbers(self, value: Any) -> Numbers | None:
        """`value` as numbers; None when it is not of this kind (now), or would lose something."""
        if self.kind != kind_of(value) or getattr(value, "shape", ()) != self.shape:
            return None
        try:
            found = np.asarray(value, np.float64).ravel()
        except OverflowError:
            return None
        if not np.isfinite(found).all():
            return None
        if self.kind.split(" ")[-1].strip("<>|=")[0] in "iu" and (abs(found) >= _EXACT).any():
            return None
        return found

    def value(self, numbers: Numbers) -> Any:
        """What `numbers` were made of."""
        word, _, dtype = self.kind.partition(" ")
        if word == "array":
            return numbers.astype(dtype).reshape(self.shape)
        if word == "number":
            return numbers.astype(dtype)[0]
        return {"float": float, "int": int, "bool": bool}[word](numbers[0])


def kind_of(value: Any) -> str:
    """The kind of a cell that can keep it as numbers; "" when none can."""
    if type(value) in (float, int, bool):
        return type(value).__name__
    if isinstance(value, np.ndarray | np.generic) and value.dtype.itemsize <= 8:
        word = "array" if isinstance(value, np.ndarray) else "number"
        return f"{word} {value.dtype.str}" if value.size else ""
    return ""


@dataclass(frozen=True)
class Layout:
    """What the state of one kind of environment is made of."""

    kind: str  # of environment: the class
    cells: tuple[Cell, ...]
    engines: tuple[tuple[Path, str, int], ...]  # where, which simulator, how many numbers
    text_bytes: int  # room for what is kept as text
    means: Means
    start: Start = Start.RESET  # how an episode begins
    actions: tuple[int, int] = (0, 0)  # steps that are remembered, numbers of an action

    @cached_property
    def digest(self) -> float:
        """The first number of each state: states of another layout are told apart by it."""
        facts = [
            self.kind,
            [[name(c.path), c.kind, list(c.shape), _portable(c.baseline)] for c in self.cells],
            [[name(path), kind, size] for path, kind, size in self.engines],
            [self.text_bytes, *astuple(self.means), self.start, *self.actions],
        ]
        return float(int.from_bytes(hashlib.sha256(text(facts).encode()).digest()[:6], "big"))

    @cached_property
    def size(self) -> int:
        """How many numbers a state has."""
        numbers = sum(size for _, _, size in self.engines) + sum(c.size for c in self.cells)
        return 1 + numbers + 1 + self.text_bytes // _PACK + self._history_size

    @property
    def _history_size(self) -> int:
        return 1 + self.actions[0] * self.actions[1] if self.means.again else 0

    def take(self, running: Environment) -> bytes:
        """The state of `running`.

        Raises:
            CannotReplay: it does not fit, or is no numbers any more.
        """
        found: list[Any] = [[self.digest]]
        for path, kind, size in self.engines:
            numbers = numbers_of(get(running, path), kind, self.means)
            if numbers.size != size:
                raise CannotReplay(f"{name(path)} has gained or lost bodies: its state has no form")
            found.append(numbers)
        texts: list[list[Code]] = []
        for index, cell in enumerate(self.cells):
            value, code = _look(running, cell)
            cell_numbers = None if code == MISSING or not cell.kind else cell.numbers(value)
            if cell_numbers is not None:
                found.append(cell_numbers)
                continue
            if cell.kind:
                found.append(np.zeros(cell.size))
            code = encoded(value) if code is None else code
            if cell.kind or code != cell.baseline:
                texts.append([index, code])
        if self.means.own:
            texts.append([_OWN, encoded(running.env.unwrapped.get_env_state())])
        found += self._packed(texts)
        if self.means.again:
            found.append(running.history.numbers(*self.actions))
        state = np.concatenate(found)
        if not np.isfinite(state).all():
            raise CannotReplay("The simulation has diverged: its state holds numbers that are none")
        return state.astype("<f8").tobytes()

    def put(self, running: Environment, state: bytes) -> None:
        """Bring `running` to `state`.

        Raises:
            RobotError: these bytes are no state of this environment.
            CannotReplay: the environment is not made as it was when the layout was.
        """
        numbers = self.read(state)
        end = self.size - self._history_size
        texts = self._unpacked(numbers[end - 1 - self.text_bytes // _PACK : end])
        written: dict[int, Code] = {}
        try:
            if self.means.own:
                running.env.unwrapped.set_env_state(decoded(texts.pop(_OWN)))
            if self.means.again:
                self._go_through(running, state, numbers[end:])
            else:
                self._put_engines(running, numbers, texts, written)
            # Attributes last: a simulator's handlers may have changed them.
            self._put_cells(running, numbers, texts, written, of_models=False)
        except (LookupError, ValueError, TypeError) as error:
            raise CannotReplay(f"The environment cannot take this state: {error}") from error

    def _go_through(self, running: Environment, state: bytes, history: Numbers) -> None:
        """Go on to where `history` ends, from here or else from the start."""
        size, seed = self.actions[1], int(self.number(state, "seed"))
        missing = running.history.missing(history, size) if running.seed == seed else None
        if missing is None:
            running.start(seed, self.start)
            missing = actions_in(history, size)
        for action in missing:
            running.step(action)

    def _put_engines(
        self,
        running: Environment,
        numbers: Numbers,
        texts: dict[int, Code],
        written: dict[int, Code],
    ) -> None:
        # A model first: simulators derive from it.
        self._put_cells(running, numbers, texts, written, of_models=True)
        at = 1
        for path, kind, size in self.engines:
            put_numbers(get(running, path), kind, self.means, numbers[at : at + size])
            at += size

    def _put_cells(
        self,
        running: Environment,
        numbers: Numbers,
        texts: dict[int, Code],
        written: dict[int, Code],
        *,
        of_models: bool,
    ) -> None:
        at = 1 + sum(size for _, _, size in self.engines)
        for index, cell in enumerate(self.cells):
            own, at = numbers[at : at + cell.size], at + cell.size
            if (cell.path[-1][0] == "@") is not of_models:
                continue
            if index in texts or not cell.kind:
                _put_code(running, cell, texts.get(index, cell.baseline), written)
            else:
                _put(running, cell, cell.value(own), written)

    def read(self, state: bytes) -> Numbers:
        """The numbers of a state.

        Raises:
            RobotError: these bytes are no state of this environment.
        """
        if len(state) != self.size * 8:
            raise RobotError(
                f"{len(state)} bytes are no state of this environment, which has {self.size * 8}. "
                "Use the environment, its options and the versions that recorded it."
            )
        numbers = np.frombuffer(state, "<f8").astype(np.float64)
        if not np.isfinite(numbers).all():
            raise RobotError("The state holds numbers that are none; the recording is damaged.")
        if numbers[0] != self.digest:
            raise RobotError(
                "This is the state of another environment, or of other versions of its packages."
            )
        return numbers

    def number(self, state: bytes, attribute: str) -> float:
        """One number of `Environment` itself in a state: `seed`, `steps`."""
        at = 1 + sum(size for _, _, size in self.engines)
        for cell in self.cells:
            if cell.path == ((".", attribute),):
                return float(self.read(state)[at])
            at += cell.size
        raise LookupError(attribute)

    def outcome(self) -> npt.NDArray[np.bool_]:
        """Which numbers say where an episode is: of simulators, and what was seen.

        The rest may hold things left over from an episode before, which a start does not clear.
        """
        seen = ("observation", "steps")
        of_cells = [[cell.path[0][1] in seen] * cell.size for cell in self.cells]
        engines = sum(size for _, _, size in self.engines)
        flags = [True] * (1 + engines) + [flag for flags in of_cells for flag in flags]
        return np.array(flags + [False] * (self.size - len(flags)))

    def parts(self, running: Environment) -> tuple[StatePart, ...]:
        """What each number of a state is."""
        parts = [StatePart("layout", "", counts=False)]
        for path, kind, _ in self.engines:
            parts += parts_of(get(running, path), kind, self.means)
        for cell in self.cells:
            word = name(cell.path)
            many = cell.size > 1 or cell.shape
            parts += [
                StatePart(f"{word}[{i}]" if many else word, "", counts=False)
                for i in range(cell.size)
            ]
        rest = self.size - self._history_size - len(parts)
        parts += [StatePart(f"text {i}", "", counts=False) for i in range(rest)]
        history = range(self._history_size)
        return (*parts, *(StatePart(f"history {i}", "", counts=False) for i in history))

    def _packed(self, texts: list[list[Code]]) -> list[Any]:
        raw = text(texts).encode()
        if len(raw) > self.text_bytes:
            raise CannotReplay(
                f"What the environment remembers beside numbers takes {len(raw)} bytes, "
                f"{self.text_bytes} were expected: it keeps a log, which is no state"
            )
        padded = raw.ljust(self.text_bytes, b"\0")
        groups = np.frombuffer(padded, np.uint8).reshape(-1, _PACK).astype(np.float64)
        return [[float(len(raw))], groups @ (256.0 ** np.arange(_PACK))]

    def _unpacked(self, numbers: Numbers) -> dict[int, Code]:
        try:
            raw = b"".join(int(value).to_bytes(_PACK, "little") for value in numbers[1:])
            return dict(json.loads(raw[: int(numbers[0])]))
        except (OverflowError, ValueError, TypeError) as error:
            raise RobotError(f"The text in this state is damaged: {error}") from None


def _look(running: Environment, cell: Cell) -> tuple[Any, Code]:
    """(value, None), or (None, its code) when there is nothing to encode."""
    try:
        value = get(running, cell.path)
    except LookupError:
        return None, MISSING
    if not is_plain(value):
        if cell.path[-1][0] == "@":  # memory of a simulator's structure
            return np.array(value), None
        if moves_nothing(value):  # a window that was opened meanwhile, say
            return None, cell.baseline
        raise CannotReplay(f"{name(cell.path)} is a {type(value).__name__} now, not plain numbers")
    return value, None


def _put_code(running: Environment, cell: Cell, code: Code, written: dict[int, Code]) -> None:
    value, present = _look(running, cell)
    if (encoded(value) if present is None else present) == code:
        return
    if code == MISSING:
        drop(running, cell.path)
    elif is_random(value):
        set_random(value, decoded(code))
    elif type(code) is list and code[0] == "random":
        raise LookupError(f"{name(cell.path)} is no generator of random numbers here")
    else:
        _put(running, cell, decoded(code), written)


def _put(running: Environment, cell: Cell, value: Any, written: dict[int, Code]) -> None:
    """Into the object that is there, when it was the same all the time; else as a new one."""
    current: Any = None
    if cell.in_place:
        try:
            current = get(running, cell.path)
        except LookupError:
            current = None
    same_type = type(current) is type(value) and isinstance(current, np.ndarray | list | dict | set)
    # Two names for one object now, which were not two names for one value then.
    if not same_type or written.setdefault(id(current), encoded(value)) != encoded(value):
        put(running, cell.path, value)
    elif not isinstance(current, np.ndarray):
        current.clear()
        (current.extend if isinstance(current, list) else current.update)(value)
    elif (current.shape, current.dtype) == (value.shape, value.dtype) and current.flags.writeable:
        current[...] = value
    else:
        put(running, cell.path, value)


def _portable(code: Code) -> Code:
    """A code without text: paths to files differ between machines and decide nothing."""
    if isinstance(code, str):
        return ""
    if not isinstance(code, list) or code[0] in ("array", "number", "float", "bytes", "missing"):
        return code
    if code[0] == "dict":
        return ["dict", *([key, _portable(value)] for key, value in code[1:])]
    return [code[0], *map(_portable, code[1:])]
